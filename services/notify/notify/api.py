"""HTTP endpoints of notify: everybody reads and confirms their own notices only."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from bihuan_chassis import Live
from bihuan_chassis.http import ANYBODY_SIGNED_IN, EVERYONE, Caller, NotFound, Reply, Tx, allow, router
from bihuan_contracts import Text
from bihuan_contracts.notify import ReceiptState
from notify import store
from notify.domain.notices import belonging
from notify.handlers import ESCALATE, MAIL, receipt_of

routes = router(tags=["notify"])


class Which(StrEnum):
    OPEN = "open"
    UNREAD = "unread"
    DONE = "done"
    ALL = "all"


class TargetMoved(Reply):
    field: str
    old: str | None
    new: str | None


class Amendment(Reply):
    """Targets that the change recalculated on one of my tasks."""

    task: UUID
    task_code: str
    task_title: str
    changes: list[TargetMoved]
    at: datetime


class Item(Reply):
    """One thing that concerns me."""

    row: UUID
    action: str
    module: str
    module_name: str
    old_version: str | None
    new_version: str | None
    task: UUID | None
    task_code: str | None
    task_title: str | None
    project_name: str | None
    criterion: str | None
    must_confirm: bool
    explanation: Text


class CardLink(Reply):
    task: UUID
    code: str
    module: str


class Transition(Reply):
    channel: str
    state: str
    at: datetime
    detail: str | None


class Notice(Reply):
    notice: UUID
    kind: str
    title: Text
    body: Text
    items: list[Item]
    amendments: list[Amendment]
    cards: list[CardLink]
    link: str
    must_confirm: bool
    mentioned_by: str | None
    mentioned_by_name: str | None
    change: UUID | None
    released_at: datetime | None
    delivered_at: datetime
    seen_at: datetime | None
    read_at: datetime | None
    confirmed_at: datetime | None
    settled_at: datetime | None
    """What it asked for was done without its confirmation."""
    escalate_at: datetime | None
    escalations: int
    superseded: bool


class NoticeDetail(Reply):
    notice: Notice
    states: list[Transition]


class Inbox(Reply):
    notices: list[Notice]
    unread: int
    to_confirm: int


class Unread(Reply):
    unread: int
    to_confirm: int


class Delivery(Reply):
    """How fast one person had the notice, in seconds from the upstream release and from our receiving it (C6)."""

    person: str
    name: str
    must_confirm: bool
    delivered_at: datetime
    seconds_from_release: float | None
    seconds_from_receipt: float | None
    read_at: datetime | None
    confirmed_at: datetime | None
    escalations: int
    """0: still in time; 1: reminded; 2: the manager has been told."""
    superseded: bool


class Deliveries(Reply):
    deliveries: list[Delivery]
    limit_seconds: int
    p50: float | None
    p95: float | None
    slowest: float | None
    misses: list[str]
    """Names of those who had it later than the limit."""
    unconfirmed: list[str]
    """Names of those who must confirm and had not when they were reminded (N3)."""


LIMIT_SECONDS = 120


@routes.get("/inbox", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def read_inbox(
    tx: Tx, caller: Caller, filter: Which = Which.OPEN, limit: Annotated[int, Query(ge=1, le=200)] = 100
) -> Inbox:
    rows = await store.inbox(tx, caller.id, str(filter), limit)
    unread, to_confirm = await store.unread(tx, caller.id)
    return Inbox(notices=await _notices(tx, rows, caller.id), unread=unread, to_confirm=to_confirm)


@routes.get("/unread", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def count_unread(tx: Tx, caller: Caller) -> Unread:
    unread, to_confirm = await store.unread(tx, caller.id)
    return Unread(unread=unread, to_confirm=to_confirm)


@routes.get("/notices/{notice}", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def read_notice(notice: UUID, tx: Tx, caller: Caller) -> NoticeDetail:
    return await _detail(tx, await _own(tx, notice, caller), caller.id)


@routes.post("/notices/{notice}/seen", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def mark_seen(notice: UUID, tx: Tx, caller: Caller) -> NoticeDetail:
    row = await _own(tx, notice, caller)
    if row["seen_at"] is None:
        await store.mark(tx, notice)
        await store.add_states(tx, [(notice, "site", "seen", None)])
    return await _detail(tx, await _own(tx, notice, caller), caller.id)


@routes.post("/notices/{notice}/read", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def mark_read(notice: UUID, tx: Tx, caller: Caller) -> NoticeDetail:
    row = await _own(tx, notice, caller)
    if row["read_at"] is None:
        await store.mark(tx, notice, read=True)
        await store.add_states(tx, [(notice, "site", "read", None)])
        tx.announce(receipt_of(row, "site", ReceiptState.READ, tx.now))
        tx.live(Live("notice", str(notice), (caller.id,), {"new": False}))
    return await _detail(tx, await _own(tx, notice, caller), caller.id)


@routes.post("/notices/{notice}/confirm", dependencies=[allow(ANYBODY_SIGNED_IN)])
async def confirm(notice: UUID, tx: Tx, caller: Caller) -> NoticeDetail:
    """Confirming stops everything that is pending for this person; twice is once (N2, N3)."""
    row = await _own(tx, notice, caller)
    if row["confirmed_at"] is None:
        await store.mark(tx, notice, confirmed=True)
        read = [] if row["read_at"] else [(notice, "site", "read", None)]
        await store.add_states(tx, [*read, (notice, "site", "confirmed", None)])
        tx.cancel_timer(ESCALATE, str(notice))
        tx.cancel_timer(MAIL, str(notice))
        tx.announce(receipt_of(row, "site", ReceiptState.CONFIRMED, tx.now))
        tx.live(Live("notice", str(notice), (caller.id,), {"new": False}))
    return await _detail(tx, await _own(tx, notice, caller), caller.id)


@routes.get("/changes/{change}/deliveries", dependencies=[allow(EVERYONE)])
async def read_deliveries(change: UUID, tx: Tx) -> Deliveries:
    """The two-minute clock: who had it when, and the misses by name (C6)."""
    found = _by_person([_delivery(row) for row in await store.deliveries(tx, change)])
    times = sorted(one.seconds_from_release for one in found if one.seconds_from_release is not None)
    return Deliveries(
        deliveries=found,
        limit_seconds=LIMIT_SECONDS,
        p50=_percentile(times, 50),
        p95=_percentile(times, 95),
        slowest=times[-1] if times else None,
        misses=[one.name for one in found if (one.seconds_from_release or 0) > LIMIT_SECONDS],
        unconfirmed=[one.name for one in found if one.escalations and not one.confirmed_at and not one.superseded],
    )


def _by_person(listed: list[Delivery]) -> list[Delivery]:
    """Who was told again of what joined later is one person still: told first, done when all is confirmed."""
    found: dict[tuple[str, bool], Delivery] = {}
    for one in listed:
        first = found.setdefault((one.person, one.superseded), one)
        if first is not one:
            asked = [both for both in (first, one) if both.must_confirm] or [first, one]
            decisive = next((both for both in reversed(asked) if both.confirmed_at is None), asked[-1])
            states = ("must_confirm", "read_at", "confirmed_at", "escalations")
            update = {name: getattr(decisive, name) for name in states}
            found[one.person, one.superseded] = first.model_copy(update=update)
    return list(found.values())


def _percentile(ordered: list[float], percent: int) -> float | None:
    """Nearest rank."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def _delivery(row: Any) -> Delivery:
    return Delivery(
        person=row["person"], name=row["name"] or row["person"], must_confirm=row["must_confirm"],
        delivered_at=row["delivered_at"], seconds_from_release=_seconds(row["released_at"], row["delivered_at"]),
        seconds_from_receipt=_seconds(row["received_at"], row["delivered_at"]), read_at=row["read_at"],
        confirmed_at=row["confirmed_at"], escalations=row["escalations"], superseded=row["superseded"],
    )  # fmt: skip


