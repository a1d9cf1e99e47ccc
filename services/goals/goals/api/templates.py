"""Templates of project types, and projects made from one (G1)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field

from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key
from goals import store, template_store, tree_store
from goals.announce import save_and_announce
from goals.api.trees import Imported, ProjectIn, Title, tree_of, wrong_places
from goals.domain.templates import Goals, TemplateGoal, lay, length, template_of
from goals.edit_store import Edit, save_edits
from goals.template_store import Template

routes = router(tags=["templates"])
_EDITORS = (Role.ADMINISTRATOR, Role.PROCESS_OWNER)


class TemplateReply(Reply):
    template: UUID
    project_type: str
    name: str
    description: str
    goals: tuple[TemplateGoal, ...]
    tasks: int
    working_days: int
    version: int
    edited_by: str
    edited_by_name: str | None
    edited_at: datetime


class TemplateList(Reply):
    templates: list[TemplateReply]
    may_edit: bool


class TemplateIn(Body):
    project_type: Annotated[str, Field(min_length=1, max_length=60)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=1000)] = ""
    goals: Goals
    version: int = 0
    """The version that the caller saw; 0 for a new one."""


class TemplateDraft(Reply):
    """A project as a template would have it; nothing is kept until it is saved as one."""

    goals: tuple[TemplateGoal, ...]
    left_out: int
    """Tasks that only this project has: retest cards, urgent requests, cancelled work."""


class LaidTask(Reply):
    key: str
    starts_at: datetime
    due_at: datetime


class Laid(Reply):
    """A template's dates on the working calendar from one start."""

    due_at: datetime | None
    tasks: list[LaidTask]


class Removed(Reply):
    removed: bool


class NewProject(Body):
    """A project from a template, or an empty one with a single goal."""

    template: UUID | None = None
    code: Key
    name: Title
    product: Key
    customer: Annotated[str | None, Field(max_length=200)] = None
    phase: Annotated[str | None, Field(max_length=40)] = None
    lead: Key | None = None
    """The caller, when nobody is named."""
    starts_at: AwareDatetime
    due_at: AwareDatetime | None = None


@routes.get("/templates", dependencies=[allow(EVERYONE)])
async def list_templates(tx: Tx, caller: Caller) -> TemplateList:
    found = await template_store.templates(tx)
    names = await store.names(tx, [one.edited_by for one in found])
    return TemplateList(templates=[_reply(one, names) for one in found], may_edit=caller.has(*_EDITORS))


@routes.get("/templates/{template}/dates", dependencies=[allow(EVERYONE)])
async def lay_template(template: UUID, tx: Tx, starts_at: Annotated[AwareDatetime, Query()]) -> Laid:
    """When its tasks would start and be due."""
    known = await template_store.find_template(tx, template)
    if known is None:
        raise NotFound()
    days = await store.calendar(tx)
    keys = [task.key for goal in known.goals for task in goal.tasks]
    laid = [task for goal in lay(known.goals, code="T", starts_at=starts_at, calendar=days) for task in goal["tasks"]]
    tasks = [
        LaidTask(key=key, starts_at=one["starts_at"], due_at=one["due_at"]) for key, one in zip(keys, laid, strict=True)
    ]
    return Laid(due_at=max((one.due_at for one in tasks), default=None), tasks=tasks)


@routes.get("/projects/{project}/template", dependencies=[allow(*_EDITORS)])
async def draft_template(project: UUID, tx: Tx) -> TemplateDraft:
    """What this project would be as a template: planned work with its length in working days."""
    tree = (await tree_store.load_trees(tx, [project], lock=False)).get(project)
    if tree is None:
        raise NotFound()
    goals = template_of(tree, await store.calendar(tx))
    return TemplateDraft(goals=goals, left_out=len(tree.tasks) - sum(len(goal.tasks) for goal in goals))


@routes.post("/templates", status_code=201, dependencies=[allow(*_EDITORS)])
async def create_template(body: TemplateIn, tx: Tx, caller: Caller) -> TemplateReply:
    return await _save(tx, tx.new_id(), body, 1, caller)


