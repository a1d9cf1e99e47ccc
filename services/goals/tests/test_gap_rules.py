"""G4: every active goal resolves to this week's deliverables, or is a gap with its owner and the reason."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bihuan_contracts.goals import Criterion, CriterionState, Deliverable, ProjectState, TaskKind, TaskState
from goals.domain.gaps import GapReason, reach_of
from goals.domain.tree import Goal, Project, Task, Tree

NOW = datetime(2026, 3, 11, 2, tzinfo=UTC)  # a Wednesday
LEAD, OWNER = "10105", "10231"
GOAL = Goal(UUID(int=1), "样机达标")
CRITERION = Criterion(criterion=UUID(int=9), version=1, text="通过", state=CriterionState.OPEN)


def task(
    number: int = 1, *, days: int | None = 1, criteria: tuple[Criterion, ...] | None = (CRITERION,), **more: object
) -> Task:
    due = None if days is None else NOW + timedelta(days=days)
    parts = () if criteria is None else (
        Deliverable(deliverable=UUID(int=8), title="D", weight=None, due_at=None, criteria=criteria),
    )  # fmt: skip
    values = {"owner": OWNER, "state": TaskState.ACTIVE, **more}
    return Task(
        UUID(int=100 + number), f"T-{number}", UUID(int=2), GOAL.goal, "任务", TaskKind.DEVELOP, due_at=due,
        deliverables=parts, **values,  # type: ignore[arg-type]
    )  # fmt: skip


def reach(*tasks: Task, goal: Goal = GOAL, state: ProjectState = ProjectState.ACTIVE):  # type: ignore[no-untyped-def]
    project = Project(UUID(int=2), "P", "P", "P", LEAD, state, goals=(goal,))
    return reach_of(Tree(project, {one.task: one for one in tasks}), NOW)


@pytest.mark.parametrize(
    ("tasks", "reason", "owner"),
    [
        ((), GapReason.NO_TASK, LEAD),
        ((task(state=TaskState.CANCELLED),), GapReason.NO_TASK, LEAD),
        ((task(state=TaskState.DRAFT),), GapReason.DRAFT, OWNER),
        ((task(owner=None),), GapReason.NO_OWNER, LEAD),
        ((task(days=None),), GapReason.NO_DATE, OWNER),
        ((task(criteria=None),), GapReason.NO_DELIVERABLE, OWNER),
        ((task(criteria=()),), GapReason.NO_DELIVERABLE, OWNER),
        ((task(days=9),), GapReason.LATER, OWNER),
    ],
)
def test_each_gap_has_its_reason_and_its_owner(tasks: tuple[Task, ...], reason: GapReason, owner: str) -> None:
    found = reach(*tasks)
    assert (found.goals, found.reached) == (1, 0)
    assert [(gap.reason, gap.owner) for gap in found.gaps] == [(reason, owner)]


@pytest.mark.parametrize("days", [-20, 0, 4])
def test_due_this_week_or_overdue_reaches_it(days: int) -> None:
    found = reach(task(days=days), task(2, days=30))
    assert (found.reached, found.gaps) == (1, ())


def test_a_broken_task_is_a_gap_beside_one_that_reaches_the_week() -> None:
    found = reach(task(), task(2, days=None))
    assert (found.reached, [gap.reason for gap in found.gaps]) == (1, [GapReason.NO_DATE])


def test_finished_goals_and_projects_that_do_not_run_ask_for_nothing() -> None:
    assert reach(task(state=TaskState.DONE)).goals == 0
    assert reach(state=ProjectState.DRAFT).goals == 0


def test_the_goals_owner_owns_the_gap_where_there_is_no_task() -> None:
    (gap,) = reach(goal=Goal(GOAL.goal, "G", owner="10240")).gaps
    assert gap.owner == "10240"


@given(some.lists(some.tuples(some.none() | some.integers(-30, 30), some.booleans(), some.booleans()), max_size=6))
def test_a_goal_either_reaches_the_week_or_has_a_gap(kinds: list[tuple[int | None, bool, bool]]) -> None:
    """Nothing falls through: the count of goals without a deliverable this week never exceeds the gaps."""
    tasks = [
        task(number, days=days, owner=OWNER if owned else None, criteria=(CRITERION,) if whole else None)
        for number, (days, owned, whole) in enumerate(kinds)
    ]
    found = reach(*tasks)
    assert found.goals == 1
    assert found.reached == 1 or found.gaps
    due = [days for days, owned, whole in kinds if days is not None and owned and whole]
    assert bool(found.reached) == any(
        NOW + timedelta(days=days) < datetime(2026, 3, 15, 16, tzinfo=UTC) for days in due
    )
