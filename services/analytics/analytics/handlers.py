"""Every event that analytics reacts to: all of them, as facts, and some of them as metrics."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from analytics import store
from analytics.domain.clocks import FIRST_REPORT, LAST_DELIVERY, seconds, start
from analytics.store import Measure
from bihuan_chassis import Transaction
from bihuan_contracts import Event
from bihuan_contracts.changes import ChangeOrderChanged, ImpactAssessed
from bihuan_contracts.directory import PersonListed
from bihuan_contracts.notify import ReceiptChanged
from bihuan_contracts.performance import MetricMeasured
from bihuan_contracts.qa import TestReported


async def on_fact(events: Sequence[Event], tx: Transaction) -> None:
    """Append every event, then bring the clocks of the changes concerned up to date."""
    await store.save_facts(tx, events)
    await store.save_people(tx, [event for event in events if isinstance(event, PersonListed)])
    concerned = await store.save_orders(tx, [event for event in events if isinstance(event, ChangeOrderChanged)])
    assessed = await store.save_impacts(tx, [event for event in events if isinstance(event, ImpactAssessed)])
    delivered = await store.save_receipts(tx, [event for event in events if isinstance(event, ReceiptChanged)])
    reports = [event for event in events if isinstance(event, TestReported)]
    # Topics know no order among each other: a report may be heard before the change that it belongs to.
    reported = await store.close_by_reports(tx, assessed | await store.waiting_for(tx, reports))
    await _measure(tx, LAST_DELIVERY, concerned | assessed | delivered, _last_delivery)
    await _measure(tx, FIRST_REPORT, concerned | reported, _first_report)


async def _measure(
    tx: Transaction, metric: str, changes: set[UUID], of: Callable[[Any], tuple[float, int, bool] | None]
) -> None:
    """Announce what has become another value; a replay measures the same and announces nothing."""
    if not changes:
        return
    rows = {row["change"]: row for row in await store.clocks(tx, changes, lock=True)}
    measures = {
        change: Measure(Decimal(str(round(found[0], 3))), found[1], found[2])
        for change, row in rows.items()
        if (found := of(row)) is not None
    }
    for change, version in (await store.save_measures(tx, metric, measures)).items():
        tx.announce(_measured(tx, metric, change, measures[change], version, rows[change]))


def _measured(tx: Transaction, metric: str, change: UUID, measure: Measure, version: int, row: Any) -> MetricMeasured:
    return MetricMeasured(
        metric=metric,
        subject=str(change),
        value=measure.value,
        unit="s",
        n=measure.n,
        complete=measure.complete,
        change=change,
        started_at=start(row["released_at"], row["effective_at"]),
        at=tx.now,
        version=version,
    )


def _last_delivery(row: Any) -> tuple[float, int, bool] | None:
    if row["last_delivery"] is None:
        return None
    value = seconds(start(row["released_at"], row["effective_at"]), row["last_delivery"])
    return value, row["delivered"], row["delivered"] >= row["expected"]


def _first_report(row: Any) -> tuple[float, int, bool] | None:
    if row["first_report_at"] is None:
        return None
    return seconds(start(row["released_at"], row["effective_at"]), row["first_report_at"]), 1, True
