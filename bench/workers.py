"""Throughput of the worker of `changes`: releases on the plain projection path, and releases that touch people."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import median

import asyncpg

from bench import world
from bench.around import RECORDS, ROUNDS, create_topic, own_database, process, scratch
from bench.racing import ByRows, Racer, by_inbox, track
from bench.rows import Row, ratio
from bihuan_chassis.identifiers import new_id
from bihuan_contracts import seal, topics
from bihuan_contracts.envelope import SealedRecord
from bihuan_contracts.plm import BomReleased
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port

AFFECTED, ROWS_EACH = 500, 20
_SLOW = 600
_TOPIC = topics.BOM_RELEASES


async def throughput(instance: Instance) -> list[Row]:
    """BOM releases on the plain projection path, through the worker of `changes` as production runs it."""
    bare_database = await scratch(instance, "bench_bare")
    async with track(
        instance,
        _bare(instance, bare_database, _TOPIC.name, _TOPIC.partitions),
        await _worker(instance, lanes=1),
        await _worker(instance, lanes=2),
    ) as racing:
        rounds = [
            await racing.race(_sealed(world.release(f"L{number}-{n}") for n in range(RECORDS)))
            for number in range(ROUNDS + 1)
        ][1:]  # the first one warms all sides
    slow = await _one_by_one(instance, await scratch(instance, "bench_slow"))
    bare, one, two = (median(speeds) for speeds in zip(*rounds, strict=True))
    figures = f"{two:,.0f}/s two lanes, {one:,.0f}/s one, bare {bare:,.0f}/s"
    return [
        Row("worker, two lanes / bare loop", ratio([(two, bare) for bare, _, two in rounds]), 0.6, True, figures),
        Row("worker, one lane / bare loop", ratio([(one, bare) for bare, one, _ in rounds]), 0.45, True, ""),
        Row("worker / one message one transaction", two / slow, 80, True, f"{slow:,.0f}/s one by one"),
    ]


async def affected(instance: Instance) -> list[Row]:
    """Releases with 20 affected rows each through the worker, counted in rows."""
    await create_topic(instance, "bench.rows")
    worker = await _worker(instance, lanes=2, name="rows")
    connection = await asyncpg.connect(worker.database)
    bare_database = await scratch(instance, "bench_rows_bare")
    async with track(instance, _bare(instance, bare_database, "bench.rows", 1), worker) as racing:
        rounds = []
        for number in range(ROUNDS + 1):
            await connection.execute(world.MODULES_WITH_TASKS, f"A{number}-", AFFECTED, "active", ROWS_EACH)
            changes = _sealed(world.release(f"A{number}-{n}", base="V1", version="V2") for n in range(1, AFFECTED + 1))
            plain = _sealed((world.release(f"P-{n}") for n in range(RECORDS)), topic="bench.rows")
            bare, ours = await racing.race(plain, changes)
            rounds.append((ours * ROWS_EACH, bare))
    await connection.close()
    rounds = rounds[1:]
    figures = f"{median(o for o, _ in rounds):,.0f} rows/s, bare {median(b for _, b in rounds):,.0f}/s"
    return [Row("releases with 20 affected rows each, rows / bare loop", ratio(rounds), 0.4, True, figures)]


def _bare(instance: Instance, database: str, topic: str, partitions: int) -> Racer:
    command = ("bench.baseline", "worker", instance.kafka_servers, database, topic, f"{topic}.bare")
    return Racer(topic, f"{topic}.bare", partitions, 1, database, ByRows(), command)


async def _worker(instance: Instance, *, lanes: int, name: str = "lanes") -> Racer:
    group = f"bench.{name}-{lanes}"
    database = await own_database(instance, "changes", group)
    environ = instance.environ() | {
        "BIHUAN_CHANGES_DATABASE": database, "BIHUAN_ADMIN_PORT": str(free_port()), "BIHUAN_LANES": str(lanes),
        "BIHUAN_LOG_LEVEL": "WARNING", "BENCH_GROUP": group, "BENCH_SERVICE": "changes", "BENCH_TOPIC": _TOPIC.name,
    }  # fmt: skip
    return Racer(_TOPIC.name, group, _TOPIC.partitions, lanes, database, by_inbox, ("bench.worker",), environ)


def _sealed(releases: Iterable[BomReleased], topic: str = _TOPIC.name) -> list[SealedRecord]:
    now = datetime.now(UTC)
    sealed = [seal(_TOPIC, one, id=str(new_id()), source="bench", time=now) for one in releases]
    return [SealedRecord(topic, one.key, one.value, one.headers) for one in sealed]


async def _one_by_one(instance: Instance, database: str) -> float:
    """Records a second of the tutorial's way, over the first few hundred of the same topic."""
    command = ("bench.baseline", "one-by-one", instance.kafka_servers, database, _TOPIC.name, "bench.slow")
    connection = await asyncpg.connect(database)
    with process(*command):
        started, before, done = 0.0, 0, 0
        until = time.monotonic() + 120
        while done < before + _SLOW or not started:
            if time.monotonic() > until:
                raise RuntimeError(f"one by one: only {done} arrived")
            await asyncio.sleep(0.005)
            done = await connection.fetchval("select coalesce(max(id), 0) from bare")
            if done and not started:
                started, before = time.perf_counter(), done
        took = time.perf_counter() - started
    await connection.close()
    return (done - before) / took
