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
from typing import Any, NamedTuple

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
_PIECE = 25
_COMMIT_EVERY = 0.5
_WATCH_EVERY = 5.0
_ANSWER_SECONDS = 5.0
_ZOMBIE_AFTER = 30.0
_STUCK_AFTER = 120.0
_START_SECONDS = 90.0
"""Above the rebalance timeout, for which a group may wait for one of its members."""
_STOP_SECONDS = 10.0
"""Below the grace of a worker that is asked to stop."""
_FENCED = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

Handle = Callable[[Sequence[Any]], Awaitable[None]]
Open = Callable[[Sequence[Record]], Sequence[Any]]

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
    """Settings that lose nothing: no auto-commit, from the earliest record, bounded fetches."""
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


class ZombieConsumerError(Exception):
    """The consumer fetches nothing although records wait, or lost its partitions and never got new ones."""


@dataclass
class LaneStatus:
    """What the readiness check and the metrics ask of a lane. Times are of the monotonic clock."""

    assigned: int = 0
    started: bool = False
    lag: int = 0
    idle_since: float = field(default_factory=time.monotonic)
    """When the lane last finished a batch, got partitions, or had nothing to do."""

    @property
    def stuck(self) -> bool:
        """Even new consumers do not help: the process is better started again."""
        return self.lag > 0 and time.monotonic() - self.idle_since > _STUCK_AFTER


class Fetched(NamedTuple):
    """A batch, the assignment it was fetched under, and what the handler gets of it."""

    epoch: int
    records: list[Any]
    opened: Sequence[Any]


class Lane(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """One consumer of a subscription's group."""

    def __init__(
        self,
        subscription: Subscription,
        settings: Settings,
        handle: Handle,
        number: int = 0,
        open: Open = lambda records: records,
    ) -> None:
        """`handle` gets what `open` makes of a batch; the next batch is opened while this one is in the database."""
        self.subscription = subscription
        self.status = LaneStatus()
        self._settings = settings
        self._handle = handle
        self._open = open
        self._number = number
        self._consumer: AIOKafkaConsumer | None = None
        self._epoch = 0
        self._in_hand = asyncio.Lock()
        self._positions: dict[TopicPartition, int] = {}
        """Where handling is, for each partition of the current assignment that brought records."""
        self._done: dict[TopicPartition, int] = {}
        """The part of it that is not committed yet."""
        self._owning_since: float | None = None
        self._committed_at = 0.0
        self._stopping: set[asyncio.Task[None]] = set()
        self._labels = (subscription.service, subscription.name.removeprefix(f"{subscription.service}."))

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`. A broker that is away is waited for."""
        pauses = 0
        while not stop.is_set():
            started = time.monotonic()
            try:
                await self._consume(stop)
            except (KafkaError, OSError, ZombieConsumerError) as error:
                pauses = 1 if time.monotonic() - started > _STUCK_AFTER else pauses + 1
                metrics.WAITS.labels(self._labels[0], "kafka").inc()
                log.warning("consumer.renewed", consumer=self.subscription.name, error=type(error).__name__)
                await _wait(stop, random.uniform(0.1, min(5.0, 0.2 * 2 ** min(pauses, 5))))  # noqa: S311 - jitter

    async def _consume(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(**consumer_options(self._settings, self.subscription, self._number))
        consumer.subscribe([topic.name for topic in self.subscription.topics], listener=self)
        self._consumer = consumer
        self._forget()
        running: list[asyncio.Task[Any]] = []
        try:
            await asyncio.wait_for(consumer.start(), _START_SECONDS)
            self.status.started = True
            running = [asyncio.create_task(stop.wait()), asyncio.create_task(self._watch(consumer))]
            await self._loop(consumer, running, stop)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._commit(force=True)
            self._consumer = None
            self.status.started, self.status.assigned = False, 0
            await self._leave(consumer)

    async def _leave(self, consumer: AIOKafkaConsumer) -> None:
        """Say goodbye to the group; where the broker hangs, beside what comes next: no request of it is cut short."""
        stopping = asyncio.create_task(consumer.stop())
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)
        await asyncio.wait({stopping}, timeout=_STOP_SECONDS)
        if not stopping.done():
            log.warning("consumer.hangs", consumer=self.subscription.name)
        elif (error := stopping.exception()) is not None:
            raise error

    async def _loop(self, consumer: AIOKafkaConsumer, others: list["asyncio.Task[Any]"], stop: asyncio.Event) -> None:
        """Handle a batch while the next one is fetched and opened, until `stop` or until another task fails."""
        _, watching = others
        ahead = asyncio.create_task(self._fetch(consumer))
        try:
            while not stop.is_set():
                await asyncio.wait({ahead, *others}, return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    watching.result()
                if not stop.is_set() and ahead.done():
                    fetched = ahead.result()
                    ahead = asyncio.create_task(self._fetch(consumer))
                    await self._take(fetched)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _fetch(self, consumer: AIOKafkaConsumer) -> "Fetched":
        records = _flat(await consumer.getmany(timeout_ms=500, max_records=BATCH))
        # The epoch is read after getmany() returns: it spans a rebalance and brings records of the new assignment.
        # Taking the epoch before would drop those, and later commits would pass them by (2,765 of 45,000 lost).
        epoch = self._epoch
        if self.subscription.gather and 0 < len(records) < BATCH:
            await asyncio.sleep(self.subscription.gather)
            more = _flat(await consumer.getmany(timeout_ms=0, max_records=BATCH - len(records)))
            # The first part of an older assignment is fetched again by whoever has its partitions now.
            records = [*records, *more] if self._epoch == epoch else more
            epoch = self._epoch
        return Fetched(epoch, records, await self._opened(records))

    async def _opened(self, records: Sequence[Any]) -> list[Any]:
        """Open a batch piece by piece: a full one would keep all other lanes of the process waiting for 10 ms."""
        opened: list[Any] = []
        for first in range(0, len(records), _PIECE):
            if first:
                await asyncio.sleep(0)
            opened += self._open([record_of(record) for record in records[first : first + _PIECE]])
        return opened

    async def _take(self, fetched: "Fetched") -> None:
        async with self._in_hand:
            # Fetched under an older assignment: whoever has the partition now fetches them again.
            if fetched.records and fetched.epoch == self._epoch:
                await self._handle(fetched.opened)
                for record in fetched.records:
                    self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
                self._positions |= self._done
                self.status.idle_since = time.monotonic()
                metrics.LAST_PROGRESS.labels(*self._labels).set_to_current_time()
            await self._commit()

    async def _commit(self, *, force: bool = False) -> None:
        """Commit what is handled, every half second: offsets only save work, the inbox knows the truth."""
        if not self._done or self._consumer is None:
            return
        if not force and time.monotonic() - self._committed_at < _COMMIT_EVERY:
            return
        failpoint("before_offset_commit")
        self._committed_at = time.monotonic()
        try:
            await asyncio.wait_for(self._consumer.commit(self._done), 10)
        except _FENCED:
            pass  # the partitions are somebody else's by now
        except (TimeoutError, KafkaError) as error:
            log.warning("offsets.not_committed", consumer=self.subscription.name, error=type(error).__name__)
            return
        self._done = {}

    async def on_partitions_revoked(self, _: Sequence[TopicPartition]) -> None:
        """Finish what is in hand before somebody else gets the partitions."""
        async with self._in_hand:
            await self._commit(force=True)
            self._forget()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._forget()
        self._owning_since = time.monotonic()
        self.status.assigned = len(assigned)
        metrics.REBALANCES.labels(*self._labels).inc()

    def _forget(self) -> None:
        """Leave an assignment: nothing fetched or handled under it counts any more."""
        self._epoch += 1
        self._done, self._positions = {}, {}
        self._owning_since = None
        self.status.assigned = 0
        self.status.idle_since = time.monotonic()

    async def _watch(self, consumer: AIOKafkaConsumer) -> None:
        """Ask the broker how much waits: a consumer that has silently stopped would not know."""
        started = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            if self._owning_since is None:
                if time.monotonic() - max(started, self.status.idle_since) > _ZOMBIE_AFTER and not self._busy:
                    raise ZombieConsumerError
                continue
            try:
                self.status.lag = await asyncio.wait_for(self._lag(consumer), _ANSWER_SECONDS)
            except (TimeoutError, KafkaError):
                continue  # the broker is away; who waits for it is no zombie
            metrics.CONSUMER_LAG.labels(*self._labels).set(self.status.lag)
            if self.status.lag == 0 or self._busy:
                self.status.idle_since = time.monotonic()
            elif time.monotonic() - max(started, self.status.idle_since) > _ZOMBIE_AFTER:
                raise ZombieConsumerError

    @property
    def _busy(self) -> bool:
        return self._in_hand.locked()

    async def _lag(self, consumer: AIOKafkaConsumer) -> int:
        partitions = consumer.assignment()
        if not partitions:
            return 0
        ends = await consumer.end_offsets(partitions)
        unknown = [partition for partition in partitions if partition not in self._positions]
        starts = await consumer.beginning_offsets(unknown) if unknown else {}
        lag = 0
        for partition, end in ends.items():
            position = self._positions.get(partition)
            if position is None:
                position = max(await consumer.committed(partition) or 0, starts.get(partition, 0))
            lag += max(0, end - position)
        return lag


def _flat(found: dict[TopicPartition, list[Any]]) -> list[Any]:
    return [record for records in found.values() for record in records]


def record_of(record: Any) -> Record:
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value, record.headers,
        _moment(record.timestamp),
    )  # fmt: skip


def _moment(milliseconds: int) -> datetime:
    """The time a producer gave its record; any number may stand there."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass
