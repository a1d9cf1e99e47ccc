"""Purchase orders and receipts over the bus become supplier rows of an impact, on a real database (C3)."""

from decimal import Decimal
from typing import Any

import given_changes as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.erp import GoodsReceived, PurchaseOrderChanged, PurchaseOrderLine, PurchaseOrderStatus

pytestmark = pytest.mark.flow


def order(number: str, item: str, **more: Any) -> PurchaseOrderChanged:
    values: dict[str, Any] = {
        "number": number, "supplier": "S001", "supplier_name": "华芯电子", "status": PurchaseOrderStatus.CONFIRMED,
        "lines": (PurchaseOrderLine(line=1, item=item, quantity=Decimal(100)),), "version": 1,
    }  # fmt: skip
    return PurchaseOrderChanged.model_validate(values | more)


async def suppliers(changes: RunningService) -> list[tuple[str, str, str]]:
    (listed,) = (await changes.client("10105", [Role.PROJECT_LEAD]).get("/changes")).json()["changes"]
    detail = (await changes.client("10105", [Role.PROJECT_LEAD]).get(f"/changes/{listed['change']}")).json()
    return [(one["order"], one["effect"], one["outstanding"]) for one in detail["suppliers"]]


async def test_open_orders_for_changed_parts_are_in_the_impact(changes: RunningService) -> None:
    """C3: from the release on, in the event and on the page; receipts and later versions count, whatever comes first."""
    changes.now = given.NOW
    before = given.release(version="V2.3", base=None, lines=(given.line("DCM-2410"), given.line("EC-680", quantity=4)))
    await changes.hear(topics.BOM_RELEASES, [before])
    await changes.hear(
        topics.RECEIPTS,
        [
            GoodsReceived(
                receipt="GR-1",
                order="PO-1",
                line=1,
                supplier="S001",
                item="DCM-2410",
                quantity=Decimal(30),
                received_at=given.NOW,
            )
        ],
    )
    await changes.hear(
        topics.PURCHASE_ORDERS, [order("PO-1", "DCM-2410"), order("PO-2", "EC-680"), order("PO-3", "TP-08")]
    )
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (assessed,) = await changes.announced(topics.IMPACTS)
    assert [(one.order, one.item, str(one.outstanding)) for one in assessed.suppliers] == [("PO-1", "DCM-2410", "70")]
    assert [step.kind for step in assessed.suppliers[0].path] == ["item", "part", "order", "supplier"]
    assert await suppliers(changes) == [("PO-1", assessed.suppliers[0].effect, "70")]
    done = order("PO-1", "DCM-2410", status=PurchaseOrderStatus.COMPLETED, version=2)
    await changes.hear(topics.PURCHASE_ORDERS, [done, order("PO-1", "DCM-2410")])
    assert await suppliers(changes) == []


async def test_a_receipt_heard_twice_counts_once(changes: RunningService) -> None:
    """C3, I3."""
    changes.now = given.NOW
    receipt = GoodsReceived(receipt="GR-1", order="PO-1", line=1, supplier="S001", item="PM-480", quantity=Decimal(30), received_at=given.NOW)  # fmt: skip
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.3", base=None)])
    await changes.hear(topics.PURCHASE_ORDERS, [order("PO-1", "PM-480")])
    for _ in range(2):
        await changes.hear(topics.RECEIPTS, [receipt])
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    assert await suppliers(changes) == [("PO-1", "changed", "70")]
