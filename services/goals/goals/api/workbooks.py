"""A tree as an Excel workbook: out, and in after a dry run that names every cell that can't be taken (G1, W3)."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import AwareDatetime, ValidationError

from bihuan_chassis.http import (
    EVERYONE,
    Caller,
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
from bihuan_chassis.problems import in_language, language_of
from bihuan_contracts import Key, Text
from bihuan_contracts.goals import TaskKind, TaskState
from goals import store, tree_store
from goals.announce import save_and_announce
from goals.api.editing import open_project, refuse, text
from goals.api.trees import GoalIn, ProjectIn, tree_of, wrong_places
from goals.domain import edits
from goals.domain.projects import wrong_dates
from goals.edit_store import Edit, save_edits
from goals.merging import Effect, Merge
from goals.sheets import Sheet, rows_of, sheet_of
from goals.workbooks import BY_KEY, MEDIA_TYPE, CellError, Contents, UnreadableError, read, write

routes = router(tags=["workbooks"])
_MOST_ERRORS = 200


class WrongCell(Reply):
    row: int
    column: str
    """As the sheet's first row has it, in the reader's language."""
    value: str
    code: str
    message: str


class RowEffect(Reply):
    row: int
    kind: str
    title: str
    action: str
    changes: list[dict[str, str | None]]


class Checked(Reply):
    """What the workbook does, or would do: with any error it does nothing at all."""

    applied: bool
    project: UUID | None
    goals: int
    tasks: int
    planned: list[GoalIn]
    """The tree of a new project as it would be."""
    effects: list[RowEffect]
    errors: list[WrongCell]


@routes.get("/workbooks/empty", dependencies=[allow(EVERYONE)])
async def empty_workbook(request: Request) -> Response:
    """The columns with the words that can be chosen, for a new project."""
    body = await asyncio.to_thread(write, [], language_of(request))
    return _file(body, "bihuan-tree")


@routes.get("/projects/{project}/workbook", dependencies=[allow(EVERYONE)])
async def export_tree(project: UUID, request: Request, tx: Tx) -> Response:
    tree = (await tree_store.load_trees(tx, [project], lock=False)).get(project)
    if tree is None:
        raise NotFound()
    people = [*(goal.owner for goal in tree.project.goals), *(task.owner for task in tree.tasks.values())]
    names = await store.names(tx, people)
    labels = {one: f"{names[one]} {one}" if one in names else one for one in people if one}
    body = await asyncio.to_thread(write, rows_of(tree, labels), language_of(request))
    return _file(body, tree.project.code)


@routes.post("/projects/{project}/workbook", dependencies=[allow(EVERYONE)])
async def import_into(project: UUID, request: Request, tx: Tx, caller: Caller, dry_run: bool = True) -> Checked:
    """Into a tree that is there: new rows are added, what differs is edited by the rules, nothing is removed."""
    tree = await open_project(tx, project)
    administrator = caller.has(Role.ADMINISTRATOR)
    language = language_of(request)
    contents = await _contents(request, tx)
    sheet = sheet_of(contents.lines)
    merge = Merge(
        tree, contents.columns, tx.new_id, words=text,
        may_edit=lambda goal: edits.may_edit(tree.project, goal, caller.id, administrator=administrator),
    )  # fmt: skip
    if not (contents.errors or sheet.errors):
        merge.take(sheet)
    errors = [*contents.errors, *sheet.errors, *merge.errors]
    apply = not dry_run and bool(merge.effects)
    if not dry_run:
        _refuse(errors)
    if apply:
        await store.save_superseded_criteria(tx, None, merge.superseded)
        await save_and_announce(tx, [tree])
        changes = [{"field": "rows", "old": None, "new": str(len(merge.effects))}]
        await save_edits(tx, [Edit(project, None, None, tree.project.name, "imported", changes)])
    return _checked(project, sheet, merge.effects, errors, language, applied=apply)


@routes.post("/workbooks", dependencies=[allow(Role.PROJECT_LEAD, Role.ADMINISTRATOR, Role.INTEGRATOR)])
async def import_project_workbook(  # one parameter for each field of the project
    request: Request,
    tx: Tx,
    caller: Caller,
    code: Annotated[Key | None, Query()] = None,
    name: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    product: Annotated[Key | None, Query()] = None,
    starts_at: Annotated[AwareDatetime | None, Query()] = None,
    due_at: Annotated[AwareDatetime | None, Query()] = None,
    customer: Annotated[str | None, Query(max_length=200)] = None,
    phase: Annotated[str | None, Query(max_length=40)] = None,
    lead: Annotated[Key | None, Query()] = None,
    dry_run: bool = True,
) -> Checked:
    """A new project from a workbook. A dry run looks at the workbook alone where code, name or product are missing."""
    fields = {"code": code, "name": name, "product": product, "lead": lead or caller.id, "customer": customer,
              "phase": phase, "starts_at": starts_at, "due_at": due_at}  # fmt: skip
    if missing := [name for name in ("code", "name", "product") if fields[name] is None]:
        if not dry_run:
            words = Text(zh="必须填写", en="This is required")
            raise Invalid(errors=[FieldError(name, "missing", words) for name in missing])
        fields |= dict.fromkeys(missing, "-")
    if code is not None and await store.find_project(tx, code) is not None:
        raise invalid("code", "duplicate", f"项目号 {code} 已经有了", f"The code {code} is taken")
    refuse(wrong_dates(starts_at, due_at), "due_at")
    contents = await _contents(request, tx)
    sheet = sheet_of(contents.lines)
    errors = [*contents.errors, *sheet.errors]
    if not (errors or sheet.goals):
        errors = [
            CellError(2, "goal.title", "", "empty", Text(zh="表里还没有内容", en="There is nothing in the sheet"))
        ]
    given = None
    if not errors:
        goals = [goal | {"tasks": [_DEFAULTS | task for task in goal["tasks"]]} for goal in sheet.goals]
        given, errors = _validated(fields | {"goals": goals}, sheet)
    if not dry_run:
        _refuse(errors)
    project = None
    if given is not None and not dry_run:
        tree = tree_of(given, tx)
        project = tree.project.project
        await save_and_announce(tx, [tree])
        await save_edits(tx, [Edit(project, None, None, tree.project.name, "imported")])
    effects = [
        Effect(sheet.row_of(f"goals.{g}.tasks.{t}"), "task", f"{task['code']} {task['title']}", "created")
        for g, goal in enumerate(sheet.goals)
        for t, task in enumerate(goal["tasks"])
    ]
    language, planned = language_of(request), given.goals if given else ()
    return _checked(project, sheet, effects, errors, language, applied=project is not None, planned=planned)


def _validated(body: dict[str, Any], sheet: Sheet) -> tuple[ProjectIn | None, list[CellError]]:
    try:
        given = ProjectIn.model_validate(body)
    except ValidationError as error:
        return None, [
            _placed(sheet, ".".join(map(str, one["loc"])), str(one.get("input", ""))[:80], "value",
                    Text(zh="内容不正确或超出范围", en="Not correct, or out of range"))
            for one in error.errors()
            if len(one["loc"]) > 1 or one["loc"][0] != "goals"  # said once more for the whole list
        ]  # fmt: skip
    wrong = wrong_places(given)
    return (None if wrong else given), [_placed(sheet, one.field, "", one.code, one.message) for one in wrong]


def _placed(sheet: Sheet, path: str, value: str, code: str, message: Text) -> CellError:
    steps = path.split(".")
    levels = {"goals": "goal", "tasks": "task", "deliverables": "deliverable", "criteria": "criterion"}
    level = next((levels[step] for step in reversed(steps[:-1]) if step in levels), "goal")
    last = steps[-1]
    if last in levels:
        column = f"{levels[last]}.weight" if code == "overweight" else f"{levels[last]}.{_FIRST[levels[last]]}"
    else:
        column = f"{level}.{last}"
    return CellError(
        sheet.row_of(path), column if column in BY_KEY else f"{level}.{_FIRST[level]}", value, code, message
    )


_DEFAULTS = {"kind": TaskKind.DEVELOP, "state": TaskState.DRAFT}
_FIRST = {"goal": "title", "task": "title", "deliverable": "title", "criterion": "text"}


async def _contents(request: Request, tx: Tx) -> Contents:
    people: dict[str, list[str]] = {}
    for row in await tx.raw.fetch("select person, name from people where active"):
        people.setdefault(row["person"], []).append(row["person"])
        people.setdefault(row["name"], []).append(row["person"])
    try:
        return await asyncio.to_thread(read, await request.body(), people)
    except UnreadableError as error:
        raise Invalid(error.code, error.text, errors=[FieldError("file", error.code, error.text)]) from error


def _refuse(errors: Sequence[CellError]) -> None:
    if errors:
        raise Invalid(
            errors=[FieldError(f"rows.{one.row}.{one.column}", one.code, one.message) for one in errors[:_MOST_ERRORS]]
        )


def _checked(
    project: UUID | None, sheet: Sheet, effects: Sequence[Effect], errors: Sequence[CellError], language: str,
    *, applied: bool, planned: Sequence[GoalIn] = (),
) -> Checked:  # fmt: skip
    listed = sorted(errors, key=lambda one: (one.row, one.column))[:_MOST_ERRORS]
    return Checked(
        applied=applied,
        project=project,
        goals=len(sheet.goals),
        tasks=sum(len(goal["tasks"]) for goal in sheet.goals),
        planned=list(planned),
        effects=[] if errors else [
            RowEffect(row=one.row, kind=one.kind, title=one.title, action=one.action, changes=list(one.changes))
            for one in effects
        ],
        errors=[
            WrongCell(
                row=one.row, column=in_language(language, BY_KEY[one.column].words()), value=one.value, code=one.code,
                message=in_language(language, one.message),
            )
            for one in listed
        ],
    )  # fmt: skip


def _file(body: bytes, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(f'{name}.xlsx')}"
    return Response(body, media_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})
