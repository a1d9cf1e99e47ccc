"""Impact matrices: propose, fill in, ask, answer, decide (C7, C8)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text
from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentAnswer, ConsentState
from bihuan_contracts.goals import TargetField
from changes import consent_store, consents, store
from changes.domain import consent
from changes.domain.consent import Counter, FoundBy, Matrix, Row
from changes.domain.impact import Task

routes = router(tags=["consents"])
_PEOPLE = EVERYONE - {Role.AUDITOR}
_OVERSEERS = {Role.HR, Role.AUDITOR, Role.DIRECTOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR}
_OPEN = {"active", "draft"}
_MOST_HOURS = 100_000

Words = Annotated[str, Field(min_length=1, max_length=1000)]
Hours = Annotated[Decimal, Field(ge=0, le=10_000)]


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class AdjustmentIn(Body):
    task: UUID
    field: Literal["due_at", "planned_hours", "owner"]
    new: Annotated[str, Field(min_length=1, max_length=64)]
    """ISO 8601 with zone, hours as a plain number, or an employee number."""


class CompensationIn(Body):
    kind: CompensationKind
    amount: Annotated[Decimal, Field(ge=0, le=100_000)] = Decimal(0)
    helper: Key | None = None


class CounterIn(Body):
    hours: Hours | None = None
    compensation: CompensationIn | None = None


class RowIn(Body):
    person: Key
    task: UUID | None = None
    action: Annotated[str, Field(max_length=400)] = ""
    hours: Hours | None = None
    compensation: CompensationIn | None = None


class Proposal(Body):
    """What is to move, and why; whom it concerns is found by the system."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Words
    adjustments: Annotated[tuple[AdjustmentIn, ...], Field(min_length=1, max_length=50)]
    change: UUID | None = None
    """The technical change that caused it."""


class Wording(Proposal):
    """The whole matrix as the proposer has filled it in; rows that the system found can't be left out."""

    version: int
    """The version that the proposer saw."""
    rows: Annotated[tuple[RowIn, ...], Field(max_length=200)]


class Step(Body):
    version: int
    """The version that the caller saw."""


class AnswerIn(Body):
    revision: int
    answer: Literal["accepted", "negotiating", "rejected"]
    reason: Annotated[str | None, Field(max_length=1000)] = None
    """In the person's own words; needed for everything but accepting."""
    counter: CounterIn | None = None


class DecisionIn(Body):
    revision: int
    reason: Annotated[str, Field(min_length=10, max_length=1000)]
    """The person reads it."""


# ── replies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class CounterReply(Reply):
    hours: Decimal | None
    compensation: Compensation | None


class RowReply(Reply):
    row: UUID
    person: str
    person_name: str
    found_by: FoundBy
    task: UUID | None
    task_code: str | None
    action: str
    hours: Decimal | None
    compensation: Compensation | None
    helper_name: str | None
    answer: ConsentAnswer
    answered_at: datetime | None
    reason: str | None
    counter: CounterReply | None
    escalated: bool
    received_at: datetime | None
    """When the person confirmed that the compensation was given."""


class AdjustmentReply(Reply):
    task: UUID
    task_code: str
    task_title: str
    field: TargetField
    old: str | None
    new: str | None
    old_name: str | None = None
    new_name: str | None = None
    """Names, where the values are people."""


class MatrixSummary(Reply):
    matrix: UUID
    number: str
    title: str
    state: ConsentState
    revision: int
    proposer: str
    proposer_name: str
    people: int
    agreed: int
    against: int
    """Rows rejected or negotiated."""
    waits_for_me: bool
    proposed_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


class MatrixList(Reply):
    matrices: list[MatrixSummary]


class ThreadLine(Reply):
    at: datetime
    revision: int
    kind: str
    by: str | None
    by_name: str | None
    row_person_name: str | None
    body: dict[str, Any]


class MatrixReply(Reply):
    """The matrix with everybody's answers, its thread, and what the caller may do."""

    summary: MatrixSummary
    reason: str
    arbiter: str | None
    arbiter_name: str | None
    change: UUID | None
    change_number: str | None
    adjustments: list[AdjustmentReply]
    rows: list[RowReply]
    thread: list[ThreadLine]
    answer_by: datetime | None
    """After it, silent rows go to the arbiter."""
    version: int
    may_edit: bool
    may_decide: bool


# ── routes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/consents", dependencies=[allow(EVERYONE)])
async def list_matrices(
    tx: Tx,
    caller: Caller,
    waiting: bool = False,
    state: ConsentState | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
) -> MatrixList:
    found = await consent_store.find(
        tx, caller.id, everything=_oversees(caller), waiting=waiting, state=str(state) if state else None, limit=limit
    )
    names = await store.people_names(tx, {one.proposer for one in found})
    return MatrixList(matrices=[_summary(one, names, caller) for one in found])


