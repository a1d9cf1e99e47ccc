"""Appeals as their sides work on them: each step saved, told, and its clock set (C9)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from bihuan_chassis import Live, Timer, Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_contracts import Text
from bihuan_contracts.goals import TargetsRecalculated
from bihuan_contracts.notify import NoticeRequested
from changes import appeal_store, consent_store, consents, record_store, store
from changes.domain import appeal as rules
from changes.domain import bundle
from changes.domain.appeal import Appeal, AppealState, Outcome
from changes.domain.bundle import Item
from changes.domain.consent import Matrix

DUE = "appeal-due"
_NEXT = "appeal_next"
_AGAIN_DAYS = 1
_MOST_REMINDERS = 5

_CALENDAR = Calendar()
_WORDS = {
    AppealState.FILED: Text(zh="等你决定是否受理", en="waits for you to admit it or not"),
    AppealState.ADMITTED: Text(zh="已受理，等双方陈述后封存证据", en="is admitted; freeze what both sides have said"),
    AppealState.FROZEN: Text(zh="证据已封存，等你决定", en="has its evidence frozen and waits for your decision"),
    AppealState.DECIDED: Text(zh="已决定，等重算", en="is decided and waits for the recalculation"),
    AppealState.RECALCULATED: Text(zh="已重算，请确认结果", en="is recalculated: please acknowledge the result"),
}

log = structlog.get_logger()


def due_for(state: AppealState, now: datetime) -> datetime | None:
    days = rules.WITHIN_DAYS.get(state)
    return _CALENDAR.add(now, days) if days is not None else None


def filed_in_time(at: datetime, now: datetime) -> bool:
    return now <= _CALENDAR.add(at, rules.FILE_WITHIN_DAYS)


async def handler_for(tx: Transaction, appellant: str, respondent: str | None, concerned: Iterable[str]) -> str | None:
    sides = [appellant, *([respondent] if respondent else [])]
    people = await appeal_store.colleagues(tx)
    return rules.find_handler(people, sides, concerned, await appeal_store.open_by_handler(tx))


async def filed(tx: Transaction, appeal: Appeal) -> bool:
    if not await appeal_store.add(tx, appeal):
        return False
    await appeal_store.note(tx, appeal.appeal, "filed", appeal.appellant, appeal.statement)
    _clock(tx, appeal)
    await _tell_next(tx, appeal)
    if appeal.handler is None:
        for person in await appeal_store.auditors(tx):
            title = Text(
                zh=f"{appeal.number} 没有汇报线之外的处理人，请指定", en=f"{appeal.number} needs a handler: appoint one"
            )
            tx.announce(_notice(appeal, person, "appeal_unassigned", title, tx))
    touch(tx, appeal)
    log.info("appeal.filed", appeal=str(appeal.appeal), kind=str(appeal.subject.kind))
    return True


async def stepped(tx: Transaction, after: Appeal, kind: str, by: str | None, words: str | None = None) -> Appeal:
    """Save a step, set the clock of the next one, and tell both sides and whoever is next."""
    _settle(tx, after)
    after = replace(after, due_at=due_for(after.state, tx.now))
    await appeal_store.save(tx, after)
    await appeal_store.note(tx, after.appeal, kind, by, words)
    _clock(tx, after)
    await _tell_next(tx, after)
    title = Text(zh=f"{after.number}：{_STEPS[kind].zh}", en=f"{after.number}: {_STEPS[kind].en}")
    told = {after.appellant, after.handler}
    if rules.sees(after, after.respondent or "", auditor=False):
        told.add(after.respondent)
    for person in sorted(one for one in told - {by, after.waits_for} if one):
        tx.announce(_notice(after, person, f"appeal_{kind}", title, tx))
    touch(tx, after)
    return after


def touch(tx: Transaction, appeal: Appeal) -> None:
    """Open pages of those who may see it ask again."""
    sides = filter(None, (appeal.appellant, appeal.handler, appeal.respondent))
    seeing = tuple(one for one in sides if rules.sees(appeal, one, auditor=False))
    tx.live(Live("appeal", str(appeal.appeal), to=seeing))


_STEPS = {
    "admitted": Text(zh="已受理", en="admitted"),
    "refused": Text(zh="不予受理，理由在页面上", en="not admitted; the reason is on the page"),
    "frozen": Text(zh="证据已封存", en="the evidence is frozen"),
    "decided": Text(zh="已决定，理由在页面上", en="decided; the reason is on the page"),
    "recalculated": Text(zh="已重算", en="recalculated"),
    "acknowledged": Text(zh="申诉人已确认", en="acknowledged by the appellant"),
    "withdrawn": Text(zh="申诉人已撤回", en="withdrawn by the appellant"),
    "appointed": Text(zh="已指定处理人", en="a handler is appointed"),
}


async def evidence_of(tx: Transaction, appeal: Appeal) -> list[Item]:
    """What the system knows of the contested thing, and what both sides have said, as it is now."""
    subject = appeal.subject
    said = [dict(line) for line in await appeal_store.thread(tx, appeal.appeal)]
    filed = {"number": appeal.number, "subject": _plain(subject), "statement": appeal.statement, "wish": appeal.wish}
    statements = [{key: line[key] for key in ("kind", "by", "words", "at")} for line in said]
    items = [
        bundle.item_of("1-appeal.json", filed | {"filed_at": appeal.filed_at}),
        bundle.item_of("2-statements.json", statements),
    ]
    if subject.task is not None:
        records = await record_store.causes_of_task(tx, subject.task)
        items.append(bundle.item_of("3-targets.json", [dict(row) for row in records]))
    if subject.matrix is not None:
        found = (await consent_store.load(tx, [subject.matrix])).get(subject.matrix)
        if found is not None:
            lines = [dict(line) for line in await consent_store.thread(tx, subject.matrix)]
            items.append(bundle.item_of("4-matrix.json", _matrix(found)))
            items.append(bundle.item_of("5-matrix-thread.json", lines))
    if subject.change is not None:
        order = await store.find_order(tx, subject.change)
        if order is not None:
            impact = [row.model_dump(mode="json") for row in await store.load_rows(tx, subject.change)]
            mine = [row for row in impact if row["person"] == appeal.appellant or row["task"] == str(subject.task)]
            items.append(bundle.item_of("6-change.json", order.order.model_dump(mode="json")))
            items.append(bundle.item_of("7-impact.json", mine))
    return [*items, *await appeal_store.file_items(tx, appeal.appeal)]


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__ if getattr(value, name) is not None}


def _matrix(found: Matrix) -> dict[str, Any]:
    adjustments = [one.model_dump(mode="json") for one in found.adjustments]
    rows = [_plain(row) | {"compensation": row.compensation.model_dump(mode="json") if row.compensation else None,
                           "counter": str(row.counter) if row.counter else None} for row in found.rows]  # fmt: skip
    return _plain(found) | {"adjustments": adjustments, "rows": rows}


async def freeze(tx: Transaction, appeal: Appeal, by: str | None) -> Appeal:
    items = await evidence_of(tx, appeal)
    after = rules.freeze(appeal, by, await asyncio.to_thread(bundle.digest, items))
    await appeal_store.save_evidence(tx, appeal.appeal, items)
    return await stepped(tx, after, "frozen", by, after.digest)


async def correct(tx: Transaction, matrix: Matrix, appeal: Appeal) -> None:
    """The corrections go out as a settled matrix: goals moves the targets as it does for every other."""
    await consents.settled_by_decision(tx, matrix, appeal.number)


async def on_corrected(tx: Transaction, moved: Sequence[TargetsRecalculated]) -> None:
    """Goals has moved what an appeal has corrected."""
    for appeal in await appeal_store.decided_by(tx, [one.matrix for one in moved if one.matrix is not None]):
        await stepped(tx, rules.recalculated(appeal, None), "recalculated", None)


# ── the clock ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _clock(tx: Transaction, appeal: Appeal) -> None:
    if appeal.due_at is None:
        tx.cancel_timer(DUE, str(appeal.appeal))
    else:
        tx.set_timer(DUE, str(appeal.appeal), appeal.due_at, {"state": str(appeal.state), "step": 1})


async def on_due(timers: Sequence[Timer], tx: Transaction) -> None:
    """A step is late: whose it is and the auditors are told each working day; statements just come to their end."""
    found = await appeal_store.load(tx, [UUID(timer.key) for timer in timers])
    auditors = await appeal_store.auditors(tx)
    for timer in timers:
        appeal = found.get(UUID(timer.key))
        if appeal is None or str(appeal.state) != timer.payload.get("state"):
            continue
        if appeal.state is AppealState.ADMITTED:
            await freeze(tx, appeal, None)
            continue
        step = int(timer.payload.get("step", 1))
        late = replace(appeal, overdue=True)
        await appeal_store.save(tx, late)
        if step == 1:
            await appeal_store.note(tx, appeal.appeal, "overdue", None)
        title = Text(zh=f"{appeal.number} 已过期限", en=f"{appeal.number} is past its deadline")
        for person in sorted({*auditors, *([late.waits_for] if late.waits_for else [])}):
            told = _notice(late, person, "appeal_overdue", title, tx)
            tx.announce(told.model_copy(update={"dedupe": f"{told.dedupe}:{step}"}))
        touch(tx, late)
        if step < _MOST_REMINDERS:
            again = _CALENDAR.add(tx.now, _AGAIN_DAYS)
            tx.set_timer(DUE, timer.key, again, {"state": str(appeal.state), "step": step + 1})


# ── notices: who and which file, never what it is about ─────────────────────────────────────────────────────────────


async def _tell_next(tx: Transaction, appeal: Appeal) -> None:
    person = appeal.waits_for
    words = _WORDS.get(appeal.state)
    if person is None or words is None:
        return
    if appeal.state is AppealState.DECIDED and appeal.outcome is Outcome.DISMISSED:
        words = Text(zh="已决定，请看理由并确认", en="is decided: please read the reason and acknowledge")
    elif appeal.state is AppealState.DECIDED and appeal.matrix is not None:
        return  # goals recalculates by itself
    title = Text(zh=f"{appeal.number} {words.zh}", en=f"{appeal.number} {words.en}")
    tx.announce(_notice(appeal, person, _NEXT, title, tx, must_confirm=True))


def _settle(tx: Transaction, after: Appeal) -> None:
    """Nobody has to confirm what the step just taken was waiting for: it was the handler's or the appellant's."""
    before = replace(after, version=after.version - 1)
    title = Text(zh=f"{after.number} 这一步已办", en=f"{after.number}: this step is taken")
    for person in sorted({after.appellant, *([after.handler] if after.handler else [])}):
        done = _notice(before, person, _NEXT, title, tx)
        tx.announce(done.model_copy(update={"settled": True}))


def _notice(
    appeal: Appeal, person: str, kind: str, title: Text, tx: Transaction, *, must_confirm: bool = False
) -> NoticeRequested:
    return NoticeRequested(
        person=person, kind=kind, dedupe=f"{kind}:{appeal.appeal}:{appeal.version}", title=title, body=title,
        link=f"/appeals/{appeal.appeal}", must_confirm=must_confirm, at=tx.now,
    )  # fmt: skip
