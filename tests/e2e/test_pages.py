"""What holds for every page: accessibility, keyboard, language, and what happens without a connection."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.demo.company import ENGINEER, LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]
AXE = Path(__file__).parents[2] / "services/web/ui/node_modules/axe-core/axe.min.js"


def _settle(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)


def _keep(page: Page, **preferences: str) -> None:
    page.evaluate("kept => localStorage.setItem('bihuan.preferences', kept)", json.dumps(preferences))


def _addresses(page: Page) -> list[str]:
    """Each kind of page, with one object of the demo company on those that show one."""
    project = page.request.get("/api/goals/projects").json()["projects"][0]["project"]
    board = page.request.get(f"/api/goals/projects/{project}").json()
    task = next(task["task"] for goal in board["goals"] for task in goal["tasks"])
    changes = page.request.get("/api/changes/changes").json()["changes"]
    objects = [f"/boards/{project}", f"/tasks/{task}", *(f"/changes/{one['change']}" for one in changes[:1])]
    return ["/", "/boards", "/changes", "/changes/new", "/inbox", "/integration", "/me", "/nowhere", *objects]


def _violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run(document).then(result => result.violations)")
    grave = [one for one in found if one["impact"] in {"serious", "critical"}]
    return [f"{page.url} {one['id']}: {one['nodes'][0]['html'][:160]}" for one in grave]


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("zh", "light", 1440), ("zh", "dark", 375), ("en", "dark", 1440), ("en", "light", 375)],
)
def test_no_page_has_a_serious_accessibility_fault(open_as: OpenAs, language: str, theme: str, width: int) -> None:
    """W1: in both languages and themes, wide and on a phone; and no page scrolls sideways."""
    page = open_as(LEAD, "/", width=width, height=812)
    _keep(page, language=language, theme=theme)
    found: list[str] = []
    for address in _addresses(page):
        page.goto(address)
        _settle(page)
        found += _violations(page)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"{address} scrolls sideways")
    assert found == []
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_sign_in_page_needs_no_session(open_as: OpenAs) -> None:
    """W4: after signing out one can come in as somebody else, and sees nothing of the one before."""
    page = open_as(LEAD, "/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_text("以谁的身份进入")).to_be_visible()
    assert _violations(page) == []
    page.get_by_role("button", name="周启航").click()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    assert page.request.get("/auth/me").json()["person"] == ENGINEER


def test_everything_is_reached_by_keyboard(open_as: OpenAs) -> None:
    """W1: G and a letter jump to a panel, / searches, ? explains, and typing is left alone."""
    page = open_as(LEAD, "/boards")
    _settle(page)
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("[data-letter=A]")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="快捷键")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("GX-500")
    expect(page.get_by_role("option").filter(has_text="GX-500").first).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/boards/*-*")


def test_language_changes_on_the_spot_and_stays(open_as: OpenAs) -> None:
    """W1: Chinese by default, English at a switch, kept for the next visit."""
    page = open_as(LEAD, "/changes")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.get_by_role("button", name="中 / EN").click()
    expect(page.get_by_role("link", name="New change")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="New change")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_without_a_connection_the_page_says_so_and_keeps_what_it_had(open_as: OpenAs) -> None:
    """N5: an amber band with the time of the data; it goes when the connection is back."""
    page = open_as(LEAD, "/boards")
    _settle(page)
    expect(page.get_by_text("GX-500 五轴磨床").first).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("main").get_by_text("已离线")).to_be_visible()
    expect(page.get_by_text("GX-500 五轴磨床").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("main").get_by_text("已离线")).to_have_count(0)