@routes.post("/consents", status_code=201, dependencies=[allow(_PEOPLE)])
async def propose(body: Proposal, tx: Tx, caller: Caller) -> MatrixReply:
    adjustments, tasks = await _adjustments(tx, body.adjustments)
    rows = await _found(tx, adjustments, tasks, caller.id)
    if body.change is not None and await store.find_order(tx, body.change) is None:
        raise invalid("change", "unknown_change", "没有这个变更", "There is no such change")
    matrix = Matrix(
        matrix=tx.new_id(), number=await consent_store.next_number(tx), title=body.title, reason=body.reason,
        proposer=caller.id, arbiter=await _arbiter(tx, adjustments, rows, caller.id), adjustments=adjustments,
        rows=rows, proposed_at=tx.now, change=body.change, version=1,
    )  # fmt: skip
    await consents.proposed(tx, matrix)
    return await _reply(tx, matrix, caller)


@routes.get("/consents/{matrix}", dependencies=[allow(EVERYONE)])
async def read_matrix(matrix: UUID, tx: Tx, caller: Caller) -> MatrixReply:
    found = (await consent_store.load(tx, [matrix], lock=False)).get(matrix)
    if found is None or not (_oversees(caller) or await consent_store.sees(tx, matrix, caller.id)):
        raise NotFound()
    return await _reply(tx, found, caller)


@routes.put("/consents/{matrix}", dependencies=[allow(_PEOPLE)])
async def word(matrix: UUID, body: Wording, tx: Tx, caller: Caller) -> MatrixReply:
    """The proposer's next wording; an open matrix becomes a draft again until it is sent."""
    found = await _own(tx, matrix, caller, body.version)
    adjustments, tasks = await _adjustments(tx, body.adjustments)
    needed = await _found(tx, adjustments, tasks, found.proposer)
    rows = await _rows(tx, body.rows, needed, found)
    after = _step(lambda: consent.edit(found, caller.id, body.title, body.reason, adjustments, rows))
    after = replace(after, arbiter=await _arbiter(tx, adjustments, rows, found.proposer))
    await consents.edited(tx, after)
    return await _reply(tx, after, caller)


@routes.post("/consents/{matrix}/send", dependencies=[allow(_PEOPLE)])
async def send(matrix: UUID, body: Step, tx: Tx, caller: Caller) -> MatrixReply:
    """Ask everybody. Refused with each empty column named."""
    found = await _own(tx, matrix, caller, body.version)
    gaps = consent.gaps(found)
    if gaps:
        raise Invalid(errors=[FieldError(gap.field, gap.code, Text(zh=gap.zh, en=gap.en)) for gap in gaps])
    if found.state is ConsentState.OPEN:
        raise Conflict("already_sent", Text(zh="这一版已经发出", en="This revision is sent already"))
    after = _step(lambda: consent.send(found, caller.id, tx.now))
    await consents.sent(tx, after)
    return await _reply(tx, after, caller)


@routes.post("/consents/{matrix}/withdraw", dependencies=[allow(_PEOPLE)])
async def withdraw(matrix: UUID, body: Step, tx: Tx, caller: Caller) -> MatrixReply:
    found = await _own(tx, matrix, caller, body.version)
    after = _step(lambda: consent.withdraw(found, caller.id))
    await consents.withdrawn(tx, after, was_open=found.revision > 0)
    return await _reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/answer", dependencies=[allow(_PEOPLE)])
async def answer(matrix: UUID, row: UUID, body: AnswerIn, tx: Tx, caller: Caller) -> MatrixReply:
    """Accept, negotiate or reject one's own row of the current revision."""
    if body.answer != "accepted" and not (body.reason or "").strip():
        raise invalid("reason", "missing", "请用自己的话说明", "Say why in your own words")
    counter = await _counter(tx, body)
    found = await _visible(tx, matrix, caller)
    after = _step(
        lambda: consent.answer(
            found, row, caller.id, body.revision, ConsentAnswer(body.answer), tx.now, reason=body.reason,
            counter=counter,
        )
    )  # fmt: skip
    await consents.answered(tx, after, next(one for one in after.rows if one.row == row))
    return await _reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/decide", dependencies=[allow(_PEOPLE)])
