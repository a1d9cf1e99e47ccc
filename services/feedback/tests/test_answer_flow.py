"""Three answers on a retest card, their follow-ups, the shared document, and files (F1, F7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.feedback import CardAnswer
from bihuan_contracts.goals import ProjectChanged, ProjectState, RetestOf, TaskChanged, TaskKind, TaskState
from bihuan_contracts.hr import PersonChanged

pytestmark = pytest.mark.flow
NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
CARD, PROJECT, CHANGE = UUID(int=1), UUID(int=2), UUID(int=3)
TESTER, LEAD, OTHER = "10306", "10105", "10231"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x08\x00\x00\x00\x08" + b"0" * 100


def card(state: TaskState = TaskState.ACTIVE, version: int = 1) -> TaskChanged:
    return TaskChanged(
        task=CARD, code="RT-0187-1", project=PROJECT, project_code="P", project_name="GX-500", goal=None, goal_title=None,
        title="待重测：电源模块 V2.4", kind=TaskKind.RETEST, state=state, owner=TESTER, module="PM-480", item_version="V2.4",
        deliverables=(), locks=(), weight=None, impact_weight=Decimal(0), progress=None, starts_at=None, due_at=None,
        finished_at=None, planned_hours=None, actual_hours=None, version=version,
        retest=RetestOf(
            change=CHANGE, change_number="ECN-2026-0187", module="PM-480", module_name="电源模块", old_version="V2.3",
            new_version="V2.4", old_criterion=None,
        ),
    )  # fmt: skip


async def a_card(feedback: RunningService) -> None:
    feedback.now = NOW
    people = [(TESTER, "林若溪"), (LEAD, "陈砚")]
    await feedback.hear(topics.PEOPLE, [PersonChanged(person=p, name=n, version=1) for p, n in people])
    await feedback.hear(
        topics.PROJECTS,
        [
            ProjectChanged(
                project=PROJECT, code="P", name="GX-500", product="GX-500", customer=None, phase=None, lead=LEAD,
                state=ProjectState.ACTIVE, starts_at=None, due_at=None, progress=None, planned_progress=None, goals=(), version=1,
            )
        ],
    )  # fmt: skip
    await feedback.hear(topics.TASKS, [card()])


async def test_owner_confirms_and_it_is_announced(feedback: RunningService) -> None:
    await a_card(feedback)
    answered = await feedback.client(TESTER).post(f"/cards/{CARD}/answers", json={"answer": "confirmed"})
    assert answered.json()["answers"][0]["answer"] == "confirmed"
    (event,) = await feedback.announced(topics.CARD_ANSWERS)
    assert (event.answer, event.change, event.version) == (CardAnswer.CONFIRMED, CHANGE, 1)
    assert await feedback.announced(topics.NOTICE_REQUESTS) == []


async def test_only_the_owner_may_answer(feedback: RunningService) -> None:
    await a_card(feedback)
    refused = await feedback.client(OTHER).post(f"/cards/{CARD}/answers", json={"answer": "confirmed"})
    assert (refused.status_code, refused.json()["title"]) == (403, "只有卡片负责人可以答复")


async def test_missing_material_is_asked_for_and_has_its_own_clock(feedback: RunningService) -> None:
    await a_card(feedback)
    await feedback.client(TESTER).post(
        f"/cards/{CARD}/answers", json={"answer": "needs_material", "comment": "缺布线图"}
    )
    (asked,) = await feedback.announced(topics.NOTICE_REQUESTS)
    assert (asked.person, asked.kind, asked.must_confirm) == (LEAD, "material_needed", True)
    assert "缺布线图" not in asked.model_dump_json()
    await feedback.fire_timers(at=NOW + timedelta(hours=25))
    assert [one.kind for one in await feedback.announced(topics.NOTICE_REQUESTS)] == [
        "material_needed",
        "material_overdue",
    ]


async def test_material_that_arrives_stops_the_clock(feedback: RunningService) -> None:
    await a_card(feedback)
    await feedback.client(TESTER).post(f"/cards/{CARD}/answers", json={"answer": "needs_material"})
    uploaded = await feedback.client(LEAD).post(f"/cards/{CARD}/attachments", files={"file": ("布线图.png", PNG)})
    (file,) = uploaded.json()["attachments"]
    shown = await feedback.client(TESTER).get(f"/attachments/{file['id']}")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["content-disposition"].startswith("inline;")
    assert await feedback.timers() == []


async def test_misunderstanding_opens_a_document_and_a_stale_edit_gets_the_newest(feedback: RunningService) -> None:
    await a_card(feedback)
    answered = await feedback.client(TESTER).post(f"/cards/{CARD}/answers", json={"answer": "misunderstanding"})
    assert answered.json()["document"]
    lead, tester = feedback.client(LEAD), feedback.client(TESTER)
    saved = await lead.put(f"/cards/{CARD}/document", json={"body": "先按 6 dB", "version": 1})
    assert saved.json()["version"] == 2
    stale = await tester.put(f"/cards/{CARD}/document", json={"body": "按 3 dB", "version": 1})
    assert (stale.status_code, stale.json()["current"]["body"]) == (409, "先按 6 dB")
    assert [one["version"] for one in (await tester.get(f"/cards/{CARD}/document")).json()["versions"]] == [2, 1]


async def test_closed_card_takes_no_answer(feedback: RunningService) -> None:
    await a_card(feedback)
    await feedback.hear(topics.TASKS, [card(TaskState.DONE, 2)])
    refused = await feedback.client(TESTER).post(f"/cards/{CARD}/answers", json={"answer": "confirmed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "card_closed")


async def test_refused_upload_says_why_in_the_readers_language(feedback: RunningService) -> None:
    await a_card(feedback)
    refused = await feedback.client(LEAD, language="en").post(
        f"/cards/{CARD}/attachments", files={"file": ("x.png", b"<html>")}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0] == {
        "field": "file", "code": "disguised", "message": "The content is not a .png file",
    }  # fmt: skip
