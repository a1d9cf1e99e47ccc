"""What holds for every page: accessibility, keyboard, language, and what happens without a connection."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.cells import CELLS, Cell, faults, keep, settle

from bihuan_tools.demo.company import ENGINEER, LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]

ROUTES = Path(__file__).parents[2] / "services/web/ui/src/router.ts"
OPEN = {"/sign-in", "/gallery", "/:rest(.*)*"}
"""Without a session, for developers only, and whatever is no page: held elsewhere in this module."""
IDS = {"/people/:id": "10231", "/people/:id/edit": "10231", "/inbox/:id?": ""}


def _objects(page: Page) -> dict[str, list[str]]:
    """One object of the demo company for each kind of page that shows one; an empty list where there is none yet."""

    def first(address: str, name: str, key: str) -> list[str]:
        listed = page.request.get(address).json()
        return [str(one[key]) for one in listed.get(name, [])[:1]]

    boards = page.request.get("/api/boards").json()["projects"]
    project = [str(one["project"]) for one in boards if one["tasks"]][:1]  # other tests make empty ones
    board = page.request.get(f"/api/boards/{project[0]}").json()
    task = next(task["task"] for goal in board["goals"] for task in goal["tasks"])
    return {
        "/boards/": project,
        "/tasks/": [task],
        "/changes/": first("/api/changes/changes", "changes", "change"),
        "/consents/": first("/api/changes/consents", "matrices", "matrix"),
        "/rules/": first("/api/changes/rules", "tables", "name"),
        "/appeals/": first("/api/changes/appeals", "appeals", "appeal"),
    }


def _addresses(page: Page) -> list[str]:
    """Every path of the router; one whose object is unknown here fails the test."""
    objects, found = _objects(page), ["/nowhere"]
    for path in re.findall(r"\bpath: '([^']+)'", ROUTES.read_text(encoding="utf-8")):
        if path in OPEN:
            continue
        if path in IDS:
            found.append(path.replace(":id?", IDS[path]).replace(":id", IDS[path]).rstrip("/"))
        elif ":id" in path:
            owner = path.split(":id", 1)[0]
            assert owner in objects, f"tell this test where to find an object for {path}"
            found += [path.replace(":id", id) for id in objects[owner]]
        elif ":" not in path:
            found.append(path)
    return found


def test_the_empty_frame_is_on_the_screen_before_the_application_has_come(open_as: OpenAs) -> None:
    """The sheet in its frame is painted while the application is still on its way, and is what it fills then (W1)."""
    page = open_as(ENGINEER)
    names: list[str] = re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', page.request.get("/").text())
    application = next(name for name in names if name.startswith("/assets/start-") and name.endswith(".js"))
    kinds = [name.rsplit(".", 1)[1] for name in names if name != "/before-paint.js"]
    assert kinds == sorted(kinds), "a style waits behind a script"

    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(f"**{application}", hold, times=1)
    with page.expect_request(f"**{application}"):
        page.reload(wait_until="commit")
    frame = page.locator(".app.first")
    expect(frame.locator(".sheet")).to_be_visible()
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    expect(page.locator("main h1")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("main h1")).to_be_visible()
    expect(frame).to_have_count(0)


_BY_ROUTER = """address => document.querySelector('#app').__vue_app__.config.globalProperties.$router.push(address)
    .then(() => null)"""


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_no_page_has_a_serious_accessibility_fault(open_as: OpenAs, cell: Cell) -> None:
    """W1: every page of the router in every cell: none has a fault, none scrolls sideways, each is kept as a picture.

    In the first cell each is loaded by itself; in the others they follow each other, as they do for a reader.
    """
    page = open_as(LEAD, "/", cell=cell)
    settle(page)
    found: list[str] = []
    for address in _addresses(page):
        if cell == CELLS[0]:
            page.goto(address)
        else:
            page.evaluate(_BY_ROUTER, address)
        settle(page)
        found += faults(page)
        keep(page, cell, "page" + re.sub(r"[0-9a-f-]{36}", "id", address))
    assert found == []


def test_the_sign_in_page_needs_no_session(open_as: OpenAs) -> None:
    """W4: after signing out one can come in as somebody else, and sees nothing of the one before."""
    page = open_as(LEAD, "/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_text("以谁的身份进入")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="周启航").click()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    assert page.request.get("/auth/me").json()["person"] == ENGINEER


def test_everything_is_reached_by_keyboard(open_as: OpenAs) -> None:
    """W1: G and a letter jump to a panel, / searches, ? explains, and typing is left alone."""
    page = open_as(LEAD, "/boards")
    settle(page)
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


def test_going_back_finds_the_board_where_it_was_left(open_as: OpenAs) -> None:
    """W2: a task far down the tree is opened and left again; rows that are drawn after the first paint count, too."""
    page = open_as(LEAD, "/boards")
    projects = page.request.get("/api/boards").json()["projects"]
    page.goto(f"/boards/{next(one['project'] for one in projects if one['code'] == 'P-GX-500')}")
    link = page.locator("table.tree a").nth(28)
    link.scroll_into_view_if_needed()
    left_at = page.evaluate("scrollY")
    assert left_at > 300
    link.click()
    page.wait_for_url("**/tasks/*")
    settle(page)
    page.go_back()
    page.wait_for_function("place => scrollY === place", arg=left_at)


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
    settle(page)
    expect(page.get_by_text("GX-500 五轴磨床").first).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("main").get_by_text("已离线")).to_be_visible()
    expect(page.get_by_text("GX-500 五轴磨床").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("main").get_by_text("已离线")).to_have_count(0)