async def decide(matrix: UUID, row: UUID, body: DecisionIn, tx: Tx, caller: Caller) -> MatrixReply:
    """The arbiter overrides a row that was rejected, negotiated or silent for too long, with a written reason."""
    found = await _visible(tx, matrix, caller)
    after = _step(lambda: consent.override(found, row, caller.id, body.revision, body.reason, tx.now))
    await consents.answered(tx, after, next(one for one in after.rows if one.row == row))
    return await _reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/received", dependencies=[allow(_PEOPLE)])
async def receive(matrix: UUID, row: UUID, tx: Tx, caller: Caller) -> MatrixReply:
    """The person confirms that the compensation was given; the matrix itself stays frozen."""
    found = await _visible(tx, matrix, caller)
    own = next((one for one in found.rows if one.row == row), None)
    if own is None or own.person != caller.id:
        raise Forbidden("not_yours", Text(zh="只能由本人确认", en="Only the person may confirm"))
    if found.state is not ConsentState.SETTLED:
        raise Conflict("not_settled", Text(zh="矩阵还没有定稿", en="The matrix is not settled yet"))
    await consent_store.mark_received(tx, row)
    await consent_store.note(tx, found, "received", caller.id, row)
    return await _reply(tx, found, caller)


# ── what a body means ───────────────────────────────────────────────────────────────────────────────────────────────


async def _adjustments(tx: Tx, given: Sequence[AdjustmentIn]) -> tuple[tuple[Adjustment, ...], dict[UUID, Task]]:
    tasks = await consent_store.tasks(tx, {one.task for one in given})
    people = await consent_store.known_people(tx, {one.new for one in given if one.field == "owner"})
    errors: list[FieldError] = []
    found: list[Adjustment] = []
    seen: set[tuple[UUID, str]] = set()
    for place, one in enumerate(given):
        at = f"adjustments.{place}"
        task = tasks.get(one.task)
        if task is None:
            errors.append(_error(f"{at}.task", "unknown_task", "没有这个任务", "There is no such task"))
        elif task.state not in _OPEN:
            errors.append(_error(f"{at}.task", "closed_task", "任务已经结束", "The task has ended"))
        elif (one.task, one.field) in seen:
            errors.append(_error(f"{at}.field", "duplicate", "同一目标列了两次", "The same target is listed twice"))
        else:
            new = _value(one, people)
            if isinstance(new, FieldError):
                errors.append(replace(new, field=f"{at}.new"))
            elif new == _old(task, one.field):
                errors.append(_error(f"{at}.new", "unchanged", "与现在的目标相同", "This is the target already"))
            else:
                found.append(
                    Adjustment(
                        task=task.task, task_code=task.code, task_title=task.title, project=task.project,
                        field=TargetField(one.field), old=_old(task, one.field), new=new,
                    )
                )  # fmt: skip
        seen.add((one.task, one.field))
    if errors:
        raise Invalid(errors=errors)
    return tuple(found), tasks


def _value(given: AdjustmentIn, people: set[str]) -> str | FieldError:
    if given.field == "planned_hours":
        return _hours(given.new)
    if given.field == "due_at":
        return _moment(given.new)
    return given.new if given.new in people else _error("", "unknown_person", "没有这个人", "There is no such person")


def _hours(given: str) -> str | FieldError:
    try:
        hours = Decimal(given)
    except InvalidOperation:
        return _error("", "not_a_number", "应为数字", "Should be a number")
    if not hours.is_finite() or not 0 <= hours <= _MOST_HOURS:
        return _error("", "out_of_range", "工时应在 0 到 100000 之间", "Hours should lie between 0 and 100000")
    return format(hours.normalize(), "f")


def _moment(given: str) -> str | FieldError:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return _error("", "not_a_time", "不是有效的时间", "Not a valid time")
    if moment.tzinfo is None:
        return _error("", "zone", "时间必须带时区", "The time needs a zone")
    return moment.astimezone(UTC).isoformat()


def _old(task: Task, field: str) -> str | None:
    if field == "owner":
        return task.owner
    if field == "due_at":
        return task.due_at.astimezone(UTC).isoformat() if task.due_at else None
    return format(task.planned_hours.normalize(), "f") if task.planned_hours is not None else None


def _error(field: str, code: str, zh: str, en: str) -> FieldError:
    return FieldError(field, code, Text(zh=zh, en=en))


async def _found(tx: Tx, adjustments: Sequence[Adjustment], tasks: dict[UUID, Task], proposer: str) -> tuple[Row, ...]:
    return consent.affected(
        adjustments,
        tasks,
        await consent_store.neighbours(tx, tasks.values()),
        await consent_store.leads(tx, {one.project for one in adjustments}),
        proposer,
        tx.new_id,
    )


