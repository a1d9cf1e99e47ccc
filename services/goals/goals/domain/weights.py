"""Weights and roll-up: what share each part carries, and what progress the whole has (G2, G3).

Exact until the one rounding in `shown`, and independent of the order of siblings.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from uuid import UUID

from bihuan_contracts.goals import CriterionState, Deliverable, TaskState
from goals.domain.tree import Goal, Project, Task, Tree

_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
_HUNDRED = Decimal(100)
_SHOWN = Decimal("0.0001")


class OverweightError(ValueError):
    """Explicit weights of siblings add up to more than 100."""

    def __init__(self, total: Decimal) -> None:
        self.total = total
        super().__init__(f"weights add up to {total}")


@dataclass(frozen=True, slots=True)
class Part:
    """A sibling: its explicit weight (None shares the remainder) and its progress (None is no data)."""

    weight: Decimal | None
    progress: Decimal | None = None


def check(weights: Sequence[Decimal | None]) -> Decimal:
    """The remainder to 100; raises OverweightError when the explicit weights exceed it."""
    total = sum((weight for weight in weights if weight is not None), Decimal(0))
    if total > _HUNDRED:
        raise OverweightError(total)
    return _HUNDRED - total


def shares(weights: Sequence[Decimal | None]) -> list[Decimal]:
    """Share of each sibling, adding up to 1 (or all 0 when nothing weighs anything).

    Unset weights share the remainder to 100 equally. What is there is the denominator: when a sibling has left,
    the others carry its part.
    """
    resolved = _resolved(weights)
    total = sum(resolved, Fraction(0))
    return [_decimal(weight / total) if total else Decimal(0) for weight in resolved]


def roll_up(parts: Sequence[Part]) -> Decimal | None:
    """Progress of the whole, 0 to 100. A part without data leaves numerator and denominator; None is no data."""
    known = [
        (weight, Fraction(part.progress))
        for weight, part in zip(_resolved([part.weight for part in parts]), parts, strict=True)
        if part.progress is not None
    ]
    total = sum((weight for weight, _ in known), Fraction(0))
    return _decimal(sum((weight * progress for weight, progress in known), Fraction(0)) / total) if total else None


def _resolved(weights: Sequence[Decimal | None]) -> list[Fraction]:
    """Every weight as an exact fraction: no rounding, so no order."""
    explicit = sum((Fraction(weight) for weight in weights if weight is not None), Fraction(0))
    unset = sum(1 for weight in weights if weight is None)
    each = max(100 - explicit, Fraction(0)) / unset if unset else Fraction(0)
    return [each if weight is None else Fraction(weight) for weight in weights]


def _decimal(value: Fraction) -> Decimal:
    with localcontext(_EXACT):
        return Decimal(value.numerator) / Decimal(value.denominator)


def shown(value: Decimal | None) -> Decimal | None:
    """The one rounding point: four decimals."""
    return None if value is None else value.quantize(_SHOWN, rounding=ROUND_HALF_EVEN)


def deliverable_progress(deliverable: Deliverable) -> Decimal | None:
    """Credit only for criteria that are verified in the version in force (G5); without criteria there is no data."""
    if not deliverable.criteria:
        return None
    verified = sum(1 for criterion in deliverable.criteria if criterion.state is CriterionState.VERIFIED)
    return _HUNDRED * verified / len(deliverable.criteria)


def task_progress(task: Task) -> Decimal | None:
    if task.state is TaskState.DRAFT:
        return None
    return roll_up([Part(one.weight, deliverable_progress(one)) for one in task.deliverables])


@dataclass(frozen=True)
class GoalFigures:
    goal: Goal
    share: Decimal
    progress: Decimal | None


def settle(tree: Tree, now: datetime) -> list[GoalFigures]:
    """Recalculate shares and progress of the whole tree in place; returns the figures of the goals."""
    with localcontext(_EXACT):
        by_goal: dict[UUID | None, list[Task]] = defaultdict(list)
        for task in tree.tasks.values():
            by_goal[task.goal].append(task)
        goal_shares = shares_of_goals(tree.project.goals)
        figures, planned = [], Decimal(0)
        for goal in tree.project.goals:
            if not goal.counted:
                figures.append(GoalFigures(goal, Decimal(0), None))
                continue
            counted = [task for task in by_goal[goal.goal] if task.counted]
            progress: list[Part] = []
            task_shares = shares([task.weight for task in counted])
            for task, share in zip(counted, task_shares, strict=True):
                own = task_progress(task)
                total_share = goal_shares[goal.goal] * share
                progress.append(Part(task.weight, own))
                _figure(tree, task, total_share * _HUNDRED, own)
                if task.due_at is not None and task.due_at <= now:
                    planned += total_share * _HUNDRED
            figures.append(GoalFigures(goal, goal_shares[goal.goal], roll_up(progress)))
        for task in tree.tasks.values():
            if not task.counted or task.goal not in goal_shares:
                _figure(tree, task, Decimal(0), task_progress(task))
        whole = roll_up([Part(figure.goal.weight, figure.progress) for figure in figures if figure.goal.counted])
        tree.project = _with_figures(tree.project, whole, planned)
        return [replace(figure, progress=shown(figure.progress), share=_percent(figure.share)) for figure in figures]


def shares_of_goals(goals: Sequence[Goal]) -> dict[UUID, Decimal]:
    """Share of each goal that counts; cancelled ones have left."""
    counted = [goal for goal in goals if goal.counted]
    return dict(zip([goal.goal for goal in counted], shares([goal.weight for goal in counted]), strict=True))


def _percent(share: Decimal) -> Decimal:
    rounded = shown(share * _HUNDRED)
    assert rounded is not None
    return rounded


def _figure(tree: Tree, task: Task, share: Decimal, progress: Decimal | None) -> None:
    current = tree.tasks[task.task]
    rounded = shown(share)
    assert rounded is not None
    tree.put(replace(current, share=rounded, progress=shown(progress)))


def _with_figures(project: Project, progress: Decimal | None, planned: Decimal) -> Project:
    return replace(project, progress=shown(progress), planned_progress=shown(planned))
