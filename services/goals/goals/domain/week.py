"""What a person delivers this week, and what their part of the project weighs (G3, G4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bihuan_chassis.calendar import ZONE, Calendar
from bihuan_contracts.goals import TaskState
from goals.domain.tree import Task


@dataclass(frozen=True, slots=True)
class Weight:
    """A person's part of one project in percent of the whole: earned + remaining is the total."""

    total: Decimal
    earned: Decimal
    late: Decimal
    """The part of the remainder whose due date has passed."""

    @property
    def remaining(self) -> Decimal:
        return self.total - self.earned


def week_of(now: datetime) -> tuple[datetime, datetime]:
    """Monday 0:00 and the next Monday 0:00 in China."""
    local = now.astimezone(ZONE)
    monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return monday, monday + timedelta(days=7)


def due_this_week(tasks: Iterable[Task], now: datetime) -> list[Task]:
    """Open work due before the week ends (late work too), what is locked or to be retested, and what was finished."""
    monday, end = week_of(now)

    def belongs(task: Task) -> bool:
        if task.state is TaskState.DONE:
            return task.finished_at is not None and task.finished_at >= monday
        waits = task.locked or task.retest is not None
        return task.state is TaskState.ACTIVE and (waits or task.due_at is None or task.due_at < end)

    return [task for task in tasks if belongs(task)]


def next_due(tasks: Iterable[Task], now: datetime) -> Task | None:
    """Open work that is due first after this week."""
    _, end = week_of(now)
    later = (
        task for task in tasks if task.state is TaskState.ACTIVE and task.due_at is not None and task.due_at >= end
    )
    return min(later, key=lambda task: (task.due_at, task.code), default=None)


def weight_of(tasks: Iterable[Task], now: datetime) -> Weight:
    total, earned, late = Decimal(0), Decimal(0), Decimal(0)
    for task in tasks:
        if not task.counted:
            continue
        total += task.share
        own = task.share * (task.progress or Decimal(0)) / 100
        earned += own
        if task.state is TaskState.ACTIVE and task.due_at is not None and task.due_at < now:
            late += task.share - own
    return Weight(total, earned, late)


def lateness(task: Task, now: datetime, calendar: Calendar) -> int:
    """Working days late (positive) or early (negative); 0 without a due date."""
    return calendar.days_late(task.due_at, task.finished_at, now)


def planned_loss(tasks: Iterable[Task], now: datetime, days: int, calendar: Calendar) -> Decimal:
    """Percent points that the project would be behind its plan if this work came `days` working days late.

    What is due within those days would not be there on its day: its share, less what is earned already.
    """
    until = calendar.add(now, days) if days else now
    return sum(
        (
            task.share * (100 - (task.progress or Decimal(0))) / 100
            for task in tasks
            if task.counted and task.state is TaskState.ACTIVE and task.due_at is not None and task.due_at <= until
        ),
        Decimal(0),
    )
