"""Change orders from the pages: written, approved, rebased, read as a drawing, and kept in the technical document."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from bihuan_tools.demo.company import ENGINEER, LEAD
from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]
OpenAs = Callable[..., Page]
CHANGE = re.compile(r"/changes/[0-9a-f-]{36}")


def orders(page: Page, **asked: str | float | bool) -> list[dict[str, str]]:
    found: list[dict[str, str]] = page.request.get("/api/changes/changes", params=asked).json()["changes"]
    return found


def test_a_draft_with_a_file_goes_through_review(bihuan: Instance, open_as: OpenAs) -> None:
    """C1, C2: the author can't approve, the lead can; nobody is affected before."""
    engineer = open_as(ENGINEER, "/changes/new")
    engineer.locator(".el-select").first.click()
    engineer.keyboard.type("HS-12")
    engineer.get_by_role("option", name=re.compile("HS-12")).first.click()
    engineer.keyboard.press("Escape")
    engineer.get_by_label("新版本号").fill("V1.3")
    engineer.get_by_label("变更说明").fill("浏览器测试：电磁阀改用低功耗型号")
    engineer.get_by_text("类型、附件").click()
    engineer.locator("input[type=file]").set_input_files(
        {"name": "选型.txt", "mimeType": "text/plain", "buffer": "低功耗电磁阀选型".encode()}
    )
    engineer.get_by_role("button", name="提交审批").click()
    engineer.wait_for_url(CHANGE)
    expect(engineer.get_by_text("等审批").first).to_be_visible()
    expect(engineer.get_by_text("选型.txt").first).to_be_visible()
    expect(engineer.get_by_role("button", name="批准")).to_have_count(0)
    lead = open_as(LEAD, engineer.url)
    lead.get_by_role("button", name="批准").click()
    lead.get_by_role("dialog").get_by_role("button", name="批准").click()
    expect(engineer.get_by_text("已审批").first).to_be_visible()
    engineer.get_by_role("button", name="取消变更").click()
    dialog = engineer.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("只是测试")
    dialog.get_by_role("button", name="取消变更").click()
    expect(engineer.get_by_text("内容已锁定").first).to_be_visible()
    for page in (engineer, lead):
        assert page.complaints == []  # type: ignore[attr-defined]


def test_the_second_change_on_one_base_is_rebased(bihuan: Instance, open_as: OpenAs) -> None:
    """C1: what the other one did is shown before the base is moved."""
    engineer = open_as(ENGINEER, "/changes")
    stale = next(one for one in orders(engineer, item="FD-2", state="draft"))
    engineer.goto(f"/changes/{stale['change']}")
    engineer.get_by_role("button", name="看差异并变基").click()
    dialog = engineer.get_by_role("dialog")
    expect(dialog.get_by_text("ECN-2026-0176")).to_be_visible()
    expect(dialog.get_by_text("电极换用哈氏合金")).to_be_visible()
    dialog.get_by_role("button", name=re.compile("变基到 V3.3A")).click()
    expect(engineer.get_by_text("写完并提交审批").first).to_be_visible()
    assert engineer.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [1440, 375])
def test_impact_is_drawn_and_told(bihuan: Instance, open_as: OpenAs, width: int) -> None:
    """C3: a drawing that the keyboard reaches, a list on the phone; links in doubt are cleared with a reason."""
    page = open_as(LEAD, "/changes", width=width)
    change = orders(page, item="FD-2", q="0176")[0]["change"]
    page.goto(f"/changes/{change}")
    if width > 720:
        page.get_by_role("button", name="图形视图").click()
        task = page.locator("g.gn.task").first
        task.focus()
        task.press("Enter")
        page.wait_for_url(re.compile("/tasks/"))
        page.goto(f"/changes/{change}")
        box = page.locator(".sus tbody input[type=checkbox]").first
        box.check()
        page.get_by_label("为什么原来的结论仍然成立").fill("接口尺寸没有变，已复核")
        page.get_by_role("button", name=re.compile("核对无误")).click()
        expect(page.get_by_text("接口尺寸没有变，已复核").first).to_be_visible()
    else:
        expect(page.locator("table.imp").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_document_is_written_compared_and_printed(bihuan: Instance, open_as: OpenAs) -> None:
    """C11: Markdown never runs; the browser's PDF holds the text."""
    page = open_as(LEAD, "/boards")
    projects = page.request.get("/api/goals/projects").json()["projects"]
    project = next(one["project"] for one in projects if one["code"] == "P-GX-500")
    page.goto(f"/boards/{project}/document")
    section = page.locator("section.panel", has=page.get_by_role("heading", name="总述", exact=True))
    section.get_by_role("button", name="编辑").click()
    text = page.get_by_label("内容")
    text.fill(
        "甲乙丙丁 <img src=x onerror=\"document.title='run'\"> [点](javascript:alert(1))\n\n" + text.input_value()
    )
    page.get_by_role("button", name="保存新版本").click()
    expect(page.get_by_text("甲乙丙丁").first).to_be_visible()
    assert page.locator(".md img").count() == 0
    assert page.title() != "run"
    page.get_by_role("button", name="看改动").first.click()
    expect(page.locator("ins", has_text="甲乙丙丁")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="导出 PDF")).to_be_hidden()
    assert len(page.pdf(format="A4")) > 10_000
    assert page.complaints == []  # type: ignore[attr-defined]
