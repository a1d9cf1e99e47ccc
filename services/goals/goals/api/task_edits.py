"""Tasks of a tree: create, edit, move to another goal, cancel, take up again (G1, G2)."""

import re
from collections import Counter
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Tx, allow, invalid, router
from bihuan_contracts import Key, Text, Version
from bihuan_contracts.goals import TaskKind, TaskState
from goals.api.editing import (
    differing,
    edit_of,
    finish,
    given,
    goal_of,
    moves,
    open_project,
    open_task,
    refuse,
    refuse_wrong,
    require_allowed,
    require_current,
    require_editor,
)
from goals.api.goals import Reasoned
from goals.api.tree_replies import TreeTask, tree_task
from goals.api.trees import DeliverableIn, Hours, Title, Weight, deliverable_from
from goals.domain import cycles, edits
from goals.domain.edits import Action
from goals.domain.shapes import wrong_fields_of, wrong_in_task
from goals.domain.tree import Goal, Task, Tree

routes = router(tags=["tree"])
_NUMBERED = re.compile(r"^(.+?)-(\d+)$")
_WEIGHED = {"weight"}


class NewTask(Body):
    """A draft; it is activated when nothing is missing."""

    goal: UUID
    title: Title
    kind: TaskKind = TaskKind.DEVELOP
    code: Key | None = None
    """Without one the next number of the project."""
    owner: Key | None = None
    module: Key | None = None
    item_version: Version | None = None
    weight: Weight | None = None
    starts_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    planned_hours: Hours | None = None
    depends_on: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
    deliverables: Annotated[tuple[DeliverableIn, ...], Field(max_length=50)] = ()
    before: UUID | None = None


class TaskEdit(Body):
    """Only what is sent is changed; null empties it."""

    revision: int
    """The revision that the caller saw."""
    title: Title = ""
    kind: TaskKind = TaskKind.DEVELOP
    owner: Key | None = None
    module: Key | None = None
    item_version: Version | None = None
    weight: Weight | None = None
    starts_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    planned_hours: Hours | None = None
    depends_on: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()


class TaskMove(Body):
    revision: int
    goal: UUID
    before: UUID | None = None
    """The task of that goal that it then stands in front of; null is the end."""


@routes.post("/projects/{project}/tasks", status_code=201, dependencies=[allow(EVERYONE)])
async def create_task(project: UUID, body: NewTask, tx: Tx, caller: Caller) -> TreeTask:
    tree = await open_project(tx, project)
    goal = goal_of(tree, body.goal)
    require_editor(tree, goal, caller)
    _require_open(goal)
    refuse(cycles.refuse_joining(goal, body.weight))
    code = body.code or next_code(tree)
    if any(task.code == code for task in tree.tasks.values()):
        raise invalid("code", "duplicate", f"编号 {code} 已经有了", f"The code {code} is taken")
    task = Task(
        task=tx.new_id(), code=code, project=project, goal=goal.goal, title=body.title, kind=body.kind,
        state=TaskState.DRAFT, owner=body.owner, module=body.module, item_version=body.item_version,
        weight=body.weight, starts_at=body.starts_at, due_at=body.due_at, planned_hours=body.planned_hours,
        depends_on=tuple(dict.fromkeys(body.depends_on)),
        deliverables=tuple(deliverable_from(tx.new_id(), one, tx) for one in body.deliverables),
    )  # fmt: skip
    refuse_wrong(wrong_in_task(task))
    tree.put(task)
    refuse(edits.bad_dependencies(tree, task.task, task.depends_on), "depends_on")
    refuse(edits.overweight_deliverables(task), "deliverables")
    refuse(edits.overweight_tasks(tree, goal), "weight")
    place(tree, task.task, goal.goal, body.before)
    await finish(tx, tree, tree.project, edit_of(tree, task, "task_created"))
    return await tree_task(tx, tree, task.task)


@routes.patch("/tasks/{task}", dependencies=[allow(EVERYONE)])
async def edit_task(task: UUID, body: TaskEdit, tx: Tx, caller: Caller) -> TreeTask:
    tree, found = await open_task(tx, task)
    goal = tree.goal(found.goal)
    require_editor(tree, goal, caller)
    wanted = given(body)
    if "depends_on" in wanted:
        wanted["depends_on"] = tuple(dict.fromkeys(wanted["depends_on"]))
    changed = differing(found, wanted)
    if not changed:
        return await tree_task(tx, tree, task)
    await require_current(tx, tree, found, body.revision)
    for action in _actions(changed):
        require_allowed(found, action)
    if "kind" in changed:
        _refuse_card(found)
    if goal is not None:
        refuse(cycles.refuse_fields(goal, changed, cycles.FROZEN_OF_A_TASK))
    before = tree.project
    after = tree.change(task, **changed)
    refuse_wrong(wrong_fields_of(after))
    if "depends_on" in changed:
        refuse(edits.bad_dependencies(tree, task, after.depends_on), "depends_on")
    if "weight" in changed and goal is not None:
        refuse(edits.overweight_tasks(tree, goal), "weight")
    await finish(tx, tree, before, edit_of(tree, found, "task_edited", moves(found, changed)))
    return await tree_task(tx, tree, task)


