"""The service that the fault tests break: it hears goods receipts, announces a measure of each, and hears those too.

`python stores_service.py worker`; STORES_TOPICS names the two topics of the test. STORES_SLOW holds each batch up.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bihuan_chassis import Transaction, service
from bihuan_contracts import Topic, topics
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.performance import MetricMeasured

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TABLES = """
create table effects (id bigserial primary key, "order" text, line int);
create table measures (id bigserial primary key, "order" text, line int);
create table newest (metric text primary key, version int);
"""
_SLOW = float(os.environ.get("STORES_SLOW", "0"))


def own_topic(topic: Topic, name: str) -> Topic:
    """The registry's topic under the name that a test gave it."""
    own = replace(topic, name=name)
    topics._BY_NAME[name] = own
    topics._BY_EVENT[own.event] = own
    return own


def receipt(order: str, line: int, item: str = "PM-480") -> GoodsReceived:
    return GoodsReceived(
        receipt=f"{order}/{line}", order=order, line=line, supplier="S-1", item=item, quantity=Decimal(1),
        received_at=NOW,
    )  # fmt: skip


def measure(order: str, line: int) -> MetricMeasured:
    return MetricMeasured(
        metric="received", subject=order, value=Decimal(line), unit="1", n=1, complete=True, change=None,
        started_at=NOW, at=NOW, version=line,
    )  # fmt: skip


async def on_goods_received(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
    if any(received.item == "bug" for received in receipts):
        raise KeyError("a bug in the handler")
    await asyncio.sleep(_SLOW)
    await tx.raw.copy_records_to_table(
        "effects", records=[(one.order, one.line) for one in receipts], columns=("order", "line")
    )
    tx.announce(*(measure(one.order, one.line) for one in receipts))


async def on_metric_measured(measures: Sequence[MetricMeasured], tx: Transaction) -> None:
    await tx.raw.copy_records_to_table(
        "measures", records=[(one.subject, one.version) for one in measures], columns=("order", "line")
    )
    # In one order, or two workers that upsert the same keys wait for each other.
    newest = sorted({(one.metric + one.subject): one.version for one in sorted(measures, key=_version)}.items())
    await tx.raw.execute(
        "insert into newest select * from unnest($1::text[], $2::int[])"
        " on conflict (metric) do update set version = excluded.version where excluded.version > newest.version",
        [metric for metric, _ in newest],
        [version for _, version in newest],
    )


def _version(measured: MetricMeasured) -> int:
    return measured.version


if __name__ == "__main__":
    heard, announced = os.environ["STORES_TOPICS"].split(",")
    app = service(
        "stores",
        hears={
            own_topic(topics.RECEIPTS, heard): on_goods_received,
            own_topic(topics.METRICS, announced): on_metric_measured,
        },
    )
    app.run()
