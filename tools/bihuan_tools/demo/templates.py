"""Templates of the company's project types, as its process owner keeps them (G1)."""

from typing import Any

import httpx

from bihuan_chassis.auth import Role
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_OWNER = "10003"
_REVIEW = {"title": "设计评审纪要", "criteria": [{"text": "评审遗留问题全部关闭", "kind": "checklist",
           "items": ["原理图评审意见全部答复", "器件降额核算", "EMC 预评估", "可制造性检查", "遗留问题逐条关闭"]}]}  # fmt: skip


def _task(
    key: str, title: str, kind: str, start: int, days: int, hours: str, deliverable: Any, after: tuple[str, ...] = ()
) -> dict[str, Any]:
    given = deliverable if isinstance(deliverable, dict) else {"title": deliverable[0], "criteria": [deliverable[1]]}
    return {
        "key": key, "title": title, "kind": kind, "start_day": start, "days": days, "planned_hours": hours,
        "after": after, "deliverables": [given],
    }  # fmt: skip


def _approved(text: str) -> dict[str, Any]:
    return {"text": text, "kind": "approval", "approver": "project_lead"}


def _measured(metric: str, sign: str, limit: str, unit: str) -> dict[str, Any]:
    side = "lower" if sign == "≥" else "upper"
    return {"text": f"{metric} {sign} {limit} {unit}", "metric": metric, "unit": unit, side: limit}


_SENSOR = {
    "project_type": "传感器",
    "name": "传感器新品开发（8 个月）",
    "description": "按近三个传感器项目整理：从敏感元件选型到量产移交，试验一次通过率 82% 以上。",
    "goals": [
        {"title": "样机达标", "weight": "45", "tasks": [
            _task("01", "敏感元件选型", "develop", 0, 15, "60", ("选型报告", _approved("三家以上对比，项目负责人批准"))),
            _task("02", "调理电路原理设计", "develop", 10, 20, "120", _REVIEW, ("01",)),
            _task("03", "样机试制与调试", "develop", 30, 30, "160",
                  ("调试记录", _measured("零点漂移", "≤", "0.05", "%")), ("02",)),
        ]},
        {"title": "试验通过", "weight": "35", "tasks": [
            _task("04", "高低温试验", "test", 60, 15, "80", ("试验报告", _measured("温漂", "≤", "0.1", "%/10K")), ("03",)),
            _task("05", "EMC 试验", "test", 65, 15, "80", ("试验报告", _measured("传导发射余量", "≥", "6", "dB")), ("03",)),
            _task("06", "可靠性摸底", "test", 80, 30, "120", ("试验报告", _measured("失效数", "≤", "0", "台")), ("04",)),
        ]},
        {"title": "具备量产条件", "tasks": [
            _task("07", "装配与标定工艺", "process", 75, 25, "100", ("作业指导书", _approved("试装一次合格")), ("03",)),
            _task("08", "技术文档归档", "document", 100, 15, "40",
                  ("设计说明书", {"text": "文档已归档", "kind": "document"}), ("06",)),
            _task("09", "量产移交评审", "document", 115, 10, "24", ("移交清单", _approved("移交项全部签收")), ("07", "08")),
        ]},
    ],
}  # fmt: skip
_UPGRADE = {
    "project_type": "改型",
    "name": "模块改型（10 周）",
    "description": "只换一个模块时用：先评估影响，再试制、复测、更新文档。",
    "goals": [
        {"title": "改型达标", "weight": "70", "tasks": [
            _task("01", "影响评估", "develop", 0, 5, "24", ("影响清单", _approved("受影响的任务和物料列全"))),
            _task("02", "改型设计", "develop", 5, 10, "60", _REVIEW, ("01",)),
            _task("03", "试制与复测", "test", 15, 20, "90", ("复测报告", _measured("传导发射余量", "≥", "6", "dB")), ("02",)),
        ]},
        {"title": "切换完成", "tasks": [
            _task("04", "库存与在制品处理", "purchase", 25, 15, "30", ("处理方案", _approved("采购与生产会签"))),
            _task("05", "技术文档更新", "document", 35, 10, "24",
                  ("设计说明书", {"text": "文档已归档", "kind": "document"}), ("03",)),
        ]},
    ],
}  # fmt: skip


async def write(instance: Instance, client: httpx.AsyncClient) -> int:
    """How many were written; 0 when they are there already."""
    token = instance.token(_OWNER, frozenset({Role.PROCESS_OWNER}), "许静姝")
    address = f"http://127.0.0.1:{instance.ports['goals']}/api/goals/templates"
    headers = {"Authorization": f"Bearer {token}"}
    if (await client.get(address, headers=headers)).json()["templates"]:
        return 0
    for one in (_SENSOR, _UPGRADE):
        answer = await client.post(address, json=one, headers=headers)
        if answer.is_error:
            raise StackError(f"项目模板：{answer.text}", f"Project templates: {answer.text}")
    return 2