@routes.post("/tasks/{task}/move", dependencies=[allow(EVERYONE)])
async def move_task(task: UUID, body: TaskMove, tx: Tx, caller: Caller) -> TreeTask:
    """To another place or another goal, which somebody else may own: then both goals are the caller's to edit."""
    tree, found = await open_task(tx, task)
    source, target = tree.goal(found.goal), goal_of(tree, body.goal)
    require_editor(tree, source, caller)
    require_editor(tree, target, caller)
    await require_current(tx, tree, found, body.revision)
    require_allowed(found, Action.MOVE)
    _require_open(target)
    before = tree.project
    if source != target:
        if source is not None:
            refuse(cycles.refuse_leaving(source))
        refuse(cycles.refuse_joining(target, found.weight))
        tree.change(task, goal=target.goal)
        refuse(edits.overweight_tasks(tree, target), "goal")
    place(tree, task, target.goal, body.before)
    noted = [{"field": "goal", "old": source.title if source else None, "new": target.title}] * (source != target)
    await finish(tx, tree, before, edit_of(tree, found, "task_moved", noted))
    return await tree_task(tx, tree, task)


@routes.post("/tasks/{task}/cancel", dependencies=[allow(EVERYONE)])
async def cancel_task(task: UUID, body: Reasoned, tx: Tx, caller: Caller) -> TreeTask:
    """It leaves the denominator and stays on record with the reason."""
    tree, found = await open_task(tx, task)
    goal = tree.goal(found.goal)
    require_editor(tree, goal, caller)
    await require_current(tx, tree, found, body.revision)
    require_allowed(found, Action.CANCEL)
    if goal is not None:
        refuse(cycles.refuse_leaving(goal))
    tree.change(task, state=TaskState.CANCELLED)
    await finish(tx, tree, tree.project, edit_of(tree, found, "task_cancelled", reason=body.reason))
    return await tree_task(tx, tree, task)


@routes.post("/tasks/{task}/reopen", dependencies=[allow(EVERYONE)])
async def reopen_task(task: UUID, body: Reasoned, tx: Tx, caller: Caller) -> TreeTask:
    """A cancelled task is a draft again."""
    tree, found = await open_task(tx, task)
    goal = tree.goal(found.goal)
    require_editor(tree, goal, caller)
    await require_current(tx, tree, found, body.revision)
    require_allowed(found, Action.REOPEN)
    tree.change(task, state=TaskState.DRAFT)
    if goal is not None:
        _require_open(goal)
        refuse(cycles.refuse_joining(goal, found.weight))
        refuse(edits.overweight_tasks(tree, goal), "weight")
    await finish(tx, tree, tree.project, edit_of(tree, found, "task_reopened", reason=body.reason))
    return await tree_task(tx, tree, task)


def _actions(changed: dict[str, Any]) -> set[Action]:
    found = {Action.WEIGH} if _WEIGHED & set(changed) else set()
    return found | ({Action.EDIT} if set(changed) - _WEIGHED else set())


def _require_open(goal: Goal) -> None:
    if not goal.counted:
        raise Conflict("goal_cancelled", Text(zh=f"「{goal.title}」已取消", en=f"“{goal.title}” is cancelled"))


def _refuse_card(task: Task) -> None:
    if task.kind is TaskKind.RETEST:
        raise invalid("kind", "retest_card", "重测卡由技术变更生成", "Retest cards are made by technical changes")


def place(tree: Tree, task: UUID, goal: UUID, before: UUID | None) -> None:
    """Give the tasks of a goal their places with `task` in front of `before`."""
    order = edits.place_before([one.task for one in tree.children(goal)], task, before)
    for number, one in enumerate(order, 1):
        if tree.tasks[one].position != number:
            tree.put(replace(tree.tasks[one], position=number))


def next_code(tree: Tree) -> str:
    """GX-500-13 after GX-500-12: the numbering that most tasks of the project have."""
    numbered = [
        (found[1], int(found[2]), len(found[2]))
        for task in tree.tasks.values()
        if task.retest is None and (found := _NUMBERED.match(task.code))
    ]
    if not numbered:
        return f"{tree.project.code}-{len(tree.tasks) + 1:02}"
    prefix = Counter(one for one, _, _ in numbered).most_common(1)[0][0]
    highest = max(number for one, number, _ in numbered if one == prefix)
    digits = max(width for one, _, width in numbered if one == prefix)
    return f"{prefix}-{highest + 1:0{digits}}"
