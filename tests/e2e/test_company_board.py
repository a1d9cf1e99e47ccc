"""The company's board: all projects as one tree that unfolds, follows live changes in place, and is walked by keyboard (W2, W1)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.e2e.cells import CELLS, NO_PAGE, Cell, in_two_cells, look, settle
from tests.e2e.given_project import Given, ask, until

from bihuan_tools.demo.company import ENGINEER, LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
DIRECTOR = "10001"


def _row(page: Page, key: str) -> Locator:
    return page.locator(f'table.tree tr[data-key="{key}"]')


def _running_with(page: Page, project: str) -> int | None:
    """How many projects run, once this one is among them."""
    listed = page.request.get("/api/boards").json()["projects"]
    running = [one["project"] for one in listed if one["state"] not in {"done", "cancelled"}]
    return len(running) if project in running else None


def _keys(page: Page) -> list[str]:
    found: list[str] = page.locator("table.tree tr[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
    return found


def _narrow_to(page: Page, cell: Cell, given: Given, *, rows: int = 1) -> None:
    page.get_by_label(cell.words("boards.find")).fill(given.name)
    expect(page.locator("table.tree tr[data-key]")).to_have_count(rows)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_director_unfolds_a_project_down_to_its_criteria(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """W2, W1: level by level or row by row, with weight, progress, on-time, who; it stays so after a visit elsewhere."""
    page = open_as(DIRECTOR, "/boards", cell=cell)
    settle(page)
    running = until(page, lambda: _running_with(page, given.project), "the project is on the board")
    expect(page.locator("table.tree")).to_have_attribute("aria-rowcount", str(running + 1))
    look(page, cell, "company")
    _narrow_to(page, cell, given)
    project = _row(page, given.project)
    expect(project).to_have_attribute("aria-expanded", "false")
    project.get_by_role("button", name=cell.words("board.unfold", title=given.name)).click()
    goals = page.locator("table.tree tr[aria-level='2']")
    expect(goals).to_have_count(2)
    expect(goals.first).to_contain_text("50%")
    goals.first.get_by_role("button").click()
    test = _row(page, given.tasks["test"])
    expect(test).to_contain_text("100%")
    expect(test).to_contain_text(cell.words("task.status.verified"))
    expect(test).to_have_attribute("aria-posinset", "2")
    expect(test).to_have_attribute("aria-setsize", "3")
    other = _row(page, given.tasks["other"])
    other.get_by_role("button").click()
    expect(page.locator("table.tree tr[aria-level='5']")).to_have_count(3)
    expect(page.locator("table.tree tr[aria-level='5']").first).to_contain_text("样件合格")
    shown = _keys(page)
    look(page, cell, "company-unfolded")
    other.get_by_role("link").click()
    page.wait_for_url(f"**/tasks/{given.tasks['other']}")
    page.go_back()
    expect(page.locator("table.tree tr[data-key]")).to_have_count(len(shown))
    assert _keys(page) == shown
    page.get_by_role("group", name=cell.words("boards.depth")).get_by_role(
        "button", name=cell.words("boards.depths.goals"), exact=True
    ).click()
    expect(page.locator("table.tree tr[data-key]")).to_have_count(3)
    page.reload()
    expect(page.locator("table.tree tr[data-key]")).to_have_count(3)
    page.get_by_label(cell.words("boards.find")).fill(f"{given.item}-03")
    expect(other).to_be_visible()
    expect(page.locator("table.tree tr[data-key]")).to_have_count(3)
    page.locator("table.tree tr[aria-level='2']").get_by_role("button").click()
    expect(other).to_have_count(0)
    _narrow_to(page, cell, given, rows=3)
    page.get_by_role("button", name=re.compile(f"^{cell.words('board.filter.locked')}")).click()
    expect(page.get_by_text(cell.words("board.noMatch"))).to_be_visible()
    look(page, cell, "company-no-match")


@in_two_cells
def test_a_live_change_washes_the_row_it_concerns_and_moves_nothing(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """W2, N5: its own row when it is unfolded, the nearest above it otherwise; only its project's board is asked for."""
    page = open_as(DIRECTOR, "/boards?depth=tasks", cell=cell)
    _narrow_to(page, cell, given, rows=6)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    row, after = _row(page, given.tasks["work"]), _row(page, given.tasks["other"])
    page.evaluate("scrollTo(0, 120)")
    stood = after.bounding_box()
    engineer = open_as(ENGINEER, NO_PAGE)
    path = f"/api/goals/tasks/{given.tasks['work']}/progress"
    with page.expect_response(lambda answer: answer.url.endswith(f"/api/boards/{given.project}")):
        ask(engineer, "POST", path, {"hours": "2", "note": "绕组完成"})
    expect(row).to_have_class(re.compile(r"\bfresh\b"))
    expect(page.locator("tr.fresh[aria-level='3']")).to_have_count(1)
    assert after.bounding_box() == stood
    boards = [re.sub(r".*/api/boards/", "", url) for url in asked if "/api/boards/" in url]
    assert given.project in boards
    assert not [path for path in boards if path.startswith("company")], "the whole is not asked for again"
    look(page, cell, "company-live")
    page.get_by_role("button", name=cell.words("boards.depths.projects"), exact=True).click()
    expect(page.locator("table.tree tr[data-key]")).to_have_count(1)
    expect(page.locator("tr.fresh")).to_have_count(0)
    ask(engineer, "POST", path, {"hours": "1", "note": "浸漆"})
    expect(_row(page, given.project)).to_have_class(re.compile(r"\bfresh\b"))


