"""The hot lane: fetch, decode and handle one subscription's records; offsets follow what the database holds.

A plain loop over aiokafka's getmany(), fetching the next batch while the current one is in the database
(docs/adr/0002-hot-lane.md).
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.helpers import create_ssl_context

from bihuan_chassis import metrics
from bihuan_chassis.dead_letters import Record
from bihuan_chassis.description import Subscription
from bihuan_chassis.failpoints import failpoint
from bihuan_chassis.settings import Settings

BATCH = 500
_COMMIT_EVERY = 0.5
_STUCK_AFTER = 60.0
_FENCED = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

Handle = Callable[[Sequence[Record]], Awaitable[None]]

log = structlog.get_logger()


def kafka_options(settings: Settings) -> dict[str, Any]:
    """How every client of this process reaches the brokers."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "retry_backoff_ms": 250,
    }
    if "SSL" in settings.kafka_security_protocol:
        options["ssl_context"] = _ssl(settings)
    if settings.kafka_username and settings.kafka_password:
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


def _ssl(settings: Settings) -> ssl.SSLContext:
    context: ssl.SSLContext = create_ssl_context(cafile=str(settings.kafka_ca_file) if settings.kafka_ca_file else None)
    return context


def consumer_options(settings: Settings, subscription: Subscription, lane: int) -> dict[str, Any]:
    """Settings that lose nothing: no auto-commit, from the earliest record, bounded fetches, no topic made by accident."""
    static = {"group_instance_id": f"{settings.instance}-{subscription.name}-{lane}"} if settings.instance else {}
    return {
        **kafka_options(settings),
        **static,
        "client_id": f"bihuan-{subscription.name}-{lane}",
        "group_id": subscription.name,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "max_poll_records": BATCH,
        "max_poll_interval_ms": 300_000,
        "session_timeout_ms": 15_000,
        "heartbeat_interval_ms": 3_000,
        "rebalance_timeout_ms": 60_000,
        "fetch_max_bytes": 8 * 2**20,
        # Above the largest record that the broker takes, or one such record would stop its partition.
        "max_partition_fetch_bytes": 2 * 2**20,
        "metadata_max_age_ms": 60_000,
    }


@dataclass
class LaneStatus:
    """What the readiness check and the metrics ask of a lane."""

    assigned: int = 0
    started: bool = False
    last_progress: float = field(default_factory=time.monotonic)
    lag: int = 0

    @property
    def stuck(self) -> bool:
        return self.lag > 0 and time.monotonic() - self.last_progress > _STUCK_AFTER


class Lane(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """One consumer of a subscription's group."""

    def __init__(self, subscription: Subscription, settings: Settings, handle: Handle, number: int = 0) -> None:
        self.subscription = subscription
        self.status = LaneStatus()
        self._settings = settings
        self._handle = handle
        self._number = number
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0
        self._in_hand = asyncio.Lock()
        self._done: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self._labels = (subscription.service, subscription.name.removeprefix(f"{subscription.service}."))

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`. A broker that is away is waited for."""
        pauses = 0
        while not stop.is_set():
            try:
                await self._consume(stop)
                pauses = 0
            except (KafkaError, OSError) as error:
                pauses += 1
                metrics.WAITS.labels(self._labels[0], "kafka").inc()
                log.warning("broker.away", consumer=self.subscription.name, error=type(error).__name__)
                await _wait(stop, random.uniform(0.1, min(5.0, 0.2 * 2 ** min(pauses, 5))))  # noqa: S311 - jitter

    async def _consume(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(**consumer_options(self._settings, self.subscription, self._number))
        consumer.subscribe([topic.name for topic in self.subscription.topics], listener=self)
        self._consumer = consumer
        stopping = asyncio.create_task(stop.wait())
        ahead: asyncio.Task[tuple[int, list[Any]]] | None = None
        try:
            await consumer.start()
            self.status.started = True
            ahead = asyncio.create_task(self._fetch(consumer))
            while not stop.is_set():
                await asyncio.wait({ahead, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    break
                epoch, records = ahead.result()
                ahead = asyncio.create_task(self._fetch(consumer))
                await self._take(epoch, records)
        finally:
            stopping.cancel()
            if ahead is not None:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
            await self._commit(force=True)
            self._consumer = None
            self.status.started, self.status.assigned = False, 0
            await consumer.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> tuple[int, list[Any]]:
        found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
        # The epoch is read after getmany() returns: it spans a rebalance and brings records of the new assignment.
        # Taking the epoch before would drop those, and later commits would pass them by (2,765 of 45,000 lost).
        return self._epoch, [record for records in found.values() for record in records]

    async def _take(self, epoch: int, records: list[Any]) -> None:
        self._measure()
        if records:
            async with self._in_hand:
                # Fetched under an older assignment: whoever has the partition now fetches them again.
                if epoch != self._epoch:
                    return
                await self._handle([_record(record) for record in records])
                for record in records:
                    self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
        self.status.last_progress = time.monotonic()
        metrics.LAST_PROGRESS.labels(*self._labels).set_to_current_time()
        await self._commit()

    async def _commit(self, *, force: bool = False) -> None:
        """Commit what is handled, every half second: offsets only save work, the inbox knows the truth."""
        if not self._done or self._consumer is None:
            return
        if not force and time.monotonic() - self._committed_at < _COMMIT_EVERY:
            return
        failpoint("before_offset_commit")
        done, self._done = self._done, {}
        self._committed_at = time.monotonic()
        try:
            await asyncio.wait_for(self._consumer.commit(done), 10)
        except _FENCED:
            pass  # the partitions are somebody else's by now
        except (TimeoutError, KafkaError) as error:
            log.warning("offsets.not_committed", consumer=self.subscription.name, error=type(error).__name__)

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Finish what is in hand before somebody else gets the partitions."""
        async with self._in_hand:
            if revoked:
                await self._commit(force=True)
            self._done.clear()
            self._epoch += 1
            self.status.assigned = 0

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._epoch += 1
        self.status.assigned = len(assigned)
        self.status.last_progress = time.monotonic()
        metrics.REBALANCES.labels(*self._labels).inc()

    def _measure(self) -> None:
        """Lag from what the fetcher knows already; asking the broker would cost a round trip."""
        consumer = self._consumer
        if consumer is None:
            return
        lag = 0
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            position = self._done.get(partition)
            if end is not None and position is not None:
                lag += max(0, end - position)
        self.status.lag = lag
        metrics.CONSUMER_LAG.labels(*self._labels).set(lag)


def _record(record: Any) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
    )  # fmt: skip


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass
