"""Sessions in Redis behind a cookie that scripts can't read; tokens never reach the browser (W4)."""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import asyncpg
import structlog
from fastapi import Request, Response
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from bihuan_chassis.auth import Person, Role, TokenMinter, roles_named
from bihuan_chassis.database import connected
from bihuan_chassis.http import TooMany, Unauthenticated
from web import store
from web.settings import Settings

_PREFIX = "bihuan:session:"
_OF_PERSON = "bihuan:sessions-of:"
_ASKED = "bihuan:asked:"
_ENDED = "bihuan:ended:"
_MINUTE = 60
_CHECKED_FOR = 30.0
_CHECK_SECONDS = 5.0
"""Seconds for which roles are taken as they were: somebody who leaves, or loses a role, is held off within that."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in."""

    person: str
    name: str
    roles: tuple[str, ...]
    supplier: str | None
    title: str | None
    department: str | None
    checked_at: float
    """Seconds since 1970."""
    claimed: tuple[str, ...] | None = None
    """Roles that the identity provider gives; None where the directory gives them."""
    id_token: str | None = None
    """The identity provider's, to end its session with ours."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Session":
        """From a row of the directory."""
        return cls(
            row["person"], row["name"], tuple(row["roles"]), row["supplier"], row["title"], row["department_name"],
            time.time(),
        )  # fmt: skip

    def with_claimed(self, roles: Sequence[str]) -> "Session":
        """With the identity provider's roles in place of the directory's; whoever is inside stays an employee."""
        claimed = tuple(sorted({Role.EMPLOYEE, *roles} - {Role.SUPPLIER}))
        return replace(self, roles=claimed, claimed=claimed)

    @classmethod
    def read(cls, stored: bytes) -> "Session":
        """From Redis."""
        values = json.loads(stored)
        claimed = values.get("claimed")
        lists = {"roles": tuple(values["roles"]), "claimed": None if claimed is None else tuple(claimed)}
        return cls(**{**values, **lists})

    def as_person(self) -> Person:
        return Person(self.person, self.name, roles_named(self.roles), self.supplier)


class Sessions:
    """Opens, finds and ends sessions, and signs access tokens for them."""

    def __init__(self, redis: "Redis", settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self.minter = TokenMinter(
            settings.signing_key.get_secret_value(), issuer=settings.auth_issuer, audience=settings.auth_audience
        )

    @property
    def cookie(self) -> str:
        return "__Host-bihuan" if self._settings.secure else "bihuan"

    async def open(self, request: Request, response: Response, session: Session) -> None:
        """A new id at each sign-in, so that an id planted before is worth nothing; the one before ends."""
        if before := request.cookies.get(self.cookie):
            await self._redis.delete(_PREFIX + before)
        key, seconds = secrets.token_urlsafe(32), self._settings.session_hours * 3600
        pipeline = self._redis.pipeline()
        pipeline.set(_PREFIX + key, json.dumps(asdict(session)), ex=seconds)
        pipeline.sadd(_OF_PERSON + session.person, key)
        pipeline.expire(_OF_PERSON + session.person, seconds)
        await pipeline.execute()
        response.set_cookie(
            self.cookie, key, max_age=seconds, httponly=True, samesite="lax", secure=self._settings.secure, path="/"
        )

    async def find(self, request: Request) -> Session:
        """The session of a request; raises Unauthenticated, or TooMany for one that asks without end."""
        key = request.cookies.get(self.cookie)
        if key is None:
            raise Unauthenticated()
        minute = f"{_ASKED}{key}:{int(time.time()) // _MINUTE}"
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.get(_PREFIX + key)
        pipeline.incr(minute)
        pipeline.expire(minute, _MINUTE)
        stored, asked, _ = await pipeline.execute()
        if stored is None:
            raise Unauthenticated()
        if asked > self._settings.requests_per_minute:
            raise TooMany(headers={"Retry-After": str(_MINUTE - int(time.time()) % _MINUTE)})
        session = Session.read(stored)
        if time.time() - session.checked_at < _CHECKED_FOR:
            return session
        return await self._check(request, key, session)

    async def signed_in(self, request: Request) -> bool:
        """Whether the session of a long-lived request is still open."""
        try:
            await self.find(request)
        except Unauthenticated:
            return False
        return True

    async def _check(self, request: Request, key: str, session: Session) -> Session:
        """Hold a session against the directory as it is now."""
        try:
            async with connected(request.app.state.engine, at_most=_CHECK_SECONDS) as connection:
                row = await store.find_person(connection.raw, session.person)
        except (SQLAlchemyError, asyncpg.PostgresError, OSError, TimeoutError) as error:
            log.warning("session.unchecked", error=type(error).__name__)
            return session
        if row is None:
            await self._redis.delete(_PREFIX + key)
            raise Unauthenticated()
        checked = replace(Session.of(row), id_token=session.id_token)
        if session.claimed is not None and checked.supplier is None:
            checked = checked.with_claimed(session.claimed)
        # Only where it still is: a sign-out meanwhile must not be undone.
        await self._redis.set(_PREFIX + key, json.dumps(asdict(checked)), xx=True, keepttl=True)
        return checked

    async def end(self, request: Request, response: Response) -> bool:
        """Whether the identity provider has a session to end as well."""
        key = request.cookies.get(self.cookie)
        stored = await self._redis.getdel(_PREFIX + key) if key else None  # its person's set forgets it with the next
        id_token = Session.read(stored).id_token if stored else None  # type: ignore[arg-type] # replies come as bytes
        if id_token is not None:
            ticket = secrets.token_urlsafe(32)
            await self._redis.set(_ENDED + ticket, id_token, ex=_MINUTE)
            response.set_cookie(
                self.cookie + "-end", ticket, max_age=_MINUTE, httponly=True, samesite="lax",
                secure=self._settings.secure, path="/",
            )  # fmt: skip
        response.delete_cookie(self.cookie, path="/", secure=self._settings.secure, httponly=True, samesite="lax")
        return id_token is not None

    async def take_ended(self, request: Request) -> str | None:
        """The identity provider's token of the session that this browser has just ended; once."""
        ticket = request.cookies.get(self.cookie + "-end")
        found: Any = await self._redis.getdel(_ENDED + ticket) if ticket else None
        return found.decode() if found else None

    def forget_ended(self, response: Response) -> None:
        response.delete_cookie(
            self.cookie + "-end", path="/", secure=self._settings.secure, httponly=True, samesite="lax"
        )

    async def end_all(self, person: str) -> None:
        """Every session of a person, wherever it was opened."""
        keys: set[bytes] = await self._redis.smembers(_OF_PERSON + person)  # type: ignore[assignment] # replies come as bytes
        await self._redis.delete(_OF_PERSON + person, *(_PREFIX + key.decode() for key in keys))

    def token(self, session: Session) -> str:
        return self.minter.mint(session.as_person())
