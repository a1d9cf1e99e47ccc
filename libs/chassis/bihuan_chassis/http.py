"""HTTP as every service speaks it: one transaction a request, a policy on every route, problems in two languages."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as DependsMarker
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from redis.exceptions import RedisError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bihuan_chassis import metrics, problems, tracing
from bihuan_chassis.auth import ANYBODY_SIGNED_IN, EVERYONE, Authenticator, Person, Role
from bihuan_chassis.database import Connection, connected, is_conflict, is_outage
from bihuan_chassis.problems import (
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    TooLarge,
    TooMany,
    TwoLanguageError,
    Unauthenticated,
    Unavailable,
    invalid,
    language_of,
)
from bihuan_chassis.transaction import Surroundings, Transaction, transaction
from bihuan_contracts import Text

__all__ = [
    "ANYBODY_SIGNED_IN",
    "EVERYONE",
    "Body",
    "Caller",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Invalid",
    "Language",
    "NotFound",
    "Problem",
    "Reply",
    "Role",
    "TooLarge",
    "TooMany",
    "TwoLanguageError",
    "Tx",
    "Unauthenticated",
    "Unavailable",
    "allow",
    "allow_anonymous",
    "invalid",
    "reading",
    "router",
]

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_CONFLICT_TRIES = 3
_KEY_LENGTH = 200
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]

log = structlog.get_logger()


class Body(BaseModel):
    """Base of request bodies: a field that nobody knows is an error of the sender."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, str_strip_whitespace=True)


class Reply(BaseModel):
    """Base of responses."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, from_attributes=True)


class _Policy:
    """Who may call a route; found on the route by the chassis and by the tests."""

    def __init__(self, roles: frozenset[Role] | None) -> None:
        self.roles = roles

    async def __call__(self) -> None:
        """Checked before the transaction opens, see `_Route`."""


def allow(*roles: Role | Iterable[Role]) -> Any:
    """The roles that may call this route: `allow(EVERYONE)`, `allow(Role.MANAGER, Role.DIRECTOR)`."""
    named: set[Role] = set()
    for role in roles:
        named |= {role} if isinstance(role, Role) else set(role)
    return Depends(_Policy(frozenset(named)))


def allow_anonymous() -> Any:
    """A route that checks by other means, such as a signature."""
    return Depends(_Policy(None))


def policy_of(route: APIRoute) -> frozenset[Role] | None:
    """The roles of a route, None for anonymous; raises when it has no policy, which stops the service from starting."""
    for dependency in route.dependencies:
        if isinstance(dependency, DependsMarker) and isinstance(dependency.dependency, _Policy):
            return dependency.dependency.roles
    raise RuntimeError(f"{sorted(route.methods or ())} {route.path} says nowhere who may call it: add allow(…)")


async def _get_transaction(request: Request) -> Transaction:
    tx: Transaction = request.state.transaction
    return tx


async def _get_caller(request: Request) -> Person:
    person: Person = request.state.person
    return person


Tx = Annotated[Transaction, Depends(_get_transaction)]
"""The request's transaction. Committed before the answer is sent, rolled back on any error."""

Caller = Annotated[Person, Depends(_get_caller)]

Language = Annotated[str, Depends(language_of)]
"""zh or en, as the reader's browser asks."""


def _wants_transaction(dependant: Dependant) -> bool:
    return dependant.call is _get_transaction or any(_wants_transaction(part) for part in dependant.dependencies)


