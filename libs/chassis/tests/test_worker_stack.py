"""A whole worker against a real broker: hears, announces, commits offsets, stops."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from given_cable import cabled
from given_stores import Broker, on_goods_received, receipt, record, records, until, working

from bihuan_chassis import Settings, Transaction, dead_letters, lanes
from bihuan_chassis import worker as worker_module
from bihuan_chassis.database import Connection
from bihuan_contracts import Topic
from bihuan_contracts.erp import GoodsReceived

pytestmark = pytest.mark.stack


@pytest.fixture
def worked(settings: Settings, kafka_server: str) -> Settings:
    return settings.model_copy(update={"kafka": kafka_server, "lanes": 2})


@pytest.fixture
def service() -> str:
    """A name, and so a consumer group, of this test's own."""
    return f"stores-{uuid4().hex[:8]}"


async def effects(connection: Connection) -> int:
    return int(await connection.raw.fetchval("select count(*) from effects"))


async def until_effects(connection: Connection, count: int) -> None:
    async def arrived() -> bool:
        return await effects(connection) >= count

    await until(arrived)


async def lag(broker: Broker, topic: Topic, group: str) -> int:
    """What the group has not committed."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=broker.servers, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        return sum([end - (await consumer.committed(partition) or 0) for partition, end in ends.items()])


async def test_events_go_through_the_worker_and_out_again(
    worked: Settings, connection: Connection, broker: Broker, receipts: Topic, metrics: Topic, service: str
) -> None:
    await broker.create(receipts)
    await broker.create(metrics)
    given = records(receipt(order=f"PO-{line % 50}", line=line) for line in range(1, 1001))
    given.insert(500, record(b"not json"))
    async with working(worked, receipts, service) as worker:
        await broker.send(receipts, given)
        assert len(await broker.read(metrics, 1000)) == 1000
        assert len(await dead_letters.find(connection.raw)) == 1

        async def ready() -> bool:
            return worker.status().ready

        await until(ready)

    assert await effects(connection) == 1000
    assert await lag(broker, receipts, f"{service}.{receipts.name}") == 0


async def test_a_stopped_worker_goes_on_where_it_was(
    worked: Settings, connection: Connection, broker: Broker, receipts: Topic, metrics: Topic, service: str
) -> None:
    await broker.create(receipts)
    await broker.create(metrics)
    heard: list[int] = []

    async def hearing(events: Sequence[GoodsReceived], tx: Transaction) -> None:
        heard.extend(event.line for event in events)
        await on_goods_received(events, tx)

    for first in (1, 101):
        await broker.send(receipts, records(receipt(line=line) for line in range(first, first + 100)))
        async with working(worked, receipts, service, hearing):
            await until_effects(connection, first + 99)
    assert heard == list(range(1, 201))


async def test_stopping_finishes_the_batch_in_hand(
    worked: Settings, connection: Connection, broker: Broker, receipts: Topic, metrics: Topic, service: str
) -> None:
    """F19: what was begun is committed, what was not is left in the topic."""
    await broker.create(receipts)
    await broker.create(metrics)
    begun = asyncio.Event()

    async def slow(events: Sequence[GoodsReceived], tx: Transaction) -> None:
        begun.set()
        await asyncio.sleep(0.5)
        await on_goods_received(events, tx)

    await broker.send(receipts, records(receipt(line=line) for line in range(1, 101)))
    async with working(worked, receipts, service, slow):
        await begun.wait()

    assert await effects(connection) > 0
    assert await lag(broker, receipts, f"{service}.{receipts.name}") == 100 - await effects(connection)


async def test_lag_is_known_although_offsets_are_committed(
    worked: Settings,
    connection: Connection,
    broker: Broker,
    receipts: Topic,
    metrics: Topic,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lanes, "_WATCH_EVERY", 0.1)
    monkeypatch.setattr(lanes, "BATCH", 10)
    await broker.create(receipts)
    await broker.create(metrics)
    gate = asyncio.Event()

    async def gated(events: Sequence[GoodsReceived], tx: Transaction) -> None:
        await on_goods_received(events, tx)
        await gate.wait()

    await broker.send(receipts, records(receipt(line=line) for line in range(1, 101)))
    async with working(worked, receipts, service, gated) as worker:

        def lags() -> int:
            return sum(lane.status.lag for lane in worker._lanes)

        async def behind() -> bool:
            return lags() == 100

        async def caught_up() -> bool:
            return lags() == 0

        await until(behind)
        assert not worker.status().stuck, "waiting in a handler is no zombie"
        gate.set()
        await until_effects(connection, 100)
        await until(caught_up)


async def test_a_consumer_that_fetches_nothing_is_replaced(
    worked: Settings,
    connection: Connection,
    broker: Broker,
    receipts: Topic,
    metrics: Topic,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P13: nothing fails, nothing is logged, and records wait."""
    monkeypatch.setattr(lanes, "_WATCH_EVERY", 0.2)
    monkeypatch.setattr(lanes, "_ZOMBIE_AFTER", 1.0)
    await broker.create(receipts)
    await broker.create(metrics)
    healthy = lanes.Lane._fetch
    zombies: set[object] = set()

    async def fetch(self: lanes.Lane, consumer: AIOKafkaConsumer) -> lanes.Fetched:
        if len(zombies) < 2 or consumer in zombies:
            zombies.add(consumer)
            await asyncio.sleep(0.1)
            return lanes.Fetched(self._epoch, [], [])
        return await healthy(self, consumer)

    monkeypatch.setattr(lanes.Lane, "_fetch", fetch)
    await broker.send(receipts, records(receipt(line=line) for line in range(1, 101)))
    async with working(worked, receipts, service):
        await until_effects(connection, 100)


async def test_a_worker_stops_although_the_database_is_away(
    worked: Settings, broker: Broker, receipts: Topic, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bihuan_chassis.worker._GRACE", 1.0)
    await broker.create(receipts)
    await broker.send(receipts, records([receipt()]))
    nowhere = worked.model_copy(update={"database": type(worked.database)("postgresql://x@127.0.0.1:9/x")})
    async with asyncio.timeout(20):
        async with working(nowhere, receipts, service) as worker:

            async def assigned() -> bool:
                return any(lane.status.assigned for lane in worker._lanes)

            await until(assigned)


async def test_a_database_that_keeps_its_connections_and_answers_nobody_is_left(
    worked: Settings,
    connection: Connection,
    broker: Broker,
    receipts: Topic,
    metrics: Topic,
    service: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F8: its disk hangs, or a proxy holds the line after the node is lost. No statement fails by itself."""
    monkeypatch.setattr(worker_module, "_HUNG_AFTER", 0.5)
    monkeypatch.setattr(worker_module, "_HOUSEKEEPING", 0.1)
    await broker.create(receipts)
    await broker.create(metrics)
    async with cabled(worked) as (far, cable), working(far, receipts, service):
        await broker.send(receipts, records(receipt(line=line) for line in range(1, 101)))
        await until_effects(connection, 100)
        cable.hang()
        await broker.send(receipts, records(receipt(line=line) for line in range(101, 201)))
        await until_effects(connection, 200)

        async def sent() -> bool:
            return bool(await connection.raw.fetchval("select not exists (select from outbox)"))

        await until(sent)
    assert await effects(connection) == 200
    assert await dead_letters.find(connection.raw, state=None) == []