def _seconds(start: datetime | None, end: datetime) -> float | None:
    # Clocks of two systems: a release that seems to lie ahead counts as no time at all.
    return max(0.0, (end - start).total_seconds()) if start is not None else None


async def _own(tx: Tx, notice: UUID, caller: Caller) -> Any:
    row = await store.own_notice(tx, notice, caller.id)
    if row is None:
        raise NotFound()
    return row


async def _detail(tx: Tx, row: Any, person: str) -> NoticeDetail:
    states = [Transition(**dict(state)) for state in await store.states_of(tx, row["notice"])]
    return NoticeDetail(notice=(await _notices(tx, [row], person))[0], states=states)


async def _notices(tx: Tx, rows: list[Any], person: str) -> list[Notice]:
    changes = {row["change"] for row in rows if row["change"]}
    amendments = await store.amendments_of(tx, [(change, person) for change in changes])
    cards = await store.cards_of(tx, changes, person)
    names = await _names(tx, {row["mentioned_by"] for row in rows if row["mentioned_by"]})
    return [
        Notice(
            **{name: row[name] for name in Notice.model_fields if name in row.keys()},  # noqa: SIM118 - a record
            amendments=[
                Amendment(**{name: one[name] for name in Amendment.model_fields})
                for one in belonging(row, amendments.get((row["change"], person), []))
            ],
            cards=[
                CardLink(task=card["task"], code=card["code"], module=card["module"])
                for card in cards.get(row["change"], [])
            ],
            mentioned_by_name=names.get(row["mentioned_by"] or ""),
        )
        for row in rows
    ]


async def _names(tx: Tx, people: set[str]) -> dict[str, str]:
    rows = await tx.raw.fetch("select person, name from people where person = any($1::text[])", list(people))
    return {row["person"]: row["name"] for row in rows}