class _Route(APIRoute):
    """Checks the caller, then runs the endpoint inside one transaction."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = super().get_route_handler()
        roles = policy_of(self)
        wants_transaction = _wants_transaction(self.dependant)

        async def handle(request: Request) -> Response:
            request.state.person = None
            if roles is not None:
                person = await request.app.state.authenticator.person(request.headers.get("authorization"))
                if not person.roles & roles:
                    log.warning("access.denied", route=self.path, roles=sorted(person.roles))
                    raise Forbidden()
                request.state.person = person
            if not wants_transaction:
                return await endpoint(request)
            await request.body()  # a slow sender must not hold a database connection
            return await _in_transaction(request, endpoint)

        return handle


@asynccontextmanager
async def reading(request: Request) -> AsyncIterator[Connection]:
    """A connection without a transaction, for a route that seldom needs one; raises Unavailable while there is none."""
    connection: Connection | None = None
    try:
        async with connected(request.app.state.engine) as connection:
            yield connection
    except PoolTimeoutError:
        raise Unavailable("busy", headers={"Retry-After": "1"}) from None
    except Exception as error:
        if is_outage(error, connection):
            raise Unavailable("database_away", headers={"Retry-After": "2"}) from error
        raise


async def _in_transaction(request: Request, endpoint: Callable[[Request], Awaitable[Response]]) -> Response:
    tries = 0
    while True:
        connection: Connection | None = None
        try:
            async with connected(request.app.state.engine) as connection:
                return await _once(request, endpoint, connection)
        except (Problem, RequestValidationError, HTTPException):
            raise
        except PoolTimeoutError:
            raise Unavailable("busy", headers={"Retry-After": "1"}) from None
        except Exception as error:
            tries += 1
            if is_outage(error, connection):
                raise Unavailable("database_away", headers={"Retry-After": "2"}) from error
            if not is_conflict(error):
                raise
            if tries == _CONFLICT_TRIES:
                raise Conflict("busy") from error
            await asyncio.sleep(0.02 * tries)


async def _once(
    request: Request, endpoint: Callable[[Request], Awaitable[Response]], connection: Connection
) -> Response:
    surroundings: Surroundings = request.app.state.surroundings
    person: Person | None = request.state.person
    key = request.headers.get("idempotency-key") if request.method in _UNSAFE else None
    async with transaction(connection, surroundings, actor=person.id if person else None) as tx:
        request.state.transaction = tx
        if key is None:
            return await endpoint(request)
        return await _idempotent(request, endpoint, tx, key)


async def _idempotent(
    request: Request, endpoint: Callable[[Request], Awaitable[Response]], tx: Transaction, key: str
) -> Response:
    """The first request with a key has the effect; the others wait for it and get the same answer, for a day."""
    if not 0 < len(key) <= _KEY_LENGTH:
        raise invalid("Idempotency-Key", "length", "长度应为 1 到 200", "Should have 1 to 200 characters")
    caller = tx.actor or "anonymous"
    target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    digest = hashlib.sha256(target + await request.body()).digest()
    # A second request blocks here until the first one has committed or rolled back.
    claimed = await tx.raw.fetchval(
        "insert into idempotency_keys (caller, key, request_hash, status, body) values ($1, $2, $3, 0, '')"
        " on conflict do nothing returning true",
        caller, key, digest,
    )  # fmt: skip
    if not claimed:
        stored = await tx.raw.fetchrow(
            "select request_hash, status, media_type, body from idempotency_keys where caller = $1 and key = $2",
            caller, key,
        )  # fmt: skip
        if stored is None or stored["request_hash"] != digest:
            raise Invalid(
                "key_reused",
                Text(zh="这个 Idempotency-Key 已用于另一个请求", en="This Idempotency-Key belongs to another request"),
            )
        return Response(stored["body"], stored["status"], media_type=stored["media_type"])
    response = await endpoint(request)
    await tx.raw.execute(
        "update idempotency_keys set status = $3, media_type = $4, body = $5 where caller = $1 and key = $2",
        caller, key, response.status_code, response.media_type or response.headers.get("content-type"), response.body,
    )  # fmt: skip
    return response


def router(**options: Any) -> APIRouter:
    """A router whose routes each need a policy and run in a transaction when they ask for `Tx`."""
    return APIRouter(route_class=_Route, **options)


class Frame:
    """Around every request: its span, size limit, security headers, metrics, and one log line for what failed."""

    def __init__(self, app: ASGIApp, *, service: str, limit: int) -> None:
        self._app = app
        self._service = service
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
        parent = given.decode("latin-1") if given else None
        with tracing.span(self._service, scope["method"], parent, kind=tracing.SpanKind.SERVER) as span:
            await self._framed(scope, receive, send, span)

    async def _framed(self, scope: Scope, receive: Receive, send: Send, span: tracing.Span) -> None:
        started, status, answering, taken = time.perf_counter(), 500, False, 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise TooLarge(limit=self._limit)
            return message

        async def framed(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS if pair[0] not in present)]
                if b"cache-control" not in present:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        declared = dict(scope["headers"]).get(b"content-length", b"0")
        try:
            if declared.isdigit() and int(declared) > self._limit:
                response = problems.answer(Request(scope), TooLarge(limit=self._limit))
                await response(scope, receive, framed)
                return
            await self._app(scope, limited, framed)
        except Exception as error:
            log.error("request.failed", path=scope["path"], error=type(error).__name__, exc_info=error)
            if answering:
                raise  # the connection breaks: the reader must not take a part for the whole
            await problems.answer(Request(scope), Problem())(scope, receive, framed)
        finally:
            route = scope.get("route")
            template = getattr(route, "path", "unmatched")
            _describe(span, scope["method"], template, status)
            metrics.HTTP_REQUESTS.labels(self._service, scope["method"], template, str(status)).inc()
            metrics.HTTP_SECONDS.labels(self._service, scope["method"], template).observe(time.perf_counter() - started)


def install(
    app: FastAPI,
    *,
    service: str,
    engine: AsyncEngine | None,
    authenticator: Authenticator | None,
    surroundings: Surroundings,
    limit: int,
) -> None:
    """Give an application its error answers, its frame and what its routes work with."""
    app.state.engine = engine
    app.state.authenticator = authenticator
    app.state.surroundings = surroundings
    app.add_middleware(Frame, service=service, limit=limit)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RedisError, _on_redis)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problems.answer(request, error)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problems.answer(request, problems.of_validation(error))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problems.answer(request, problems.of_http(error))


async def _on_redis(request: Request, _: Exception) -> Response:
    return problems.answer(request, Unavailable("sessions_away", headers={"Retry-After": "2"}))


def _describe(span: tracing.Span, method: str, template: str, status: int) -> None:
    """The route, never its path or query: those may hold what a person has typed."""
    if span.is_recording():
        span.update_name(f"{method} {template}")
        span.set_attributes(
            {"http.request.method": method, "http.route": template, "http.response.status_code": status}
        )
        if status >= 500:
            span.set_status(tracing.StatusCode.ERROR)
