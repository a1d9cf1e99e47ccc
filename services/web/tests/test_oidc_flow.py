"""W4: signing in with the company's own identity provider."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from given_web import MARKED, PEOPLE, served
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from web.app import app
from web.provider import roles_claimed

pytestmark = pytest.mark.flow


class Provider:
    """A provider that can be told to misbehave."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.signer: Any = self.key
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}
        self.address = ""
        self.challenge = ""
        self.status = 200

    async def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "end_session_endpoint": f"{self.address}/logout",
            }
        )

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        digest = hashlib.sha256(form["code_verifier"][0].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            return JSONResponse({"error": "invalid_grant"}, 400)
        header = {"alg": self.algorithm, "kid": "1"}
        token = jwt.encode(header, self.claims, self.signer, algorithms=[self.algorithm])
        return JSONResponse({"id_token": token, "access_token": "x", "token_type": "Bearer"}, self.status)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    routes = [
        Route("/.well-known/openid-configuration", made.discovery),
        Route("/keys", made.keys),
        Route("/token", made.token, methods=["POST"]),
    ]
    async with served(Starlette(routes=routes)) as (address, _):
        made.address = address
        yield made


@pytest.fixture
async def company(postgres_server: str, environ: dict[str, str], provider: Provider) -> AsyncIterator[RunningService]:
    more = {"BIHUAN_OIDC_ISSUER": provider.address, "BIHUAN_PUBLIC_URL": "http://test"}
    async with running(app, postgres_server, {**environ, **more}) as service:
        await service.hear(topics.HR_PEOPLE, PEOPLE)
        yield service


async def set_out(browser: httpx.AsyncClient, provider: Provider, next: str = "/changes") -> str:
    """Start, and let the provider know whom it has; returns the state."""
    answer = await browser.get("/auth/oidc/start", params={"next": next})
    assert answer.status_code == 303
    asked = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert answer.headers["location"].startswith(f"{provider.address}/authorize?")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    provider.challenge = asked["code_challenge"]
    now = int(time.time())
    provider.claims = {
        "iss": provider.address, "aud": "bihuan", "sub": "abc", "nonce": asked["nonce"], "iat": now, "exp": now + 60,
        "preferred_username": "10231",
    }  # fmt: skip
    return asked["state"]


async def come_back(browser: httpx.AsyncClient, state: str) -> httpx.Response:
    return await browser.get("/auth/oidc/callback", params={"code": "c", "state": state})


async def test_somebody_of_the_directory_gets_in(company: RunningService, provider: Provider) -> None:
    """W4: the directory says what they may do, whatever the provider says."""
    browser = company.client(None)
    state = await set_out(browser, provider)
    provider.claims["roles"] = ["administrator"]
    answer = await come_back(browser, state)
    assert (answer.status_code, answer.headers["location"]) == (303, "/changes")
    me = (await browser.get("/auth/me")).json()
    assert (me["person"], me["roles"]) == ("10231", ["employee"])


@pytest.fixture
async def by_claims(postgres_server: str, environ: dict[str, str], provider: Provider) -> AsyncIterator[RunningService]:
    more = {
        "BIHUAN_OIDC_ISSUER": provider.address, "BIHUAN_PUBLIC_URL": "http://test",
        "BIHUAN_OIDC_ROLES_CLAIM": "realm_access.roles", "BIHUAN_OIDC_ROLES_PREFIX": "bihuan-",
    }  # fmt: skip
    async with running(app, postgres_server, {**environ, **more}) as service:
        await service.hear(topics.HR_PEOPLE, PEOPLE)
        yield service


async def test_the_provider_says_what_somebody_may_do_where_it_is_asked_to(
    by_claims: RunningService, provider: Provider, redis: Redis
) -> None:
    """W4: its roles stand in place of the directory's, also after the session has been held against the directory."""
    browser = by_claims.client(None)
    state = await set_out(browser, provider)
    provider.claims["realm_access"] = {"roles": ["bihuan-auditor", "administrator", "bihuan-supplier", "bihuan-king"]}
    await come_back(browser, state)
    assert (await browser.get("/auth/me")).json()["roles"] == ["auditor", "employee"]
    [key] = [key async for key in redis.scan_iter("bihuan:session:*") if b'"auditor"' in (await redis.get(key) or b"")]
    stored = json.loads(await redis.get(key) or b"")
    await redis.set(key, json.dumps({**stored, "checked_at": 0}))
    assert (await browser.get("/auth/me")).json()["roles"] == ["auditor", "employee"]
    assert json.loads(await redis.get(key) or b"")["checked_at"] > 0


async def test_no_claim_lets_a_supplier_in(by_claims: RunningService, provider: Provider) -> None:
    """W4"""
    browser = by_claims.client(None)
    state = await set_out(browser, provider)
    provider.claims |= {"preferred_username": "S001-1", "realm_access": {"roles": ["bihuan-director"]}}
    await come_back(browser, state)
    assert (await browser.get("/auth/me")).json()["roles"] == ["supplier"]
    assert (await browser.get("/api/people")).status_code == 403


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"realm_access": {"roles": ["x-hr", "hr", 7]}}, ("hr",)),
        ({"realm_access": {"roles": "x-hr"}}, ("hr",)),
        ({"realm_access": ["x-hr"]}, ()),
        ({}, ()),
    ],
)
def test_roles_are_read_from_where_the_claim_has_them(claims: dict[str, Any], roles: tuple[str, ...]) -> None:
    """W4"""
    assert roles_claimed(claims, "realm_access.roles", "x-") == roles


