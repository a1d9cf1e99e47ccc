"""Appeals of an adjustment or a score, step by step: file, admit, speak, freeze, decide, acknowledge (C9)."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text
from changes import appeal_store, appeals, consent_store
from changes.api.access import consent_step
from changes.api.adjustments import AdjustmentIn, adjustments_of
from changes.api.appeal_replies import AppealList, AppealReply, appeal_reply, names_of, summary_of, visible_appeal
from changes.api.appeal_subjects import SubjectIn, contested
from changes.api.consent_rows import found_rows
from changes.domain import appeal as rules
from changes.domain.appeal import Appeal, AppealState, Outcome, SubjectKind

routes = router(tags=["appeals"])

Words = Annotated[str, Field(min_length=10, max_length=2000)]


class AppealIn(Body):
    subject: SubjectIn
    statement: Words
    """What is wrong with it, in the appellant's own words."""
    wish: Annotated[str, Field(min_length=1, max_length=500)]
    """What should be instead."""


class StepIn(Body):
    version: int
    """The version that the caller saw."""


class AdmissionIn(StepIn):
    admitted: bool
    reason: Words


class SayIn(Body):
    words: Annotated[str, Field(min_length=1, max_length=2000)]


class AppealDecisionIn(StepIn):
    outcome: Outcome
    reason: Words
    corrections: Annotated[tuple[AdjustmentIn, ...], Field(max_length=20)] = ()
    """Targets as they should be; needed where the appeal of a target or a row is upheld."""


class ResultIn(StepIn):
    result: Words


class AcknowledgementIn(StepIn):
    satisfied: bool
    words: Annotated[str | None, Field(max_length=1000)] = None


class AppointmentIn(StepIn):
    person: Key


@routes.get("/appeals", dependencies=[allow(EVERYONE)])
async def list_appeals(tx: Tx, caller: Caller, task: UUID | None = None, matrix: UUID | None = None) -> AppealList:
    """What the caller may see, newest first; of one task or matrix where asked for."""
    auditor = caller.has(Role.AUDITOR)
    found = await appeal_store.find(tx, caller.id, everything=auditor, limit=200, task=task, matrix=matrix)
    seen = [one for one in found if rules.sees(one, caller.id, auditor=auditor)]
    names = await names_of(tx, seen)
    return AppealList(appeals=[summary_of(one, names, caller) for one in seen])


