"""Rows of compensations that were agreed to (C7)."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts.changes import CompensationKind
from changes.domain.compensation import Promise

_COLUMNS = (
    "row, matrix, receiver, giver, kind, amount, helper, promised_at, due_at, given_at, note, contested, received_at"
)


async def add(tx: Transaction, promises: Sequence[Promise]) -> None:
    await tx.raw.executemany(
        f"insert into compensations ({_COLUMNS})"  # noqa: S608 - constants
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing",
        [tuple(getattr(one, name) for name in _COLUMNS.split(", ")) for one in promises],
    )


async def save(tx: Transaction, one: Promise) -> None:
    await tx.raw.execute(
        "update compensations set given_at = $2, note = $3, contested = $4, received_at = $5 where row = $1",
        one.row, one.given_at, one.note, one.contested, one.received_at,
    )  # fmt: skip


async def load(tx: Transaction, rows: Iterable[UUID]) -> dict[UUID, Promise]:
    """Locked: two windows of one person wait for each other."""
    found = await tx.raw.fetch(
        f"select {_COLUMNS} from compensations where row = any($1::uuid[]) order by row for update",  # noqa: S608
        list(rows),
    )
    return {row["row"]: _promise(row) for row in found}


async def of_matrix(tx: Transaction, matrix: UUID) -> dict[UUID, Promise]:
    found = await tx.raw.fetch(
        f"select {_COLUMNS} from compensations where matrix = $1",  # noqa: S608 - constants
        matrix,
    )
    return {row["row"]: _promise(row) for row in found}


async def find(
    tx: Transaction, person: str, *, side: str, everything: bool, ended: bool, limit: int
) -> list[tuple[Promise, Any]]:
    """With the matrix of each, what is due first at the top; `side` all: their people's too, or everybody's."""
    found = await tx.raw.fetch(
        "select c.*, m.number, m.title from compensations as c join matrices as m using (matrix)"
        " where ($2 = 'mine' and receiver = $1 or $2 = 'owing' and giver = $1 or $2 = 'all' and ($3"
        "  or receiver = $1 or giver = $1"
        "  or exists (select from people where manager = $1 and person in (receiver, giver))))"
        " and ($4 or received_at is null)"
        " order by received_at desc nulls first, due_at, row limit $5",
        person, side, everything, ended, limit,
    )  # fmt: skip
    return [(_promise(row), row) for row in found]


async def count_open(tx: Transaction, person: str) -> tuple[int, int]:
    """Owed to the person, and by the person."""
    row = await tx.raw.fetchrow(
        "select count(*) filter (where receiver = $1) as mine, count(*) filter (where giver = $1 and given_at is null)"
        " as owing from compensations where received_at is null and $1 in (receiver, giver)",
        person,
    )
    assert row is not None
    return row["mine"], row["owing"]


def _promise(row: Any) -> Promise:
    values = {name: row[name] for name in _COLUMNS.split(", ")}
    return Promise(**values | {"kind": CompensationKind(row["kind"])})
