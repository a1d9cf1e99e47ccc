"""Urgent customer requests: two fields book one; what unplanned work each person carried (G10)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from bihuan_chassis.calendar import ZONE
from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Text
from bihuan_contracts.goals import TaskState
from goals import request_store, store, tree_store
from goals.api.access import may_decide
from goals.domain.edits import may_edit
from goals.domain.requests import Load, Request, candidates, loads, months_until
from goals.domain.tree import Project
from goals.requests import Wanted, add_tasks, book

routes = router(tags=["requests"])


class RequestIn(Body):
    what: Annotated[str, Field(min_length=2, max_length=200)]
    whom: Annotated[str, Field(min_length=1, max_length=120)]
    """The customer's name."""
    project: UUID | None = None
    """Only where the customer has several projects, or none that is known."""


class RequestPlaceIn(Body):
    project: UUID


class ProjectChoice(Reply):
    project: UUID
    code: str
    name: str
    customer: str | None


class RequestReply(Reply):
    request: UUID
    number: str
    what: str
    customer: str
    booked_by: str | None
    """None: it came from the customer system."""
    booked_by_name: str | None
    booked_at: datetime
    order: str | None
    """Of the customer system."""
    project: UUID | None
    project_name: str | None
    task: UUID | None
    """None: it waits until somebody says which project it belongs to."""
    revision: int | None
    """Of the task, for editing its weight."""
    owner: str | None
    owner_name: str | None
    state: TaskState | None
    due_at: datetime | None
    finished_at: datetime | None
    actual_hours: Decimal | None
    goal_title: str | None
    weight: Decimal | None
    """Percent of its goal."""
    impact_weight: Decimal | None
    """Percent of the project."""
    may_weigh: bool
    may_place: bool
    choices: list[ProjectChoice]
    """In doubt: projects it may belong to."""


class MonthLoadReply(Reply):
    month: date
    hours: Decimal
    all_hours: Decimal


class LoadReply(Reply):
    """Hours beside the plan of one person in the period."""

    person: str
    name: str
    open: int
    """Urgent requests on the person's desk now."""
    hours: Decimal
    share: Decimal | None
    """Percent of all hours that the person booked in the period."""
    months: list[MonthLoadReply]


class Requests(Reply):
    requests: list[RequestReply]
    since: date
    loads: list[LoadReply]


@routes.get("/requests", dependencies=[allow(EVERYONE)])
async def list_requests(tx: Tx, caller: Caller, months: Annotated[int, Query(ge=1, le=12)] = 3) -> Requests:
    """Everybody sees the requests; unplanned hours of others only those who may read their week."""
    rows = await request_store.listed(tx)
    period = months_until(tx.now.astimezone(ZONE).date(), months)
    waiting = await request_store.open_by_owner(tx)
    found = loads(await request_store.hours(tx, period[0]), period, waiting)
    wide = caller.has(Role.MANAGER, Role.PROJECT_LEAD, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR)
    shown = [load for load in found if wide or load.person == caller.id]
    names = await store.names(tx, [load.person for load in shown])
    return Requests(
        requests=await _replies(tx, rows, caller), since=period[0],
        loads=[_load(one, names.get(one.person, one.person), waiting.get(one.person, 0)) for one in shown],
    )  # fmt: skip


@routes.post("/requests", status_code=201, dependencies=[allow(EVERYONE)])
async def book_request(body: RequestIn, tx: Tx, caller: Caller) -> RequestReply:
    """Finds the customer's project; in doubt the answer names those it may be (409 `choose_project`)."""
    projects = await store.all_projects(tx)
    [request] = await book(tx, [Wanted(body.what, body.whom, [_project(body, projects)], by=caller.id)])
    return await _one(tx, request.request, caller)


