"""Who is calling: access tokens are checked here, in the service that owns the data (W4; ASVS V9, V10)."""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import JWSRegistry

from bihuan_chassis.problems import Unauthenticated

ALGORITHMS = ["Ed25519", "RS256", "ES256"]
"""Signatures only: `none` and shared secrets are never accepted."""
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068, keeps ID tokens from being used as access tokens
_LEEWAY = 30
_LONGEST = 8_000
_REFETCH_SECONDS = 30.0
_FORBIDDEN_HEADERS = {"jku", "jwk", "x5u", "x5c", "crit", "b64"}

log = structlog.get_logger()


class Role(StrEnum):
    EMPLOYEE = "employee"
    PROJECT_LEAD = "project_lead"
    MANAGER = "manager"
    PROCESS_OWNER = "process_owner"
    TEST_ENGINEER = "test_engineer"
    HR = "hr"
    DIRECTOR = "director"
    AUDITOR = "auditor"
    SUPPLIER = "supplier"
    INTEGRATOR = "integrator"
    ADMINISTRATOR = "administrator"


ANYBODY_SIGNED_IN = frozenset(Role)
EVERYONE = frozenset(Role) - {Role.SUPPLIER}
"""Everybody inside: suppliers see only what names them."""


@dataclass(frozen=True, slots=True)
class Person:
    """The caller: `id` is the employee number."""

    id: str
    name: str
    roles: frozenset[Role]
    supplier: str | None = None

    def has(self, *roles: Role) -> bool:
        return bool(self.roles & set(roles))


class Keys:
    """The signing keys, from a file or an address; kept when the address is away, fetched anew for an unknown id."""

    def __init__(self, source: str | None) -> None:
        self._source = source
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def for_token(self, key_id: str | None) -> KeySet:
        if self._keys is None or (key_id is not None and not self._knows(key_id)):
            await self._refresh()
        if self._keys is None:
            raise Unauthenticated("no_keys")
        return self._keys

    def _knows(self, key_id: str) -> bool:
        return self._keys is not None and any(key.kid == key_id for key in self._keys.keys)

    async def _refresh(self) -> None:
        # Unknown key ids come from outside: they must not make us fetch at will.
        async with self._lock:
            if time.monotonic() - self._fetched_at < _REFETCH_SECONDS or self._source is None:
                return
            self._fetched_at = time.monotonic()
            try:
                self._keys = KeySet.import_key_set(await _read(self._source))
            except (httpx.HTTPError, OSError, ValueError, JoseError) as error:
                log.warning("keys.unreadable", error=type(error).__name__)
                if self._keys is None:
                    self._fetched_at = float("-inf")


async def _read(source: str) -> Any:
    if source.startswith(("http://", "https://")):
        async with httpx.AsyncClient(timeout=5, follow_redirects=False) as client:
            response = await client.get(source)
            response.raise_for_status()
            return response.json()
    return json.loads(await asyncio.to_thread(Path(source).read_text, encoding="utf-8"))


class Authenticator:
    """Turns a bearer token into a Person, or raises Unauthenticated."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str) -> None:
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def person(self, authorization: str | None) -> Person:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _LONGEST:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        try:
            header = _header(token)
            keys = await self._keys.for_token(header.get("kid"))
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS, registry=_REGISTRY)
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError, TypeError, KeyError, UnicodeDecodeError) as error:
            raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from error
        return _person(decoded.claims)


_REGISTRY = JWSRegistry(algorithms=ALGORITHMS)


def _header(token: str) -> dict[str, Any]:
    from joserfc.util import urlsafe_b64decode  # noqa: PLC0415

    header: Any = json.loads(urlsafe_b64decode(token.split(".", 1)[0].encode()))
    if not isinstance(header, dict) or _FORBIDDEN_HEADERS & set(header):
        raise ValueError("header names a key of its own")
    if str(header.get("typ", "")).lower() != TOKEN_TYPE:
        raise ValueError("not an access token")
    if not isinstance(header.get("kid"), str):
        raise ValueError("no key id")
    return header


def _person(claims: Mapping[str, Any]) -> Person:
    known = {role.value for role in Role}
    roles = frozenset(Role(role) for role in claims.get("roles", ()) if role in known)
    supplier = claims.get("supplier")
    if Role.SUPPLIER in roles and not supplier:
        raise Unauthenticated("supplier_unknown")
    return Person(str(claims["sub"]), str(claims.get("name", "")), roles, str(supplier) if supplier else None)


class TokenMinter:
    """Signs short-lived access tokens with an Ed25519 key: `web` does so for its sessions."""

    def __init__(self, private_key: str, *, issuer: str = "bihuan-web", audience: str = "bihuan") -> None:
        self._key = OKPKey.import_key(json.loads(private_key))
        self._issuer, self._audience = issuer, audience

    @staticmethod
    def new_key() -> str:
        """A fresh private key as JSON text (JWK)."""
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
        return json.dumps(key.as_dict(private=True))

    def mint(self, person: Person, *, seconds: int = 300, now: float | None = None) -> str:
        at = int(time.time() if now is None else now)
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": person.id,
            "name": person.name,
            "roles": sorted(person.roles),
            "iat": at,
            "nbf": at,
            "exp": at + seconds,
        }
        if person.supplier:
            claims["supplier"] = person.supplier
        header = {"alg": "Ed25519", "typ": TOKEN_TYPE, "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=ALGORITHMS)

    def jwks(self) -> dict[str, Any]:
        """The public half, for the services."""
        return {"keys": [self._key.as_dict(private=False)]}


def roles_named(names: Iterable[str]) -> frozenset[Role]:
    """Roles by name; names that are no roles are passed over."""
    known = {role.value for role in Role}
    return frozenset(Role(name) for name in names if name in known)
