"""Work that joins a change after its people have confirmed it: they are asked about that work alone (N2, C3)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import Cell, in_two_cells, look
from tests.e2e.given_project import Given, ask, until

from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


@in_two_cells
def test_who_has_confirmed_is_asked_again_about_what_joins(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """N2, C3, C6: one notice more with one row; the change still counts the person once, as told in time."""
    change = given.release("V1.1", limit="6")
    engineer = open_as(ENGINEER, "/", cell=cell)

    def mine() -> list[dict[str, Any]]:
        listed = ask(engineer, "GET", "/api/notify/inbox?filter=open")["notices"]
        return [one for one in listed if one["change"] == change and one["kind"] == "change"]

    first = until(engineer, lambda: next(iter(mine()), None), "the engineer is told")
    ask(engineer, "POST", f"/api/notify/notices/{first['notice']}/confirm")
    tree = ask(given.lead, "GET", f"/api/goals/projects/{given.project}/tree")
    due = (datetime.now(UTC) + timedelta(days=6)).isoformat()
    body = {"goal": tree["goals"][0]["goal"], "title": "补做降额核算", "owner": ENGINEER, "module": given.item,
            "item_version": "V1.0", "due_at": due}  # fmt: skip
    late = ask(given.lead, "POST", f"/api/goals/projects/{given.project}/tasks", body)

    engineer.goto("/inbox")
    said = f"{given.name.split()[0]} 模块 V1.1 reaches more of your work" if cell.language == "en" else "V1.1 又涉及你"
    link = engineer.get_by_role("link").filter(has_text=given.item).filter(has_text=said)
    link.click()
    row = engineer.locator("table.mine tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(late["code"])
    moved = engineer.locator("ul.moved li")
    expect(moved).to_have_count(1)
    expect(moved).to_contain_text(late["code"])
    look(engineer, cell, "inbox-joined")
    (clock,) = [one for one in ask(given.lead, "GET", f"/api/notify/changes/{change}/deliveries")["deliveries"]
                if one["person"] == ENGINEER]  # fmt: skip
    assert clock["seconds_from_release"] is not None
    assert clock["confirmed_at"] is None
    engineer.get_by_role("button", name=cell.words("inbox.confirm")).click()
    until(engineer, lambda: True if not mine() else None, "nothing waits any more")
    page = open_as(LEAD, f"/changes/{change}", cell=cell)
    chips = page.get_by_role("region", name=cell.words("clock.title"), exact=True).locator("ul.pp li")
    named = chips.filter(has_text="周启航")
    expect(named).to_have_count(1)
    expect(named).to_contain_text(cell.words("inbox.state.confirmed"))


def test_test_that_is_heard_of_late_takes_the_place_of_its_stand_in(open_as: OpenAs, given: Given) -> None:
    """G6, G7, C3: a project with work and no test has somebody retest the module; its test, once known, has the card."""
    due = (datetime.now(UTC) + timedelta(days=6)).isoformat()
    on = {"module": given.item, "item_version": "V1.0", "due_at": due, "planned_hours": "8"}
    parts = [{"title": "报告", "criteria": [{"text": "余量 ≥ 3 dB", "metric": "余量", "unit": "dB", "lower": "3"}]}]
    work = {
        "code": f"{given.item}-91",
        "title": "改版",
        "kind": "develop",
        "owner": ENGINEER,
        "deliverables": parts,
        **on,
    }
    body = {"code": f"P-{given.item}-2", "name": f"{given.item} 二号台", "product": given.item, "lead": LEAD,
            "goals": [{"title": "样机达标", "tasks": [work]}]}  # fmt: skip
    project = ask(given.lead, "POST", "/api/goals/projects", body)["project"]
    change = given.release("V1.1", people=2, limit="6")

    def cards() -> dict[str, str]:
        listed = given.effects(change)["cards"]
        return {one["code"]: one["state"] for one in listed if one["project"] == project}

    (stand_in,) = until(given.lead, lambda: cards() or None, "a card stands in")
    tree = ask(given.lead, "GET", f"/api/goals/projects/{project}/tree")
    test = {"goal": tree["goals"][0]["goal"], "title": "型式试验", "kind": "test", "owner": TESTER,
            "deliverables": parts, **on}  # fmt: skip
    ask(given.lead, "POST", f"/api/goals/projects/{project}/tasks", test)
    both = until(given.lead, lambda: cards() if len(cards()) == 2 else None, "the test has its own card")
    assert both.pop(stand_in) == "superseded"
    assert [*both.values()] == ["active"]
    page = open_as(LEAD, f"/changes/{change}")
    rows = page.get_by_role("region", name="重测卡", exact=True).locator("tbody tr")
    expect(rows.filter(has_text=stand_in)).to_contain_text("被取代")
    own = rows.filter(has_text=next(iter(both)))
    expect(own).to_contain_text("等负责人答复")
    expect(own).to_contain_text("余量 ≥ 6 dB")
