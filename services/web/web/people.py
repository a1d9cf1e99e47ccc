"""Routes of the people's administration: who is here, in which role, reporting to whom, until when (W4)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from bihuan_chassis.auth import Role, roles_named
from bihuan_chassis.http import (
    Body,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Reply,
    Tx,
    allow_anonymous,
    invalid,
    router,
)
from bihuan_chassis.live import Live
from bihuan_contracts import Key, Text
from web import people_store, store
from web.person import Company, Record, differences, wrong
from web.resources import require_colleague, resources_of
from web.sessions import Session

routes = router(tags=["people"])
_EDITORS = {Role.ADMINISTRATOR, Role.HR}

Label = Annotated[str, Field(min_length=1, max_length=80)]


class PersonFields(Body):
    """What is entered here; a field that is not sent stays as HR has it."""

    name: Label | None = None
    name_latin: Annotated[str | None, Field(max_length=120)] = None
    department_name: Label | None = None
    title: Annotated[str | None, Field(max_length=80)] = None
    manager: Key | None = None
    email: Annotated[str | None, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] = None
    roles: tuple[Role, ...] = (Role.EMPLOYEE,)
    modules: Annotated[tuple[Key, ...], Field(max_length=50)] = ()
    """Modules the person answers for."""
    leaves_on: date | None = None
    """The last working day."""
    active: bool = True


class NewPerson(Body):
    person: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """The employee number."""
    own: PersonFields


class PersonEdit(Body):
    version: int
    """The version that the caller saw."""
    own: PersonFields


class PersonValues(Reply):
    name: str | None
    name_latin: str | None
    department_name: str | None
    title: str | None
    manager: str | None
    manager_name: str | None
    email: str | None
    roles: list[str]
    modules: list[str]
    leaves_on: date | None
    active: bool


class PersonDifference(Reply):
    field: str
    old: str | list[str] | bool | None
    new: str | list[str] | bool | None


class PersonEditReply(Reply):
    at: datetime
    by: str
    by_name: str
    changes: list[PersonDifference]


class PersonRecord(Reply):
    """A person for those who administer people."""

    person: str
    version: int
    from_hr: bool
    waits_for_hr: bool
    """Known to HR, but HR's fields have not come again since they are kept: not to be edited yet."""
    values: PersonValues
    hr: PersonValues | None
    own: list[str]
    """Fields entered here over HR's."""
    may_give_roles: bool
    edits: list[PersonEditReply]


@routes.get("/api/people/{person}/record", dependencies=[allow_anonymous()])
async def read_record(person: str, request: Request, tx: Tx) -> PersonRecord:
    session = await _require_editor(request)
    return await _reply(tx, await _open(tx, person), session)


@routes.post("/api/people", status_code=201, dependencies=[allow_anonymous()])
async def add_person(body: NewPerson, request: Request, tx: Tx) -> PersonRecord:
    """Somebody whom HR does not know yet; when HR sends the same number later, only what differs stays an own entry."""
    session = await _require_editor(request)
    if await people_store.load(tx, [body.person]):
        raise invalid("person", "duplicate", f"工号 {body.person} 已经有人", f"The number {body.person} is taken")
    before = Record(body.person)
    return await _save(tx, request, session, before, before.edited(await _own(tx, body.own)))


@routes.put("/api/people/{person}", dependencies=[allow_anonymous()])
async def edit_person(person: str, body: PersonEdit, request: Request, tx: Tx) -> PersonRecord:
    """The own entries in full: a field left out goes back to what HR says."""
    session = await _require_editor(request)
    before = await _open(tx, person)
    if before.waits_for_hr:
        words = Text(zh="等待人事系统重发这个人的资料后才能修改", en="Can be edited once HR has sent this person again")
        raise Conflict("waits_for_hr", words)
    if body.version != before.version:
        raise Conflict("stale", current=(await _reply(tx, before, session)).model_dump(mode="json"))
    return await _save(tx, request, session, before, before.edited(await _own(tx, body.own)))


async def _require_editor(request: Request) -> Session:
    session = await require_colleague(request)
    if not roles_named(session.roles) & _EDITORS:
        raise Forbidden()
    return session


async def _open(tx: Tx, person: str) -> Record:
    found = (await people_store.load(tx, [person])).get(person)
    if found is None or (found.hr is not None and found.hr.supplier is not None):
        raise NotFound()
    return found


async def _own(tx: Tx, given: PersonFields) -> dict[str, Any]:
    own = given.model_dump(exclude_unset=True)
    if "roles" in own:
        own["roles"] = tuple(sorted({Role.EMPLOYEE, *own["roles"]}))
    if "department_name" in own:
        name = own["department_name"]
        own["department"] = await people_store.department_code(tx, name) if name else None
    return own


async def _save(tx: Tx, request: Request, session: Session, before: Record, after: Record) -> PersonRecord:
    company = Company(await people_store.managers(tx), await people_store.other_administrators(tx, after.person))
    gives_roles = Role.ADMINISTRATOR in roles_named(session.roles)
    if errors := wrong(before, after, company, by=session.person, may_give_roles=gives_roles):
        raise Invalid(errors=[replace(one, field=f"own.{one.field}") for one in errors])
    changes = differences(before, after)
    if not changes and after.own == before.own:
        return await _reply(tx, before, session)
    (listed,) = await people_store.save(tx, [after])
    await people_store.save_edit(tx, after.person, session.person, session.name, changes)
    tx.live(Live("person", after.person))
    if not listed.active:
        tx.after_commit(lambda: resources_of(request).sessions.end_all(after.person))
    return await _reply(tx, after, session)


async def _reply(tx: Tx, record: Record, session: Session) -> PersonRecord:
    names = await store.names(tx, [record.values()["manager"], record.upstream()["manager"]])
    return PersonRecord(
        person=record.person, version=record.version, from_hr=record.hr is not None, waits_for_hr=record.waits_for_hr,
        values=_values(record.values(), names),
        hr=_values(record.upstream(), names) if record.hr is not None else None,
        own=sorted(set(record.own) - {"department"}) if record.hr is not None else [],
        may_give_roles=Role.ADMINISTRATOR in roles_named(session.roles),
        edits=[PersonEditReply(**dict(row)) for row in await people_store.edits_of(tx, record.person)],
    )  # fmt: skip


def _values(values: Mapping[str, Any], names: Mapping[str, str]) -> PersonValues:
    shown = {name: values[name] for name in PersonValues.model_fields if name != "manager_name"}
    return PersonValues(**shown, manager_name=names.get(values["manager"] or ""))
