"""What matrices promise: columns that are refused, hours of similar tasks and their score, compensations until they are given (C7, C8)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.acting import ask, settled_matrix, task_of
from tests.e2e.cells import Cell, in_two_cells, look

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]
_LEAD, _HR, _ENGINEER = "10118", "10008", "10231"


@in_two_cells
def test_refused_columns_are_named_at_their_fields(open_as: OpenAs, cell: Cell) -> None:
    """C7: an empty action, hours below zero, a compensation without an amount; nobody is asked, nothing typed is lost."""
    page = open_as(_LEAD, "/me", cell=cell)
    task = task_of(page, "P-FL-45", "FL-45-03" if cell.phone else "FL-45-08")
    new = (datetime.now(UTC) + timedelta(days=60)).isoformat()
    body = {
        "title": "型式试验顺延", "reason": "恒温室检修。",
        "adjustments": [{"task": task["task"], "field": "due_at", "new": new}],
    }  # fmt: skip
    matrix = ask(page, "POST", "/changes/consents", body)["summary"]["matrix"]
    page.goto(f"/consents/{matrix}")
    row = page.locator("table.mtx.edit tbody tr").filter(has_text=task["owner_name"]).first
    name = task["owner_name"]
    action = row.get_by_label(cell.words("consent.actionOf", name=name))
    hours = row.get_by_label(cell.words("consent.hoursOf", name=name))
    kind = row.get_by_label(cell.words("consent.compensation"))
    action.fill("")
    hours.fill("-4")
    kind.select_option("rest_days")
    people = page.locator("table.mtx.edit tbody tr").count()
    send = page.get_by_role("button", name=cell.words("consent.send", n=people))
    send.click()
    _refused(page, hours)
    expect(hours).to_have_value("-4")
    look(page, cell, "matrix-hours-refused")
    hours.fill("4")
    send.click()
    _refused(page, action)
    expect(action).to_have_value("")
    amount = row.get_by_label(cell.words("consent.amount"))
    _refused(page, amount)
    look(page, cell, "matrix-columns-refused")
    state = ask(page, "GET", f"/changes/consents/{matrix}")["summary"]
    assert (state["state"], state["revision"]) == ("draft", 0)
    action.fill("试验台改约到新的窗口")
    amount.fill("0.5")
    send.click()
    expect(page.locator("table.mtx.edit")).to_have_count(0)
    assert ask(page, "GET", f"/changes/consents/{matrix}")["summary"]["state"] == "open"


def _refused(page: Page, control: Locator) -> None:
    """Marked, and what is wrong stands beside it where a screen reader finds it."""
    expect(control).to_have_attribute("aria-invalid", "true")
    described = control.get_attribute("aria-describedby")
    assert described is not None
    expect(page.locator(f"[id='{described}']")).not_to_be_empty()


@in_two_cells
def test_compensation_is_owed_until_the_receiver_confirms(open_as: OpenAs, cell: Cell) -> None:
    """C7: promised in the matrix with a date, reminded, overdue by name, said to be given, contested, given, confirmed."""
    lead = open_as(_LEAD, "/me", cell=cell)
    task = task_of(lead, "P-FL-45", "FL-45-15" if cell.phone else "FL-45-10")
    due = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    promise = {"hours": "3", "compensation": {"kind": "rest_days", "amount": "0.5", "due_at": due}}
    settled = settled_matrix(open_as, lead, task, **promise)["summary"]
    number, owner = settled["number"], task["owner_name"]

    hr = open_as(_HR, "/consents/compensations", cell=cell)
    hr.get_by_role("button", name=cell.words("owed.sides.all")).click()
    line = hr.locator("table.owe tbody tr").filter(has_text=number)
    expect(line).to_contain_text(owner)
    expect(line).to_contain_text("孟言")

    engineer = open_as(task["owner"], f"/consents/{settled['matrix']}", cell=cell)
    mine = engineer.locator("table.mtx tbody tr").filter(has_text=owner)
    expect(mine.get_by_text(re.compile(cell.words("consent.owedUntil", time="")))).to_be_visible()
    engineer.goto("/consents/compensations")
    owed = engineer.locator("table.owe tbody tr").filter(has_text=number)
    expect(owed).to_be_visible()

    def overdue() -> bool:
        lines = ask(lead, "GET", "/changes/compensations?side=owing")["compensations"]
        return any(one["matrix_number"] == number and one["standing"] == "overdue" for one in lines)

    lead.goto("/consents/compensations")
    lead.get_by_role("button", name=cell.words("owed.sides.owing")).click()
    owing = lead.locator("table.owe tbody tr").filter(has_text=number)
    while not overdue():  # the test's own time limit ends it
        lead.evaluate("new Promise(requestAnimationFrame)")
    lead.reload()
    lead.get_by_role("button", name=cell.words("owed.sides.owing")).click()
    expect(owing.get_by_text(cell.words("owed.standings.overdue"))).to_be_visible()
    look(lead, cell, "compensations-owing")
    lead.goto("/inbox")
    expect(lead.get_by_text(number).first).to_be_visible()

    lead.goto("/consents/compensations")
    lead.get_by_role("button", name=cell.words("owed.sides.owing")).click()
    _say(lead, cell, owing, "give", "周五下午调休，已排班。")
    expect(owing.get_by_text(cell.words("owed.standings.given"))).to_be_visible()
    engineer.reload()
    _say(engineer, cell, owed, "contest", "周五被叫回来开会，没有休成。")
    expect(owed.get_by_text("没有休成")).to_be_visible()
    lead.reload()
    lead.get_by_role("button", name=cell.words("owed.sides.owing")).click()
    expect(owing.get_by_text("没有休成")).to_be_visible()
    _say(lead, cell, owing, "give", "改到下周一上午。")
    engineer.reload()
    look(engineer, cell, "compensations-mine")
    owed.get_by_role("button", name=cell.words("consent.receive")).click()
    expect(owed).to_have_count(0)
    engineer.get_by_label(cell.words("owed.withEnded")).check()
    expect(owed.get_by_text(cell.words("owed.standings.received"))).to_be_visible()


def _say(page: Page, cell: Cell, line: Locator, how: str, words: str) -> None:
    line.get_by_role("button", name=cell.words(f"owed.{how}"), exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(cell.words(f"owed.words.{how}")).fill(words)
    dialog.get_by_role("button", name=cell.words(f"owed.send.{how}")).click()
    expect(dialog).to_have_count(0)


@in_two_cells
def test_hours_rest_on_similar_tasks_and_are_scored(open_as: OpenAs, cell: Cell) -> None:
    """C7: P20 to P80 with n and the tasks behind it in the matrix; afterwards how often the hours lay within."""
    page = open_as(_LEAD, "/me", cell=cell)
    task = task_of(page, "P-FL-45", "FL-45-07" if cell.phone else "FL-45-02")
    body = {
        "title": "样机调试顺延", "reason": "夹具晚到。",
        "adjustments": [
            {"task": task["task"], "field": "due_at", "new": (datetime.now(UTC) + timedelta(days=70)).isoformat()}
        ],
    }  # fmt: skip
    matrix = ask(page, "POST", "/changes/consents", body)["summary"]["matrix"]
    page.goto(f"/consents/{matrix}")
    row = page.locator("table.mtx.edit tbody tr").filter(has_text=task["owner_name"]).first
    estimate = row.locator(".est")
    said = ask(page, "GET", f"/changes/estimates?task={task['task']}")["estimates"][0]
    assert said["enough"]
    expect(estimate.get_by_role("img")).to_have_attribute("aria-label", re.compile(rf"\b{said['n']}\b"))
    estimate.locator("summary").click()
    expect(estimate.get_by_role("listitem")).to_have_count(said["n"])
    look(page, cell, "matrix-estimate")

    record = open_as(_HR, "/consents/record", cell=cell)
    score = ask(record, "GET", "/changes/estimates/score")
    assert score["scored"] >= 10, "too few to say anything"
    assert 30 <= float(score["coverage"]) <= 90, "the demo's estimates are neither useless nor too wide"
    panel = record.locator("[data-letter=B]")
    expect(panel.get_by_text(cell.words("estimates.outcomes.within")).first).to_be_visible()
    expect(panel.get_by_role("link", name=re.compile("CM-80-P01"))).to_be_visible()
    look(record, cell, "record")
