"""G5–G8 in the browser: locks with their ways out, retest cards with their weight, targets old → new."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import Cell, in_two_cells, look
from tests.e2e.given_project import Given, ask, until

from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


def _day_is_over(bihuan: Instance, lock: str) -> None:
    """The concession's last day has passed: its timer is due."""

    async def move() -> str:
        goals = await asyncpg.connect(bihuan.database("goals"))
        try:
            due = "update timers set due_at = now() where kind = 'concession-ends' and key = $1"
            return str(await goals.execute(due, lock))
        finally:
            await goals.close()

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop is this thread's
        assert thread.submit(asyncio.run, move()).result() == "UPDATE 1"


@in_two_cells
def test_a_concession_is_asked_for_granted_and_runs_out(
    bihuan: Instance, open_as: OpenAs, given: Given, cell: Cell
) -> None:
    """G6: the owner asks, the lead sees what for and grants it, hours can be booked, and at its end the lock is back."""
    given.release("V1.1")
    task = given.tasks["work"]
    owner = open_as(ENGINEER, f"/tasks/{task}", cell=cell)
    panel = owner.locator("#panel-A")
    panel.get_by_role("button", name=cell.words("lock.ask")).click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_text(cell.words("lock.decision.concession")).click()
    day = (datetime.now(UTC) + timedelta(days=4)).strftime("%Y-%m-%d")
    dialog.get_by_label(cell.words("lock.until")).fill(day)
    send = dialog.get_by_role("button", name=cell.words("lock.send"))
    expect(send).to_be_disabled()
    dialog.get_by_label(cell.words("lock.reason")).fill("试制件已到，先装一台")
    look(owner, cell, "lock-ask")
    send.click()
    expect(panel.get_by_text("试制件已到，先装一台")).to_be_visible()
    expect(panel.get_by_role("button", name=cell.words("lock.decide"))).to_have_count(0)

    lead = open_as(LEAD, "/inbox", cell=cell)
    notice = lead.locator("ul.ib li").filter(has_text=f"{given.item}-01").first
    expect(notice).to_be_visible()
    notice.get_by_role("link").first.click()
    lead.goto(f"/tasks/{task}")
    theirs = lead.get_by_role("region", name=cell.words("lock.title"))
    expect(theirs.get_by_text("试制件已到，先装一台")).to_be_visible()
    theirs.get_by_role("button", name=cell.words("lock.decide")).click()
    decide = lead.get_by_role("dialog")
    expect(decide.get_by_role("radio", name=cell.words("lock.decision.concession"))).to_be_checked()
    expect(decide.get_by_label(cell.words("lock.until"))).to_have_value(day)
    decide.get_by_label(cell.words("lock.reason")).fill("只装一台，装完拆回")
    decide.get_by_role("button", name=cell.words("lock.confirm")).click()

    expect(
        panel.get_by_role("heading", name=cell.words("lock.inForce"))
    ).to_be_visible()  # the owner's page has followed
    expect(panel.get_by_text("只装一台，装完拆回")).to_be_visible()
    look(owner, cell, "concession")
    owner.get_by_role("textbox", name=cell.words("work.hours"), exact=True).fill("2")
    owner.get_by_role("button", name=cell.words("work.book")).click()
    expect(owner.get_by_text(re.compile(r"^2 / 2\d")).first).to_be_visible()

    (lock,) = ask(lead, "GET", f"/api/goals/tasks/{task}")["lock_history"]
    _day_is_over(bihuan, lock["lock"])
    expect(panel.get_by_role("heading", name=cell.words("lock.title"))).to_be_visible()
    expect(panel.get_by_text(cell.words("lock.inForce"), exact=True)).to_have_count(0)
    owner.goto("/inbox")
    expect(owner.locator("ul.ib li").filter(has_text=f"{given.item}-01").first).to_be_visible()


