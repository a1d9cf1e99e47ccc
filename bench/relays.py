"""The outbox relay against a bare produce loop of the same bytes."""

import asyncio
import time
from collections.abc import Sequence
from statistics import median

import asyncpg
from aiokafka import AIOKafkaProducer

from bench import world
from bench.around import RECORDS, ROUNDS, own_database
from bench.racing import standing_still
from bench.rows import Row, ratio
from bihuan_chassis import relay
from bihuan_chassis.database import engine
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.outbox import part_of
from bihuan_chassis.settings import Settings
from bihuan_contracts import seal, topics
from bihuan_contracts.envelope import SealedRecord
from bihuan_tools.instance import Instance


async def relays(instance: Instance) -> list[Row]:
    """The outbox, filled and emptied by two lanes, against a bare produce loop of the same bytes."""
    database = await own_database(instance, "changes", "bench_relay")
    settings = Settings.load("changes", {"BIHUAN_DATABASE": database, "BIHUAN_KAFKA": instance.kafka_servers})
    records = [
        seal(topics.HR_PEOPLE, one, id=str(new_id()), source="bench", time=world.release("x").released_at)
        for one in world.people() * (RECORDS // world.PEOPLE)
    ]
    pairs = []
    with standing_still(instance):
        for _ in range(ROUNDS + 1):
            bare = await _bare_produce(instance, records)
            pairs.append((await _relay(settings, database, records), bare))
    pairs = pairs[1:]  # the first round warms both sides
    figures = f"{median(o for o, _ in pairs):,.0f}/s, bare {median(b for _, b in pairs):,.0f}/s"
    return [Row("relay, two lanes / bare produce", ratio(pairs), 0.7, True, figures)]


async def _bare_produce(instance: Instance, records: Sequence[SealedRecord]) -> float:
    async with AIOKafkaProducer(
        bootstrap_servers=instance.kafka_servers, acks="all", enable_idempotence=True, linger_ms=0
    ) as producer:
        started = time.perf_counter()
        for start in range(0, len(records), 500):
            sent = [
                await producer.send(one.topic, one.value, one.key, headers=one.headers)
                for one in records[start : start + 500]
            ]
            await asyncio.gather(*sent)
        return len(records) / (time.perf_counter() - started)


async def _relay(settings: Settings, database: str, records: Sequence[SealedRecord]) -> float:
    connection = await asyncpg.connect(database)
    await connection.copy_records_to_table(
        "outbox",
        records=[
            (
                part_of(one.key.decode()),
                one.topic,
                new_id(),
                one.key.decode(),
                one.value,
                world.release("x").released_at,
            )
            for one in records
        ],
        columns=("part", "topic", "event_id", "key", "body", "time"),
    )
    last = await connection.fetchval("select array_agg(id) from (select max(id) as id from outbox group by part) as a")
    source = engine(settings, pool=4)
    producer = relay.SharedProducer(settings)
    await producer.get()
    stop = asyncio.Event()
    lanes = [relay.Relay(source, settings, producer, number) for number in range(relay.LANES)]
    started = time.perf_counter()
    running = [asyncio.create_task(lane.run(stop)) for lane in lanes]
    while await connection.fetchval("select exists (select from outbox where id = any($1::bigint[]))", last):
        await asyncio.sleep(0.005)
    took = time.perf_counter() - started
    stop.set()
    for lane in lanes:
        lane.hint.set()
    await asyncio.gather(*running)
    await producer.close()
    await source.dispose()
    await connection.close()
    return len(records) / took
