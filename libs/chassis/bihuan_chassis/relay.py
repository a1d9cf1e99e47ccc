"""The relay: sends the outbox to Kafka, in order per key, and deletes what the broker has acknowledged."""

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import metrics, outbox, tracing
from bihuan_chassis.database import Connection, hold, is_outage, release
from bihuan_chassis.failpoints import failpoint
from bihuan_chassis.lanes import kafka_options
from bihuan_chassis.settings import Settings
from bihuan_chassis.tables import PARTS
from bihuan_contracts import topics

_ROWS = 500
_POLL = 0.5
_ACK_SECONDS = 30
_START_SECONDS = 30
_NOTIFY_SECONDS = 10
_LOCK_CLASS = 0x6268  # "bh": advisory locks of the outbox parts
_TOPIC_SECONDS = 5
_TOPIC_AGAIN = 2.0
_ID, _TOPIC, _KEY = 0, 1, 3
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
LANES = 2

_SELECT = """
select id, topic, event_id, key, body, time, traceparent, source from outbox
where part = any($1::smallint[]) and topic <> all($3::text[]) order by id limit $2
"""
_SET_ASIDE = """
with gone as (delete from outbox where id = $1 returning id, topic, event_id, key, body)
insert into outbox_set_aside (id, topic, event_id, key, body, reason)
select id, topic, event_id, key, body, $2 from gone
"""

_REGISTERED = {topic.name for topic in topics.ALL}

log = structlog.get_logger()


class UnknownOutcomeError(Exception):
    """The broker has not answered: what was sent may or may not be in the log."""


class SharedProducer:
    """The one idempotent producer of the process; a new one after any outcome that is not known."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()

    async def get(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **kafka_options(self._settings),
                    client_id=f"bihuan-{self._settings.service}-relay",
                    enable_idempotence=True,
                    acks="all",
                    linger_ms=0,
                    max_request_size=1_048_576,
                    request_timeout_ms=15_000,
                )
                try:
                    # By itself it would ask for its id for ever, and all lanes would wait for the lock behind it.
                    await asyncio.wait_for(producer.start(), _START_SECONDS)
                except BaseException:
                    self._dispose(producer)
                    raise
                self._producer = producer
            return self._producer

    async def renew(self, broken: AIOKafkaProducer) -> None:
        """Throw away a producer whose sequence can't be trusted any more (aiokafka never expires its batches)."""
        async with self._lock:
            if self._producer is not broken:
                return
            self._producer = None
        _give_up(broken)
        self._dispose(broken)

    def _dispose(self, producer: AIOKafkaProducer) -> None:
        """Beside the work: a broker that hangs holds up nobody who wants a new one."""
        stopping = asyncio.create_task(_stop(producer))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        if self._producer is not None:
            await self.renew(self._producer)
        await asyncio.gather(*self._stopping)


def _give_up(doubtful: Any) -> None:
    """What a producer still holds has no outcome; the other lanes that wait for it learn that now."""
    accumulator = doubtful._message_accumulator
    accumulator.fail_all(UnknownOutcomeError())
    for batches in accumulator._batches.values():
        for batch in batches:
            # It fails this one too, for which nobody waits: asyncio would report an error that nobody took.
            batch._drain_waiter.exception()


async def _stop(producer: AIOKafkaProducer) -> None:
    """Its sender may have died of what broke it, and stop() then forgets the connections."""
    try:
        await asyncio.wait_for(producer.stop(), 20)
    except Exception as error:
        log.debug("producer.not_stopped", error=type(error).__name__)
    finally:
        await producer.client.close()


