"""W5, N3: a process of the running installation that crashes is there again, and nobody's work is lost with it."""

import asyncio

import httpx
import pytest
from tests.waiting import until

from bihuan_tools.instance import Instance

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


async def test_a_killed_worker_is_back_and_says_so(bihuan: Instance) -> None:
    worker = next(one for one in bihuan.processes() if one.name.endswith(("workers", "-worker")))
    before, restarts = worker.pid, worker.restarts
    await asyncio.to_thread(worker.kill)

    async def back() -> bool | None:
        return True if worker.pid not in {None, before} and worker.restarts == restarts + 1 else None

    await until(back, f"{worker.name} is started again", 90)
    async with httpx.AsyncClient(timeout=5) as client:

        async def ready() -> bool | None:
            try:
                answer = await client.get(f"http://127.0.0.1:{bihuan.ports['worker_admin']}/readyz")
            except httpx.TransportError:
                return None
            return True if answer.status_code == 200 else None

        await until(ready, f"{worker.name} is ready", 90)
