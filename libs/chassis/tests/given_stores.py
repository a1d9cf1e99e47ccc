"""A tiny service to try the messaging on: it writes down each goods receipt and announces a measure of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bihuan_chassis import Settings, Transaction
from bihuan_chassis.dead_letters import Record
from bihuan_chassis.description import Handler, ServiceDescription, Subscription
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.worker import Worker
from bihuan_contracts import Event, Topic, seal, topics
from bihuan_contracts.envelope import Headers
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.performance import MetricMeasured

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_offsets = count()


def receipt(order: str = "PO-1", line: int = 1, item: str = "PM-480") -> GoodsReceived:
    return GoodsReceived(
        receipt=f"{order}/{line}", order=order, line=line, supplier="S-1", item=item, quantity=Decimal(1),
        received_at=NOW,
    )  # fmt: skip


def measure_of(received: GoodsReceived) -> MetricMeasured:
    return MetricMeasured(
        metric="received", subject=received.order, value=Decimal(received.line), unit="1", n=1, complete=True,
        change=None, started_at=NOW, at=NOW, version=received.line,
    )  # fmt: skip


async def on_goods_received(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
    if any(received.item == "bug" for received in receipts):
        raise KeyError("a bug in the handler")
    await tx.raw.copy_records_to_table(
        "effects",
        records=[(received.order, received.line, received.item) for received in receipts],
        columns=("order", "line", "item"),
    )
    tx.announce(*(measure_of(received) for received in receipts))


def subscription(handler: object = on_goods_received, topic: Topic = topics.RECEIPTS) -> Subscription:
    return Subscription("stores", (topic,), handler)  # type: ignore[arg-type]


def record(event: Event | bytes | None, *, id: UUID | None = None, headers: Headers = ()) -> Record:
    """A Kafka record as it comes: sealed from an event, or any bytes."""
    offset = next(_offsets)
    if isinstance(event, Event):
        sealed = seal(topics.RECEIPTS, event, id=str(id or new_id()), source="test", time=NOW)
        return Record("erp.receipts.v1", 0, offset, sealed.key, sealed.value, sealed.headers, NOW)
    return Record("erp.receipts.v1", 0, offset, b"PO-1", event, headers, NOW)


def records(events: Iterable[Event]) -> list[Record]:
    return [record(event) for event in events]


@dataclass
class Broker:
    """A Kafka broker with topics made for one test."""

    servers: str
    made: list[str]

    async def create(self, topic: Topic, **config: str) -> None:
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(topic.name, topic.partitions, 1, topic_configs=config)])
        self.made.append(topic.name)

    async def send(self, topic: Topic, records: Iterable[Record]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.servers, linger_ms=2, acks="all") as producer:
            sent = [await producer.send(topic.name, one.value, one.key, headers=list(one.headers)) for one in records]
            await asyncio.gather(*sent)

    async def read(self, topic: Topic, count: int, within: float = 20) -> list[Any]:
        """The first `count` records of the topic."""
        read: list[Any] = []
        consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=self.servers, auto_offset_reset="earliest")
        async with consumer, asyncio.timeout(within):
            while len(read) < count:
                found = await consumer.getmany(timeout_ms=200)
                read += [record for records in found.values() for record in records]
        return read

    async def delete_topics(self) -> None:
        async with self._admin() as admin:
            await admin.delete_topics(self.made)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


@asynccontextmanager
async def working(
    settings: Settings, topic: Topic, service: str, handler: Handler = on_goods_received
) -> AsyncIterator[Worker]:
    subscription = Subscription(service, (topic,), handler)
    worker = Worker(ServiceDescription(service, Settings, (subscription,), (), {}, None, Path("migrations")), settings)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], Awaitable[bool]], within: float = 30) -> None:
    """Wait for what another process, the database or the broker does."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - no event comes from there
            await asyncio.sleep(0.02)
