"""Requests that another site makes in somebody's name are refused, and every answer carries its headers."""

import httpx
import pytest
from given_web import MARKED, routes

from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow

UNSAFE = [
    ("POST", "/auth/sign-in"), ("POST", "/auth/sign-out"), ("POST", "/directory/{person}/sign-out"),
    ("POST", "/api/goals/tasks/1/progress"), ("PUT", "/api/feedback/cards/1/document"),
    ("POST", "/api/people"), ("POST", "/api/web/dead-letters/{id}/replay"),
    ("POST", "/api/web/dead-letters/{id}/discard"), ("PUT", "/api/people/{person}"), ("PATCH", "/api/goals/x"), ("DELETE", "/api/goals/x"), ("POST", "/anything"),
]  # fmt: skip
FOREIGN = {
    "no mark": {},
    "wrong mark": {"X-Bihuan-Request": "0"},
    "evil origin": {**MARKED, "Origin": "https://evil.example"},
    "null origin": {**MARKED, "Origin": "null"},
    "look-alike origin": {**MARKED, "Origin": "http://test.evil.example"},
    "cross-site": {**MARKED, "Sec-Fetch-Site": "cross-site"},
    "same-site": {**MARKED, "Sec-Fetch-Site": "same-site"},
    "form post": {"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://test"},
    "text body": {"Content-Type": "text/plain", "Origin": "http://test"},
}


@pytest.mark.parametrize("why", FOREIGN)
async def test_no_foreign_request_changes_anything(why: str, web: RunningService, engineer: httpx.AsyncClient) -> None:
    """W4: each unsafe route × each way to forge it."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in engineer.cookies.jar)
    forged = web.client(None)
    for method, path in UNSAFE:
        answer = await forged.request(method, path, headers={"Cookie": cookie, **FOREIGN[why]}, content=b"{}")
        assert answer.status_code == 403, (why, method, path)
        assert answer.json()["code"] == "cross_site"
    assert (await engineer.get("/auth/me")).status_code == 200


async def test_our_own_pages_may(engineer: httpx.AsyncClient) -> None:
    """W4"""
    own = {"Origin": "http://test", "Sec-Fetch-Site": "same-origin"}
    assert (await engineer.post("/api/goals/tasks/1/progress", headers=own, json={})).status_code == 200
    proxied = {"Origin": "http://localhost:8000"}
    assert (await engineer.post("/api/goals/tasks/1/progress", headers=proxied, json={})).status_code == 200


def test_the_table_of_unsafe_routes_is_whole() -> None:
    """A new unsafe route must be in the table above."""
    known = {path for _, path in UNSAFE} | {"/api/{service}/{path:path}"}
    for route in routes():
        if set(route.methods or ()) & {"POST", "PUT", "PATCH", "DELETE"}:
            assert route.path in known, route.path


@pytest.mark.parametrize(
    "path", ["/", "/boards/1", "/auth/me", "/auth/personas", "/api/goals/x", "/api/nobody/x", "/no.such.file", "/live"]
)
async def test_every_answer_carries_the_security_headers(path: str, web: RunningService) -> None:
    """W1: nothing from outside, nothing inline, no frame around it; errors too."""
    headers = (await web.client(None).get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in {"same-origin", "no-referrer"}
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers


async def test_personal_answers_are_not_stored(engineer: httpx.AsyncClient) -> None:
    """W4"""
    for path in ("/auth/me", "/directory?q=周", "/api/goals/x"):
        assert (await engineer.get(path)).headers["cache-control"] == "no-store", path
