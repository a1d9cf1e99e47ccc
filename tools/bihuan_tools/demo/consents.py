"""Impact matrices of the demo company: one that waits for answers, one that everybody has agreed to (C7, C8)."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_tools.demo.acting import People
from bihuan_tools.demo.company import LEAD
from bihuan_tools.instance import Instance

_SECONDS = 60
_NOTHING = {"kind": "none", "amount": "0"}


@dataclass(frozen=True)
class Filled:
    """The columns of one person's row, and what the person answers."""

    action: str
    hours: str
    compensation: dict[str, Any]
    answer: dict[str, Any] | None = None
    """None: has not answered yet."""


_YES = {"answer": "accepted"}
_OPEN = {
    "10231": Filled("样板晚到一周，调试改到下下周一开始，联调窗口随之后移", "6", {"kind": "rest_days", "amount": "1"}),
    "10310": Filled("型式试验顺延，试验台改约到新的窗口", "4", {"kind": "bonus_points", "amount": "20"}, _YES),
    "10235": Filled(
        "驱动固件先在旧样机上验证，样板到后再复跑一轮", "4", {"kind": "bonus_points", "amount": "10"},
        {
            "answer": "negotiating",
            "reason": "旧样机的采样电阻不一样，复跑至少要一天半，4 小时不够。",
            "counter": {"hours": "12", "compensation": {"kind": "rest_days", "amount": "1"}},
        },
    ),
}  # fmt: skip
_AGREED_ROW = Filled("按新日期交付，评审会改期", "2", {"kind": "bonus_points", "amount": "10"}, _YES)
LIGHT = Filled("核对自己的计划，无须加班", "0", _NOTHING, _YES)


async def propose(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    """How many matrices were made; 0 when they are there already."""
    people = TaskPeople(instance, client, "影响矩阵", "Impact matrix")
    if (await people.ask(LEAD, "GET", "/consents"))["matrices"]:
        return 0
    tasks = await people.tasks(("P-GX-500", "P-TS-330"))
    await propose_one(
        people,
        "主控板样板晚到，调试与型式试验顺延一周",
        "MCU-7 供应商把交期推迟到下周三；客户已同意整机交付日不变，靠并行验证追回。",
        [(tasks["GX-500-27"], 7), (tasks["GX-500-23"], 7)],
        now,
        _OPEN,
        LIGHT,
        unanswered={"20545"},
    )
    await propose_one(
        people,
        "信号调理板样机调试顺延三天",
        "可靠性柜被复测占用三天，调试顺延，出货日不变。",
        [(tasks["TS-330-02"], 3)],
        now,
        {tasks["TS-330-02"]["owner"]: _AGREED_ROW},
        LIGHT,
    )
    return 2


async def propose_one(
    people: "TaskPeople",
    title: str,
    reason: str,
    moves: Sequence[tuple[dict[str, Any], int]],
    now: datetime,
    rows: dict[str, Filled],
    others: Filled | None = None,
    *,
    unanswered: frozenset[str] | set[str] = frozenset(),
) -> None:
    adjustments = [
        {"task": task["task"], "field": "due_at", "new": (max(_due(task), now) + timedelta(days=days)).isoformat()}
        for task, days in moves
    ]
    proposal = {"title": title, "reason": reason, "adjustments": adjustments}
    made = await people.known(LEAD, "/consents", proposal)
    path = f"/consents/{made['summary']['matrix']}"
    others = others or LIGHT
    columns = [(row, rows.get(row["person"], others)) for row in made["rows"]]
    wording = proposal | {
        "version": made["version"],
        "rows": [
            {
                "person": row["person"], "task": row["task"], "action": filled.action, "hours": filled.hours,
                "compensation": filled.compensation,
            }
            for row, filled in columns
        ],
    }  # fmt: skip
    worded = await people.ask(LEAD, "PUT", path, json=wording)
    sent = await people.ask(LEAD, "POST", f"{path}/send", json={"version": worded["version"]})
    for row in sent["rows"]:
        answer = rows.get(row["person"], others).answer
        if row["answer"] == "silent" and answer is not None and row["person"] not in unanswered:
            body = {"revision": 1, **answer}
            await people.ask(row["person"], "POST", f"{path}/rows/{row['row']}/answer", json=body)


def _due(task: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(task["due_at"])


class TaskPeople(People):
    async def known(self, person: str, path: str, body: dict[str, Any]) -> Any:
        """Asks until the service knows the tasks that the body names."""
        until = time.monotonic() + _SECONDS
        while True:
            answer = await self.send(person, "POST", path, "changes", json=body)
            if not answer.is_error:
                return answer.json()
            if "unknown_task" not in answer.text or time.monotonic() > until:
                raise self.refused(answer)
            await asyncio.sleep(0.1)

    async def tasks(self, projects: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Tasks of these projects by code."""
        listed = (await self.ask(LEAD, "GET", "/projects", service="goals"))["projects"]
        found: dict[str, dict[str, Any]] = {}
        for one in listed:
            if one["code"] in projects:
                board = await self.ask(LEAD, "GET", f"/projects/{one['project']}", service="goals")
                found |= {task["code"]: task for goal in board["goals"] for task in goal["tasks"]}
        return found
