"""Tables of intake, and functions on sets of rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction, reasons
from bihuan_contracts import Text


@dataclass(frozen=True, slots=True)
class RefusedPayload:
    """A payload that was not understood, as it came."""

    id: UUID
    connector: str
    body: bytes
    code: str
    field: str | None
    reason: Text
    sender: str | None
    source: str | None = None
    event_type: str | None = None
    event_id: str | None = None
    attributes: Mapping[str, str] | None = None
    """Of a binary event, whose attributes are not in its body."""


async def save_refused(tx: Transaction, refused: Sequence[RefusedPayload]) -> None:
    await tx.raw.copy_records_to_table(
        "refused",
        records=[
            (one.id, one.source, one.event_type, one.event_id, one.connector, one.body, one.code, _text(one.field),
             reasons.to_column(one.reason), one.sender, tx.now, _json(one.attributes))
            for one in refused
        ],
        columns=("id", "source", "event_type", "event_id", "connector", "body", "code", "field", "reason", "sender",
                 "received_at", "attributes"),
    )  # fmt: skip


def _text(value: str | None) -> str | None:
    """As PostgreSQL takes it."""
    return value.replace("\0", "").encode(errors="replace").decode()[:2000] if value is not None else None


def _json(attributes: Mapping[str, str] | None) -> str | None:
    if attributes is None:
        return None
    return json.dumps({str(_text(name)): _text(value) for name, value in attributes.items()})


async def new_events(tx: Transaction, events: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Enter (source, id) pairs and return those not taken before: CloudEvents are unique by both."""
    listed = sorted(set(events))
    rows = await tx.raw.fetch(
        "insert into taken (source, event_id, at) select s, e, $3 from unnest($1::text[], $2::text[]) as new(s, e)"
        " on conflict do nothing returning source, event_id",
        [source for source, _ in listed], [event for _, event in listed], tx.now,
    )  # fmt: skip
    return {(row["source"], row["event_id"]) for row in rows}


async def find_refused(tx: Transaction, state: str | None, limit: int) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select id, source, event_type, event_id, connector, code, field, reason, sender, received_at, state, attempts,"
        " resolution, resolved_by, resolved_at, substring(body from 1 for 4000) as body, attributes"
        " from refused where $1::text is null or state = $1 order by received_at desc limit $2",
        state, limit,
    )  # fmt: skip
    return found


async def get_refused(tx: Transaction, id: UUID, *, lock: bool = False) -> Any | None:
    statement = "select * from refused where id = $1"
    return await tx.raw.fetchrow(statement + " for update" if lock else statement, id)


async def resolve(tx: Transaction, id: UUID, *, state: str, by: str, resolution: str | None) -> None:
    await tx.raw.execute(
        "update refused set state = $2, resolved_by = $3, resolution = $4, resolved_at = $5, attempts = attempts + 1 where id = $1",
        id, state, by, resolution, tx.now,
    )  # fmt: skip


async def refuse_again(tx: Transaction, id: UUID, *, code: str, field: str | None, reason: Text) -> None:
    await tx.raw.execute(
        "update refused set code = $2, field = $3, reason = $4, attempts = attempts + 1 where id = $1",
        id, code, _text(field), reasons.to_column(reason),
    )  # fmt: skip


async def next_report(tx: Transaction) -> str:
    number = await tx.raw.fetchval("select nextval('report_numbers')")
    return f"TR-{tx.now.year}-{number:05d}"
