"""Estimates that have met what happened: an agreed matrix whose tasks were finished since (C7)."""

import asyncio
import time
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from bihuan_contracts.qa import Measurement, TestReported, Verdict
from bihuan_tools.demo.company import LEAD
from bihuan_tools.demo.consents import Filled, TaskPeople, propose_one
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_MODULE = "SM-11"
_PROJECTS = ("P-PS-210", "P-CM-80")
_BOOKED = (("12", "9.5"), ("20", "18"))
"""Hours that the owners book, in two bookings each."""
_ROW = Filled(
    "补做温漂摸底，样机调试多用半天", "4", {"kind": "rest_days", "amount": "0.5"}, {"answer": "accepted"}
)  # fmt: skip
_NOTE = "下周五下午调休半天，已排班。"
_SECONDS = 60


async def finish_agreed_work(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    """How many tasks were agreed on, worked on and verified."""
    people = TaskPeople(instance, client, "影响矩阵", "Impact matrix")
    listed = (await people.tasks(_PROJECTS)).values()
    tasks = [one for one in listed if _MODULE in (one["module"] or "") and one["kind"] == "develop"]
    tasks = [one for one in tasks if one["state"] == "active" and "样机调试" in one["title"]][: len(_BOOKED)]
    if not tasks:
        return 0
    await until_estimated(people, [one["task"] for one in tasks])
    for task, booked in zip(tasks, _BOOKED, strict=False):
        await propose_one(
            people, f"{task['title']}顺延三天", "温漂曲线在 −20 ℃ 有拐点，要补一轮摸底再定参数。", [(task, 3)], now,
            {task["owner"]: _ROW},
        )  # fmt: skip
        for hours in booked:
            path = f"/tasks/{task['task']}/progress"
            await people.ask(task["owner"], "POST", path, service="goals", json={"hours": hours, "note": "样机调试"})
    owed = (await people.ask(LEAD, "GET", "/compensations", params={"side": "owing"}))["compensations"]
    await people.ask(LEAD, "POST", f"/compensations/{owed[0]['row']}/given", json={"note": _NOTE})
    await publish(instance.kafka_servers, [_report(one, now) for one in tasks], source="bihuan/demo")
    return len(tasks)


async def until_estimated(people: TaskPeople, tasks: list[str]) -> None:
    """Until the finished projects have reached the history of hours."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        found = await people.ask(LEAD, "GET", "/estimates", params={"task": tasks})
        if len(found["estimates"]) == len(tasks) and all(one["enough"] for one in found["estimates"]):
            return
        await asyncio.sleep(0.1)
    raise StackError("工时历史没有在一分钟内到位", "The history of hours did not arrive within a minute")


def _report(task: dict[str, Any], now: datetime) -> TestReported:
    return TestReported(
        report=f"TR-{task['code']}", module=_MODULE, module_version=task["item_version"], verdict=Verdict.PASSED,
        task_code=task["code"], title=f"{task['title']}记录", tested_at=now,
        measurements=(Measurement(metric="零点漂移", value=Decimal("0.03"), unit="%"),),
    )  # fmt: skip
