"""Orders of the decision tables, proposed and decided."""

from typing import Any

from bihuan_chassis import Transaction
from changes.domain.rules_order import OrderState, TableOrder


async def save(tx: Transaction, one: TableOrder) -> None:
    await tx.raw.execute(
        "insert into table_orders (number, names, state, author, proposed_at, decided_by, decided_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict (number) do update set state = excluded.state,"
        " decided_by = excluded.decided_by, decided_at = excluded.decided_at",
        one.number, list(one.names), str(one.state), one.author, one.proposed_at, one.decided_by, one.decided_at,
    )  # fmt: skip


async def load(tx: Transaction, number: int) -> TableOrder | None:
    """Whoever else decides about it waits."""
    row = await tx.raw.fetchrow("select * from table_orders where number = $1 for update", number)
    return _order(row) if row else None


async def in_review(tx: Transaction) -> TableOrder | None:
    row = await tx.raw.fetchrow("select * from table_orders where state = 'in_review'")
    return _order(row) if row else None


async def in_force(tx: Transaction) -> TableOrder | None:
    """None: as the tables were created."""
    row = await tx.raw.fetchrow("select * from table_orders where state = 'in_force' order by decided_at desc limit 1")
    return _order(row) if row else None


async def next_number(tx: Transaction) -> int:
    """Whoever else proposes one waits."""
    await tx.raw.execute("lock table table_orders in share row exclusive mode")
    number: int = await tx.raw.fetchval("select coalesce(max(number), 0) + 1 from table_orders")
    return number


def _order(row: Any) -> TableOrder:
    return TableOrder(
        row["number"], tuple(row["names"]), row["author"], row["proposed_at"], OrderState(row["state"]),
        row["decided_by"], row["decided_at"],
    )  # fmt: skip
