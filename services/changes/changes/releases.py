"""What a release means for change orders: judged, recorded, blocked, dated, applied, closed (C1, C10)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from bihuan_chassis import Timer, Transaction
from bihuan_chassis.batch import PermanentError
from bihuan_chassis.calendar import ZONE
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactRow
from bihuan_contracts.notify import NoticeRequested
from bihuan_contracts.plm import BomReleased
from changes import impacts, store
from changes.domain.orders import NOTHING_KNOWN, Known, Verdict, change_id, judge, number_of
from changes.domain.structure import first_inside_itself
from changes.store import StoredOrder

EFFECTIVE = "change-effective"
REMINDER = "change-reminder"
EXPIRES = "deviation-expires"
UNNAMED = "—"
"""Stands for the change that replaced a base when upstream has named none."""
_REMINDER_BEFORE = timedelta(days=1)
_LONGEST_REASON = 2000

log = structlog.get_logger()


async def judge_all(tx: Transaction, releases: Sequence[BomReleased]) -> tuple[list[Verdict], set[str]]:
    """Each release in the light of what is on record and of those before it in the batch; the numbers on record."""
    numbers = [number_of(release) for release in releases]
    known = await store.load_known(tx, releases, numbers)
    on_record = {number for number, one in known.items() if one.newest_revision is not None}
    versions: dict[str, str | None] = {}
    for release, number in zip(releases, numbers, strict=True):
        versions[release.item] = known.get(number, NOTHING_KNOWN).current_version
    verdicts = []
    for release, number in zip(releases, numbers, strict=True):
        one, current = known.get(number, NOTHING_KNOWN), versions[release.item]
        if one.current_version != current:
            one = replace(one, current_version=current)
        verdict = judge(release, one, tx.now)
        if verdict in {Verdict.STRUCTURE, Verdict.APPLY}:
            versions[release.item] = release.version
        if verdict is not Verdict.STRUCTURE:
            newest = max(release.revision, one.newest_revision or 0)
            known[number] = Known(newest, versions[release.item], current_is_own=True)
        verdicts.append(verdict)
    await _check_bases(tx, releases, verdicts)
    return verdicts, on_record


async def _check_bases(tx: Transaction, releases: Sequence[BomReleased], verdicts: Sequence[Verdict]) -> None:
    """A base that has moved is blocked; one that has never been released is a mistake of the sender."""
    pairs = [
        (release.item, release.base_version)
        for release, verdict in zip(releases, verdicts, strict=True)
        if verdict is Verdict.STALE_BASE and release.base_version is not None
    ]
    unknown = set(pairs) - await store.versions_on_record(tx, pairs) if pairs else set()
    for item, version in sorted(unknown):
        raise PermanentError(
            "unknown_base", Text(zh=f"{item} 没有版本 {version}", en=f"{item} has no version {version}"), "base_version"
        )


async def check_bills(tx: Transaction, releases: Sequence[BomReleased]) -> None:
    """Refuse a bill by which an item would contain itself; raises PermanentError naming the line."""
    billed = [release for release in releases if release.lines]
    above = await store.load_uses_above(tx, {release.item for release in billed}) if billed else {}
    for release in billed:
        children = [line.item for line in release.lines or ()]
        place = first_inside_itself(above, release.item, children)
        if place is not None:
            raise PermanentError(
                "cycle",
                Text(
                    zh=f"{children[place]} 已经包含 {release.item}，物料清单成环",
                    en=f"{children[place]} contains {release.item} already: the bill would contain itself",
                ),
                f"lines.{place}.item",
            )
        for child in children:
            above.setdefault(child, set()).add(release.item)


def new_order(
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
        author=release.released_by,
        expires_at=release.expires_at,
        version=1,
    )
    return StoredOrder(order, release, None, 0), verdict


def in_turns(changed: Sequence[tuple[StoredOrder, Verdict]]) -> list[list[tuple[StoredOrder, Verdict]]]:
    """Sets, mostly one, in which no item and no change order is twice: a later release builds on what came before."""
    turns: list[list[tuple[StoredOrder, Verdict]]] = []
    next_turn: dict[str, int] = {}
    for one in changed:
        of = one[0].order.item, one[0].order.number
        turn = max(next_turn.get(name, 0) for name in of)
        next_turn |= dict.fromkeys(of, turn + 1)
        if turn == len(turns):
            turns.append([])
        turns[turn].append(one)
    return turns


async def record(tx: Transaction, changed: Sequence[tuple[StoredOrder, Verdict]], numbers_on_record: set[str]) -> None:
    """Keep each order with what its verdict means: blocked, waiting for its date, or applied now."""
    if any(verdict is Verdict.APPLY for _, verdict in changed):
        await store.hold_tasks(tx)
    numbers = [one.order.number for one, _ in changed if one.order.number in numbers_on_record]
    own = [one.order.change for one, _ in changed]
    older = await store.older_revisions(tx, numbers, besides=own) if numbers else {}
    blocked = [await blocked_by_another(tx, one) for one, verdict in changed if verdict is Verdict.STALE_BASE]
    later = [one for one, verdict in changed if verdict is Verdict.LATER]
    await store.save_orders(tx, [*blocked, *later])
    tx.announce(*(one.order for one in [*blocked, *later]))
    for one in later:
        await _wait_for_its_date(tx, one)
    applied = [one for one, verdict in changed if verdict is Verdict.APPLY]
    if applied:
        await impacts.apply(tx, applied, older)
        await after_applying(tx, applied)


async def after_applying(tx: Transaction, applied: Sequence[StoredOrder]) -> None:
    """Deviations get their end, and open orders on the same items learn that their base is gone."""
    for one in applied:
        if one.order.expires_at is not None:
            tx.set_timer(EXPIRES, str(one.order.change), max(one.order.expires_at, tx.now))
    for one in await store.made_stale(tx, {one.order.item for one in applied}):
        stale = await blocked_by_another(tx, one)
        stale = replace(stale, order=stale.order.model_copy(update={"version": stale.order.version + 1}))
        await store.save_orders(tx, [stale])
        tx.announce(stale.order)


async def blocked_by_another(tx: Transaction, one: StoredOrder) -> StoredOrder:
    """A change on a base that has moved: kept, blocked, and its author told by whom."""
    by = await store.blocking_change(tx, one.order.item) or UNNAMED
    if one.order.author:
        tx.announce(_stale_notice(one.order, by, tx.now))
    log.warning("change.stale_base", number=one.order.number, base=one.order.base_version)
    return replace(one, blocked_by=by)


async def _wait_for_its_date(tx: Transaction, one: StoredOrder) -> None:
    """The change acts at its date; everybody it will affect knows now, and again a day before."""
    at = one.order.effective_at
    assert at is not None
    tx.set_timer(EFFECTIVE, str(one.order.change), at)
    if at - _REMINDER_BEFORE > tx.now:
        tx.set_timer(REMINDER, str(one.order.change), at - _REMINDER_BEFORE)
    await _announce_coming(tx, one)


def _stale_notice(order: ChangeOrderChanged, by: str, at: datetime) -> NoticeRequested:
    assert order.author is not None
    return NoticeRequested(
        person=order.author,
        kind="change_blocked",
        dedupe=f"blocked:{order.change}",
        title=Text(
            zh=f"{order.number} 的基线 {order.base_version} 已过期",
            en=f"The base {order.base_version} of {order.number} is out of date",
        ),
        body=Text(
            zh=f"{order.item} 已由 {by} 换版。请看对方改了什么，再变基到新版本。",
            en=f"{order.item} was changed by {by}. See what it did, then rebase on the new version.",
        ),
        link=f"/changes/{order.change}",
        change=order.change,
        at=at,
    )


async def preview(tx: Transaction, release: BomReleased) -> tuple[ChangeOrderChanged, tuple[ImpactRow, ...], Verdict]:
    """What a release would do, without doing it (C2)."""
    (verdict,), _ = await judge_all(tx, [release])
    one, _ = new_order(release, verdict, tx.now, "form")
    order, rows = await impacts.foresee(tx, one.order, release)
    return order, rows, verdict


async def _announce_coming(tx: Transaction, one: StoredOrder, *, soon: bool = False) -> None:
    """Notice before a change that takes effect at a date."""
    order, rows = await impacts.foresee(tx, one.order, one.release)
    assert order.effective_at is not None
    day = order.effective_at.astimezone(ZONE).date().isoformat()
    for person in sorted({row.person for row in rows}):
        tx.announce(
            NoticeRequested(
                person=person,
                kind="change_coming",
                dedupe=f"coming:{order.change}:soon" if soon else f"coming:{order.change}",
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


async def on_reminder(timers: Sequence[Timer], tx: Transaction) -> None:
    """A day before a dated change acts."""
    for one in (await store.load_orders(tx, [UUID(timer.key) for timer in timers])).values():
        if one.order.state is ChangeState.RELEASED and one.order.applied_at is None:
            await _announce_coming(tx, one, soon=True)


async def on_effective(timers: Sequence[Timer], tx: Transaction) -> None:
    """Dated changes take effect now; one whose base has moved meanwhile is blocked instead."""
    await store.hold_tasks(tx)
    orders = await store.load_orders(tx, [UUID(timer.key) for timer in timers])
    due = [one for one in orders.values() if one.order.applied_at is None and one.order.state is ChangeState.RELEASED]
    verdicts = [await _verdict_now(tx, one) for one in due]
    waiting = [
        _back_to_review(one) if verdict is Verdict.STALE_BASE else one
        for one, verdict in zip(due, verdicts, strict=True)
    ]
    await record(tx, list(zip(waiting, verdicts, strict=True)), {one.order.number for one in due})


async def _verdict_now(tx: Transaction, one: StoredOrder) -> Verdict:
    """Whether its base is still the one in force; an older revision of the same order may have made the current one."""
    current = await store.lock_item(tx, one.order.item)
    if one.order.base_version is None or current in {None, one.order.base_version, one.order.new_version}:
        return Verdict.APPLY
    by = await store.changes_since(tx, one.order.item, one.order.base_version)
    return Verdict.APPLY if by and all(other.order.number == one.order.number for other in by) else Verdict.STALE_BASE


def _back_to_review(one: StoredOrder) -> StoredOrder:
    update = {"state": ChangeState.REVIEW, "version": one.order.version + 1}
    return replace(one, order=one.order.model_copy(update=update))


async def on_expired(timers: Sequence[Timer], tx: Transaction) -> None:
    """Deviations end: a next revision of each, released by the system, brings the base version back (C1)."""
    await store.hold_tasks(tx)
    orders = await store.load_orders(tx, [UUID(timer.key) for timer in timers])
    for one in orders.values():
        order = one.order
        in_force = order.state in {ChangeState.RELEASED, ChangeState.CLOSED} and order.base_version is not None
        if not in_force or await store.lock_item(tx, order.item) != order.new_version:
            continue  # something newer has replaced the deviation already
        ended, verdict = new_order(await _return(tx, one), Verdict.APPLY, tx.now, "deviation")
        await store.note_step(tx, order.change, "expired", None)
        await record(tx, [(ended, verdict)], {order.number})
        log.info("deviation.expired", number=order.number)


async def _return(tx: Transaction, one: StoredOrder) -> BomReleased:
    """The release that ends a deviation."""
    base = one.order.base_version
    assert base is not None
    bills = await store.load_bills(tx, [(one.order.item, base)])
    return one.release.model_copy(
        update={
            "base_version": one.order.new_version,
            "version": base,
            "lines": bills.get((one.order.item, base)),
            "change": one.order.number,
            "revision": one.order.revision + 1,
            "change_type": "deviation_end",
            "reason": f"偏差到期，恢复 {base}。{one.order.reason}"[:_LONGEST_REASON],
            "criteria": (),
            "effective_at": None,
            "expires_at": None,
            "released_at": tx.now,
        }
    )


async def close(tx: Transaction, changes: Sequence[UUID]) -> None:
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
