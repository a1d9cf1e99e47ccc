"""What somebody sees who opens a page for the first time: what is theirs to do, where it is done, and what is not theirs."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.cells import CELLS, Cell, in_two_cells, look, settle
from tests.e2e.given_project import Given

from bihuan_tools.demo.company import ENGINEER, LEAD, suppliers

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
_HR = "10008"
_APPEAL = "/appeals/01a22e9f-2bed-7646-87e0-7a723b96da3b"


def _one_step(route: Route) -> None:
    """The inbox of somebody whose one notice asks for a step, as HR has it of an appeal."""
    text = {"zh": "APL-2026-0001 等你决定是否受理", "en": "APL-2026-0001 waits for you to admit it or not"}
    notice: dict[str, Any] = dict.fromkeys(
        ("mentioned_by", "mentioned_by_name", "change", "released_at", "seen_at", "read_at", "confirmed_at", "settled_at")
    )  # fmt: skip
    notice |= {
        "notice": "9b112992-d14f-5bc0-ba00-60112d947708", "kind": "appeal_next", "title": text, "body": text, "items": [],
        "amendments": [], "cards": [], "link": _APPEAL, "must_confirm": True, "escalations": 0, "superseded": False,
        "delivered_at": "2026-11-30T22:41:53Z", "escalate_at": "2036-11-30T23:11:53Z",
    }  # fmt: skip
    route.fulfill(json={"notices": [notice], "unread": 1, "to_confirm": 1})


@in_two_cells
def test_what_waits_opens_where_it_is_done(open_as: OpenAs, cell: Cell) -> None:
    """N2, C9: beside confirming that it was read, 本周 leads to the page where the step is taken."""
    page = open_as(_HR, "/me", cell=cell)
    page.route("**/api/notify/inbox?*", _one_step)
    page.goto("/")
    row = page.locator(".alist li")
    expect(row.get_by_role("button", name=cell.words("inbox.confirm"))).to_be_visible()
    expect(row.get_by_role("link", name=cell.words("inbox.open"))).to_have_attribute("href", _APPEAL)
    look(page, cell, "week-step")


@in_two_cells
def test_who_may_not_edit_records_is_told_before_typing(open_as: OpenAs, cell: Cell) -> None:
    """W4: a lead finds no form for people's records, but who edits them, and the way on."""
    page = open_as(LEAD, "/people/new", cell=cell)
    expect(page.get_by_text(cell.words("personRecord.notYours"))).to_be_visible()
    expect(page.locator("main form")).to_have_count(0)
    page.goto("/people/10231/edit")
    look(page, cell, "person-not-yours")
    page.get_by_role("link", name=cell.words("personRecord.seePerson")).click()
    page.wait_for_url("**/people/10231")


@in_two_cells
def test_every_column_of_the_changes_is_in_sight(open_as: OpenAs, cell: Cell) -> None:
    """C1: a long reason gives way, the state of each change does not."""
    page = open_as(LEAD, "/changes", cell=cell)
    settle(page)
    panel = page.locator("[data-letter=A] .tw")
    assert panel.evaluate("one => one.scrollWidth <= one.clientWidth")
    expect(panel.locator("tbody tr").first.locator("td").last).to_be_in_viewport()


def test_a_supplier_is_offered_nothing_to_search(open_as: OpenAs) -> None:
    """W4: the company's projects are not theirs: no search in the bar, none by its key."""
    page = open_as(f"{suppliers()[0].code}-1", "/inbox")
    settle(page)
    expect(page.locator("header .find")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(1)  # the keys that exist, and no search
    expect(page.get_by_role("combobox")).to_have_count(0)


@in_two_cells
def test_panels_of_a_task_stand_in_the_order_of_their_letters(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """G1, G5: criteria, evidence, plan, files, history: each letter once, and after the one above it."""
    page = open_as(ENGINEER, f"/tasks/{given.tasks['test']}", cell=cell)
    look(page, cell, "task-letters")
    letters: list[str] = page.locator("main [data-letter]").evaluate_all("all => all.map(one => one.dataset.letter)")
    assert {"C", "D", "E", "I", "J", "L"} <= set(letters)
    assert letters == sorted(set(letters))


@pytest.mark.parametrize("cell", [one for one in CELLS if one.phone], ids=str)
def test_a_share_says_what_it_is_on_a_phone(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """G3: without a table head, each figure of somebody's open work has its word."""
    task = given.tasks["work"]
    page = open_as(LEAD, f"/people/{ENGINEER}", cell=cell)
    shares = page.locator("tr", has=page.locator(f"a[href='/tasks/{task}']")).locator("td.r")
    expect(shares).to_be_visible()
    look(page, cell, "person-shares")
    assert cell.words("task.share") in shares.evaluate("one => getComputedStyle(one, '::before').content")
