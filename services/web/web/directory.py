"""Routes of the directory: the company's people, what they have open, and who is still signed in."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Request

from bihuan_chassis.auth import Role, roles_named
from bihuan_chassis.http import Forbidden, NotFound, Reply, Tx, allow_anonymous, router
from web import board_store, store
from web.resources import require_colleague, resources_of
from web.sessions import Session

routes = router(tags=["directory"])
_SEES_WORKLOADS = {Role.MANAGER, Role.PROJECT_LEAD, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR}
"""The same who may read somebody else's week."""


class DirectoryPerson(Reply):
    person: str
    name: str
    name_latin: str | None
    title: str | None
    department: str | None
    department_name: str | None
    manager: str | None
    manager_name: str | None
    roles: list[str]
    active: bool = True
    leaves_on: date | None = None
    version: int


class Directory(Reply):
    people: list[DirectoryPerson]


class Workload(Reply):
    """Open tasks of one person."""

    open: int = 0
    locked: int = 0
    late: int = 0
    retests: int = 0


class Staff(Reply):
    people: list[DirectoryPerson]
    workloads: dict[str, Workload]
    """By person; empty for who may not read other people's weeks."""


@routes.get("/directory", dependencies=[allow_anonymous()])
async def search_directory(
    request: Request, tx: Tx, q: Annotated[str, Query(min_length=1, max_length=80)]
) -> Directory:
    """Colleagues whose number, name, title or department holds these words, best first."""
    await require_colleague(request)
    return Directory(people=[_person(row) for row in await store.search(tx, q.strip(), 20)])


@routes.get("/api/people", dependencies=[allow_anonymous()])
async def list_people(request: Request, tx: Tx, gone: bool = False) -> Staff:
    """All colleagues by department, with their open work for those who lead; who has gone, for those who administer."""
    session = await require_colleague(request)
    if gone and not _administers(session):
        raise Forbidden()
    leads = bool(roles_named(session.roles) & _SEES_WORKLOADS)
    workloads = await board_store.workloads(tx.raw, tx.now) if leads else {}
    return Staff(
        people=[_person(row) for row in await store.colleagues(tx, gone=gone)],
        workloads={
            person: Workload(**{name: row[name] for name in Workload.model_fields}) for person, row in workloads.items()
        },
    )


@routes.get("/directory/{person}", dependencies=[allow_anonymous()])
async def read_directory_person(person: str, request: Request, tx: Tx) -> DirectoryPerson:
    session = await require_colleague(request)
    row = await store.find_colleague(tx, person, gone=_administers(session))
    if row is None:
        raise NotFound()
    return _person(row)


@routes.post("/directory/{person}/sign-out", status_code=204, dependencies=[allow_anonymous()])
async def end_sessions(person: str, request: Request, tx: Tx) -> None:
    """End every session of somebody: a lost telephone, a colleague who leaves. For administrators."""
    session = await require_colleague(request)
    if Role.ADMINISTRATOR not in roles_named(session.roles):
        raise Forbidden()
    if await store.find_colleague(tx, person) is None:
        raise NotFound()
    await resources_of(request).sessions.end_all(person)


def _administers(session: Session) -> bool:
    return bool(roles_named(session.roles) & {Role.ADMINISTRATOR, Role.HR})


def _person(row: Any) -> DirectoryPerson:
    return DirectoryPerson(**{name: row[name] for name in DirectoryPerson.model_fields})