async def _rows(tx: Tx, given: Sequence[RowIn], needed: Sequence[Row], before: Matrix) -> tuple[Row, ...]:
    """Rows as filled in. Whom the system found stays; others are the proposer's, or helpers that a row names."""
    helpers = {row.compensation.helper for row in given if row.compensation and row.compensation.helper}
    known = await consent_store.known_people(tx, {row.person for row in given} | helpers)
    tasks = await consent_store.tasks(tx, {row.task for row in given if row.task})
    reasons = {(row.person, row.task): row for row in needed}
    old = {(row.person, row.task): row.row for row in before.rows}
    errors: list[FieldError] = []
    rows: dict[tuple[str, UUID | None], Row] = {}
    for place, row in enumerate(given):
        key = (row.person, row.task)
        if row.person not in known:
            errors.append(_error(f"rows.{place}.person", "unknown_person", "没有这个人", "There is no such person"))
        if row.task is not None and row.task not in tasks:
            errors.append(_error(f"rows.{place}.task", "unknown_task", "没有这个任务", "There is no such task"))
        if key in rows:
            errors.append(_error(f"rows.{place}.person", "duplicate", "同一人列了两次", "The person is listed twice"))
        if row.compensation and row.compensation.helper and row.compensation.helper not in known:
            field = f"rows.{place}.compensation.helper"
            errors.append(_error(field, "unknown_person", "没有这个人", "There is no such person"))
        rows[key] = Row(
            old.get(key) or tx.new_id(), row.person, reasons[key].found_by if key in reasons else FoundBy.PERSON,
            row.task, tasks[row.task].code if row.task in tasks else None, row.action, row.hours,
            _compensation(row.compensation),
        )  # fmt: skip
    missing = [row for row in needed if (row.person, row.task) not in rows]
    if missing:
        names = await store.people_names(tx, {row.person for row in missing})
        listed = "、".join(names.get(row.person, row.person) for row in missing)
        errors.append(
            _error("rows", "missing_person", f"受影响的人不能去掉：{listed}", f"Affected people left out: {listed}")
        )
    if errors:
        raise Invalid(errors=errors)
    asked = {row.person for row in rows.values()}
    for helper in sorted(one for one in helpers if one and one not in asked):
        kept = next((one for one in before.rows if one.person == helper and one.task is None), None)
        rows[helper, None] = replace(
            kept or Row(tx.new_id(), helper, FoundBy.HELPER), found_by=FoundBy.HELPER, answer=ConsentAnswer.SILENT
        )
    return tuple(rows.values())


def _compensation(given: CompensationIn | None) -> Compensation | None:
    return Compensation(kind=given.kind, amount=given.amount, helper=given.helper) if given else None


async def _counter(tx: Tx, body: AnswerIn) -> Counter | None:
    if body.counter is None:
        return None
    if body.answer != "negotiating":
        raise invalid("counter", "not_here", "只有还价时才填", "Only for a counter-offer")
    if body.counter.hours is None and body.counter.compensation is None:
        raise invalid("counter", "missing", "请写明希望的工时或补偿", "Name the hours or the compensation you ask for")
    helper = body.counter.compensation.helper if body.counter.compensation else None
    if helper and not await consent_store.known_people(tx, [helper]):
        raise invalid("counter.compensation.helper", "unknown_person", "没有这个人", "There is no such person")
    return Counter(body.counter.hours, _compensation(body.counter.compensation))


async def _arbiter(tx: Tx, adjustments: Sequence[Adjustment], rows: Sequence[Row], proposer: str) -> str | None:
    leads = await consent_store.leads(tx, [adjustments[0].project])
    start = leads.get(adjustments[0].project, proposer)
    return await consent_store.find_arbiter(tx, start, {proposer, *(row.person for row in rows)})


# ── finding, refusing, replying ─────────────────────────────────────────────────────────────────────────────────────


def _oversees(caller: Caller) -> bool:
    return any(caller.has(role) for role in _OVERSEERS)


async def _visible(tx: Tx, matrix: UUID, caller: Caller) -> Matrix:
    found = (await consent_store.load(tx, [matrix])).get(matrix)
    if found is None or not (_oversees(caller) or await consent_store.sees(tx, matrix, caller.id)):
        raise NotFound()
    return found


async def _own(tx: Tx, matrix: UUID, caller: Caller, version: int) -> Matrix:
    found = await _visible(tx, matrix, caller)
    if found.proposer != caller.id:
        raise Forbidden("not_proposer", Text(zh="只有提出人可以这样做", en="Only the proposer may do this"))
    if found.version != version:
        raise Conflict(state=(await _reply(tx, found, caller)).model_dump(mode="json"))
    return found


