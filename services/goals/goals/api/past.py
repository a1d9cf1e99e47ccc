"""A project, a person or a task as of any past moment, and every later change with its cause and consent (G11)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime

from bihuan_chassis.http import EVERYONE, Caller, Conflict, Forbidden, NotFound, Reply, Role, Tx, allow, invalid, router
from bihuan_contracts import Key, Text
from goals import history_store, store, tree_store
from goals.api.boards import ProjectBoard, board_of
from goals.api.replies import TaskReply, task_reply
from goals.domain.causes import CauseKind
from goals.domain.history import Kept, fold
from goals.domain.later import Later, later_changes
from goals.domain.tree import Task, Tree
from goals.history_store import Newest

routes = router(tags=["history"])

Moment = Annotated[AwareDatetime, Query()]
_MOST = 200


class CauseReply(Reply):
    kind: CauseKind
    ref: UUID | None
    """The technical change, impact matrix or request."""
    label: str | None
    by: str | None
    by_name: str | None


class ConsentReply(Reply):
    """An impact matrix that belongs to the cause, and where it stands."""

    matrix: UUID
    number: str
    title: str
    state: str


class DifferenceReply(Reply):
    """Old and new of one field; times are ISO 8601, people employee numbers, weights percent, hours plain numbers."""

    field: str
    subject: str | None
    old: str | None
    new: str | None
    old_name: str | None = None
    new_name: str | None = None


class LaterTask(Reply):
    task: UUID | None
    """None: the project itself."""
    code: str | None
    title: str
    differences: list[DifferenceReply]


class LaterChange(Reply):
    """What one act has changed, at one moment."""

    at: datetime
    project: UUID
    causes: list[CauseReply]
    consents: list[ConsentReply]
    tasks: list[LaterTask]
    followed: int
    """Tasks whose weight only followed."""
    progress_before: str | None
    progress_after: str | None
    """Of the project, in percent, where it moved."""


class Past(Reply):
    as_of: datetime
    since: datetime
    """How far back anything is known."""
    taken_over: bool
    """What stands here is told by the dates of another system, or from before history was kept."""
    later: list[LaterChange]
    """Newest first."""
    more: int
    """Older ones among the later changes that are left out here."""


class PastProject(Past):
    board: ProjectBoard


class PastPerson(Past):
    person: str
    name: str
    tasks: list[TaskReply]
    """Their open work at that moment."""
    projects: dict[UUID, str]


class PastTask(Past):
    task: TaskReply
    project_name: str


@routes.get("/history/projects/{project}", dependencies=[allow(EVERYONE)])
async def project_as_of(project: UUID, as_of: Moment, tx: Tx) -> PastProject:
    """The board as it was at `as_of`; 409 `before_history` names the first moment that is known."""
    _refuse_future(as_of, tx)
    since = await history_store.since(tx, project)
    if since is None:
        raise NotFound()
    _refuse_earlier(as_of, since)
    ever = await history_store.tasks_ever_in(tx, project)
    newest = await history_store.newest_of_project(tx, project, as_of, _MOST)
    tasks, since_then = await _versions(tx, ever, as_of, newest)
    projects = moves = await history_store.kept_project(tx, project, newest.begin)
    if newest.older:
        projects = await history_store.kept_project(tx, project, as_of, as_of)
    tree = _tree_at(projects, tasks, project, as_of)
    acts = later_changes(since_then, {project: moves}, newest.begin)
    later = [one for one in acts if one.project == project]
    return PastProject(
        board=await board_of(tx, tree, as_of),
        **await _past(tx, later, as_of, since, [projects, *tasks.values()], newest.older),
    )


@routes.get("/history/people/{person}", dependencies=[allow(EVERYONE)])
async def person_as_of(person: Key, as_of: Moment, tx: Tx, caller: Caller) -> PastPerson:
    """Somebody's open work at that moment; one's own, or that of others for those who may read their week."""
    if person != caller.id and not caller.has(
        Role.MANAGER, Role.PROJECT_LEAD, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR
    ):
        raise Forbidden()
    _refuse_future(as_of, tx)
    names = await store.names(tx, [person])
    ever = await history_store.tasks_ever_of(tx, person)
    since = await history_store.known_since(tx, ever)
    if since is None:
        raise NotFound()
    _refuse_earlier(as_of, since)
    newest = await history_store.newest_of_tasks(tx, ever, as_of, _MOST)
    kept, since_then = await _versions(tx, ever, as_of, newest)
    states = {task: _at(versions, as_of) for task, versions in kept.items()}
    mine = [
        history_store.task_from(state) for state in states.values() if state is not None and state["owner"] == person
    ]
    acts = later_changes(since_then, {}, newest.begin)
    later = [one for one in acts if _concerns(one, person)]
    projects = {task.project for task in mine}
    trees = await tree_store.load_trees(tx, projects, lock=False) if projects else {}
    calendar = await store.calendar(tx)
    return PastPerson(
        person=person, name=names.get(person, person),
        tasks=[task_reply(task, names, as_of, calendar) for task in _pressing(mine)],
        projects={project: tree.project.name for project, tree in trees.items()},
        **await _past(tx, later, as_of, since, list(kept.values()), newest.older),
    )  # fmt: skip


@routes.get("/history/tasks/{task}", dependencies=[allow(EVERYONE)])
async def task_as_of(task: UUID, as_of: Moment, tx: Tx) -> PastTask:
    """One task with its targets as they were, and what has moved them since."""
    _refuse_future(as_of, tx)
    project = await store.project_of_task(tx, task)
    since = await history_store.known_since(tx, [task])
    if project is None or since is None:
        raise NotFound()
    _refuse_earlier(as_of, since)
    newest = await history_store.newest_of_tasks(tx, [task], as_of, _MOST)
    kept, since_then = await _versions(tx, [task], as_of, newest)
    state = _at(kept.get(task, ()), as_of)
    if state is None:
        raise NotFound()
    found = history_store.task_from(state)
    acts = later_changes(since_then, {}, newest.begin)
    names = await store.names(tx, [found.owner])
    name = (await tree_store.load_trees(tx, [project], lock=False))[project].project.name
    return PastTask(
        task=task_reply(found, names, as_of, await store.calendar(tx)), project_name=name,
        **await _past(tx, acts, as_of, since, [kept[task]], newest.older),
    )  # fmt: skip


_Versions = dict[UUID, list[Kept]]


async def _versions(tx: Tx, tasks: Sequence[UUID], as_of: datetime, newest: Newest) -> tuple[_Versions, _Versions]:
    """What tells the state at `as_of`, and the acts that are shown: the same rows unless much has happened since."""
    shown = await history_store.kept_tasks(tx, tasks, newest.begin)
    return (await history_store.kept_tasks(tx, tasks, as_of, as_of) if newest.older else shown), shown


def _refuse_future(as_of: datetime, tx: Tx) -> None:
    if as_of > tx.now:
        raise invalid("as_of", "future", "只能看过去的时刻", "Only a past moment can be shown")


def _refuse_earlier(as_of: datetime, since: datetime) -> None:
    if as_of < since:
        words = Text(zh="那时还没有记录", en="Nothing is known about that time")
        raise Conflict("before_history", words, since=since)


def _at(kept: Sequence[Kept], as_of: datetime) -> dict[str, Any] | None:
    return fold(one for one in kept if one.at <= as_of)


def _tree_at(projects: Sequence[Kept], tasks: Mapping[UUID, Sequence[Kept]], project: UUID, as_of: datetime) -> Tree:
    state = _at(projects, as_of)
    assert state is not None, "history begins with a whole state"
    tree = Tree(history_store.project_from(state))
    found = [history_store.task_from(one) for kept in tasks.values() if (one := _at(kept, as_of)) is not None]
    tree.tasks = {task.task: task for task in sorted(found, key=lambda task: task.code) if task.project == project}
    return tree


def _pressing(tasks: Sequence[Task]) -> list[Task]:
    """Open work, the most pressing first."""
    still_open = [task for task in tasks if task.state == "active"]
    return sorted(still_open, key=lambda task: (task.due_at is None, task.due_at, task.code))


def _concerns(later: Later, person: str) -> bool:
    return any(person in one.owners for one in later.tasks)


async def _past(
    tx: Tx, later: Sequence[Later], as_of: datetime, since: datetime, kept: Sequence[Sequence[Kept]], older: int
) -> dict[str, Any]:
    shown = list(later)[:_MOST]
    refs = {ref for one in shown for cause in one.causes if (ref := cause.get("ref"))}
    consents = await history_store.consents_behind(tx, [UUID(str(ref)) for ref in refs])
    people = {cause.get("by") for one in shown for cause in one.causes} | {
        value
        for one in shown
        for task in one.tasks
        for difference in task.differences
        if difference.field in _PEOPLE
        for value in (difference.old, difference.new)
    }
    names = await store.names(tx, people)
    last = [
        max((one for one in versions if one.at <= as_of), key=lambda one: one.version, default=None)
        for versions in kept
    ]
    return {
        "as_of": as_of,
        "since": since,
        "taken_over": any(one is not None and _was_taken_over(one) for one in last),
        "later": [_reply(one, consents, names) for one in shown],
        "more": older + max(0, len(later) - _MOST),
    }


_PEOPLE = {"owner", "lead", "goal_owner"}


def _was_taken_over(one: Kept) -> bool:
    return any(cause["kind"] == CauseKind.TAKEN_OVER for cause in one.causes)


def _reply(one: Later, consents: Sequence[Any], names: dict[str, str]) -> LaterChange:
    refs = {str(cause["ref"]) for cause in one.causes if cause.get("ref")}
    return LaterChange(
        at=one.at, project=one.project,
        causes=[
            CauseReply(
                kind=CauseKind(cause["kind"]), ref=cause.get("ref"), label=cause.get("label"), by=cause.get("by"),
                by_name=names.get(cause.get("by") or ""),
            )
            for cause in one.causes
        ],
        consents=[
            ConsentReply(matrix=row["matrix"], number=row["number"], title=row["title"], state=row["state"])
            for row in consents
            if str(row["matrix"]) in refs or str(row["change"]) in refs
        ],
        tasks=[
            LaterTask(
                task=task.task, code=task.code, title=task.title,
                differences=[
                    DifferenceReply(
                        field=d.field, subject=d.subject, old=d.old, new=d.new,
                        old_name=names.get(d.old or "") if d.field in _PEOPLE else None,
                        new_name=names.get(d.new or "") if d.field in _PEOPLE else None,
                    )
                    for d in task.differences
                ],
            )
            for task in one.tasks
        ],
        followed=one.followed, progress_before=one.progress_before, progress_after=one.progress_after,
    )  # fmt: skip
