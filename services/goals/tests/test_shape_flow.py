"""G1, G5: a tree that can't be verified is refused the same way by import, workbook, template and editor."""

from typing import Any
from uuid import UUID

import given_goals as given
import httpx
import pytest
from test_template_flow import template
from test_workbook_flow import address, workbook

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow
BAD: dict[str, Any] = {"text": "评审清单", "kind": "checklist"}
HEAD = ["目标", "任务编号", "任务", "交付物", "验证标准", "怎样验证", "测什么", "下限", "上限", "清单各项", "由谁批准"]


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["field"], one["code"]) for one in answer.json()["errors"]]


async def test_every_way_in_names_the_field_of_a_checklist_without_items(goals: RunningService) -> None:
    below: dict[str, Any] = {"deliverables": [{"title": "纪要", "criteria": [given.criterion(), BAD]}]}
    found = await given.a_project(goals)
    lead, owner = goals.client(given.LEAD, [Role.PROJECT_LEAD]), goals.client("10002", [Role.PROCESS_OWNER])
    tree = (await lead.get(f"/projects/{found['T-1'].project}/tree")).json()["goals"][0]
    task = next(one for one in tree["tasks"] if one["code"] == "T-1")
    body = {"code": "P-2", **below}
    path = "deliverables.0.criteria.1.items"

    imported = await lead.post("/projects", json=given.tree(given.work("N-1", **below), code="P-2"))
    assert fields(imported) == [(f"goals.0.tasks.0.{path}", "needed")]
    laid = template()
    laid["goals"][0]["tasks"][1]["deliverables"] = below["deliverables"]
    assert fields(await owner.post("/templates", json=laid)) == [(f"goals.0.tasks.1.{path}", "needed")]
    new = {"goal": tree["goal"], "title": "新任务", **body}
    assert fields(await lead.post(f"/projects/{found['T-1'].project}/tasks", json=new)) == [(path, "needed")]
    added = {"revision": task["revision"], **below["deliverables"][0]}
    assert fields(await lead.post(f"/tasks/{task['task']}/deliverables", json=added)) == [
        ("criteria.1.items", "needed")
    ]
    deliverable = task["deliverables"][0]["deliverable"]
    one = {"revision": task["revision"], **BAD}
    refused = await lead.post(f"/tasks/{task['task']}/deliverables/{deliverable}/criteria", json=one)
    assert fields(refused) == [("items", "needed")]
    row = ["电气", "N-1", "设计", "纪要", "评审清单", "清单"]
    into = f"/projects/{found['T-1'].project}/workbook"
    for way in (address(), into):
        (error,) = (await lead.post(way, content=workbook(row, head=HEAD))).json()["errors"]
        assert (error["row"], error["column"], error["code"]) == (2, "清单各项", "needed")


async def test_import_refuses_impossible_dates_and_retest_cards(goals: RunningService) -> None:
    goals.now = given.NOW
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    late = given.work("N-1", starts_at="2026-03-20T00:00:00Z")
    assert fields(await lead.post("/projects", json=given.tree(late))) == [("goals.0.tasks.0.due_at", "before_start")]
    card = given.work("N-1", "retest")
    assert fields(await lead.post("/projects", json=given.tree(card))) == [("goals.0.tasks.0.kind", "retest_card")]


async def test_workbook_tells_how_a_criterion_is_verified_and_edits_it(goals: RunningService) -> None:
    """G5: kind, items and approver come in, go out again without a difference, and an edit is a new version."""
    await given.a_project(goals)
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    rows: list[list[Any]] = [
        ["电气", "N-1", "设计", "纪要", "评审清单", "清单", None, None, None, "外观\n铭牌；合格证"],
        [None, None, None, None, "样机认可", "批准", None, None, None, None, "总监"],
        [None, None, None, None, "余量", "测量", "余量", 3],
    ]
    made = (await lead.post(address(False), content=workbook(*rows, head=HEAD))).json()
    assert made["errors"] == []
    path = f"/projects/{made['project']}/workbook"
    exported = (await lead.get(path)).content
    same = (await lead.post(path, content=exported)).json()
    assert (same["errors"], same["effects"]) == ([], [])

    async def criteria() -> list[dict[str, Any]]:
        (goal,) = (await lead.get(f"/projects/{made['project']}/tree")).json()["goals"]
        found: list[dict[str, Any]] = goal["tasks"][0]["deliverables"][0]["criteria"]
        return found

    checked, approved, measured = await criteria()
    assert checked["items"] == ["外观", "铭牌", "合格证"]
    assert (approved["approver"], measured["lower"], measured["version"]) == ("director", "3", 1)
    (goal,) = (await lead.get(f"/projects/{made['project']}/tree")).json()["goals"]
    task = goal["tasks"][0]
    active = await lead.post(f"/tasks/{task['task']}/activate", json={"revision": task["revision"]})
    assert active.status_code == 200, active.text
    rows[2][7] = 6
    edited = (await lead.post(f"{path}?dry_run=false", content=workbook(*rows, head=HEAD))).json()
    (effect,) = edited["effects"]
    assert (effect["kind"], effect["row"], effect["changes"]) == (
        "criterion", 4, [{"field": "lower", "old": "3", "new": "6"}]
    )  # fmt: skip
    *_, measured = await criteria()
    assert (measured["lower"], measured["version"]) == ("6", 2)
    history = (await lead.get(f"/tasks/{UUID(task['task'])}")).json()["criteria_history"]
    assert [(one["version"], one["text"]) for one in history] == [(1, "余量")]
