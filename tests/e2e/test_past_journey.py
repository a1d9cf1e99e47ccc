"""G11 in the browser: a board, a person and a task as of a past moment, and what has changed since."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]


def _project(page: Page) -> str:
    listed = page.request.get("/api/boards").json()["projects"]
    return next(str(one["project"]) for one in listed if one["code"] == "P-GX-500")


def test_a_board_goes_back_in_time_and_says_what_changed_since(open_as: OpenAs) -> None:
    """G11: 截至 opens the ruler, a past moment marks the page, its address can be shared, and now is one press away."""
    page = open_as(LEAD, "/")
    page.goto(f"/boards/{_project(page)}")
    page.get_by_role("button", name="截至 此刻").click()
    ruler = page.get_by_role("region", name="截至")
    then = (datetime.now(UTC) - timedelta(days=40)).strftime("%Y-%m-%dT%H:%M")
    ruler.get_by_label("时刻", exact=True).fill(then)
    ruler.get_by_label("时刻", exact=True).press("Tab")
    expect(ruler.get_by_text(re.compile("过去：.*的样子"))).to_be_visible()
    later = page.get_by_role("region", name="此后的变化")
    expect(later.get_by_text("已验证").first).to_be_visible()
    expect(page.get_by_text(re.compile("完成 0/"))).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("过去：.*的样子"))).to_be_visible()
    page.get_by_role("button", name="回到此刻").click()
    expect(page.get_by_text(re.compile("完成 0/"))).to_have_count(0)
    assert page.complaints == []  # type: ignore[attr-defined]


def test_a_booking_appears_as_a_later_change_of_person_and_task(open_as: OpenAs) -> None:
    """G11: who did it, the field old and new; on a phone, without sideways scrolling."""
    lead = open_as(LEAD, "/")
    board = lead.request.get(f"/api/boards/{_project(lead)}").json()
    tasks = [task for goal in board["goals"] for task in goal["tasks"]]
    found = next(one for one in tasks if one["state"] == "active" and not one["locks"] and one["owner"])
    owner, task = found["owner"], found["task"]
    page = open_as(owner, "/", width=375, height=812)
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    booked = page.request.post(
        f"/api/goals/tasks/{task}/progress", data={"hours": "1.5"}, headers={"X-Bihuan-Request": "1"}
    )
    assert booked.ok
    for address in (f"/people/{owner}", f"/tasks/{task}"):
        page.goto(f"{address}?at={before}")
        later = page.get_by_role("region", name="此后的变化")
        expect(later.get_by_text("人工修改").first).to_be_visible()
        expect(later.get_by_text(re.compile("实际工时")).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"
    assert page.complaints == []  # type: ignore[attr-defined]
