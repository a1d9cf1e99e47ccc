"""Routes of signing in with the company's own identity provider: OpenID Connect, code flow with PKCE (W4)."""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bihuan_chassis.http import NotFound, Tx, Unauthenticated, Unavailable, allow_anonymous, router
from bihuan_contracts import Text
from web import store
from web.resources import Resources, resources_of
from web.sessions import Session
from web.settings import Settings

routes = router(tags=["auth"])

_PREFIX = "bihuan:oidc:"
_TEN_MINUTES = 600
_ALGORITHMS = ["RS256", "ES256", "Ed25519", "PS256"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Provider:
    """What its discovery document says."""

    authorize: str
    token: str
    keys: str


@routes.get("/auth/oidc/start", dependencies=[allow_anonymous()], include_in_schema=False)
async def start(request: Request, next: str = "/") -> Response:
    """To the provider, with a state that only this browser can bring back."""
    resources, settings = _configured(request)
    provider = await _discover(resources, settings)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    kept = json.dumps({"nonce": nonce, "verifier": verifier, "next": _inner(next)})
    await resources.redis.set(_PREFIX + state, kept, ex=_TEN_MINUTES)
    asked = {
        "response_type": "code", "client_id": settings.oidc_client_id, "redirect_uri": _callback(settings),
        "scope": "openid profile", "state": state, "nonce": nonce, "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }  # fmt: skip
    response = RedirectResponse(f"{provider.authorize}?{urlencode(asked)}", 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        _cookie(settings), state, max_age=_TEN_MINUTES, httponly=True, samesite="lax", secure=settings.secure, path="/"
    )
    return response


@routes.get("/auth/oidc/callback", dependencies=[allow_anonymous()], include_in_schema=False)
async def callback(request: Request, tx: Tx, code: str = "", state: str = "") -> Response:
    """Back from the provider: the person is found in our directory, and the directory says what they may do."""
    resources, settings = _configured(request)
    # The state works once, and only in the browser that set out with it.
    stored = await resources.redis.getdel(_PREFIX + state) if state else None
    carried = request.cookies.get(_cookie(settings), "")
    if stored is None or not secrets.compare_digest(carried.encode(), state.encode()):
        raise Unauthenticated("bad_state")
    kept = json.loads(stored)
    claims = await _claims(resources, settings, code, kept)
    row = await store.find_person(tx.raw, str(claims.get(settings.oidc_person_claim, "")))
    if row is None:
        words = Text(zh="你还不在人员名录里，请联系管理员", en="You are not in the directory yet; ask an administrator")
        raise Unauthenticated("not_in_directory", words)
    response = RedirectResponse(kept["next"], 303, headers={"Cache-Control": "no-store"})
    response.delete_cookie(_cookie(settings), path="/", secure=settings.secure, httponly=True, samesite="lax")
    await resources.sessions.open(request, response, Session.of(row))
    return response


def _configured(request: Request) -> tuple[Resources, Settings]:
    resources = resources_of(request)
    if resources.settings.oidc_issuer is None:
        raise NotFound()
    return resources, resources.settings


async def _discover(resources: Resources, settings: Settings) -> Provider:
    issuer = str(settings.oidc_issuer).rstrip("/")
    found = await _json(resources.client, "GET", f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise Unavailable("provider_wrong")
    return Provider(found["authorization_endpoint"], found["token_endpoint"], found["jwks_uri"])


async def _claims(resources: Resources, settings: Settings, code: str, kept: dict[str, Any]) -> dict[str, Any]:
    """Exchange the code and check the ID token: signature, issuer, audience, time and nonce."""
    provider = await _discover(resources, settings)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": _callback(settings),
        "client_id": settings.oidc_client_id, "code_verifier": kept["verifier"],
    }  # fmt: skip
    if settings.oidc_client_secret is not None:
        form["client_secret"] = settings.oidc_client_secret.get_secret_value()
    answered = await _json(resources.client, "POST", provider.token, data=form)
    keys = KeySet.import_key_set(await _json(resources.client, "GET", provider.keys))  # type: ignore[arg-type]
    try:
        token = jwt.decode(str(answered.get("id_token")), keys, algorithms=_ALGORITHMS)
        jwt.JWTClaimsRegistry(
            now=int(time.time()),
            leeway=30,
            iss={"essential": True, "value": str(settings.oidc_issuer)},
            aud={"essential": True, "value": settings.oidc_client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": kept["nonce"]},
        ).validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("oidc.refused", error=type(error).__name__)
        raise Unauthenticated("bad_id_token") from error
    return dict(token.claims)


async def _json(client: httpx.AsyncClient, method: str, address: str, **options: Any) -> dict[str, Any]:
    try:
        response = await client.request(method, address, headers={"Accept": "application/json"}, **options)
        found = response.json() if response.is_success else None
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable("provider_away", headers={"Retry-After": "5"}) from error
    if response.is_server_error:
        raise Unavailable("provider_away", headers={"Retry-After": "5"})
    if not isinstance(found, dict):
        raise Unauthenticated("provider_refused")
    return found


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _callback(settings: Settings) -> str:
    return settings.public_url.rstrip("/") + "/auth/oidc/callback"


def _cookie(settings: Settings) -> str:
    return "__Host-bihuan-oidc" if settings.secure else "bihuan-oidc"


def _inner(path: str) -> str:
    """A path of our own; anything else would send people to where somebody else wants them."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if own else "/"