def _step(step: Any) -> Matrix:
    try:
        after: Matrix = step()
    except consent.NotYoursError as error:
        raise Forbidden(error.code, Text(zh=error.zh, en=error.en)) from error
    except consent.StaleError as error:
        raise Conflict(error.code, Text(zh=error.zh, en=error.en)) from error
    return after


def _summary(matrix: Matrix, names: dict[str, str], caller: Caller) -> MatrixSummary:
    against = {ConsentAnswer.NEGOTIATING, ConsentAnswer.REJECTED}
    disputed = [row for row in matrix.rows if row.answer in against]
    is_open = matrix.state is ConsentState.OPEN
    mine = any(row.person == caller.id and row.answer is ConsentAnswer.SILENT for row in matrix.rows)
    stuck = disputed or [row for row in matrix.rows if row.escalated and not row.settled]
    return MatrixSummary(
        matrix=matrix.matrix, number=matrix.number, title=matrix.title, state=matrix.state, revision=matrix.revision,
        proposer=matrix.proposer, proposer_name=names.get(matrix.proposer, matrix.proposer),
        people=len(matrix.rows), agreed=sum(row.settled for row in matrix.rows), against=len(disputed),
        waits_for_me=(is_open and (mine or bool(stuck and caller.id == matrix.arbiter)))
        or (caller.id == matrix.proposer and (matrix.state is ConsentState.DRAFT or (is_open and bool(disputed)))),
        proposed_at=matrix.proposed_at, sent_at=matrix.sent_at, settled_at=matrix.settled_at,
    )  # fmt: skip


async def _reply(tx: Tx, matrix: Matrix, caller: Caller) -> MatrixReply:
    lines = await consent_store.thread(tx, matrix.matrix)
    people = {matrix.proposer, *(row.person for row in matrix.rows), *(line["by"] for line in lines if line["by"])}
    people |= {matrix.arbiter} if matrix.arbiter else set()
    people |= {row.compensation.helper for row in matrix.rows if row.compensation and row.compensation.helper}
    people |= {
        value for one in matrix.adjustments if one.field is TargetField.OWNER for value in (one.old, one.new) if value
    }
    names = await store.people_names(tx, people)
    received = await consent_store.received(tx, matrix.matrix)
    owners = {row.row: names.get(row.person, row.person) for row in matrix.rows}
    change = await store.find_order(tx, matrix.change) if matrix.change else None
    open_to_proposer = matrix.state in {ConsentState.DRAFT, ConsentState.OPEN}
    return MatrixReply(
        summary=_summary(matrix, names, caller), reason=matrix.reason, arbiter=matrix.arbiter,
        arbiter_name=names.get(matrix.arbiter or "", matrix.arbiter), change=matrix.change,
        change_number=change.order.number if change else None,
        adjustments=[_adjustment(one, names) for one in matrix.adjustments],
        rows=[_row(row, names, received) for row in matrix.rows],
        thread=[
            ThreadLine(
                at=line["at"], revision=line["revision"], kind=line["kind"], by=line["by"],
                by_name=names.get(line["by"] or "", line["by"]), row_person_name=owners.get(line["row"]),
                body=line["body"],
            )
            for line in lines
        ],
        answer_by=consents.answer_by(matrix), version=matrix.version,
        may_edit=open_to_proposer and caller.id == matrix.proposer,
        may_decide=matrix.state is ConsentState.OPEN and caller.id == matrix.arbiter,
    )  # fmt: skip


def _adjustment(one: Adjustment, names: dict[str, str]) -> AdjustmentReply:
    people = one.field is TargetField.OWNER
    return AdjustmentReply(
        task=one.task, task_code=one.task_code, task_title=one.task_title, field=one.field, old=one.old, new=one.new,
        old_name=names.get(one.old or "") if people else None, new_name=names.get(one.new or "") if people else None,
    )  # fmt: skip


def _row(row: Row, names: dict[str, str], received: dict[UUID, datetime]) -> RowReply:
    helper = row.compensation.helper if row.compensation else None
    return RowReply(
        row=row.row, person=row.person, person_name=names.get(row.person, row.person), found_by=row.found_by,
        task=row.task, task_code=row.task_code, action=row.action, hours=row.hours, compensation=row.compensation,
        helper_name=names.get(helper or ""), answer=row.answer, answered_at=row.answered_at, reason=row.reason,
        counter=CounterReply(hours=row.counter.hours, compensation=row.counter.compensation) if row.counter else None,
        escalated=row.escalated, received_at=received.get(row.row),
    )  # fmt: skip