class Relay:
    """One lane: owns some parts of the outbox by advisory locks and empties them."""

    def __init__(self, engine: AsyncEngine, settings: Settings, producer: SharedProducer, number: int = 0) -> None:
        self.hint = asyncio.Event()
        self.healthy = False
        self._engine = engine
        self._settings = settings
        self._producer = producer
        self._number = number
        self._connection: Connection | None = None
        self._parts: list[int] = []
        self._closed_topics: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        pauses = 0
        while not stop.is_set():
            connection: Connection | None = None
            try:
                connection = self._connection = await hold(self._engine)
                await self._serve(connection, stop)
                pauses = 0
            except Exception as error:
                self.healthy = False
                pauses += 1
                server = "postgresql" if is_outage(error, connection) else "kafka"
                metrics.WAITS.labels(self._settings.service, server).inc()
                if pauses in {1, 10, 100}:
                    log.warning("relay.waits", service=self._settings.service, server=server, error=repr(error)[:200])
                await asyncio.sleep(random.uniform(0.05, min(2.0, 0.1 * 2 ** min(pauses, 5))))  # noqa: S311 - jitter
            finally:
                self._parts = []
                if connection is not None:
                    await _unlock(connection)
                    await release(connection)

    def cut(self) -> None:
        """Hang up on a database that does not answer: its statement fails, and the lane connects anew."""
        if self._connection is not None:
            self._connection.raw.terminate()

    async def _serve(self, connection: Connection, stop: asyncio.Event) -> None:
        await connection.raw.add_listener(outbox.CHANNEL, self._on_notify)
        try:
            while not stop.is_set():
                self.hint.clear()
                await self._own_parts(connection)
                full = await self.pump(connection)
                self.healthy = True
                if not full:
                    await self._rest(stop)
            while await self.pump(connection):
                pass  # what the last handlers announced leaves with the process
        finally:
            if not connection.closed:
                await connection.raw.remove_listener(outbox.CHANNEL, self._on_notify)

    def _on_notify(self, *_: Any) -> None:
        self.hint.set()

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until there is a hint, or the poll that is the net below it."""
        waits = [asyncio.create_task(self.hint.wait()), asyncio.create_task(stop.wait())]
        try:
            await asyncio.wait(waits, timeout=_POLL, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _own_parts(self, connection: Connection) -> None:
        """Try for this lane's parts that nobody owns; all of them once the process is alone."""
        wanted = [part for part in range(PARTS) if part % LANES == self._number % LANES and part not in self._parts]
        if not wanted:
            return
        rows = await connection.raw.fetch(
            "select part from unnest($1::int[]) as part where pg_try_advisory_lock($2, part)", wanted, _LOCK_CLASS
        )
        self._parts += [row[0] for row in rows]

    async def pump(self, connection: Connection) -> bool:
        """Send one load and delete what was acknowledged; returns whether there may be more right away."""
        rows = await connection.raw.fetch(_SELECT, self._parts, _ROWS, self._closed())
        if not rows:
            return False
        producer = await self._producer.get()
        await self._look_for_topics(producer, {row[_TOPIC] for row in rows})
        if closed := self._closed():
            outcome = await self._send(producer, [row for row in rows if row[_TOPIC] not in closed])
        else:
            outcome = await self._send(producer, rows)
        failpoint("after_ack_before_delete")
        await self._delete(connection, outcome.acked)
        if outcome.failure is not None or outcome.refused:
            # A refused batch leaves a gap in the producer's sequence, an unknown outcome leaves doubt about it.
            await self._producer.renew(producer)
        for row in outcome.refused:
            await self._send_alone(connection, row)
        for row, reason in outcome.too_large:
            await self._set_aside(connection, row, reason)
        if outcome.failure is not None:
            raise outcome.failure
        return len(rows) == _ROWS

    def _closed(self) -> list[str]:
        """Topics that are not tried at the moment, so that nobody waits behind them."""
        now = time.monotonic()
        self._closed_topics = {topic: until for topic, until in self._closed_topics.items() if until > now}
        return list(self._closed_topics)

    async def _look_for_topics(self, producer: AIOKafkaProducer, names: Iterable[str]) -> None:
        """Leave out topics that don't exist or aren't ours to write: asking inside send() would stop all others."""
        for name in names:
            if name in _REGISTERED and producer.client.cluster.partitions_for_topic(name) is not None:
                continue
            try:
                await asyncio.wait_for(producer.partitions_for(name), _TOPIC_SECONDS)
                topics.named(name)
            except (TimeoutError, KafkaError, KeyError) as error:
                self._closed_topics[name] = time.monotonic() + _TOPIC_AGAIN
                metrics.WAITS.labels(self._settings.service, "kafka").inc()
                log.error("topic.away", service=self._settings.service, topic=name, error=type(error).__name__)

    async def _send(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> "Outcome":
        """Pipeline all rows, then look at each answer, also where the relay ends meanwhile."""
        sent: list[tuple[Any, asyncio.Future[Any]]] = []
        outcome = Outcome()
        try:
            await self._queue(producer, rows, sent, outcome)
            await _answered([future for _, future in sent])
        finally:
            outcome.read(sent)
        return outcome

    async def _queue(
        self,
        producer: AIOKafkaProducer,
        rows: Sequence[Any],
        sent: list[tuple[Any, "asyncio.Future[Any]"]],
        outcome: "Outcome",
    ) -> None:
        try:
            async with asyncio.timeout(_ACK_SECONDS):
                for row in rows:
                    try:
                        sent.append((row, await _produce(producer, self._settings.service, row)))
                    except _TOO_LARGE as error:
                        outcome.too_large.append((row, type(error).__name__))
        except (TimeoutError, KafkaError) as error:
            outcome.failure = error  # order: what follows the row that failed is not sent before it

    async def _send_alone(self, connection: Connection, row: Any) -> None:
        """Tell the row that the broker never takes from those that were in one batch with it."""
        producer = await self._producer.get()
        outcome = await self._send(producer, [row])
        if outcome.failure is not None:
            raise outcome.failure
        await self._delete(connection, outcome.acked)
        if outcome.refused:
            await self._producer.renew(producer)
            await self._set_aside(connection, row, "refused by the broker as too large")

    async def _delete(self, connection: Connection, acked: Sequence[int]) -> None:
        if acked:
            await connection.raw.execute("delete from outbox where id = any($1::bigint[])", acked)
            metrics.OUTBOX_SENT.labels(self._settings.service).inc(len(acked))

    async def _set_aside(self, connection: Connection, row: Any, reason: str) -> None:
        await connection.raw.execute(_SET_ASIDE, row["id"], reason)
        service = self._settings.service
        metrics.OUTBOX_SET_ASIDE.labels(service).inc()
        with tracing.span(service, "set aside", row["traceparent"]):
            log.error("outbox.set_aside", service=service, id=row["id"], topic=row["topic"], reason=reason)


@dataclass
class Outcome:
    """What became of the rows of one load."""

    acked: list[int] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)
    """Rows of a batch that the broker refused: at least one of them is at fault."""
    too_large: list[tuple[Any, str]] = field(default_factory=list)
    failure: Exception | None = None

    def read(self, sent: Sequence[tuple[Any, "asyncio.Future[Any]"]]) -> None:
        """Sort the answers. A key stops at its first failure: what came after it is sent again behind it."""
        stopped: set[str] = set()
        for row, future in sent:
            error: BaseException | None = UnknownOutcomeError()
            if future.done():
                error = future.exception()
            else:
                future.add_done_callback(_hear)
            if error is None:
                if not stopped or row[_KEY] not in stopped:
                    self.acked.append(row[_ID])
            elif isinstance(error, _TOO_LARGE):
                self.refused.append(row)
            else:
                stopped.add(row[_KEY])
                self.failure = self.failure or (error if isinstance(error, Exception) else UnknownOutcomeError())


def _hear(future: "asyncio.Future[Any]") -> None:
    """Take an answer that comes too late: asyncio reports an error that nobody took."""
    if not future.cancelled():
        future.exception()


async def _answered(futures: Sequence["asyncio.Future[Any]"]) -> None:
    """Until each has an outcome, or the patience is over.

    Answers come for whole batches: waiting for one after the other wakes up a few times, asyncio.wait() five hundred.
    """
    until = time.monotonic() + _ACK_SECONDS
    for future in futures:
        if not future.done():
            await asyncio.wait([future], timeout=max(0.0, until - time.monotonic()))


async def _produce(producer: AIOKafkaProducer, service: str, row: Any) -> "asyncio.Future[Any]":
    _, topic, event_id, key_text, body, time, traceparent, source = row
    key = key_text.encode()
    headers = [
        *_constant_headers(topic, source or f"bihuan/{service}"),
        ("ce_id", str(event_id).encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_subject", key),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    future: asyncio.Future[Any] = await producer.send(
        topic, body, key, timestamp_ms=int(time.timestamp() * 1000), headers=headers
    )
    return future


@lru_cache(maxsize=512)
def _constant_headers(topic: str, source: str) -> tuple[tuple[str, bytes], ...]:
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", topics.named(topic).type.encode()),
        ("content-type", b"application/json"),
    )


async def _unlock(connection: Connection) -> None:
    if not connection.closed:
        try:
            await connection.raw.execute("select pg_advisory_unlock_all()")
        except Exception as error:
            log.debug("relay.unlock_failed", error=type(error).__name__)


async def measure(connection: Connection, service: str) -> tuple[int, float]:
    """Events not sent yet, and the age of the oldest in seconds; both also as metrics."""
    row = await connection.raw.fetchrow(
        "select count(*), coalesce(extract(epoch from clock_timestamp() - min(time)), 0)::float8"
        " from (select time from outbox order by id limit 100000) as waiting"
    )
    assert row is not None
    oldest = row[1]
    metrics.OUTBOX_PENDING.labels(service).set(row[0])
    metrics.OUTBOX_OLDEST.labels(service).set(max(0.0, oldest))
    return row[0], oldest


class Notifier:
    """Wakes relays in other processes: at once, then at most every 50 ms, never inside a transaction.

    NOTIFY in each business transaction would take a database-wide lock at its commit.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._wanted = asyncio.Event()

    def __call__(self) -> None:
        self._wanted.set()

    async def run(self) -> None:
        while True:
            connection: Connection | None = None
            try:
                connection = await hold(self._engine)
                while True:
                    await self._wanted.wait()
                    self._wanted.clear()
                    await connection.raw.execute(f"notify {outbox.CHANNEL}", timeout=_NOTIFY_SECONDS)
                    await asyncio.sleep(0.05)
            except TimeoutError:
                if connection is not None:
                    connection.raw.terminate()
            except Exception as error:
                # Losing a hint is harmless: the relay polls.
                log.debug("notify.failed", error=type(error).__name__)
                await asyncio.sleep(1)
            finally:
                if connection is not None:
                    await release(connection)