@routes.post("/appeals", status_code=201, dependencies=[allow(EVERYONE)])
async def file_appeal(body: AppealIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await contested(tx, body.subject, caller.id)
    if found.at is not None and not appeals.filed_in_time(found.at, tx.now):
        raise invalid("subject", "too_late", "已超过 15 个工作日的申诉期", "More than 15 working days have passed")
    handler = await appeals.handler_for(tx, caller.id, found.respondent, found.concerned)
    appeal = Appeal(
        appeal=tx.new_id(), number=await appeal_store.next_number(tx), subject=found.subject, appellant=caller.id,
        respondent=found.respondent, handler=handler, statement=body.statement, wish=body.wish, filed_at=tx.now,
        due_at=appeals.due_for(AppealState.FILED, tx.now),
    )  # fmt: skip
    if not await appeals.filed(tx, appeal):
        raise Conflict("appealed_already", Text(zh="你已就此事提出申诉", en="You have appealed this already"))
    return await appeal_reply(tx, appeal, caller)


@routes.get("/appeals/{appeal}", dependencies=[allow(EVERYONE)])
async def read_appeal(appeal: UUID, tx: Tx, caller: Caller) -> AppealReply:
    return await appeal_reply(tx, await visible_appeal(tx, appeal, caller), caller)


@routes.post("/appeals/{appeal}/admission", dependencies=[allow(EVERYONE)])
async def admit_appeal(appeal: UUID, body: AdmissionIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = consent_step(lambda: rules.admit(found, caller.id, body.admitted, body.reason))
    after = await appeals.stepped(tx, after, "admitted" if body.admitted else "refused", caller.id, body.reason)
    return await appeal_reply(tx, after, caller)


@routes.post("/appeals/{appeal}/statements", dependencies=[allow(EVERYONE)])
async def add_statement(appeal: UUID, body: SayIn, tx: Tx, caller: Caller) -> AppealReply:
    """Both sides and the handler add words until the evidence is frozen."""
    found = await visible_appeal(tx, appeal, caller)
    consent_step(lambda: rules.may_speak(found, caller.id))
    await appeal_store.note(tx, appeal, "said", caller.id, body.words)
    appeals.touch(tx, found)
    return await appeal_reply(tx, found, caller)


@routes.post("/appeals/{appeal}/freeze", dependencies=[allow(EVERYONE)])
async def freeze_evidence(appeal: UUID, body: StepIn, tx: Tx, caller: Caller) -> AppealReply:
    """What the system knows and both sides have said becomes a bundle that nothing changes any more."""
    found = await _current(tx, appeal, caller, body.version)
    consent_step(lambda: rules.freeze(found, caller.id, ""))
    return await appeal_reply(tx, await appeals.freeze(tx, found, caller.id), caller)


@routes.post("/appeals/{appeal}/decision", dependencies=[allow(EVERYONE)])
async def decide_appeal(appeal: UUID, body: AppealDecisionIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    consent_step(lambda: rules.decide(found, caller.id, body.outcome, body.reason, None))
    moves = found.subject.kind is not SubjectKind.SCORE and body.outcome is not Outcome.DISMISSED
    if moves and not body.corrections:
        raise invalid("corrections", "missing", "请写明更正后的目标", "Say what the targets should be")
    if body.corrections and not moves:
        raise invalid("corrections", "not_here", "这个决定不更正目标", "This decision corrects no target")
    matrix: UUID | None = None
    if moves:
        adjustments, tasks = await adjustments_of(tx, body.corrections, "corrections")
        if any(one.task != found.subject.task for one in adjustments):
            raise invalid("corrections.0.task", "other_task", "只能更正被申诉的任务", "Only the contested task")
        rows = await found_rows(tx, adjustments, tasks, caller.id)
        number = await consent_store.next_number(tx)
        carried = rules.correction(found, tx.new_id(), number, adjustments, rows, body.reason, tx.now)
        await appeals.correct(tx, carried, found)
        matrix = carried.matrix
    after = consent_step(lambda: rules.decide(found, caller.id, body.outcome, body.reason, matrix))
    return await appeal_reply(tx, await appeals.stepped(tx, after, "decided", caller.id, body.reason), caller)


@routes.post("/appeals/{appeal}/result", dependencies=[allow(EVERYONE)])
async def record_result(appeal: UUID, body: ResultIn, tx: Tx, caller: Caller) -> AppealReply:
    """The recalculation of a score, which goals does not move."""
    found = await _current(tx, appeal, caller, body.version)
    after = consent_step(lambda: rules.recalculated(found, caller.id, body.result))
    return await appeal_reply(tx, await appeals.stepped(tx, after, "recalculated", caller.id, body.result), caller)


@routes.post("/appeals/{appeal}/acknowledgement", dependencies=[allow(EVERYONE)])
async def acknowledge_appeal(appeal: UUID, body: AcknowledgementIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = consent_step(lambda: rules.acknowledge(found, caller.id, body.satisfied))
    return await appeal_reply(tx, await appeals.stepped(tx, after, "acknowledged", caller.id, body.words), caller)


@routes.post("/appeals/{appeal}/withdrawal", dependencies=[allow(EVERYONE)])
async def withdraw_appeal(appeal: UUID, body: StepIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = consent_step(lambda: rules.withdraw(found, caller.id))
    return await appeal_reply(tx, await appeals.stepped(tx, after, "withdrawn", caller.id), caller)


@routes.post("/appeals/{appeal}/handler", dependencies=[allow(Role.AUDITOR)])
async def appoint_handler(appeal: UUID, body: AppointmentIn, tx: Tx, caller: Caller) -> AppealReply:
    """Where the system has found nobody outside the reporting line."""
    found = await _current(tx, appeal, caller, body.version)
    if found.handler is not None:
        raise Conflict("has_handler", Text(zh="已有处理人", en="There is a handler already"))
    sides = {found.appellant, found.respondent, caller.id}
    if body.person in sides or not await consent_store.known_people(tx, [body.person]):
        raise invalid("person", "not_independent", "不能是双方或指定人本人", "Should be neither a side nor yourself")
    after = replace(found, handler=body.person, version=found.version + 1)
    return await appeal_reply(tx, await appeals.stepped(tx, after, "appointed", caller.id), caller)


async def _current(tx: Tx, appeal: UUID, caller: Caller, version: int) -> Appeal:
    found = await visible_appeal(tx, appeal, caller)
    if found.version != version:
        raise Conflict(state=(await appeal_reply(tx, found, caller)).model_dump(mode="json"))
    return found