@routes.post("/requests/{request}/project", dependencies=[allow(EVERYONE)])
async def place_request(request: UUID, body: RequestPlaceIn, tx: Tx, caller: Caller) -> RequestReply:
    """A request that came without a project is taken over by that project's lead."""
    row = await request_store.find(tx, request)
    if row is None:
        raise NotFound()
    if row["task"] is not None:
        raise Conflict("placed", Text(zh="这项加急已有项目", en="This request has its project already"))
    trees = await tree_store.load_trees(tx, [body.project])
    tree = trees.get(body.project)
    if tree is None or tree.project.state != "active":
        raise invalid("project", "unknown", "没有这个进行中的项目", "No such running project")
    if not may_decide(tree.project, caller):
        raise Forbidden(text=Text(zh="由项目负责人认领", en="The project's lead takes it over"))
    known = Request(request, row["number"], row["what"], row["customer"])
    tasks = await add_tasks(tx, trees, [(known, body.project, row["booked_by"])])
    await request_store.place(tx, request, body.project, tasks[request].task)
    return await _one(tx, request, caller)


def _project(body: RequestIn, projects: Sequence[Project]) -> Project:
    running = [one for one in projects if one.state == "active"]
    if body.project is not None:
        chosen = next((one for one in running if one.project == body.project), None)
        if chosen is None:
            raise invalid("project", "unknown", "没有这个进行中的项目", "No such running project")
        return chosen
    found = candidates(body.what, body.whom, running)
    if len(found) == 1:
        return found[0]
    words = Text(
        zh=f"「{body.whom}」有 {len(found)} 个项目，请选一个" if found else f"没有找到「{body.whom}」的项目，请选一个",
        en=f"“{body.whom}” has {len(found)} projects: choose one"
        if found
        else f"No project of “{body.whom}”: choose one",
    )
    raise Conflict("choose_project", words, choices=[_choice(one).model_dump(mode="json") for one in found or running])


def _choice(one: Project) -> ProjectChoice:
    return ProjectChoice(project=one.project, code=one.code, name=one.name, customer=one.customer)


def _load(one: Load, name: str, waiting: int) -> LoadReply:
    months = [MonthLoadReply.model_validate(month) for month in one.months]
    return LoadReply(person=one.person, name=name, open=waiting, hours=one.hours, share=one.share, months=months)


async def _one(tx: Tx, request: UUID, caller: Caller) -> RequestReply:
    return (await _replies(tx, [await request_store.one(tx, request)], caller))[0]


async def _replies(tx: Tx, rows: Sequence[Any], caller: Caller) -> list[RequestReply]:
    projects = await store.all_projects(tx)
    names = await store.names(tx, [person for row in rows for person in (row["booked_by"], row["owner"])])
    by_id = {one.project: one for one in projects}
    running = [one for one in projects if one.state == "active"]
    return [_reply(row, by_id.get(row["project"]), running, names, caller) for row in rows]


def _reply(
    row: Any, project: Project | None, running: Sequence[Project], names: dict[str, str], caller: Caller
) -> RequestReply:
    goal = next((one for one in project.goals if one.goal == row["goal"]), None) if project else None
    choices = [] if row["task"] else candidates(row["what"], row["customer"], running) or running
    return RequestReply(
        request=row["request"], number=row["number"], what=row["what"], customer=row["customer"],
        booked_by=row["booked_by"], booked_by_name=names.get(row["booked_by"] or ""), booked_at=row["booked_at"],
        order=row["customer_order"], project=row["project"], project_name=project.name if project else None,
        task=row["task"], revision=row["revision"], owner=row["owner"], owner_name=names.get(row["owner"] or ""),
        state=row["state"], due_at=row["due_at"], finished_at=row["finished_at"], actual_hours=row["actual_hours"],
        goal_title=goal.title if goal else None, weight=row["weight"], impact_weight=row["share"],
        may_weigh=project is not None and goal is not None and not goal.frozen and row["state"] in {"active", "done"}
        and may_edit(project, goal, caller.id, administrator=caller.has(Role.ADMINISTRATOR)),
        may_place=any(may_decide(one, caller) for one in choices),
        choices=[_choice(one) for one in choices if may_decide(one, caller)],
    )  # fmt: skip
