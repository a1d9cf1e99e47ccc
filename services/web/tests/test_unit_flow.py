"""One call gives the whole unit of a change, put together from what each service lets the caller read (C5, C6)."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from given_web import KEY, MARKED, PEOPLE, served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from web.app import app

pytestmark = pytest.mark.flow

CHANGE = "0190b3c0-0000-7000-8000-000000000187"
ANSWERS: dict[str, Any] = {
    f"/api/changes/changes/{CHANGE}": {
        "summary": {"number": "ECN-2026-0187"},
        "open_retests": [{"code": "RT-0187-1", "title": "传导发射复测", "person": "10306", "person_name": "林若溪"}],
    },
    f"/api/goals/changes/{CHANGE}/effects": {
        "locks": [{"code": "T-1"}], "cards": [{"code": "RT-0187-1"}], "targets": [{"code": "T-1"}],
        "reports": [{"report": "TR-1", "counts": True}],
    },
    f"/api/notify/changes/{CHANGE}/deliveries": {
        "deliveries": [{"person": "10306"}], "misses": ["林若溪"], "unconfirmed": ["林若溪"],
    },
    f"/api/analytics/changes/{CHANGE}/clock": {"misses": ["周启航", "林若溪"], "last_delivery": 121.0},
    f"/api/changes/consents?change={CHANGE}&limit=200": {"matrices": [{"number": "GCM-2026-0001"}]},
    f"/api/changes/changes/{CHANGE}/suspects": {"suspects": []},
}  # fmt: skip
SEEN: list[dict[str, str]] = []


async def _answer(request: Request) -> Response:
    SEEN.append(dict(request.headers))
    query = request.scope["query_string"].decode()
    found = ANSWERS.get(request.url.path + (f"?{query}" if query else ""))
    if request.headers["authorization"] == "Bearer forged":
        return JSONResponse({"code": "unauthenticated"}, 401)
    return JSONResponse(found) if found is not None else JSONResponse({"code": "not_found"}, 404)


@pytest.fixture
async def web(postgres_server: str, redis_server: str, tmp_path: Path) -> AsyncIterator[RunningService]:
    (tmp_path / "index.html").write_text("<!doctype html>")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    async with served(Starlette(routes=[Route("/{path:path}", _answer)])) as (behind, _):
        urls = {f"BIHUAN_{one}_URL": behind for one in ("GOALS", "CHANGES", "NOTIFY", "ANALYTICS")}
        environ = urls | {
            "BIHUAN_REDIS": redis_server, "BIHUAN_SIGNING_KEY": KEY, "BIHUAN_FEEDBACK_URL": away,
            "BIHUAN_STATIC_FOLDER": str(tmp_path), "BIHUAN_SERVICE_TIMEOUT": "1",
        }  # fmt: skip
        async with running(app, postgres_server, environ) as service:
            await service.hear(topics.HR_PEOPLE, PEOPLE)
            SEEN.clear()
            yield service


async def signed_in(web: RunningService) -> httpx.AsyncClient:
    browser = web.client(None)
    browser.headers.update(MARKED)
    await browser.post("/auth/sign-in", json={"person": "10231"})
    return browser


async def test_one_call_gives_locks_cards_targets_reports_consents_notices_and_clocks(web: RunningService) -> None:
    """C5, C6: misses by name, once each; what still lacks its report is named with its person."""
    unit = (await (await signed_in(web)).get(f"/api/units/{CHANGE}")).json()
    assert unit["change"]["summary"]["number"] == "ECN-2026-0187"
    for part, word in (("locks", "T-1"), ("cards", "RT-0187-1"), ("targets", "T-1"), ("reports", "TR-1"),
                       ("consents", "GCM-2026-0001"), ("notices", "10306"), ("clock", "121.0")):  # fmt: skip
        assert word in str(unit[part]), part
    assert unit["misses"] == ["周启航", "林若溪"]
    assert unit["unconfirmed"] == ["林若溪"]
    assert unit["missing_reports"] == ["RT-0187-1 · 传导发射复测 · 林若溪"]


async def test_a_service_that_is_away_is_named_and_the_rest_is_there(web: RunningService) -> None:
    unit = (await (await signed_in(web)).get(f"/api/units/{CHANGE}")).json()
    assert (unit["attachments"], unit["away"]) == (None, ["feedback"])


async def test_other_applications_bring_a_token_of_their_own(web: RunningService) -> None:
    """C5: the services decide by it; web adds nothing and lets nobody in without."""
    application = web.client(None)
    assert (await application.get(f"/api/units/{CHANGE}")).status_code == 401
    own = {"Authorization": "Bearer of-another-application"}
    assert (await application.get(f"/api/units/{CHANGE}", headers=own)).status_code == 200
    assert {one["authorization"] for one in SEEN} == {"Bearer of-another-application"}
    forged = await application.get(f"/api/units/{CHANGE}", headers={"Authorization": "Bearer forged"})
    assert forged.status_code == 401


async def test_an_unknown_change_is_not_found(web: RunningService) -> None:
    unknown = await (await signed_in(web)).get("/api/units/0190b3c0-0000-7000-8000-000000000999")
    assert unknown.status_code == 404
    assert (await (await signed_in(web)).get("/api/units/ECN-2026-0187")).status_code == 422
