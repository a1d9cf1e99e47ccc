"""The two locks of the coil change: one that its owner asks a concession for, one that runs as a concession (G6)."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import httpx

from bihuan_tools.demo.acting import People
from bihuan_tools.demo.company import ENGINEER, LEAD
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_CHANGE, _LEAD_OF_IT = "ECN-2026-0176", "10118"
_TASKS = 2


async def ask_and_grant(instance: Instance, client: httpx.AsyncClient, now: datetime) -> int:
    """How many locks were spoken about; 0 when they have been before."""
    people = People(instance, client, "锁", "Locks")
    found = (await people.ask(LEAD, "GET", f"/changes?q={_CHANGE}"))["changes"]
    asked, granted = await _locked(people, next(one["change"] for one in found if one["number"] == _CHANGE))
    card = await people.ask(ENGINEER, "GET", f"/tasks/{asked['task']}", service="goals")
    if card["lock_requests"] or card["lock_history"]:
        return 0
    await _say(
        people,
        ENGINEER,
        asked,
        "request",
        "励磁线圈样件已按旧图绕好两套，想先装机做温漂试验。",
        now + timedelta(days=18),
    )
    await _say(
        people, _LEAD_OF_IT, granted, "decision", "原理图与电极材料无关，旧版先用到样机评审。", now + timedelta(days=12)
    )
    return _TASKS


async def _say(people: People, person: str, lock: dict[str, Any], what: str, reason: str, until: datetime) -> None:
    body = {"decision": "concession", "reason": reason, "expires_at": until.isoformat()}
    path = f"/tasks/{lock['task']}/locks/{lock['locks'][0]['lock']}/{what}"
    await people.ask(person, "POST", path, service="goals", json=body)


async def _locked(people: People, change: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The engineer's lock and the other one, once the change has come."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        locks = (await people.ask(LEAD, "GET", f"/changes/{change}/effects", service="goals"))["locks"]
        if len(locks) >= _TASKS:
            own = next(one for one in locks if one["owner"] == ENGINEER)
            return own, next(one for one in locks if one is not own)
        await asyncio.sleep(0.1)
    raise StackError("锁没有在一分钟内到位", "The locks did not arrive within a minute")
