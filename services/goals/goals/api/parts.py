"""Deliverables and verification criteria of a task: create, edit, move, remove (G1, G2, G5)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, NotFound, Role, Tx, allow, router
from bihuan_contracts import Text
from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, Deliverable, TaskKind, TaskState
from goals import store
from goals.api.editing import (
    deliverable_of,
    differing,
    edit_of,
    finish,
    given,
    moves,
    open_task,
    refuse,
    refuse_wrong,
    require_allowed,
    require_current,
    require_editor,
    with_deliverable,
)
from goals.api.tree_replies import TreeTask, tree_task
from goals.api.trees import CriterionIn, DeliverableIn, Items, Title, Weight, deliverable_from
from goals.domain import cycles, edits
from goals.domain.edits import Action
from goals.domain.shapes import wrong_in_criterion, wrong_in_deliverable
from goals.domain.tree import Task, Tree, gaps

routes = router(tags=["tree"])
_PATH = "/tasks/{task}/deliverables/{deliverable}"


class NewDeliverable(DeliverableIn):
    revision: int
    """The task's revision that the caller saw."""
    before: UUID | None = None


class DeliverableEdit(Body):
    revision: int
    title: Title = ""
    weight: Weight | None = None
    due_at: AwareDatetime | None = None


class DeliverableMove(Body):
    revision: int
    task: UUID
    """The same task, or another one of the project."""
    before: UUID | None = None


class NewCriterion(CriterionIn):
    revision: int


class CriterionEdit(Body):
    """New words or limits are a new version: what was verified against the old one is to be verified again (G5)."""

    revision: int
    text: Annotated[str, Field(min_length=1, max_length=400)] = ""
    metric: Annotated[str | None, Field(max_length=120)] = None
    unit: Annotated[str | None, Field(max_length=20)] = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    kind: CriterionKind | None = None
    """How it is verified; null: by its metric, else by the verdict of a report."""
    items: Items = ()
    approver: Role | None = None


class CriterionMove(Body):
    revision: int
    deliverable: UUID
    before: UUID | None = None


class Removal(Body):
    revision: int


@routes.post("/tasks/{task}/deliverables", status_code=201, dependencies=[allow(EVERYONE)])
async def create_deliverable(task: UUID, body: NewDeliverable, tx: Tx, caller: Caller) -> TreeTask:
    tree, found = await _editable(tx, task, body.revision, caller)
    if (goal := tree.goal(found.goal)) is not None:
        refuse(cycles.refuse_joining(goal, body.weight))
    new = deliverable_from(tx.new_id(), body, tx)
    refuse_wrong(wrong_in_deliverable(new))
    order = edits.place_before(
        [*(one.deliverable for one in found.deliverables), new.deliverable], new.deliverable, body.before
    )
    by_id = {one.deliverable: one for one in (*found.deliverables, new)}
    after = replace(found, deliverables=tuple(by_id[one] for one in order))
    return await _save(tx, tree, found, after, "deliverable_created", new.title)


@routes.patch(_PATH, dependencies=[allow(EVERYONE)])
async def edit_deliverable(task: UUID, deliverable: UUID, body: DeliverableEdit, tx: Tx, caller: Caller) -> TreeTask:
    tree, found = await _editable(tx, task, body.revision, caller)
    before = deliverable_of(found, deliverable)
    changed = differing(before, given(body))
    if (goal := tree.goal(found.goal)) is not None:
        refuse(cycles.refuse_fields(goal, changed, cycles.FROZEN_OF_A_DELIVERABLE))
    after = with_deliverable(found, deliverable, lambda one: one.model_copy(update=changed))
    return await _save(tx, tree, found, after, "deliverable_edited", before.title, moves(before, changed))


@routes.post(f"{_PATH}/remove", dependencies=[allow(EVERYONE)])
async def remove_deliverable(task: UUID, deliverable: UUID, body: Removal, tx: Tx, caller: Caller) -> TreeTask:
    """Not when something in it has been verified: evidence stays where it is."""
    tree, found = await _editable(tx, task, body.revision, caller)
    gone = deliverable_of(found, deliverable)
    _refuse_leaving(tree, found, gone)
    kept = tuple(one for one in found.deliverables if one.deliverable != deliverable)
    return await _save(tx, tree, found, replace(found, deliverables=kept), "deliverable_removed", gone.title)


