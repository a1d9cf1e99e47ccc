"""Two clocks of each change: release → last delivery (C6), release → first retest report (A3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DELIVERY_LIMIT = timedelta(minutes=2)
REPORT_BASELINE = timedelta(hours=72)
LAST_DELIVERY = "release_to_last_delivery"
FIRST_REPORT = "release_to_first_retest_report"


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and upper quantiles of a series, with how many values it stands on."""

    n: int
    p50: float | None
    p90: float | None
    p95: float | None
    largest: float | None


def spread(values: Sequence[float]) -> Spread:
    """Nearest rank; without values everything is None, which is no data and not zero."""
    ordered = sorted(values)
    if not ordered:
        return Spread(0, None, None, None, None)
    return Spread(len(ordered), _rank(ordered, 50), _rank(ordered, 90), _rank(ordered, 95), ordered[-1])


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def seconds(start: datetime, end: datetime) -> float:
    """Never negative: clocks of two systems differ."""
    return max(0.0, (end - start).total_seconds())
