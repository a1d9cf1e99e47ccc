"""What one release costs `changes` when there is much more history."""

import time
from collections.abc import Sequence
from statistics import median

import asyncpg

from bench import world
from bench.rows import Row
from bihuan_chassis import testing
from bihuan_chassis.openapi import load
from bihuan_contracts import topics
from bihuan_tools.instance import Instance

EVENTS, AFFECTED, ROWS_EACH, HISTORY = 40, 500, 20, 100


async def history(instance: Instance) -> list[Row]:
    """What one release costs `changes`, before and after a hundred times as many finished tasks and bills are there."""
    async with testing.running(load("changes"), instance.postgres_url) as changes:
        connection = await asyncpg.connect(changes.database)
        await connection.execute(world.MODULES_WITH_TASKS, "B-", 2 * EVENTS, "active", ROWS_EACH)
        await connection.execute(world.MODULES_WITH_TASKS, "H-", AFFECTED, "done", ROWS_EACH)
        before = await _costs(changes, [f"B-{n}" for n in range(1, EVENTS + 1)])
        await connection.execute(world.MODULES_WITH_TASKS, "HH-", AFFECTED * HISTORY, "done", ROWS_EACH)
        await connection.execute("analyze")
        after = await _costs(changes, [f"B-{n}" for n in range(EVENTS + 1, 2 * EVENTS + 1)])
        await connection.close()
    figures = f"{median(before):.1f} ms, then {median(after):.1f} ms"
    return [Row("a release with 100x the history / with 1x", median(after) / median(before), 1.2, False, figures)]


async def _costs(changes: testing.RunningService, modules: Sequence[str]) -> list[float]:
    times = []
    for module in modules:
        release = world.release(module, base="V1", version="V2")
        started = time.perf_counter()
        await changes.hear(topics.BOM_RELEASES, [release])
        times.append((time.perf_counter() - started) * 1000)
    return times[5:]
