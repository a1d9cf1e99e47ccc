"""Impact matrices as everybody works on them: each step saved, announced, told to whom it concerns (C7, C8)."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from bihuan_chassis import Timer, Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_contracts import Text
from bihuan_contracts.changes import ConsentAnswer, ConsentChanged, ConsentRow, ConsentState
from bihuan_contracts.notify import NoticeRequested
from changes import compensations, consent_store, hours, store
from changes.domain.consent import Counter, Matrix, Row, escalate

REMINDER = "consent-reminder"
OVERDUE = "consent-overdue"
REMIND_AFTER_DAYS = 1
ANSWER_WITHIN_DAYS = 2
"""Working days: then the silent rows go to the arbiter."""

_COUNTER = TypeAdapter(Counter)
_CALENDAR = Calendar()

log = structlog.get_logger()


async def proposed(tx: Transaction, matrix: Matrix) -> None:
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "proposed", matrix.proposer, body=_snapshot(matrix))
    await _announce(tx, matrix)


async def opened(tx: Transaction, matrix: Matrix, change: str) -> None:
    """A technical change has asked for it: the proposer is to offer compensations and to send it."""
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "opened", None, body=_snapshot(matrix))
    await _announce(tx, matrix)
    title = Text(
        zh=f"{change} 的新目标要先征得同意：请填好 {matrix.number} 并发出",
        en=f"The new targets of {change} need consent first: fill in {matrix.number} and send it",
    )
    tx.announce(notice(matrix, matrix.proposer, "consent_opened", title, tx, must_confirm=True))


async def settled_by_decision(tx: Transaction, matrix: Matrix, appeal: str) -> None:
    """The handler of an appeal has decided what the targets are: on the same record, by the same way (C9)."""
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "proposed", matrix.proposer, body=_snapshot(matrix))
    body = json.dumps({"reason": f"{appeal}：{matrix.reason}"}, ensure_ascii=False)
    await consent_store.note(tx, matrix, "overridden", matrix.proposer, body=body)
    await _announce(tx, matrix)
    await _settled(tx, matrix)


async def edited(tx: Transaction, matrix: Matrix) -> None:
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "edited", matrix.proposer, body=_snapshot(matrix))
    await _announce(tx, matrix)


async def sent(tx: Transaction, matrix: Matrix) -> None:
    """Everybody is asked; the clock of this revision starts."""
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "sent", matrix.proposer, body=_snapshot(matrix))
    await hours.keep(tx, matrix)
    await _announce(tx, matrix)
    before = replace(matrix, revision=matrix.revision - 1)
    _asks_no_more(tx, before, {row.person for row in matrix.rows} if before.revision else ())
    if matrix.state is ConsentState.OPEN:
        asked = {row.person for row in matrix.rows if row.answer is ConsentAnswer.SILENT}
        tx.announce(*(_asked(matrix, person, tx) for person in sorted(asked)))
        key = f"{matrix.matrix}:{matrix.revision}"
        tx.set_timer(REMINDER, key, _CALENDAR.add(tx.now, REMIND_AFTER_DAYS))
        tx.set_timer(OVERDUE, key, _CALENDAR.add(tx.now, ANSWER_WITHIN_DAYS))
    await _settled(tx, matrix)


async def answered(tx: Transaction, matrix: Matrix, row: Row) -> None:
    body = json.dumps(
        {"answer": str(row.answer), "reason": row.reason, "counter": _COUNTER.dump_python(row.counter, mode="json")}
        if row.counter
        else {"answer": str(row.answer), "reason": row.reason},
        ensure_ascii=False,
    )
    by = matrix.arbiter if row.answer is ConsentAnswer.OVERRIDDEN else row.person
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, str(row.answer), by, row.row, body)
    await _announce(tx, matrix)
    names = await store.people_names(tx, [row.person])
    name = names.get(row.person, row.person)
    if row.answer is ConsentAnswer.OVERRIDDEN:
        tx.announce(_decided(matrix, row, tx))
    elif row.answer in {ConsentAnswer.NEGOTIATING, ConsentAnswer.REJECTED}:
        tx.announce(_disagreed(matrix, row, name, tx))
    if not any(one.person == row.person and one.answer is ConsentAnswer.SILENT for one in matrix.rows):
        _asks_no_more(tx, matrix, {row.person})
    await _settled(tx, matrix)


async def withdrawn(tx: Transaction, matrix: Matrix, *, was_open: bool, by: str | None) -> None:
    """`by` None: the system, because the change behind it is superseded."""
    await consent_store.save(tx, matrix)
    await consent_store.note(tx, matrix, "withdrawn", by)
    await _announce(tx, matrix)
    _asks_no_more(tx, matrix, {row.person for row in matrix.rows})
    if was_open:
        for person in sorted({row.person for row in matrix.rows} - {matrix.proposer}):
            tx.announce(
                notice(
                    matrix, person, "consent_withdrawn",
                    Text(zh=f"{matrix.number} 已撤回，不用再回答", en=f"{matrix.number} is withdrawn"),
                    tx,
                )
            )  # fmt: skip


async def _settled(tx: Transaction, matrix: Matrix) -> None:
    if matrix.state is not ConsentState.SETTLED:
        return
    await consent_store.note(tx, matrix, "settled", None)
    await compensations.promised(tx, matrix)
    for person in sorted({matrix.proposer, *(row.person for row in matrix.rows)}):
        tx.announce(
            notice(
                matrix, person, "consent_settled",
                Text(zh=f"{matrix.number} 已全部同意，调整生效", en=f"{matrix.number} is agreed and takes effect"), tx,
            )
        )  # fmt: skip
    log.info("consent.settled", matrix=str(matrix.matrix), revision=matrix.revision)


async def _announce(tx: Transaction, matrix: Matrix) -> None:
    names = await store.people_names(tx, {row.person for row in matrix.rows})
    tx.announce(event(matrix, names))


def event(matrix: Matrix, names: dict[str, str]) -> ConsentChanged:
    return ConsentChanged(
        matrix=matrix.matrix, number=matrix.number, title=matrix.title, state=matrix.state, revision=matrix.revision,
        proposer=matrix.proposer, arbiter=matrix.arbiter, adjustments=matrix.adjustments, change=matrix.change,
        rows=tuple(
            ConsentRow(
                row=row.row, person=row.person, person_name=names.get(row.person, row.person), task=row.task,
                task_code=row.task_code, action=row.action, hours=row.hours, compensation=row.compensation,
                answer=row.answer,
            )
            for row in matrix.rows
        ),
        proposed_at=matrix.proposed_at, sent_at=matrix.sent_at, settled_at=matrix.settled_at, version=matrix.version,
    )  # fmt: skip


def _snapshot(matrix: Matrix) -> str:
    """What was proposed, word for word: the record of each revision."""
    return json.dumps(
        {
            "title": matrix.title,
            "reason": matrix.reason,
            "adjustments": [one.model_dump(mode="json") for one in matrix.adjustments],
            "rows": [
                {
                    "person": row.person,
                    "task_code": row.task_code,
                    "action": row.action,
                    "hours": str(row.hours) if row.hours is not None else None,
                    "compensation": row.compensation.model_dump(mode="json") if row.compensation else None,
                }
                for row in matrix.rows
            ],
        },
        ensure_ascii=False,
    )


def answer_by(matrix: Matrix) -> datetime | None:
    """When silence goes to the arbiter; None while nobody is asked."""
    if matrix.state is not ConsentState.OPEN or matrix.sent_at is None:
        return None
    return _CALENDAR.add(matrix.sent_at, ANSWER_WITHIN_DAYS)


# ── silence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def on_reminder(timers: Sequence[Timer], tx: Transaction) -> None:
    """Who has not answered yet is told once more."""
    for matrix, revision in await _of_timers(tx, timers):
        if matrix.state is ConsentState.OPEN and matrix.revision == revision:
            silent = {row.person for row in matrix.rows if row.answer is ConsentAnswer.SILENT}
            tx.announce(*(_reminder(matrix, person, tx) for person in sorted(silent)))


async def on_overdue(timers: Sequence[Timer], tx: Transaction) -> None:
    """Silence is no consent: it goes to the arbiter and to the managers of who is silent (C8)."""
    for matrix, revision in await _of_timers(tx, timers):
        after, silent = escalate(matrix, revision)
        if not silent:
            continue
        await consent_store.save(tx, after)
        names = await store.people_names(tx, {row.person for row in silent})
        superiors = await consent_store.managers(tx, {row.person for row in silent})
        for row in silent:
            await consent_store.note(tx, after, "escalated", None, row.row)
        told = {superiors[row.person] for row in silent if row.person in superiors} | (
            {after.arbiter} if after.arbiter else set()
        )
        listed = "、".join(sorted({names.get(row.person, row.person) for row in silent}))
        for person in sorted(told):
            tx.announce(
                notice(
                    after, person, "consent_overdue",
                    Text(zh=f"{after.number}：{listed} 没有回答", en=f"{after.number}: no answer from {listed}"), tx,
                )
            )  # fmt: skip
        await _announce(tx, after)


async def _of_timers(tx: Transaction, timers: Iterable[Timer]) -> list[tuple[Matrix, int]]:
    keys = [timer.key.rsplit(":", 1) for timer in timers]
    matrices = await consent_store.load(tx, [UUID(matrix) for matrix, _ in keys])
    return [(matrices[UUID(matrix)], int(revision)) for matrix, revision in keys if UUID(matrix) in matrices]


# ── notices ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def notice(matrix: Matrix, person: str, kind: str, title: Text, tx: Transaction, **more: Any) -> NoticeRequested:
    return NoticeRequested(
        person=person,
        kind=kind,
        dedupe=f"{kind}:{matrix.matrix}:{matrix.revision}",
        title=title,
        body=Text(zh=matrix.title, en=matrix.title),
        link=f"/consents/{matrix.matrix}",
        at=tx.now,
        **more,
    )


def _asks_no_more(tx: Transaction, matrix: Matrix, people: Iterable[str]) -> None:
    """What this revision asked them for is done or void: no notice waits for it any more, the proposer's included."""
    title = Text(zh=f"{matrix.number} 不再等你", en=f"{matrix.number} does not wait for you any more")
    asked = [(person, kind) for person in sorted(people) for kind in ("consent_asked", "consent_reminder")]
    for person, kind in [*asked, (matrix.proposer, "consent_opened")]:
        tx.announce(notice(matrix, person, kind, title, tx).model_copy(update={"settled": True}))


