"""A project with a power module: two pieces of work on V2.3, and a test of it that has passed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import Text, topics
from bihuan_contracts.changes import ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.goals import TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import NewCriterion
from bihuan_contracts.qa import Measurement, TestReported, Verdict

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
LEAD, ENGINEER, TESTER = "10500", "10231", "10306"
CHANGE = UUID(int=77)


def criterion(text: str = "传导发射余量 ≥ 3 dB", **more: Any) -> dict[str, Any]:
    return {"text": text, "metric": "传导发射余量", "unit": "dB", "lower": "3", **more}


def work(code: str, kind: str = "develop", owner: str = ENGINEER, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "title": f"任务 {code}", "kind": kind, "owner": owner, "module": "PM-480",
        "item_version": "V2.3", "due_at": "2026-03-13T10:00:00Z", "planned_hours": "10",
        "deliverables": [{"title": f"交付 {code}", "criteria": [criterion()]}], **more,
    }  # fmt: skip


def tree(*tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = tasks or (
        work("T-1"),
        work("T-2"),
        work("T-3", "test", TESTER, state="done", finished_at="2026-03-01T00:00:00Z", actual_hours="12",
             deliverables=[{"title": "EMC 报告", "criteria": [criterion(verified=True)]}]),
        work("T-4", module="X-1", item_version="V1"),
    )  # fmt: skip
    return {
        "code": "GX-500", "name": "GX-500 五轴磨床", "product": "GX-500", "lead": LEAD,
        "goals": [{"title": "电气", "tasks": list(listed)}], **more,
    }  # fmt: skip


async def a_project(goals: RunningService, body: dict[str, Any] | None = None) -> dict[str, TaskChanged]:
    """Import the tree and return its tasks by code."""
    goals.now = goals.now or NOW
    people = [(LEAD, "陈砚"), (ENGINEER, "周启航"), (TESTER, "林若溪")]
    await goals.hear(topics.PEOPLE, [PersonChanged(person=p, name=n, version=1) for p, n in people])
    made = await goals.client(LEAD, [Role.PROJECT_LEAD]).post("/projects", json=body or tree())
    assert made.status_code == 201, made.text
    return await tasks(goals)


async def tasks(goals: RunningService) -> dict[str, TaskChanged]:
    """The newest announced state of each task, by code."""
    return {task.code: task for task in await goals.announced(topics.TASKS)}


def row(task: TaskChanged | None, action: ImpactAction, person: str, **more: Any) -> ImpactRow:
    values = {
        "row": uuid5(CHANGE, f"{task.code if task else ''}{action}{more.get('seed', '')}"), "action": action,
        "person": person, "person_name": person, "module": "PM-480", "module_name": "电源模块",
        "old_version": "V2.3", "new_version": "V2.4", "project": task.project if task else None,
        "task": task.task if task else None, "task_code": task.code if task else None, "due_within_days": 2,
        "hours_factor": Decimal("1.2"), "rule": "default/lock-direct", "rule_version": 1,
        "explanation": Text(zh="锁定", en="locked"), **{k: v for k, v in more.items() if k != "seed"},
    }  # fmt: skip
    return ImpactRow.model_validate(values)


def impact(*rows: ImpactRow, change: UUID = CHANGE, **more: Any) -> ImpactAssessed:
    values = {
        "change": change, "number": "ECN-2026-0187", "revision": 1, "item": "PM-480", "item_name": "电源模块",
        "base_version": "V2.3", "new_version": "V2.4", "reason": "换型", "rows": rows, "released_by": LEAD,
        "released_at": NOW, "received_at": NOW, "applied_at": NOW, "version": 1, **more,
    }  # fmt: skip
    return ImpactAssessed.model_validate(values)


async def the_change(goals: RunningService) -> dict[str, TaskChanged]:
    """ECN-2026-0187 on the project: T-1 and T-2 lock, T-3 is retested against 6 dB."""
    found = await a_project(goals)
    new = NewCriterion(module="PM-480", text="传导发射余量 ≥ 6 dB", metric="传导发射余量", unit="dB", lower=Decimal(6))
    await goals.hear(
        topics.IMPACTS,
        [
            impact(
                row(found["T-1"], ImpactAction.LOCK, ENGINEER),
                row(found["T-2"], ImpactAction.LOCK, ENGINEER),
                row(found["T-3"], ImpactAction.RETEST, TESTER, criterion=new, due_within_days=3),
            )
        ],
    )
    return await tasks(goals)


def report(value: str = "6.5", version: str = "V2.4", verdict: Verdict = Verdict.PASSED, **more: Any) -> TestReported:
    values = {
        "report": "R-1", "module": "PM-480", "module_version": version, "verdict": verdict, "tested_by": TESTER,
        "measurements": [Measurement(metric="传导发射余量", value=Decimal(value), unit="dB")], "tested_at": NOW, **more,
    }  # fmt: skip
    return TestReported.model_validate(values)
