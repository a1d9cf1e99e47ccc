"""Timers are rows written with the state change: a restart neither loses one nor fires it twice (N3, F21)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

# JSON as text: asyncpg calls Python for each element of a JSON array.
_SET = """
insert into timers (kind, key, due_at, payload)
select k, i, d, p::jsonb from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) as one (k, i, d, p)
on conflict (kind, key) do update set due_at = excluded.due_at, payload = excluded.payload, attempts = 0
"""
_CANCEL = "delete from timers using unnest($1::text[], $2::text[]) as gone(k, i) where kind = gone.k and key = gone.i"
_CLAIM = """
delete from timers where (kind, key) in (
    select kind, key from timers where due_at <= $1 and kind = any($2::text[])
    order by due_at limit $3 for update skip locked)
returning kind, key, due_at, payload, attempts
"""
_POSTPONE = """
insert into timers (kind, key, due_at, payload, attempts) values ($1, $2, $3, $4, $5) on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Timer:
    """Something due: `kind` names the handler, `key` what it is about; both together are unique."""

    kind: str
    key: str
    due_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0


async def save(raw: "asyncpg.Connection[asyncpg.Record]", wanted: Iterable[Timer]) -> None:
    newest = {(timer.kind, timer.key): timer for timer in wanted}.values()
    await raw.execute(
        _SET,
        [timer.kind for timer in newest],
        [timer.key for timer in newest],
        [timer.due_at for timer in newest],
        [json.dumps(timer.payload) if timer.payload else "{}" for timer in newest],
    )


async def cancel(raw: "asyncpg.Connection[asyncpg.Record]", unwanted: Iterable[tuple[str, str]]) -> None:
    pairs = sorted(set(unwanted))
    await raw.execute(_CANCEL, [kind for kind, _ in pairs], [key for _, key in pairs])


async def claim(
    raw: "asyncpg.Connection[asyncpg.Record]", kinds: Iterable[str], now: datetime, limit: int
) -> list[Timer]:
    """Take due timers out of the table; another worker takes others. A rollback puts them back."""
    rows = await raw.fetch(_CLAIM, now, list(kinds), limit)
    found = [Timer(row["kind"], row["key"], row["due_at"], row["payload"], row["attempts"]) for row in rows]
    return sorted(found, key=lambda timer: timer.due_at)


async def postpone(raw: "asyncpg.Connection[asyncpg.Record]", timer: Timer, until: datetime) -> None:
    """Put a timer back that failed; one that its handler has set anew meanwhile stays."""
    await raw.execute(_POSTPONE, timer.kind, timer.key, until, json.dumps(timer.payload), timer.attempts + 1)