@routes.post(f"{_PATH}/move", dependencies=[allow(EVERYONE)])
async def move_deliverable(task: UUID, deliverable: UUID, body: DeliverableMove, tx: Tx, caller: Caller) -> TreeTask:
    """To another place, or to another task of the project with its criteria and what they have been verified by."""
    tree, found = await _editable(tx, task, body.revision, caller)
    moved = deliverable_of(found, deliverable)
    target = tree.tasks.get(body.task)
    if target is None:
        raise NotFound()
    if target.task != found.task:
        require_editor(tree, tree.goal(target.goal), caller)
        require_allowed(target, Action.EDIT)
        _refuse_card(target)
        _refuse_leaving(tree, found, moved)
        if (goal := tree.goal(target.goal)) is not None:
            refuse(cycles.refuse_joining(goal, moved.weight))
        kept = tuple(one for one in found.deliverables if one.deliverable != deliverable)
        source = replace(found, deliverables=kept)
        _refuse_gaps(source)
        tree.put(source)
    by_id = {one.deliverable: one for one in (*target.deliverables, moved)}
    order = edits.place_before(list(by_id), deliverable, body.before)
    after = replace(target, deliverables=tuple(by_id[one] for one in order))
    await _save(tx, tree, target, after, "deliverable_moved", moved.title)
    return await tree_task(tx, tree, target.task)


@routes.post(f"{_PATH}/criteria", status_code=201, dependencies=[allow(EVERYONE)])
async def create_criterion(task: UUID, deliverable: UUID, body: NewCriterion, tx: Tx, caller: Caller) -> TreeTask:
    tree, found = await _editable(tx, task, body.revision, caller)
    new = Criterion(
        criterion=tx.new_id(), version=1, text=body.text, metric=body.metric, unit=body.unit, lower=body.lower,
        upper=body.upper, kind=body.kind, items=body.items, approver=body.approver, state=CriterionState.OPEN,
    )  # fmt: skip
    refuse_wrong(wrong_in_criterion(new))
    after = _with_criteria(found, deliverable, lambda known: (*known, new))
    return await _save(tx, tree, found, after, "criterion_created", new.text)


@routes.patch(f"{_PATH}/criteria/{{criterion}}", dependencies=[allow(EVERYONE)])
async def edit_criterion(
    task: UUID, deliverable: UUID, criterion: UUID, body: CriterionEdit, tx: Tx, caller: Caller
) -> TreeTask:
    tree, found = await _editable(tx, task, body.revision, caller)
    old = _criterion_of(found, deliverable, criterion)
    changed = differing(old, given(body))
    if not changed:
        return await tree_task(tx, tree, task)
    new = edits.edited_criterion(found, old, changed)
    refuse_wrong(wrong_in_criterion(new))
    after = _with_criteria(
        found, deliverable, lambda known: tuple(new if one.criterion == criterion else one for one in known)
    )
    if new.version != old.version:
        await store.save_superseded_criteria(tx, None, [(task, old)])
    return await _save(tx, tree, found, after, "criterion_edited", old.text, moves(old, _moved(old, new)))


@routes.post(f"{_PATH}/criteria/{{criterion}}/remove", dependencies=[allow(EVERYONE)])
async def remove_criterion(
    task: UUID, deliverable: UUID, criterion: UUID, body: Removal, tx: Tx, caller: Caller
) -> TreeTask:
    tree, found = await _editable(tx, task, body.revision, caller)
    gone = _criterion_of(found, deliverable, criterion)
    if (goal := tree.goal(found.goal)) is not None:
        refuse(cycles.refuse_leaving(goal))
    _refuse_verified([gone])
    after = _with_criteria(found, deliverable, lambda known: tuple(one for one in known if one.criterion != criterion))
    return await _save(tx, tree, found, after, "criterion_removed", gone.text)


