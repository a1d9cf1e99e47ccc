"""Bringing the demo company in, through the public topics and APIs, as a customer's data would come."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx

from bihuan_chassis.auth import Role
from bihuan_contracts import Event
from bihuan_tools.demo import (
    appeals,
    company,
    consents,
    evidence,
    history,
    hours,
    locks,
    orders,
    own_goals,
    pilot,
    products,
    requests,
    rules,
    support,
    templates,
    trees,
)
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

Progress = Callable[[str, str, int, int], None]
"""(Chinese, English, done, total)."""
_CHUNK = 500


async def seed(instance: Instance, progress: Progress, *, now: datetime | None = None) -> dict[str, int]:
    """Send everything and wait until the services have it. Sending twice changes nothing."""
    at = now or datetime.now(UTC)
    staff = company.people()
    releases = products.first_releases()
    projects = [trees.connect(project, at) for project in products.projects(staff, at)]
    projects += [pilot.project(staff, at), *support.projects(staff, at)]
    past = list(history.events(at, projects))
    await _send(instance, staff, progress, "人员与供应商", "people and suppliers")
    await _send(instance, releases, progress, "产品结构", "product structure")
    token = instance.token(company.LEAD, frozenset({Role.ADMINISTRATOR}), "陈砚")
    goals = f"http://127.0.0.1:{instance.ports['goals']}/api/goals"
    created = 0
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        for number, project in enumerate(projects, 1):
            answer = await client.post(f"{goals}/projects", json=project)
            if answer.status_code != 201:
                raise StackError(f"项目 {project['code']} 导入失败：{answer.text}", f"Import failed: {answer.text}")
            created += answer.json()["created"]
            progress("项目与任务", "projects and tasks", number, len(projects))
        if created:
            await trees.freeze(client, goals, at)
            await _send(instance, past, progress, "两年的订单、收货、缺陷与报告", "two years of history")
        await _wait_until_known(instance, client, progress)
        if created:
            await evidence.hand_in(instance)
            await requests.book(instance, client, at)
            proposed = await own_goals.propose(instance, client, at)
            progress("客户加急与自定目标", "urgent requests and own goals", proposed, proposed)
        matrices = await consents.propose(instance, client, at)
        if matrices:
            matrices += await hours.finish_agreed_work(instance, client, at)
            matrices += await pilot.finish(instance, client, at)
        progress("影响矩阵", "impact matrices", matrices, matrices)
        if matrices:
            contested = await appeals.bring(instance, client, at)
            progress("申诉", "appeals", contested, contested)
        listed = (await client.get(f"{goals}/projects")).json()["projects"]
        first = next(one["project"] for one in listed if one["code"] == projects[0]["code"])
        written = await orders.write(instance, at, first)
        progress("变更单与技术文档", "change orders and documents", written, written)
        spoken = await locks.ask_and_grant(instance, client, at)
        progress("锁与让步", "locks and concessions", spoken, spoken)
        kept = await templates.write(instance, client)
        progress("项目模板", "project templates", kept, kept)
        # After the orders: what they do is decided by the rules that come with the system.
        tables = await rules.write(instance, client)
        progress("规则", "rules", tables, tables)
    return {
        "people": len(staff),
        "releases": len(releases),
        "projects": created,
        "history": len(past) if created else 0,
        "matrices": matrices,
        "rules": tables,
    }


async def _send(instance: Instance, events: Sequence[Event], progress: Progress, zh: str, en: str) -> None:
    for start in range(0, len(events), _CHUNK):
        await publish(instance.kafka_servers, events[start : start + _CHUNK], source="bihuan/demo")
        progress(zh, en, min(start + _CHUNK, len(events)), len(events))


async def _wait_until_known(instance: Instance, client: httpx.AsyncClient, progress: Progress) -> None:
    """Until the directory, the structure and the tasks have arrived where the scenario needs them."""
    form = {"version": "V9.9", "description": "?", "modules": ["PM-480"]}
    until = time.monotonic() + 120
    while time.monotonic() < until:
        personas = await client.get(f"{instance.address}/auth/personas")
        shown = await client.post(
            f"http://127.0.0.1:{instance.ports['changes']}/api/changes/changes/preview", json=form
        )
        people = shown.json().get("people", 0) if shown.status_code == 200 else 0
        if personas.status_code == 200 and len(personas.json()["personas"]) >= 11 and people >= 3:
            progress("服务已收到", "services have it", 1, 1)
            return
        await asyncio.sleep(0.2)
    raise StackError("演示数据没有在两分钟内到位", "The demo data did not arrive within two minutes")
