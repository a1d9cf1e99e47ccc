"""A pilot batch that is over: agreed on in one matrix, worked, verified, so that its estimates can be scored (C7)."""

import asyncio
import time
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import httpx

from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from bihuan_tools.demo import products
from bihuan_tools.demo.company import LEAD, SEED
from bihuan_tools.demo.consents import LIGHT, TaskPeople, propose_one
from bihuan_tools.demo.hours import until_estimated
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

CODE = "P-CM-80-P"
_MODULES = ("SM-11", "SC-5", "CU-9", "MB-7")
_WORK = (
    ("develop", "{m}样机调试（试产批）", "调试记录"),
    ("test", "{m}型式试验（试产批）", "试验报告"),
    ("test", "{m}环境试验（试产批）", "试验报告"),
)
_DAY = Decimal(24)
"""Most hours of one booking."""
_SECONDS = 60


def project(staff: list[PersonChanged], now: datetime) -> dict[str, Any]:
    """Twelve tasks that are still open when the project comes in."""
    random = Random(f"{SEED}{CODE}")
    modules = {one.item: one for one in products.MODULES}
    places = [(modules[item], *work) for item in _MODULES for work in _WORK]
    tasks = [
        {
            "code": f"CM-80-P{number:02}", "title": title.format(m=module.name), "kind": kind, "state": "active",
            "owner": products.owner_of(random, kind, module, staff), "module": module.item,
            "item_version": module.version, "starts_at": (now - timedelta(days=30)).isoformat(),
            "due_at": (now + timedelta(days=1 + number)).isoformat(),
            "planned_hours": str(random.choice((16, 24, 32, 40, 60))),
            "deliverables": [
                {"title": f"{module.name}{what}", "criteria": [products.criterion_of(module, None, verified=False)]}
            ],
        }
        for number, (module, kind, title, what) in enumerate(places, 1)
    ]  # fmt: skip
    return {
        "code": CODE, "name": "CM-80 在线测量仪试产", "product": "CM-80", "lead": LEAD, "phase": "PVT",
        "starts_at": (now - timedelta(days=40)).isoformat(), "due_at": (now + timedelta(days=20)).isoformat(),
        "goals": [{"title": "试产批通过", "tasks": tasks}],
    }  # fmt: skip


async def finish(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    """One matrix over all tasks, their hours, their reports, and the project is finished; 0 when it is already."""
    people = TaskPeople(instance, client, "试产批", "Pilot batch")
    tasks = [one for one in (await people.tasks((CODE,))).values() if one["state"] == "active"]
    if not tasks:
        return 0
    await until_estimated(people, [one["task"] for one in tasks])
    await propose_one(
        people, "试产批整体顺延两天", "膜片批次复检占用两天，试产节点随之后移，各任务工时不变。",
        [(task, 2) for task in tasks], now, {}, LIGHT,
    )  # fmt: skip
    reports = []
    for task in tasks:
        hours = products.hours_taken(Random(f"{SEED}{task['code']}"), int(Decimal(task["planned_hours"])))
        while hours:
            booked = min(hours, _DAY)
            body = {"hours": str(booked), "note": "试产"}
            await people.ask(task["owner"], "POST", f"/tasks/{task['task']}/progress", service="goals", json=body)
            hours -= booked
        reports.append(_report(task, now))
    await publish(instance.kafka_servers, reports, source="bihuan/demo")
    await _close(people)
    return 1


async def _close(people: TaskPeople) -> None:
    """As soon as the last report has been judged."""
    until = time.monotonic() + _SECONDS
    while any(one["state"] == "active" for one in (await people.tasks((CODE,))).values()):
        if time.monotonic() > until:
            raise StackError("试产批没有在一分钟内验证完", "The pilot batch was not verified within a minute")
        await asyncio.sleep(0.1)
    listed = (await people.ask(LEAD, "GET", "/projects", service="goals"))["projects"]
    project = next(one["project"] for one in listed if one["code"] == CODE)
    record = await people.ask(LEAD, "GET", f"/projects/{project}/record", service="goals")
    body = {"state": "done", "revision": record["revision"]}
    await people.ask(LEAD, "POST", f"/projects/{project}/state", service="goals", json=body)


def _report(task: dict[str, Any], now: datetime) -> TestReported:
    module = next(one for one in products.MODULES if one.item == task["module"])
    sign, limit = module.limit.split(" ")
    value = Decimal(limit) * (Decimal("1.2") if sign == ">=" else Decimal("0.8"))
    return TestReported(
        report=f"TR-{task['code']}", module=module.item, module_version=task["item_version"], verdict=Verdict.PASSED,
        task_code=task["code"], title=f"{task['title']}记录", tested_by=task["owner"], tested_at=now,
        measurements=(Measurement(metric=module.metric, value=value, unit=module.unit),),
    )  # fmt: skip