async def test_signing_out_ends_the_providers_session_too_and_shows_no_token(
    company: RunningService, provider: Provider
) -> None:
    """W4: the page learns only where to go on; the token travels between web and the provider."""
    browser = company.client(None)
    await come_back(browser, await set_out(browser, provider))
    said = await browser.post("/auth/sign-out", headers=MARKED)
    assert said.json() == {"next": "/auth/oidc/end"}
    assert (await browser.get("/auth/me")).status_code == 401
    answer = await browser.get("/auth/oidc/end")
    address = urlsplit(answer.headers["location"])
    asked = parse_qs(address.query)
    assert (answer.status_code, f"{address.scheme}://{address.netloc}{address.path}") == (
        303, f"{provider.address}/logout",
    )  # fmt: skip
    assert asked["post_logout_redirect_uri"] == ["http://test/sign-in"]
    assert asked["id_token_hint"][0].count(".") == 2
    assert (await browser.get("/auth/oidc/end")).headers["location"] == "/sign-in"  # used up


async def test_a_state_works_once_and_in_its_own_browser_only(company: RunningService, provider: Provider) -> None:
    """W4"""
    browser, other = company.client(None), company.client(None)
    state = await set_out(browser, provider)
    assert (await come_back(other, state)).status_code == 401
    assert (await come_back(browser, state)).status_code == 401  # used up
    state = await set_out(browser, provider)
    assert (await come_back(browser, state)).status_code == 303
    assert (await come_back(browser, state)).status_code == 401
    assert (await come_back(browser, "")).json()["code"] == "bad_state"
    assert (await other.get("/auth/me")).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"iss": "https://evil.example"}, {"aud": "other"}, {"exp": 1}, {"nonce": "other"}, {"nonce": None}, {"exp": None}],
)
async def test_a_token_for_something_else_is_refused(
    wrong: dict[str, Any], company: RunningService, provider: Provider
) -> None:
    """W4"""
    browser = company.client(None)
    state = await set_out(browser, provider)
    provider.claims = {name: value for name, value in (provider.claims | wrong).items() if value is not None}
    answer = await come_back(browser, state)
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_id_token")


async def test_a_token_of_another_key_or_a_shared_secret_is_refused(
    company: RunningService, provider: Provider
) -> None:
    """W4: no `none`, no public key used as a secret."""
    browser = company.client(None)
    for algorithm, signer in [
        ("RS256", RSAKey.generate_key(2048, {"kid": "1"})),
        ("HS256", OctKey.import_key(json.dumps(provider.key.as_dict(private=False)))),
    ]:
        state = await set_out(browser, provider)
        provider.algorithm, provider.signer = algorithm, signer
        assert (await come_back(browser, state)).json()["code"] == "bad_id_token"


@pytest.mark.parametrize("person", ["99999", "20001", "", None])
async def test_who_is_not_in_the_directory_does_not_get_in(
    person: str | None, company: RunningService, provider: Provider
) -> None:
    """W4"""
    browser = company.client(None)
    state = await set_out(browser, provider)
    provider.claims["preferred_username"] = person
    assert (await come_back(browser, state)).json()["code"] == "not_in_directory"


@pytest.mark.parametrize(
    "next", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "", "/\n"]
)
async def test_nobody_is_sent_elsewhere(next: str, company: RunningService, provider: Provider) -> None:
    """W4"""
    browser = company.client(None)
    answer = await come_back(browser, await set_out(browser, provider, next))
    assert answer.headers["location"] == "/"


async def test_a_provider_that_is_away_is_no_error_of_ours(company: RunningService, provider: Provider) -> None:
    """W4"""
    browser = company.client(None)
    state = await set_out(browser, provider)
    provider.status = 503
    answer = await come_back(browser, state)
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_away")


async def test_without_a_provider_there_is_no_such_way(web: RunningService) -> None:
    """W4"""
    assert (await web.client(None).get("/auth/oidc/start")).status_code == 404
