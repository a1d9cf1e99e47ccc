"""W2: a board stays readable while any other service is away, and comes back by itself after Redis was emptied."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from redis import Redis
from tests.e2e.cells import settle

from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
_BOARD = "SV-60 伺服驱动器"


def _board(page: Page) -> str:
    listed = page.request.get("/api/boards").json()["projects"]
    return str(next(one["project"] for one in listed if one["name"] == _BOARD))


def test_board_stays_readable_while_any_other_service_is_away(open_as: OpenAs) -> None:
    """Each other service in turn answers as web does when it is down; whatever needs it says so and can be tried again."""
    page = open_as(LEAD, "/boards")
    address = f"/boards/{_board(page)}"
    for service in ("goals", "changes", "notify", "feedback", "analytics", "intake"):
        path = re.compile(rf"/api/{service}/")

        def away(route: Route) -> None:
            route.fulfill(
                status=503, json={"code": "unavailable", "title": "服务暂时不可用，请稍后再试", "status": 503}
            )

        page.context.route(path, away)
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_contain_text(_BOARD)
        expect(page.locator("[data-letter=A]").get_by_text("样机达标").first).to_be_visible()
        page.context.unroute(path)


def test_page_that_needs_the_service_says_which_and_offers_to_try_again(open_as: OpenAs) -> None:
    page = open_as(LEAD, "/boards")
    path = re.compile(r"/api/changes/")
    page.context.route(path, lambda route: route.fulfill(status=503, json={"code": "unavailable", "status": 503}))
    page.goto("/changes")
    retry = page.get_by_role("main").get_by_role("button", name="重试")
    expect(retry.first).to_be_visible()
    page.context.unroute(path)
    retry.first.click()
    expect(page.get_by_role("main").get_by_text("ECN-2026-0181").first).to_be_visible()


def test_board_comes_back_after_redis_was_emptied(bihuan: Instance, open_as: OpenAs) -> None:
    """Sessions, live updates and kept boards are gone at once: what is on the screen stays, and a sign-in brings it all back."""
    page = open_as(LEAD, "/boards")
    board = _board(page)
    page.goto(f"/boards/{board}")
    settle(page)
    with Redis.from_url(bihuan.redis_url) as redis:
        redis.flushall()
    row = page.locator("[data-letter=A]").get_by_text("样机达标").first
    expect(row).to_be_visible()
    answer = page.context.request.post("/auth/sign-in", data={"person": LEAD}, headers={"X-Bihuan-Request": "1"})
    assert answer.ok, answer.text()
    fresh = page.request.get(f"/api/boards/{board}")
    assert fresh.ok, fresh.text()
    assert fresh.json()["project"]["name"] == _BOARD
    page.goto(f"/boards/{board}")
    expect(row).to_be_visible()
    with Redis.from_url(bihuan.redis_url) as redis:
        assert list(redis.scan_iter("bihuan:board*"))
