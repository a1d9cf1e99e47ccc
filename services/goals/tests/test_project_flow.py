"""W4, G1: a project's own fields are edited by its lead or an administrator, and it is archived and taken up again."""

from typing import Any

import given_goals as given
import httpx
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.goals import ProjectState, TaskState

pytestmark = pytest.mark.flow


async def _opened(goals: RunningService) -> tuple[httpx.AsyncClient, str, dict[str, Any]]:
    found = await given.a_project(goals)
    project = f"/projects/{found['T-1'].project}"
    client = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    return client, project, (await client.get(f"{project}/record")).json()


async def test_lead_edits_the_fields_and_everybody_hears(goals: RunningService) -> None:
    client, project, seen = await _opened(goals)
    answer = await client.patch(project, json={"revision": seen["revision"], "phase": "试制", "customer": "沪东重机"})
    assert answer.status_code == 200, answer.text
    announced = (await goals.announced(topics.PROJECTS))[-1]
    assert (announced.phase, announced.customer, announced.name) == ("试制", "沪东重机", seen["name"])
    (line,) = answer.json()["edits"]
    assert {(one["field"], one["old"], one["new"]) for one in line["changes"]} == {
        ("phase", None, "试制"), ("customer", None, "沪东重机")
    }  # fmt: skip
    assert line["person_name"] == "陈砚"


async def test_stale_project_edit_answers_with_what_it_is_now(goals: RunningService) -> None:
    client, project, seen = await _opened(goals)
    assert (await client.patch(project, json={"revision": seen["revision"], "phase": "试制"})).status_code == 200
    stale = await client.patch(project, json={"revision": seen["revision"], "phase": "量产"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert stale.json()["current"]["phase"] == "试制"


async def test_lead_hands_over_and_may_no_longer_edit(goals: RunningService) -> None:
    client, project, seen = await _opened(goals)
    unknown = await client.patch(project, json={"revision": seen["revision"], "lead": "99999"})
    assert [one["field"] for one in unknown.json()["errors"]] == ["lead"]
    answer = await client.patch(project, json={"revision": seen["revision"], "lead": given.ENGINEER})
    assert answer.status_code == 200, answer.text
    assert not answer.json()["may_edit"]
    refused = await client.patch(project, json={"revision": answer.json()["revision"], "phase": "x"})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_editor")


async def test_wrong_dates_name_their_field(goals: RunningService) -> None:
    client, project, seen = await _opened(goals)
    body = {"revision": seen["revision"], "starts_at": "2026-05-01T00:00:00Z", "due_at": "2026-04-01T00:00:00Z"}
    assert [one["field"] for one in (await client.patch(project, json=body)).json()["errors"]] == ["due_at"]


async def test_project_is_given_up_with_its_open_tasks_and_taken_up_again(goals: RunningService) -> None:
    client, project, seen = await _opened(goals)
    step = {"revision": seen["revision"], "state": "done"}
    refused = await client.post(f"{project}/state", json=step)
    assert (refused.status_code, refused.json()["code"]) == (409, "open_tasks")
    assert "T-1" in refused.json()["title"]
    cancel = {"revision": seen["revision"], "state": "cancelled"}
    assert [one["field"] for one in (await client.post(f"{project}/state", json=cancel)).json()["errors"]] == ["reason"]
    done = await client.post(f"{project}/state", json=cancel | {"reason": "客户撤单"})
    assert done.status_code == 200, done.text
    assert (await goals.announced(topics.PROJECTS))[-1].state is ProjectState.CANCELLED
    states = {code: task.state for code, task in (await given.tasks(goals)).items()}
    assert states["T-1"] is TaskState.CANCELLED
    assert states["T-3"] is TaskState.DONE
    again = {"revision": done.json()["revision"], "state": "active", "reason": "客户恢复订单"}
    assert (await client.post(f"{project}/state", json=again)).json()["state"] == "active"


@pytest.mark.parametrize("role", list(Role))
async def test_only_lead_and_administrator_edit(goals: RunningService, role: Role) -> None:
    """Deny by default: route × role."""
    _, project, seen = await _opened(goals)
    other = goals.client("10999", [role], supplier="S001" if role is Role.SUPPLIER else None)
    answers = [
        await other.patch(project, json={"revision": seen["revision"], "phase": "x"}),
        await other.post(f"{project}/state", json={"revision": "", "state": "cancelled", "reason": "x"}),
    ]
    expected = [200, 409] if role is Role.ADMINISTRATOR else [403, 403]
    assert [one.status_code for one in answers] == expected
