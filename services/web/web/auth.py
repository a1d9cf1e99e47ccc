"""Routes of signing in and out: the demo personas in development, and who one is."""

from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from bihuan_chassis.http import Body, NotFound, Reply, Tx, allow_anonymous, invalid, router
from bihuan_contracts import Key
from web import store
from web.resources import resources_of
from web.sessions import Session

routes = router(tags=["auth"])

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


class SignedOut(Reply):
    next: str
    """Where the browser goes now."""


@routes.get("/auth/personas", dependencies=[allow_anonymous()])
async def list_personas(request: Request, tx: Tx) -> Personas:
    """The demo personas; only in development."""
    _require_development(request)
    rows = {row["person"]: row for row in reversed(await store.personas(tx, _PERSONA_ROLES))}
    return Personas(personas=[_persona(row) for row in reversed(rows.values())])


@routes.post("/auth/sign-in", dependencies=[allow_anonymous()])
async def sign_in(body: SignInBody, request: Request, response: Response, tx: Tx) -> Me:
    """As one of the demo company's people; only in development."""
    _require_development(request)
    row = await store.find_person(tx.raw, body.person)
    if row is None:
        raise invalid("person", "unknown", "没有这个人", "There is no such person")
    session = Session.of(row)
    await resources_of(request).sessions.open(request, response, session)
    return _me(session)


@routes.post("/auth/sign-out", dependencies=[allow_anonymous()])
async def sign_out(request: Request, response: Response) -> SignedOut:
    """End the session here; `next` leads on to the identity provider's own sign-out where it has a session."""
    further = await resources_of(request).sessions.end(request, response)
    return SignedOut(next="/auth/oidc/end" if further else "/sign-in")


@routes.get("/auth/me", dependencies=[allow_anonymous()])
async def read_me(request: Request) -> Me:
    return _me(await resources_of(request).sessions.find(request))


@routes.get("/.well-known/jwks.json", dependencies=[allow_anonymous()], include_in_schema=False)
async def read_keys(request: Request) -> JSONResponse:
    """The public key that the services check access tokens with."""
    keys: dict[str, Any] = resources_of(request).sessions.minter.jwks()
    return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})


def _require_development(request: Request) -> None:
    if resources_of(request).settings.environment != "development":
        raise NotFound()


def _persona(row: Any) -> Persona:
    return Persona(**{name: row[name] for name in Persona.model_fields})


def _me(session: Session) -> Me:
    return Me(
        person=session.person, name=session.name, roles=list(session.roles), title=session.title,
        department=session.department, supplier=session.supplier,
    )  # fmt: skip
