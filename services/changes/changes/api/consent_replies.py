"""A matrix as the caller sees it: everybody's answers, the thread, and what the caller may do (C7, C8)."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bihuan_chassis.http import Caller, NotFound, Reply, Role, Tx
from bihuan_contracts.changes import Compensation, ConsentAnswer, ConsentState
from bihuan_contracts.goals import TargetField
from changes import compensation_store, consent_store, consents, store
from changes.api.adjustments import AdjustmentReply, adjustment_reply
from changes.domain.compensation import Promise
from changes.domain.consent import FoundBy, Matrix, Row

_OVERSEERS = {Role.HR, Role.AUDITOR, Role.DIRECTOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR}


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
    owed_until: datetime | None
    """When it is due, once the matrix is settled."""
    given_at: datetime | None
    """When who owes it said that it is given."""


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


def oversees(caller: Caller) -> bool:
    return any(caller.has(role) for role in _OVERSEERS)


async def visible(tx: Tx, matrix: UUID, caller: Caller) -> Matrix:
    found = (await consent_store.load(tx, [matrix])).get(matrix)
    if found is None or not (oversees(caller) or await consent_store.sees(tx, matrix, caller.id)):
        raise NotFound()
    return found


def summary_of(matrix: Matrix, names: dict[str, str], caller: Caller) -> MatrixSummary:
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


async def matrix_reply(tx: Tx, matrix: Matrix, caller: Caller) -> MatrixReply:
    lines = await consent_store.thread(tx, matrix.matrix)
    people = {matrix.proposer, *(row.person for row in matrix.rows), *(line["by"] for line in lines if line["by"])}
    people |= {matrix.arbiter} if matrix.arbiter else set()
    people |= {row.compensation.helper for row in matrix.rows if row.compensation and row.compensation.helper}
    people |= {
        value for one in matrix.adjustments if one.field is TargetField.OWNER for value in (one.old, one.new) if value
    }
    names = await store.people_names(tx, people)
    promised = await compensation_store.of_matrix(tx, matrix.matrix)
    owners = {row.row: names.get(row.person, row.person) for row in matrix.rows}
    change = await store.find_order(tx, matrix.change) if matrix.change else None
    open_to_proposer = matrix.state in {ConsentState.DRAFT, ConsentState.OPEN}
    return MatrixReply(
        summary=summary_of(matrix, names, caller), reason=matrix.reason, arbiter=matrix.arbiter,
        arbiter_name=names.get(matrix.arbiter or "", matrix.arbiter), change=matrix.change,
        change_number=change.order.number if change else None,
        adjustments=[adjustment_reply(one, names) for one in matrix.adjustments],
        rows=[_row(row, names, promised.get(row.row)) for row in matrix.rows],
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


def _row(row: Row, names: dict[str, str], promise: Promise | None) -> RowReply:
    helper = row.compensation.helper if row.compensation else None
    return RowReply(
        row=row.row, person=row.person, person_name=names.get(row.person, row.person), found_by=row.found_by,
        task=row.task, task_code=row.task_code, action=row.action, hours=row.hours, compensation=row.compensation,
        helper_name=names.get(helper or ""), answer=row.answer, answered_at=row.answered_at, reason=row.reason,
        counter=CounterReply(hours=row.counter.hours, compensation=row.counter.compensation) if row.counter else None,
        escalated=row.escalated, received_at=promise.received_at if promise else None,
        owed_until=promise.due_at if promise else None, given_at=promise.given_at if promise else None,
    )  # fmt: skip
