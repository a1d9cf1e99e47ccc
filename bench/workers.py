"""Throughput of the worker of `changes`: releases on the plain projection path, and releases that touch people."""

import asyncio
import time
from statistics import median

import asyncpg
from aiokafka import AIOKafkaProducer

from bench import world
from bench.around import RECORDS, ROUNDS, create_topic, own_database, process, scratch
from bench.rows import Row, ratio
from bihuan_contracts import topics
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port

AFFECTED, ROWS_EACH = 500, 20


async def rate(database: str, counting: str, expected: int) -> float:
    """Records a second, from the first tenth to the last one, as the database sees them."""
    connection = await asyncpg.connect(database)
    try:
        started: tuple[float, int] | None = None
        until = time.monotonic() + 120
        base = await connection.fetchval(counting)
        while time.monotonic() < until:
            done = await connection.fetchval(counting) - base
            now = time.perf_counter()
            if started is None and done > 0:
                started = (now, done)
            if done >= expected:
                assert started is not None
                return float((done - started[1]) / max(now - started[0], 1e-6))
            await asyncio.sleep(0.005)
        raise RuntimeError(f"only {done} of {expected} arrived")
    finally:
        await connection.close()


async def throughput(instance: Instance) -> list[Row]:
    """BOM releases on the plain projection path, through the worker of `changes` as production runs it."""
    bare_database = await scratch(instance, "bench_bare")
    database = await own_database(instance, "changes", "bench_changes")
    environ = instance.environ() | {"BIHUAN_CHANGES_DATABASE": database, "BIHUAN_ADMIN_PORT": str(free_port())}
    pairs: dict[str, list[tuple[float, float]]] = {"one": [], "two": []}
    slow: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        await load_topic(instance, number)
        with process(
            "bench.baseline", "worker", instance.kafka_servers, bare_database, topics.BOM_RELEASES.name, "bench.bare"
        ):
            bare = await rate(bare_database, "select count(*) from bare", RECORDS)
        # The group of the running instance is another one: this worker has its own database and reads the same topic.
        with process("bench.worker", **environ | {"BIHUAN_LANES": "1", "BENCH_GROUP": "one"}):
            one = await rate(database, "select count(*) from inbox where consumer = 1", RECORDS)
        with process("bench.worker", **environ | {"BIHUAN_LANES": "2", "BENCH_GROUP": "two"}):
            two = await rate(database, "select count(*) from inbox where consumer = 2", RECORDS)
        if number:  # the first round warms both sides
            pairs["one"].append((one, bare))
            pairs["two"].append((two, bare))
    with process(
        "bench.baseline", "one-by-one", instance.kafka_servers, bare_database, topics.BOM_RELEASES.name, "bench.slow"
    ):
        single = await rate(bare_database, "select count(*) from bare", 600)
    slow = [(two, single) for two, _ in pairs["two"]]
    figures = f"{median(o for o, _ in pairs['two']):,.0f}/s two lanes, {median(o for o, _ in pairs['one']):,.0f}/s one, bare {median(b for _, b in pairs['two']):,.0f}/s"
    return [
        Row("worker, two lanes / bare loop", ratio(pairs["two"]), 0.6, True, figures),
        Row("worker, one lane / bare loop", ratio(pairs["one"]), 0.45, True, ""),
        Row("worker / one message one transaction", ratio(slow), 80, True, f"{single:,.0f}/s one by one"),
    ]


async def load_topic(instance: Instance, number: int) -> None:
    events = [world.release(f"L{number}-{n}") for n in range(RECORDS)]
    await publish(instance.kafka_servers, events)


async def affected(instance: Instance) -> list[Row]:
    """Releases with 20 affected rows each through the worker, counted in rows."""
    bare_database, database = (
        await scratch(instance, "bench_rows_bare"),
        await own_database(instance, "changes", "bench_rows"),
    )
    connection = await asyncpg.connect(database)
    environ = instance.environ() | {
        "BIHUAN_CHANGES_DATABASE": database, "BIHUAN_ADMIN_PORT": str(free_port()), "BIHUAN_LANES": "2",
        "BENCH_GROUP": "rows",
    }  # fmt: skip
    pairs = []
    await create_topic(instance, "bench.rows")
    for number in range(ROUNDS + 1):
        await _produce_bare(instance, "bench.rows")
        with process("bench.baseline", "worker", instance.kafka_servers, bare_database, "bench.rows", "bench.rows"):
            bare = await rate(bare_database, "select count(*) from bare", RECORDS)
        await connection.execute(world.MODULES_WITH_TASKS, f"A{number}-", AFFECTED, "active", ROWS_EACH)
        await publish(
            instance.kafka_servers,
            [world.release(f"A{number}-{n}", base="V1", version="V2") for n in range(1, AFFECTED + 1)],
        )
        with process("bench.worker", **environ):
            ours = await rate(database, "select count(*) from impact_rows", AFFECTED * ROWS_EACH)
        if number:
            pairs.append((ours, bare))
    await connection.close()
    figures = f"{median(o for o, _ in pairs):,.0f} rows/s, bare {median(b for _, b in pairs):,.0f}/s"
    return [Row("releases with 20 affected rows each, rows / bare loop", ratio(pairs), 0.4, True, figures)]


async def _produce_bare(instance: Instance, topic: str) -> None:
    records = [world.release(f"P-{n}").model_dump_json().encode() for n in range(RECORDS)]
    async with AIOKafkaProducer(bootstrap_servers=instance.kafka_servers, acks="all") as producer:
        for record in records:
            await producer.send(topic, record)
