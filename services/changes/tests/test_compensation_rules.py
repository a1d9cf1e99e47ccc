"""A compensation is owed until its receiver says that it was given (C7)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from bihuan_contracts.changes import Compensation, CompensationKind
from changes.domain.compensation import Promise, Standing, contest, give, promises, receive
from changes.domain.consent import FoundBy, Matrix, NotYoursError, Row, StaleError

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
ENGINEER, LEAD, BOSS, HELPER = "10231", "10500", "10004", "10235"


def row(number: int, person: str, compensation: Compensation | None) -> Row:
    return Row(UUID(int=number), person, FoundBy.OWNER, compensation=compensation)


def matrix(*rows: Row) -> Matrix:
    return Matrix(UUID(int=1), "GCM-2026-0001", "顺延", "样板晚到", LEAD, BOSS, (), rows, NOW)


def rest(**more: object) -> Compensation:
    return Compensation.model_validate({"kind": CompensationKind.REST_DAYS, "amount": 1, **more})


def a_promise(**more: object) -> Promise:
    (found,) = promises(matrix(row(2, ENGINEER, rest())), NOW, LATER)
    return replace(found, **more)  # type: ignore[arg-type]


def test_who_asks_owes_and_who_helps_owes_the_help() -> None:
    help_ = Compensation(kind=CompensationKind.HELP, amount=Decimal(4), helper=HELPER)
    nothing = Compensation(kind=CompensationKind.NONE)
    found = promises(
        matrix(row(2, ENGINEER, rest()), row(3, "10306", help_), row(4, "10310", nothing), row(5, "10311", None)),
        NOW, LATER,
    )  # fmt: skip
    assert [(one.receiver, one.giver, one.kind) for one in found] == [
        (ENGINEER, LEAD, CompensationKind.REST_DAYS),
        ("10306", HELPER, CompensationKind.HELP),
    ]


def test_nobody_owes_anything_to_themselves() -> None:
    (found,) = promises(matrix(row(2, LEAD, rest())), NOW, LATER)
    assert found.giver == BOSS


def test_a_date_of_the_matrix_goes_before_the_usual_term() -> None:
    soon = NOW + timedelta(days=3)
    first, second = promises(matrix(row(2, ENGINEER, rest(due_at=soon)), row(3, "10306", rest())), NOW, LATER)
    assert (first.due_at, second.due_at) == (soon, LATER)


def test_only_the_receivers_word_ends_it() -> None:
    given = give(a_promise(), LEAD, "3 月 20 日调休，已排班", NOW)
    assert given.standing(LATER) is Standing.GIVEN
    with pytest.raises(NotYoursError):
        receive(given, LEAD, NOW)
    done = receive(given, ENGINEER, NOW)
    assert done.standing(LATER) is Standing.RECEIVED
    assert receive(done, ENGINEER, LATER) == done


def test_what_has_not_arrived_is_owed_again() -> None:
    given = give(a_promise(), LEAD, "已排班", NOW)
    back = contest(given, ENGINEER, "那天又被叫回来了")
    assert (back.standing(NOW), back.standing(LATER)) == (Standing.OWED, Standing.OVERDUE)
    assert back.contested == "那天又被叫回来了"


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (lambda: give(a_promise(), ENGINEER, "自己给自己", NOW), NotYoursError),
        (lambda: contest(a_promise(given_at=NOW), LEAD, "替别人说"), NotYoursError),
        (lambda: contest(a_promise(), ENGINEER, "还没有人说给了"), StaleError),
        (lambda: give(a_promise(received_at=NOW), LEAD, "又一次", NOW), StaleError),
    ],
)  # fmt: skip
def test_others_and_late_steps_are_refused(step: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        step()  # type: ignore[operator]
