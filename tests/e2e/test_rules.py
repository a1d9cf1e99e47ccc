"""The process owner mends a rule in the browser, a second person approves it, and its trace opens (C4)."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
OWNER, DIRECTOR = "10003", "10001"


def test_gap_is_closed_tests_turn_green_and_a_second_person_publishes(bihuan: Instance, open_as: OpenAs) -> None:
    """C4: finding → fix → green tests → dry run → submit → approval by somebody else."""
    owner = open_as(OWNER, "/rules")
    draft = owner.request.post(
        "/api/changes/rules", data={"title": "液压站换版", "complete": True}, headers={"X-Bihuan-Request": "1"}
    ).json()
    name = draft["name"]
    owner.goto(f"/rules/{name}")
    # a condition on the only row leaves everything else without a row
    owner.get_by_role("button", name=re.compile("第 1 行，任务类型")).click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_label("条件").select_option("in")
    dialog.get_by_label("测试", exact=True).check()
    dialog.get_by_role("button", name="确定").click()
    expect(owner.locator(".rfs .block")).to_contain_text("缺口")
    expect(owner.get_by_text("不通过").first).to_be_visible()
    submit = owner.get_by_role("button", name="提交批准")
    expect(submit).to_be_disabled()
    expect(submit).to_have_attribute("title", re.compile("必须解决"))
    # the red test draws its trace: the first condition that is not met, and no row that fires
    owner.locator(".rcs .pick").first.click()
    expect(owner.locator(".dt td.cd.n")).to_contain_text("测试")
    owner.locator(".rcs .pick").first.click()
    owner.get_by_role("button", name="在第 1 行后补一行").click()
    owner.get_by_role("button", name=re.compile("第 2 行，处理")).click()
    dialog.get_by_label("处理").select_option("inform")
    dialog.get_by_role("button", name="确定").click()
    expect(owner.locator(".rfs .block")).to_have_count(0)
    owner.get_by_role("button", name="修改用例 1").click()
    dialog.get_by_label("测试", exact=True).check()
    dialog.get_by_role("button", name="确定").click()
    expect(owner.locator(".rcs .pick").first).to_contain_text("通过")
    expect(submit).to_be_enabled()
    # rows move by keyboard
    owner.get_by_role("button", name=re.compile("第 2 行，处理")).press("Alt+ArrowUp")
    expect(owner.locator(".dt tbody tr").first).to_contain_text("开发")
    owner.get_by_role("button", name=re.compile("试跑最近")).click()
    expect(owner.get_by_text(re.compile("次变更：|还没有可以试跑的变更")).first).to_be_visible()
    submit.click()
    dialog.get_by_role("button", name="提交批准").click()
    expect(owner.get_by_role("heading", level=1)).to_contain_text("液压站换版")
    expect(owner.get_by_text("已提交，等").first).to_be_visible()
    expect(owner.get_by_role("button", name="批准并发布")).to_have_count(0)

    director = open_as(DIRECTOR, "/rules")
    expect(director.get_by_role("row").filter(has_text=name)).to_contain_text("等你批准")
    director.goto(f"/rules/{name}")
    director.get_by_role("button", name="批准并发布").click()
    expect(director.get_by_text("这一版在线")).to_be_visible()
    director.get_by_role("button", name="停用").click()
    director.get_by_label("理由").fill("只为演示")
    director.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(director.get_by_text("这一版已失效")).to_be_visible()
    assert owner.complaints == director.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_rules_are_read_on_a_phone_and_not_edited(bihuan: Instance, open_as: OpenAs, language: str) -> None:
    """C4, W1: labelled blocks, nothing to press that a thumb would spoil."""
    page = open_as(OWNER, "/rules/default", width=375, language=language)
    expect(page.locator(".dt tbody tr").first).to_be_visible()
    expect(page.locator(".dt .cell")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
