"""Routes of boards and of the search over them: web's own read model, readable while every other service is down."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from bihuan_chassis.http import NotFound, Reply, Tx, allow_anonymous, reading, router
from web import board_store, store
from web.board import Board, BoardSummary, BoardTask, board, board_task, summary
from web.board_cache import COMPANY
from web.resources import require_colleague, resources_of

routes = router(tags=["boards"])
_MOST_FOUND = 8


class BoardList(Reply):
    projects: list[BoardSummary]


class FoundProject(Reply):
    project: UUID
    code: str
    name: str
    customer: str | None


class FoundTask(Reply):
    task: UUID
    code: str
    title: str
    state: str
    locked: bool
    project_name: str | None


class FoundPerson(Reply):
    person: str
    name: str
    name_latin: str | None
    title: str | None
    department_name: str | None


class Found(Reply):
    """Best first in each list (W3)."""

    projects: list[FoundProject]
    tasks: list[FoundTask]
    people: list[FoundPerson]


@routes.get("/api/boards", response_model=BoardList, dependencies=[allow_anonymous()])
async def list_boards(request: Request) -> Response:
    """The company's projects with their figures."""
    await require_colleague(request)

    async def make() -> bytes:
        now = datetime.now(UTC)
        async with reading(request) as connection:
            projects = await board_store.projects(connection.raw)
            counts = await board_store.counts(connection.raw, now)
            names = await board_store.names(connection.raw, [one.lead for one in projects])
        listed = [summary(one, counts.get(one.project, {}), names) for one in projects]
        return BoardList(projects=listed).model_dump_json().encode()

    return _answer(await resources_of(request).boards.read(COMPANY, make))


class CompanyBoard(Reply):
    """Every project's tree on one board, the one that needs eyes most first.

    The figures come before the trees, and each tree is a line of the answer: a page can show what fills its window
    before it has read the rest.
    """

    archived: int
    """Projects that are done or cancelled, whether or not these are asked for."""
    projects: list[BoardSummary]
    boards: list[Board]


@routes.get("/api/boards/company", response_model=CompanyBoard, dependencies=[allow_anonymous()])
async def read_company_board(request: Request, archived: bool = False) -> Response:
    """All projects that run, or all in the archive: put together from the bytes of their own boards (W2)."""
    await require_colleague(request)
    boards = resources_of(request).boards

    async def make() -> bytes:
        async with reading(request) as connection:
            keys, count = await board_store.project_keys(connection.raw, archived)
        trees = await boards.read_many([str(key) for key in keys], partial(_make_boards, request))
        return _company(count, trees)

    return _answer(await boards.read(f"{COMPANY}:{'archive' if archived else 'running'}", make, stamped=COMPANY))


@routes.get("/api/boards/{project}", response_model=Board, dependencies=[allow_anonymous()])
async def read_board(project: UUID, request: Request) -> Response:
    """One project: goal → task → deliverable → criterion with weights, progress, locks and who (W2)."""
    await require_colleague(request)

    async def make() -> bytes | None:
        return (await _make_boards(request, [str(project)])).get(str(project))

    return _answer(await resources_of(request).boards.read(str(project), make))


@routes.get("/api/search", dependencies=[allow_anonymous()])
async def search(request: Request, tx: Tx, q: Annotated[str, Query(min_length=1, max_length=80)]) -> Found:
    """Projects, tasks and people that hold these words."""
    await require_colleague(request)
    words = q.strip()
    projects, tasks = await board_store.search(tx, words, _MOST_FOUND)
    people = await store.search(tx, words, _MOST_FOUND)
    return Found(
        projects=[FoundProject(**row) for row in projects],
        tasks=[FoundTask(**row) for row in tasks],
        people=[FoundPerson(**{name: row[name] for name in FoundPerson.model_fields}) for row in people],
    )


class OpenWork(Reply):
    """Somebody's open tasks and retest cards."""

    tasks: list[BoardTask]
    projects: dict[UUID, str]
    """Names of the projects they belong to."""


@routes.get("/api/people/{person}/work", dependencies=[allow_anonymous()])
async def read_open_work(person: str, request: Request, tx: Tx) -> OpenWork:
    """What somebody has open, the most pressing first."""
    await require_colleague(request)
    tasks = await board_store.tasks_of_person(tx.raw, person)
    names = await board_store.names(tx.raw, [person])
    return OpenWork(
        tasks=[board_task(task, names, tx.now) for task in tasks],
        projects={task.project: task.project_name for task in tasks},
    )


def _company(archived: int, trees: Sequence[bytes]) -> bytes:
    """The bytes of a `CompanyBoard` from those of its boards."""
    # a quote inside a text is escaped, so the first of these ends the summary
    summaries = [tree.removeprefix(b'{"project":').partition(b',"goals":[')[0] for tree in trees]
    needs = [BoardSummary.model_validate_json(one).need for one in summaries]
    order = sorted(range(len(trees)), key=lambda number: -needs[number])
    head = b'{"archived":%d,"projects":[%s],"boards":[\n' % (archived, b",".join(summaries[one] for one in order))
    return head + b",\n".join(trees[one] for one in order) + b"\n]}"


async def _make_boards(request: Request, wanted: Sequence[str]) -> dict[str, bytes]:
    """Boards' bytes from web's own rows; what isn't there is left out."""
    async with reading(request) as connection:
        found = await board_store.boards_of(connection.raw, [UUID(one) for one in wanted])
        people = [
            person
            for project, tasks in found
            for person in (project.lead, *(goal.owner for goal in project.goals), *(task.owner for task in tasks))
        ]
        names = await board_store.names(connection.raw, people)
    now = datetime.now(UTC)
    return {str(one.project): board(one, tasks, names, now).model_dump_json().encode() for one, tasks in found}


def _answer(body: bytes | None) -> Response:
    if body is None:
        raise NotFound()
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
