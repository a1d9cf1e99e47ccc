"""G1 in the browser: a template made from a project and edited, and a project made from one."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import faults, settle

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
PROCESS_OWNER = "10003"


def test_process_owner_makes_a_template_from_a_project_and_edits_it(open_as: OpenAs) -> None:
    name = f"变送器改进 {uuid4().hex[:4]}"
    page = open_as(PROCESS_OWNER, "/boards/templates")
    page.get_by_label("从已有项目生成").select_option(label="TS-330 温度变送器")
    page.get_by_role("button", name="从已有项目生成").click()
    page.get_by_label("模板名称").fill(name)
    page.get_by_label("项目类型").fill("改型")
    first = page.get_by_role("listitem").filter(has=page.get_by_label("几个工作日", exact=True)).first
    expect(first).to_be_visible()
    key = first.get_by_label("代号").input_value()
    first.get_by_label("前置").fill(key)  # it would wait for itself
    first.get_by_label("前置").blur()
    page.get_by_role("button", name="保存模板").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    first.get_by_label("前置").fill("")
    first.get_by_label("前置").blur()
    first.get_by_label("几个工作日", exact=True).fill("12")
    first.get_by_label("几个工作日", exact=True).blur()
    page.get_by_role("button", name="保存模板").click()
    expect(page.get_by_role("button", name=re.compile(name))).to_be_visible()
    settle(page)
    assert faults(page) == []


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
