"""Changes that begin at a date and deviations that end by themselves, on the pages (C1)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from bihuan_chassis.calendar import ZONE
from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]
CHANGE = re.compile(r"/changes/[0-9a-f-]{36}")
MODULE = "HS-12"


def version(page: Page) -> str:
    modules = page.request.get("/api/changes/modules").json()["modules"]
    return next(str(one["version"]) for one in modules if one["item"] == MODULE)


def test_a_dated_change_tells_the_day_affects_nobody_before_and_can_be_cancelled(
    bihuan: Instance, open_as: OpenAs
) -> None:
    """C1, C3: notice now, action at the date; until then the page says what it would do."""
    lead = open_as(LEAD, "/changes/new")
    before = version(lead)
    lead.locator(".el-select").first.click()
    lead.keyboard.type(MODULE)
    lead.get_by_role("option", name=re.compile(MODULE)).first.click()
    lead.keyboard.press("Escape")
    lead.get_by_label("新版本号").fill("V7.7")
    lead.get_by_label("变更说明").fill("浏览器测试：下月换供应商")
    lead.get_by_label("生效日期").fill((datetime.now(ZONE) + timedelta(days=30)).date().isoformat())
    lead.get_by_role("button", name=re.compile("^发布")).click()
    lead.wait_for_url(CHANGE)
    expect(lead.get_by_text("待生效").first).to_be_visible()
    expect(lead.get_by_text("受影响的人已收到通知；在此之前可以撤销").first).to_be_visible()
    expect(lead.get_by_text("还没有生效：下面是按现在的结构和规则预计的影响").first).to_be_visible()
    assert version(lead) == before
    lead.get_by_role("button", name="取消变更").click()
    dialog = lead.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("供应商不换了")
    dialog.get_by_role("button", name="取消变更").click()
    expect(lead.get_by_text("内容已锁定").first).to_be_visible()


def test_a_deviation_ends_by_itself_and_the_page_says_so(bihuan: Instance, open_as: OpenAs) -> None:
    """C1: without a reload; the version before it is in force again, as a next revision on record."""
    lead = open_as(LEAD, "/changes")
    before = version(lead)
    ends = datetime.now(UTC) + timedelta(seconds=8)
    answer = lead.request.post(
        "/api/changes/changes",
        data={
            "version": "V7.7-D1", "description": "缺料，临时代用", "modules": [MODULE], "effective_at": None,
            "change_type": "deviation", "expires_at": ends.isoformat(),
        },
        headers={"X-Bihuan-Request": "1"},
    )  # fmt: skip
    assert answer.ok, answer.text()
    lead.goto(f"/changes/{answer.json()['change']}")
    expect(lead.get_by_text("V7.7-D1").first).to_be_visible()
    expect(lead.get_by_text("偏差到期").first).to_be_visible(timeout=60_000)
    assert version(lead) == before
    found = lead.request.get("/api/changes/changes", params={"item": MODULE}).json()["changes"]
    revisions = [(one["revision"], one["new_version"]) for one in found if one["number"] == answer.json()["number"]]
    assert sorted(revisions) == [(1, "V7.7-D1"), (2, before)]
