"""W4: signing in as a persona, sessions, and who may find whom."""

from dataclasses import replace

import httpx
import pytest
from given_web import KEY, MARKED, PEOPLE
from redis.asyncio import Redis

from bihuan_chassis.settings import SettingsError
from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from bihuan_contracts.hr import PersonChanged
from web import sessions
from web.app import app
from web.settings import Settings

pytestmark = pytest.mark.flow


async def test_personas_are_one_for_each_role_and_two_employees(browser: httpx.AsyncClient) -> None:
    """W4"""
    found = (await browser.get("/auth/personas")).json()["personas"]
    assert [(one["person"], one["role"]) for one in found] == [
        ("10231", "employee"), ("20002", "employee"), ("10306", "test_engineer"), ("10105", "project_lead"),
        ("10004", "manager"), ("10001", "director"), ("S001-1", "supplier"),
    ]  # fmt: skip


async def test_signing_in_sets_a_cookie_that_scripts_cannot_read(browser: httpx.AsyncClient) -> None:
    """W4"""
    answer = await browser.post("/auth/sign-in", json={"person": "10231"})
    cookie = answer.headers["set-cookie"]
    assert answer.json()["name"] == "周启航"
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert (await browser.get("/auth/me")).json()["roles"] == ["employee"]


async def test_behind_https_the_cookie_is_bound_to_the_host(web: RunningService, redis: Redis) -> None:
    """W4"""
    settings = web.settings.model_copy(update={"public_url": "https://bihuan.example"})
    assert isinstance(settings, Settings)
    assert sessions.Sessions(redis, settings).cookie == "__Host-bihuan"
    assert settings.secure


async def test_nobody_and_somebody_who_left_do_not_get_in(browser: httpx.AsyncClient) -> None:
    """W4"""
    for person in ("99999", "20001"):
        answer = await browser.post("/auth/sign-in", json={"person": person})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "unknown"
    assert (await browser.get("/auth/me")).status_code == 401


async def test_a_session_planted_before_signing_in_is_worth_nothing(browser: httpx.AsyncClient, redis: Redis) -> None:
    """W4: session fixation."""
    browser.cookies.set("bihuan", "planted")
    await browser.post("/auth/sign-in", json={"person": "10231"})
    assert "planted" not in [cookie.value for cookie in browser.cookies.jar if cookie.domain]
    assert not await redis.exists("bihuan:session:planted")


async def test_signing_in_anew_ends_the_session_before(engineer: httpx.AsyncClient, web: RunningService) -> None:
    """W4"""
    before = _session(engineer)
    await engineer.post("/auth/sign-in", json={"person": "10306"})
    assert _session(engineer) != before
    thief = web.client(None)
    assert (await thief.get("/auth/me", headers={"Cookie": f"bihuan={before}"})).status_code == 401


async def test_signing_out_ends_the_session_on_the_server(engineer: httpx.AsyncClient, web: RunningService) -> None:
    """W4"""
    before = _session(engineer)
    assert (await engineer.post("/auth/sign-out")).json() == {"next": "/sign-in"}
    thief = web.client(None)
    assert (await thief.get("/auth/me", headers={"Cookie": f"bihuan={before}"})).status_code == 401


