"""Writes that the database is at while the next thing is computed, and statements that are planned once (F1, X1)."""

import asyncio

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import writing
from bihuan_chassis.database import Connection, hold, release


async def test_the_next_thing_is_computed_while_a_write_is_on_its_way(connection: Connection) -> None:
    """X1: the block goes on before the database has answered, and its end waits for the answer."""
    seen: list[str] = []

    async def write() -> None:
        await connection.raw.execute("select pg_sleep(0.05)")
        seen.append("written")

    async with writing() as begin:
        await begin(write())
        seen.append("computed")
    assert seen == ["computed", "written"]


async def test_one_write_begins_when_the_one_before_has_ended(connection: Connection) -> None:
    """X1: a connection takes one statement at a time; each sees what the one before has done."""
    await connection.raw.execute("create temporary table numbers (n int)")
    async with writing() as begin:
        for _ in range(3):
            await begin(_next(connection))
    assert await connection.raw.fetchval("select array_agg(n order by n) from numbers") == [0, 1, 2]


async def _next(connection: Connection) -> None:
    await connection.raw.execute("insert into numbers select count(*) from numbers")


async def test_after_a_write_that_failed_none_begins(connection: Connection) -> None:
    """F1: the failure comes out as it is, and the next write has not been sent."""
    begun: list[str] = []

    async def later() -> None:
        begun.append("later")

    async def both() -> None:
        async with writing() as begin:
            await begin(_run(connection, "select 1 / 0"))
            await begin(later())

    with pytest.raises(asyncpg.DivisionByZeroError):
        await both()
    assert begun == []


async def test_an_error_in_the_block_waits_for_the_write(connection: Connection) -> None:
    """F1: or the rollback that follows would find the connection in use."""
    written = asyncio.Event()

    async def write() -> None:
        await connection.raw.execute("select pg_sleep(0.05)")
        written.set()

    async def announce_too_much() -> None:
        async with connection.raw.transaction(), writing() as begin:
            await begin(write())
            raise ValueError("too large")

    with pytest.raises(ValueError, match="too large"):
        await announce_too_much()
    assert written.is_set()
    assert await connection.raw.fetchval("select 1") == 1


async def _run(connection: Connection, query: str) -> None:
    await connection.raw.execute(query)


async def test_a_handlers_statements_are_planned_once(source: AsyncEngine, connection: Connection) -> None:
    """X1: the plan is for arrays of any length; other connections plan as PostgreSQL thinks best."""
    handlers = await hold(source, plan_once=True)
    try:
        assert await handlers.raw.fetchval("show plan_cache_mode") == "force_generic_plan"
        assert await connection.raw.fetchval("show plan_cache_mode") == "auto"
        query = await handlers.raw.prepare("select n from generate_series(1, 9) as n where n = any($1::int[])")
        assert [row["n"] for row in await query.fetch([3, 5])] == [3, 5]
        plans = "select generic_plans, custom_plans from pg_prepared_statements where name = $1"
        (counts,) = await handlers.raw.fetch(plans, query.get_name())
        assert tuple(counts) == (1, 0)
    finally:
        await release(handlers)
