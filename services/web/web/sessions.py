"""Sessions in Redis behind a cookie that scripts can't read; tokens never reach the browser (W4)."""

import json
import secrets
from dataclasses import asdict, dataclass

from fastapi import Request, Response
from redis.asyncio import Redis

from bihuan_chassis.auth import Person, TokenMinter, roles_named
from bihuan_chassis.http import Unauthenticated
from web.settings import Settings

_PREFIX = "bihuan:session:"


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in."""

    person: str
    name: str
    roles: tuple[str, ...]
    supplier: str | None
    title: str | None
    department: str | None

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

    async def open(self, response: Response, session: Session) -> None:
        """A new id at each sign-in, so that an id planted before is worth nothing."""
        key = secrets.token_urlsafe(32)
        await self._redis.set(_PREFIX + key, json.dumps(asdict(session)), ex=self._settings.session_hours * 3600)
        response.set_cookie(
            self.cookie, key, max_age=self._settings.session_hours * 3600, httponly=True, samesite="lax",
            secure=self._settings.secure, path="/",
        )  # fmt: skip

    async def find(self, request: Request) -> Session:
        """The session of a request; raises Unauthenticated."""
        key = request.cookies.get(self.cookie)
        stored = await self._redis.get(_PREFIX + key) if key else None
        if stored is None:
            raise Unauthenticated()
        values = json.loads(stored)
        return Session(**{**values, "roles": tuple(values["roles"])})

    async def end(self, request: Request, response: Response) -> None:
        key = request.cookies.get(self.cookie)
        if key:
            await self._redis.delete(_PREFIX + key)
        response.delete_cookie(self.cookie, path="/", secure=self._settings.secure, httponly=True, samesite="lax")

    def token(self, session: Session) -> str:
        return self.minter.mint(session.as_person())
