"""A project's own fields: what may be edited, when it is finished, given up or taken up again (W4, G1)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from bihuan_contracts.goals import ProjectState, TaskState
from goals.domain.edits import Refusal
from goals.domain.tree import Project, Task, Tree

FIELDS = ("name", "product", "customer", "phase", "lead", "starts_at", "due_at", "state")
STEPS: Mapping[ProjectState, frozenset[ProjectState]] = {
    ProjectState.DRAFT: frozenset({ProjectState.ACTIVE, ProjectState.CANCELLED}),
    ProjectState.ACTIVE: frozenset({ProjectState.DONE, ProjectState.CANCELLED}),
    ProjectState.DONE: frozenset({ProjectState.ACTIVE}),
    ProjectState.CANCELLED: frozenset({ProjectState.ACTIVE}),
}
"""What may follow what; done and cancelled projects are archived."""
_NAMED = 5


def revision(project: Project) -> str:
    """Moves with what people edit; figures that roll up leave it."""
    told = "\n".join(repr(getattr(project, name)) for name in FIELDS)
    return sha256(told.encode()).hexdigest()[:16]


def open_tasks(tree: Tree) -> list[Task]:
    return [one for one in tree.tasks.values() if one.state in {TaskState.DRAFT, TaskState.ACTIVE}]


def wrong_dates(starts_at: datetime | None, due_at: datetime | None) -> Refusal | None:
    if starts_at is not None and due_at is not None and due_at < starts_at:
        return Refusal("before_start", "交付早于开始", "The delivery is before the start")
    return None


def wants_reason(project: Project, to: ProjectState) -> bool:
    """Giving up, and taking up again what was archived."""
    return to is ProjectState.CANCELLED or project.state in {ProjectState.DONE, ProjectState.CANCELLED}


def refuse_step(tree: Tree, to: ProjectState) -> Refusal | None:
    """Why a project does not come into this state."""
    if to not in STEPS.get(tree.project.state, frozenset()):
        return Refusal(
            "no_such_step", "项目现在不能这样改状态", "The project can't come into this state from where it is"
        )
    if to is ProjectState.DONE:
        return _refuse_open("open_tasks", open_tasks(tree), "还有 {n} 项任务没有完成", "{n} tasks are not finished")
    if to is ProjectState.CANCELLED:
        retests = [one for one in open_tasks(tree) if one.retest is not None]
        return _refuse_open("retest_card", retests, "还有 {n} 张重测卡没有报告", "{n} retest cards have no report")
    return None


def _refuse_open(code: str, found: Sequence[Task], zh: str, en: str) -> Refusal | None:
    if not found:
        return None
    codes = [one.code for one in found[:_NAMED]]
    more = "…" if len(found) > _NAMED else ""
    n = len(found)
    return Refusal(code, f"{zh.format(n=n)}：{'、'.join(codes)}{more}", f"{en.format(n=n)}: {', '.join(codes)}{more}")


def changed(project: Project, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if getattr(project, name) != value}
