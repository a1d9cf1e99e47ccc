"""A board as its page asks for it, against an endpoint that returns the same bytes."""

import asyncio
import time
from statistics import median

import asyncpg

from bench import world
from bench.around import listening, process, scratch
from bench.rows import Row
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port


async def boards(instance: Instance) -> list[Row]:
    """A board of 120 tasks."""
    token = instance.token("B000", frozenset({"administrator"}))
    goals = f"http://127.0.0.1:{instance.ports['goals']}/api/goals"
    tree = {
        "code": "BOARD", "name": "测量", "product": "X", "lead": "B000",
        "goals": [
            {
                "title": f"目标 {g}",
                "tasks": [
                    {
                        "code": f"G{g}-{n}", "title": "任务", "kind": "develop", "owner": f"B{n:03}", "module": "M",
                        "deliverables": [{"title": "交付物", "criteria": [{"text": "标准"}]}],
                    }
                    for n in range(30)
                ],
            }
            for g in range(4)
        ],
    }  # fmt: skip
    database = await scratch(instance, "bench_board")
    port = free_port()
    await publish(instance.kafka_servers, world.people())
    async with world.signed_in(instance, "B000") as client:
        made = await client.post(f"{goals}/projects", json=tree, headers={"Authorization": f"Bearer {token}"})
        url = f"/api/boards/{made.json()['project']}"
        while (body := (await client.get(url)).text).count('"code":"G') < 120:
            await asyncio.sleep(0.1)
        connection = await asyncpg.connect(database)
        await connection.execute("insert into bare_board values ($1)", body)
        await connection.close()
        with process("bench.baseline", "board", database, str(port)):
            await listening(port)
            ours: list[float] = []
            bare: list[float] = []
            for number in range(120):
                for target, times in ((f"http://127.0.0.1:{port}/board", bare), (url, ours)):
                    started = time.perf_counter()
                    await client.get(target)
                    if number >= 20:
                        times.append((time.perf_counter() - started) * 1000)
    figures = f"{median(ours):.1f} ms, bare {median(bare):.1f} ms, {len(body) // 1000} kB"
    return [Row("board of 120 tasks, p50 / bare endpoint", median(ours) / median(bare), 2, False, figures)]
