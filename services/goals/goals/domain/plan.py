"""What a task means for its project: share, lateness, what finishing it adds, the critical path (G3).

Work is counted in whole working days of eight hours from today; a task starts when all that it depends on is finished
and not before its own start. Slack is how many working days it may still slip before the project's delivery does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from bihuan_chassis.calendar import Calendar
from bihuan_contracts.goals import TaskState
from goals.domain.tree import Task, Tree
from goals.domain.week import lateness

_DAY = Decimal(8)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """One task on today's plan. Days are working days; points are percent of the whole project."""

    days_late: int
    adds: Decimal
    """Points that the project gains when it is finished today."""
    missing: Decimal
    """Points that the project lacks today because it is late."""
    slack: int | None
    """Days that it may slip before the delivery does; negative: the delivery slips by so many. None: not open."""
    critical: bool
    """No other chain of open work has less slack."""
    finish_in: int | None
    """Days from today until it can be finished."""

    @property
    def delays_project(self) -> int:
        """Days by which the delivery is late because of it."""
        return max(0, -(self.slack or 0))


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    tasks: dict[UUID, TaskPlan]
    critical: tuple[UUID, ...]
    """In the order in which they are worked."""
    finish_in: int
    """Working days until all open work can be done."""
    days_left: int | None
    """Working days to the delivery; negative when it has passed."""


def plan(tree: Tree, now: datetime, calendar: Calendar) -> ProjectPlan:
    open_tasks = {task.task: task for task in tree.tasks.values() if _is_open(tree, task)}
    order = _in_order(open_tasks)
    needs = {one: _days(open_tasks[one]) for one in order}
    ready: dict[UUID, int] = {}
    for one in order:
        task = open_tasks[one]
        start = _from_today(task.starts_at, now, calendar)
        before = [ready[other] for other in task.depends_on if other in ready]
        ready[one] = max([start, *before]) + needs[one]
    finish = max(ready.values(), default=0)
    left = calendar.between(now, tree.project.due_at) if tree.project.due_at else None
    latest: dict[UUID, int] = {}
    followers = _followers(open_tasks.values())
    for one in reversed(order):
        until = [latest[other] - needs[other] for other in followers.get(one, ()) if other in latest]
        latest[one] = min(until, default=finish if left is None else left)
    slack = {one: latest[one] - ready[one] for one in order}
    least = min(slack.values(), default=0)
    tasks = {
        task.task: _plan(task, now, calendar, slack.get(task.task), least, ready.get(task.task))
        for task in tree.tasks.values()
    }
    critical = sorted((one for one in order if slack[one] == least), key=lambda one: (ready[one], open_tasks[one].code))
    return ProjectPlan(tasks, tuple(critical), finish, left)


def _plan(task: Task, now: datetime, calendar: Calendar, slack: int | None, least: int, ready: int | None) -> TaskPlan:
    rest = task.share * (_HUNDRED - (task.progress or Decimal(0))) / _HUNDRED if slack is not None else Decimal(0)
    late = lateness(task, now, calendar)
    overdue = task.due_at is not None and task.due_at < now
    return TaskPlan(late, rest, rest if overdue else Decimal(0), slack, slack == least, ready)


def _is_open(tree: Tree, task: Task) -> bool:
    goal = tree.goal(task.goal)
    return task.state in {TaskState.ACTIVE, TaskState.DRAFT} and (goal is None or goal.counted)


def _days(task: Task) -> int:
    """Whole working days of work that is left: at least one, as long as it isn't verified."""
    if task.planned_hours is None:
        return 1
    rest = max(task.planned_hours - (task.actual_hours or Decimal(0)), Decimal(0))
    return max(1, int((rest / _DAY).to_integral_value(ROUND_CEILING)))


def _from_today(start: datetime | None, now: datetime, calendar: Calendar) -> int:
    return max(0, calendar.between(now, start)) if start is not None else 0


def _followers(tasks: Iterable[Task]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for task in tasks:
        for other in task.depends_on:
            found.setdefault(other, []).append(task.task)
    return found


def _in_order(tasks: dict[UUID, Task]) -> list[UUID]:
    """Whatever a task depends on comes before it. Edits refuse loops; a loop that came in otherwise is left out."""
    waits = {one: {other for other in task.depends_on if other in tasks} for one, task in tasks.items()}
    followers = _followers(tasks.values())
    free = sorted((one for one, before in waits.items() if not before), key=lambda one: tasks[one].code, reverse=True)
    order: list[UUID] = []
    while free:
        one = free.pop()
        order.append(one)
        for other in followers.get(one, ()):
            if other in waits and one in waits[other]:
                waits[other].discard(one)
                if not waits[other]:
                    free.append(other)
    return order
