"""Routes of signing in with the company's own identity provider: OpenID Connect, code flow with PKCE (W4)."""

import json
import secrets
from dataclasses import asdict, replace

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from bihuan_chassis.http import NotFound, Tx, Unauthenticated, allow_anonymous, router
from bihuan_contracts import Text
from web import store
from web.provider import IdentityProvider, SetOut, roles_claimed
from web.resources import Resources, resources_of
from web.sessions import Session
from web.settings import Settings

routes = router(tags=["auth"])

_PREFIX = "bihuan:oidc:"
_TEN_MINUTES = 600


@routes.get("/auth/oidc/start", dependencies=[allow_anonymous()], include_in_schema=False)
async def start(request: Request, next: str = "/") -> Response:
    """To the provider, with a state that only this browser can bring back."""
    resources, settings, provider = _configured(request)
    asked = SetOut(*(secrets.token_urlsafe(32) for _ in range(3)))
    address = await provider.way_in(asked)
    kept = json.dumps({"asked": asdict(asked), "next": _inner(next)})
    await resources.redis.set(_PREFIX + asked.state, kept, ex=_TEN_MINUTES)
    response = RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        _cookie(settings), asked.state, max_age=_TEN_MINUTES, httponly=True, samesite="lax", secure=settings.secure,
        path="/",
    )  # fmt: skip
    return response


@routes.get("/auth/oidc/callback", dependencies=[allow_anonymous()], include_in_schema=False)
async def callback(request: Request, tx: Tx, code: str = "", state: str = "") -> Response:
    """Back from the provider: who it is stands in our directory, what they may do there or in the claims."""
    resources, settings, provider = _configured(request)
    # The state works once, and only in the browser that set out with it.
    stored = await resources.redis.getdel(_PREFIX + state) if state else None
    carried = request.cookies.get(_cookie(settings), "")
    if stored is None or not secrets.compare_digest(carried.encode(), state.encode()):
        raise Unauthenticated("bad_state")
    kept = json.loads(stored)
    id_token, claims = await provider.exchange(code, SetOut(**kept["asked"]))
    row = await store.find_person(tx.raw, str(claims.get(settings.oidc_person_claim, "")))
    if row is None:
        words = Text(zh="你还不在人员名录里，请联系管理员", en="You are not in the directory yet; ask an administrator")
        raise Unauthenticated("not_in_directory", words)
    session = replace(Session.of(row), id_token=id_token)
    if settings.oidc_roles_claim is not None and session.supplier is None:
        session = session.with_claimed(roles_claimed(claims, settings.oidc_roles_claim, settings.oidc_roles_prefix))
    response = RedirectResponse(kept["next"], 303, headers={"Cache-Control": "no-store"})
    response.delete_cookie(_cookie(settings), path="/", secure=settings.secure, httponly=True, samesite="lax")
    await resources.sessions.open(request, response, session)
    return response


@routes.get("/auth/oidc/end", dependencies=[allow_anonymous()], include_in_schema=False)
async def end(request: Request) -> Response:
    """After signing out here: to the provider, so that its session ends too. The token never passes through a page."""
    resources, _, provider = _configured(request)
    id_token = await resources.sessions.take_ended(request)
    address = await provider.way_out(id_token) if id_token else None
    response = RedirectResponse(address or "/sign-in", 303, headers={"Cache-Control": "no-store"})
    resources.sessions.forget_ended(response)
    return response


def _configured(request: Request) -> tuple[Resources, Settings, IdentityProvider]:
    resources = resources_of(request)
    if resources.settings.oidc_issuer is None:
        raise NotFound()
    return resources, resources.settings, IdentityProvider(resources.settings, resources.client)


def _cookie(settings: Settings) -> str:
    return "__Host-bihuan-oidc" if settings.secure else "bihuan-oidc"


def _inner(path: str) -> str:
    """A path of our own; anything else would send people to where somebody else wants them."""
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if own else "/"
