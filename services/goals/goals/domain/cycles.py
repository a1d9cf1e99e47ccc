"""Goal cycles: a quarter of the company or a phase of a project. What is frozen moves by consent only (G1, C8).

Frozen are dates, weights, owners, what belongs to the goal, and that it stays: for everybody, administrators included.
Titles, deliverable texts, criteria, progress and hours go on. A settled impact matrix and a released technical change
are no edits: they apply as ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from goals.domain.edits import Refusal
from goals.domain.tree import Goal, Project, Tree
from goals.domain.weights import shares_of_goals

FROZEN_OF_A_GOAL = frozenset({"weight", "owner", "cycle"})
FROZEN_OF_A_TASK = frozenset({"weight", "owner", "starts_at", "due_at"})
FROZEN_OF_A_DELIVERABLE = frozenset({"weight", "due_at"})
_WORDS = {
    "weight": ("权重", "the weight"),
    "owner": ("负责人", "the owner"),
    "starts_at": ("开始日期", "the start"),
    "due_at": ("交期", "the due date"),
    "cycle": ("所属周期", "the cycle"),
}


class CycleKind(StrEnum):
    QUARTER = "quarter"
    PHASE = "phase"


@dataclass(frozen=True, slots=True)
class Cycle:
    cycle: UUID
    kind: CycleKind
    name: str
    project: UUID | None
    """A phase belongs to a project; a quarter is the company's."""
    starts_at: datetime
    ends_at: datetime
    frozen_at: datetime | None = None
    frozen_by: str | None = None
    version: int = 1


def refuse_fields(goal: Goal, changed: Mapping[str, object], frozen: frozenset[str]) -> Refusal | None:
    """Editing a frozen field: names the fields, the cycle, and the way."""
    hit = [name for name in changed if name in frozen]
    if not goal.frozen or not hit:
        return None
    return _refused(
        goal, "、".join(_WORDS[name][0] for name in hit), " and ".join(_WORDS[name][1] for name in hit), "不能直接改"
    )


def refuse_leaving(goal: Goal) -> Refusal | None:
    """Cancelling, deleting or moving something out of a frozen goal."""
    return _refused(goal, "其中的任务和交付物", "what belongs to it", "不能删除或移走") if goal.frozen else None


def refuse_joining(goal: Goal, weight: Decimal | None) -> Refusal | None:
    """New work in a frozen goal takes weight from its siblings, unless it weighs nothing."""
    if not goal.frozen or weight == 0:
        return None
    return _refused(goal, "增加计权的内容会改变各项权重", "the weights (what is added must weigh 0)", "因此不能加入")


def refuse_shifted(before: Project, after: Project) -> Refusal | None:
    """A frozen goal whose share would move because a sibling's weight does."""
    old, new = shares_of_goals(before.goals), shares_of_goals(after.goals)
    for goal in before.goals:
        if goal.frozen and old.get(goal.goal) != new.get(goal.goal):
            return _refused(goal, "占项目的份额", "its share of the project", "会因此改变，不能这样改")
    return None


def _refused(goal: Goal, zh: str, en: str, verdict: str) -> Refusal:
    cycle = goal.cycle_name or ""
    return Refusal(
        "frozen",
        f"「{goal.title}」已随 {cycle} 冻结：{zh}{verdict}。请发起目标变更影响矩阵，相关人员同意后生效",
        f"“{goal.title}” is frozen with {cycle}: {en} can't be changed here. Propose an impact matrix;"
        " it takes effect when everybody affected agrees",
    )


def freeze(tree: Tree, cycle: UUID) -> int:
    """Freeze the goals of a cycle in one project; returns how many."""
    hit = [goal for goal in tree.project.goals if goal.cycle == cycle and goal.counted and not goal.frozen]
    for goal in hit:
        tree.freeze_goal(goal)
    return len(hit)
