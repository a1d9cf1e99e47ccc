"""What a change reaches beside tasks: suppliers with open orders, the technical document, and the rule that decided (C3, C4, C11)."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import Cell, in_two_cells, look
from tests.e2e.given_project import INTEGRATOR, Given, ask, publish, until
from tests.e2e.given_rule import Rule, a_rule

from bihuan_contracts import topics
from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]


def _order(number: str, supplier: str, name: str, item: str, quantity: int, **more: Any) -> dict[str, Any]:
    promised = (datetime.now(UTC) + timedelta(days=12)).isoformat()
    line = {"line": 1, "item": item, "name": "接口板", "quantity": quantity, "promised_at": promised}
    order = {"number": number, "supplier": supplier, "supplier_name": name, "status": "confirmed", "lines": [line]}
    return order | {"version": 1} | more


@in_two_cells
def test_suppliers_with_open_orders_are_named_inside_and_see_nothing_of_others(
    bihuan: Instance, open_as: OpenAs, given: Given, cell: Cell
) -> None:
    """C3: supplier, order and what is still to come; completed orders are left out; the supplier's own page stays theirs."""
    integrator, item = open_as(INTEGRATOR, "/"), given.item
    first, second, over = (f"PO-{item}-{one}" for one in "123")
    publish(integrator, topics.PURCHASE_ORDERS, _order(first, "S001", "宁波汇芯电子", item, 120))
    publish(integrator, topics.PURCHASE_ORDERS, _order(second, "S002", "苏州恒力精密", item, 40))
    publish(integrator, topics.PURCHASE_ORDERS, _order(over, "S003", "早已交清", item, 5, status="completed"))
    goods = {
        "receipt": f"GR-{item}", "order": first, "line": 1, "supplier": "S001", "item": item, "quantity": 20,
        "received_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    publish(integrator, topics.RECEIPTS, goods)
    change = given.release("V1.1")
    page = open_as(LEAD, "/me", cell=cell)

    def suppliers() -> list[dict[str, Any]] | None:
        found = ask(page, "GET", f"/api/changes/changes/{change}")["suppliers"]
        left = {one["order"]: float(one["outstanding"]) for one in found}
        return found if left == {first: 100, second: 40} else None

    until(page, suppliers, "both orders, the receipt taken off")
    page.goto(f"/changes/{change}")
    table = page.locator(".sup table")
    expect(table.locator("tbody tr")).to_have_count(2)
    for number, name, code, left in ((first, "宁波汇芯电子", "S001", "100"), (second, "苏州恒力精密", "S002", "40")):
        row = table.locator("tbody tr").filter(has_text=number)
        expect(row).to_contain_text(name)
        expect(row).to_contain_text(code)
        expect(row.get_by_text(left, exact=True)).to_be_visible()
        expect(row).to_contain_text(cell.words("graph.effects.changed"))
    table.scroll_into_view_if_needed()
    look(page, cell, "suppliers")
    if not cell.phone:
        page.get_by_role("button", name=cell.words("graph.drawing")).click()
        expect(page.locator(".gn.supplier").filter(has_text="苏州恒力精密")).to_be_visible()

    theirs = open_as("S001-1", f"/changes/{change}", cell=cell)
    theirs.wait_for_url("**/inbox")
    expect(theirs.locator("h1:visible").first).to_be_visible()
    told = ask(theirs, "GET", "/api/notify/inbox?filter=all")["notices"]
    assert "S002" not in str(told)
    assert second not in str(told)
    for path in (f"/api/changes/changes/{change}", f"/api/units/{change}", f"/api/goals/changes/{change}/effects",
                 f"/api/notify/changes/{change}/deliveries", f"/api/changes/items/{item}/where-used"):  # fmt: skip
        assert theirs.request.get(path).status == 403, path


@in_two_cells
def test_the_document_follows_each_change_and_keeps_what_it_said(open_as: OpenAs, given: Given, cell: Cell) -> None:
    """C11: each change a version with what is new marked, the older one can be read, and the print holds the text alone."""
    first = given.release("V1.1")
    address = f"/api/changes/projects/{given.project}/document"

    def at(version: int) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            answer = given.lead.request.get(address)
            found: dict[str, Any] = answer.json() if answer.ok else {"newest": 0}
            return found if found["newest"] >= version else None

        return until(given.lead, there, f"version {version} of the document")

    before = at(1)["newest"]
    given.release("V1.2")
    newest = at(before + 1)["newest"]
    page = open_as(LEAD, f"/changes/{first}", cell=cell)
    page.get_by_role("link", name=cell.words("techDoc.updates")).click()
    page.wait_for_url(f"**/boards/{given.project}/document")
    text = page.locator(".doc .md")
    expect(text).to_contain_text("V1.1 → V1.2")
    expect(text).to_contain_text("V1.0 → V1.1")
    look(page, cell, "document")
    versions = page.locator(".dvs li")
    expect(versions).to_have_count(newest)
    latest = versions.filter(has=page.get_by_role("button", name=cell.words("techDoc.version", n=newest), exact=True))
    latest.get_by_role("button", name=cell.words("techDoc.compare")).click()
    difference = page.get_by_role("region", name=cell.words("techDoc.difference", n=newest))
    expect(difference.locator("ins").first).to_contain_text("V1.1 → V1.2")
    expect(difference.get_by_text("###")).to_have_count(0)
    expect(difference.locator("ins").filter(has_text="V1.0 → V1.1")).to_have_count(0)
    expect(difference).to_be_in_viewport()
    look(page, cell, "document-difference")
    difference.get_by_role("button", name=cell.words("action.close")).click()

    page.get_by_role("button", name=cell.words("techDoc.version", n=before), exact=True).click()
    expect(page.get_by_text(cell.words("techDoc.old", version=before))).to_be_visible()
    expect(text).to_contain_text("V1.0 → V1.1")
    expect(text).not_to_contain_text("V1.1 → V1.2")
    look(page, cell, "document-older")
    page.get_by_role("button", name=cell.words("techDoc.toNewest")).click()
    expect(text).to_contain_text("V1.1 → V1.2")

    page.evaluate("window.print = () => { window.printed = true }")
    page.get_by_role("button", name=cell.words("techDoc.pdf")).click()
    page.wait_for_function("window.printed")
    page.emulate_media(media="print")
    for gone in (".rail:visible", ".tabs:visible", ".dvs:visible", ".doc button:visible"):
        expect(page.locator(gone)).to_have_count(0)
    box = text.bounding_box()
    assert box is not None
    assert box["width"] > cell.width * 0.7, "as wide as the paper"
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(text).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(text).to_have_css("color", "rgb(0, 0, 0)")
    look(page, cell, "document-print")
    assert len(page.pdf(format="A4")) > 10_000


@pytest.fixture
def own_rule(open_as: OpenAs, given: Given) -> Iterator[Rule]:
    rule = a_rule(open_as, given.item, {"action": ["lock"], "hours_factor": ["1.5"]}, task_kind="develop")
    yield rule
    rule.retire()


def test_an_approved_version_decides_on_the_next_change(open_as: OpenAs, given: Given, own_rule: Rule) -> None:
    """C4: edited in the browser, nothing before the second person's word, then the next change has it in its trace."""
    owner, director, name = own_rule.owner, own_rule.director, own_rule.name
    owner.goto(f"/rules/{name}")
    owner.get_by_role("button", name="从 v1 起草新版本").click()
    owner.get_by_role("button", name=re.compile("第 1 行，工时系数")).click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_label("工时系数").fill("2")
    dialog.get_by_role("button", name="确定").click()
    owner.get_by_role("button", name="提交批准").click()
    dialog.get_by_role("button", name="提交批准").click()
    expect(owner.get_by_text("已提交，等").first).to_be_visible()
    expect(owner.get_by_role("button", name="批准并发布")).to_have_count(0)
    before = given.release("V1.1")

    director.goto(f"/rules/{name}")
    director.get_by_role("button", name="批准并发布").click()
    expect(director.get_by_text("这一版在线")).to_be_visible()
    after = given.release("V1.2")

    lead = open_as(LEAD, "/me")
    for change, version, hours in ((before, 1, "×1.5"), (after, 2, "×2")):
        lead.goto(f"/changes/{change}")
        row = lead.locator("table.imp tbody tr").filter(has_text=f"{given.item}-01")
        expect(row).to_contain_text("锁定")
        expect(row).to_contain_text(f"工时 {hours}")
        row.get_by_role("button", name=own_rule.title).click()
        trace = lead.get_by_role("dialog")
        expect(trace.get_by_role("heading").first).to_contain_text(f"第 {version} 版")
        table = trace.locator("section.why").filter(
            has=lead.get_by_role("link", name=f"{own_rule.title} v{version}", exact=True)
        )
        expect(table.locator("tbody tr")).to_have_count(1)
        expect(table.locator("tbody tr").get_by_text("命中", exact=True)).to_be_visible()
        lead.keyboard.press("Escape")
