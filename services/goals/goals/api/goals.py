"""Goals of a project: create, edit, move, cancel, take up again (G1, G2)."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Tx, allow, router
from bihuan_contracts import Key, Text
from bihuan_contracts.goals import GoalState, TaskState
from goals import cycle_store
from goals.api.editing import (
    differing,
    edit_of,
    finish,
    given,
    goal_of,
    moves,
    open_project,
    refuse,
    require_current,
    require_editor,
)
from goals.api.tree_replies import TreeGoal, tree_goal
from goals.api.trees import Title, Weight
from goals.domain import cycles
from goals.domain.edits import place_before
from goals.domain.tree import Goal, Tree

routes = router(tags=["tree"])
_OPEN = {TaskState.DRAFT, TaskState.ACTIVE}


class NewGoal(Body):
    title: Title
    weight: Weight | None = None
    owner: Key | None = None
    """Somebody else than the project's lead may own it."""
    cycle: UUID | None = None


class GoalEdit(Body):
    """Only what is sent is changed; null empties it."""

    revision: int
    """The revision that the caller saw."""
    title: Title = ""
    weight: Weight | None = None
    owner: Key | None = None
    cycle: UUID | None = None


class Place(Body):
    revision: int
    before: UUID | None = None
    """The sibling that it then stands in front of; null is the end."""


class Reasoned(Body):
    revision: int
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@routes.post("/projects/{project}/goals", status_code=201, dependencies=[allow(EVERYONE)])
async def create_goal(project: UUID, body: NewGoal, tx: Tx, caller: Caller) -> TreeGoal:
    tree = await open_project(tx, project)
    require_editor(tree, None, caller)
    before = tree.project
    goal = Goal(tx.new_id(), body.title, body.weight, body.owner)
    goal = await _in_cycle(tx, tree, goal, body.cycle)
    tree.project = replace(before, goals=(*before.goals, goal))
    await finish(tx, tree, before, edit_of(tree, goal, "goal_created"))
    return await tree_goal(tx, tree, goal.goal)


@routes.patch("/projects/{project}/goals/{goal}", dependencies=[allow(EVERYONE)])
async def edit_goal(project: UUID, goal: UUID, body: GoalEdit, tx: Tx, caller: Caller) -> TreeGoal:
    """Its owner may rename it; weight, owner and cycle are the lead's, for they concern the project's other goals."""
    tree = await open_project(tx, project)
    found = goal_of(tree, goal)
    changed = differing(found, given(body))
    require_editor(tree, found if set(changed) <= {"title"} else None, caller)
    await require_current(tx, tree, found, body.revision)
    _require_active(found)
    refuse(cycles.refuse_fields(found, changed, cycles.FROZEN_OF_A_GOAL))
    before = tree.project
    cycle = changed.pop("cycle", found.cycle)
    noted = moves(found, changed | ({"cycle": cycle} if cycle != found.cycle else {}))
    if noted:
        after = replace(found, **changed)
        tree.put_goal(after if cycle == found.cycle else await _in_cycle(tx, tree, after, cycle))
        if "owner" in changed:
            tree.touch(tree.children(goal))
        await finish(tx, tree, before, edit_of(tree, found, "goal_edited", noted))
    return await tree_goal(tx, tree, goal)


@routes.post("/projects/{project}/goals/{goal}/move", dependencies=[allow(EVERYONE)])
async def move_goal(project: UUID, goal: UUID, body: Place, tx: Tx, caller: Caller) -> TreeGoal:
    tree = await open_project(tx, project)
    found = goal_of(tree, goal)
    require_editor(tree, None, caller)
    await require_current(tx, tree, found, body.revision)
    before = tree.project
    by_id = {one.goal: one for one in before.goals}
    order = place_before([one.goal for one in before.goals], goal, body.before)
    tree.project = replace(before, goals=tuple(by_id[one] for one in order))
    await finish(tx, tree, before, edit_of(tree, found, "goal_moved"))
    return await tree_goal(tx, tree, goal)


@routes.post("/projects/{project}/goals/{goal}/cancel", dependencies=[allow(EVERYONE)])
async def cancel_goal(project: UUID, goal: UUID, body: Reasoned, tx: Tx, caller: Caller) -> TreeGoal:
    """It leaves the denominator with all that is open in it; finished work stays on record."""
    tree = await open_project(tx, project)
    found = goal_of(tree, goal)
    require_editor(tree, None, caller)
    await require_current(tx, tree, found, body.revision)
    _require_active(found)
    refuse(cycles.refuse_leaving(found))
    if retests := [task.code for task in tree.children(goal) if task.retest is not None and task.state in _OPEN]:
        raise Conflict(
            "retest_card",
            Text(
                zh=f"其中还有未完成的重测卡：{'、'.join(retests)}",
                en=f"It holds open retest cards: {', '.join(retests)}",
            ),
        )
    before = tree.project
    for task in tree.children(goal):
        if task.state in _OPEN:
            tree.change(task.task, state=TaskState.CANCELLED)
    tree.put_goal(replace(found, state=GoalState.CANCELLED))
    await finish(tx, tree, before, edit_of(tree, found, "goal_cancelled", reason=body.reason))
    return await tree_goal(tx, tree, goal)


@routes.post("/projects/{project}/goals/{goal}/reopen", dependencies=[allow(EVERYONE)])
async def reopen_goal(project: UUID, goal: UUID, body: Reasoned, tx: Tx, caller: Caller) -> TreeGoal:
    """A cancelled goal counts again; its tasks are taken up one by one."""
    tree = await open_project(tx, project)
    found = goal_of(tree, goal)
    require_editor(tree, None, caller)
    await require_current(tx, tree, found, body.revision)
    if found.counted:
        raise Conflict("not_cancelled", Text(zh="这个目标没有被取消", en="This goal is not cancelled"))
    before = tree.project
    tree.put_goal(replace(found, state=GoalState.ACTIVE))
    await finish(tx, tree, before, edit_of(tree, found, "goal_reopened", reason=body.reason))
    return await tree_goal(tx, tree, goal)


def _require_active(goal: Goal) -> None:
    if not goal.counted:
        raise Conflict(
            "goal_cancelled", Text(zh=f"「{goal.title}」已取消", en=f"“{goal.title}” is cancelled")
        )  # fmt: skip


async def _in_cycle(tx: Tx, tree: Tree, goal: Goal, cycle: UUID | None) -> Goal:
    """The goal in a quarter or a phase of its project that is not frozen yet."""
    if cycle is None:
        return replace(goal, cycle=None, cycle_name=None)
    known = await cycle_store.find_cycle(tx, cycle)
    if known is None or known.project not in {None, tree.project.project}:
        raise Conflict("unknown_cycle", Text(zh="没有这个周期", en="There is no such cycle"))
    if known.frozen_at is not None:
        raise Conflict(
            "frozen",
            Text(zh=f"{known.name} 已冻结，不再接收目标", en=f"{known.name} is frozen and takes no more goals"),
            way="/consents/new",
        )
    return replace(goal, cycle=known.cycle, cycle_name=known.name)