@in_two_cells
def test_only_rows_in_view_are_drawn_and_every_row_is_reached(open_as: OpenAs, cell: Cell) -> None:
    """W2: hundreds of rows in one page, a few dozen in the document; the last is where the page ends."""
    page = open_as(DIRECTOR, "/boards?depth=all", cell=cell)
    settle(page)
    rows = page.locator("table.tree tr[data-key]")
    expect(rows.nth(20)).to_be_attached()
    count = int(page.locator("table.tree").get_attribute("aria-rowcount") or 0)
    assert rows.count() < 120 < count
    page.evaluate("scrollTo(0, 900)")
    expect(page.locator(".trail p")).to_be_visible()
    look(page, cell, "company-scrolled")
    page.evaluate("document.querySelector('table.tree').scrollIntoView({ block: 'end' })")
    last = page.locator(f'table.tree tr[aria-rowindex="{count}"]')
    expect(last).to_be_in_viewport()
    assert rows.count() < 120
    look(page, cell, "company-end")


def test_the_tree_is_walked_by_keyboard(open_as: OpenAs, given: Given) -> None:
    """W1: one stop of Tab; arrows move, unfold and fold, Home and End reach the ends, Enter opens; the focus is never lost."""
    page = open_as(DIRECTOR, "/boards", cell=CELLS[0])
    _narrow_to(page, CELLS[0], given)
    _row(page, given.project).focus()
    focused = "document.activeElement?.dataset.key"

    def press(*keys: str) -> Any:
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_function(f"{focused} !== undefined")
        return page.evaluate(focused)

    expect(_row(page, given.project)).to_have_attribute("aria-expanded", "false")
    press("ArrowRight")
    expect(_row(page, given.project)).to_have_attribute("aria-expanded", "true")
    goal = page.locator("table.tree tr[aria-level='2']").first.get_attribute("data-key")
    press("ArrowRight")
    expect(_row(page, goal or "")).to_be_focused()
    press("ArrowRight")
    expect(_row(page, given.tasks["test"])).to_be_attached()
    press("ArrowDown", "ArrowDown")
    expect(_row(page, given.tasks["test"])).to_be_focused()
    press("ArrowLeft")
    expect(_row(page, goal or "")).to_be_focused()
    press("ArrowLeft")
    expect(_row(page, goal or "")).to_have_attribute("aria-expanded", "false")
    page.get_by_label("项目、目标、任务、姓名").fill("")
    page.get_by_role("button", name="全部", exact=True).click()
    page.locator("table.tree tr[data-key]").first.focus()
    press("End")
    count = page.locator("table.tree").get_attribute("aria-rowcount")
    last = page.locator(f'table.tree tr[aria-rowindex="{count}"]')
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport()
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("table.tree tr[aria-rowindex='2']")).to_be_in_viewport()
    expect(last).to_be_focused()
    press("Home")
    first = page.locator("table.tree tr[aria-rowindex='2']")
    expect(first).to_be_focused()
    key = first.get_attribute("data-key")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/boards/{key}")
    expect(page.locator("table.tree")).to_be_visible()


def test_without_an_answer_the_board_says_so_and_asks_again(open_as: OpenAs) -> None:
    """W2: what failed and one way out."""
    page = open_as(LEAD, NO_PAGE)

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"title": "away"})

    page.route("**/api/boards/company*", refuse)
    page.goto("/boards")
    retry = page.get_by_role("main").get_by_role("button", name="重试")
    expect(retry).to_be_visible()
    page.unroute("**/api/boards/company*", refuse)
    retry.click()
    expect(page.locator("table.tree tr[data-key]").first).to_be_visible()
