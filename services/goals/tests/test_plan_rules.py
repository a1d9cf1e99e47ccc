"""G3: lateness on working days, what finishing adds, what is missing, slack and the critical path."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as some

from bihuan_chassis.calendar import Calendar
from bihuan_contracts.goals import GoalState, ProjectState, TaskKind, TaskState
from goals.domain.plan import ProjectPlan, plan
from goals.domain.tree import Goal, Project, Task, Tree

NOW = datetime(2026, 3, 11, 2, tzinfo=UTC)
"""A Wednesday, ten o'clock in China."""
GOAL, GONE = Goal(UUID(int=1), "电气"), Goal(UUID(int=2), "取消的", state=GoalState.CANCELLED)
CALENDAR = Calendar()


def day(n: int) -> datetime:
    """So many working days from now."""
    return CALENDAR.add(NOW, n) if n >= 0 else NOW + timedelta(days=n)


def task(number: int, hours: int | None = 8, *after: int, **more: object) -> Task:
    base = Task(
        UUID(int=100 + number), f"T-{number}", UUID(int=9), GOAL.goal, "", TaskKind.DEVELOP, TaskState.ACTIVE,
        planned_hours=None if hours is None else Decimal(hours), depends_on=tuple(UUID(int=100 + one) for one in after),
        share=Decimal(10), progress=Decimal(0),
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def planned(*tasks: Task, due: datetime | None = None) -> ProjectPlan:
    project = Project(UUID(int=9), "P", "P", "GX", "L", ProjectState.ACTIVE, due_at=due, goals=(GOAL, GONE))
    return plan(Tree(project, {one.task: one for one in tasks}), NOW, CALENDAR)


def codes(found: ProjectPlan) -> list[int]:
    return [one.int - 100 for one in found.critical]


def test_the_longest_chain_is_critical_and_the_rest_has_its_slack() -> None:
    """1 → 2 → 3 takes 1 + 3 + 1 days, 4 stands beside it with 2."""
    found = planned(task(1), task(2, 24, 1), task(3, 8, 2), task(4, 16))
    assert codes(found) == [1, 2, 3]
    assert (found.finish_in, found.days_left) == (5, None)
    assert [found.tasks[UUID(int=100 + n)].slack for n in (1, 2, 3, 4)] == [0, 0, 0, 3]
    assert not found.tasks[UUID(int=104)].critical


def test_five_deep_adds_up_from_end_to_end() -> None:
    found = planned(task(1, 8), *(task(n, 8, n - 1) for n in range(2, 7)))
    assert found.finish_in == 6
    assert codes(found) == [1, 2, 3, 4, 5, 6]


def test_a_delivery_that_comes_too_early_is_late_by_the_chain() -> None:
    found = planned(task(1, 40), task(2, 8), due=day(3))
    assert (found.finish_in, found.days_left) == (5, 3)
    assert found.tasks[UUID(int=101)].slack == -2
    assert found.tasks[UUID(int=101)].delays_project == 2
    assert found.tasks[UUID(int=102)].delays_project == 0


def test_a_delivery_in_the_past_counts_backwards() -> None:
    found = planned(task(1), due=NOW - timedelta(days=7))
    assert found.days_left == -5
    assert found.tasks[UUID(int=101)].delays_project == 6


def test_work_starts_on_its_own_day_and_not_before() -> None:
    assert planned(task(1, 8, starts_at=day(4))).finish_in == 5
    assert planned(task(1, 8, starts_at=NOW - timedelta(days=30))).finish_in == 1


def test_what_is_booked_is_no_longer_to_do_but_unverified_work_takes_a_day() -> None:
    assert planned(task(1, 40, actual_hours=Decimal(20))).finish_in == 3
    assert planned(task(1, 40, actual_hours=Decimal(60))).finish_in == 1
    assert planned(task(1, None)).finish_in == 1


def test_finished_and_cancelled_work_is_not_waited_for() -> None:
    done = task(1, 80, state=TaskState.DONE, progress=Decimal(100))
    gone = task(3, 80, goal=GONE.goal)
    found = planned(done, task(2, 8, 1, 3), gone)
    assert found.finish_in == 1
    assert found.tasks[done.task].slack is None
    assert found.tasks[done.task].adds == 0
    assert found.tasks[gone.task].slack is None


def test_finishing_adds_what_is_not_earned_and_lateness_costs_as_much() -> None:
    late = task(1, progress=Decimal(40), due_at=NOW - timedelta(days=1))
    soon = task(2, progress=None, due_at=day(2))
    found = planned(late, soon).tasks
    assert (found[late.task].adds, found[late.task].missing) == (6, 6)
    assert (found[soon.task].adds, found[soon.task].missing) == (10, 0)


def test_lateness_leaves_weekends_out() -> None:
    friday = datetime(2026, 3, 6, 2, tzinfo=UTC)
    found = planned(task(1, due_at=friday)).tasks
    assert found[UUID(int=101)].days_late == 3  # Monday, Tuesday, Wednesday


def test_a_loop_that_came_in_is_left_out_and_the_rest_is_planned() -> None:
    found = planned(task(1, 8, 2), task(2, 8, 1), task(3, 16))
    assert found.finish_in == 2
    assert found.tasks[UUID(int=101)].slack is None
    assert codes(found) == [3]


shapes = some.lists(
    some.tuples(some.integers(1, 40), some.sets(some.integers(0, 11), max_size=3), some.integers(0, 6)),
    min_size=1, max_size=12,
)  # fmt: skip


def made(shape: list[tuple[int, set[int], int]]) -> list[Task]:
    """Each follows earlier ones only, so there is no loop."""
    return [
        task(n, hours, *sorted(one for one in after if one < n), starts_at=day(start))
        for n, (hours, after, start) in enumerate(shape)
    ]


@given(shapes)
def test_the_finish_is_the_longest_way_through(shape: list[tuple[int, set[int], int]]) -> None:
    tasks = made(shape)

    @lru_cache(None)
    def ready(n: int) -> int:
        hours, after, start = shape[n]
        return max([start, *(ready(one) for one in after if one < n)]) + -(-hours // 8)

    found = planned(*tasks)
    assert [found.tasks[one.task].finish_in for one in tasks] == [ready(n) for n in range(len(tasks))]
    assert found.finish_in == max(ready(n) for n in range(len(tasks)))
    assert found.critical
    assert min(one.slack for one in found.tasks.values() if one.slack is not None) == 0


@given(shapes, some.data())
def test_a_task_may_slip_by_its_slack_and_not_by_a_day_more(
    shape: list[tuple[int, set[int], int]], data: some.DataObject
) -> None:
    tasks = made(shape)
    found = planned(*tasks)
    chosen = data.draw(some.sampled_from(tasks))
    slack = found.tasks[chosen.task].slack
    assert slack is not None
    assert chosen.planned_hours is not None
    for days, late in ((slack, 0), (slack + 1, 1)):
        slipped = replace(chosen, planned_hours=chosen.planned_hours + 8 * days)
        after = planned(*(slipped if one.task == chosen.task else one for one in tasks))
        assert after.finish_in == found.finish_in + late
