"""G5: checklists, approvals, files and commits on a task's card, and reports that ask where they belong."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

from typing import Any
from uuid import UUID

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ImpactAction
from bihuan_contracts.feedback import FileAttached
from bihuan_contracts.goals import CriterionState, TaskChanged, TaskState

pytestmark = pytest.mark.flow
FILE = UUID(int=51)


async def a_task(goals: RunningService, *criteria: dict[str, Any]) -> TaskChanged:
    body = given.tree(given.work("T-1", deliverables=[{"title": "设计", "criteria": list(criteria)}]))
    return (await given.a_project(goals, body))["T-1"]


def file(task: TaskChanged, name: str = "说明书.pdf", **more: Any) -> FileAttached:
    values = {
        "attachment": FILE, "task": task.task, "name": name, "media_type": "application/pdf", "size": 9, "digest": "ab",
        "person": given.ENGINEER, "at": given.NOW, **more,
    }  # fmt: skip
    return FileAttached.model_validate(values)


def of(task: TaskChanged, place: int = 0) -> UUID:
    return task.deliverables[0].criteria[place].criterion


async def test_last_tick_of_the_checklist_verifies_it_and_finishes_the_task(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "评审", "kind": "checklist", "items": ["原理图", "降额"]})
    path = f"/tasks/{task.task}/criteria/{of(task)}/checklist"
    client = goals.client(given.ENGINEER)
    half = await client.put(path, json={"version": 1, "ticked": [1]})
    assert (half.json()["criteria"][0]["ticked"], half.json()["proofs"][0]["code"]) == ([1], "incomplete")
    assert "原理图" in half.json()["proofs"][0]["reason"]["zh"]
    assert (await given.tasks(goals))["T-1"].state is TaskState.ACTIVE
    whole = await client.put(path, json={"version": 1, "ticked": [0, 1]})
    assert whole.json()["criteria"][0]["state"] == "verified"
    done = (await given.tasks(goals))["T-1"]
    assert (done.state, done.progress) == (TaskState.DONE, 100)
    other = await goals.client(given.TESTER).put(path, json={"version": 1, "ticked": [0]})
    assert other.status_code in {403, 409}


async def test_owner_may_not_approve_and_the_lead_may(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "文档评审通过", "kind": "approval"})
    path = f"/tasks/{task.task}/criteria/{of(task)}/approval"
    own = await goals.client(given.ENGINEER, [Role.PROJECT_LEAD, Role.ADMINISTRATOR]).post(
        path, json={"version": 1, "approved": True}
    )
    assert (own.status_code, own.json()["title"]) == (403, "负责人不能批准自己的交付")
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    silent = await lead.post(path, json={"version": 1, "approved": False})
    assert [error["field"] for error in silent.json()["errors"]] == ["reason"]
    returned = await lead.post(path, json={"version": 1, "approved": False, "reason": "缺少签字页"})
    assert returned.json()["criteria"][0]["state"] == "failed"
    approved = await lead.post(path, json={"version": 1, "approved": True})
    assert approved.json()["criteria"][0]["state"] == "verified"
    assert [one["code"] for one in approved.json()["proofs"]] == ["approved", "returned"]


async def test_whoever_handed_in_the_evidence_may_not_approve_it(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "文档评审通过", "kind": "approval"})
    await goals.hear(topics.FILES, [file(task, person=given.LEAD)])
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    shown = (await lead.get(f"/tasks/{task.task}/evidence")).json()
    assert (shown["proofs"][0]["code"], shown["criteria"][0]["may_approve"]) == ("material", False)
    path = f"/tasks/{task.task}/criteria/{of(task)}/approval"
    assert (await lead.post(path, json={"version": 1, "approved": True})).status_code == 403


async def test_file_links_itself_and_moves_progress_and_a_replay_adds_nothing(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "说明书归档", "kind": "document"}, given.criterion())
    await goals.hear(topics.FILES, [file(task)])
    after = (await given.tasks(goals))["T-1"]
    assert [one.state for one in after.deliverables[0].criteria] == [CriterionState.VERIFIED, CriterionState.OPEN]
    assert after.progress == 50
    count = len(await goals.announced())
    await goals.forget_inbox()
    await goals.hear(topics.FILES, [file(task)])
    assert len(await goals.announced()) == count


async def test_file_in_doubt_asks_and_its_uploader_chooses(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "说明书", "kind": "document"}, {"text": "图纸", "kind": "document"})
    await goals.hear(topics.FILES, [file(task, "扫描件.pdf")])
    (notice,) = await goals.announced(topics.NOTICE_REQUESTS)
    assert (notice.person, notice.kind) == (given.ENGINEER, "file_in_doubt")
    client = goals.client(given.ENGINEER)
    (proof,) = (await client.get(f"/tasks/{task.task}/evidence")).json()["proofs"]
    assert (proof["criterion"], len(proof["choices"])) == (None, 2)
    path = f"/tasks/{task.task}/evidence/{FILE}/place"
    assert (await goals.client(given.TESTER).post(path, json={"criterion": str(of(task))})).status_code == 403
    placed = await client.post(path, json={"criterion": str(of(task, 1))})
    assert [one["state"] for one in placed.json()["criteria"]] == ["open", "verified"]
    again = await client.post(path, json={"criterion": str(of(task))})
    assert (again.status_code, again.json()["code"]) == (409, "placed")


async def test_commit_is_evidence_and_an_address_that_is_none_is_refused(goals: RunningService) -> None:
    task = await a_task(goals, {"text": "代码入库", "kind": "document"})
    path = f"/tasks/{task.task}/criteria/{of(task)}/commits"
    client = goals.client(given.ENGINEER)
    bad = await client.post(path, json={"version": 1, "address": "javascript:alert(1)", "title": "x"})
    assert bad.status_code == 422
    body = {"version": 1, "address": "https://git.example/board/commit/1f3a", "title": "修复启动时序"}
    assert (await client.post(path, json=body)).json()["criteria"][0]["state"] == "verified"


async def test_superseded_version_is_refused_and_its_evidence_stays(goals: RunningService) -> None:
    """An approval of version 1 stands in the history of version 2, which waits to be verified again."""
    asked = {"text": "试装一次合格", "kind": "approval"}
    body = given.tree(given.work("T-3", "test", given.TESTER, deliverables=[{"title": "试装", "criteria": [asked]}]))
    task = (await given.a_project(goals, body))["T-3"]
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    path = f"/tasks/{task.task}/criteria/{of(task)}/approval"
    await lead.post(path, json={"version": 1, "approved": True})
    row = given.row((await given.tasks(goals))["T-3"], ImpactAction.RETEST, given.TESTER)
    await goals.hear(topics.IMPACTS, [given.impact(row)])
    shown = (await lead.get(f"/tasks/{task.task}/evidence")).json()
    assert (shown["criteria"][0]["state"], shown["criteria"][0]["version"]) == ("verify_again", 2)
    assert [(one["criterion_version"], one["passed"]) for one in shown["proofs"]] == [(1, True)]
    late = await lead.post(path, json={"version": 1, "approved": True})
    assert (late.status_code, late.json()["code"], late.json()["current"]) == (409, "superseded", 2)


async def test_locked_work_takes_no_evidence(goals: RunningService) -> None:
    """G6 holds for evidence too: a file is kept and does not count."""
    task = await a_task(goals, {"text": "说明书", "kind": "document"})
    await goals.hear(topics.IMPACTS, [given.impact(given.row(task, ImpactAction.LOCK, given.ENGINEER))])
    await goals.hear(topics.FILES, [file(task)])
    shown = (await goals.client(given.ENGINEER).get(f"/tasks/{task.task}/evidence")).json()
    assert (shown["proofs"][0]["code"], shown["criteria"][0]["state"]) == ("locked", "open")


async def test_report_in_doubt_asks_its_sender_and_counts_once_placed(goals: RunningService) -> None:
    open_test = given.work("A-1", "test", given.TESTER)
    found = await given.a_project(goals, given.tree(open_test, given.work("B-1", "test", given.ENGINEER)))
    await goals.hear(topics.TEST_REPORTS, [given.report("6.5", "V2.3")])
    (notice,) = await goals.announced(topics.NOTICE_REQUESTS)
    assert (notice.person, notice.kind) == (given.TESTER, "report_in_doubt")
    tester = goals.client(given.TESTER)
    (doubt,) = (await tester.get("/evidence/reports")).json()["reports"]
    assert [one["code"] for one in doubt["candidates"]] == ["A-1", "B-1"]
    path = f"/evidence/reports/{doubt['id']}/task"
    assert (await goals.client("99999").post(path, json={"task": str(found["A-1"].task)})).status_code == 403
    assert (await tester.post(path, json={"task": str(UUID(int=1))})).status_code == 422
    assert (await tester.post(path, json={"task": str(found["B-1"].task)})).json()["reports"] == []
    after = await given.tasks(goals)
    assert (after["A-1"].state, after["B-1"].state) == (TaskState.ACTIVE, TaskState.DONE)
    again = await tester.post(path, json={"task": str(found["A-1"].task)})
    assert (again.status_code, again.json()["code"]) == (409, "placed")


async def test_places_for_an_upload_without_a_task(goals: RunningService) -> None:
    await given.a_project(goals, given.tree(given.work("A-1"), given.work("B-1", owner=given.TESTER)))
    found = (await goals.client(given.TESTER).get("/evidence/places", params={"words": "PM-480 V2.3.pdf"})).json()
    assert ([one["code"] for one in found["places"]], found["sure"]) == (["B-1", "A-1"], True)
    doubt = (await goals.client("10001").get("/evidence/places", params={"words": "PM-480 V2.3.pdf"})).json()
    assert doubt["sure"] is False
