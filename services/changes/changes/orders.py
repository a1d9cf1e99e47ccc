"""Change orders that people write here: each step saved, noted, announced, told to whom it concerns (C1, C2)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from bihuan_chassis import Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeState
from bihuan_contracts.notify import NoticeRequested
from bihuan_contracts.plm import BomLine, BomReleased
from changes import impacts, releases, store
from changes.domain.orders import Verdict
from changes.domain.rebasing import Clash, rebase
from changes.domain.steps import Action, Actor, Standing, after
from changes.store import StoredOrder

log = structlog.get_logger()


async def standing(tx: Transaction, one: StoredOrder, *, approval_needed: bool) -> Standing:
    """What the steps of an order depend on, now."""
    order = one.order
    open_retests: tuple[str, ...] = ()
    if order.state is ChangeState.RELEASED and order.applied_at is not None:
        waiting = await store.retests_without_report(tx, order.change)
        open_retests = tuple(one["code"] or one["title"] or one["person"] for one in waiting)
    return Standing(
        order.state, order.author, order.approved_by, order.applied_at is not None, one.blocked_by, open_retests,
        approval_needed,
    )  # fmt: skip


async def draft(tx: Transaction, release: BomReleased, author: str, *, why: str = "drafted") -> StoredOrder:
    one, _ = releases.new_order(release, Verdict.APPLY, tx.now, "form")
    one = _with(one, state=ChangeState.DRAFT, author=author, released_by=None, approved_by=())
    await _save(tx, one, why, author)
    return one


async def edit(tx: Transaction, one: StoredOrder, release: BomReleased, by: Actor) -> StoredOrder:
    """New content; what was approved before is not approved any more."""
    fresh, _ = releases.new_order(release, Verdict.APPLY, tx.now, "form")
    order = fresh.order.model_copy(
        update={
            "state": one.order.state, "author": one.order.author, "released_by": None, "approved_by": (),
            "version": one.order.version + 1,
        }
    )  # fmt: skip
    current = await store.lock_item(tx, order.item)
    blocked_by = one.blocked_by if current is not None and current != order.base_version else None
    one = StoredOrder(order, release, blocked_by, 0)
    await _save(tx, one, "edited", by.person)
    return one


def allowed(now: Standing, action: Action, by: Actor) -> None:
    """Raises StepRefusedError."""
    after(now, action, by)


async def take(
    tx: Transaction, one: StoredOrder, action: Action, by: Actor, now: Standing, reason: str | None
) -> StoredOrder:
    """The steps that need no more than a reason; raises StepRefusedError."""
    state = after(now, action, by)
    match action:
        case Action.RELEASE:
            return await _release(tx, one, by)
        case Action.REVISE:
            return await _revise(tx, one, by)
        case Action.APPROVE:
            one = _next(one, approved_by=(*one.order.approved_by, by.person))
        case Action.CLOSE:
            one = _next(one, state=state, closed_at=tx.now)
        case Action.CANCEL:
            tx.cancel_timer(releases.EFFECTIVE, str(one.order.change))
            tx.cancel_timer(releases.REMINDER, str(one.order.change))
            one = replace(_next(one, state=state), blocked_by=None)
        case Action.WITHDRAW | Action.SEND_BACK | Action.SUBMIT:
            one = _next(one, state=state, approved_by=())
    was_released = now.state is ChangeState.RELEASED
    await _save(tx, one, _NOTED[action], by.person, reason)
    await _tell(tx, one, action, by, reason, was_released=was_released)
    log.info("change.step", action=str(action), number=one.order.number, state=str(one.order.state))
    return one


_NOTED = {
    Action.SUBMIT: "submitted", Action.WITHDRAW: "withdrawn", Action.APPROVE: "approved",
    Action.SEND_BACK: "sent_back", Action.CANCEL: "cancelled", Action.CLOSE: "closed",
}  # fmt: skip


async def _release(tx: Transaction, one: StoredOrder, by: Actor) -> StoredOrder:
    """From here on it is as if the PLM had released it: the same code records it."""
    order = one.order
    # Where the author may publish without somebody else, the author answers for it.
    approved_by = order.approved_by or (by.person,)
    update = {"released_by": order.author or by.person, "approved_by": approved_by, "released_at": tx.now}
    later = order.effective_at is not None and order.effective_at > tx.now
    one = replace(
        _next(one, state=ChangeState.RELEASED, received_at=tx.now, **update),
        release=one.release.model_copy(update=update),
        blocked_by=None,
    )
    await store.note_step(tx, order.change, "released", by.person)
    await releases.record(tx, [(one, Verdict.LATER if later else Verdict.APPLY)], {order.number})
    found = await store.find_order(tx, order.change)
    assert found is not None
    return found


async def _revise(tx: Transaction, one: StoredOrder, by: Actor) -> StoredOrder:
    """A draft of the next revision, on the version that this one has made."""
    revision = await store.newest_revision(tx, one.order.number) + 1
    release = one.release.model_copy(
        update={
            "change": one.order.number, "revision": revision, "base_version": one.order.new_version,
            "effective_at": None, "expires_at": None, "lines": None, "released_at": tx.now, "approved_by": (),
            "version": f"{one.order.new_version}.{revision}"[:40],
        }
    )  # fmt: skip
    return await draft(tx, release, by.person, why="revised")


async def rebase_on_current(
    tx: Transaction, one: StoredOrder, by: Actor, now: Standing, *, new_version: str, keep: Mapping[str, str]
) -> tuple[StoredOrder, tuple[Clash, ...]]:
    """The order on the version in force, without approvals: they were for the old base. Clashes leave it as it was."""
    after(now, Action.REBASE, by)
    current = await store.lock_item(tx, one.order.item)
    assert current is not None
    lines, clashes = await rebased_lines(tx, one, current, keep)
    if clashes:
        return one, clashes
    update: dict[str, Any] = {"base_version": current, "approved_by": ()}
    release = one.release.model_copy(update=update | {"version": new_version, "lines": lines})
    one = replace(_next(one, **update, new_version=new_version), release=release, blocked_by=None)
    await _save(tx, one, "rebased", by.person, f"→ {current}")
    return one, ()


async def rebased_lines(
    tx: Transaction, one: StoredOrder, current: str, keep: Mapping[str, str]
) -> tuple[tuple[BomLine, ...] | None, tuple[Clash, ...]]:
    mine, item, base = one.release.lines, one.order.item, one.order.base_version
    bills = await store.load_bills(tx, [(item, current), (item, base or "")])
    theirs, was = bills.get((item, current)), bills.get((item, base or ""))
    if mine is None or theirs is None or was is None:
        return mine, ()  # without the bills there is nothing to compare: the version alone moves
    return rebase(was, mine, theirs, keep)


def _next(one: StoredOrder, **update: Any) -> StoredOrder:
    return _with(one, version=one.order.version + 1, **update)


def _with(one: StoredOrder, **update: Any) -> StoredOrder:
    return replace(one, order=one.order.model_copy(update=update))


async def _save(tx: Transaction, one: StoredOrder, step: str, by: str | None, reason: str | None = None) -> None:
    if one.order.state in {ChangeState.DRAFT, ChangeState.REVIEW}:
        one = _with(one, released_at=tx.now)
    await store.save_orders(tx, [one])
    await store.note_step(tx, one.order.change, step, by, reason)
    tx.announce(one.order)


async def _tell(
    tx: Transaction, one: StoredOrder, action: Action, by: Actor, reason: str | None, *, was_released: bool
) -> None:
    order = one.order
    name = f"{order.number} {order.item_name} {order.new_version}"
    words = Text(zh=reason or order.reason or name, en=reason or order.reason or name)
    if action is Action.SUBMIT:
        title = Text(zh=f"待审批：{name}", en=f"To approve: {name}")
        _notices(tx, one, "change_review", await _reviewers(tx, one), title, words, by)
    elif action is Action.APPROVE and order.author:
        title = Text(zh=f"{name} 已审批，可以发布", en=f"{name} is approved and can be released")
        _notices(tx, one, "change_approved", [order.author], title, words, by)
    elif action is Action.SEND_BACK and order.author:
        title = Text(zh=f"{name} 被退回修改", en=f"{name} was sent back")
        _notices(tx, one, "change_sent_back", [order.author], title, words, by)
    elif action is Action.CANCEL and was_released:
        _, rows = await impacts.foresee(tx, order, one.release)
        title = Text(zh=f"{name} 已撤销，不会生效", en=f"{name} is cancelled: it will not take effect")
        _notices(tx, one, "change_cancelled", {row.person for row in rows}, title, words, by)


async def _reviewers(tx: Transaction, one: StoredOrder) -> list[str]:
    """The leads of the projects that the change would touch; without any, the process owners."""
    _, rows = await impacts.foresee(tx, one.order, one.release)
    leads = await store.leads_of(tx, {row.project for row in rows if row.project})
    found = {person for person in leads if person != one.order.author}
    return sorted(found) or await store.people_with_role(tx, "process_owner")


def _notices(
    tx: Transaction, one: StoredOrder, kind: str, people: Iterable[str], title: Text, words: Text, by: Actor
) -> None:
    for person in sorted(set(people) - {by.person}):
        tx.announce(
            NoticeRequested(
                person=person, kind=kind, dedupe=f"{kind}:{one.order.change}:{one.order.version}", title=title,
                body=words, link=f"/changes/{one.order.change}", mentioned_by=by.person, change=one.order.change,
                at=tx.now,
            )
        )  # fmt: skip
