"""Change orders and their impact rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json

from bihuan_chassis import Transaction
from bihuan_contracts.changes import ChangeOrderChanged, ImpactRow
from bihuan_contracts.plm import BomReleased
from changes.domain.orders import Known

_ROWS = TypeAdapter(tuple[ImpactRow, ...])
_SAVE_ORDERS = """
insert into change_orders (change, number, revision, state, item, base_version, new_version, source, release, orders,
    blocked_by, released_at, received_at, applied_at, closed_at, version, impact_version)
select c, n, r, s, i, bv, nv, so, re::jsonb, o::jsonb, bb, rel, rec, app, clo, v, iv
from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],
    $16::int[], $17::int[]) as new (c, n, r, s, i, bv, nv, so, re, o, bb, rel, rec, app, clo, v, iv)
on conflict (change) do update set state = excluded.state, item = excluded.item, base_version = excluded.base_version,
    new_version = excluded.new_version, release = excluded.release, orders = excluded.orders,
    blocked_by = excluded.blocked_by, released_at = excluded.released_at, received_at = excluded.received_at,
    applied_at = excluded.applied_at, closed_at = excluded.closed_at, version = excluded.version,
    impact_version = excluded.impact_version
"""
_SAVE_ROWS = """
with units as (
    insert into impact_units (change, rows) select c, r::json from unnest($1::uuid[], $2::text[]) as new (c, r)
    on conflict (change) do update set rows = excluded.rows)
insert into impact_rows (row, change, position, task, person, action)
select one.row, change, one.place - 1, one.task, one.person, one.action
from unnest($1::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) as unit (change, ids, tasks, people, actions)
    cross join lateral rows from (
        unnest(ids::uuid[]), unnest(tasks::uuid[]), json_array_elements_text(people::json), unnest(actions::text[]))
    with ordinality as one (row, task, person, action, place)
on conflict (row) do nothing
"""
"""The columns of a change's rows are a text each: asyncpg would call Python for each element of an array."""


@dataclass(frozen=True)
class StoredOrder:
    order: ChangeOrderChanged
    release: BomReleased
    blocked_by: str | None
    impact_version: int


async def load_known(tx: Transaction, releases: Sequence[BomReleased], numbers: Sequence[str]) -> dict[str, Known]:
    """By change number: the newest revision on record and the current version of the item; only what is known."""
    rows = await tx.raw.fetch(
        "select wanted.number, newest.revision, items.version,"
        " coalesce(newest.new_version = items.version, false)"
        " from unnest($1::text[], $2::text[]) as wanted (number, item) left join items on items.item = wanted.item"
        " left join lateral (select revision, new_version from change_orders where change_orders.number = wanted.number"
        "  order by revision desc limit 1) as newest on true"
        " where newest.revision is not null or items.version is not null",
        list(numbers), [release.item for release in releases],
    )  # fmt: skip
    return {number: Known(revision, version, is_own) for number, revision, version, is_own in rows}


async def blocking_change(tx: Transaction, item: str) -> str | None:
    """Number of the change that made the item's current version."""
    found: str | None = await tx.raw.fetchval(
        "select number from change_orders where item = $1 and applied_at is not null order by applied_at desc limit 1",
        item,
    )
    return found


async def save_orders(tx: Transaction, orders: Sequence[StoredOrder]) -> None:
    """Enter or update change orders as announced."""
    if orders:
        await tx.raw.execute(_SAVE_ORDERS, *_order_columns(orders))


def _order_columns(orders: Sequence[StoredOrder]) -> list[list[Any]]:
    newest = {one.order.change: one for one in orders}
    rows = [
        (
            one.order.change, one.order.number, one.order.revision, str(one.order.state), one.order.item,
            one.order.base_version, one.order.new_version, one.order.source, one.release.model_dump_json(),
            one.order.model_dump_json(), one.blocked_by, one.order.released_at, one.order.received_at,
            one.order.applied_at, one.order.closed_at, one.order.version, one.impact_version,
        )
        for one in newest.values()
    ]  # fmt: skip
    return [list(column) for column in zip(*rows, strict=True)]


async def load_orders(tx: Transaction, changes: Iterable[UUID]) -> dict[UUID, StoredOrder]:
    rows = await tx.raw.fetch(
        "select * from change_orders where change = any($1::uuid[]) order by change for update", list(changes)
    )
    return {row["change"]: order_of(row) for row in rows}