def test_two_causes_are_cleared_each_on_its_own(open_as: OpenAs, given: Given) -> None:
    """G6: migrating for one change leaves the lock of the other, and the page says which one is left."""
    given.release("V1.1")
    second = given.release("V1.2")
    task = given.tasks["work"]
    lead = open_as(LEAD, f"/tasks/{task}")
    panel = lead.get_by_role("region", name="锁定")
    expect(panel.get_by_role("listitem")).to_have_count(2)
    numbers = [one["change_number"] for one in ask(lead, "GET", f"/api/goals/tasks/{task}")["task"]["locks"]]
    panel.get_by_role("listitem", name=numbers[0]).get_by_role("button", name="决定这把锁").click()
    dialog = lead.get_by_role("dialog")
    dialog.get_by_label("理由").fill("V1.1 的差异已并入")
    dialog.get_by_role("button", name="决定", exact=True).click()
    expect(panel.get_by_role("listitem")).to_have_count(1)
    expect(panel.get_by_role("listitem", name=numbers[1])).to_be_visible()
    expect(lead.get_by_role("heading", level=1)).to_contain_text(numbers[1])

    owner = open_as(ENGINEER, f"/tasks/{task}")
    expect(owner.get_by_role("region", name="锁定").get_by_role("listitem")).to_have_count(1)
    _retest(given, second)
    expect(panel).to_have_count(0)  # the retest has opened what was left
    history = owner.get_by_role("region", name="经过")
    expect(history.get_by_text(re.compile(f"{numbers[0]}.*迁移到新版本"))).to_be_visible()
    expect(history.get_by_text(re.compile(f"{numbers[1]}.*已验证"))).to_be_visible()


def _retest(given: Given, change: str, value: str = "9") -> None:
    for card in given.effects(change)["cards"]:
        criterion = card["deliverables"][0]["criteria"][0]
        report = {
            "task": card["task"], "module": given.item, "module_version": card["item_version"], "verdict": "passed",
            "criterion": criterion["criterion"], "criterion_version": criterion["version"],
            "measurements": [{"metric": criterion["metric"], "value": value, "unit": criterion["unit"]}],
        }  # fmt: skip
        ask(given.lead, "POST", "/api/intake/test-reports", report)


def test_a_retest_card_carries_weight_and_the_old_pass_counts_again_only_when_verified(
    open_as: OpenAs, given: Given
) -> None:
    """G5, G7: "verify again" takes the credit away, keeps the history, and a report against the new version returns it."""
    before = given.progress()
    assert before > 0
    change = given.release("V1.1", limit="6")
    tester = open_as(TESTER, f"/tasks/{given.tasks['test']}")
    expect(tester.get_by_text("待重新验证").first).to_be_visible()
    deliverables = tester.get_by_role("region", name="交付物")
    expect(deliverables.get_by_role("row", name=re.compile("余量 ≥ 6 dB.*C2"))).to_be_visible()
    expect(deliverables.get_by_role("row", name=re.compile("余量 ≥ 3 dB.*C1.*已验证"))).to_be_visible()
    assert given.progress() < before

    (card,) = given.effects(change)["cards"]
    assert float(card["impact_weight"]) > 0
    tester.goto(f"/tasks/{card['task']}")
    expect(tester.get_by_text("与原测试平分权重").first).to_be_visible()
    _retest(given, change)
    expect(tester.get_by_text("已验证").first).to_be_visible()
    until(tester, lambda: True if given.progress() >= before else None, "the credit is back")
    tester.goto(f"/tasks/{given.tasks['test']}")
    expect(deliverables.get_by_role("row", name=re.compile("余量 ≥ 6 dB.*C2.*已验证"))).to_be_visible()


@in_two_cells
def test_recalculated_targets_say_old_and_new_and_why(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """G8: due date, hours and criterion, each old → new with the change that moved it, for the owner and on the change."""
    change = given.release("V1.1", limit="6")
    number = ask(given.lead, "GET", f"/api/changes/changes/{change}")["summary"]["number"]
    owner = open_as(ENGINEER, f"/tasks/{given.tasks['work']}", cell=cell)
    panel = owner.get_by_role("region", name=cell.words("targets.title"))
    for field in ("due_at", "planned_hours", "state"):
        expect(panel.get_by_text(cell.words(f"task.target.{field}"))).to_be_visible()
    (moved,) = [one for one in given.effects(change)["targets"] if one["task"] == given.tasks["work"]]
    hours = next(one for one in moved["changes"] if one["field"] == "planned_hours")
    assert float(hours["new"]) > float(hours["old"])
    expect(panel.get_by_text(f"{float(hours['new']):g} h")).to_be_visible()
    expect(panel.get_by_role("link", name=number)).to_be_visible()
    look(owner, cell, "targets")
    panel.get_by_role("link", name=number).click()
    owner.wait_for_url(f"**/changes/{change}")
    targets = owner.get_by_role("region", name=cell.words("targets.title"))
    expect(targets.get_by_text(f"{given.item}-01").first).to_be_visible()
    expect(targets.get_by_text(f"{float(hours['new']):g} h").first).to_be_visible()
    look(owner, cell, "targets-of-change")
