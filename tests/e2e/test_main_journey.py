"""The main loop from the pages alone: one publishes, another sees, confirms, reports, and the board moves."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.demo.company import LEAD, TESTER
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]


def test_a_change_travels_from_the_form_to_the_board(bihuan: Instance, open_as: OpenAs) -> None:
    """C2, N2, N5, F1, G5: without a reload anywhere."""
    tester = open_as(TESTER, "/")
    expect(tester.get_by_role("heading", level=1)).to_be_visible()
    lead = open_as(LEAD, "/changes/new")
    lead.locator(".el-select").first.click()
    lead.keyboard.type("PM-480")
    lead.get_by_role("option", name=re.compile("PM-480")).first.click()
    lead.keyboard.press("Escape")
    lead.get_by_label("新版本号").fill("V9.0")
    lead.get_by_label("变更说明").fill("浏览器测试：换用新电容")
    lead.get_by_role("button", name="发布变更").click()
    lead.wait_for_url(re.compile(r"/changes/[0-9a-f-]{36}"))
    expect(lead.get_by_text("V9.0").first).to_be_visible()

    expect(tester.get_by_text("V9.0").first).to_be_visible()
    tester.goto("/inbox")
    tester.get_by_text("电源模块 V9.0").first.click()
    tester.get_by_role("button", name="确认已读").first.click()
    expect(tester.get_by_text(re.compile("已确认")).first).to_be_visible()

    board = open_as(LEAD, "/boards")
    board.get_by_text("GX-500 五轴磨床").first.click()
    board.wait_for_url(re.compile(r"/boards/[0-9a-f-]{36}"))
    expect(board.get_by_text(re.compile("RT-F")).first).to_be_visible()

    cards = tester.request.get("/api/goals/week").json()["retest_cards"]
    card = next(one for one in cards if one["item_version"] == "V9.0" and one["state"] == "active")
    tester.goto(f"/tasks/{card['task']}")
    tester.get_by_role("button", name="确认无误").first.click()
    tester.get_by_role("button", name=re.compile("送出|发送|提交")).first.click()
    expect(tester.get_by_text(re.compile("确认无误")).first).to_be_visible()
    tester.get_by_role("button", name=re.compile("上传|提交报告|添加报告")).first.click()
    dialog = tester.get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill("7.2")
    dialog.get_by_role("button", name="提交报告").click()
    expect(tester.get_by_text("已验证").first).to_be_visible()
    for page in (tester, lead, board):
        assert page.complaints == []  # type: ignore[attr-defined]


PAGES = ["/", "/boards", "/changes", "/inbox", "/changes/new"]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("width", [1440, 375])
def test_every_page_opens_in_both_languages_and_on_a_phone(open_as: OpenAs, language: str, width: int) -> None:
    """W1: no error, no missing text, no sideways scrolling, no request to anywhere else."""
    page = open_as(LEAD, "/", width=width, height=812, language=language)
    foreign: list[str] = []
    page.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if "localhost" not in request.url and not request.url.startswith(("data:", "blob:"))
            else None
        ),
    )
    for path in PAGES:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} scrolls sideways"
    assert foreign == []
    assert page.complaints == []  # type: ignore[attr-defined]
