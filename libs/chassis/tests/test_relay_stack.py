"""The relay: everything announced reaches the broker, in order per key, and nothing stands in the way of others."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from given_stores import Broker, measure_of, receipt, until
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, outbox, relay
from bihuan_chassis.database import Connection, hold, release
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.relay import Notifier, Relay, SharedProducer
from bihuan_chassis.transaction import Surroundings, transaction
from bihuan_contracts import Event, Topic

pytestmark = pytest.mark.stack


@pytest.fixture
def relayed(settings: Settings, kafka_server: str) -> Settings:
    return settings.model_copy(update={"kafka": kafka_server})


async def announce(connection: Connection, settings: Settings, events: Iterable[Event]) -> None:
    async with transaction(connection, Surroundings(settings)) as tx:
        tx.announce(*events)


async def write(connection: Connection, topic: Topic, key: str, body: bytes) -> None:
    """A row as a careless release might have written it."""
    await connection.raw.copy_records_to_table(
        "outbox",
        records=[(outbox.part_of(key), topic.name, new_id(), key, body, datetime.now(UTC))],
        columns=("part", "topic", "event_id", "key", "body", "time"),
    )


async def left(connection: Connection, table: str = "outbox") -> int:
    return int(await connection.raw.fetchval(f"select count(*) from {table}"))


async def until_empty(connection: Connection, rest: int = 0) -> None:
    async def emptied() -> bool:
        return await left(connection) <= rest

    await until(emptied)


async def until_healthy(lanes: Sequence[Relay]) -> None:
    async def healthy() -> bool:
        return all(lane.healthy for lane in lanes)

    await until(healthy)


@asynccontextmanager
async def relaying(source: AsyncEngine, settings: Settings) -> AsyncIterator[list[Relay]]:
    stop = asyncio.Event()
    producer = SharedProducer(settings)
    lanes = [Relay(source, settings, producer, number) for number in range(relay.LANES)]
    tasks = [asyncio.create_task(lane.run(stop)) for lane in lanes]
    try:
        yield lanes
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await producer.close()


async def test_what_is_announced_arrives_in_order_per_key(
    relayed: Settings, source: AsyncEngine, connection: Connection, broker: Broker, metrics: Topic
) -> None:
    await broker.create(metrics)
    async with relaying(source, relayed):
        for line in range(1, 31):
            await announce(
                connection, relayed, (measure_of(receipt(order=f"PO-{order}", line=line)) for order in range(40))
            )
        await until_empty(connection)

    records = await broker.read(metrics, 1200)
    lines: dict[bytes, list[int]] = {}
    for record in records:
        lines.setdefault(record.key, []).append(metrics.event.model_validate_json(record.value).version)  # type: ignore[attr-defined]
    assert len(lines) == 40
    assert all(seen == list(range(1, 31)) for seen in lines.values())
    headers = dict(records[0].headers)
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_source"] == b"bihuan/stores"
    assert headers["ce_type"].decode() == metrics.type
    assert len({dict(record.headers)["ce_id"] for record in records}) == 1200


async def test_a_row_over_the_limit_is_set_aside_and_blocks_nobody(
    relayed: Settings, source: AsyncEngine, connection: Connection, broker: Broker, metrics: Topic
) -> None:
    """F14: larger than any request may be."""
    await broker.create(metrics)
    await write(connection, metrics, "PO-1", b"x" * 1_500_000)
    await announce(connection, relayed, [measure_of(receipt(line=line)) for line in range(1, 11)])
    async with relaying(source, relayed):
        await until_empty(connection)

    assert len(await broker.read(metrics, 10)) == 10
    assert await left(connection, "outbox_set_aside") == 1


async def test_only_the_row_that_the_broker_refuses_is_set_aside(
    relayed: Settings, source: AsyncEngine, connection: Connection, broker: Broker, metrics: Topic
) -> None:
    """F14: the broker refuses a whole batch for one row in it."""
    await broker.create(metrics, **{"max.message.bytes": "4000"})
    for line in range(1, 6):
        await write(connection, metrics, "PO-1", measure_of(receipt(line=line)).model_dump_json().encode())
    await write(connection, metrics, "PO-1", b'"' + b"x" * 6000 + b'"')
    for line in range(6, 11):
        await write(connection, metrics, "PO-1", measure_of(receipt(line=line)).model_dump_json().encode())
    async with relaying(source, relayed):
        await until_empty(connection)

    records = await broker.read(metrics, 10)
    versions = [metrics.event.model_validate_json(record.value).version for record in records]  # type: ignore[attr-defined]
    assert list(dict.fromkeys(versions)) == list(range(1, 11))
    assert await left(connection, "outbox_set_aside") == 1


async def test_a_topic_that_is_missing_stops_only_its_own_events(
    relayed: Settings,
    source: AsyncEngine,
    connection: Connection,
    broker: Broker,
    metrics: Topic,
    receipts: Topic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "_TOPIC_SECONDS", 1)
    await broker.create(metrics)
    await write(connection, receipts, "PO-1", receipt().model_dump_json().encode())
    await announce(connection, relayed, [measure_of(receipt(line=line)) for line in range(1, 11)])
    async with relaying(source, relayed):
        assert len(await broker.read(metrics, 10)) == 10
        await until_empty(connection, rest=1)
        await broker.create(receipts)
        await until_empty(connection)
    assert len(await broker.read(receipts, 1)) == 1
    assert await left(connection, "outbox_set_aside") == 0


async def test_each_hint_wakes_the_relay(
    relayed: Settings,
    source: AsyncEngine,
    connection: Connection,
    broker: Broker,
    metrics: Topic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the process by an event, from another one by NOTIFY; polling is only the net."""
    monkeypatch.setattr(relay, "_POLL", 60)
    await broker.create(metrics)
    notifier = Notifier(source)
    notifying = asyncio.create_task(notifier.run())
    async with relaying(source, relayed) as lanes:
        await until_healthy(lanes)
        await announce(connection, relayed, [measure_of(receipt(order=f"A-{order}")) for order in range(50)])
        for lane in lanes:
            lane.hint.set()
        await until_empty(connection)

        await announce(connection, relayed, [measure_of(receipt(order=f"B-{order}")) for order in range(50)])
        notifier()
        await until_empty(connection)
    notifying.cancel()
    with suppress(asyncio.CancelledError):
        await notifying


