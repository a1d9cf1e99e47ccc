"""The inbox: which events a consumer has seen. Its rows are committed with the effects they stand for."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

# One text for all ids, and an answer only when some are known: asyncpg calls Python for each element of an array.
_INSERT = """
with entered as (
    insert into inbox (event_id, consumer) select unnest($1::text::uuid[]), $2 on conflict do nothing
    returning event_id)
select case when count(*) < $3 then array_agg(event_id) end, count(*) from entered
"""
_CONSUMER = """
with known as (select id from inbox_consumers where name = $1),
     added as (insert into inbox_consumers (name) select $1 where not exists (select from known)
               on conflict (name) do update set name = excluded.name returning id)
select id from known union all select id from added limit 1
"""
KEPT = timedelta(days=800)
"""Longer than a topic keeps facts: a group whose offsets are lost reads them again from the earliest. Compacted topics
keep for ever, but their handlers compare versions."""


async def consumer_id(raw: "asyncpg.Connection[asyncpg.Record]", name: str) -> int:
    """The small number that stands for a consumer name; a whole name in each row would double the index."""
    found = await raw.fetchval(_CONSUMER, name)
    assert isinstance(found, int)
    return found


async def unseen(raw: "asyncpg.Connection[asyncpg.Record]", consumer: int, ids: Collection[UUID]) -> Collection[UUID]:
    """Enter the ids, each given once, and return those that were not there: `ids` itself when all are new.

    Sorted, so that two workers can't deadlock.
    """
    texts = ",".join(map(str, sorted(ids)))
    row = await raw.fetchrow(_INSERT, f"{{{texts}}}", consumer, len(ids))
    assert row is not None
    some, count = row
    return ids if count == len(ids) else set(some or ())


async def forget(raw: "asyncpg.Connection[asyncpg.Record]", consumer: int, ids: Sequence[UUID]) -> None:
    """Make events new again: only for replaying a dead letter."""
    await raw.execute("delete from inbox where consumer = $1 and event_id = any($2::uuid[])", consumer, list(ids))


async def prune(raw: "asyncpg.Connection[asyncpg.Record]") -> None:
    await raw.execute("delete from inbox where at < now() - $1::interval", KEPT)
