"""G1, W3 in the browser: a broken workbook names its cells and does nothing; mended, it is written as a whole."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import FilePayload, Page, expect
from tests.e2e.cells import faults, settle

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(120)]
OpenAs = Callable[..., Page]
LEAD = "10112"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _file(book: Workbook) -> FilePayload:
    packed = io.BytesIO()
    book.save(packed)
    return {"name": "目标树.xlsx", "mimeType": XLSX, "buffer": packed.getvalue()}


def _cell(sheet: Any, row: int, column: str) -> Any:
    return sheet.cell(row, [one.value for one in sheet[1]].index(column) + 1)


def test_a_broken_workbook_names_its_cells_and_a_mended_one_is_written(open_as: OpenAs) -> None:
    page = open_as(LEAD, "/boards")
    listed = page.request.get("/api/goals/projects").json()["projects"]
    project = next(one["project"] for one in listed if one["code"] == "P-CM-80")
    page.goto(f"/boards/{project}/import")
    with page.expect_download() as exported:
        page.get_by_role("button", name="导出现有目标树").click()
    assert exported.value.suggested_filename == "P-CM-80.xlsx"
    book = load_workbook(io.BytesIO(exported.value.path().read_bytes()))
    sheet = book.worksheets[0]
    row = next(n for n in range(2, sheet.max_row) if _cell(sheet, n, "状态").value == "进行中")
    title = _cell(sheet, row, "任务").value
    owner = _cell(sheet, row, "负责人").value

    _cell(sheet, row, "负责人").value = "查无此人"
    _cell(sheet, row, "到期").value = "下周"
    _cell(sheet, row, "任务").value = f"{title}（改名）"
    page.locator("input[type=file]").set_input_files(_file(book))
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 处要改，什么都没有写入")
    wrong = page.get_by_role("region", name="要改的单元格")
    expect(wrong.get_by_role("row", name=re.compile(f"{row}.*负责人.*查无此人"))).to_be_visible()
    expect(wrong.get_by_role("row", name=re.compile(f"{row}.*到期.*下周"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^写入"))).to_have_count(0)
    settle(page)
    assert faults(page) == []

    _cell(sheet, row, "负责人").value = owner
    _cell(sheet, row, "到期").value = None
    page.locator("input[type=file]").set_input_files(_file(book))
    effects = page.get_by_role("region", name="会发生什么")
    expect(effects.get_by_role("row", name=re.compile("改名"))).to_be_visible()
    tree = page.request.get(f"/api/goals/projects/{project}/tree").text()
    assert "改名" not in tree  # a look is no change
    page.get_by_role("button", name="写入 1 处改动").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("已写入 1 处改动")
    page.get_by_role("link", name="去目标树").click()
    expect(page.get_by_text(f"{title}（改名）").first).to_be_visible()


def test_what_is_no_workbook_is_refused_on_a_phone(open_as: OpenAs) -> None:
    page = open_as(LEAD, "/boards", width=375, height=812)
    listed = page.request.get("/api/goals/projects").json()["projects"]
    page.goto(f"/boards/{listed[0]['project']}/import")
    page.locator("input[type=file]").set_input_files({"name": "a.xlsx", "mimeType": XLSX, "buffer": b"no zip"})
    expect(page.get_by_role("alert").get_by_text("Excel")).to_be_visible()
    with page.expect_download() as sample:
        page.get_by_role("button", name="下载空表样例").click()
    assert load_workbook(io.BytesIO(sample.value.path().read_bytes())).worksheets[0]["A1"].value == "目标"
    settle(page)
    assert faults(page) == []
