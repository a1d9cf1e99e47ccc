"""A compensation that was agreed to: owed until it is given, and given when its receiver says so (C7)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from bihuan_contracts.changes import CompensationKind
from changes.domain.consent import Matrix, NotYoursError, Row, StaleError

DUE_WITHIN_DAYS = 10
"""Working days from the agreement, where the matrix names no date."""
REMIND_BEFORE = timedelta(days=1)
AGAIN_AFTER_DAYS = 3
"""Working days between reminders of what is overdue: until it is given."""


class Standing(StrEnum):
    OWED = "owed"
    OVERDUE = "overdue"
    GIVEN = "given"
    """By the word of who owes it; the receiver has not confirmed yet."""
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class Promise:
    """What one person owes another since the matrix was agreed to; `row` is the row of the matrix."""

    row: UUID
    matrix: UUID
    receiver: str
    giver: str
    kind: CompensationKind
    amount: Decimal
    helper: str | None
    promised_at: datetime
    due_at: datetime
    given_at: datetime | None = None
    note: str | None = None
    """How it was given, in the giver's words."""
    contested: str | None = None
    """Why the receiver says that it was not."""
    received_at: datetime | None = None

    def standing(self, now: datetime) -> Standing:
        if self.received_at is not None:
            return Standing.RECEIVED
        if self.given_at is not None:
            return Standing.GIVEN
        return Standing.OVERDUE if self.due_at <= now else Standing.OWED


def promises(matrix: Matrix, now: datetime, default_due: datetime) -> tuple[Promise, ...]:
    """What a settled matrix owes to each person: by who helps where it is help, else by who has proposed it."""
    return tuple(
        Promise(
            row=row.row, matrix=matrix.matrix, receiver=row.person,
            giver=_giver(matrix, row), kind=row.compensation.kind,
            amount=row.compensation.amount, helper=row.compensation.helper, promised_at=now,
            due_at=row.compensation.due_at or default_due,
        )
        for row in matrix.rows
        if row.compensation is not None and row.compensation.kind is not CompensationKind.NONE
    )  # fmt: skip


def _giver(matrix: Matrix, row: Row) -> str:
    """Nobody owes anything to themselves: what the proposer is to get, the arbiter owes, who stands above."""
    if row.compensation is not None and row.compensation.helper:
        return row.compensation.helper
    return matrix.arbiter if row.person == matrix.proposer and matrix.arbiter else matrix.proposer


def give(promise: Promise, by: str, note: str, now: datetime) -> Promise:
    """Who owes it says that it is given, and how; the receiver is asked to confirm."""
    if by != promise.giver:
        raise NotYoursError("not_giver", "只有兑现人可以登记", "Only who owes it may say that it is given")
    _require_open(promise)
    return replace(promise, given_at=now, note=note, contested=None)


def contest(promise: Promise, by: str, words: str) -> Promise:
    """The receiver has not got it: it is owed as before."""
    _require_receiver(promise, by)
    _require_open(promise)
    if promise.given_at is None:
        raise StaleError("not_given", "还没有登记兑现", "Nobody has said that it is given")
    return replace(promise, given_at=None, contested=words)


def receive(promise: Promise, by: str, now: datetime) -> Promise:
    """Only the receiver's word ends it; once more changes nothing."""
    _require_receiver(promise, by)
    return promise if promise.received_at else replace(promise, received_at=now, contested=None)


def _require_receiver(promise: Promise, by: str) -> None:
    if by != promise.receiver:
        raise NotYoursError("not_yours", "只能由本人确认", "Only the person may confirm")


def _require_open(promise: Promise) -> None:
    if promise.received_at is not None:
        raise StaleError("received", "本人已确认兑现", "The receiver has confirmed it already")
