"""What the resource planning system says: purchase orders and goods receipts."""

from decimal import Decimal

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Money, Part


class PurchaseOrderStatus(Choice):
    DRAFT = "draft"
    PLACED = "placed"
    CONFIRMED = "confirmed"
    PARTLY_RECEIVED = "partly_received"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class PurchaseOrderLine(Part):
    line: int = Field(ge=1)
    item: Key
    name: str = Field(default="", max_length=200)
    quantity: Decimal = Field(gt=0)
    promised_at: AwareDatetime | None = None
    """The date the supplier promised; None where the ERP has none, which is not the same as late."""
    price: Money | None = None


class PurchaseOrderChanged(Event):
    """The state of a purchase order (state topic: highest `version` wins)."""

    number: Key
    supplier: Key
    supplier_name: str = Field(max_length=200)
    status: PurchaseOrderStatus
    ordered_at: AwareDatetime | None = None
    lines: tuple[PurchaseOrderLine, ...] = ()
    project: Key | None = None
    urgent: bool = False
    stock_synchronised_at: AwareDatetime | None = None
    """When the supplier's own ERP last synchronised its stock (I4)."""
    version: int = Field(ge=1)


class GoodsReceived(Event):
    """Goods of one order line came in. `received_at` is physical, `entered_at` is when the ERP was told (A9)."""

    receipt: Key
    order: Key
    line: int = Field(ge=1)
    supplier: Key
    item: Key
    quantity: Decimal = Field(gt=0)
    accepted: Decimal | None = Field(default=None, ge=0)
    """Quantity that passed the incoming inspection; None while it is not inspected."""
    received_at: AwareDatetime
    entered_at: AwareDatetime | None = None
