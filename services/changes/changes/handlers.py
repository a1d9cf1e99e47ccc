"""Every event that changes reacts to: load, decide, save, announce."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from bihuan_chassis import Timer, Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, Difference, ImpactAssessed, ImpactRow
from bihuan_contracts.goals import ProjectChanged, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import NoticeRequested
from bihuan_contracts.plm import BomReleased
from changes import store
from changes.domain.impact import Change, assess
from changes.domain.orders import Known, Verdict, change_id, judge, number_of
from changes.domain.structure import Line, Structure, differences, where_used
from changes.store import StoredOrder

EFFECTIVE = "change-effective"

log = structlog.get_logger()


async def on_bom_released(releases: Sequence[BomReleased], tx: Transaction) -> None:
    """Structure for all, and for each release that is a change its impact, as one set."""
    received = [one.received_at for one in tx.received] or [tx.now] * len(releases)
    sources = [one.source for one in tx.received] or ["plm"] * len(releases)
    verdicts, numbers_on_record = await _judge(tx, releases)
    plain = [release for release, verdict in zip(releases, verdicts, strict=True) if verdict is Verdict.STRUCTURE]
    if plain:
        await store.save_structure(tx, plain, [None] * len(plain))
    changed = [
        _new_order(release, verdict, at, source)
        for release, verdict, at, source in zip(releases, verdicts, received, sources, strict=True)
        if verdict not in {Verdict.STRUCTURE, Verdict.OUTDATED}
    ]
    if changed:
        await _record(tx, changed, numbers_on_record)


async def _judge(tx: Transaction, releases: Sequence[BomReleased]) -> tuple[list[Verdict], set[str]]:
    """Each release in the light of what is on record and of those before it in the batch; the numbers on record."""
    numbers = [number_of(release) for release in releases]
    known = await store.load_known(tx, releases, numbers)
    on_record = {number for number, one in known.items() if one.newest_revision is not None}
    versions = {release.item: known[number].current_version for release, number in zip(releases, numbers, strict=True)}
    verdicts = []
    for release, number in zip(releases, numbers, strict=True):
        verdict = judge(release, replace(known[number], current_version=versions[release.item]), tx.now)
        if verdict in {Verdict.STRUCTURE, Verdict.APPLY}:
            versions[release.item] = release.version
        if verdict is not Verdict.STRUCTURE:
            newest = max(release.revision, known[number].newest_revision or 0)
            known[number] = Known(newest, versions[release.item], current_is_own=True)
        verdicts.append(verdict)
    return verdicts, on_record


def _new_order(
    release: BomReleased, verdict: Verdict, received_at: datetime, source: str
) -> tuple[StoredOrder, Verdict]:
    number = number_of(release)
    order = ChangeOrderChanged(
        change=change_id(number, release.revision),
        number=number,
        revision=release.revision,
        state=ChangeState.REVIEW if verdict is Verdict.STALE_BASE else ChangeState.RELEASED,
        change_type=release.change_type,
        item=release.item,
        item_name=release.name,
        base_version=release.base_version,
        new_version=release.version,
        reason=release.reason,
        differences=(),
        modules=release.modules,
        products=(),
        source=source.removeprefix("upstream/").split(".")[0].removeprefix("bihuan/"),
        released_by=release.released_by,
        approved_by=release.approved_by,
        effective_at=release.effective_at,
        released_at=release.released_at,
        received_at=received_at,
        applied_at=None,
        closed_at=None,
        version=1,
    )
    return StoredOrder(order, release, None, 0), verdict


async def _record(tx: Transaction, changed: Sequence[tuple[StoredOrder, Verdict]], numbers_on_record: set[str]) -> None:
    numbers = [one.order.number for one, _ in changed if one.order.number in numbers_on_record]
    older = await store.older_revisions(tx, numbers) if numbers else {}
    blocked = [await _blocked(tx, one) for one, verdict in changed if verdict is Verdict.STALE_BASE]
    later = [one for one, verdict in changed if verdict is Verdict.LATER]
    await store.save_orders(tx, [*blocked, *later])
    tx.announce(*(one.order for one in [*blocked, *later]))
    for one in later:
        assert one.order.effective_at is not None
        tx.set_timer(EFFECTIVE, str(one.order.change), one.order.effective_at)
        await _announce_coming(tx, one)
    applied = [one for one, verdict in changed if verdict is Verdict.APPLY]
    if applied:
        await _apply(tx, applied, older)


async def _blocked(tx: Transaction, one: StoredOrder) -> StoredOrder:
    """A change on a base that has moved: kept, blocked, and its author told by whom."""
    by = await store.blocking_change(tx, one.order.item)
    if one.order.released_by:
        tx.announce(_stale_notice(one.order, by, tx.now))
    log.warning("change.stale_base", number=one.order.number, base=one.order.base_version)
    return replace(one, blocked_by=by)


def _stale_notice(order: ChangeOrderChanged, by: str | None, at: datetime) -> NoticeRequested:
    assert order.released_by is not None
    return NoticeRequested(
        person=order.released_by,
        kind="change_blocked",
        dedupe=f"blocked:{order.change}",
        title=Text(
            zh=f"{order.number} 的基线 {order.base_version} 已过期",
            en=f"The base {order.base_version} of {order.number} is out of date",
        ),
        body=Text(
            zh=f"{order.item} 已由 {by or '另一变更'} 换版，请基于新版本重新发布。",
            en=f"{order.item} was changed by {by or 'another change'}; release again on the new version.",
        ),
        link=f"/changes/{order.change}",
        change=order.change,
        at=at,
    )


async def _apply(tx: Transaction, orders: Sequence[StoredOrder], older: dict[str, list[StoredOrder]]) -> None:
    """The change takes effect: new structure, differences, impact, and the announcement of both."""
    lines = await store.load_lines(tx, _pairs(orders))
    await store.save_structure(tx, [one.release for one in orders], [one.order.change for one in orders])
    structure = await store.load_structure(
        tx, {one.order.item for one in orders} | {module for one in orders for module in one.release.modules}
    )
    reached = {one.order.change: [r.item for r in where_used(structure, one.order.item)] for one in orders}
    modules = {item for items in reached.values() for item in items} | {
        module for one in orders for module in one.release.modules
    }
    world = await store.load_world(tx, structure, modules)
    rules = await store.rules_in_force(tx, tx.now)
    rows: dict[UUID, tuple[ImpactRow, ...]] = {}
    saved: list[StoredOrder] = []
    for one in orders:
        found = _differences(one.release, lines)
        order = one.order.model_copy(
            update={
                "differences": found,
                "applied_at": tx.now,
                "state": ChangeState.RELEASED,
                "version": one.order.version + (1 if one.order.effective_at else 0),
                "products": tuple(item for item in reached[one.order.change] if str(structure.kind(item)) == "product"),
            }
        )
        rows[order.change] = assess(_change(order, one.release), world, rules)
        saved.append(StoredOrder(order, one.release, None, 1))
    superseded = _superseded(saved, older)
    await store.save_orders(tx, [*superseded, *saved])
    await store.save_rows(tx, rows)
    tx.announce(*(one.order for one in superseded))
    for one in saved:
        previous = older.get(one.order.number, ())
        tx.announce(one.order, _assessed(one, rows[one.order.change], previous[-1].order.change if previous else None))
    log.info("change.applied", changes=len(saved), rows=sum(map(len, rows.values())))


def _pairs(orders: Iterable[StoredOrder]) -> list[tuple[str, str]]:
    return [(one.order.item, one.order.base_version) for one in orders if one.order.base_version is not None]


def _differences(release: BomReleased, lines: dict[tuple[str, str], tuple[Line, ...]]) -> tuple[Difference, ...]:
    base = lines.get((release.item, release.base_version or ""))
    if base is None or release.lines is None:
        return ()  # the four-field form names no lines: the version alone moves
    return differences(base, [store.line_of(line) for line in release.lines])


def _superseded(saved: Sequence[StoredOrder], older: dict[str, list[StoredOrder]]) -> list[StoredOrder]:
    found = []
    for number in {one.order.number for one in saved}:
        for one in older.get(number, ()):
            update = {"state": ChangeState.SUPERSEDED, "version": one.order.version + 1}
            found.append(replace(one, order=one.order.model_copy(update=update)))
    return found


def _change(order: ChangeOrderChanged, release: BomReleased) -> Change:
    return Change(
        order.change, order.number, order.revision, order.item, order.item_name, order.base_version,
        order.new_version, order.change_type, release.modules, release.criteria, order.differences,
        order.released_by, order.released_at, order.received_at,
    )  # fmt: skip


def _assessed(one: StoredOrder, rows: Sequence[ImpactRow], supersedes: UUID | None) -> ImpactAssessed:
    order = one.order
    assert order.applied_at is not None
    return ImpactAssessed(
        change=order.change, number=order.number, revision=order.revision, item=order.item,
        item_name=order.item_name, base_version=order.base_version, new_version=order.new_version,
        reason=order.reason, rows=tuple(rows), supersedes=supersedes, released_by=order.released_by,
        released_at=order.released_at, received_at=order.received_at, applied_at=order.applied_at,
        version=one.impact_version,
    )  # fmt: skip


async def preview(tx: Transaction, release: BomReleased) -> tuple[ChangeOrderChanged, tuple[ImpactRow, ...], Verdict]:
    """What a release would do, without doing it (C2)."""
    (verdict,), _ = await _judge(tx, [release])
    one, _ = _new_order(release, verdict, tx.now, "form")
    lines = await store.load_lines(tx, _pairs([one]))
    structure = await store.load_structure(tx, {release.item, *release.modules})
    world = await store.load_world(tx, structure, {*_reached(structure, release.item), *release.modules})
    order = one.order.model_copy(update={"differences": _differences(release, lines)})
    return order, assess(_change(order, release), world, await store.rules_in_force(tx, tx.now)), verdict


def _reached(structure: Structure, item: str) -> set[str]:
    return {reached.item for reached in where_used(structure, item)}


async def _announce_coming(tx: Transaction, one: StoredOrder) -> None:
    """Notice before a change that takes effect at a date."""
    _, rows, _ = await preview(tx, one.release.model_copy(update={"effective_at": None, "revision": 10**6}))
    order = one.order
    assert order.effective_at is not None
    day = order.effective_at.date().isoformat()
    for person in sorted({row.person for row in rows}):
        tx.announce(
            NoticeRequested(
                person=person,
                kind="change_coming",
                dedupe=f"coming:{order.change}",
                title=Text(
                    zh=f"{order.item_name} {order.new_version} 将于 {day} 生效",
                    en=f"{order.item_name} {order.new_version} takes effect on {day}",
                ),
                body=Text(zh=order.reason or order.number, en=order.reason or order.number),
                link=f"/changes/{order.change}",
                change=order.change,
                at=tx.now,
            )
        )


async def on_change_effective(timers: Sequence[Timer], tx: Transaction) -> None:
    """Dated changes take effect now."""
    orders = await store.load_orders(tx, [UUID(timer.key) for timer in timers])
    due = [one for one in orders.values() if one.order.applied_at is None and one.order.state is ChangeState.RELEASED]
    older = await store.older_revisions(tx, [one.order.number for one in due])
    own = {one.order.change for one in due}
    others = {number: [one for one in listed if one.order.change not in own] for number, listed in older.items()}
    if due:
        await _apply(tx, due, others)


async def on_task_changed(tasks: Sequence[TaskChanged], tx: Transaction) -> None:
    """Keep the projection; catch tasks that appear on an outdated version; close changes whose retests are done."""
    fresh = await store.save_tasks(tx, tasks)
    outdated = await store.tasks_on_outdated_versions(tx, fresh)
    if outdated:
        await _reassess(tx, outdated)
    finished = [task.task for task in tasks if task.retest is not None]
    if finished:
        await _close(tx, await store.changes_with_all_retests_done(tx, finished))


async def _reassess(tx: Transaction, outdated: dict[UUID, list[UUID]]) -> None:
    """Late tasks join the impact of the change that outdated them, as a higher version of the same unit."""
    orders = await store.load_orders(tx, outdated)
    structure = await store.load_structure(tx, {one.order.item for one in orders.values()})
    world = await store.load_world(tx, structure, {one.order.item for one in orders.values()})
    rules = await store.rules_in_force(tx, tx.now)
    for change, tasks in outdated.items():
        one = orders[change]
        late = [row for row in assess(_change(one.order, one.release), world, rules) if row.task in tasks]
        if not late:
            continue
        before = await store.load_rows(tx, change)
        rows = (*before, *late)
        await store.save_rows(tx, {change: rows})
        reopened = one.order.model_copy(
            update={"state": ChangeState.RELEASED, "closed_at": None, "version": one.order.version + 1}
        )
        one = replace(one, impact_version=one.impact_version + 1)
        if one.order.state is ChangeState.CLOSED:
            one = replace(one, order=reopened)
            tx.announce(reopened)
        await store.save_orders(tx, [one])
        tx.announce(_assessed(one, rows, None))


async def _close(tx: Transaction, changes: Sequence[UUID]) -> None:
    """C10: every retest card has its report against the new criterion."""
    orders = await store.load_orders(tx, changes)
    closed = [
        replace(
            one,
            order=one.order.model_copy(
                update={"state": ChangeState.CLOSED, "closed_at": tx.now, "version": one.order.version + 1}
            ),
        )
        for one in orders.values()
    ]
    await store.save_orders(tx, closed)
    tx.announce(*(one.order for one in closed))


async def on_project_changed(projects: Sequence[ProjectChanged], tx: Transaction) -> None:
    await store.save_projects(tx, projects)


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)
