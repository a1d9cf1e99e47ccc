"""G9 in the browser: figures beside the team's, an own goal from proposal over a counter-offer to acceptance."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.cells import faults, settle

from bihuan_tools.demo.company import ENGINEER, TESTER

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
HEAD_OF_TEST = "10002"


def test_employee_sees_where_they_stand_and_what_is_not_known(open_as: OpenAs) -> None:
    """G9: faster than the team's median with n and quartiles; payment with its interval, or "not enough data"."""
    page = open_as(ENGINEER, "/goals", width=375, height=812)
    response = page.get_by_role("listitem", name="客户加急响应")
    expect(response.get_by_text(re.compile(r"比团队中位数快 [123](\.\d)? 天"))).to_be_visible()
    expect(response.get_by_text(re.compile(r"团队中位数 .* 天（10 人，n=\d+），中间一半"))).to_be_visible()
    expect(response.get_by_text(re.compile(r"^r=0\.\d+，95% 区间 .* 至 .*，n=\d+$"))).to_be_visible()
    passed = page.get_by_role("listitem", name="首次试验通过率")
    expect(passed.get_by_text("与回款：数据不足")).to_be_visible()
    expect(passed.get_by_text("不显示团队数字")).to_be_visible()
    settle(page)
    assert faults(page) == []


def test_a_goal_is_proposed_countered_and_accepted(open_as: OpenAs) -> None:
    """G9: the employee proposes from a metric, the manager offers another target, the employee accepts; all is kept."""
    page = open_as(TESTER, "/goals")
    page.get_by_role("listitem", name="任务准时率").get_by_role("button", name="定目标").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("目标值（%）").fill("95")
    expect(dialog.get_by_label("目标", exact=True)).to_have_value("任务准时率达到 95%")
    dialog.get_by_label(re.compile("对上级说一句")).fill("暗室预约提前两周")
    dialog.get_by_role("button", name="提出").click()
    own = page.get_by_role("region", name="自定目标")
    expect(own.get_by_text("等上级答复")).to_be_visible()

    boss = open_as(HEAD_OF_TEST, "/goals")
    expect(boss.get_by_role("heading", level=1)).to_contain_text("1 个自定目标等你答复")
    theirs = boss.get_by_role("region", name="团队成员的目标")
    theirs.get_by_role("button", name="协商").click()
    theirs.get_by_label("另一个目标值（%）").fill("90")
    theirs.get_by_label("原因").fill("暗室下季度要检修，先到 90")
    theirs.get_by_role("button", name="协商").click()
    expect(theirs.get_by_text("协商中")).to_be_visible()
    settle(boss)
    assert faults(boss) == []

    expect(own.get_by_text("等你答复")).to_be_visible()  # it came by itself
    own.get_by_role("button", name="接受").click()
    expect(own.get_by_text("已接受")).to_be_visible()
    expect(own.get_by_role("list", name="往来").get_by_role("listitem")).to_have_count(3)
    expect(theirs.get_by_text("已接受")).to_be_visible()


def test_a_colleague_sees_nothing_of_it(open_as: OpenAs) -> None:
    page = open_as("10310", f"/goals?person={TESTER}")
    expect(page.get_by_text("只有本人、直线上级和人力资源可见").first).to_be_visible()
    expect(page.get_by_text("95%")).to_have_count(0)
