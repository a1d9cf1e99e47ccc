"""Handling a batch of records: one transaction, halved around a culprit, waiting out what passes by itself."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from bihuan_chassis import dead_letters, inbox, metrics, tracing
from bihuan_chassis.database import Connection, cut_if_broken, is_conflict, is_outage
from bihuan_chassis.dead_letters import DeadLetter, Record
from bihuan_chassis.description import Subscription
from bihuan_chassis.identifiers import parse_id
from bihuan_chassis.transaction import Received, Surroundings, transaction
from bihuan_contracts import Event, Opened, Refused, Text, Topic, open_record, topics

_CONFLICT_TRIES = 3
_LONGEST_WAIT = 5.0

log = structlog.get_logger()


class PermanentError(Exception):
    """A handler's word that this event can never be handled; `code` and `field` go to the dead letter."""

    def __init__(self, code: str, reason: Text, field: str | None = None) -> None:
        super().__init__(reason.en)
        self.code, self.reason, self.field = code, reason, field


class Letter(NamedTuple):
    """One record on its way: opened, or refused."""

    id: UUID
    record: Record
    content: Opened | Refused


def open_letter(topic: Topic, record: Record) -> Letter:
    content = open_record(topic, record.key, record.value, record.headers, int(record.time.timestamp() * 1000))
    return Letter(parse_id(content.id), record, content)


class Batches:
    """Handles batches of one subscription on the connection that `connect` gives."""

    def __init__(
        self,
        subscription: Subscription,
        surroundings: Surroundings,
        connect: Callable[[], Awaitable[Connection]],
    ) -> None:
        self._subscription = subscription
        self._surroundings = surroundings
        self._connect = connect
        self._consumer: int | None = None
        self._labels = (subscription.service, subscription.name.removeprefix(f"{subscription.service}."))
        # Looked up once: prometheus_client takes longer to find a metric's child than to count with it.
        self._seconds = metrics.HANDLING_SECONDS.labels(*self._labels)
        self._handled = metrics.EVENTS_HANDLED.labels(*self._labels, "handled")
        self._age = metrics.EVENT_AGE_SECONDS.labels(*self._labels)

    async def handle(self, records: Sequence[Record]) -> None:
        """Handle all records. Returns when each is handled, a duplicate, or a dead letter; outages are waited out."""
        await self.handle_opened(self.open(records))

    @staticmethod
    def open(records: Sequence[Record]) -> list[Letter]:
        """Envelopes and bodies, read; what can't be read becomes a letter with its refusal."""
        return [open_letter(topics.named(record.topic), record) for record in records]

    async def handle_opened(self, letters: Sequence[Letter]) -> None:
        """The second half of `handle`."""
        await self._insist(letters)

    async def _insist(self, letters: Sequence[Letter]) -> None:
        """One transaction for all, or, when it fails, for either half; for a single culprit its dead letter."""
        failure = await self._attempt(letters, self._apply)
        if failure is None:
            return
        if len(letters) > 1:
            middle = len(letters) // 2
            await self._insist(letters[:middle])
            await self._insist(letters[middle:])
            return
        letter = _dead_letter(self._subscription.name, letters[0], failure)
        buried = await self._attempt(letters, lambda connection, _: self._bury(connection, letter))
        if buried is not None:
            raise buried  # going on would lose the record without a trace

    async def _attempt(
        self,
        letters: Sequence[Letter],
        apply: Callable[[Connection, Sequence[Letter]], Awaitable[None]],
    ) -> Exception | None:
        """Run `apply` until it succeeds or fails for a reason of its own, which is returned."""
        conflicts, pauses = 0, 0
        while True:
            connection: Connection | None = None
            try:
                connection = await self._connect()
                await apply(connection, letters)
            except Exception as error:
                if connection is not None:
                    await cut_if_broken(connection)
                if is_outage(error, connection):
                    pauses += 1
                    await self._pause(pauses, error)
                elif is_conflict(error) and conflicts < _CONFLICT_TRIES:
                    conflicts += 1
                    await asyncio.sleep(random.uniform(0, 0.05 * 2**conflicts))  # noqa: S311 - jitter
                else:
                    return error
            else:
                return None

    async def _pause(self, pauses: int, error: Exception) -> None:
        metrics.WAITS.labels(self._labels[0], "postgresql").inc()
        if pauses == 1:
            log.warning("database.away", service=self._labels[0], error=type(error).__name__)
        await asyncio.sleep(random.uniform(0.05, min(_LONGEST_WAIT, 0.1 * 2 ** min(pauses, 6))))  # noqa: S311 - jitter

    async def _apply(self, connection: Connection, letters: Sequence[Letter]) -> None:
        with _span(self._subscription, letters):
            await self._apply_once(connection, letters)

    async def _apply_once(self, connection: Connection, letters: Sequence[Letter]) -> None:
        started = time.perf_counter()
        if self._consumer is None:
            self._consumer = await inbox.consumer_id(connection.raw, self._subscription.name)
        first = {letter.id: letter for letter in reversed(letters)}  # the same id twice in a batch: keep the first
        now = self._surroundings.clock()
        events: list[Event] = []
        received: list[Received] = []
        refused: list[Letter] = []
        # The handler sees only what is new, but that is known inside the transaction.
        async with transaction(connection, self._surroundings) as tx:
            new = await inbox.unseen(connection.raw, self._consumer, first.keys())
            for letter in letters if len(new) == len(letters) else _only(letters, first, new):
                if isinstance(letter.content, Opened):
                    events.append(letter.content.event)
                    received.append(_received(letter, letter.content, now))
                else:
                    refused.append(letter)
            tx.received = received
            if refused:
                await dead_letters.save(
                    connection.raw, [_refusal(self._subscription.name, letter) for letter in refused]
                )
            if events:
                await self._subscription.handler(events, tx)
        self._count(len(letters), events=received, refused=refused, seconds=time.perf_counter() - started)

    async def _bury(self, connection: Connection, letter: DeadLetter) -> None:
        """Keep the culprit with its inbox row in one transaction, so that a redelivery doesn't kill it again."""
        if self._consumer is None:
            self._consumer = await inbox.consumer_id(connection.raw, self._subscription.name)
        async with connection.raw.transaction():
            await inbox.unseen(connection.raw, self._consumer, [letter.id])
            await dead_letters.save(connection.raw, [letter])
        metrics.DEAD_LETTERS.labels(*self._labels, letter.code).inc()
        metrics.EVENTS_HANDLED.labels(*self._labels, "failed").inc()
        with tracing.span(self._labels[0], "bury", letter.traceparent):
            log.error("event.dead", consumer=letter.consumer, id=str(letter.id), code=letter.code, field=letter.field)

    async def replay(self, connection: Connection) -> int:
        """Handle the dead letters that somebody wants replayed, each by itself; returns how many were looked at."""
        done = 0
        while await self._replay_next(connection):
            done += 1
        return done

    async def _replay_next(self, connection: Connection) -> bool:
        """Claim, handle and mark in one transaction: another worker that looks at the same time finds it locked."""
        if self._consumer is None:
            self._consumer = await inbox.consumer_id(connection.raw, self._subscription.name)
        dead: DeadLetter | None = None
        try:
            async with transaction(connection, self._surroundings) as tx:
                claimed = await dead_letters.claim_replays(connection.raw, self._subscription.name, 1)
                if not claimed:
                    return False
                dead = claimed[0]
                content = open_letter(topics.named(dead.record.topic), dead.record).content
                if isinstance(content, Refused):
                    raise PermanentError(content.code, content.message, content.field)
                # It keeps the id it was refused under, also when its body was mended.
                letter = Letter(dead.id, dead.record, content)
                tx.received = [_received(letter, content, self._surroundings.clock())]
                await inbox.unseen(connection.raw, self._consumer, [letter.id])
                with _span(self._subscription, [letter]):
                    await self._subscription.handler([content.event], tx)
                await dead_letters.mark_replayed(connection.raw, dead.consumer, dead.id)
        except Exception as error:
            if dead is None or is_outage(error, connection):
                raise
            if not is_conflict(error):
                code, field, reason = _reason(error)
                await dead_letters.mark_failed(
                    connection.raw, dead.consumer, dead.id, code=code, field=field, reason=reason
                )
        return True

    def _count(self, letters: int, *, events: Sequence[Received], refused: Sequence[Letter], seconds: float) -> None:
        self._seconds.observe(seconds)
        self._handled.inc(len(events))
        duplicates = letters - len(events) - len(refused)
        if duplicates:
            metrics.EVENTS_HANDLED.labels(*self._labels, "duplicate").inc(duplicates)
            metrics.REDELIVERED.labels(*self._labels).inc(duplicates)
        for letter in refused:
            assert isinstance(letter.content, Refused)
            metrics.EVENTS_HANDLED.labels(*self._labels, "refused").inc()
            metrics.DEAD_LETTERS.labels(*self._labels, letter.content.code).inc()
        if events:
            now = self._surroundings.clock()
            # The oldest of a batch stands for it: one observation an event would cost more than its handling.
            self._age.observe(max(0.0, (now - min(event.time for event in events)).total_seconds()))


