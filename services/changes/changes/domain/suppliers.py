"""Suppliers that a change reaches: open purchase orders for the parts that it adds, drops or replaces (C3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bihuan_contracts.changes import Difference, PathStep, SupplierRow

OPEN = ("placed", "confirmed", "partly_received")


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line of a purchase order that has not come in whole."""

    order: str
    line: int
    supplier: str
    supplier_name: str
    item: str
    name: str
    quantity: Decimal
    received: Decimal
    promised_at: datetime | None

    @property
    def outstanding(self) -> Decimal:
        return max(Decimal(0), self.quantity - self.received)


def parts_of(item: str, differences: Iterable[Difference]) -> dict[str, str]:
    """What the change does to each part, by item; the changed item itself may be bought as well."""
    found = {item: "changed"}
    for one in differences:
        found[one.item] = str(one.kind)
        if one.replaced_by is not None:
            found[one.replaced_by] = "successor"
    return found


def supplier_rows(
    item: PathStep, differences: Sequence[Difference], lines: Iterable[OpenLine]
) -> Iterator[SupplierRow]:
    """A row for each open order line, with its path: changed item, part, order, supplier. What is most urgent first."""
    parts = parts_of(item.key, differences)
    names = _names(differences)
    for one in sorted(lines, key=_urgency):
        if one.item not in parts or not one.outstanding:
            continue
        part = PathStep(kind="part", key=one.item, name=one.name or names.get(one.item, one.item))
        between = () if one.item == item.key else (part,)
        yield SupplierRow(
            supplier=one.supplier, supplier_name=one.supplier_name, order=one.order, line=one.line, item=one.item,
            item_name=item.name if one.item == item.key else part.name, effect=parts[one.item],
            outstanding=one.outstanding, promised_at=one.promised_at,
            path=(
                item, *between,
                PathStep(kind="order", key=one.order, name=f"{one.order}/{one.line}"),
                PathStep(kind="supplier", key=one.supplier, name=one.supplier_name),
            ),
        )  # fmt: skip


def _names(differences: Iterable[Difference]) -> Mapping[str, str]:
    return {one.item: one.name for one in differences}


def _urgency(line: OpenLine) -> tuple[bool, float, str, int]:
    return line.promised_at is None, line.promised_at.timestamp() if line.promised_at else 0, line.order, line.line
