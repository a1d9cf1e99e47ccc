"""Impact matrices: propose, fill in, ask, answer, decide (C7, C8)."""

from dataclasses import replace
from typing import Annotated, Literal
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
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Text
from bihuan_contracts.changes import ConsentAnswer, ConsentState
from changes import compensation_store, compensations, consent_store, consents, store
from changes.api.access import consent_step
from changes.api.adjustments import AdjustmentIn, adjustments_of
from changes.api.consent_replies import MatrixList, MatrixReply, matrix_reply, oversees, summary_of, visible
from changes.api.consent_rows import CounterIn, RowIn, arbiter_of, counter_of, filled_rows, found_rows
from changes.domain import consent
from changes.domain.compensation import receive as receive_promise
from changes.domain.consent import Matrix

routes = router(tags=["consents"])
_PEOPLE = EVERYONE - {Role.AUDITOR}

Words = Annotated[str, Field(min_length=1, max_length=1000)]


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


@routes.get("/consents", dependencies=[allow(EVERYONE)])
async def list_matrices(
    tx: Tx,
    caller: Caller,
    waiting: bool = False,
    state: ConsentState | None = None,
    change: UUID | None = None,
    limit: Annotated[int, Field(ge=1, le=200)] = 100,
) -> MatrixList:
    found = await consent_store.find(
        tx,
        caller.id,
        everything=oversees(caller),
        waiting=waiting,
        state=str(state) if state else None,
        change=change,
        limit=limit,
    )
    names = await store.people_names(tx, {one.proposer for one in found})
    return MatrixList(matrices=[summary_of(one, names, caller) for one in found])


@routes.post("/consents", status_code=201, dependencies=[allow(_PEOPLE)])
async def propose(body: Proposal, tx: Tx, caller: Caller) -> MatrixReply:
    adjustments, tasks = await adjustments_of(tx, body.adjustments)
    rows = await found_rows(tx, adjustments, tasks, caller.id)
    if body.change is not None and await store.find_order(tx, body.change) is None:
        raise invalid("change", "unknown_change", "没有这个变更", "There is no such change")
    matrix = Matrix(
        matrix=tx.new_id(), number=await consent_store.next_number(tx), title=body.title, reason=body.reason,
        proposer=caller.id, arbiter=await arbiter_of(tx, adjustments, rows, caller.id), adjustments=adjustments,
        rows=rows, proposed_at=tx.now, change=body.change, version=1,
    )  # fmt: skip
    await consents.proposed(tx, matrix)
    return await matrix_reply(tx, matrix, caller)


@routes.get("/consents/{matrix}", dependencies=[allow(EVERYONE)])
async def read_matrix(matrix: UUID, tx: Tx, caller: Caller) -> MatrixReply:
    found = (await consent_store.load(tx, [matrix], lock=False)).get(matrix)
    if found is None or not (oversees(caller) or await consent_store.sees(tx, matrix, caller.id)):
        raise NotFound()
    return await matrix_reply(tx, found, caller)


@routes.put("/consents/{matrix}", dependencies=[allow(_PEOPLE)])
async def word(matrix: UUID, body: Wording, tx: Tx, caller: Caller) -> MatrixReply:
    """The proposer's next wording; an open matrix becomes a draft again until it is sent."""
    found = await _own(tx, matrix, caller, body.version)
    adjustments, tasks = await adjustments_of(tx, body.adjustments)
    needed = await found_rows(tx, adjustments, tasks, found.proposer)
    rows = await filled_rows(tx, body.rows, needed, found)
    after = consent_step(lambda: consent.edit(found, caller.id, body.title, body.reason, adjustments, rows))
    after = replace(after, arbiter=await arbiter_of(tx, adjustments, rows, found.proposer))
    await consents.edited(tx, after)
    return await matrix_reply(tx, after, caller)


