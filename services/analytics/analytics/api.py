"""HTTP endpoints of analytics."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query

from analytics import store
from analytics.domain.clocks import DELIVERY_LIMIT, FIRST_REPORT, LAST_DELIVERY, REPORT_BASELINE, seconds, spread
from bihuan_chassis.http import EVERYONE, NotFound, Reply, Role, Tx, allow, router

routes = router(tags=["analytics"])
_ZONE = ZoneInfo("Asia/Shanghai")


class Metric(StrEnum):
    LAST_DELIVERY = LAST_DELIVERY
    FIRST_REPORT = FIRST_REPORT


class Recipient(Reply):
    person: str
    name: str
    expected: bool
    seconds: float | None
    confirmed_at: datetime | None


class Clock(Reply):
    """Both clocks of one change, in seconds."""

    change: UUID
    number: str
    released_at: datetime
    received_at: datetime
    delivery_limit: int
    deliveries: list[Recipient]
    delivered: int
    expected: int
    last_delivery: float | None
    misses: list[str]
    """Names of those who had it late, or have not had it though the limit has passed."""
    first_report: float | None
    first_report_number: str | None
    report_baseline: int
    open_for: float | None
    """Seconds since the release while no report is in."""


class Point(Reply):
    change: UUID
    number: str
    item_name: str
    released_at: datetime
    value: float | None
    """Seconds; None while it is open."""
    open_for: float | None


class Day(Reply):
    day: date
    n: int
    median: float | None


class MetricSeries(Reply):
    """A metric over the last days; open items are included, by their age."""

    metric: Metric
    unit: str
    baseline: int
    n: int
    open: int
    median: float | None
    p90: float | None
    p95: float | None
    largest: float | None
    points: list[Point]
    trend: list[Day]


class Fact(Reply):
    id: UUID
    topic: str
    key: str
    source: str
    at: datetime
    received_at: datetime
    actor: str | None
    body: dict[str, Any]


class Facts(Reply):
    facts: list[Fact]


@routes.get("/changes/{change}/clock", dependencies=[allow(EVERYONE)])
async def read_clock(change: UUID, tx: Tx) -> Clock:
    found = await store.clocks(tx, [change])
    if not found:
        raise NotFound()
    row = found[0]
    people = await store.recipients(tx, change)
    overdue = tx.now - row["released_at"] > DELIVERY_LIMIT
    return Clock(
        change=change,
        number=row["number"],
        released_at=row["released_at"],
        received_at=row["received_at"],
        delivery_limit=int(DELIVERY_LIMIT.total_seconds()),
        deliveries=[_recipient(one, row["released_at"]) for one in people],
        delivered=row["delivered"],
        expected=row["expected"],
        last_delivery=_seconds(row["released_at"], row["last_delivery"]),
        misses=[one["name"] or one["person"] for one in people if _missed(one, row["released_at"], overdue)],
        first_report=_seconds(row["released_at"], row["first_report_at"]),
        first_report_number=row["first_report"],
        report_baseline=int(REPORT_BASELINE.total_seconds()),
        open_for=seconds(row["released_at"], tx.now) if row["first_report_at"] is None else None,
    )


def _missed(row: Any, released_at: datetime, overdue: bool) -> bool:
    if row["delivered_at"] is None:
        return overdue and bool(row["expected"])
    return bool(row["delivered_at"] - released_at > DELIVERY_LIMIT)


def _recipient(row: Any, released_at: datetime) -> Recipient:
    return Recipient(
        person=row["person"], name=row["name"] or row["person"], expected=row["expected"],
        seconds=_seconds(released_at, row["delivered_at"]), confirmed_at=row["confirmed_at"],
    )  # fmt: skip


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return seconds(start, end) if end is not None else None


@routes.get("/metrics/{metric}", dependencies=[allow(EVERYONE)])
async def read_metric(metric: Metric, tx: Tx, days: Annotated[int, Query(ge=1, le=730)] = 90) -> MetricSeries:
    rows = await store.series(tx, tx.now - timedelta(days=days))
    end = "last_delivery" if metric is Metric.LAST_DELIVERY else "first_report_at"
    if metric is Metric.FIRST_REPORT:
        rows = [row for row in rows if row["has_retests"]]
    points = [_point(row, end, tx.now) for row in rows]
    values = spread([point.value for point in points if point.value is not None])
    baseline = DELIVERY_LIMIT if metric is Metric.LAST_DELIVERY else REPORT_BASELINE
    return MetricSeries(
        metric=metric, unit="s", baseline=int(baseline.total_seconds()), n=values.n,
        open=sum(1 for point in points if point.value is None), median=values.p50, p90=values.p90, p95=values.p95,
        largest=values.largest, points=points, trend=_trend(points),
    )  # fmt: skip


def _point(row: Any, end: str, now: datetime) -> Point:
    value = _seconds(row["released_at"], row[end])
    return Point(
        change=row["change"], number=row["number"], item_name=row["item_name"], released_at=row["released_at"],
        value=value, open_for=seconds(row["released_at"], now) if value is None else None,
    )  # fmt: skip


def _trend(points: list[Point]) -> list[Day]:
    by_day: dict[date, list[float]] = {}
    for point in points:
        if point.value is not None:
            by_day.setdefault(point.released_at.astimezone(_ZONE).date(), []).append(point.value)
    return [Day(day=day, n=len(values), median=spread(values).p50) for day, values in sorted(by_day.items())]


@routes.get("/facts", dependencies=[allow(Role.AUDITOR, Role.ADMINISTRATOR, Role.DIRECTOR)])
async def read_facts(object: str, tx: Tx, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Facts:
    """Everything that was said about one object: a change, task, person or item, by its key."""
    return Facts(facts=[Fact(**dict(row)) for row in await store.facts_about(tx, object, limit)])
