"""Dates are typed and picked in the reader's language, whatever the browser's is (W1)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import CELLS, Cell, faults, settle

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]


@pytest.mark.parametrize("cell", [CELLS[1], CELLS[2]], ids=str)
def test_a_day_is_picked_by_keyboard_in_the_readers_language(open_as: OpenAs, cell: Cell) -> None:
    """W1: a browser in the other language than the page; arrows choose, Enter takes, Escape leaves, no fault in the calendar."""
    page = open_as(LEAD, "/boards/new", cell=cell, language="de-DE")
    field = page.get_by_label(cell.words("project.field.starts_at"))
    expect(field).to_have_attribute("placeholder", cell.words("field.day"))
    field.fill("2026-03-10")
    field.press("Tab")
    page.keyboard.press("Enter")
    calendar = page.get_by_role("dialog", name=cell.words("field.pickDay"))
    expect(calendar).to_contain_text(re.compile("3 月" if cell.language == "zh" else "March"))
    expect(calendar.locator("td:focus")).to_have_text("10")
    assert faults(page) == []
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(calendar.locator("td.current")).to_have_text("18")
    page.keyboard.press("Enter")
    expect(calendar).to_be_hidden()
    expect(field).to_have_value("2026-03-18")
    expect(field).to_be_focused()


def test_what_is_no_day_is_said_beside_the_field(open_as: OpenAs) -> None:
    """W1: other ways of writing a day are understood, an ambiguous one is asked for again."""
    page = open_as(LEAD, "/boards/new", language="en-US")
    settle(page)
    field = page.get_by_label("交付日")
    field.fill("03/11/2026")
    field.press("Tab")
    expect(page.get_by_role("alert")).to_have_text("请写成 2026-03-11 这样")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("2026年3月11日")
    field.press("Tab")
    expect(field).to_have_value("2026-03-11")
    expect(page.get_by_role("alert")).to_have_count(0)
