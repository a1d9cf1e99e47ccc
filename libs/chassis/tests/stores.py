"""A tiny service to try the messaging on: it writes down each goods receipt and announces a measure of it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_chassis.dead_letters import Record
from bihuan_chassis.description import Subscription
from bihuan_chassis.identifiers import new_id
from bihuan_contracts import Event, seal, topics
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.performance import MetricMeasured

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_offsets = count()


def receipt(order: str = "PO-1", line: int = 1, item: str = "PM-480") -> GoodsReceived:
    return GoodsReceived(
        receipt=f"{order}/{line}", order=order, line=line, supplier="S-1", item=item, quantity=Decimal(1),
        received_at=NOW,
    )  # fmt: skip


def measure_of(received: GoodsReceived) -> MetricMeasured:
    return MetricMeasured(
        metric="received", subject=received.order, value=Decimal(received.line), unit="1", n=1, complete=True,
        change=None, started_at=NOW, at=NOW, version=received.line,
    )  # fmt: skip


async def on_goods_received(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
    if any(received.item == "bug" for received in receipts):
        raise KeyError("a bug in the handler")
    await tx.raw.copy_records_to_table(
        "effects",
        records=[(received.order, received.line, received.item) for received in receipts],
        columns=("order", "line", "item"),
    )
    tx.announce(*(measure_of(received) for received in receipts))


def subscription(handler: object = on_goods_received) -> Subscription:
    return Subscription("stores", (topics.RECEIPTS,), handler)  # type: ignore[arg-type]


def record(event: Event | bytes | None, *, id: UUID | None = None, headers: object = None) -> Record:
    """A Kafka record as it comes: sealed from an event, or any bytes."""
    offset = next(_offsets)
    if isinstance(event, Event):
        sealed = seal(topics.RECEIPTS, event, id=str(id or new_id()), source="test", time=NOW)
        key, value, sealed_headers = sealed.key, sealed.value, sealed.headers
    else:
        key, value, sealed_headers = b"PO-1", event, []
    return Record("erp.receipts.v1", 0, offset, key, value, headers or sealed_headers, NOW)  # type: ignore[arg-type]


def records(events: Iterable[Event]) -> list[Record]:
    return [record(event) for event in events]
