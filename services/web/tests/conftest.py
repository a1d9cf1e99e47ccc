"""web under test, with a service behind it that tells what reached it."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from given_web import KEY, MARKED, PEOPLE, STUB, served
from redis.asyncio import Redis

from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from web.app import app


@pytest.fixture(scope="session")
async def behind() -> AsyncIterator[str]:
    """Address of the service behind web."""
    async with served(STUB) as (address, _):
        yield address


@pytest.fixture
def environ(redis_server: str, behind: str, tmp_path: Path) -> dict[str, str]:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>闭环</title>", encoding="utf-8")
    (static / "assets/app-abc123.js").write_text("plain")
    (static / "assets/app-abc123.js.br").write_bytes(b"packed-br")
    (static / "assets/app-abc123.js.gz").write_bytes(b"packed-gz")
    (tmp_path / "secret.txt").write_text("secret")
    return {
        "BIHUAN_REDIS": redis_server, "BIHUAN_SIGNING_KEY": KEY, "BIHUAN_GOALS_URL": behind,
        "BIHUAN_CHANGES_URL": away, "BIHUAN_STATIC_FOLDER": str(static), "BIHUAN_SERVICE_TIMEOUT": "1",
    }  # fmt: skip


@pytest.fixture
async def web(postgres_server: str, environ: dict[str, str]) -> AsyncIterator[RunningService]:
    async with running(app, postgres_server, environ) as service:
        await service.hear(topics.HR_PEOPLE, PEOPLE)
        service.live_messages.clear()
        yield service


@pytest.fixture
async def browser(web: RunningService) -> httpx.AsyncClient:
    """A browser that nobody has signed in with yet."""
    client = web.client(None)
    client.headers.update(MARKED)
    return client


@pytest.fixture
async def engineer(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """A browser in which 周启航 is signed in."""
    answer = await browser.post("/auth/sign-in", json={"person": "10231"})
    assert answer.status_code == 200, answer.text
    return browser


@pytest.fixture
async def redis(redis_server: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(redis_server)
    yield client
    await client.aclose()
