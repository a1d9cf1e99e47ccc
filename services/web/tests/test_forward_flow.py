"""Calls of the browser reach the one service that they name, with a token in place of the cookie."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from given_web import KEY

from bihuan_chassis.auth import Authenticator, Keys, Role, TokenMinter
from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow


async def test_the_service_gets_a_token_and_no_cookie(engineer: httpx.AsyncClient, tmp_path: Path) -> None:
    """W4"""
    keys = tmp_path / "keys.json"
    keys.write_text((await engineer.get("/.well-known/jwks.json")).text)
    told = (await engineer.get("/api/goals/week", headers={"X-Forwarded-For": "1.2.3.4"})).json()["headers"]
    authenticator = Authenticator(Keys(str(keys)), issuer="bihuan-web", audience="bihuan")
    person = await authenticator.person(told["authorization"])
    assert (person.id, person.name, person.roles) == ("10231", "周启航", frozenset({Role.EMPLOYEE}))
    assert told["traceparent"].startswith("00-")
    assert "cookie" not in told
    assert "x-forwarded-for" not in told
    assert "x-bihuan-request" not in told


def test_the_public_keys_hold_no_private_part() -> None:
    """W4"""
    assert "d" not in TokenMinter(KEY).jwks()["keys"][0]


async def test_path_and_query_arrive_as_they_were_sent(engineer: httpx.AsyncClient) -> None:
    """W3"""
    told = (await engineer.get("/api/goals/items/A%2FB%3Fx/%E6%A8%A1?tag=1&tag=2&q=%E5%85%B1")).json()
    assert told["path"] == "/api/goals/items/A%2FB%3Fx/%E6%A8%A1"
    assert told["query"] == "tag=1&tag=2&q=%E5%85%B1"


async def test_bodies_and_keys_arrive_and_answers_come_back(engineer: httpx.AsyncClient) -> None:
    """W4"""
    answer = await engineer.post("/api/goals/tasks/7/progress", json={"hours": "2"}, headers={"Idempotency-Key": "k1"})
    told = answer.json()
    assert (told["method"], told["body"]) == ("POST", '{"hours":"2"}')
    assert told["headers"]["idempotency-key"] == "k1"
    assert told["headers"]["content-length"] == "13"
    assert answer.headers["etag"] == '"7"'
    assert not {"set-cookie", "server", "connection"} & set(answer.headers)


async def test_a_body_of_unknown_length_is_streamed(engineer: httpx.AsyncClient) -> None:
    """F7"""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"piece "

    told = (await engineer.post("/api/goals/x", content=pieces())).json()
    assert told["body"] == "piece piece piece "


async def test_a_large_answer_comes_whole(engineer: httpx.AsyncClient) -> None:
    """F7"""
    assert len((await engineer.get("/api/goals/large")).content) == 1_000_000


@pytest.mark.parametrize(
    "path",
    ["/api/nobody/x", "/api/postgres/x", "/api/web/auth/me", "/api/goals/../changes/x", "/api/goals/%2e%2e/metrics",
     "/api/goals/a/%2E/b"],
)  # fmt: skip
async def test_only_known_services_are_called(path: str, engineer: httpx.AsyncClient) -> None:
    """W4"""
    # httpx itself would tidy the path
    request = engineer.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    answer = await engineer.send(request)
    assert answer.status_code in {404, 503}
    assert answer.json()["code"] in {"not_found", "service_away"}


@pytest.mark.parametrize(("path", "service"), [("/api/changes/changes", "changes"), ("/api/goals/slow", "goals")])
async def test_a_service_that_is_away_or_slow_is_named(path: str, service: str, engineer: httpx.AsyncClient) -> None:
    """W4"""
    answer = await engineer.get(path)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert (answer.json()["code"], answer.json()["service"]) == ("service_away", service)


async def test_a_body_over_the_limit_is_refused(engineer: httpx.AsyncClient) -> None:
    """F7"""
    answer = await engineer.post("/api/goals/x", content=b"x" * 22_000_001)
    assert answer.status_code == 413


async def test_nobody_calls_a_service_without_a_session(browser: httpx.AsyncClient, web: RunningService) -> None:
    """W4"""
    answers = await asyncio.gather(*(browser.request(m, "/api/goals/x") for m in ("GET", "POST", "PUT", "DELETE")))
    assert {answer.status_code for answer in answers} == {401}
