"""A technical document that is handed in and waits for the lead's approval, through the pages' own addresses (G5)."""

import asyncio
import time

import httpx

from bihuan_chassis.auth import Role
from bihuan_tools.demo.company import ENGINEER
from bihuan_tools.instance import Instance
from bihuan_tools.stack import StackError

TASK = "GX-500-29"
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


async def hand_in(instance: Instance) -> None:
    """The engineer's design description goes on its task's card."""
    token = instance.token(ENGINEER, frozenset({Role.EMPLOYEE}), "周启航")
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
        week = await client.get(f"http://127.0.0.1:{instance.ports['goals']}/api/goals/week")
        task = next(one["task"] for one in week.json()["deliverables"] if one["code"] == TASK)
        address = f"http://127.0.0.1:{instance.ports['feedback']}/api/feedback/cards/{task}/attachments"
        until = time.monotonic() + 30
        while time.monotonic() < until:
            file = ("主控板 V3.0 设计说明书.pdf", _PDF, "application/pdf")
            answer = await client.post(address, files={"file": file})
            if answer.status_code == 201:
                return
            if answer.status_code != 404:
                break
            await asyncio.sleep(0.1)  # the card is still on its way
        raise StackError(f"设计说明书没有交上：{answer.text}", f"The document was not taken: {answer.text}")
