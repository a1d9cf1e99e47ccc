"""What the customer system says: customer orders."""

from decimal import Decimal

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Money


class CustomerOrderStatus(Choice):
    OPEN = "open"
    DELIVERED = "delivered"
    PAID = "paid"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class CustomerOrderChanged(Event):
    """The state of a customer order (state topic: highest `version` wins)."""

    number: Key
    customer: Key
    customer_name: str = Field(max_length=200)
    series: Key
    """Product series, such as GX-500."""
    quantity: int = Field(ge=1)
    status: CustomerOrderStatus
    amount: Money | None = None
    penalty: Money | None = None
    rush: bool = False
    premium_rate: Decimal | None = Field(default=None, ge=0)
    """Share of the price added for a rush order: 0.128 is 12.8 %."""
    project: Key | None = None
    urgent_request: str | None = Field(default=None, min_length=2, max_length=200)
    """What the customer asks for beside the plan: each wording is booked once as work of the project (G10)."""
    ordered_at: AwareDatetime
    promised_at: AwareDatetime | None = None
    delivered_at: AwareDatetime | None = None
    paid_at: AwareDatetime | None = None
    version: int = Field(ge=1)