async def older_revisions(
    tx: Transaction, numbers: Sequence[str], *, besides: Iterable[UUID] = ()
) -> dict[str, list[StoredOrder]]:
    """Units of these change orders that are in force; a newer revision, one of `besides`, will supersede them."""
    rows = await tx.raw.fetch(
        "select * from change_orders where number = any($1::text[]) and state in ('released', 'review', 'closed')"
        " and change <> all($2::uuid[]) order by revision for update",
        list(numbers), list(besides),
    )  # fmt: skip
    found: dict[str, list[StoredOrder]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(order_of(row))
    return found


async def revision_before(tx: Transaction, order: ChangeOrderChanged) -> UUID | None:
    """The unit that this one has replaced."""
    found: UUID | None = await tx.raw.fetchval(
        "select change from change_orders where number = $1 and revision < $2 and state = 'superseded'"
        " order by revision desc limit 1",
        order.number, order.revision,
    )  # fmt: skip
    return found


def order_of(row: Any) -> StoredOrder:
    return StoredOrder(
        ChangeOrderChanged.model_validate(row["orders"]),
        BomReleased.model_validate(row["release"]),
        row["blocked_by"],
        row["impact_version"],
    )


async def newest_revision(tx: Transaction, number: str) -> int:
    found: int = await tx.raw.fetchval("select max(revision) from change_orders where number = $1", number)
    return found


async def lock_item(tx: Transaction, item: str) -> str | None:
    """The item's current version; whoever else wants to replace it waits until this transaction ends."""
    found: str | None = await tx.raw.fetchval("select version from items where item = $1 for update", item)
    return found


async def made_stale(tx: Transaction, items: Iterable[str]) -> list[StoredOrder]:
    """Unreleased orders on these items whose base is not the current version, and that do not say so yet."""
    rows = await tx.raw.fetch(
        "select change_orders.* from change_orders join items using (item) where item = any($1::text[])"
        " and state in ('draft', 'review') and blocked_by is null and base_version <> items.version"
        " order by change for update of change_orders",
        list(items),
    )
    return [order_of(row) for row in rows]


async def changes_since(tx: Transaction, item: str, base: str) -> list[StoredOrder]:
    """The applied changes that lead from this base to the item's current version, oldest first."""
    rows = await tx.raw.fetch(
        "select * from change_orders where item = $1 and applied_at is not null order by applied_at desc limit 100",
        item,
    )
    version: str | None = await tx.raw.fetchval("select version from items where item = $1", item)
    found: list[StoredOrder] = []
    for one in map(order_of, rows):
        if version == base:
            break
        if one.order.new_version == version:
            found.append(one)
            version = one.order.base_version
    return found[::-1]


async def note_step(tx: Transaction, change: UUID, action: str, by: str | None, reason: str | None = None) -> None:
    await tx.raw.execute(
        "insert into change_steps (id, change, action, by, reason, at) values ($1, $2, $3, $4, $5, $6)",
        tx.new_id(), change, action, by, reason, tx.now,
    )  # fmt: skip


async def load_steps(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from change_steps where change = $1 order by at, id", change)
    return found


async def save_rows(tx: Transaction, rows: Mapping[UUID, tuple[ImpactRow, ...]], written: Sequence[str] = ()) -> None:
    """All impact rows of each change: as one value, and who and what of each for look-ups.

    `written` are the rows of each change as JSON, where somebody has put them into words already.
    """
    if not any(rows.values()):
        return
    units = rows.values()
    await tx.raw.execute(
        _SAVE_ROWS,
        list(rows), list(written) or [_ROWS.dump_json(listed).decode() for listed in units],
        [_array(row.row for row in listed) for listed in units],
        [_array(row.task for row in listed) for listed in units],
        [to_json([row.person for row in listed]).decode() for listed in units],
        [_array(row.action.value for row in listed) for listed in units],
    )  # fmt: skip


def _array(values: Iterable[UUID | str | None]) -> str:
    """As PostgreSQL writes an array: ids and words of ours look in it as they do in JSON."""
    return f"{{{to_json([*values])[1:-1].decode()}}}"


async def load_rows(tx: Transaction, change: UUID) -> tuple[ImpactRow, ...]:
    unit = await tx.raw.fetchval("select rows::text from impact_units where change = $1", change)
    if unit is not None:
        return _ROWS.validate_json(unit)
    rows = await tx.raw.fetch(
        "select body from impact_rows where change = $1 and body is not null order by position, row", change
    )
    return tuple(ImpactRow.model_validate(row["body"]) for row in rows)


async def find_orders(
    tx: Transaction, *, state: str | None, item: str | None, query: str | None, limit: int
) -> list[StoredOrder]:
    rows = await tx.raw.fetch(
        "select * from change_orders where ($1::text is null or state = $1) and ($2::text is null or item = $2)"
        " and ($3::text is null or number ilike '%' || $3 || '%' or orders->>'item_name' ilike '%' || $3 || '%'"
        "  or orders->>'reason' ilike '%' || $3 || '%' or item ilike '%' || $3 || '%')"
        " order by released_at desc limit $4",
        state, item, query, limit,
    )  # fmt: skip
    return [order_of(row) for row in rows]


async def find_order(tx: Transaction, change: UUID) -> StoredOrder | None:
    row = await tx.raw.fetchrow("select * from change_orders where change = $1", change)
    return order_of(row) if row else None


async def count_affected(tx: Transaction, changes: Sequence[UUID]) -> dict[UUID, int]:
    rows = await tx.raw.fetch(
        "select change, count(distinct person) as people from impact_rows where change = any($1::uuid[])"
        " group by change",
        list(changes),
    )
    return {row["change"]: row["people"] for row in rows}