def _span(subscription: Subscription, letters: Sequence[Letter]) -> AbstractContextManager[tracing.Span]:
    """One span a batch, below its events' own where these are of one trace, linked to all of them where not."""
    contents = [letter.content for letter in letters]
    distinct = dict.fromkeys(content.traceparent for content in contents if isinstance(content, Opened))
    traces = {context: trace for context in distinct if context and (trace := tracing.trace_id_of(context))}
    given, one = list(traces), len(set(traces.values())) == 1
    return tracing.span(
        subscription.service,
        f"process {subscription.topics[0]}",
        given[0] if one else None,
        kind=tracing.SpanKind.CONSUMER,
        links=given[1:] if one else given,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": subscription.name,
            "messaging.batch.message_count": len(letters),
        },
    )


def _only(letters: Sequence[Letter], first: Mapping[UUID, Letter], new: Collection[UUID]) -> list[Letter]:
    """The letters that are new, in their order, each id once."""
    return [letter for letter in letters if first[letter.id] is letter and letter.id in new]


def _received(letter: Letter, opened: Opened, now: datetime) -> Received:
    key = (letter.record.key or b"").decode(errors="replace")
    return Received(
        letter.id, letter.record.topic, key, opened.time, opened.source, opened.traceparent, now,
        letter.record.value or b"",
    )  # fmt: skip


def _refusal(consumer: str, letter: Letter) -> DeadLetter:
    assert isinstance(letter.content, Refused)
    return DeadLetter(
        letter.id, consumer, letter.record, letter.content.code, letter.content.field, letter.content.message
    )


def _dead_letter(consumer: str, letter: Letter, error: Exception) -> DeadLetter:
    if isinstance(letter.content, Refused):
        return _refusal(consumer, letter)
    code, field, reason = _reason(error)
    return DeadLetter(letter.id, consumer, letter.record, code, field, reason, letter.content.traceparent)


def _reason(error: Exception) -> tuple[str, str | None, Text]:
    if isinstance(error, PermanentError):
        return error.code, error.field, error.reason
    words = f"{type(error).__name__}: {error}"
    return "handler_failed", None, Text(zh=f"处理时出错：{words}", en=f"its handling failed: {words}")
