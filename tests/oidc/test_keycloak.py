"""W4: signing in and out through a real Keycloak. Opt-in: `make test-oidc`."""

import html
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from given_web import KEY, MARKED, PEOPLE
from tests.oidc.keycloak import CLIENT, PASSWORD, SECRET, Keycloak

from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from web.app import app

pytestmark = [pytest.mark.keycloak, pytest.mark.timeout(600)]
PUBLIC = "http://bihuan.test"


@pytest.fixture(scope="session")
def keycloak(stack_folder: Path) -> Iterator[Keycloak]:
    server = Keycloak(stack_folder / "keycloak", PUBLIC)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
async def web(postgres_server: str, redis_server: str, keycloak: Keycloak) -> AsyncIterator[RunningService]:
    environ = {
        "BIHUAN_REDIS": redis_server, "BIHUAN_SIGNING_KEY": KEY, "BIHUAN_PUBLIC_URL": PUBLIC,
        "BIHUAN_OIDC_ISSUER": keycloak.issuer, "BIHUAN_OIDC_CLIENT_ID": CLIENT, "BIHUAN_OIDC_CLIENT_SECRET": SECRET,
        "BIHUAN_OIDC_ROLES_CLAIM": "roles", "BIHUAN_OIDC_ROLES_PREFIX": "bihuan-",
    }  # fmt: skip
    async with running(app, postgres_server, environ) as service:
        await service.hear(topics.HR_PEOPLE, PEOPLE)
        yield service


@pytest.fixture
async def at_keycloak() -> AsyncIterator[httpx.AsyncClient]:
    """The same person's browser, on the provider's pages."""

    async def trust_loopback(_: httpx.Response) -> None:
        # Keycloak marks its cookies Secure on a loopback address; browsers send them back there, http.cookiejar does not
        for cookie in client.cookies.jar:
            cookie.secure = False

    async with httpx.AsyncClient(
        follow_redirects=False, trust_env=False, timeout=60, event_hooks={"response": [trust_loopback]}
    ) as client:
        yield client


async def _asks_for_password(at_keycloak: httpx.AsyncClient, address: str) -> str:
    """Where the provider's form goes."""
    page = await at_keycloak.get(address)
    assert page.status_code == 200, page.text
    found = re.search(r'<form[^>]*action="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found.group(1))


async def _come_back(
    browser: httpx.AsyncClient, at_keycloak: httpx.AsyncClient, person: str, next: str
) -> httpx.Response:
    set_out = await browser.get("/auth/oidc/start", params={"next": next})
    form = await _asks_for_password(at_keycloak, set_out.headers["location"])
    answered = await at_keycloak.post(form, data={"username": person, "password": PASSWORD})
    assert answered.status_code == 302, answer_text(answered)
    back = urlsplit(answered.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == f"{PUBLIC}/auth/oidc/callback"
    return await browser.get(f"{back.path}?{back.query}")


def answer_text(answer: httpx.Response) -> str:
    return f"{answer.status_code} {re.sub('<[^>]+>', ' ', answer.text)[:600]}"


async def test_somebody_signs_in_has_the_roles_of_the_claims_and_signs_out_everywhere(
    web: RunningService, at_keycloak: httpx.AsyncClient
) -> None:
    """W4: PKCE and client secret accepted; the provider's session ends with ours, so it asks for the password again."""
    browser = web.client(None)
    answer = await _come_back(browser, at_keycloak, "10231", "/changes?state=open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/changes?state=open")
    me = (await browser.get("/auth/me")).json()
    assert (me["person"], me["roles"]) == ("10231", ["director", "employee"])
    assert (await browser.get("/auth/personas")).status_code == 200  # development: personas stand beside the provider

    again = await at_keycloak.get((await browser.get("/auth/oidc/start")).headers["location"])
    assert again.status_code == 302  # it knows them still
    said = (await browser.post("/auth/sign-out", headers=MARKED)).json()
    assert said == {"next": "/auth/oidc/end"}
    goodbye = await at_keycloak.get((await browser.get(said["next"])).headers["location"])
    assert (goodbye.status_code, goodbye.headers["location"]) == (302, f"{PUBLIC}/sign-in")
    assert (await browser.get("/auth/me")).status_code == 401
    await _asks_for_password(at_keycloak, (await browser.get("/auth/oidc/start")).headers["location"])


async def test_a_code_is_worth_nothing_without_the_browser_that_set_out(
    web: RunningService, at_keycloak: httpx.AsyncClient
) -> None:
    """W4"""
    mine, other = web.client(None), web.client(None)
    set_out = await mine.get("/auth/oidc/start")
    form = await _asks_for_password(at_keycloak, set_out.headers["location"])
    answered = await at_keycloak.post(form, data={"username": "10231", "password": PASSWORD})
    back = urlsplit(answered.headers["location"])
    assert (await other.get(f"{back.path}?{back.query}")).json()["code"] == "bad_state"
    assert (await other.get("/auth/me")).status_code == 401


async def test_who_is_not_in_the_directory_does_not_get_in(web: RunningService, at_keycloak: httpx.AsyncClient) -> None:
    """W4: known to the provider is not enough."""
    browser = web.client(None)
    answer = await _come_back(browser, at_keycloak, "99999", "/")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_in_directory")


def test_the_port_of_the_test_is_free_afterwards(keycloak: Keycloak) -> None:
    """Nothing of the provider stays behind."""
    keycloak.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(urlsplit(keycloak.issuer).port or 0))) != 0