@routes.post(f"{_PATH}/criteria/{{criterion}}/move", dependencies=[allow(EVERYONE)])
async def move_criterion(
    task: UUID, deliverable: UUID, criterion: UUID, body: CriterionMove, tx: Tx, caller: Caller
) -> TreeTask:
    """To another place, or to another deliverable of the task."""
    tree, found = await _editable(tx, task, body.revision, caller)
    moved = _criterion_of(found, deliverable, criterion)
    deliverable_of(found, body.deliverable)
    out = _with_criteria(found, deliverable, lambda known: tuple(one for one in known if one.criterion != criterion))

    def joined(known: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
        by_id = {one.criterion: one for one in (*known, moved)}
        return tuple(by_id[one] for one in edits.place_before(list(by_id), criterion, body.before))

    after = _with_criteria(out, body.deliverable, joined)
    return await _save(tx, tree, found, after, "criterion_moved", moved.text)


async def _editable(tx: Tx, task: UUID, revision: int, caller: Caller) -> tuple[Tree, Task]:
    tree, found = await open_task(tx, task)
    require_editor(tree, tree.goal(found.goal), caller)
    await require_current(tx, tree, found, revision)
    require_allowed(found, Action.EDIT)
    _refuse_card(found)
    return tree, found


async def _save(
    tx: Tx,
    tree: Tree,
    before: Task,
    after: Task,
    action: str,
    title: str,
    changes: Sequence[dict[str, str | None]] = (),
) -> TreeTask:
    _refuse_gaps(after)
    refuse(edits.overweight_deliverables(after), "weight")
    project = tree.project
    tree.put(after)
    edit = replace(edit_of(tree, before, action, changes), title=f"{before.code} {title}")
    await finish(tx, tree, project, edit)
    return await tree_task(tx, tree, before.task)


def _refuse_gaps(task: Task) -> None:
    """An active task does not lose what it is active by (G1)."""
    if task.state is TaskState.DRAFT:
        return
    if missing := gaps(task):
        words = Text(zh="；".join(gap.zh for gap in missing), en="; ".join(gap.en for gap in missing))
        raise Conflict(
            "gap", Text(zh=f"进行中的任务不能缺：{words.zh}", en=f"An active task can't be without it: {words.en}")
        )


def _refuse_card(task: Task) -> None:
    if task.kind is TaskKind.RETEST:
        raise Conflict(
            "retest_card",
            Text(
                zh=f"{task.code} 是重测卡，它的交付物和标准由变更决定",
                en=f"{task.code} is a retest card: its deliverables and criteria are the change's",
            ),
        )


def _refuse_leaving(tree: Tree, task: Task, gone: Deliverable) -> None:
    if (goal := tree.goal(task.goal)) is not None:
        refuse(cycles.refuse_leaving(goal))
    _refuse_verified(gone.criteria)


def _refuse_verified(criteria: Iterable[Criterion]) -> None:
    verified = [one.text for one in criteria if one.state is CriterionState.VERIFIED]
    if verified:
        raise Conflict(
            "verified",
            Text(
                zh=f"「{verified[0]}」已验证，证据要留在原处",
                en=f"“{verified[0]}” has been verified: evidence stays where it is",
            ),
        )


def _moved(old: Criterion, new: Criterion) -> dict[str, object]:
    """What people edit of it, where it differs."""
    names = CriterionEdit.model_fields.keys() - {"revision"}
    return {name: getattr(new, name) for name in sorted(names) if getattr(new, name) != getattr(old, name)}


def _criterion_of(task: Task, deliverable: UUID, criterion: UUID) -> Criterion:
    found = next((one for one in deliverable_of(task, deliverable).criteria if one.criterion == criterion), None)
    if found is None:
        raise NotFound()
    return found


def _with_criteria(
    task: Task, deliverable: UUID, change: Callable[[tuple[Criterion, ...]], tuple[Criterion, ...]]
) -> Task:
    return with_deliverable(task, deliverable, lambda one: one.model_copy(update={"criteria": change(one.criteria)}))
