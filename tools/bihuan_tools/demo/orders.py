"""Change orders in every state: one in review, two on one base, one that acts at a date; and a technical document."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_chassis.auth import Role
from bihuan_contracts.plm import BomReleased, ItemKind
from bihuan_tools.demo.company import ENGINEER, LEAD
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_REVIEW: dict[str, Any] = {
    "version": "V3.1",
    "description": "主控板改用国产以太网口芯片，驱动随之更换；引脚兼容，电磁兼容性需重新验证。",
    "modules": ["MB-7"],
    "criteria": [{"module": "MB-7", "text": "启动时间 ≤ 6 s", "metric": "启动时间", "unit": "s", "upper": "6"}],
}
_STALE: dict[str, Any] = {
    "version": "V3.4",
    "description": "励磁线圈加绕 20 匝，小流量时信号更强。",
    "modules": ["FD-2"],
}
_INTRODUCTION = """\
GX-500 五轴磨床由控制柜、磨头、工作台和液压站组成。本文说明各模块的设计要点；每次变更生效，系统把对应章节更新到新版本。

| 项目 | 指标 |
| --- | --- |
| 加工直径 | 20–500 mm |
| 重复定位精度 | ≤ 4 µm |
| 供电 | 三相 380 V，50 Hz |
"""
_POWER = """\
## 结构

电源模块把 380 V 整流后变为 24 V 与 12 V 两路，供控制柜使用。

- 额定输出 24 V / 20 A，12 V / 8 A
- 传导发射余量 ≥ 3 dB
- 过温保护 85 °C，恢复 70 °C
"""


def _coil_change(now: datetime) -> BomReleased:
    """Released by the PLM while somebody here was writing on the same base."""
    return BomReleased(
        item="FD-2", name="流量检测体", kind=ItemKind.MODULE, base_version="V3.3", version="V3.3A",
        change="ECN-2026-0176", reason="电极换用哈氏合金 C-276，耐盐酸。", released_by="10112", approved_by=("10001",),
        released_at=now,
    )  # fmt: skip


def _dated_change(now: datetime) -> BomReleased:
    return BomReleased(
        item="SM-11", name="敏感模块", kind=ItemKind.MODULE, base_version="V5.2", version="V5.3",
        change="ECN-2026-0181", reason="膜片供应商切换，新批次从下周起使用。", change_type="supplier",
        released_by="10118", approved_by=("10001",), effective_at=(now + timedelta(days=6)).replace(minute=0, second=0, microsecond=0),
        released_at=now,
    )  # fmt: skip


async def write(instance: Instance, now: datetime, project: str) -> int:
    """Through the pages' own addresses and the PLM's topic; returns how many orders there are of it."""
    changes = f"http://127.0.0.1:{instance.ports['changes']}/api/changes"
    async with _as(instance, ENGINEER, Role.EMPLOYEE) as engineer, _as(instance, LEAD, Role.PROJECT_LEAD) as lead:
        known = (await _ok(engineer.get(f"{changes}/changes", params={"item": "MB-7"}))).json()["changes"]
        if known:
            return len(known)
        review = (await _ok(engineer.post(f"{changes}/changes/drafts", json=_REVIEW))).json()["change"]
        await _ok(engineer.post(f"{changes}/changes/{review}/steps/submit", json={"version": 1}))
        await _ok(engineer.post(f"{changes}/changes/drafts", json=_STALE))
        await publish(instance.kafka_servers, [_coil_change(now), _dated_change(now)], source="plm/demo")
        path = f"{changes}/projects/{project}/document/sections"
        for module, title, body in (("-", "总述", _INTRODUCTION), ("PM-480", "电源模块", _POWER)):
            await _ok(lead.put(f"{path}/{module}", json={"version": 0, "title": title, "body": body}))
        await _until_blocked(engineer, changes)
    return 4


def _as(instance: Instance, person: str, role: Role) -> httpx.AsyncClient:
    token = instance.token(person, frozenset({Role.EMPLOYEE, role}), person)
    return httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30)


async def _until_blocked(client: httpx.AsyncClient, changes: str) -> None:
    """The release on the same base has arrived."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = (await _ok(client.get(f"{changes}/changes", params={"item": "FD-2", "state": "draft"}))).json()
        if any(one["blocked_by"] for one in found["changes"]):
            return
        await asyncio.sleep(0.1)
    raise StackError("变更没有在一分钟内到位", "The changes did not arrive within a minute")


async def _ok(call: Any) -> httpx.Response:
    answer: httpx.Response = await call
    if answer.is_error:
        raise StackError(f"{answer.request.url.path}：{answer.text}", f"{answer.request.url.path}: {answer.text}")
    return answer
