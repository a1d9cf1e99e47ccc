"""Consent as a state machine: nothing takes effect without everybody's yes, or the arbiter's written reason (C7, C8)."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentAnswer, ConsentState
from bihuan_contracts.goals import TargetField
from changes.domain import consent
from changes.domain.consent import ConsentError, Counter, FoundBy, Link, Matrix, Row
from changes.domain.world import Task

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
PEOPLE = ("a", "b", "c")
PROPOSER, ARBITER, STRANGER = "p", "z", "s"
MOVED = Adjustment(
    task=UUID(int=1), task_code="T-1", task_title="任务", project=UUID(int=9), field=TargetField.DUE_AT,
    old=None, new="2026-03-20T10:00:00+00:00",
)  # fmt: skip
REST = Compensation(kind=CompensationKind.REST_DAYS, amount=Decimal(1))


def a_row(number: int, person: str, **more: object) -> Row:
    values: dict[str, object] = {"action": "按新日期完成", "hours": Decimal(8), "compensation": REST}
    return Row(UUID(int=number), person, FoundBy.OWNER, **(values | more))  # type: ignore[arg-type]


def a_matrix(*rows: Row) -> Matrix:
    listed = rows or tuple(a_row(number, person) for number, person in enumerate(PEOPLE))
    return Matrix(UUID(int=7), "GCM-2026-0001", "延期", "供应商晚到", PROPOSER, ARBITER, (MOVED,), listed, NOW)


class Consent(RuleBasedStateMachine):
    """Any order of answers, counter-offers, stale answers, replays, edits and timeouts.

    `said` is the oracle: who said yes, or was decided, for the revision that is open, kept without the machine's help.
    """

    @initialize()
    def begin(self) -> None:
        self.matrix = a_matrix()
        self.said: set[UUID] = set()
        self.effective: list[Matrix] = []

    def attempt(self, step: object) -> bool:
        before = self.matrix
        try:
            self.matrix = step()  # type: ignore[operator]
        except ConsentError:
            assert self.matrix is before
            return False
        if self.matrix.state is ConsentState.SETTLED:
            self.effective.append(self.matrix)
        return True

    @rule(by=st.sampled_from([PROPOSER, *PEOPLE, STRANGER]))
    def send(self, by: str) -> None:
        if self.attempt(lambda: consent.send(self.matrix, by, NOW)):
            assert by == PROPOSER
            self.said = set()

    @rule(
        row=st.integers(0, 3),
        by=st.sampled_from([*PEOPLE, PROPOSER, ARBITER, STRANGER]),
        back=st.integers(0, 2),
        given=st.sampled_from([ConsentAnswer.ACCEPTED, ConsentAnswer.NEGOTIATING, ConsentAnswer.REJECTED]),
    )
    def answer(self, row: int, by: str, back: int, given: ConsentAnswer) -> None:
        revision = self.matrix.revision - back
        counter = Counter(Decimal(4)) if given is ConsentAnswer.NEGOTIATING else None
        step = lambda: consent.answer(self.matrix, UUID(int=row), by, revision, given, NOW, counter=counter)  # noqa: E731
        if self.attempt(step):
            assert (by, back) == (PEOPLE[row], 0)
            self.said -= {UUID(int=row)}
            if given is ConsentAnswer.ACCEPTED:
                self.said.add(UUID(int=row))

    @rule(row=st.integers(0, 2), by=st.sampled_from([ARBITER, *PEOPLE, PROPOSER]), back=st.integers(0, 1))
    def override(self, row: int, by: str, back: int) -> None:
        revision = self.matrix.revision - back
        if self.attempt(lambda: consent.override(self.matrix, UUID(int=row), by, revision, "客户罚款更重", NOW)):
            assert (by, back) == (ARBITER, 0)
            self.said.add(UUID(int=row))

    @rule(back=st.integers(0, 1))
    def time_is_over(self, back: int) -> None:
        after, silent = consent.escalate(self.matrix, self.matrix.revision - back)
        assert not silent or back == 0
        self.matrix = after

    @rule(by=st.sampled_from([PROPOSER, "a"]), fewer=st.booleans())
    def edit(self, by: str, fewer: bool) -> None:
        rows = self.matrix.rows[: len(PEOPLE) - fewer]
        if self.attempt(lambda: consent.edit(self.matrix, by, "改期", "理由", (MOVED,), rows)):
            self.said = set()

    @rule(by=st.sampled_from([PROPOSER, "b"]))
    def withdraw(self, by: str) -> None:
        self.attempt(lambda: consent.withdraw(self.matrix, by))

    @invariant()
    def effective_only_with_everybody(self) -> None:
        if self.matrix.state is ConsentState.SETTLED:
            assert {row.row for row in self.matrix.rows} <= self.said
            assert self.matrix.settled_at is not None

    @invariant()
    def effective_once_and_frozen(self) -> None:
        assert len(self.effective) <= 1
        assert not self.effective or self.effective[0] is self.matrix

    @invariant()
    def overridden_rows_have_a_reason(self) -> None:
        assert all(row.reason for row in self.matrix.rows if row.answer is ConsentAnswer.OVERRIDDEN)


TestConsent = Consent.TestCase
TestConsent.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)


def test_everybody_accepts_and_it_is_effective() -> None:
    """C8."""
    matrix = consent.send(a_matrix(), PROPOSER, NOW)
    for number, person in enumerate(PEOPLE):
        assert matrix.state is ConsentState.OPEN
        matrix = consent.answer(matrix, UUID(int=number), person, 1, ConsentAnswer.ACCEPTED, NOW)
    assert matrix.state is ConsentState.SETTLED


def test_sending_is_the_proposers_own_yes_and_nobody_elses() -> None:
    """C8: the proposer can't answer for others."""
    matrix = consent.send(a_matrix(a_row(1, PROPOSER), a_row(2, "a")), PROPOSER, NOW)
    assert [row.answer for row in matrix.rows] == [ConsentAnswer.ACCEPTED, ConsentAnswer.SILENT]
    with pytest.raises(consent.NotYoursError):
        consent.answer(matrix, UUID(int=2), PROPOSER, 1, ConsentAnswer.ACCEPTED, NOW)


