"""G1 in the browser: a template made from a project and edited, and a project made from one."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.e2e.cells import Cell, faults, in_two_cells, look, settle

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
PROCESS_OWNER = "10003"


@in_two_cells
def test_process_owner_makes_a_template_from_a_project_and_edits_all_of_it(open_as: OpenAs, cell: Cell) -> None:
    """G1, G5: the rows and the form of the tree editor; a refusal leads to its part and field."""
    word, name = cell.words, f"变送器改进 {uuid4().hex[:4]}"
    page = open_as(PROCESS_OWNER, "/boards/templates", cell=cell)
    page.get_by_label(word("template.fromProject")).select_option(label="TS-330 温度变送器")
    page.get_by_role("button", name=word("template.fromProject")).click()
    page.get_by_role("textbox", name=word("template.title"), exact=True).fill(name)
    page.get_by_label(word("template.type")).fill("改型")
    tree, form = page.get_by_role("list", name=word("board.tree")), page.locator("form.nf")

    def field(name: str) -> Locator:
        return form.get_by_label(word(f"treeEdit.field.{name}"), exact=True)

    row = tree.locator(".er.task").filter(has_text="型式试验").first
    title = str(row.locator("button.pick").get_attribute("title"))
    row.locator("button.pick").click()
    field("days").fill("12")
    field("start_day").fill("3")
    field("planned_hours").fill("48")
    expect(row).to_contain_text(word("template.span", day=3, days=12))
    row.get_by_role("button", name=word("board.unfold", title=title)).click()
    criterion = tree.locator(".er.criterion").first
    criterion.locator("button.pick").click()
    field("proof").select_option("checklist")
    page.get_by_role("button", name=word("template.save")).click()
    refused = page.get_by_role("alert").filter(
        has_text="清单至少要有一项" if cell.language == "zh" else "at least one item"
    )
    expect(refused.first).to_be_visible()
    look(page, cell, "template-refused")
    tree.locator(".er.goal button.pick").first.click()
    refused.get_by_role("button").first.click()  # to the part that is wrong
    field("items").fill("外观\n铭牌")
    deliverable = tree.locator(".er.deliverable").first.locator("button.pick").get_attribute("title")
    tree.get_by_role("button", name=word("treeEdit.addBelow.criterion", title=deliverable)).click()
    page.get_by_label(word("treeEdit.new.criterion")).fill("主任认可")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    tree.locator("button.pick[title='主任认可']").click()
    field("proof").select_option("approval")
    field("approver").select_option("director")
    page.get_by_role("button", name=word("template.save")).click()
    expect(page.get_by_role("button", name=re.compile(name))).to_be_visible()
    look(page, cell, "template-edited")
    listed = page.request.get("/api/goals/templates").json()["templates"]
    saved = next(one for one in listed if one["name"] == name)
    task = next(one for goal in saved["goals"] for one in goal["tasks"] if one["title"] == title)
    assert (task["start_day"], task["days"], float(task["planned_hours"])) == (2, 12, 48)
    first, *_, last = task["deliverables"][0]["criteria"]
    assert (first["kind"], first["items"]) == ("checklist", ["外观", "铭牌"])
    assert (last["text"], last["kind"], last["approver"]) == ("主任认可", "approval", "director")


def test_lead_sees_the_tree_with_its_dates_and_makes_the_project(open_as: OpenAs) -> None:
    code = f"P-{uuid4().hex[:6].upper()}"
    page = open_as(LEAD, "/boards/new")
    page.get_by_label("模板", exact=True).select_option(label="传感器新品开发（8 个月）")
    page.get_by_label("开始").fill("2027-01-29")
    tree = page.get_by_role("region", name="目标树")
    # eleven working days later, with the Spring Festival of 2027 between
    circuit = tree.get_by_role("row", name=re.compile("调理电路原理设计"))
    expect(circuit).to_contain_text("2027-02")
    expect(tree.get_by_role("row", name=re.compile("敏感元件选型"))).to_contain_text("2027-01-29")
    settle(page)
    assert faults(page) == []
    page.get_by_label("项目号").fill(code)
    page.get_by_label("项目名称").fill("压力变送器二代")
    page.get_by_label("产品").fill("PS-220")
    page.get_by_role("button", name="建立项目").click()
    page.wait_for_url("**/boards/*/edit")
    expect(page.get_by_text(f"{code}-02").first).to_be_visible()
