"""G1, W3 in the browser: a new project from a workbook, after a look at what it would be or at every wrong cell."""

import io
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import FilePayload, Page, expect
from tests.e2e.cells import Cell, in_two_cells, look

from bihuan_tools.demo.company import LEAD

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(180)]
OpenAs = Callable[..., Page]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAMES = {
    "zh": ("目标", "目标权重", "任务编号", "任务", "任务权重", "负责人", "到期", "交付物", "验证标准", "怎样验证", "清单各项"),
    "en": ("Goal", "Goal weight", "Task code", "Task", "Task weight", "Owner", "Due", "Deliverable", "Criterion", "Verified by", "Checklist items"),
}  # fmt: skip


def _file(book: Workbook) -> FilePayload:
    packed = io.BytesIO()
    book.save(packed)
    return {"name": "tree.xlsx", "mimeType": XLSX, "buffer": packed.getvalue()}


@in_two_cells
def test_a_project_from_a_workbook_whose_wrong_cells_are_named_first(open_as: OpenAs, cell: Cell) -> None:
    page = open_as(LEAD, "/boards/new", cell=cell)
    word, code = cell.words, f"X{uuid4().hex[:5].upper()}"
    page.get_by_role("button", name=word("project.fromWorkbook"), exact=True).click()
    with page.expect_download() as sample:
        page.get_by_role("button", name=word("workbook.empty")).click()
    book = load_workbook(io.BytesIO(sample.value.path().read_bytes()))
    sheet = book.worksheets[0]
    names = _NAMES[cell.language]
    place = {name: [one.value for one in sheet[1]].index(name) + 1 for name in names}
    assert len(place) == len(names)  # the form is in the reader's language
    rows: list[tuple[Any, ...]] = [
        ("样机达标", 60, f"{code}-01", "原理设计", 40, "查无此人", "2027-03-05", "评审纪要", "评审遗留关闭", "清单" if cell.language == "zh" else "checklist"),
        (None, None, f"{code}-02", "样机调试", "很多", "周启航", "2027-04-02", "调试记录", "温升合格"),
        ("量产准备", None, f"{code}-03", "装配工艺"),
    ]  # fmt: skip
    for number, row in enumerate(rows, 2):
        for name, value in zip(names, row, strict=False):
            sheet.cell(number, place[name]).value = value
    page.locator("input[type=file]").set_input_files(_file(book))
    wrong = page.get_by_role("region", name=word("workbook.errors"))
    expect(wrong.get_by_role("row", name=re.compile(f"2.*{names[5]}.*查无此人"))).to_be_visible()
    expect(wrong.get_by_role("row", name=re.compile(f"3.*{names[4]}.*很多"))).to_be_visible()
    look(page, cell, "new-workbook-wrong")
    sheet.cell(2, place[names[5]]).value = "周启航"
    sheet.cell(3, place[names[4]]).value = None
    page.locator("input[type=file]").set_input_files(_file(book))
    expect(wrong.get_by_role("row", name=re.compile(f"2.*{names[10]}"))).to_be_visible()  # a checklist without items
    sheet.cell(2, place[names[10]]).value = "降额核算\n意见关闭"

    page.locator("input[type=file]").set_input_files(_file(book))
    tree = page.get_by_role("region", name=word("template.tree"))
    expect(tree.get_by_text(word("project.workbookWill", goals=2, tasks=3))).to_be_visible()
    expect(tree.get_by_role("row", name=re.compile(f"{code}-01.*原理设计.*周启航"))).to_contain_text("40%")
    second = tree.get_by_role("row", name=re.compile(f"{code}-02"))
    expect(second).to_contain_text("2027-04-02")
    expect(second).to_contain_text("60%")  # nobody has set it: what the others leave (G1, G2)
    expect(tree.get_by_role("row", name=re.compile("^量产准备"))).to_contain_text("40%")
    expect(tree.get_by_role("row", name=re.compile(f"{code}-03"))).to_contain_text("100%")
    make = page.get_by_role("button", name=word("project.make"))
    expect(make).to_be_disabled()  # the project's own fields are still empty
    form = page.locator("form")
    form.get_by_label(word("project.code")).fill("P-CM-80")
    form.get_by_label(word("project.field.name")).fill(f"{code} 机")
    form.get_by_label(word("project.field.product")).fill(code)
    make.click()
    expect(form.get_by_role("alert")).to_contain_text("P-CM-80")
    look(page, cell, "new-workbook-ready")
    form.get_by_label(word("project.code")).fill(code)
    make.click()
    page.wait_for_url("**/boards/*/edit")
    expect(page.get_by_text(f"{code}-02").first).to_be_visible()
    project = page.url.split("/")[-2]
    made = page.request.get(f"/api/goals/projects/{project}/tree").json()
    assert [goal["weight"] for goal in made["goals"]] == ["60", None]
    assert made["goals"][0]["tasks"][0]["deliverables"][0]["criteria"][0]["items"] == ["降额核算", "意见关闭"]
