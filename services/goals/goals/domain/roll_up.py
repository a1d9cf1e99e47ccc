"""A tree's figures: each task's portion of its goal and share of the project, and the progress that rolls up (G2, G3).

What a goal needs of its tasks are three sums, so a report loads its own task only: the sums of the others come from
the database (`tree_store`, held equal to `Sums` by a test). Whoever changes what weighs loads the whole tree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from uuid import UUID

from bihuan_contracts.goals import CriterionState, Deliverable, TaskKind, TaskState
from goals.domain.tree import Goal, Task, Tree, replaced
from goals.domain.weights import EXACT, SUMS, Part, roll_up, shares, shares_of_goals, shown

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Sums:
    """What the counted tasks of one goal add up to, in portions of the goal."""

    known: Decimal = Decimal(0)
    """Portions of those that have a progress: "no data" is neither 0 nor 100."""
    earned: Decimal = Decimal(0)
    """Their portions times their progress."""
    due: Decimal = Decimal(0)
    """Portions of those whose due date has passed."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(self.known + other.known, self.earned + other.earned, self.due + other.due)

    @property
    def progress(self) -> Decimal | None:
        return EXACT.divide(self.earned, self.known) if self.known else None


_NOTHING = Sums()


def sums_of(tasks: Iterable[Task], now: datetime) -> Sums:
    """Of tasks whose portions and progress are known; what does not count adds nothing."""
    with localcontext(SUMS):
        total = Sums()
        for task in tasks:
            portion = task.portion or Decimal(0)
            if task.counted and portion:
                due = portion if task.due_at is not None and task.due_at <= now else Decimal(0)
                if task.exact is None:
                    total += Sums(due=due)
                else:
                    total += Sums(portion, portion * task.exact, due)
        return total


@dataclass(frozen=True, slots=True)
class GoalFigures:
    """Share of the project and progress, both in percent."""

    goal: Goal
    share: Decimal
    progress: Decimal | None


def deliverable_progress(deliverable: Deliverable) -> Decimal | None:
    """Credit only for criteria that are verified in the version in force (G5); without criteria there is no data."""
    if not deliverable.criteria:
        return None
    verified = sum(1 for criterion in deliverable.criteria if criterion.state is CriterionState.VERIFIED)
    return _part_of(verified, len(deliverable.criteria))


@lru_cache(1024)
def _part_of(verified: int, of: int) -> Decimal:
    return EXACT.divide(_HUNDRED * verified, Decimal(of))


def task_progress(task: Task) -> Decimal | None:
    if task.state is TaskState.DRAFT:
        return None
    if len(task.deliverables) == 1 and task.deliverables[0].weight != 0:
        return deliverable_progress(task.deliverables[0])  # what the rule below gives, for most tasks at once
    return roll_up([Part(one.weight, deliverable_progress(one)) for one in task.deliverables])


def portions(tasks: Iterable[Task]) -> dict[UUID, Decimal]:
    """Each task's exact portion of its goal; together 1, or nothing where nothing weighs.

    A retest card shares the part of the test that it repeats, in equal halves: it counts, and nobody else's share
    moves. Without such a test in the same goal it is new work like any other.
    """
    counted = [task for task in tasks if task.counted]
    there = {task.task for task in counted if task.kind is not TaskKind.RETEST}
    repeats: defaultdict[UUID, list[Task]] = defaultdict(list)
    parts: list[Task] = []
    for task in counted:
        if task.kind is TaskKind.RETEST and task.origin in there:
            repeats[task.origin].append(task)
        else:
            parts.append(task)
    found: dict[UUID, Decimal] = {}
    for part, share in zip(parts, shares([task.weight for task in parts]), strict=True):
        unit = (part, *repeats.get(part.task, ()))
        found |= {task.task: EXACT.divide(share, Decimal(len(unit))) for task in unit}
    return found


def settle(tree: Tree, now: datetime) -> list[GoalFigures]:
    """Bring shares and progress of a tree up to date in place; returns the figures of the goals.

    Of a tree that is loaded in part only progress moves; what weighs must be as it was.
    """
    goal_shares = shares_of_goals(tree.project.goals)
    if tree.whole:
        _share_out(tree, goal_shares)
    for task in list(tree.tasks.values()):
        exact = task_progress(task)
        if exact != task.exact or task.exact is None:
            tree.put(replaced(task, exact=exact, progress=shown(exact)))
    loaded: defaultdict[UUID | None, list[Task]] = defaultdict(list)
    for task in tree.tasks.values():
        loaded[task.goal].append(task)
    figures: list[GoalFigures] = []
    parts: list[Part] = []
    planned = Decimal(0)
    with localcontext(SUMS):
        for goal in tree.project.goals:
            if not goal.counted:
                figures.append(GoalFigures(goal, _percent(Decimal(0)), None))
                continue
            sums, share = tree.rest.get(goal.goal, _NOTHING), goal_shares[goal.goal]
            if goal.goal in loaded:
                sums += sums_of(loaded[goal.goal], now)
            planned += share * _HUNDRED * sums.due
            parts.append(Part(goal.weight, sums.progress))
            figures.append(GoalFigures(goal, _percent(share), shown(parts[-1].progress)))
    tree.project = replace(tree.project, progress=shown(roll_up(parts)), planned_progress=shown(planned))
    return figures


def _share_out(tree: Tree, goal_shares: Mapping[UUID, Decimal]) -> None:
    by_goal: defaultdict[UUID | None, list[Task]] = defaultdict(list)
    for task in tree.tasks.values():
        by_goal[task.goal].append(task)
    for goal, tasks in by_goal.items():
        found = portions(tasks) if goal in goal_shares else {}
        for task in tasks:
            portion = found.get(task.task, Decimal(0))
            if portion != task.portion:
                task = replaced(task, portion=portion)  # noqa: PLW2901 - the next value of the same task
            share = _percent(EXACT.multiply(portion, goal_shares[goal])) if goal is not None and portion else Decimal(0)
            tree.put(replaced(task, share=share) if share != task.share else task)


@lru_cache(4096)
def _percent(share: Decimal) -> Decimal:
    rounded = shown(EXACT.multiply(share, _HUNDRED))
    assert rounded is not None
    return rounded
