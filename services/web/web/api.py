"""Routes of web: sign-in, the directory, live updates, forwarding, and the application itself."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from bihuan_chassis.auth import EVERYONE, Role, roles_named
from bihuan_chassis.http import Body, Forbidden, NotFound, Reply, Tx, allow_anonymous, invalid, router
from bihuan_contracts import Key
from web import store
from web.resources import Resources
from web.sessions import Session

routes = router(tags=["web"])
pages = router(include_in_schema=False)

_PERSONA_ROLES = (
    "employee", "test_engineer", "project_lead", "manager", "process_owner", "hr", "director", "auditor",
    "integrator", "administrator", "supplier",
)  # fmt: skip


class Persona(Reply):
    """Somebody of the demo company, to sign in as."""

    person: str
    name: str
    name_latin: str | None
    title: str | None
    department_name: str | None
    role: str


class Personas(Reply):
    personas: list[Persona]


class SignInBody(Body):
    person: Key


class Me(Reply):
    person: str
    name: str
    roles: list[str]
    title: str | None
    department: str | None
    supplier: str | None


class DirectoryPerson(Reply):
    person: str
    name: str
    name_latin: str | None
    title: str | None
    department_name: str | None
    manager: str | None


class Directory(Reply):
    people: list[DirectoryPerson]


def _resources(request: Request) -> Resources:
    found = request.app.state.surroundings.resources
    assert isinstance(found, Resources)
    return found


@routes.get("/auth/personas", dependencies=[allow_anonymous()])
async def list_personas(request: Request, tx: Tx) -> Personas:
    """The demo personas; only in development."""
    _require_development(request)
    rows = await store.personas(tx, _PERSONA_ROLES, 2)
    seen: set[str] = set()
    unique = [row for row in rows if not (row["person"] in seen or seen.add(row["person"]))]  # type: ignore[func-returns-value]
    return Personas(personas=[_persona(row) for row in unique])


@routes.post("/auth/sign-in", dependencies=[allow_anonymous()])
async def sign_in(body: SignInBody, request: Request, response: Response, tx: Tx) -> Me:
    _require_development(request)
    row = await store.find_person(tx, body.person)
    if row is None:
        raise invalid("person", "unknown", "没有这个人", "There is no such person")
    session = Session(
        row["person"], row["name"], tuple(row["roles"]), row["supplier"], row["title"], row["department_name"]
    )
    await _resources(request).sessions.open(response, session)
    return _me(session)


@routes.post("/auth/sign-out", status_code=204, dependencies=[allow_anonymous()])
async def sign_out(request: Request, response: Response) -> None:
    await _resources(request).sessions.end(request, response)


@routes.get("/auth/me", dependencies=[allow_anonymous()])
async def read_me(request: Request) -> Me:
    return _me(await _resources(request).sessions.find(request))


@routes.get("/directory", dependencies=[allow_anonymous()])
async def search_directory(
    request: Request, tx: Tx, q: Annotated[str, Query(min_length=1, max_length=80)]
) -> Directory:
    session = await _resources(request).sessions.find(request)
    if not roles_named(session.roles) & EVERYONE:
        raise Forbidden()
    rows = await store.search(tx, q, 20)
    return Directory(
        people=[DirectoryPerson(**{name: row[name] for name in DirectoryPerson.model_fields}) for row in rows]
    )


@routes.get("/.well-known/jwks.json", dependencies=[allow_anonymous()], include_in_schema=False)
async def read_keys(request: Request) -> JSONResponse:
    keys: dict[str, Any] = _resources(request).sessions.minter.jwks()
    return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})


@routes.get("/live", dependencies=[allow_anonymous()], include_in_schema=False)
async def live(request: Request) -> StreamingResponse:
    """Server-sent events: what open pages should look at again."""
    resources = _resources(request)
    session = await resources.sessions.find(request)
    inside = bool(roles_named(session.roles) - {Role.SUPPLIER})
    stream = resources.fanout.stream(session.person, inside=inside, after=request.headers.get("last-event-id"))
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


@pages.api_route(
    "/api/{service}/{path:path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    dependencies=[allow_anonymous()],
)
async def forward(service: str, path: str, request: Request) -> StreamingResponse:
    resources = _resources(request)
    session = await resources.sessions.find(request)
    return await resources.forwarder.forward(service, path, request, resources.sessions.token(session))


@pages.get("/{path:path}", dependencies=[allow_anonymous()])
async def read_page(path: str, request: Request) -> Response:
    return _resources(request).pages.answer(path, request)


def _require_development(request: Request) -> None:
    settings = request.app.state.surroundings.settings
    if settings.environment != "development":
        raise NotFound()


def _persona(row: Any) -> Persona:
    return Persona(**{name: row[name] for name in Persona.model_fields})


def _me(session: Session) -> Me:
    return Me(
        person=session.person, name=session.name, roles=list(session.roles), title=session.title,
        department=session.department, supplier=session.supplier,
    )  # fmt: skip
