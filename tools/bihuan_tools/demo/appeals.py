"""Two appeals: a score whose evidence is being gathered, an arbiter's decision that was corrected and acknowledged (C9)."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_tools.demo.company import ENGINEER
from bihuan_tools.demo.consents import LIGHT, TaskPeople
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_LEAD, _DIRECTOR, _HR = "10112", "10001", "10008"
_TASK, _PROJECT = "SV-60-06", "P-SV-60"
_SECONDS = 60
_DELIVERY = "送货单,MCU-7\n订单,PO-26031\n承诺,11 日\n实收,18 日 16:40\n签收,罗以宁\n".encode()


async def bring(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    """How many appeals there are now."""
    people = TaskPeople(instance, client, "申诉", "Appeals")
    await _score(people)
    await _adjustment(people, now)
    return 2


async def _score(people: TaskPeople) -> None:
    """Filed with a file and admitted: both sides may still add what they have."""
    subject = {"kind": "score", "score": "任务准时率（近一年），主控板两项计为晚到", "metric": "on_time"}
    filed = await _file(
        people, ENGINEER, subject,
        "主控板两项晚到，是 MCU-7 芯片比承诺日晚到七天，期间样板无法上电。来料一到，我两天内就交了调试记录，这两项不应算我晚到。",
        "剔除这两项后重算准时率",
    )  # fmt: skip
    path = f"/appeals/{filed['summary']['appeal']}"
    await people.ask(ENGINEER, "POST", f"{path}/files", files={"file": ("MCU-7 送货单.csv", _DELIVERY, "text/csv")})
    await _step(people, _HR, path, "admission", admitted=True, reason="晚到起因是来料，有送货单可查，予以受理。")
    words = {"words": "芯片交期由采购跟进，我六号催过一次，聊天记录随后补上。"}
    await people.ask(ENGINEER, "POST", f"{path}/statements", json=words)


async def _adjustment(people: TaskPeople, now: datetime) -> None:
    """An engineer says no, the director decides, the appeal is upheld in part, goals moves the target."""
    task = (await people.tasks((_PROJECT,)))[_TASK]
    owner = task["owner"]
    row = await _decided_row(people, task, now)
    filed = await _file(
        people, owner, {"kind": "row", **row},
        "决定提前交付时按图纸不改版算工时。散热器改型后要重画一层铜箔并复算温升，原计划工时不够。",
        "计划工时改为 40 小时，或恢复原来的到期日",
    )  # fmt: skip
    path = f"/appeals/{filed['summary']['appeal']}"
    await _step(people, _HR, path, "admission", admitted=True, reason="工时依据有出入，在期限之内，予以受理。")
    words = {"words": "到期日跟客户验收走，不能退；散热器改型确实是决定之后才定的。"}
    await people.ask(_DIRECTOR, "POST", f"{path}/statements", json=words)
    await _step(people, _HR, path, "freeze")
    await _step(
        people, _HR, path, "decision", outcome="partly",
        reason="到期日关系客户验收，维持不变；散热器改型在决定之后，增加的复算属实，计划工时改为 36 小时。",
        corrections=[{"task": task["task"], "field": "planned_hours", "new": "36"}],
    )  # fmt: skip
    await _until_recalculated(people, owner, path)
    await _step(people, owner, path, "acknowledgement", satisfied=True, words="工时补上了，按新日期交。")


async def _decided_row(people: TaskPeople, task: dict[str, Any], now: datetime) -> dict[str, str]:
    """The engineer's row of a matrix that the director has settled against them."""
    new = max(datetime.fromisoformat(task["due_at"]) - timedelta(days=1), now + timedelta(days=2))
    proposal = {
        "title": f"{task['title']}提前交付", "reason": "联合自动化要求提前看到驱动板方案，验收会提前一天。",
        "adjustments": [{"task": task["task"], "field": "due_at", "new": new.isoformat()}],
    }  # fmt: skip
    made = await people.known(_LEAD, "/consents", proposal)
    path = f"/consents/{made['summary']['matrix']}"
    columns = {"action": LIGHT.action, "hours": LIGHT.hours, "compensation": LIGHT.compensation}
    rows = [{"person": row["person"], "task": row["task"], **columns} for row in made["rows"]]
    worded = await people.ask(_LEAD, "PUT", path, json=proposal | {"version": made["version"], "rows": rows})
    sent = await people.ask(_LEAD, "POST", f"{path}/send", json={"version": worded["version"]})
    no = {"revision": 1, "answer": "rejected", "reason": "同一周还有样机调试，提前一天排不开。"}
    mine = next(row for row in sent["rows"] if row["person"] == task["owner"])
    for row in sent["rows"]:
        if row is mine or row["answer"] == "silent":
            answer = no if row is mine else {"revision": 1, "answer": "accepted"}
            await people.ask(row["person"], "POST", f"{path}/rows/{row['row']}/answer", json=answer)
    decision = {"revision": 1, "reason": "客户验收会已定，提前一天；样机调试由孟言协调让出半天。"}
    await people.ask(_DIRECTOR, "POST", f"{path}/rows/{mine['row']}/decide", json=decision)
    return {"matrix": made["summary"]["matrix"], "row": mine["row"]}


async def _file(people: TaskPeople, person: str, subject: dict[str, str], statement: str, wish: str) -> Any:
    body = {"subject": subject, "statement": statement, "wish": wish}
    return await people.ask(person, "POST", "/appeals", json=body)


async def _step(people: TaskPeople, person: str, path: str, name: str, **body: Any) -> None:
    seen = await people.ask(person, "GET", path)
    await people.ask(person, "POST", f"{path}/{name}", json={"version": seen["version"], **body})


async def _until_recalculated(people: TaskPeople, person: str, path: str) -> None:
    until = time.monotonic() + _SECONDS
    while (await people.ask(person, "GET", path))["summary"]["state"] != "recalculated":
        if time.monotonic() > until:
            raise StackError(
                "申诉的更正没有在一分钟内生效", "The correction of an appeal did not take effect in a minute"
            )
        await asyncio.sleep(0.1)
