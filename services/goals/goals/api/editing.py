"""What every edit of a tree has in common: who, on which revision, within which rules, and how it is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bihuan_chassis.http import Caller, Conflict, FieldError, Forbidden, Invalid, NotFound, Role, Tx
from bihuan_contracts import Text
from bihuan_contracts.goals import Deliverable, ProjectState
from goals import store, tree_store
from goals.announce import save_and_announce
from goals.api.tree_replies import TreeGoal, TreeTask, tree_goal, tree_task
from goals.domain import cycles, edits
from goals.domain.edits import Action, Refusal
from goals.domain.shapes import Wrong
from goals.domain.tree import Goal, Project, Task, Tree
from goals.edit_store import Edit, save_edits


async def open_project(tx: Tx, project: UUID) -> Tree:
    """The whole project; whoever else edits it waits."""
    tree = (await tree_store.load_trees(tx, [project])).get(project)
    if tree is None:
        raise NotFound()
    return tree


async def open_task(tx: Tx, task: UUID) -> tuple[Tree, Task]:
    project = await store.project_of_task(tx, task)
    if project is None:
        raise NotFound()
    tree = await open_project(tx, project)
    return tree, tree.tasks[task]


def goal_of(tree: Tree, goal: UUID) -> Goal:
    found = tree.goal(goal)
    if found is None:
        raise NotFound()
    return found


def require_editor(tree: Tree, goal: Goal | None, caller: Caller) -> None:
    """Raises Forbidden, naming who may."""
    if tree.project.state is ProjectState.CANCELLED:
        raise Conflict("project_cancelled", Text(zh="项目已取消", en="The project is cancelled"))
    administrator = caller.has(Role.ADMINISTRATOR)
    if not edits.may_edit(tree.project, goal, caller.id, administrator=administrator):
        raise Forbidden(
            "not_editor",
            Text(
                zh="只有项目负责人、上级目标的负责人或管理员可以修改",
                en="Only the project lead, the owner of the goal above, or an administrator may edit this",
            ),
            may_edit=sorted({tree.project.lead, *([goal.owner] if goal and goal.owner else [])}),
        )


async def require_current(tx: Tx, tree: Tree, what: Task | Goal, seen: int) -> None:
    """Raises Conflict with the current state when somebody else was faster."""
    if seen == what.revision:
        return
    current: TreeTask | TreeGoal
    if isinstance(what, Task):
        current = await tree_task(tx, tree, what.task)
    else:
        current = await tree_goal(tx, tree, what.goal)
    raise Conflict("stale", current=current)


def require_allowed(task: Task, action: Action) -> None:
    refuse(edits.refusal_of(task, action))


def refuse(refusal: Refusal | None, field: str | None = None) -> None:
    """A rule's refusal as an answer: 422 on a field that the caller can correct, else 409."""
    if refusal is None:
        return
    words = Text(zh=refusal.zh, en=refusal.en)
    if field is not None:
        raise Invalid(refusal.code, errors=[FieldError(field, refusal.code, words)])
    if refusal.code == "frozen":
        raise Conflict(refusal.code, words, way="/consents/new")
    raise Conflict(refusal.code, words)


def refuse_wrong(found: Sequence[Wrong]) -> None:
    """Raises Invalid with every field that can't stay as it is."""
    if found:
        raise Invalid(errors=[FieldError(one.field, one.code, Text(zh=one.zh, en=one.en)) for one in found])


async def finish(tx: Tx, tree: Tree, before: Project, *edit: Edit) -> None:
    """Hold the project against the rules that concern siblings, then save, announce and keep who did what."""
    refuse(edits.overweight_goals(tree.project), "weight")
    refuse(cycles.refuse_shifted(before, tree.project))
    await save_and_announce(tx, [tree])
    await save_edits(tx, edit)


def given(body: Any, *but: str) -> dict[str, Any]:
    """The fields that the caller has sent: one that is not there stays, null empties it."""
    return {name: getattr(body, name) for name in body.model_fields_set if name not in {"revision", *but}}


def differing(before: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if getattr(before, name) != value}


def moves(before: Any, wanted: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Old and new of each field, as texts."""
    return [{"field": name, "old": text(getattr(before, name)), "new": text(value)} for name, value in wanted.items()]


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, tuple):
        return (" " if all(isinstance(one, UUID) for one in value) else "、").join(map(str, value))
    return str(value)


def edit_of(tree: Tree, what: Task | Goal, action: str, changes: Any = (), reason: str | None = None) -> Edit:
    if isinstance(what, Task):
        title = f"{what.code} {what.title}"
        return Edit(tree.project.project, what.goal, what.task, title, action, changes, reason)
    return Edit(tree.project.project, what.goal, None, what.title, action, changes, reason)


def with_deliverable(task: Task, id: UUID, change: Callable[[Deliverable], Deliverable]) -> Task:
    """The task with one deliverable changed; raises NotFound."""
    if all(one.deliverable != id for one in task.deliverables):
        raise NotFound()
    return replace(task, deliverables=tuple(change(one) if one.deliverable == id else one for one in task.deliverables))


def deliverable_of(task: Task, id: UUID) -> Deliverable:
    found = next((one for one in task.deliverables if one.deliverable == id), None)
    if found is None:
        raise NotFound()
    return found
