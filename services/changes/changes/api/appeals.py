"""Appeals of an adjustment or a score: file, admit, speak, freeze, decide, acknowledge (C9)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Response, UploadFile
from pydantic import Field

from bihuan_chassis.files import hand_out, shown_inline, take
from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text
from changes import appeal_store, appeals, consent_store, store
from changes.api.adjustments import AdjustmentIn, adjustments_of
from changes.api.appeal_subjects import SubjectIn, contested
from changes.api.consent_rows import found_rows
from changes.domain import appeal as rules
from changes.domain import bundle
from changes.domain.appeal import Appeal, AppealState, Outcome, SubjectKind
from changes.domain.consent import NotYoursError, StaleError

routes = router(tags=["appeals"])

T = TypeVar("T")
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


class ContestedReply(Reply):
    """Where the contested thing is found."""

    task: UUID | None
    change: UUID | None
    matrix: UUID | None
    row: UUID | None
    metric: str | None


class AppealSummary(Reply):
    appeal: UUID
    number: str
    title: str
    kind: SubjectKind
    subject: ContestedReply
    state: AppealState
    outcome: Outcome | None
    appellant: str
    appellant_name: str
    handler_name: str | None
    waits_for_me: bool
    overdue: bool
    filed_at: datetime
    due_at: datetime | None


class AppealList(Reply):
    appeals: list[AppealSummary]


class AppealLine(Reply):
    at: datetime
    kind: str
    by_name: str | None
    words: str | None


class EvidenceItem(Reply):
    name: str
    sha256: str
    bytes: int
    file: UUID | None
    """The file that one of the sides has added; None: a record of the system."""


class AppealFile(Reply):
    id: UUID
    name: str
    size: int
    inline: bool
    """Whether a browser may show it in the page."""
    person_name: str | None
    at: datetime
    may_remove: bool


class AppealReply(Reply):
    """The file: what is contested, what both sides say, the frozen evidence, the decision."""

    summary: AppealSummary
    statement: str
    wish: str
    respondent_name: str | None
    admission: str | None
    decision: str | None
    correction: UUID | None
    """The matrix that carries the decision out."""
    result: str | None
    satisfied: bool | None
    digest: str | None
    evidence: list[EvidenceItem]
    files: list[AppealFile]
    thread: list[AppealLine]
    version: int
    may: list[str]
    """Steps that the caller may take now: admit, say, freeze, decide, recalculate, acknowledge, withdraw, appoint."""


@routes.get("/appeals", dependencies=[allow(EVERYONE)])
async def list_appeals(tx: Tx, caller: Caller, task: UUID | None = None, matrix: UUID | None = None) -> AppealList:
    """What the caller may see, newest first; of one task or matrix where asked for."""
    auditor = caller.has(Role.AUDITOR)
    found = await appeal_store.find(tx, caller.id, everything=auditor, limit=200, task=task, matrix=matrix)
    seen = [one for one in found if rules.sees(one, caller.id, auditor=auditor)]
    names = await _names(tx, seen)
    return AppealList(appeals=[_summary(one, names, caller) for one in seen])


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
    return await _reply(tx, appeal, caller)


@routes.get("/appeals/{appeal}", dependencies=[allow(EVERYONE)])
async def read_appeal(appeal: UUID, tx: Tx, caller: Caller) -> AppealReply:
    return await _reply(tx, await _visible(tx, appeal, caller), caller)


@routes.post("/appeals/{appeal}/admission", dependencies=[allow(EVERYONE)])
async def admit_appeal(appeal: UUID, body: AdmissionIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = _step(lambda: rules.admit(found, caller.id, body.admitted, body.reason))
    after = await appeals.stepped(tx, after, "admitted" if body.admitted else "refused", caller.id, body.reason)
    return await _reply(tx, after, caller)


@routes.post("/appeals/{appeal}/statements", dependencies=[allow(EVERYONE)])
async def add_statement(appeal: UUID, body: SayIn, tx: Tx, caller: Caller) -> AppealReply:
    """Both sides and the handler add words until the evidence is frozen."""
    found = await _visible(tx, appeal, caller)
    _step(lambda: rules.may_speak(found, caller.id))
    await appeal_store.note(tx, appeal, "said", caller.id, body.words)
    appeals.touch(tx, found)
    return await _reply(tx, found, caller)


@routes.post("/appeals/{appeal}/files", status_code=201, dependencies=[allow(EVERYONE)])
async def add_file(appeal: UUID, file: UploadFile, tx: Tx, caller: Caller) -> AppealReply:
    """Evidence that the system does not have: both sides and the handler add it until everything is frozen."""
    found = await _visible(tx, appeal, caller)
    _step(lambda: rules.may_speak(found, caller.id))
    taken = await take(file, used=await appeal_store.used_bytes(tx, caller.id))
    known = await appeal_store.files(tx, appeal)
    if len(known) >= rules.MOST_FILES or sum(one["size"] for one in known) + len(taken.content) > rules.MOST_FILE_BYTES:
        raise invalid(
            "file", "too_many", "一件申诉最多 20 个文件、共 100 MB", "An appeal takes 20 files, 100 MB in all"
        )
    await appeal_store.add_file(tx, appeal, taken, caller.id)
    await appeal_store.note(tx, appeal, "attached", caller.id, taken.name)
    appeals.touch(tx, found)
    return await _reply(tx, found, caller)


@routes.get("/appeals/{appeal}/files/{file}", dependencies=[allow(EVERYONE)])
async def read_file(appeal: UUID, file: UUID, tx: Tx, caller: Caller) -> Response:
    """For those who see the appeal; only images are shown in the page, all else is a download."""
    await _visible(tx, appeal, caller)
    found = await _file(tx, appeal, file)
    return hand_out(found["name"], found["media_type"], found["content"])


@routes.delete("/appeals/{appeal}/files/{file}", dependencies=[allow(EVERYONE)])
async def remove_file(appeal: UUID, file: UUID, tx: Tx, caller: Caller) -> AppealReply:
    """By who has added it, until the evidence is frozen; that it was there stays on the file."""
    found = await _visible(tx, appeal, caller)
    known = await _file(tx, appeal, file)
    _step(lambda: rules.may_remove(found, caller.id, known["person"]))
    await appeal_store.remove_file(tx, appeal, file)
    await appeal_store.note(tx, appeal, "removed", caller.id, known["name"])
    appeals.touch(tx, found)
    return await _reply(tx, found, caller)


@routes.post("/appeals/{appeal}/freeze", dependencies=[allow(EVERYONE)])
async def freeze_evidence(appeal: UUID, body: StepIn, tx: Tx, caller: Caller) -> AppealReply:
    """What the system knows and both sides have said becomes a bundle that nothing changes any more."""
    found = await _current(tx, appeal, caller, body.version)
    _step(lambda: rules.freeze(found, caller.id, ""))
    return await _reply(tx, await appeals.freeze(tx, found, caller.id), caller)


@routes.get("/appeals/{appeal}/bundle", dependencies=[allow(EVERYONE)])
async def download_bundle(appeal: UUID, tx: Tx, caller: Caller) -> Response:
    """The frozen evidence as a ZIP file with a manifest of hashes."""
    found = await _visible(tx, appeal, caller)
    items = await appeal_store.evidence(tx, appeal)
    if found.digest is None:
        raise Conflict("not_frozen", Text(zh="证据还没有封存", en="The evidence is not frozen yet"))
    if await asyncio.to_thread(bundle.digest, items) != found.digest:
        raise Conflict("tampered", Text(zh="证据与封存时不一致", en="The evidence differs from what was frozen"))
    headers = {"Content-Disposition": f'attachment; filename="{found.number}.zip"'}
    return Response(await asyncio.to_thread(bundle.archive, items), media_type="application/zip", headers=headers)


@routes.post("/appeals/{appeal}/decision", dependencies=[allow(EVERYONE)])
async def decide_appeal(appeal: UUID, body: AppealDecisionIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    _step(lambda: rules.decide(found, caller.id, body.outcome, body.reason, None))
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
    after = _step(lambda: rules.decide(found, caller.id, body.outcome, body.reason, matrix))
    return await _reply(tx, await appeals.stepped(tx, after, "decided", caller.id, body.reason), caller)


@routes.post("/appeals/{appeal}/result", dependencies=[allow(EVERYONE)])
async def record_result(appeal: UUID, body: ResultIn, tx: Tx, caller: Caller) -> AppealReply:
    """The recalculation of a score, which goals does not move."""
    found = await _current(tx, appeal, caller, body.version)
    after = _step(lambda: rules.recalculated(found, caller.id, body.result))
    return await _reply(tx, await appeals.stepped(tx, after, "recalculated", caller.id, body.result), caller)


@routes.post("/appeals/{appeal}/acknowledgement", dependencies=[allow(EVERYONE)])
async def acknowledge_appeal(appeal: UUID, body: AcknowledgementIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = _step(lambda: rules.acknowledge(found, caller.id, body.satisfied))
    return await _reply(tx, await appeals.stepped(tx, after, "acknowledged", caller.id, body.words), caller)


@routes.post("/appeals/{appeal}/withdrawal", dependencies=[allow(EVERYONE)])
async def withdraw_appeal(appeal: UUID, body: StepIn, tx: Tx, caller: Caller) -> AppealReply:
    found = await _current(tx, appeal, caller, body.version)
    after = _step(lambda: rules.withdraw(found, caller.id))
    return await _reply(tx, await appeals.stepped(tx, after, "withdrawn", caller.id), caller)


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
    return await _reply(tx, await appeals.stepped(tx, after, "appointed", caller.id), caller)


# ── finding, refusing, replying ─────────────────────────────────────────────────────────────────────────────────────


async def _visible(tx: Tx, appeal: UUID, caller: Caller) -> Appeal:
    found = (await appeal_store.load(tx, [appeal])).get(appeal)
    if found is None or not rules.sees(found, caller.id, auditor=caller.has(Role.AUDITOR)):
        raise NotFound()
    return found


async def _file(tx: Tx, appeal: UUID, file: UUID) -> Any:
    found = await appeal_store.file(tx, appeal, file)
    if found is None:
        raise NotFound()
    return found


async def _current(tx: Tx, appeal: UUID, caller: Caller, version: int) -> Appeal:
    found = await _visible(tx, appeal, caller)
    if found.version != version:
        raise Conflict(state=(await _reply(tx, found, caller)).model_dump(mode="json"))
    return found


def _step(step: Callable[[], T]) -> T:
    try:
        return step()
    except NotYoursError as error:
        raise Forbidden(error.code, Text(zh=error.zh, en=error.en)) from error
    except StaleError as error:
        raise Conflict(error.code, Text(zh=error.zh, en=error.en)) from error


async def _names(tx: Tx, found: list[Appeal]) -> dict[str, str]:
    people = {person for one in found for person in (one.appellant, one.respondent, one.handler) if person}
    return await store.people_names(tx, people)


def _summary(one: Appeal, names: dict[str, str], caller: Caller) -> AppealSummary:
    return AppealSummary(
        appeal=one.appeal, number=one.number, title=one.subject.title, kind=one.subject.kind,
        subject=ContestedReply(**{name: getattr(one.subject, name) for name in ContestedReply.model_fields}),
        state=one.state,
        outcome=one.outcome, appellant=one.appellant, appellant_name=names.get(one.appellant, one.appellant),
        handler_name=names.get(one.handler or "", one.handler), waits_for_me=one.waits_for == caller.id,
        overdue=one.overdue, filed_at=one.filed_at, due_at=one.due_at,
    )  # fmt: skip


async def _reply(tx: Tx, one: Appeal, caller: Caller) -> AppealReply:
    lines = await appeal_store.thread(tx, one.appeal)
    files = await appeal_store.files(tx, one.appeal)
    said = {line["by"] for line in lines if line["by"]} | {file["person"] for file in files}
    names = await _names(tx, [one]) | await store.people_names(tx, said)
    items = await appeal_store.evidence_listed(tx, one.appeal) if one.digest else []
    return AppealReply(
        summary=_summary(one, names, caller), statement=one.statement, wish=one.wish,
        respondent_name=names.get(one.respondent or "", one.respondent), admission=one.admission,
        decision=one.decision, correction=one.matrix, result=one.result, satisfied=one.satisfied, digest=one.digest,
        evidence=[EvidenceItem(**item) for item in items],
        files=[
            AppealFile(
                id=file["id"], name=file["name"], size=file["size"], inline=shown_inline(file["media_type"]),
                person_name=names.get(file["person"], file["person"]), at=file["at"],
                may_remove=_possible(partial(rules.may_remove, one, caller.id, file["person"])),
            )
            for file in files
        ],
        thread=[
            AppealLine(at=line["at"], kind=line["kind"], by_name=names.get(line["by"] or "", line["by"]),
                       words=line["words"])
            for line in lines
        ],
        version=one.version, may=_may(one, caller),
    )  # fmt: skip


def _may(one: Appeal, caller: Caller) -> list[str]:
    """The steps that the machine would take from this caller now."""
    steps: dict[str, Callable[[], object]] = {
        "admit": lambda: rules.admit(one, caller.id, True, ""),
        "say": lambda: rules.may_speak(one, caller.id),
        "freeze": lambda: rules.freeze(one, caller.id, ""),
        "decide": lambda: rules.decide(one, caller.id, Outcome.DISMISSED, "", None),
        "recalculate": lambda: rules.recalculated(one, caller.id, ""),
        "acknowledge": lambda: rules.acknowledge(one, caller.id, True),
        "withdraw": lambda: rules.withdraw(one, caller.id),
    }
    found = [name for name, step in steps.items() if _possible(step)]
    appoints = caller.has(Role.AUDITOR) and one.handler is None and one.state not in rules.ENDED
    return [*found, *(["appoint"] if appoints else [])]


def _possible(step: Callable[[], object]) -> bool:
    try:
        step()
    except (NotYoursError, StaleError):
        return False
    return True