def test_new_revision_asks_everybody_again() -> None:
    """C8: a counter-offer leads to a new revision for everybody affected; a stale answer is refused."""
    matrix = consent.send(a_matrix(), PROPOSER, NOW)
    matrix = consent.answer(matrix, UUID(int=0), "a", 1, ConsentAnswer.ACCEPTED, NOW)
    matrix = consent.answer(matrix, UUID(int=1), "b", 1, ConsentAnswer.NEGOTIATING, NOW, counter=Counter(Decimal(12)))
    matrix = consent.edit(matrix, PROPOSER, matrix.title, matrix.reason, matrix.adjustments, matrix.rows)
    with pytest.raises(consent.StaleError):
        consent.answer(matrix, UUID(int=2), "c", 1, ConsentAnswer.ACCEPTED, NOW)
    matrix = consent.send(matrix, PROPOSER, NOW)
    assert matrix.revision == 2
    assert {row.answer for row in matrix.rows} == {ConsentAnswer.SILENT}
    with pytest.raises(consent.StaleError) as refused:
        consent.answer(matrix, UUID(int=0), "a", 1, ConsentAnswer.ACCEPTED, NOW)
    assert refused.value.code == "stale_revision"


def test_arbiter_waits_for_the_answer_or_for_the_deadline() -> None:
    """C8: silence escalates and never counts."""
    matrix = consent.send(a_matrix(), PROPOSER, NOW)
    with pytest.raises(consent.StaleError):
        consent.override(matrix, UUID(int=0), ARBITER, 1, "理由充分", NOW)
    matrix, silent = consent.escalate(matrix, 1)
    assert len(silent) == 3
    assert matrix.state is ConsentState.OPEN
    assert consent.escalate(matrix, 1)[1] == ()
    decided = consent.override(matrix, UUID(int=0), ARBITER, 1, "理由充分", NOW)
    assert decided.rows[0].answer is ConsentAnswer.OVERRIDDEN


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"action": " "}, "rows.0.action"),
        ({"hours": None}, "rows.0.hours"),
        ({"compensation": None}, "rows.0.compensation"),
        ({"compensation": Compensation(kind=CompensationKind.BONUS_POINTS)}, "rows.0.compensation.amount"),
        ({"compensation": Compensation(kind=CompensationKind.HELP, amount=Decimal(4))}, "rows.0.compensation.helper"),
        ({"compensation": Compensation(kind=CompensationKind.NONE)}, "rows.0.compensation.kind"),
    ],
)
def test_empty_column_is_named(values: dict[str, object], field: str) -> None:
    """C7: four mandatory columns."""
    assert [gap.field for gap in consent.gaps(a_matrix(a_row(1, "a", **values)))] == [field]


