"""Every route of web and who may use it: a route that is not in the table fails the test (W4)."""

import httpx
import pytest
from given_web import routes

from bihuan_chassis.http import policy_of

pytestmark = pytest.mark.flow

ANYBODY, SIGNED_IN, COLLEAGUES, ADMINISTRATORS = "anybody", "signed in", "colleagues", "administrators"
PEOPLES_EDITORS, INTEGRATORS = "administrators and HR", "administrators and integrators"
"""Held in test_people_flow.py and test_letters_flow.py."""
WHO = {
    "GET /auth/personas": ANYBODY,
    "POST /auth/sign-in": ANYBODY,
    "POST /auth/sign-out": ANYBODY,
    "GET /auth/me": SIGNED_IN,
    "GET /auth/oidc/start": ANYBODY,
    "GET /auth/oidc/callback": ANYBODY,
    "GET /auth/oidc/end": ANYBODY,
    "GET /.well-known/jwks.json": ANYBODY,
    "GET /directory": COLLEAGUES,
    "GET /directory/{person}": COLLEAGUES,
    "POST /directory/{person}/sign-out": ADMINISTRATORS,
    "GET /api/boards": COLLEAGUES,
    "GET /api/boards/company": COLLEAGUES,
    "GET /api/boards/{project}": COLLEAGUES,
    "GET /api/search": COLLEAGUES,
    "GET /api/people": COLLEAGUES,
    "GET /api/people/{person}/work": COLLEAGUES,
    "GET /api/people/{person}/record": PEOPLES_EDITORS,
    "PUT /api/people/{person}": PEOPLES_EDITORS,
    "POST /api/people": PEOPLES_EDITORS,
    "GET /api/web/dead-letters": INTEGRATORS,
    "GET /api/web/dead-letters/{id}": INTEGRATORS,
    "POST /api/web/dead-letters/{id}/replay": INTEGRATORS,
    "POST /api/web/dead-letters/{id}/discard": INTEGRATORS,
    "GET /api/units/{change}": SIGNED_IN,
    "GET /live": SIGNED_IN,
    "* /api/{service}/{path:path}": SIGNED_IN,
    "* /{path:path}": ANYBODY,
}


def test_the_table_names_every_route() -> None:
    found = set()
    for route in routes():
        methods = sorted(route.methods or ())
        found.add(f"{methods[0] if len(methods) == 1 else '*'} {route.path}")
        assert policy_of(route) is None  # web checks its own cookie, not a token
    assert found == set(WHO)


ASKED = {
    "GET /auth/me": "/auth/me",
    "GET /directory": "/directory?q=周",
    "GET /directory/{person}": "/directory/10231",
    "GET /api/boards": "/api/boards",
    "GET /api/boards/company": "/api/boards/company",
    "GET /api/search": "/api/search?q=a",
    "GET /api/people": "/api/people",
    "GET /api/people/{person}/work": "/api/people/10231/work",
    "* /api/{service}/{path:path}": "/api/goals/week",
}


@pytest.mark.parametrize("route", ASKED)
@pytest.mark.parametrize("person", [None, "10231", "10306", "10001", "10004", "10105", "S001-1"])
async def test_who_may_use_it(route: str, person: str | None, browser: httpx.AsyncClient) -> None:
    if person:
        await browser.post("/auth/sign-in", json={"person": person})
    status = (await browser.get(ASKED[route])).status_code
    if person is None:
        assert status == 401
    elif person.startswith("S") and WHO[route] == COLLEAGUES:
        assert status == 403
    else:
        assert status == 200
