"""The main loop, played: a released change becomes locks, cards and notices, and a report closes it again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from bihuan_contracts.plm import BomLine
from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER
from bihuan_tools.demo.products import power_module_change
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

_STEP_SECONDS = 30


@dataclass(frozen=True)
class Done:
    """A step that has happened, and when, in seconds from the release."""

    zh: str
    en: str
    seconds: float


Told = Callable[[Done], None]


class Player:
    """Acts as people would, through the pages' own addresses."""

    def __init__(self, instance: Instance, told: Told) -> None:
        self._instance = instance
        self._told = told
        self._started = time.monotonic()

    async def play(self) -> list[Done]:
        """Raises StackError when a step does not happen."""
        done: list[Done] = []
        async with AsyncExitStack() as stack:
            engineer, tester, lead = [
                await self._signed_in(await stack.enter_async_context(self._client()), person)
                for person in (ENGINEER, TESTER, LEAD)
            ]
            change = await self._release(lead)
            number = change["number"]
            found = await self._until(lambda: self._find(lead, number))
            change_id = found["change"]
            done.append(
                self._say(
                    f"{number} 已发布，影响 {found['people']} 人", f"{number} released, affects {found['people']}"
                )
            )
            notice = await self._until(lambda: self._notice(engineer, change_id))
            done.append(
                self._say(f"周启航收到：{notice['title']['zh']}", f"Zhou Qihang was told: {notice['title']['en']}")
            )
            effects = await self._until(lambda: self._effects(lead, change_id))
            locked, cards = len(effects["locks"]), effects["cards"]
            done.append(
                self._say(
                    f"锁定 {locked} 项任务，{len(cards)} 张待重测卡",
                    f"{locked} tasks locked, {len(cards)} retest cards",
                )
            )
            await _ok(engineer.post(f"/api/notify/notices/{notice['notice']}/confirm"))
            done.append(self._say("周启航已确认", "Zhou Qihang confirmed"))
            mine = [card for card in cards if card["owner"] == TESTER]
            for card in mine:
                await self._answer(tester, card)
            done.append(self._say("林若溪答复：确认无误，并提交报告", "Lin Ruoxi answered and reported"))
            after = await self._until(lambda: self._verified(lead, change_id, {card["task"] for card in mine}))
            opened = sum(not lock["open"] for lock in after["locks"])
            done.append(
                self._say(f"报告通过，{opened} 项任务解锁", f"The report passed, {opened} tasks are open again")
            )
            clock = await self._until(lambda: self._clock(lead, change_id))
            done.append(
                self._say(
                    f"发布到全员送达 {clock['last_delivery']:.2f} 秒，到首份报告 {clock['first_report']:.1f} 秒",
                    f"Everybody told in {clock['last_delivery']:.2f} s, first report in {clock['first_report']:.1f} s",
                )
            )
        return done

    async def _release(self, lead: httpx.AsyncClient) -> dict[str, Any]:
        """ECN-2026-0187, or when it has been played before the next change of the module."""
        change = power_module_change(datetime.now(UTC))
        if await self._find(lead, change.change or "") is not None:
            module = await self._module(lead)
            count = int(module["version"].rsplit(".", 1)[1]) + 1
            change = change.model_copy(
                update={
                    "base_version": module["version"],
                    "version": f"V2.{count}",
                    "change": f"ECN-2026-{183 + count:04}",
                    "reason": "导热垫加厚，散热余量再提高。",
                    "lines": tuple(_thicker(line, count) for line in change.lines or ()),
                }
            )
        self._started = time.monotonic()
        await publish(self._instance.kafka_servers, [change], source="plm/demo")
        return {"number": change.change}

    async def _module(self, client: httpx.AsyncClient) -> dict[str, Any]:
        found = (await _ok(client.get("/api/changes/modules", params={"q": "PM-480"}))).json()["modules"]
        module: dict[str, Any] = found[0]
        return module

    async def _find(self, client: httpx.AsyncClient, number: str) -> dict[str, Any] | None:
        found = (await _ok(client.get("/api/changes/changes", params={"q": number}))).json()["changes"]
        return next((one for one in found if one["number"] == number and one["applied_at"]), None)

    async def _notice(self, client: httpx.AsyncClient, change: str) -> dict[str, Any] | None:
        found = (await _ok(client.get("/api/notify/inbox"))).json()["notices"]
        return next((one for one in found if one["change"] == change), None)

    async def _effects(self, client: httpx.AsyncClient, change: str) -> dict[str, Any] | None:
        effects: dict[str, Any] = (await _ok(client.get(f"/api/goals/changes/{change}/effects"))).json()
        return effects if effects["cards"] and effects["locks"] else None

    async def _answer(self, tester: httpx.AsyncClient, card: dict[str, Any]) -> None:
        path = f"/api/feedback/cards/{card['task']}/answers"
        await self._until(lambda: _found(tester.get(path)))
        await _ok(tester.post(path, json={"answer": "confirmed"}))
        criterion = card["deliverables"][0]["criteria"][0]
        report = {
            "task": card["task"], "module": card["module"], "module_version": card["item_version"], "verdict": "passed",
            "criterion": criterion["criterion"], "criterion_version": criterion["version"],
            "measurements": [{"metric": criterion["metric"], "value": "6.8", "unit": criterion["unit"]}],
            "title": card["title"],
        }  # fmt: skip
        await _ok(tester.post("/api/intake/test-reports", json=report))

    async def _verified(self, client: httpx.AsyncClient, change: str, cards: set[str]) -> dict[str, Any] | None:
        effects = (await _ok(client.get(f"/api/goals/changes/{change}/effects"))).json()
        done = {card["task"] for card in effects["cards"] if card["state"] == "done"}
        found: dict[str, Any] | None = effects if cards <= done else None
        return found

    async def _clock(self, client: httpx.AsyncClient, change: str) -> dict[str, Any] | None:
        answer = await client.get(f"/api/analytics/changes/{change}/clock")
        clock: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        ready = clock.get("first_report") is not None and clock.get("last_delivery") is not None
        return clock if ready else None

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._instance.address, headers={"X-Bihuan-Request": "1"}, timeout=15)

    async def _signed_in(self, client: httpx.AsyncClient, person: str) -> httpx.AsyncClient:
        await _ok(client.post("/auth/sign-in", json={"person": person}))
        return client

    def _say(self, zh: str, en: str) -> Done:
        done = Done(zh, en, time.monotonic() - self._started)
        self._told(done)
        return done

    async def _until(self, look: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any]:
        until = time.monotonic() + _STEP_SECONDS
        while time.monotonic() < until:
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(0.02)
        raise StackError("这一步没有发生，请看 bihuan logs", "This step did not happen; see `bihuan logs`")


def _thicker(line: BomLine, count: int) -> BomLine:
    """Each further change takes one more thermal pad."""
    return line.model_copy(update={"quantity": Decimal(count - 1)}) if line.item == "TP-08" else line


async def _ok(call: Awaitable[httpx.Response]) -> httpx.Response:
    answer = await call
    if answer.is_error:
        raise StackError(f"{answer.request.url.path}：{answer.text}", f"{answer.request.url.path}: {answer.text}")
    return answer


async def _found(call: Awaitable[httpx.Response]) -> dict[str, Any] | None:
    answer = await call
    found: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
    return found