def test_no_hours_need_no_compensation() -> None:
    nothing = Compensation(kind=CompensationKind.NONE)
    assert consent.gaps(a_matrix(a_row(1, "a", hours=Decimal(0), compensation=nothing))) == []


def test_whom_an_adjustment_concerns_is_found() -> None:
    """C7: owners, who takes over, the lead, and who works on the same module; each once, the proposer not as lead."""
    project = UUID(int=9)
    tasks = {
        UUID(int=number): Task(UUID(int=number), f"T-{number}", "", "develop", state, owner, module, "V1", project)
        for number, owner, module, state in (
            (1, "a", "PM", "active"), (2, "b", "PM", "active"), (3, "c", "PM", "done"), (4, "d", "X", "active"),
            (5, "a", "PM", "active"),
        )
    }  # fmt: skip
    moves = (
        MOVED,
        MOVED.model_copy(update={"field": TargetField.OWNER, "old": "a", "new": "e"}),
    )
    ids = iter(range(100))
    rows = consent.affected(moves, {UUID(int=1): tasks[UUID(int=1)]}, (), tasks.values(), {project: "lead"}, "p",
                            lambda: UUID(int=next(ids)))  # fmt: skip
    assert [(row.person, str(row.found_by), row.task_code) for row in rows] == [
        ("a", "owner", "T-1"), ("e", "next_owner", "T-1"), ("lead", "lead", None), ("b", "module", "T-2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("new", "found"),
    [("2026-03-25T00:30:00+00:00", ["waits"]), ("2026-03-01T00:30:00+00:00", ["waits", "needed"])],
)
def test_who_waits_for_a_moved_date_is_found_and_who_must_be_ready_for_an_earlier_one(
    new: str, found: list[str]
) -> None:
    """C7: linked tasks by their dependencies; finished ones and the proposer's own are nobody's concern."""
    project = UUID(int=9)
    own, after, before, done, mine = (
        Task(UUID(int=number), f"T-{number}", "", "develop", state, owner, None, None, project)
        for number, owner, state in (
            (1, "a", "active"), (2, "b", "draft"), (3, "c", "active"), (4, "d", "done"), (5, "p", "active"),
        )
    )  # fmt: skip
    move = MOVED.model_copy(update={"task": own.task, "old": "2026-03-16T00:30:00+00:00", "new": new})
    links = [
        Link(own.task, before, waits=False), Link(own.task, after, waits=True), Link(own.task, done, waits=True),
        Link(own.task, mine, waits=True),
    ]  # fmt: skip
    rows = consent.affected([move], {own.task: own}, links, (), {}, "p", lambda: UUID(int=0))
    assert [str(row.found_by) for row in rows] == ["owner", *found]


def test_more_hours_alone_concern_nobody_who_waits() -> None:
    """C7: a link counts where a date moves."""
    own = Task(UUID(int=1), "T-1", "", "develop", "active", "a", None, None, UUID(int=9))
    after = Task(UUID(int=2), "T-2", "", "develop", "active", "b", None, None, UUID(int=9))
    move = MOVED.model_copy(update={"task": own.task, "field": TargetField.PLANNED_HOURS, "old": "8", "new": "12"})
    links = [Link(own.task, after, waits=True)]
    rows = consent.affected([move], {own.task: own}, links, (), {}, "p", lambda: UUID(int=0))
    assert [row.person for row in rows] == ["a"]