async def test_a_lost_role_and_a_leaver_are_noticed_in_an_open_session(
    engineer: httpx.AsyncClient, web: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W4: within half a minute; here at once."""
    monkeypatch.setattr(sessions, "_CHECKED_FOR", 0.0)
    await web.hear(
        topics.HR_PEOPLE, [PersonChanged(person="10231", name="周启航", roles=("employee", "manager"), version=2)]
    )
    assert (await engineer.get("/auth/me")).json()["roles"] == ["employee", "manager"]
    await web.hear(topics.HR_PEOPLE, [PersonChanged(person="10231", name="周启航", active=False, version=3)])
    assert (await engineer.get("/auth/me")).status_code == 401
    await web.hear(topics.HR_PEOPLE, [PersonChanged(person="10231", name="周启航", version=4)])
    assert (await engineer.get("/auth/me")).status_code == 401


def test_production_does_not_start_without_a_provider() -> None:
    """W4"""
    environ = {"BIHUAN_DATABASE": "postgresql://nowhere/x", "BIHUAN_SIGNING_KEY": KEY}
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        Settings.load("web", environ)
    with pytest.raises(SettingsError, match="PUBLIC_URL"):
        Settings.load("web", {**environ, "BIHUAN_OIDC_ISSUER": "https://id.example"})


async def test_in_production_there_are_no_personas(web: RunningService) -> None:
    """W4"""
    settings = web.settings.model_copy(update={"environment": "production"})
    web._resources = replace(web._resources, settings=settings)
    browser = web.client(None)
    assert (await browser.get("/auth/personas")).status_code == 404
    assert (await browser.post("/auth/sign-in", json={"person": "10231"}, headers=MARKED)).status_code == 404


async def test_the_directory_finds_colleagues_and_no_suppliers(engineer: httpx.AsyncClient) -> None:
    """W3"""

    async def found(words: str) -> list[str]:
        answer = await engineer.get("/directory", params={"q": words})
        return [one["person"] for one in answer.json()["people"]]

    assert await found("启航") == ["10231"]
    assert await found("zhou") == ["10231"]
    assert await found("10306") == ["10306"]
    assert await found("项目") == ["10105"]
    assert await found("供方") == []
    assert await found("离职") == []
    assert await found("%") == []
    assert (await engineer.get("/directory/10105")).json()["name"] == "陈砚"
    assert (await engineer.get("/directory/S001-1")).status_code == 404


async def test_a_supplier_does_not_see_who_works_here(browser: httpx.AsyncClient) -> None:
    """W4"""
    await browser.post("/auth/sign-in", json={"person": "S001-1"})
    assert (await browser.get("/directory", params={"q": "周"})).status_code == 403
    assert (await browser.get("/directory/10231")).status_code == 403


def _session(browser: httpx.AsyncClient) -> str:
    return next(cookie.value for cookie in browser.cookies.jar if cookie.name == "bihuan" and cookie.value)


async def test_an_administrator_ends_every_session_of_somebody(
    web: RunningService, engineer: httpx.AsyncClient
) -> None:
    """W4: a lost telephone is signed out everywhere; others may not do it."""
    assert (await engineer.post("/directory/10306/sign-out")).status_code == 403
    await web.hear(topics.HR_PEOPLE, [PersonChanged(person="10009", name="管理", roles=("administrator",), version=1)])
    async with web.client(None) as other:
        other.headers.update(MARKED)
        await other.post("/auth/sign-in", json={"person": "10009"})
        assert (await other.post("/directory/nobody/sign-out")).status_code == 404
        assert (await other.post("/directory/10231/sign-out")).status_code == 204
        assert (await other.get("/auth/me")).status_code == 200
    assert (await engineer.get("/auth/me")).status_code == 401


async def test_a_session_that_asks_without_end_is_held_off(postgres_server: str, environ: dict[str, str]) -> None:
    """W4: with the time to wait, in the reader's language; nobody else is held off."""
    async with running(app, postgres_server, environ | {"BIHUAN_REQUESTS_PER_MINUTE": "60"}) as web:
        await web.hear(topics.HR_PEOPLE, PEOPLE)
        async with web.client(None) as eager, web.client(None) as calm:
            for one, person in ((eager, "10231"), (calm, "10306")):
                one.headers.update(MARKED)
                await one.post("/auth/sign-in", json={"person": person})
            # Two minutes' worth: the minute may turn in between.
            answers = [await eager.get("/auth/me", headers={"Accept-Language": "en"}) for _ in range(125)]
            refused = [answer for answer in answers if answer.status_code == 429]
            assert refused, {answer.status_code for answer in answers}
            assert 0 < int(refused[0].headers["retry-after"]) <= 60
            assert refused[0].json()["title"] == "Too many requests, please wait a moment"
            assert (await calm.get("/auth/me")).status_code == 200
