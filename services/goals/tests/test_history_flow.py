"""G11: project, person and task as of a past moment, with every later change, its cause and its consent."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import Adjustment, ConsentChanged, ConsentState
from bihuan_contracts.goals import TargetField, TaskChanged
from goals.api import past as past_api

pytestmark = pytest.mark.flow
MATRIX = UUID(int=41)


async def _days(goals: RunningService) -> dict[str, TaskChanged]:
    """Day 0 the project, day 1 the change, day 2 its report, day 3 a due date that everybody agreed to."""
    goals.now = given.NOW
    await given.a_project(goals)
    goals.now = given.NOW + timedelta(days=1)
    after = await given.the_change(goals)
    goals.now = given.NOW + timedelta(days=2)
    await goals.hear(topics.TEST_REPORTS, [given.report()])
    goals.now = given.NOW + timedelta(days=3)
    new = (given.NOW + timedelta(days=9)).isoformat()
    moved = Adjustment(
        task=after["T-4"].task, task_code="T-4", task_title="任务 T-4", project=after["T-4"].project,
        field=TargetField.DUE_AT, old="2026-03-13T10:00:00Z", new=new,
    )  # fmt: skip
    matrix = ConsentChanged(
        matrix=MATRIX, number="IM-0041", title="T-4 推迟", state=ConsentState.SETTLED, revision=1, proposer=given.LEAD,
        arbiter=None, adjustments=(moved,), rows=(), proposed_at=given.NOW, sent_at=given.NOW, settled_at=goals.now,
        version=3,
    )  # fmt: skip
    await goals.hear(topics.CONSENTS, [matrix])
    return await given.tasks(goals)


def _at(hours: float) -> dict[str, str]:
    return {"as_of": (given.NOW + timedelta(hours=hours)).isoformat()}


async def _board(goals: RunningService, project: UUID, hours: float) -> dict[str, Any]:
    answer = await goals.client().get(f"/history/projects/{project}", params=_at(hours))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_board_as_of_any_moment_is_the_board_of_then(goals: RunningService) -> None:
    goals.now = given.NOW
    await given.a_project(goals)
    project = (await given.tasks(goals))["T-1"].project
    then = (await goals.client().get(f"/projects/{project}")).json()
    await _days(goals)
    past = await _board(goals, project, 1)
    assert past["board"] == then
    now = (await goals.client().get(f"/projects/{project}")).json()
    assert (await _board(goals, project, 72))["board"] == now != then


async def test_every_later_change_names_cause_and_consent(goals: RunningService) -> None:
    after = await _days(goals)
    later = (await _board(goals, after["T-1"].project, 1))["later"]
    assert [[cause["kind"] for cause in one["causes"]] for one in later] == [["consent"], ["report"], ["change"]]
    consent, report, change = later
    assert [(one["number"], one["state"]) for one in consent["consents"]] == [("IM-0041", "settled")]
    (moved,) = consent["tasks"]
    assert (moved["code"], [one["field"] for one in moved["differences"]]) == ("T-4", ["due_at"])
    assert report["causes"][0]["label"] == "R-1"
    assert (change["causes"][0]["label"], change["causes"][0]["ref"]) == ("ECN-2026-0187", str(given.CHANGE))
    said = {task["code"]: {one["field"] for one in task["differences"]} for task in change["tasks"]}
    assert {"lock", "due_at", "planned_hours"} <= said["T-1"]
    assert {"criterion", "criterion_state", "state"} <= said["T-3"]
    assert said["RT-0187-1"] == {"added"}
    assert (await _board(goals, after["T-1"].project, 49))["later"] == [consent]


async def test_person_and_task_as_of(goals: RunningService) -> None:
    after = await _days(goals)
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    then = (await lead.get(f"/history/people/{given.TESTER}", params=_at(25))).json()
    assert {task["code"] for task in then["tasks"]} == {"T-3", "RT-0187-1"}
    assert {task["code"] for one in then["later"] for task in one["tasks"]} == {"T-3", "RT-0187-1"}
    now = (await lead.get(f"/history/people/{given.TESTER}", params=_at(72))).json()
    assert now["tasks"] == []
    task = (await lead.get(f"/history/tasks/{after['T-1'].task}", params=_at(1))).json()
    assert (task["task"]["planned_hours"], task["task"]["locks"]) == ("10", [])
    assert {one["field"] for later in task["later"] for one in later["tasks"][0]["differences"]} >= {
        "planned_hours", "due_at", "lock", "item_version",
    }  # fmt: skip


async def test_person_of_the_past_is_for_those_who_may_read_their_week(goals: RunningService) -> None:
    await _days(goals)
    path = f"/history/people/{given.TESTER}"
    assert (await goals.client(given.ENGINEER).get(path, params=_at(1))).status_code == 403
    assert (await goals.client(given.TESTER).get(path, params=_at(1))).status_code == 200


async def test_what_is_not_known_or_not_past_is_refused_in_words(goals: RunningService) -> None:
    after = await _days(goals)
    path = f"/history/projects/{after['T-1'].project}"
    early = await goals.client().get(path, params=_at(-1))
    assert (early.status_code, early.json()["code"]) == (409, "before_history")
    assert datetime.fromisoformat(early.json()["since"]) == given.NOW
    future = await goals.client().get(path, params=_at(73))
    assert [error["field"] for error in future.json()["errors"]] == ["as_of"]
    assert (await goals.client().get(f"/history/projects/{UUID(int=5)}", params=_at(1))).status_code == 404


async def test_long_history_is_kept_as_differences_with_a_whole_state_now_and_then(goals: RunningService) -> None:
    found = await given.a_project(goals)
    client = goals.client(given.ENGINEER)
    for hour in range(1, 60):
        goals.now = given.NOW + timedelta(hours=hour)
        booked = await client.post(f"/tasks/{found['T-1'].task}/progress", json={"hours": "0.5"})
        assert booked.status_code == 200
    for hour in (1, 24, 25, 26, 59):
        past = await client.get(f"/history/tasks/{found['T-1'].task}", params=_at(hour))
        assert past.json()["task"]["actual_hours"] == str(hour * 0.5)
    async with goals.tx() as tx:
        rows = await tx.raw.fetch(
            "select whole, length(state::text) as size from task_versions where task = $1", found["T-1"].task
        )
    assert sum(row["whole"] for row in rows) == 3
    assert max(row["size"] for row in rows if not row["whole"]) < 100


async def test_of_a_long_history_the_newest_acts_are_told_and_the_older_ones_counted(
    goals: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G11 at scale: only what is shown is read, and what it says is the same."""
    found = await given.a_project(goals)
    client = goals.client(given.ENGINEER)
    for hour in range(1, 13):
        goals.now = given.NOW + timedelta(hours=hour)
        assert (await client.post(f"/tasks/{found['T-1'].task}/progress", json={"hours": "0.5"})).status_code == 200
    paths = (f"projects/{found['T-1'].project}", f"people/{given.ENGINEER}", f"tasks/{found['T-1'].task}")
    for path in paths:
        everything = (await client.get(f"/history/{path}", params=_at(2))).json()
        assert (len(everything["later"]), everything["more"]) == (10, 0)
        monkeypatch.setattr(past_api, "_MOST", 4)
        some = (await client.get(f"/history/{path}", params=_at(2))).json()
        monkeypatch.undo()
        assert (some["later"], some["more"]) == (everything["later"][:4], 6)
        assert {key: value for key, value in some.items() if key not in {"later", "more"}} == {
            key: value for key, value in everything.items() if key not in {"later", "more"}
        }


async def test_history_of_another_system_is_told_by_its_dates(goals: RunningService) -> None:
    goals.now = given.NOW
    made = given.tree(starts_at=(given.NOW - timedelta(days=30)).isoformat())
    found = await given.a_project(goals, made)
    past = await _board(goals, found["T-1"].project, -24 * 20)
    assert past["taken_over"]
    states = {task["code"]: task["state"] for goal in past["board"]["goals"] for task in goal["tasks"]}
    assert states == {"T-1": "active", "T-2": "active", "T-3": "active", "T-4": "active"}
    assert past["board"]["project"]["progress"] == "0.0000"
