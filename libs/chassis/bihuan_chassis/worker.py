"""The worker process of a service: its lanes, relay and timers on one event loop."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import dead_letters, inbox, metrics, relay, timers, tracing
from bihuan_chassis.batch import Batches
from bihuan_chassis.clock import DatabaseClock
from bihuan_chassis.database import Connection, engine, hold, is_outage, release, say_goodbye
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.lanes import Lane
from bihuan_chassis.live import RedisLive
from bihuan_chassis.settings import Settings
from bihuan_chassis.timers import Timer
from bihuan_chassis.transaction import Surroundings, transaction

_TIMER_LOAD = 200
_TIMER_POLL = 0.5
_HOUSEKEEPING = 5.0
_PRUNE_EVERY = 3600.0
_HUNG_AFTER = 30.0
_GRACE = 15.0
_FORGET_KEYS = "delete from idempotency_keys where at < now() - interval '1 day'"
_RELAY_GRACE = 5.0

log = structlog.get_logger()


class Held:
    """A connection that its owner keeps and renews when it breaks."""

    def __init__(self, source: AsyncEngine, *, plan_once: bool = False) -> None:
        self._source = source
        self._plan_once = plan_once
        self._connection: Connection | None = None

    async def get(self) -> Connection:
        if self._connection is not None and self._connection.closed:
            await self.drop()
        if self._connection is None:
            self._connection = await hold(self._source, plan_once=self._plan_once)
        return self._connection

    async def drop(self) -> None:
        if self._connection is not None:
            broken, self._connection = self._connection, None
            await release(broken)

    def cut(self) -> None:
        """Hang up, so that whoever waits for an answer on it fails."""
        if self._connection is not None:
            self._connection.raw.terminate()


@dataclass(frozen=True)
class WorkerStatus:
    """What readiness asks."""

    ready: bool
    stuck: bool
    detail: dict[str, Any]


class Worker:
    """Runs everything of a service that people do not wait for."""

    def __init__(self, description: ServiceDescription, settings: Settings) -> None:
        self._description = description
        self._settings = settings
        connections = len(description.subscriptions) * settings.lanes + relay.LANES + 3
        self._engine = engine(settings, pool=connections)
        self._clock = DatabaseClock(description.name)
        self._producer = relay.SharedProducer(settings)
        self._relays = [relay.Relay(self._engine, settings, self._producer, number) for number in range(relay.LANES)]
        self._lanes: list[Lane] = []
        self._batches: list[Batches] = []
        self._held: list[Held] = []
        self._replay_wanted = asyncio.Event()
        self._listening: Connection | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish what is in hand, commit offsets and empty the outbox."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(say_goodbye, self._engine)
            stack.push_async_callback(self._release)
            stack.push_async_callback(self._producer.close)
            redis = Redis.from_url(self._settings.redis.get_secret_value(), socket_timeout=2, socket_connect_timeout=2)
            stack.push_async_callback(redis.aclose)
            surroundings = Surroundings(
                self._settings, RedisLive(redis), self._hint, await self._resources(stack), self._clock
            )
            self._build(surroundings)
            await self._clock.try_to_ask(self._engine)
            relay_stop = asyncio.Event()
            background = [asyncio.create_task(one.run(relay_stop)) for one in self._relays]
            background.append(asyncio.create_task(self._keep_house(stop)))
            workers = [asyncio.create_task(lane.run(stop)) for lane in self._lanes]
            workers.append(asyncio.create_task(self._run_timers(surroundings, stop)))
            try:
                await _first_failure(workers + background, stop)
            finally:
                stop.set()
                await _finish(workers, _GRACE)
                relay_stop.set()
                await _finish(background, _RELAY_GRACE)

    async def _resources(self, stack: AsyncExitStack) -> Any:
        if self._description.lifespan is None:
            return None
        return await stack.enter_async_context(self._description.lifespan(self._settings))

    def _build(self, surroundings: Surroundings) -> None:
        for subscription in self._description.subscriptions:
            for number in range(self._settings.lanes):
                batches = Batches(subscription, surroundings, self._own_connection(plan_once=True).get)
                self._batches.append(batches)
                self._lanes.append(Lane(subscription, self._settings, batches.handle_opened, number, batches.open))

    def _own_connection(self, *, plan_once: bool = False) -> Held:
        """A connection for one lane or task."""
        self._held.append(Held(self._engine, plan_once=plan_once))
        return self._held[-1]

    async def _release(self) -> None:
        for held in self._held:
            await held.drop()

    def _hint(self) -> None:
        for one in self._relays:
            one.hint.set()

    def status(self) -> WorkerStatus:
        lanes = {
            f"{lane.subscription.name}": {"assigned": lane.status.assigned, "lag": lane.status.lag}
            for lane in self._lanes
        }
        started = all(lane.status.started for lane in self._lanes)
        return WorkerStatus(
            ready=bool(self._lanes or not self._description.subscriptions) and started
            and all(one.healthy for one in self._relays),
            stuck=any(lane.status.stuck for lane in self._lanes),
            detail={"lanes": lanes, "relay": all(one.healthy for one in self._relays)},
        )  # fmt: skip

    async def _run_timers(self, surroundings: Surroundings, stop: asyncio.Event) -> None:
        if not self._description.timers:
            return
        held, pauses = self._own_connection(), 0
        while not stop.is_set():
            connection: Connection | None = None
            try:
                connection = await held.get()
                fired = await fire_due(self._description, surroundings, connection)
                pauses = 0
            except Exception as error:
                fired, pauses = 0, pauses + 1
                if not is_outage(error, connection):
                    log.exception("timers.failed", service=self._description.name)
                await held.drop()
                await asyncio.sleep(random.uniform(0.1, min(5.0, 0.2 * 2 ** min(pauses, 5))))  # noqa: S311 - jitter
            if fired < _TIMER_LOAD:
                await _rest(stop, _TIMER_POLL)

    async def _keep_house(self, stop: asyncio.Event) -> None:
        """Replays of dead letters, gauges, and the pruning of old inbox rows."""
        held, pruned_at = self._own_connection(), time.monotonic()
        while not stop.is_set():
            connection: Connection | None = None
            self._replay_wanted.clear()
            try:
                connection = await held.get()
                await self._ask(connection)
                if self._listening is not connection:
                    await connection.raw.add_listener(dead_letters.CHANNEL, self._on_replay)
                    self._listening = connection
                for batches in self._batches:
                    await batches.replay(connection)
                await relay.measure(connection, self._description.name)
                metrics.DEAD_LETTERS_OPEN.labels(self._description.name).set(
                    await dead_letters.count_open(connection.raw)
                )
                if time.monotonic() - pruned_at > _PRUNE_EVERY:
                    await inbox.prune(connection.raw)
                    await connection.raw.execute(_FORGET_KEYS)
                    pruned_at = time.monotonic()
            except Exception as error:
                if not is_outage(error, connection):
                    log.exception("housekeeping.failed", service=self._description.name)
                await held.drop()
            await _rest(stop, _HOUSEKEEPING, self._replay_wanted)

    async def _ask(self, connection: Connection) -> None:
        """Set the clock, and see that the database lives.

        One that keeps its connections and answers nobody, its disk hanging or its node lost behind a proxy, fails no
        statement: without this the lanes would wait for it for ever. A limit on each statement could not tell it from
        a slow handler.
        """
        try:
            await self._clock.ask_within(_HUNG_AFTER, connection.raw)
        except TimeoutError:
            log.warning("database.hangs", service=self._description.name)
            for held in self._held:
                held.cut()
            for one in self._relays:
                one.cut()
            raise

    def _on_replay(self, *_: Any) -> None:
        self._replay_wanted.set()


async def fire_due(description: ServiceDescription, surroundings: Surroundings, connection: Connection) -> int:
    """Fire what is due, each kind as one set; a failing timer is postponed and does not hold up the others."""
    now = surroundings.clock()
    try:
        async with transaction(connection, surroundings) as tx:
            due = await timers.claim(connection.raw, description.timers, now, _TIMER_LOAD)
            if due:
                with tracing.span(description.name, "timers"):
                    for kind in dict.fromkeys(timer.kind for timer in due):
                        await description.timers[kind]([timer for timer in due if timer.kind == kind], tx)
    except Exception as error:
        if is_outage(error, connection):
            raise
        return await _fire_one_by_one(description, surroundings, connection, now)
    _count_fired(description.name, due, surroundings.clock())
    return len(due)


async def _fire_one_by_one(
    description: ServiceDescription, surroundings: Surroundings, connection: Connection, now: datetime
) -> int:
    for fired in range(_TIMER_LOAD):
        timer: Timer | None = None
        try:
            async with transaction(connection, surroundings) as tx:
                found = await timers.claim(connection.raw, description.timers, now, 1)
                if not found:
                    return fired
                timer = found[0]
                with tracing.span(description.name, f"timer {timer.kind}"):
                    await description.timers[timer.kind](found, tx)
            _count_fired(description.name, found, surroundings.clock())
        except Exception as error:
            if is_outage(error, connection) or timer is None:
                raise
            log.exception("timer.failed", service=description.name, kind=timer.kind, attempts=timer.attempts)
            until = surroundings.clock() + timedelta(seconds=min(3600, 2**timer.attempts))
            await timers.cancel(connection.raw, [(timer.kind, timer.key)])
            await timers.postpone(connection.raw, timer, until)
    return _TIMER_LOAD


def _count_fired(service: str, due: list[Timer], now: datetime) -> None:
    for timer in due:
        metrics.TIMERS_FIRED.labels(service, timer.kind).inc()
        metrics.TIMER_DELAY_SECONDS.labels(service, timer.kind).observe(max(0.0, (now - timer.due_at).total_seconds()))


async def _finish(tasks: Sequence["asyncio.Task[None]"], within: float) -> None:
    """Let them finish what is in hand; what a server that is away still holds back is rolled back and redelivered."""
    _, late = await asyncio.wait(tasks, timeout=within)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _first_failure(tasks: list["asyncio.Task[None]"], stop: asyncio.Event) -> None:
    """Until `stop`; a task that ends by an error ends the worker, which its supervisor starts again."""
    stopping = asyncio.create_task(stop.wait())
    pending: set[asyncio.Task[Any]] = {*tasks, stopping}
    try:
        while not stop.is_set():
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if task is not stopping:
                    task.result()
    finally:
        stopping.cancel()


async def _rest(stop: asyncio.Event, seconds: float, hint: asyncio.Event | None = None) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (stop, hint) if event is not None]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
