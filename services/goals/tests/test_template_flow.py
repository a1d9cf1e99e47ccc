"""G1: templates of project types, kept as data, laid on the working calendar."""

from datetime import UTC, datetime
from typing import Any

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService

pytestmark = pytest.mark.flow


def template(**more: Any) -> dict[str, Any]:
    report = [{"title": "评审纪要", "criteria": [{"text": "遗留问题关闭"}]}]
    return {
        "project_type": "整机", "name": "整机开发", "goals": [
            {"title": "样机达标", "weight": "60", "tasks": [
                {"key": "01", "title": "原理设计", "start_day": 0, "days": 5, "deliverables": report},
                {"key": "02", "title": "样机调试", "start_day": 5, "days": 10, "after": ["01"]},
            ]},
        ], **more,
    }  # fmt: skip


async def test_project_from_a_template_has_its_dates_on_working_days(goals: RunningService) -> None:
    """National Day 2026 is free from 1 to 7 October: the second task starts after it."""
    goals.now = given.NOW
    made = await goals.client("10002", [Role.PROCESS_OWNER]).post("/templates", json=template())
    assert made.status_code == 201, made.text
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    body = {"template": made.json()["template"], "code": "P-9", "name": "九号", "product": "GX-900",
            "starts_at": "2026-09-24T00:00:00+08:00"}  # fmt: skip
    created = await lead.post("/projects/from-template", json=body)
    assert created.status_code == 201, created.text
    tree = (await lead.get(f"/projects/{created.json()['project']}/tree")).json()
    first, second = tree["goals"][0]["tasks"]
    assert (first["code"], first["state"], second["state"]) == ("P-9-01", "active", "draft")
    assert second["depends_on"] == [first["task"]]
    assert datetime.fromisoformat(second["starts_at"]) > datetime(2026, 10, 7, tzinfo=UTC)
    assert tree["lead"] == given.LEAD
    again = await lead.post("/projects/from-template", json=body)
    assert again.json()["errors"][0]["field"] == "code"


async def test_only_process_owners_and_administrators_edit_templates(goals: RunningService) -> None:
    assert (await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post("/templates", json=template())).status_code == 403
    owner = goals.client("10002", [Role.PROCESS_OWNER])
    one = (await owner.post("/templates", json=template())).json()
    edited = await owner.put(f"/templates/{one['template']}", json=template(version=1, description="八个月"))
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    stale = await owner.put(f"/templates/{one['template']}", json=template(version=1))
    assert (stale.status_code, stale.json()["current"]["description"]) == (409, "八个月")


async def test_template_is_held_to_the_rules_of_a_tree(goals: RunningService) -> None:
    broken = template()
    broken["goals"][0]["tasks"][0]["after"] = ["02"]
    broken["goals"][0]["tasks"][1] |= {"weight": "70"}
    broken["goals"][0]["tasks"][0] |= {"weight": "70"}
    refused = await goals.client("10002", [Role.ADMINISTRATOR]).post("/templates", json=broken)
    assert {error["code"] for error in refused.json()["errors"]} == {"overweight", "dependency_loop"}


async def test_dates_of_a_template_are_shown_before_the_project_is_made(goals: RunningService) -> None:
    goals.now = given.NOW
    made = (await goals.client("10002", [Role.PROCESS_OWNER]).post("/templates", json=template())).json()
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    start = "2026-09-24T00:00:00+08:00"
    laid = (await lead.get(f"/templates/{made['template']}/dates", params={"starts_at": start})).json()
    body = {"template": made["template"], "code": "P-9", "name": "九号", "product": "GX-900", "starts_at": start}
    created = (await lead.post("/projects/from-template", json=body)).json()
    tree = (await lead.get(f"/projects/{created['project']}/tree")).json()
    made_at = [datetime.fromisoformat(task["due_at"]) for task in tree["goals"][0]["tasks"]]
    assert [datetime.fromisoformat(one["due_at"]) for one in laid["tasks"]] == made_at
    assert [one["key"] for one in laid["tasks"]] == ["01", "02"]


async def test_a_project_becomes_a_template_and_a_project_again(goals: RunningService) -> None:
    """G1: planned work with its length in working days; people, items and urgent requests stay behind."""
    starts = {"starts_at": "2026-03-09T01:00:00Z"}
    checklist = {"text": "评审清单", "kind": "checklist", "items": ["甲", "乙"]}
    await given.a_project(
        goals,
        given.tree(
            given.work("GX-500-01", **starts),
            given.work("GX-500-02", starts_at="2026-03-16T01:00:00Z", due_at="2026-03-20T10:00:00Z", depends_on=["GX-500-01"],
                       deliverables=[{"title": "纪要", "criteria": [checklist]}]),
            given.work("UR-1", "ad_hoc"),
            **starts,
        ),
    )  # fmt: skip
    owner = goals.client("10002", [Role.PROCESS_OWNER])
    (project,) = (await owner.get("/projects")).json()["projects"]
    path = f"/projects/{project['project']}/template"
    assert (await goals.client(given.ENGINEER).get(path)).status_code == 403
    draft = (await owner.get(path)).json()
    (goal,) = draft["goals"]
    first, second = goal["tasks"]
    assert draft["left_out"] == 1
    assert (first["key"], first["start_day"], first["days"]) == ("01", 0, 5)
    assert (second["key"], second["start_day"], second["days"], second["after"]) == ("02", 5, 5, ["01"])
    assert second["deliverables"][0]["criteria"][0]["items"] == ["甲", "乙"]
    body = {"project_type": "整机", "name": "照着做", "goals": draft["goals"]}
    made = await owner.post("/templates", json=body)
    assert made.status_code == 201, made.text
    again = await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post(
        "/projects/from-template",
        json={"template": made.json()["template"], "code": "P-2", "name": "二号", "product": "GX-600", **starts},
    )
    assert again.json()["tasks"] == 2
    tasks = await given.tasks(goals)
    assert (tasks["P-2-02"].deliverables[0].criteria[0].kind, tasks["P-2-02"].owner) == ("checklist", None)
    assert tasks["P-2-02"].due_at == tasks["GX-500-02"].due_at
