"""Dead letters: records that can't be handled, kept as they came with the reason, shown and replayed (I3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from bihuan_chassis import reasons
from bihuan_contracts import Text

_INSERT = """
insert into dead_letters (id, consumer, topic, partition, "offset", key, value, header_names, header_values,
                          record_time, code, field, reason, traceparent)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (id, consumer) do update set
    state = 'open', code = excluded.code, field = excluded.field, reason = excluded.reason,
    attempts = dead_letters.attempts + 1, last_seen = now()
"""
_COLUMNS = """id, consumer, topic, partition, "offset", key, value, header_names, header_values, record_time,
    code, field, reason, traceparent, attempts, state, first_seen, last_seen, resolution, resolved_by"""
CHANNEL = "bihuan_dead_letters"


class Record(NamedTuple):
    """A Kafka record, as raw as it came. A named tuple, as everything that is made for each event: it costs a third."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    time: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    id: UUID
    consumer: str
    record: Record
    code: str
    field: str | None
    reason: Text
    traceparent: str | None = None
    attempts: int = 1
    state: str = "open"
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    resolution: str | None = None
    resolved_by: str | None = None


async def save(raw: Any, letters: Sequence[DeadLetter]) -> None:
    await raw.executemany(
        _INSERT,
        [
            (
                letter.id, letter.consumer, letter.record.topic, letter.record.partition, letter.record.offset,
                letter.record.key, letter.record.value, [_storable(name) for name, _ in letter.record.headers],
                [value for _, value in letter.record.headers], letter.record.time, _storable(letter.code),
                _storable(letter.field or "") or None,
                reasons.to_column(letter.reason), letter.traceparent,
            )
            for letter in letters
        ],
    )  # fmt: skip


async def find(
    raw: Any, *, state: str | None = "open", topic: str | None = None, limit: int = 100, body_bytes: int | None = None
) -> list[DeadLetter]:
    """Newest first; `state` is open, replaying, replayed, discarded, or None for all.

    With `body_bytes` each record has the beginning of its body only: a list of large ones is not taken into memory.
    """
    columns = _COLUMNS.replace(" value,", " substring(value for $4) as value,")
    rows = await raw.fetch(
        f"select {columns} from dead_letters where ($1::text is null or state = $1)"  # noqa: S608 - constants
        " and ($2::text is null or topic = $2) order by last_seen desc, id limit $3",
        state, topic, limit, 2**31 - 1 if body_bytes is None else body_bytes,
    )  # fmt: skip
    return [_letter(row) for row in rows]


async def get(raw: Any, id: UUID) -> DeadLetter | None:
    row = await raw.fetchrow(f"select {_COLUMNS} from dead_letters where id = $1", id)  # noqa: S608 - constants
    return _letter(row) if row else None


async def request_replay(raw: Any, ids: Sequence[UUID], *, by: str, value: bytes | None = None) -> int:
    """Ask the service's worker to handle these again, with `value` instead of the body where one is given."""
    changed: str = await raw.execute(
        "update dead_letters set state = 'replaying', value = coalesce($3, value), resolved_by = $2"
        " where id = any($1::uuid[]) and state = 'open'",
        list(ids), by, value,
    )  # fmt: skip
    await raw.execute(f"notify {CHANNEL}")
    return int(changed.rsplit(" ", 1)[1])


async def discard(raw: Any, ids: Sequence[UUID], *, by: str, reason: str) -> int:
    """Decide that a record will never be handled; the record and the reason stay."""
    changed: str = await raw.execute(
        "update dead_letters set state = 'discarded', resolution = $3, resolved_by = $2, last_seen = now()"
        " where id = any($1::uuid[]) and state = 'open'",
        list(ids), by, reason,
    )  # fmt: skip
    return int(changed.rsplit(" ", 1)[1])


async def claim_replays(raw: Any, consumer: str, limit: int) -> list[DeadLetter]:
    """The letters of one consumer that somebody wants replayed; locked until the transaction ends."""
    rows = await raw.fetch(
        f"select {_COLUMNS} from dead_letters where state = 'replaying' and consumer = $1"  # noqa: S608 - constants
        ' order by record_time, "offset" limit $2 for update skip locked',
        consumer, limit,
    )  # fmt: skip
    return [_letter(row) for row in rows]


async def mark_replayed(raw: Any, consumer: str, id: UUID) -> None:
    await raw.execute(
        "update dead_letters set state = 'replayed', last_seen = now(), attempts = attempts + 1"
        " where id = $1 and consumer = $2 and state = 'replaying'",
        id, consumer,
    )  # fmt: skip


async def mark_failed(raw: Any, consumer: str, id: UUID, *, code: str, field: str | None, reason: Text) -> None:
    """A replay failed: open again, with the new reason."""
    await raw.execute(
        "update dead_letters set state = 'open', last_seen = now(), attempts = attempts + 1,"
        " code = $3, field = $4, reason = $5 where id = $1 and consumer = $2 and state = 'replaying'",
        id, consumer, _storable(code), _storable(field or "") or None, reasons.to_column(reason),
    )  # fmt: skip


async def count_open(raw: Any) -> int:
    found = await raw.fetchval("select count(*) from dead_letters where state = 'open'")
    return int(found)


def _storable(words: str) -> str:
    return words.replace("\0", "")[:2000]


def _letter(row: Any) -> DeadLetter:
    record = Record(
        row["topic"], row["partition"], row["offset"], row["key"], row["value"],
        list(zip(row["header_names"], row["header_values"], strict=True)), row["record_time"],
    )  # fmt: skip
    return DeadLetter(
        row["id"], row["consumer"], record, row["code"], row["field"], reasons.from_column(row["reason"]),
        row["traceparent"], row["attempts"], row["state"], row["first_seen"], row["last_seen"], row["resolution"],
        row["resolved_by"],
    )  # fmt: skip
