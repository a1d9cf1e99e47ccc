"""Routes of the directory: finding a colleague by name, number or title."""

from typing import Annotated, Any

from fastapi import Query, Request

from bihuan_chassis.auth import EVERYONE, roles_named
from bihuan_chassis.http import Forbidden, NotFound, Reply, Tx, allow_anonymous, router
from web import store
from web.resources import resources_of

routes = router(tags=["directory"])


class DirectoryPerson(Reply):
    person: str
    name: str
    name_latin: str | None
    title: str | None
    department_name: str | None
    manager: str | None


class Directory(Reply):
    people: list[DirectoryPerson]


@routes.get("/directory", dependencies=[allow_anonymous()])
async def search_directory(
    request: Request, tx: Tx, q: Annotated[str, Query(min_length=1, max_length=80)]
) -> Directory:
    """Colleagues whose number, name, title or department holds these words, best first."""
    await _require_colleague(request)
    return Directory(people=[_person(row) for row in await store.search(tx, q.strip(), 20)])


@routes.get("/directory/{person}", dependencies=[allow_anonymous()])
async def read_directory_person(person: str, request: Request, tx: Tx) -> DirectoryPerson:
    await _require_colleague(request)
    row = await store.find_person(tx.raw, person)
    if row is None or row["supplier"] is not None:
        raise NotFound()
    return _person(row)


async def _require_colleague(request: Request) -> None:
    """Suppliers do not see who works here."""
    session = await resources_of(request).sessions.find(request)
    if not roles_named(session.roles) & EVERYONE:
        raise Forbidden()


def _person(row: Any) -> DirectoryPerson:
    return DirectoryPerson(**{name: row[name] for name in DirectoryPerson.model_fields})