@routes.put("/templates/{template}", dependencies=[allow(*_EDITORS)])
async def edit_template(template: UUID, body: TemplateIn, tx: Tx, caller: Caller) -> TemplateReply:
    known = await template_store.find_template(tx, template, lock=True)
    if known is None:
        raise NotFound()
    if body.version != known.version:
        raise Conflict("stale", current=_reply(known, {}))
    return await _save(tx, template, body, known.version + 1, caller)


@routes.delete("/templates/{template}", dependencies=[allow(*_EDITORS)])
async def remove_template(template: UUID, tx: Tx) -> Removed:
    """Projects that were made from it stay as they are."""
    await template_store.remove_template(tx, template)
    return Removed(removed=True)


@routes.post("/projects/from-template", status_code=201, dependencies=[allow(Role.PROJECT_LEAD, Role.ADMINISTRATOR)])
async def create_project(body: NewProject, tx: Tx, caller: Caller) -> Imported:
    """A project with its dates laid on the working calendar from the start."""
    if await store.find_project(tx, body.code) is not None:
        raise invalid("code", "duplicate", f"项目号 {body.code} 已经有了", f"The code {body.code} is taken")
    goals: list[dict[str, Any]] = [{"title": body.name}]
    calendar = await store.calendar(tx)
    template = await template_store.find_template(tx, body.template) if body.template else None
    if body.template and template is None:
        raise invalid("template", "unknown", "没有这个模板", "There is no such template")
    due = body.due_at
    if template is not None:
        goals = lay(template.goals, code=body.code, starts_at=body.starts_at, calendar=calendar)
        due = due or calendar.add(body.starts_at, length(template.goals))
    if due is not None and due < body.starts_at:
        raise invalid("due_at", "before_start", "交付早于开始", "The delivery is before the start")
    given = ProjectIn.model_validate(
        body.model_dump(exclude={"template"}) | {"lead": body.lead or caller.id, "goals": goals, "due_at": due}
    )
    if errors := wrong_places(given):
        raise Invalid(errors=errors)
    tree = tree_of(given, tx)
    await save_and_announce(tx, [tree])
    title = template.name if template else body.name
    await save_edits(tx, [Edit(tree.project.project, None, None, title, "template_applied")])
    return Imported(project=tree.project.project, tasks=len(tree.tasks), created=True)


async def _save(tx: Tx, id: UUID, body: TemplateIn, version: int, caller: Caller) -> TemplateReply:
    if await template_store.name_taken(tx, body.name, id):
        raise invalid("name", "duplicate", f"已经有模板「{body.name}」", f"There is a template “{body.name}” already")
    _refuse_bad(body, tx.now)
    one = Template(id, body.project_type, body.name, body.description, body.goals, version, caller.id, tx.now)
    await template_store.save_template(tx, one)
    return _reply(one, {caller.id: caller.name})


def _refuse_bad(body: TemplateIn, now: datetime) -> None:
    """A template holds what any tree holds: weights, keys used once, no loops."""
    trial = ProjectIn.model_validate(
        {"code": "T", "name": body.name, "product": "T", "lead": "T",
         "goals": lay(body.goals, code="T", starts_at=now, calendar=Calendar())}
    )  # fmt: skip
    names = {"code": "key", "depends_on": "after"}
    errors = [
        FieldError(".".join(names.get(step, step) for step in one.field.split(".")), one.code, one.message)
        for one in wrong_places(trial)
    ]
    if errors:
        raise Invalid(errors=errors)


def _reply(one: Template, names: dict[str, str]) -> TemplateReply:
    return TemplateReply(
        template=one.template, project_type=one.project_type, name=one.name, description=one.description,
        goals=one.goals, tasks=sum(len(goal.tasks) for goal in one.goals), working_days=length(one.goals),
        version=one.version, edited_by=one.edited_by, edited_by_name=names.get(one.edited_by), edited_at=one.edited_at,
    )  # fmt: skip
