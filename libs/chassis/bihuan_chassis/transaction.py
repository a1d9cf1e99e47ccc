"""One request or one batch is one transaction: what it saves, announces and plans is committed together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bihuan_chassis import outbox, timers, tracing
from bihuan_chassis.database import Connection
from bihuan_chassis.failpoints import failpoint
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.live import Live, LiveChannel
from bihuan_chassis.settings import Settings
from bihuan_chassis.timers import Timer
from bihuan_contracts import Event

log = structlog.get_logger()


class Received(NamedTuple):
    """The envelope of one event of the batch."""

    id: UUID
    topic: str
    key: str
    time: datetime
    source: str
    traceparent: str | None
    received_at: datetime
    body: bytes = b""


class Transaction:
    """What a handler or an endpoint works with. Application code never commits."""

    def __init__(
        self,
        connection: Connection,
        *,
        settings: Settings,
        now: datetime,
        actor: str | None = None,
        received: Sequence[Received] = (),
        resources: Any = None,
    ) -> None:
        self.connection: AsyncConnection = connection.sqlalchemy
        self.raw: asyncpg.Connection[asyncpg.Record] = connection.raw
        self.settings = settings
        self.now = now
        self.actor = actor
        self.received = received
        self.resources = resources
        self._traces: dict[UUID, str | None] | None = None
        self._own_trace: str | None = None
        self._announced: list[outbox.Outgoing] = []
        self._timers: dict[tuple[str, str], Timer | None] = {}
        self._live: list[Live] = []
        self._after_commit: list[Callable[[], Awaitable[None]]] = []

    def new_id(self) -> UUID:
        return new_id()

    def announce(
        self,
        *events: Event,
        cause: UUID | None = None,
        id: UUID | None = None,
        source: str | None = None,
        traceparent: str | None = None,
    ) -> None:
        """Announce events when this transaction commits, in this order per key.

        `cause` is the id of the received event that they follow from: they continue its trace. `id` and `source` keep
        the sender's own where an event is passed on; only for a single event. Raises EventTooLargeError above 900 kB.
        """
        trace = traceparent or self._trace_of(cause)
        for event in events:
            self._announced.append(
                outbox.outgoing(event, id=id or new_id(), time=self.now, traceparent=trace, source=source)
            )

    def _trace_of(self, cause: UUID | None) -> str | None:
        """The span of this request or batch; where that belongs to another trace than the cause, the cause's own."""
        if self._own_trace is None:
            self._own_trace = tracing.traceparent()
        if cause is None:
            return self._own_trace
        if self._traces is None:
            self._traces = {received.id: received.traceparent for received in self.received}
        given = self._traces.get(cause)
        own = tracing.trace_id_of(given) in {None, tracing.trace_id_of(self._own_trace)}
        return self._own_trace if own else given

    def set_timer(self, kind: str, key: str, due_at: datetime, payload: dict[str, Any] | None = None) -> None:
        """Plan or move the timer (kind, key)."""
        self._timers[kind, key] = Timer(kind, key, due_at, payload or {})

    def cancel_timer(self, kind: str, key: str) -> None:
        self._timers[kind, key] = None

    def cancel_timers(self, kind: str, keys: Sequence[str]) -> None:
        self._timers |= {(kind, key): None for key in keys}

    def live(self, *messages: Live) -> None:
        """Tell open pages, after the commit."""
        self._live.extend(messages)

    def after_commit(self, call: Callable[[], Awaitable[None]]) -> None:
        """Do something that may be lost: a hint, never an effect."""
        self._after_commit.append(call)

    async def flush(self) -> None:
        """Write what was announced and planned; the chassis calls it right before the commit."""
        if self._announced:
            await outbox.save(self.raw, self._announced)
        wanted = [timer for timer in self._timers.values() if timer is not None]
        unwanted = [pair for pair, timer in self._timers.items() if timer is None]
        if wanted:
            await timers.save(self.raw, wanted)
        if unwanted:
            await timers.cancel(self.raw, unwanted)

    async def tell(self, live: LiveChannel | None, hint: Callable[[], None] | None) -> None:
        """Hints after the commit: the relay, the service's own, open pages. Failures are logged only."""
        if self._announced and hint is not None:
            hint()
        for call in self._after_commit:
            try:
                await call()
            except Exception:
                log.exception("hint.failed")
        # Last: pages that hear of it ask at once for what the hints have made ready.
        if self._live and live is not None:
            await live.publish(self._live)

    @property
    def announced(self) -> Sequence[outbox.Outgoing]:
        return self._announced

    @property
    def planned(self) -> Sequence[Timer]:
        return [timer for timer in self._timers.values() if timer is not None]


@dataclass(frozen=True)
class Surroundings:
    """What transactions of one process have in common."""

    settings: Settings
    live: LiveChannel | None = None
    hint: Callable[[], None] | None = None
    """Wakes the relay after an announcement."""
    resources: Any = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@asynccontextmanager
async def transaction(
    connection: Connection,
    surroundings: Surroundings,
    *,
    actor: str | None = None,
    received: Sequence[Received] = (),
) -> AsyncIterator[Transaction]:
    """Open a transaction on `connection`, commit it with everything announced, or roll all of it back."""
    tx = Transaction(
        connection,
        settings=surroundings.settings,
        now=surroundings.clock(),
        actor=actor,
        received=received,
        resources=surroundings.resources,
    )
    # SQLAlchemy runs on AUTOCOMMIT, so that its statements and the raw ones are in this one transaction.
    async with connection.raw.transaction():
        yield tx
        await tx.flush()
        failpoint("before_commit")
    failpoint("after_commit")
    await tx.tell(surroundings.live, surroundings.hint)


Begin = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]


@asynccontextmanager
async def writing() -> AsyncIterator[Begin]:
    """Compute while the database writes: `await begin(write)` starts a write once the one before has ended.

    The end of the block waits for the last one. Until then nothing else may use the connection.
    """
    last: asyncio.Task[None] | None = None

    async def begin(write: Coroutine[Any, Any, None]) -> None:
        nonlocal last
        try:
            if last is not None:
                await last
        except BaseException:
            write.close()
            raise
        last = asyncio.create_task(write)
        await asyncio.sleep(0)  # lets it send what it has

    try:
        yield begin
    finally:
        if last is not None:
            await last
