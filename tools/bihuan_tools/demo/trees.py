"""What makes the demo's trees more than lists: who waits for whom, drafts, a frozen quarter (G1–G3)."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_chassis.calendar import ZONE
from bihuan_tools.demo.company import TESTER
from bihuan_tools.stack import StackError

_FOLLOWS = {"样机调试": "原理设计", "型式试验": "样机调试", "装配工艺": "样机调试", "技术文档": "原理设计"}
"""A module is designed, then tried, then tested and prepared for assembly."""
_FROZEN, _OPEN = "P-TS-330", "P-GX-500"
_QUARTERS = "一二三四"


def connect(project: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The project with dependencies inside each module, and on 五轴磨床 two drafts that still lack something."""
    tasks = [task for goal in project["goals"] for task in goal["tasks"]]
    by_title = {task["title"]: task["code"] for task in tasks}
    for task in tasks:
        for ending, before in _FOLLOWS.items():
            first = task["title"].removesuffix(ending) + before
            if task["title"].endswith(ending) and first in by_title:
                task["depends_on"] = [by_title[first]]
    for goal in project["goals"]:
        if goal["title"] == "试验通过":
            goal["owner"] = TESTER
    if project["code"] == _OPEN:
        project["goals"][-1]["tasks"] += _drafts([task["code"] for task in tasks if task["kind"] == "process"], now)
    return project


def _drafts(after: list[str], now: datetime) -> list[dict[str, Any]]:
    due = (now + timedelta(days=45)).isoformat()
    return [
        {
            "code": "GX-500-91", "title": "整机量产移交评审", "kind": "document", "state": "draft", "due_at": due,
            "planned_hours": "24", "depends_on": after, "deliverables": [{"title": "量产移交清单", "criteria": []}],
        },
        {
            "code": "GX-500-92", "title": "售后备件清单", "kind": "document", "state": "draft", "due_at": due,
            "planned_hours": "16", "depends_on": ["GX-500-91"], "deliverables": [],
        },
    ]  # fmt: skip


async def freeze(client: httpx.AsyncClient, goals: str, now: datetime) -> None:
    """The quarter in which we are, with one goal of 温度变送器 in it, frozen; 五轴磨床 has its phase, still open."""
    local = now.astimezone(ZONE)
    quarter = (local.month - 1) // 3
    start = local.replace(month=3 * quarter + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=95)).replace(day=1)
    projects = {one["code"]: one["project"] for one in (await _ok(client.get(f"{goals}/projects")))["projects"]}
    name = f"{local.year} 年第{_QUARTERS[quarter]}季度"
    cycle = await _cycle(client, goals, {"kind": "quarter", "name": name, "starts_at": start, "ends_at": end})
    phase = {"kind": "phase", "name": "DVT 阶段", "project": projects[_OPEN], "starts_at": now, "ends_at": end}
    open_phase = await _cycle(client, goals, phase)
    await _join(client, goals, projects[_FROZEN], cycle["cycle"])
    await _join(client, goals, projects[_OPEN], open_phase["cycle"])
    await _ok(client.post(f"{goals}/cycles/{cycle['cycle']}/freeze", json={"version": cycle["version"]}))


async def _cycle(client: httpx.AsyncClient, goals: str, body: dict[str, Any]) -> dict[str, Any]:
    times = {name: value.isoformat() for name, value in body.items() if isinstance(value, datetime)}
    return await _ok(client.post(f"{goals}/cycles", json=body | times))


async def _join(client: httpx.AsyncClient, goals: str, project: str, cycle: str) -> None:
    goal = (await _ok(client.get(f"{goals}/projects/{project}/tree")))["goals"][0]
    body = {"revision": goal["revision"], "cycle": cycle}
    await _ok(client.patch(f"{goals}/projects/{project}/goals/{goal['goal']}", json=body))


async def _ok(call: Any) -> dict[str, Any]:
    answer: httpx.Response = await call
    if answer.is_error:
        raise StackError(f"{answer.request.url.path}：{answer.text}", f"{answer.request.url.path}: {answer.text}")
    found: dict[str, Any] = answer.json()
    return found
