"""Projection of purchase orders and of what came in, as far as impact asks for it (C3)."""

from collections.abc import Iterable, Sequence

from bihuan_chassis import Transaction
from bihuan_contracts.erp import GoodsReceived, PurchaseOrderChanged
from changes.domain.suppliers import OPEN, OpenLine


async def save_orders(tx: Transaction, orders: Sequence[PurchaseOrderChanged]) -> None:
    """The highest version of each order; lines that it no longer has leave with the older one."""
    newest = {one.number: one for one in sorted(orders, key=lambda one: one.version)}.values()
    rows = await tx.raw.fetch(
        "insert into purchase_orders (number, supplier, supplier_name, status, version)"
        " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[])"
        " on conflict (number) do update set supplier = excluded.supplier, supplier_name = excluded.supplier_name,"
        " status = excluded.status, version = excluded.version where purchase_orders.version < excluded.version"
        " returning number",
        [one.number for one in newest], [one.supplier for one in newest], [one.supplier_name for one in newest],
        [str(one.status) for one in newest], [one.version for one in newest],
    )  # fmt: skip
    fresh = {row["number"] for row in rows}
    lines = [(one.number, line) for one in newest if one.number in fresh for line in one.lines]
    await tx.raw.execute("delete from purchase_lines where number = any($1::text[])", list(fresh))
    await tx.raw.execute(
        "insert into purchase_lines (number, line, item, name, quantity, promised_at)"
        " select * from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::numeric[], $6::timestamptz[])"
        " on conflict do nothing",
        [number for number, _ in lines], [line.line for _, line in lines], [line.item for _, line in lines],
        [line.name for _, line in lines], [line.quantity for _, line in lines],
        [line.promised_at for _, line in lines],
    )  # fmt: skip


async def save_receipts(tx: Transaction, receipts: Sequence[GoodsReceived]) -> None:
    """Each receipt once, whatever comes first, the order or its goods."""
    await tx.raw.execute(
        "insert into purchase_receipts (receipt, number, line, quantity)"
        " select * from unnest($1::text[], $2::text[], $3::int[], $4::numeric[]) on conflict do nothing",
        [one.receipt for one in receipts], [one.order for one in receipts], [one.line for one in receipts],
        [one.quantity for one in receipts],
    )  # fmt: skip


async def open_lines(tx: Transaction, items: Iterable[str]) -> list[OpenLine]:
    """Lines for these items of orders that are not completed, with what has come in."""
    rows = await tx.raw.fetch(
        "select l.*, o.supplier, o.supplier_name, coalesce((select sum(r.quantity) from purchase_receipts as r"
        "  where r.number = l.number and r.line = l.line), 0) as received"
        " from purchase_lines as l join purchase_orders as o using (number)"
        " where l.item = any($1::text[]) and o.status = any($2::text[])",
        list(items), list(OPEN),
    )  # fmt: skip
    return [
        OpenLine(
            row["number"], row["line"], row["supplier"], row["supplier_name"], row["item"], row["name"],
            row["quantity"], row["received"], row["promised_at"],
        )
        for row in rows
    ]  # fmt: skip
