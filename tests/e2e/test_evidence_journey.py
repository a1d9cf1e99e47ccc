"""G5 in the browser: ticking a checklist, approving a document, and choosing where a report belongs."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.demo.company import ENGINEER, LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]


def _task(page: Page, code: str) -> dict[str, Any]:
    found = page.request.get("/api/search", params={"q": code}).json()["tasks"]
    return next(one for one in found if one["code"] == code)


def test_owner_ticks_and_the_lead_approves_what_the_owner_may_not(open_as: OpenAs) -> None:
    """G5: the owner sees who approves and has no button; the lead's approval finishes the task."""
    page = open_as(ENGINEER, "/")
    page.goto(f"/tasks/{_task(page, 'GX-500-26')['task']}")
    evidence = page.get_by_role("region", name="交付证据")
    for item in ("原理图评审意见全部答复", "器件降额核算"):
        evidence.get_by_label(item).check()
    evidence.get_by_role("button", name="保存 2/5").click()
    expect(evidence.get_by_text(re.compile("还差 3 项")).first).to_be_visible()

    document = _task(page, "GX-500-29")["task"]
    page.goto(f"/tasks/{document}")
    expect(evidence.get_by_text("负责人不能批准自己的交付")).to_be_visible()
    expect(evidence.get_by_role("button", name="批准")).to_have_count(0)
    expect(evidence.get_by_role("link", name=re.compile("设计说明书"))).to_be_visible()

    lead = open_as(LEAD, f"/tasks/{document}")
    lead.get_by_role("region", name="交付证据").get_by_role("button", name="批准").click()
    expect(page.get_by_text("已验证").first).to_be_visible()
    assert page.complaints == lead.complaints == []  # type: ignore[attr-defined]


def test_report_in_doubt_is_placed_by_its_tester_on_a_phone(open_as: OpenAs) -> None:
    """G5: several tasks fit, so the tester chooses; then it is no longer asked."""
    page = open_as("10315", "/evidence", width=375, height=812)
    doubts = page.get_by_role("region", name="拿不准的报告")
    expect(doubts.get_by_text("TR-2026-0412").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    doubts.get_by_role("button", name=re.compile("CM-80")).first.click()
    expect(doubts.get_by_text("没有等你归位的报告")).to_be_visible()
    page.get_by_label("用来归位的文字").fill("RD-16 V1.5")
    expect(page.get_by_text(re.compile("处都可能|已选好")).first).to_be_visible()
    assert page.complaints == []  # type: ignore[attr-defined]