def _asked(matrix: Matrix, person: str, tx: Transaction) -> NoticeRequested:
    title = Text(
        zh=f"{matrix.number} 的调整要你同意（第 {matrix.revision} 版）",
        en=f"{matrix.number} asks for your consent (revision {matrix.revision})",
    )
    return notice(matrix, person, "consent_asked", title, tx)


def _reminder(matrix: Matrix, person: str, tx: Transaction) -> NoticeRequested:
    title = Text(zh=f"{matrix.number} 还在等你的回答", en=f"{matrix.number} still waits for your answer")
    return notice(matrix, person, "consent_reminder", title, tx)


def _disagreed(matrix: Matrix, row: Row, name: str, tx: Transaction) -> NoticeRequested:
    if row.answer is ConsentAnswer.REJECTED:
        title = Text(zh=f"{name} 不同意 {matrix.number}", en=f"{name} rejects {matrix.number}")
    else:
        title = Text(zh=f"{name} 对 {matrix.number} 提出了还价", en=f"{name} makes a counter-offer on {matrix.number}")
    said = notice(matrix, matrix.proposer, "consent_answer", title, tx)
    return said.model_copy(update={"dedupe": f"consent_answer:{row.row}:{matrix.revision}:{matrix.version}"})


def _decided(matrix: Matrix, row: Row, tx: Transaction) -> NoticeRequested:
    title = Text(
        zh=f"仲裁人对 {matrix.number} 作了决定，理由在页面上",
        en=f"The arbiter has decided {matrix.number}, with the reason",
    )
    said = notice(matrix, row.person, "consent_decided", title, tx, must_confirm=True)
    return said.model_copy(update={"dedupe": f"consent_decided:{row.row}:{matrix.revision}"})
