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
