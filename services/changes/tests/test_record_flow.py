"""The 100 % record: each moved target with its matrix or change, and the gaps by name (C8)."""

import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import given_changes as given
import pytest
from openpyxl import load_workbook
from test_appeal_flow import an_adjustment, moved
from test_consent_flow import ENGINEER, LEAD, a_company, filled, proposal

from bihuan_chassis.calendar import ZONE
from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.goals import TaskKind

pytestmark = pytest.mark.flow
DUE = given.NOW + timedelta(days=5)


async def record(changes: RunningService, person: str = LEAD, role: Role = Role.PROJECT_LEAD) -> dict[str, object]:
    found: dict[str, object] = (await changes.client(person, [role]).get("/adjustments")).json()
    return found


async def test_what_a_change_has_moved_is_covered(changes: RunningService) -> None:
    """C8: the new state of the task and its cause are one adjustment, whichever comes first; a replay adds nothing."""
    await an_adjustment(changes)
    task = given.task(1, TaskKind.DEVELOP, ENGINEER, due_at=DUE, planned_hours="12.0", version=2)
    await changes.hear(topics.TASKS, [task])
    await changes.hear(topics.TARGETS, [moved()])
    found = await record(changes)
    assert (found["adjustments"], found["covered"]) == (1, 1)


async def test_a_target_moved_by_hand_is_a_gap_by_name(changes: RunningService) -> None:
    """C8: nobody has agreed and no change explains it; everybody reads their own, and Excel has it too."""
    await an_adjustment(changes)
    later = given.task(1, TaskKind.DEVELOP, ENGINEER, due_at=DUE + timedelta(days=9), planned_hours="12", version=2)
    await changes.hear(topics.TASKS, [later])
    found = await record(changes)
    gaps = [line for line in found["lines"] if line["gap"]]  # type: ignore[attr-defined]
    assert [(one["task_code"], one["person_name"], one["gap"]) for one in gaps] == [("T-1", "周启航", "no_cause")]
    assert (await record(changes, "10306", Role.EMPLOYEE))["adjustments"] == 0
    sheet = load_workbook(
        io.BytesIO((await changes.client(LEAD, [Role.PROJECT_LEAD]).get("/adjustments.xlsx")).content)
    ).active
    assert sheet is not None
    assert {row[10] for row in sheet.iter_rows(values_only=True)} == {"缺口", "无依据改动", None}
    due = next(row for row in sheet.iter_rows(values_only=True) if row[10] == "无依据改动")
    assert (due[4], due[6]) == ("到期", (DUE + timedelta(days=9)).astimezone(ZONE).replace(tzinfo=None))


async def test_each_person_of_a_matrix_is_listed_once_with_what_they_answered_about(changes: RunningService) -> None:
    """C7, C8: one with two tasks in the matrix has one entry that names both; an answer of its own stands apart."""
    await a_company(changes)
    lead = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await lead.post("/consents", json=proposal())).json()
    path = f"/consents/{made['summary']['matrix']}"
    body = filled(made)
    also = next(row for row in body["rows"] if row["person"] == ENGINEER) | {
        "task": str(given.task(3, TaskKind.DEVELOP, "x").task)
    }
    worded = (await lead.put(path, json=body | {"rows": [*body["rows"], also]})).json()
    sent = (await lead.post(f"{path}/send", json={"version": worded["version"]})).json()
    for row in sent["rows"]:
        body = {"revision": sent["summary"]["revision"], "answer": "accepted"}
        done = await changes.client(row["person"], [Role.EMPLOYEE]).post(f"{path}/rows/{row['row']}/answer", json=body)
        assert done.status_code == 200, done.text
    matrix = UUID(sent["summary"]["matrix"])
    await changes.hear(topics.TARGETS, [moved(matrix=matrix, change=matrix, change_number=sent["summary"]["number"])])
    lines: Any = (await record(changes))["lines"]
    (line,) = lines
    said = {one["name"]: one["replies"] for one in line["answers"]}
    assert len(said) == len(line["answers"])
    assert said["周启航"] == [{"answer": "accepted", "about": ["T-1", "T-3"]}]
    sheet = load_workbook(
        io.BytesIO((await changes.client(LEAD, [Role.PROJECT_LEAD]).get("/adjustments.xlsx")).content)
    ).active
    assert sheet is not None
    assert "周启航 接受 T-1 T-3" in str(sheet.cell(2, 10).value)


async def test_an_unknown_matrix_is_a_gap(changes: RunningService) -> None:
    """C8."""
    await an_adjustment(changes)
    await changes.hear(topics.TARGETS, [moved(matrix=UUID(int=404), change=UUID(int=404), at=given.NOW)])
    found = await record(changes)
    assert {line["gap"] for line in found["lines"]} == {None, "unknown_matrix"}  # type: ignore[attr-defined]
