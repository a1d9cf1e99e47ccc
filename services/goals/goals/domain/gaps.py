"""Every active goal resolves to this week's deliverables; what does not reach one is a gap with its owner (G4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from bihuan_contracts.goals import ProjectState, TaskState
from goals.domain.tree import Goal, Task, Tree
from goals.domain.week import week_of


class GapReason(StrEnum):
    NO_TASK = "no_task"
    """The goal has no task that counts."""
    DRAFT = "draft"
    NO_OWNER = "no_owner"
    NO_DATE = "no_date"
    NO_DELIVERABLE = "no_deliverable"
    """The task ends without a deliverable, or with one that has no criterion."""
    LATER = "later"
    """All is in order, but nothing is due before this week ends."""


@dataclass(frozen=True, slots=True)
class ReachGap:
    """What keeps a goal from this week: `task` is None for the goal itself; `next_at` where something comes later."""

    goal: UUID
    goal_title: str
    reason: GapReason
    owner: str
    task: Task | None = None
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the active goals of a project reach: `due` counts this week's open deliverables by goal."""

    goals: int
    reached: int
    gaps: tuple[ReachGap, ...]


def reach_of(tree: Tree, now: datetime) -> Reach:
    """Finished goals ask for nothing. A gap belongs to its task's owner, else the goal's, else the lead."""
    if tree.project.state is not ProjectState.ACTIVE:
        return Reach(0, 0, ())
    _, end = week_of(now)
    by_goal: dict[UUID, list[Task]] = {goal.goal: [] for goal in tree.project.goals if goal.counted}
    for task in tree.tasks.values():
        if task.goal in by_goal and task.counted:
            by_goal[task.goal].append(task)
    goals, reached, gaps = 0, 0, []
    for goal in tree.project.goals:
        tasks = by_goal.get(goal.goal)
        if tasks is None or (tasks and all(task.state is TaskState.DONE for task in tasks)):
            continue
        goals += 1
        found = list(_of_tasks(goal, tasks, tree.project.lead))
        reaches = any(date < end for task in tasks if _whole(task) for date in _dates(task))
        reached += reaches
        if not reaches and not found:
            found.append(_nothing_this_week(goal, tasks, tree.project.lead))
        gaps += found
    return Reach(goals, reached, tuple(gaps))


def _of_tasks(goal: Goal, tasks: Iterable[Task], lead: str) -> Iterable[ReachGap]:
    for task in tasks:
        if task.state is TaskState.DONE:
            continue
        if (reason := _reason(task)) is not None:
            yield ReachGap(goal.goal, goal.title, reason, task.owner or goal.owner or lead, task)


def _reason(task: Task) -> GapReason | None:
    if not task.deliverables or any(not one.criteria for one in task.deliverables):
        return GapReason.NO_DELIVERABLE
    if task.state is TaskState.DRAFT:
        return GapReason.DRAFT
    if task.owner is None:
        return GapReason.NO_OWNER
    return None if _dates(task) else GapReason.NO_DATE


def _nothing_this_week(goal: Goal, tasks: list[Task], lead: str) -> ReachGap:
    owner = goal.owner or lead
    coming = sorted((date, task.code, task) for task in tasks if _whole(task) for date in _dates(task))
    if not coming:
        return ReachGap(goal.goal, goal.title, GapReason.NO_TASK, owner)
    date, _, task = coming[0]
    return ReachGap(goal.goal, goal.title, GapReason.LATER, task.owner or owner, task, date)


def _whole(task: Task) -> bool:
    return task.state is TaskState.ACTIVE and _reason(task) is None


def _dates(task: Task) -> list[datetime]:
    """When its deliverables are due; a deliverable without a date of its own goes by its task's."""
    return [date for one in task.deliverables if (date := one.due_at or task.due_at) is not None]
