"""Compensations from the agreement to the receiver's word: told, reminded, overdue by name (C7)."""

from collections.abc import Sequence
from uuid import UUID

from bihuan_chassis import Timer, Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_contracts import Text
from bihuan_contracts.changes import CompensationKind
from bihuan_contracts.notify import NoticeRequested
from changes import compensation_store, consent_store, store
from changes.domain.compensation import AGAIN_AFTER_DAYS, DUE_WITHIN_DAYS, REMIND_BEFORE, Promise, promises
from changes.domain.consent import Matrix

DUE = "compensation-due"
_PAGE = "/consents/compensations"
_CALENDAR = Calendar()
_UNITS = {
    CompensationKind.REST_DAYS: ("调休 {} 天", "{} days of rest"),
    CompensationKind.BONUS_POINTS: ("奖励分 {}", "{} bonus points"),
    CompensationKind.HELP: ("协助 {} 小时", "{} hours of help"),
    CompensationKind.MOVED_DEADLINE: ("到期顺延 {} 个工作日", "a deadline moved by {} working days"),
}


async def promised(tx: Transaction, matrix: Matrix) -> None:
    """The matrix is settled: what it promises is owed from now on."""
    found = promises(matrix, tx.now, _CALENDAR.add(tx.now, DUE_WITHIN_DAYS))
    await compensation_store.add(tx, found)
    for one in found:
        remind_at = one.due_at - REMIND_BEFORE
        if remind_at > tx.now:
            tx.set_timer(DUE, str(one.row), remind_at, {"step": 1})
        else:
            tx.set_timer(DUE, str(one.row), max(one.due_at, tx.now), {"step": 2})


async def given(tx: Transaction, promise: Promise) -> None:
    await compensation_store.save(tx, promise)
    names = await store.people_names(tx, [promise.giver])
    name = names.get(promise.giver, promise.giver)
    title = Text(
        zh=f"{name} 登记已兑现：{words(promise).zh}，请确认",
        en=f"{name} says that it is given: {words(promise).en}. Please confirm",
    )
    tx.announce(_notice(tx, promise, promise.receiver, "compensation_given", title, str(tx.now.timestamp())))


async def contested(tx: Transaction, promise: Promise) -> None:
    await compensation_store.save(tx, promise)
    names = await store.people_names(tx, [promise.receiver])
    name = names.get(promise.receiver, promise.receiver)
    title = Text(zh=f"{name} 还没有收到：{words(promise).zh}", en=f"{name} has not received it: {words(promise).en}")
    tx.announce(_notice(tx, promise, promise.giver, "compensation_contested", title, str(tx.now.timestamp())))


async def received(tx: Transaction, promise: Promise) -> None:
    await compensation_store.save(tx, promise)
    tx.cancel_timer(DUE, str(promise.row))


async def on_due(timers: Sequence[Timer], tx: Transaction) -> None:
    """A day before, who owes it is told; when it is due, the manager too, and again until the receiver confirms."""
    found = await compensation_store.load(tx, [UUID(timer.key) for timer in timers])
    managers = await consent_store.managers(tx, {one.giver for one in found.values()})
    names = await store.people_names(tx, {one.receiver for one in found.values()})
    for timer in timers:
        promise = found.get(UUID(timer.key))
        if promise is None or promise.received_at is not None:
            continue
        step = int(timer.payload.get("step", 1))
        name = names.get(promise.receiver, promise.receiver)
        if promise.given_at is not None:
            title = Text(
                zh=f"请确认是否收到：{words(promise).zh}", en=f"Please confirm that you have got {words(promise).en}"
            )
            tx.announce(_notice(tx, promise, promise.receiver, "compensation_unconfirmed", title, str(step)))
        elif step == 1:
            title = Text(
                zh=f"明天到期：欠 {name} 的{words(promise).zh}",
                en=f"Due tomorrow: {words(promise).en} that you owe {name}",
            )
            tx.announce(_notice(tx, promise, promise.giver, "compensation_due", title, str(step)))
        else:
            title = Text(
                zh=f"已过期：欠 {name} 的{words(promise).zh}", en=f"Overdue: {words(promise).en}, owed to {name}"
            )
            for person in dict.fromkeys(one for one in (promise.giver, managers.get(promise.giver)) if one):
                tx.announce(_notice(tx, promise, person, "compensation_overdue", title, str(step)))
        again = promise.due_at if step == 1 else _CALENDAR.add(tx.now, AGAIN_AFTER_DAYS)
        tx.set_timer(DUE, timer.key, again, {"step": step + 1})


def words(promise: Promise) -> Text:
    zh, en = _UNITS.get(promise.kind, ("补偿 {}", "compensation {}"))
    amount = format(promise.amount.normalize(), "f")
    return Text(zh=zh.format(amount), en=en.format(amount))


def _notice(tx: Transaction, promise: Promise, person: str, kind: str, title: Text, step: str) -> NoticeRequested:
    return NoticeRequested(
        person=person, kind=kind, dedupe=f"{kind}:{promise.row}:{step}", title=title, body=title, link=_PAGE,
        at=tx.now,
    )  # fmt: skip
