"""One change as one provable unit: its page and the one call give the same rows, and who is late is named (C5, C6, C10)."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.cells import Cell, in_two_cells, look
from tests.e2e.given_project import INTEGRATOR, MARK, Given, ask, publish, until
from tests.e2e.given_rule import Rule, a_rule

from bihuan_contracts import topics
from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


@pytest.fixture
def consent(open_as: OpenAs, given: Given) -> Iterator[Rule]:
    """Work on the project's own module moves only when its people agree."""
    rule = a_rule(open_as, given.item, {"consent": ["yes"], "hours_factor": ["1.5"]}, task_kind="develop")
    yield rule
    rule.retire()


def _panel(page: Page, cell: Cell, key: str) -> Locator:
    return page.get_by_role("region", name=cell.words(key), exact=True)


def _unit(page: Page, change: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(page, "GET", f"/api/units/{change}")
    return found


def _parts(page: Page, change: str) -> dict[str, Any]:
    """What the services tell the same reader, asked one by one."""
    effects = ask(page, "GET", f"/api/goals/changes/{change}/effects")
    deliveries = ask(page, "GET", f"/api/notify/changes/{change}/deliveries")
    return {
        "change": ask(page, "GET", f"/api/changes/changes/{change}"),
        **{name: effects[name] for name in ("locks", "cards", "targets", "reports")},
        "consents": ask(page, "GET", f"/api/changes/consents?change={change}&limit=200")["matrices"],
        "suspects": ask(page, "GET", f"/api/changes/changes/{change}/suspects"),
        "notices": deliveries["deliveries"],
        "unconfirmed": deliveries["unconfirmed"],
        "attachments": ask(page, "GET", f"/api/feedback/changes/{change}/attachments")["attachments"],
    }


def _whole(page: Page, change: str) -> dict[str, Any]:
    """The unit once everything of it is there: all told, a matrix opened, and the clock stopped."""

    def there() -> dict[str, Any] | None:
        unit = _unit(page, change)
        told = {one["person"] for one in unit["notices"] or ()}
        clock = unit["clock"] or {}
        ready = {ENGINEER, TESTER} <= told and unit["consents"] and clock.get("last_delivery") is not None
        return unit if ready else None

    return until(page, there, "the whole unit")


def _time_is_up(bihuan: Instance, change: str, person: str) -> None:
    """The time in which the notice was to be confirmed has passed: its timer is due."""

    async def move() -> str:
        notify = await asyncpg.connect(bihuan.database("notify"))
        try:
            due = (
                "update timers set due_at = now() from notices where timers.kind = 'escalate'"
                " and timers.key = notices.notice::text and notices.change = $1::text::uuid and notices.person = $2"
            )
            return str(await notify.execute(due, change, person))
        finally:
            await notify.close()

    with ThreadPoolExecutor(1) as thread:  # Playwright's loop is this thread's
        assert thread.submit(asyncio.run, move()).result() == "UPDATE 1"


@in_two_cells
def test_the_page_and_the_one_call_hold_the_whole_unit(
    open_as: OpenAs, given: Given, consent: Rule, cell: Cell
) -> None:
    """C5: locks, cards, targets old → new, notices, consents, clock; each row of the call is the service's and on the page."""
    change = given.release("V1.1", limit="6")
    lead = open_as(LEAD, "/me", cell=cell)
    unit = _whole(lead, change)
    assert unit["away"] == []
    parts = _parts(lead, change)
    for name, part in parts.items():
        assert unit[name] == part, name
    assert unit["misses"] == []
    lead.goto(f"/changes/{change}")
    (lock,), (card,), (matrix,) = unit["locks"], unit["cards"], unit["consents"]
    expect(_panel(lead, cell, "change.lockedTasks").get_by_role("link", name=lock["code"])).to_be_visible()
    cards = _panel(lead, cell, "change.retests").locator("tbody tr")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text(card["code"])
    expect(cards).to_contain_text("余量 ≥ 3 dB")
    expect(cards).to_contain_text("余量 ≥ 6 dB")
    targets = _panel(lead, cell, "targets.title")
    expect(targets.locator("tbody tr")).to_have_count(len(unit["targets"]))
    (hours,) = [
        change for one in unit["targets"] if one["task"] == given.tasks["work"]
        for change in one["changes"] if change["field"] == "planned_hours"
    ]  # fmt: skip
    assert (float(hours["old"]), float(hours["new"])) == (20, 30)
    row = targets.locator("tbody tr").filter(has_text=lock["code"]).filter(has_text="30 h")
    expect(row).to_contain_text("20 h")
    expect(row).to_contain_text(cell.words("targets.waiting"))
    said = cell.words("change.ruleOf", target=cell.words("task.target.planned_hours"), rule=consent.title)
    expect(row).to_contain_text(said)  # the lock is another table's, which is named before it (C4)
    expect(_panel(lead, cell, "consent.ofChange").get_by_role("link", name=matrix["number"])).to_be_visible()
    clock = _panel(lead, cell, "clock.title")
    told = [one for one in unit["notices"] if not one["superseded"]]
    expect(clock.locator("ul.pp li")).to_have_count(len(told))
    for one in told:
        expect(clock.locator("ul.pp li").filter(has_text=one["name"])).to_be_visible()
    expect(clock).to_contain_text(cell.words("clock.met"))
    look(lead, cell, "unit")
    for letter in "CDEFK":
        lead.locator(f"#panel-{letter}").scroll_into_view_if_needed()
        look(lead, cell, f"unit-{letter.lower()}")


def test_the_unit_is_kept_from_those_whom_it_does_not_concern(open_as: OpenAs, given: Given) -> None:
    """C5: a supplier's contact is refused as by the service itself, nobody without a session, and no change is no unit."""
    change = given.release("V1.1")
    supplier = open_as("S001-1", "/")
    assert supplier.request.get(f"/api/changes/changes/{change}").status == 403
    assert supplier.request.get(f"/api/units/{change}").status == 403
    assert open_as(None, "/").request.get(f"/api/units/{change}").status == 401
    nothing = "0190b3c0-0000-7000-8000-000000000999"
    assert given.lead.request.get(f"/api/units/{nothing}").status == 404


def test_who_has_not_confirmed_in_time_is_named_until_they_confirm(
    bihuan: Instance, open_as: OpenAs, given: Given
) -> None:
    """C6, N3: in the unit and on the page without a reload; confirming takes the name away."""
    change = given.release("V1.1", limit="6")
    lead = open_as(LEAD, f"/changes/{change}")
    clock = lead.get_by_role("region", name="两分钟计时")
    unit = until(lead, lambda: _told(_unit(lead, change), TESTER), "the tester is told")
    (tester,) = [one for one in unit["notices"] if one["person"] == TESTER]
    assert (tester["must_confirm"], unit["unconfirmed"]) == (True, [])
    chip = clock.locator("ul.pp li").filter(has_text=tester["name"])
    expect(chip).to_contain_text("等确认")
    _time_is_up(bihuan, change, TESTER)
    expect(clock).to_contain_text(f"到时未确认：{tester['name']}")
    expect(chip).to_contain_text("未确认，已提醒")
    assert _unit(lead, change)["unconfirmed"] == [tester["name"]]
    _time_is_up(bihuan, change, TESTER)
    expect(chip).to_contain_text("未确认，已告知上级")

    own = open_as(TESTER, "/inbox")
    notices = ask(own, "GET", "/api/notify/inbox")["notices"]
    mine = next(one["notice"] for one in notices if one["change"] == change and one["kind"] == "change")
    ask(own, "POST", f"/api/notify/notices/{mine}/confirm")
    expect(chip).to_contain_text("已确认")
    expect(clock.get_by_text("到时未确认")).to_have_count(0)
    assert _unit(lead, change)["unconfirmed"] == []


def _told(unit: dict[str, Any], person: str) -> dict[str, Any] | None:
    return unit if any(one["person"] == person for one in unit["notices"] or ()) else None


def test_a_release_that_came_late_misses_everybody_by_name(open_as: OpenAs, given: Given) -> None:
    """C6: two minutes count from the upstream release, not from when we heard of it."""
    release = {
        "item": given.item, "name": f"{given.item} 模块", "kind": "module", "version": "V1.1", "base_version": "V1.0",
        "lines": [], "released_at": (datetime.now(UTC) - timedelta(minutes=9)).isoformat(), "approved_by": [LEAD],
    }  # fmt: skip
    preview = {"version": "V1.1", "description": "换型", "modules": [given.item]}
    until(
        given.lead, lambda: ask(given.lead, "POST", "/api/changes/changes/preview", preview)["people"] >= 2 or None,
        "changes knows the tasks",
    )  # fmt: skip
    publish(open_as(INTEGRATOR, "/"), topics.BOM_RELEASES, release)

    def released() -> str | None:
        found = ask(given.lead, "GET", f"/api/changes/changes?item={given.item}")["changes"]
        return next((str(one["change"]) for one in found if one["new_version"] == "V1.1"), None)

    change = until(given.lead, released, "the change")
    unit = until(given.lead, lambda: _told(_unit(given.lead, change), TESTER), "the tester is told")
    names = {one["name"] for one in unit["notices"]}
    assert names
    assert names <= set(unit["misses"])
    page = open_as(LEAD, f"/changes/{change}")
    clock = page.get_by_role("region", name="两分钟计时")
    expect(clock).to_contain_text("超时：")
    for name in names:
        expect(clock.locator(".ph")).to_contain_text(name)


@in_two_cells
def test_a_change_stays_open_by_name_until_each_card_has_its_report(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """C10: no button, and a refusal from the address; a report against the old criterion does not count; then it closes."""
    change = given.release("V1.1", limit="6")
    (card,) = given.effects(change)["cards"]
    page = open_as(LEAD, f"/changes/{change}", cell=cell)
    way = page.get_by_role("region", name=cell.words("order.title"))
    expect(way.locator(".cwt")).to_contain_text(card["code"])
    expect(way.locator(".cwt")).to_contain_text(card["owner_name"])
    expect(way.get_by_role("button", name=cell.words("order.step.close"))).to_have_count(0)
    order = ask(page, "GET", f"/api/changes/changes/{change}")["order"]
    refused = page.request.post(
        f"/api/changes/changes/{change}/steps/close", data={"version": order["version"]}, headers=MARK
    )
    assert refused.status == 409, refused.text()
    assert card["code"] in refused.text()
    assert [one for one in _unit(page, change)["missing_reports"] if card["code"] in one]
    look(page, cell, "closing-open")

    criterion = card["deliverables"][0]["criteria"][0]
    report = {
        "task": card["task"], "module": given.item, "module_version": "V1.0", "verdict": "passed",
        "measurements": [{"metric": "余量", "value": "9", "unit": "dB"}],
    }  # fmt: skip
    ask(given.lead, "POST", "/api/intake/test-reports", report)
    retests = _panel(page, cell, "change.retests")
    old = until(page, lambda: _unit(page, change)["reports"] or None, "the report of the old version")[0]
    assert not old["counts"]
    expect(retests).to_contain_text(old["reason"]["zh" if cell.language == "zh" else "en"])
    expect(way.locator(".cwt")).to_contain_text(card["code"])

    right = report | {
        "module_version": "V1.1", "criterion": criterion["criterion"], "criterion_version": criterion["version"],
    }  # fmt: skip
    ask(given.lead, "POST", "/api/intake/test-reports", right)
    expect(retests).to_contain_text(cell.words("change.hasReport"))
    until(page, lambda: True if not _unit(page, change)["missing_reports"] else None, "no report is missing")
    close = way.get_by_role("button", name=cell.words("order.step.close"))
    closed = page.get_by_text(cell.words("order.over.closed"))
    expect(close.or_(closed).first).to_be_visible()
    if close.count():
        close.click()
        page.get_by_role("dialog").get_by_role("button", name=cell.words("order.step.close")).click()
    expect(closed).to_be_visible()
    assert ask(page, "GET", f"/api/changes/changes/{change}")["summary"]["closed_at"]
    look(page, cell, "closing-closed")
