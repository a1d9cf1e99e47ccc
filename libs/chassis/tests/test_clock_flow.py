"""F16: a machine whose clock is wrong by ten minutes fires nothing early and plans nothing late."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given_stores import until
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, Timer, Transaction
from bihuan_chassis import clock as clock_module
from bihuan_chassis.clock import DatabaseClock
from bihuan_chassis.database import Connection
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.transaction import Surroundings, transaction
from bihuan_chassis.worker import Worker

pytestmark = pytest.mark.flow
SKEWS = [timedelta(minutes=10), timedelta(minutes=-10)]


def go_wrong_by(skew: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "wall", lambda: datetime.now(UTC) + skew)


@pytest.mark.parametrize("skew", SKEWS)
async def test_time_is_the_databases(
    source: AsyncEngine, connection: Connection, skew: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong_by(skew, monkeypatch)
    clock = DatabaseClock("stores")
    assert abs(clock() - datetime.now(UTC) - skew) < timedelta(seconds=5), "nobody was asked yet"
    await clock.try_to_ask(source)
    there = await connection.raw.fetchval("select clock_timestamp()")
    assert abs(clock() - there) < timedelta(seconds=1)


@pytest.mark.parametrize("skew", SKEWS)
async def test_timers_fire_by_the_databases_time(
    settings: Settings, connection: Connection, skew: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_wrong_by(skew, monkeypatch)
    fired: list[tuple[str, datetime]] = []

    async def on_due(timers: Sequence[Timer], tx: Transaction) -> None:
        fired.extend((timer.key, tx.now) for timer in timers)

    there = await connection.raw.fetchval("select clock_timestamp()")
    async with transaction(connection, Surroundings(settings)) as tx:
        tx.set_timer("due", "due now", there)
        tx.set_timer("due", "due in a second", there + timedelta(seconds=1))
        tx.set_timer("due", "due in five minutes", there + timedelta(minutes=5))
    description = ServiceDescription("stores", Settings, (), (), {"due": on_due}, None, Path("none"))
    worker, stop = Worker(description, settings), asyncio.Event()
    running = asyncio.create_task(worker.run(stop))

    async def both_fired() -> bool:
        return len(fired) >= 2

    await until(both_fired)
    stop.set()
    await running
    assert [key for key, _ in fired] == ["due now", "due in a second"]
    assert all(abs(now - there) < timedelta(minutes=1) for _, now in fired)