@routes.post("/consents/{matrix}/send", dependencies=[allow(_PEOPLE)])
async def send(matrix: UUID, body: Step, tx: Tx, caller: Caller) -> MatrixReply:
    """Ask everybody. Refused with each empty column named."""
    found = await _own(tx, matrix, caller, body.version)
    gaps = consent.gaps(found)
    if gaps:
        raise Invalid(errors=[FieldError(gap.field, gap.code, Text(zh=gap.zh, en=gap.en)) for gap in gaps])
    if found.state is ConsentState.OPEN:
        raise Conflict("already_sent", Text(zh="这一版已经发出", en="This revision is sent already"))
    after = consent_step(lambda: consent.send(found, caller.id, tx.now))
    await consents.sent(tx, after)
    return await matrix_reply(tx, after, caller)


@routes.post("/consents/{matrix}/withdraw", dependencies=[allow(_PEOPLE)])
async def withdraw(matrix: UUID, body: Step, tx: Tx, caller: Caller) -> MatrixReply:
    found = await _own(tx, matrix, caller, body.version)
    after = consent_step(lambda: consent.withdraw(found, caller.id))
    await consents.withdrawn(tx, after, was_open=found.revision > 0, by=caller.id)
    return await matrix_reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/answer", dependencies=[allow(_PEOPLE)])
async def answer(matrix: UUID, row: UUID, body: AnswerIn, tx: Tx, caller: Caller) -> MatrixReply:
    """Accept, negotiate or reject one's own row of the current revision."""
    if body.answer != "accepted" and not (body.reason or "").strip():
        raise invalid("reason", "missing", "请用自己的话说明", "Say why in your own words")
    counter = await counter_of(tx, body.answer, body.counter)
    found = await visible(tx, matrix, caller)
    after = consent_step(
        lambda: consent.answer(
            found, row, caller.id, body.revision, ConsentAnswer(body.answer), tx.now, reason=body.reason,
            counter=counter,
        )
    )  # fmt: skip
    await consents.answered(tx, after, next(one for one in after.rows if one.row == row))
    return await matrix_reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/decide", dependencies=[allow(_PEOPLE)])
async def decide(matrix: UUID, row: UUID, body: DecisionIn, tx: Tx, caller: Caller) -> MatrixReply:
    """The arbiter overrides a row that was rejected, negotiated or silent for too long, with a written reason."""
    found = await visible(tx, matrix, caller)
    after = consent_step(lambda: consent.override(found, row, caller.id, body.revision, body.reason, tx.now))
    await consents.answered(tx, after, next(one for one in after.rows if one.row == row))
    return await matrix_reply(tx, after, caller)


@routes.post("/consents/{matrix}/rows/{row}/received", dependencies=[allow(_PEOPLE)])
async def receive(matrix: UUID, row: UUID, tx: Tx, caller: Caller) -> MatrixReply:
    """The person confirms that the compensation was given; the matrix itself stays frozen."""
    found = await visible(tx, matrix, caller)
    own = next((one for one in found.rows if one.row == row), None)
    if own is None or own.person != caller.id:
        raise Forbidden("not_yours", Text(zh="只能由本人确认", en="Only the person may confirm"))
    if found.state is not ConsentState.SETTLED:
        raise Conflict("not_settled", Text(zh="矩阵还没有定稿", en="The matrix is not settled yet"))
    promise = (await compensation_store.load(tx, [row])).get(row)
    if promise is None:
        raise NotFound()
    await compensations.received(tx, receive_promise(promise, caller.id, tx.now))
    await consent_store.note(tx, found, "received", caller.id, row)
    return await matrix_reply(tx, found, caller)


async def _own(tx: Tx, matrix: UUID, caller: Caller, version: int) -> Matrix:
    found = await visible(tx, matrix, caller)
    if found.proposer != caller.id:
        raise Forbidden("not_proposer", Text(zh="只有提出人可以这样做", en="Only the proposer may do this"))
    if found.version != version:
        raise Conflict(state=(await matrix_reply(tx, found, caller)).model_dump(mode="json"))
    return found
