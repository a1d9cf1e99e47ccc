"""What a release means for change orders: judged, recorded, blocked, dated, applied, closed (C1, C10)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from bihuan_chassis import Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactRow
from bihuan_contracts.notify import NoticeRequested
from bihuan_contracts.plm import BomReleased
from changes import impacts, store
from changes.domain.orders import Known, Verdict, change_id, judge, number_of
from changes.store import StoredOrder

EFFECTIVE = "change-effective"

log = structlog.get_logger()


async def judge_all(tx: Transaction, releases: Sequence[BomReleased]) -> tuple[list[Verdict], set[str]]:
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
        version=1,
    )
    return StoredOrder(order, release, None, 0), verdict


async def record(tx: Transaction, changed: Sequence[tuple[StoredOrder, Verdict]], numbers_on_record: set[str]) -> None:
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
        await impacts.apply(tx, applied, older)


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


async def preview(tx: Transaction, release: BomReleased) -> tuple[ChangeOrderChanged, tuple[ImpactRow, ...], Verdict]:
    """What a release would do, without doing it (C2)."""
    (verdict,), _ = await judge_all(tx, [release])
    one, _ = new_order(release, verdict, tx.now, "form")
    order, rows = await impacts.foresee(tx, one.order, release)
    return order, rows, verdict


async def _announce_coming(tx: Transaction, one: StoredOrder) -> None:
    """Notice before a change that takes effect at a date."""
    order, rows = await impacts.foresee(tx, one.order, one.release)
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
