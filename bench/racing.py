"""Racing consumers fairly: each is warm and owns its partitions, all stand still while the records are loaded, then one
runs at a time. A new consumer's start, its rebalance and its first compilation of everything are nobody's throughput.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bench.around import process
from bihuan_chassis.identifiers import parse_id
from bihuan_contracts.envelope import SealedRecord
from bihuan_tools.instance import Instance

_SECONDS = 120

Done = Callable[["asyncpg.Connection[asyncpg.Record]", "Load"], Awaitable[bool]]


@dataclass(frozen=True)
class Load:
    """Records in a topic: how many, and the id of the last one in each partition."""

    count: int
    last: Sequence[UUID]


@dataclass
class Racer:
    """A consumer process; `done` asks its database, by a few index lookups only, whether it has handled a load."""

    topic: str
    group: str
    partitions: int
    members: int
    database: str
    done: Done
    command: Sequence[str]
    environ: dict[str, str] = field(default_factory=dict)


async def by_inbox(connection: "asyncpg.Connection[asyncpg.Record]", load: Load) -> bool:
    found: int = await connection.fetchval(
        "select count(*) from inbox where event_id = any($1::uuid[])", list(load.last)
    )
    return found >= len(load.last)


class ByRows:
    """The bare table numbers its rows."""

    def __init__(self) -> None:
        self._before = 0

    async def __call__(self, connection: "asyncpg.Connection[asyncpg.Record]", load: Load) -> bool:
        newest: int = await connection.fetchval("select coalesce(max(id), 0) from bare")
        if newest < self._before + load.count:
            return False
        self._before = newest
        return True


@dataclass
class Track:
    """Racers that run and wait for records."""

    instance: Instance
    racers: Sequence[Racer]
    processes: Sequence[psutil.Process]

    async def race(self, *loads: Sequence[SealedRecord]) -> list[float]:
        """Records a second of each racer, from its start to its last commit: one load for all, or one for each."""
        for one in self.processes:
            one.suspend()
        loaded = [await load(self.instance, records) for records in loads]
        each = loaded * len(self.racers) if len(loaded) == 1 else loaded
        return [await _run(*one) for one in zip(self.processes, self.racers, each, strict=True)]


async def _run(process: psutil.Process, racer: Racer, load: Load) -> float:
    connection = await asyncpg.connect(racer.database)
    try:
        started = time.perf_counter()
        process.resume()
        while not await racer.done(connection, load):
            if time.perf_counter() - started > _SECONDS:
                raise RuntimeError(f"{racer.group} has not handled its load")
            await asyncio.sleep(0.005)
        return load.count / (time.perf_counter() - started)
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def track(instance: Instance, *racers: Racer) -> AsyncIterator[Track]:
    """The racers' processes, each with its partitions; the instance's own services stand still meanwhile."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(standing_still(instance))
        await asyncio.gather(*[_skip(instance, one) for one in racers])
        started = [stack.enter_context(process(*one.command, **one.environ)) for one in racers]
        await asyncio.gather(*[_settled(instance, one.group, one.members) for one in racers])
        processes = [psutil.Process(one.pid) for one in started]
        try:
            yield Track(instance, racers, processes)
        finally:
            for one in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.resume()


@contextlib.contextmanager
def standing_still(instance: Instance) -> Iterator[None]:
    """They hear the same topics: their work would be taken for that of whoever runs first."""
    running = [found for one in instance.processes() if (found := one.find()) is not None]
    for one in running:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in running:
            one.send_signal(signal.SIGCONT)


async def _skip(instance: Instance, racer: Racer) -> None:
    """Let the group begin at the end of its topic."""
    async with AIOKafkaConsumer(
        bootstrap_servers=instance.kafka_servers, group_id=racer.group, enable_auto_commit=False
    ) as consumer:
        consumer.assign([TopicPartition(racer.topic, number) for number in range(racer.partitions)])
        await consumer.commit(await consumer.end_offsets(consumer.assignment()))


async def _settled(instance: Instance, group: str, members: int) -> None:
    """Until the consumer group has all its members."""
    client = AIOKafkaAdminClient(bootstrap_servers=instance.kafka_servers)
    await client.start()
    try:
        for _ in range(10 * _SECONDS):
            (answer,) = await client.describe_consumer_groups([group])
            (found,) = answer.to_object()["groups"]
            if found["state"] == "Stable" and len(found["members"]) == members:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"{group} has not got its {members} members")
    finally:
        await client.close()


async def load(instance: Instance, records: Sequence[SealedRecord]) -> Load:
    """Send records."""
    async with AIOKafkaProducer(bootstrap_servers=instance.kafka_servers, acks="all") as producer:
        sent = [await producer.send(one.topic, one.value, one.key, headers=one.headers) for one in records]
        places = await asyncio.gather(*sent)
    ids = [parse_id(dict(one.headers)["ce_id"].decode()) for one in records]
    return Load(len(records), list({place.partition: id for place, id in zip(places, ids, strict=True)}.values()))
