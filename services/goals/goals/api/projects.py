"""A project's own fields and its state: edited, finished, given up, taken up again (W4)."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    Reply,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text
from bihuan_contracts.goals import ProjectState, TaskState
from goals import store
from goals.announce import save_and_announce
from goals.api.access import may_decide
from goals.api.editing import given, moves, open_project, refuse
from goals.api.trees import Title
from goals.domain.projects import STEPS, changed, open_tasks, refuse_step, revision, wants_reason, wrong_dates
from goals.domain.tree import Tree
from goals.edit_store import Edit, edits_of_project, save_edits

routes = router(tags=["projects"])


class ProjectEdit(Body):
    """Only what is sent is changed; null empties it."""

    revision: str
    """The revision that the caller saw."""
    name: Title = ""
    product: Key = ""
    customer: Annotated[str | None, Field(max_length=200)] = None
    phase: Annotated[str | None, Field(max_length=40)] = None
    lead: Key = ""
    starts_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None


class ProjectStep(Body):
    revision: str
    state: ProjectState
    reason: Annotated[str | None, Field(max_length=1000)] = None


class ProjectEditLine(Reply):
    at: datetime
    person: str
    person_name: str | None
    action: str
    changes: list[dict[str, str | None]]
    reason: str | None


class ProjectRecord(Reply):
    """A project for those who administer it."""

    project: UUID
    code: str
    name: str
    product: str
    customer: str | None
    phase: str | None
    lead: str
    lead_name: str
    starts_at: datetime | None
    due_at: datetime | None
    state: ProjectState
    revision: str
    may_edit: bool
    steps: list[ProjectState]
    """The states that it may come into."""
    open_tasks: int
    edits: list[ProjectEditLine]


@routes.get("/projects/{project}/record", dependencies=[allow(EVERYONE)])
async def read_project_record(project: UUID, tx: Tx, caller: Caller) -> ProjectRecord:
    return await _record(tx, await open_project(tx, project), caller)


@routes.patch("/projects/{project}", dependencies=[allow(EVERYONE)])
async def edit_project(project: UUID, body: ProjectEdit, tx: Tx, caller: Caller) -> ProjectRecord:
    """By its lead or an administrator; who hands the lead over may no longer edit it."""
    tree = await _open(tx, project, caller, body.revision)
    wanted = changed(tree.project, given(body))
    if "lead" in wanted and not await store.is_active(tx, wanted["lead"]):
        raise invalid("lead", "unknown", "没有这位在职的同事", "There is no such colleague")
    refuse(
        wrong_dates(wanted.get("starts_at", tree.project.starts_at), wanted.get("due_at", tree.project.due_at)),
        "due_at",
    )
    if wanted:
        noted = moves(tree.project, wanted)
        tree.project = replace(tree.project, **wanted)
        if "lead" in wanted or "name" in wanted:
            tree.touch(tree.tasks.values())  # what tasks announce of their project
        await save_and_announce(tx, [tree])
        await save_edits(tx, [Edit(project, None, None, tree.project.name, "project_edited", noted)])
    return await _record(tx, tree, caller)


@routes.post("/projects/{project}/state", dependencies=[allow(EVERYONE)])
async def step_project(project: UUID, body: ProjectStep, tx: Tx, caller: Caller) -> ProjectRecord:
    """Finished only without open tasks; given up with all that is open, which stays on record."""
    tree = await _open(tx, project, caller, body.revision)
    refuse(refuse_step(tree, body.state))
    if wants_reason(tree.project, body.state) and not body.reason:
        raise invalid("reason", "missing", "写明原因", "Say why")
    if body.state is ProjectState.CANCELLED:
        for task in open_tasks(tree):
            tree.change(task.task, state=TaskState.CANCELLED)
    noted = moves(tree.project, {"state": body.state})
    tree.project = replace(tree.project, state=body.state)
    await save_and_announce(tx, [tree])
    await save_edits(tx, [Edit(project, None, None, tree.project.name, "project_edited", noted, body.reason)])
    return await _record(tx, tree, caller)


async def _open(tx: Tx, project: UUID, caller: Caller, seen: str) -> Tree:
    tree = await open_project(tx, project)
    if not may_decide(tree.project, caller):
        words = Text(zh="只有项目负责人或管理员可以修改", en="Only the project lead or an administrator may edit this")
        raise Forbidden("not_editor", words, may_edit=[tree.project.lead])
    if seen != revision(tree.project):
        raise Conflict("stale", current=await _record(tx, tree, caller))
    return tree


async def _record(tx: Tx, tree: Tree, caller: Caller) -> ProjectRecord:
    one = tree.project
    lines = [row for row in await edits_of_project(tx, one.project, 200) if row["action"] == "project_edited"]
    names = await store.names(tx, [one.lead, *(row["person"] for row in lines)])
    mine = may_decide(one, caller)
    return ProjectRecord(
        project=one.project, code=one.code, name=one.name, product=one.product, customer=one.customer,
        phase=one.phase, lead=one.lead, lead_name=names.get(one.lead, one.lead), starts_at=one.starts_at,
        due_at=one.due_at, state=one.state, revision=revision(one), may_edit=mine,
        steps=sorted(STEPS.get(one.state, frozenset())) if mine else [], open_tasks=len(open_tasks(tree)),
        edits=[
            ProjectEditLine(
                at=row["at"], person=row["person"], person_name=names.get(row["person"]), action=row["action"],
                changes=row["changes"], reason=row["reason"],
            )
            for row in lines
        ],
    )  # fmt: skip