async def test_another_process_takes_over_the_parts_of_a_dead_one(
    relayed: Settings, source: AsyncEngine, connection: Connection, broker: Broker, metrics: Topic
) -> None:
    await broker.create(metrics)
    dead = await hold(source)
    everything = await dead.raw.fetchval(
        "select count(pg_advisory_lock($1, part)) from generate_series(0, 15) part", relay._LOCK_CLASS
    )
    assert everything == 16
    await announce(connection, relayed, [measure_of(receipt(order=f"PO-{order}")) for order in range(50)])
    async with relaying(source, relayed) as lanes:
        await until_healthy(lanes)
        assert await left(connection) == 50
        await connection.raw.execute("select pg_terminate_backend($1)", dead.raw.get_server_pid())
        await until_empty(connection)
    await release(dead)
    assert len(await broker.read(metrics, 50)) == 50


def versions_by_key(topic: Topic, records: Iterable[Any]) -> dict[bytes, list[int]]:
    """What each key brought, each event once: a consumer's inbox drops what comes again."""
    seen: set[bytes] = set()
    found: dict[bytes, list[int]] = {}
    for record in records:
        id = dict(record.headers)["ce_id"]
        if id not in seen:
            seen.add(id)
            found.setdefault(record.key, []).append(topic.event.model_validate_json(record.value).version)  # type: ignore[attr-defined]
    return found


async def test_a_producer_whose_sequence_is_broken_is_replaced(
    relayed: Settings, source: AsyncEngine, connection: Connection, broker: Broker, metrics: Topic
) -> None:
    """P15: the broker refuses whatever an idempotent producer sends after a gap; only a new one gets through."""
    await broker.create(metrics)
    async with relaying(source, relayed) as lanes:
        await announce(connection, relayed, [measure_of(receipt(f"PO-{order}", 1)) for order in range(20)])
        lanes[0].hint.set()
        await until_empty(connection)
        broken = await lanes[0]._producer.get()
        sequences = broken._txn_manager._sequence_numbers
        for partition in list(sequences):
            sequences[partition] += 7
        for line in (2, 3):
            await announce(connection, relayed, [measure_of(receipt(f"PO-{order}", line)) for order in range(20)])
        await until_empty(connection)
        assert await lanes[0]._producer.get() is not broken

    found = versions_by_key(metrics, await broker.read(metrics, 60))
    assert len(found) == 20
    assert all(versions == [1, 2, 3] for versions in found.values())
    assert await left(connection, "outbox_set_aside") == 0


async def test_a_producer_that_never_answers_is_replaced(
    relayed: Settings,
    source: AsyncEngine,
    connection: Connection,
    broker: Broker,
    metrics: Topic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P14: aiokafka never gives a batch up; what is not answered has an unknown outcome and is sent again by another."""
    monkeypatch.setattr(relay, "_ACK_SECONDS", 0.5)
    await broker.create(metrics)
    async with relaying(source, relayed) as lanes:
        mute = await lanes[0]._producer.get()
        send, unanswered = mute.send, []

        async def never_told(*arguments: Any, **named: Any) -> "asyncio.Future[Any]":
            """It arrives, and nobody hears of it."""
            unanswered.append(await send(*arguments, **named))
            return asyncio.get_running_loop().create_future()

        monkeypatch.setattr(mute, "send", never_told)
        for line in (1, 2, 3):
            await announce(connection, relayed, [measure_of(receipt(f"PO-{order}", line)) for order in range(20)])
        lanes[0].hint.set()
        await until_empty(connection)
        assert unanswered
        assert await lanes[0]._producer.get() is not mute
        await asyncio.gather(*unanswered, return_exceptions=True)

    records = await broker.read(metrics, 60 + len(unanswered))
    assert all(versions == [1, 2, 3] for versions in versions_by_key(metrics, records).values())
    assert len({dict(record.headers)["ce_id"] for record in records}) == 60
