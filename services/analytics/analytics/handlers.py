"""Every event that analytics reacts to: all of them, as facts, and some of them as metrics."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from analytics import store
from analytics.domain.clocks import FIRST_REPORT, LAST_DELIVERY, seconds
from bihuan_chassis import Transaction
from bihuan_contracts import Event
from bihuan_contracts.changes import ImpactAssessed
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged
from bihuan_contracts.performance import MetricMeasured
from bihuan_contracts.qa import TestReported

_ACTORS: tuple[str, ...] = ("person", "released_by", "tested_by", "found_by", "owner", "lead")


async def on_fact(events: Sequence[Event], tx: Transaction) -> None:
    """Append every event, then bring the clocks of changes up to date."""
    await store.save_facts(tx, [(one, _actor(event)) for one, event in zip(tx.received, events, strict=True)])
    people = [event for event in events if isinstance(event, PersonChanged)]
    impacts = [event for event in events if isinstance(event, ImpactAssessed)]
    receipts = [event for event in events if isinstance(event, ReceiptChanged)]
    reports = [
        (event, one.time) for event, one in zip(events, tx.received, strict=True) if isinstance(event, TestReported)
    ]
    if people:
        await store.save_people(tx, people)
    if impacts:
        await store.save_impacts(tx, impacts)
    if receipts and (changes := await store.save_receipts(tx, receipts)):
        await _measure(tx, changes, LAST_DELIVERY, "delivery_version", _last_delivery)
    if reports and (changes := await store.save_first_reports(tx, reports)):
        await _measure(tx, changes, FIRST_REPORT, "report_version", _first_report)


def _actor(event: Event) -> str | None:
    """Who acted, where the event says so."""
    for name in _ACTORS:
        value = getattr(event, name, None)
        if isinstance(value, str):
            return value
    return None


async def _measure(
    tx: Transaction,
    changes: set[UUID],
    metric: str,
    column: str,
    of: Callable[[Any], tuple[Decimal, int, bool] | None],
) -> None:
    rows = {row["change"]: row for row in await store.clocks(tx, changes, lock=True)}
    measured = {change: value for change, row in rows.items() if (value := of(row)) is not None}
    versions = await store.count_up(tx, sorted(measured), column)
    tx.announce(
        *(
            MetricMeasured(
                metric=metric, subject=str(change), value=value, unit="s", n=n, complete=complete, change=change,
                started_at=rows[change]["released_at"], at=tx.now, version=versions[change],
            )
            for change, (value, n, complete) in measured.items()
        )
    )  # fmt: skip


def _last_delivery(row: Any) -> tuple[Decimal, int, bool] | None:
    if row["last_delivery"] is None:
        return None
    value = Decimal(str(round(seconds(row["released_at"], row["last_delivery"]), 3)))
    return value, row["delivered"], row["delivered"] >= row["expected"] > 0


def _first_report(row: Any) -> tuple[Decimal, int, bool] | None:
    if row["first_report_at"] is None:
        return None
    return Decimal(str(round(seconds(row["released_at"], row["first_report_at"]), 3))), 1, True
