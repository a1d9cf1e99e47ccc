"""Timers: written with the state change, fired once, moved and cancelled with it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from given_stores import NOW
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, Timer, Transaction
from bihuan_chassis.database import Connection, hold, release
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.transaction import Surroundings, transaction
from bihuan_chassis.worker import fire_due

pytestmark = pytest.mark.flow


class Stores:
    """A service with one timer that writes down what fired."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        self.now = NOW
        self.surroundings = Surroundings(settings, clock=lambda: self.now)
        self.description = ServiceDescription(
            "stores", Settings, (), (), {"late": self._on_late}, None, Path("migrations")
        )
        self.connection = connection
        self.slow = 0.0

    async def _on_late(self, timers: Sequence[Timer], tx: Transaction) -> None:
        await asyncio.sleep(self.slow)
        if any(timer.payload.get("bug") for timer in timers):
            raise KeyError("bug")
        await tx.raw.executemany(
            'insert into effects ("order", line) values ($1, $2)',
            [(timer.key, timer.payload.get("line", 0)) for timer in timers],
        )

    async def plan(self, key: str, due_in: timedelta, **payload: Any) -> None:
        async with transaction(self.connection, self.surroundings) as tx:
            tx.set_timer("late", key, self.now + due_in, payload)

    async def fire(self) -> int:
        return await fire_due(self.description, self.surroundings, self.connection)

    async def fired(self) -> list[str]:
        return [row[0] for row in await self.connection.raw.fetch('select "order" from effects order by id')]


@pytest.fixture
def stores(settings: Settings, connection: Connection) -> Stores:
    return Stores(settings, connection)


async def test_a_timer_fires_once_when_it_is_due(stores: Stores) -> None:
    await stores.plan("PO-1", timedelta(hours=1))
    assert await stores.fire() == 0
    stores.now += timedelta(hours=1)
    assert await stores.fire() == 1
    assert await stores.fire() == 0
    assert await stores.fired() == ["PO-1"]


async def test_setting_a_timer_again_moves_it(stores: Stores) -> None:
    await stores.plan("PO-1", timedelta(hours=1))
    await stores.plan("PO-1", timedelta(hours=3))
    stores.now += timedelta(hours=2)
    assert await stores.fire() == 0


async def test_a_cancelled_timer_does_not_fire(stores: Stores) -> None:
    for key in ("PO-1", "PO-2", "PO-3"):
        await stores.plan(key, timedelta(hours=1))
    async with transaction(stores.connection, stores.surroundings) as tx:
        tx.cancel_timers("late", ["PO-1", "PO-3", "PO-9"])
    stores.now += timedelta(hours=2)
    await stores.fire()
    assert await stores.fired() == ["PO-2"]


async def test_the_last_word_in_one_transaction_counts(stores: Stores) -> None:
    async with transaction(stores.connection, stores.surroundings) as tx:
        tx.set_timer("late", "PO-1", stores.now)
        tx.cancel_timer("late", "PO-1")
        tx.cancel_timer("late", "PO-2")
        tx.set_timer("late", "PO-2", stores.now)
    await stores.fire()
    assert await stores.fired() == ["PO-2"]


async def test_a_timer_of_a_rolled_back_change_is_not_set(stores: Stores) -> None:
    with suppress(KeyError):
        async with transaction(stores.connection, stores.surroundings) as tx:
            tx.set_timer("late", "PO-1", stores.now)
            raise KeyError("rolled back")
    assert await stores.fire() == 0


async def test_a_failing_timer_is_postponed_and_holds_up_nobody(stores: Stores) -> None:
    await stores.plan("PO-1", timedelta(), bug=True)
    await stores.plan("PO-2", timedelta(seconds=1))
    stores.now += timedelta(minutes=1)
    await stores.fire()
    assert await stores.fired() == ["PO-2"]
    row = await stores.connection.raw.fetchrow("select key, attempts, due_at from timers")
    assert row is not None
    assert (row["key"], row["attempts"]) == ("PO-1", 1)
    assert row["due_at"] > stores.now


async def test_two_workers_fire_a_timer_once(settings: Settings, source: AsyncEngine, connection: Connection) -> None:
    """F21: claimed with SKIP LOCKED, so two processes share the work."""
    other = await hold(source)
    workers = [Stores(settings, connection), Stores(settings, other)]
    for number in range(20):
        await workers[0].plan(f"PO-{number}", timedelta())
    for worker in workers:
        worker.slow = 0.05
    await asyncio.gather(*(worker.fire() for worker in workers))
    assert sorted(await workers[0].fired()) == sorted(f"PO-{number}" for number in range(20))
    await release(other)
