"""Own goals at each point of their way: accepted, counter-offered, waiting, declined, withdrawn (G9)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_tools.demo.acting import People
from bihuan_tools.demo.company import ENGINEER
from bihuan_tools.instance import Instance

_MANAGER = "10001"


@dataclass(frozen=True)
class _Proposed:
    person: str
    metric: str
    title: str
    target: str
    words: str
    answer: dict[str, Any] | None
    """What is said to it; None: the manager has not answered yet."""
    by: str = _MANAGER


_GOALS = (
    _Proposed(
        ENGINEER, "response_days", "客户加急两天半内解决", "2.5",
        "去年平均比团队快，想把 GX-500 的几类常见问题写成速查表，稳定在两天半以内。",
        {"act": "accept", "words": "很好，速查表写完也给售后一份。"},
    ),
    _Proposed(
        "10235", "hours_deviation", "工时偏差降到 15%", "15", "驱动固件的工时总是估少，打算每周复盘一次。",
        {"act": "negotiate", "target": "18", "words": "新驱动还在换平台，先到 18%，下季度再收紧。"},
    ),
    _Proposed("10240", "on_time", "任务准时率到 90%", "90", "结构评审提前一周约，图纸不再压到最后两天。", None),
    _Proposed(
        "10240", "hours_deviation", "工时偏差降到 5%", "5", "每张图先估再画，月底核一次。",
        {"act": "decline", "words": "换平台这半年估不准，5% 会逼大家把工时写成计划数。先看准时率。"},
    ),
    _Proposed(
        "10235", "on_time", "任务准时率到 98%", "98", "联调提前一周开始。",
        {"act": "withdraw", "words": "先把工时偏差做好，准时率下季度再提。"}, by="10235",
    ),
)  # fmt: skip


async def propose(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    people = People(instance, client, "自定目标", "Own goals")
    for one in _GOALS:
        body = {
            "metric": one.metric, "title": one.title, "target": one.target, "words": one.words,
            "due_at": (now + timedelta(days=90)).isoformat(),
        }  # fmt: skip
        made = await people.ask(one.person, "POST", "/own-goals", service="goals", json=body)
        if one.answer is not None:
            path, answer = f"/own-goals/{made['goal']}/answers", {"version": made["version"], **one.answer}
            await people.ask(one.by, "POST", path, service="goals", json=answer)
    return len(_GOALS)
