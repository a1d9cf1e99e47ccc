"""G1, W3: a tree goes out as a workbook and comes back; a broken one says which cell and does nothing."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

import io
import zipfile
from typing import Any
from urllib.parse import urlencode

import given_goals as given
import pytest
from openpyxl import Workbook, load_workbook

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow
HEAD = ["目标", "目标权重", "任务编号", "任务", "类型", "状态", "任务权重", "负责人", "到期", "前置任务", "交付物", "验证标准", "测什么", "下限"]  # fmt: skip
GOOD: list[list[Any]] = [
    ["电气", 60, "N-1", "原理设计", "开发", "进行中", 40, "周启航", "2026-04-01", None, "设计评审纪要", "评审遗留问题关闭"],
    [None, None, "N-2", "型式试验", "测试", "草稿", None, given.TESTER, "2026/05/01", "N-1", "试验报告", "余量 ≥ 3 dB", "余量", 3],
    [None, None, None, None, None, None, None, None, None, None, None, "外观完好"],
    ["机械", None, "N-3", "装配", "工艺", "草稿"],
]  # fmt: skip


def workbook(*rows: list[Any], head: list[str] | None = None) -> bytes:
    book = Workbook()
    assert book.active is not None
    book.active.append(head or HEAD)
    for row in rows:
        book.active.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def address(dry_run: bool = True, **more: str) -> str:
    values = {"code": "P-NEW", "name": "新项目", "product": "GX-600", "dry_run": str(dry_run).lower(), **more}
    return f"/workbooks?{urlencode(values)}"


async def test_new_project_from_a_workbook_after_a_dry_run(goals: RunningService) -> None:
    await given.a_project(goals)
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    dry = (await client.post(address(), content=workbook(*GOOD))).json()
    assert (dry["errors"], dry["applied"], dry["goals"], dry["tasks"]) == ([], False, 2, 3)
    assert len((await client.get("/projects")).json()["projects"]) == 1
    done = (await client.post(address(False), content=workbook(*GOOD))).json()
    assert done["applied"] is True
    tree = (await client.get(f"/projects/{done['project']}/tree")).json()
    first, second = tree["goals"][0]["tasks"]
    assert (first["owner"], first["state"], second["owner"]) == (given.ENGINEER, "active", given.TESTER)
    assert second["depends_on"] == [first["task"]]
    assert [one["text"] for one in second["deliverables"][0]["criteria"]] == ["余量 ≥ 3 dB", "外观完好"]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (["电气", "很多", "N-1", "设计"], "目标权重", "number"),
        (["电气", None, "N-1", "设计", "画图"], "类型", "word"),
        (["电气", None, "N-1", "设计", None, None, None, "无此人"], "负责人", "unknown_person"),
        (["电气", None, "N-1", "设计", None, None, None, None, "下周"], "到期", "date"),
        (["电气", None, "N-1", "设计", None, None, "=1+1"], "任务权重", "formula"),
        (["电气", None, "N-1", '=HYPERLINK("http://x")'], "任务", "formula"),
        (["电气", None, "N-1", "设计", None, "进行中"], "交付物", "gap"),
        (["电气", None, "N-1", "设计", None, None, 120], "任务权重", "value"),
        (["电气", None, "N-1", "设计", None, None, None, None, None, "N-9"], "前置任务", "unknown_task"),
        (["电气", None, None, "设计"], "任务编号", "missing"),
        ([None, None, "N-1", "设计"], "目标", "missing"),
    ],
)
async def test_broken_cell_is_named_and_nothing_is_imported(
    goals: RunningService, row: list[Any], column: str, code: str
) -> None:
    """G1: row, column and value, in the reader's language."""
    await given.a_project(goals)
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    (error, *_) = (await client.post(address(), content=workbook(row))).json()["errors"]
    assert (error["row"], error["column"], error["code"]) == (2, column, code)
    refused = await client.post(address(False), content=workbook(row))
    assert refused.status_code == 422
    assert len((await client.get("/projects")).json()["projects"]) == 1


async def test_refusals_speak_the_readers_language(goals: RunningService) -> None:
    await given.a_project(goals)
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD], language="en")
    (error,) = (await client.post(address(), content=workbook(["电气", "很多", "N-1", "设计"]))).json()["errors"]
    assert (error["column"], error["message"]) == ("Goal weight", "Should be a number")


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * 40_000_000)
    return packed.getvalue()


def _doctype() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as book:
        book.writestr("xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    return packed.getvalue()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not a workbook", "unreadable"),
        (_bomb(), "bomb"),
        (_doctype(), "doctype"),
        (workbook(["x"], head=["甲", "乙"]), "no_columns"),
    ],
)
async def test_file_that_is_no_workbook_or_a_dangerous_one_is_refused(
    goals: RunningService, body: bytes, code: str
) -> None:
    refused = await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post(address(), content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_exported_tree_comes_back_without_any_difference(goals: RunningService) -> None:
    """Formulas in titles stay texts."""
    before = await given.a_project(
        goals, given.tree(given.work("T-1", title="=1+1 模块"), given.work("T-2", weight="30"))
    )
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    path = f"/projects/{before['T-1'].project}/workbook"
    body = (await client.get(path)).content
    sheet = load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    assert (sheet["E2"].value, sheet["E2"].data_type) == ("=1+1 模块", "s")
    found = (await client.post(path, content=body)).json()
    assert (found["errors"], found["effects"]) == ([], [])


async def test_workbook_changes_an_existing_tree_by_the_rules_of_editing(goals: RunningService) -> None:
    """G1: new rows are added, what differs is edited, old → new is shown first, nothing is removed."""
    before = await given.a_project(goals)
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    path = f"/projects/{before['T-1'].project}/workbook"
    same = (await client.post(path, content=(await client.get(path)).content)).json()
    assert (same["errors"], same["effects"]) == ([], [])
    head = ["目标", "任务编号", "任务", "任务权重", "前置任务"]
    rows = workbook(["电气", "T-1", "任务 T-1", 25, "T-2"], [None, "T-8", "新任务"], head=head)
    dry = (await client.post(path, content=rows)).json()
    assert [(one["row"], one["action"]) for one in dry["effects"]] == [(2, "changed"), (3, "created"), (2, "changed")]
    assert dry["effects"][0]["changes"] == [{"field": "weight", "old": None, "new": "25"}]
    assert (await given.tasks(goals))["T-1"].weight is None
    done = (await client.post(f"{path}?dry_run=false", content=rows)).json()
    assert done["applied"] is True
    after = await given.tasks(goals)
    assert (after["T-1"].weight, after["T-1"].depends_on, after["T-8"].state) == (25, (before["T-2"].task,), "draft")
    assert after["T-4"].state == "active"
    stranger = (
        await goals.client(given.TESTER).post(path, content=workbook(["电气", "T-1", "改名"], head=head[:3]))
    ).json()
    assert [one["code"] for one in stranger["errors"]] == ["not_editor"]
    over = workbook(["电气", "T-1", "任务 T-1", 90], [None, "T-2", "任务 T-2", 20], head=head[:4])
    (error,) = (await client.post(path, content=over)).json()["errors"]
    assert "T-1 90" in error["message"]
