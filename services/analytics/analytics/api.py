"""HTTP endpoints of analytics."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Query
from pydantic import AwareDatetime

from analytics import store
from analytics.domain.clocks import (
    DELIVERY_LIMIT,
    FIRST_REPORT,
    LAST_DELIVERY,
    REPORT_BASELINE,
    Spread,
    missed,
    seconds,
    spread,
    start,
)
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
    """From the release to the delivery; None while it is not delivered."""
    missed: bool
    confirmed_at: datetime | None


class Clock(Reply):
    """Both clocks of one change, in seconds from `starts_at`."""

    change: UUID
    number: str
    released_at: datetime
    received_at: datetime
    starts_at: datetime
    """The release, or the date that the change takes effect where that is later."""
    delivery_limit: int
    deliveries: list[Recipient]
    delivered: int
    expected: int
    last_delivery: float | None
    last_delivery_since_received: float | None
    """From when Bihuan first saw the change: our own share of the time."""
    median_delivery: float | None
    p95_delivery: float | None
    """Over the persons, those not reached yet included."""
    complete: bool
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
    """The changes released on one day in China."""

    day: date
    n: int
    open: int
    median: float | None
    p90: float | None


class MetricSeries(Reply):
    """A metric over the last days; `n` counts open items too, `median` and the others take their ages into account."""

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
    type: str
    key: str
    source: str
    at: datetime
    received_at: datetime
    actor: str | None
    refs: list[str]
    """Keys and ids of what it mentions."""
    body: dict[str, Any]


class Facts(Reply):
    facts: list[Fact]


@routes.get("/changes/{change}/clock", dependencies=[allow(EVERYONE)])
async def read_clock(change: UUID, tx: Tx) -> Clock:
    found = await store.clocks(tx, [change])
    if not found:
        raise NotFound()
    return _clock(found[0], await store.recipients(tx, change), tx.now)


def _clock(row: Any, people: Sequence[Any], now: datetime) -> Clock:
    began = start(row["released_at"], row["effective_at"])
    expected = [one for one in people if one["expected"]]
    told = spread(
        [seconds(began, one["delivered_at"]) for one in expected if one["delivered_at"]],
        [seconds(began, now) for one in expected if not one["delivered_at"]],
    )
    return Clock(
        change=row["change"],
        number=row["number"],
        released_at=row["released_at"],
        received_at=row["received_at"],
        starts_at=began,
        delivery_limit=int(DELIVERY_LIMIT.total_seconds()),
        deliveries=[_recipient(one, began, now) for one in people],
        delivered=row["delivered"],
        expected=row["expected"],
        last_delivery=_seconds(began, row["last_delivery"]),
        last_delivery_since_received=_seconds(max(began, row["received_at"]), row["last_delivery"]),
        median_delivery=told.p50,
        p95_delivery=told.p95,
        complete=row["delivered"] >= row["expected"],
        misses=[one["name"] or one["person"] for one in expected if missed(one["delivered_at"], began, now)],
        first_report=_seconds(began, row["first_report_at"]),
        first_report_number=row["first_report"],
        report_baseline=int(REPORT_BASELINE.total_seconds()),
        open_for=seconds(began, now) if row["first_report_at"] is None else None,
    )


def _recipient(row: Any, began: datetime, now: datetime) -> Recipient:
    return Recipient(
        person=row["person"],
        name=row["name"] or row["person"],
        expected=row["expected"],
        seconds=_seconds(began, row["delivered_at"]),
        missed=row["expected"] and missed(row["delivered_at"], began, now),
        confirmed_at=row["confirmed_at"],
    )


def _seconds(start: datetime, end: datetime | None) -> float | None:
    return seconds(start, end) if end is not None else None


@routes.get("/metrics/{metric}", dependencies=[allow(EVERYONE)])
async def read_metric(metric: Metric, tx: Tx, days: Annotated[int, Query(ge=1, le=730)] = 90) -> MetricSeries:
    """Every change of these days, with median and quantiles in which open ones count by how long they have waited."""
    rows = await store.series(tx, tx.now - timedelta(days=days))
    if metric is Metric.LAST_DELIVERY:
        points = [_point(row, _last_delivery(row), tx.now) for row in rows if row["expected"]]
    else:
        points = [_point(row, row["first_report_at"], tx.now) for row in rows if row["has_retests"]]
    baseline = DELIVERY_LIMIT if metric is Metric.LAST_DELIVERY else REPORT_BASELINE
    values = _spread(points)
    return MetricSeries(
        metric=metric, unit="s", baseline=int(baseline.total_seconds()), n=values.n, open=values.open,
        median=values.p50, p90=values.p90, p95=values.p95, largest=values.largest, points=points, trend=_trend(points),
    )  # fmt: skip


def _last_delivery(row: Any) -> datetime | None:
    """None while somebody has not had it: the last delivery is still to come."""
    found: datetime | None = row["last_delivery"]
    return found if row["delivered"] >= row["expected"] else None


def _point(row: Any, end: datetime | None, now: datetime) -> Point:
    began = start(row["released_at"], row["effective_at"])
    value = _seconds(began, end)
    return Point(
        change=row["change"], number=row["number"], item_name=row["item_name"], released_at=began,
        value=value, open_for=seconds(began, now) if value is None else None,
    )  # fmt: skip


def _spread(points: Sequence[Point]) -> Spread:
    return spread(
        [point.value for point in points if point.value is not None],
        [point.open_for for point in points if point.open_for is not None],
    )


def _trend(points: Sequence[Point]) -> list[Day]:
    by_day: dict[date, list[Point]] = {}
    for point in points:
        by_day.setdefault(point.released_at.astimezone(_ZONE).date(), []).append(point)
    found = [(day, _spread(listed)) for day, listed in sorted(by_day.items())]
    return [Day(day=day, n=values.n, open=values.open, median=values.p50, p90=values.p90) for day, values in found]


@routes.get("/facts", dependencies=[allow(Role.AUDITOR, Role.ADMINISTRATOR, Role.DIRECTOR)])
async def read_facts(
    object: Annotated[str, Query(min_length=1, max_length=200)],
    tx: Tx,
    before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Facts:
    """Everything that was said about one object: a change, task, person, item or order, by its key or id."""
    rows = await store.facts_about(tx, object, before=before, limit=limit)
    return Facts(facts=[Fact(**dict(row)) for row in rows])
