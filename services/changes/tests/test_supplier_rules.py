"""Suppliers in an impact: which open orders a change reaches, and by which path (C3)."""

from datetime import UTC, datetime
from decimal import Decimal

from bihuan_contracts.changes import Difference, DifferenceKind, PathStep
from changes.domain.suppliers import OpenLine, supplier_rows

ITEM = PathStep(kind="item", key="PM-480", name="电源模块")
REPLACED = Difference(kind=DifferenceKind.REPLACED, item="DCM-2410", name="DC-DC 变换器", replaced_by="DCM-2412")


def line(item: str, order: str = "PO-1", received: str = "0", day: int | None = 20) -> OpenLine:
    at = datetime(2026, 3, day, tzinfo=UTC) if day else None
    return OpenLine(order, 1, "S001", "华芯电子", item, "", Decimal(100), Decimal(received), at)


def test_old_and_new_part_are_reached_with_the_way_to_the_supplier() -> None:
    found = list(supplier_rows(ITEM, [REPLACED], [line("DCM-2410"), line("DCM-2412", "PO-2", day=12), line("EC-680")]))
    assert [(one.order, one.effect) for one in found] == [("PO-2", "successor"), ("PO-1", "replaced")]
    assert [step.key for step in found[1].path] == ["PM-480", "DCM-2410", "PO-1", "S001"]
    assert found[1].item_name == "DC-DC 变换器"


def test_what_has_come_in_is_no_open_order() -> None:
    (found,) = supplier_rows(ITEM, [REPLACED], [line("DCM-2410", received="100"), line("DCM-2410", "PO-3", "60")])
    assert (found.order, found.outstanding) == ("PO-3", Decimal(40))


def test_the_changed_item_may_be_bought_itself_and_undated_orders_come_last() -> None:
    found = list(supplier_rows(ITEM, [], [line("PM-480", day=None), line("PM-480", "PO-2")]))
    assert [(one.order, one.effect) for one in found] == [("PO-2", "changed"), ("PO-1", "changed")]
    assert [step.kind for step in found[0].path] == ["item", "order", "supplier"]
