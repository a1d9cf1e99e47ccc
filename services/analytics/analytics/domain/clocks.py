"""Two clocks of each change: release → last delivery (C6), release → first retest report (A3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DELIVERY_LIMIT = timedelta(minutes=2)
REPORT_BASELINE = timedelta(hours=72)
LAST_DELIVERY = "release_to_last_delivery"
FIRST_REPORT = "release_to_first_retest_report"
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and upper quantiles of a series, with how many values it stands on, open ones included."""

    n: int
    open: int
    p50: float | None
    p90: float | None
    p95: float | None
    largest: float | None


def spread(done: Sequence[float], waiting: Sequence[float] = ()) -> Spread:
    """Quantiles by nearest rank. `waiting` are the ages of open items, each of which will end at a later time yet.

    An open item says only that it takes longer than its age (Kaplan-Meier): leaving it out would flatter, and taking
    its age for its time would too. A quantile that too many are still open for is None, which is no data and not zero.
    """
    quantiles: dict[int, float | None] = dict.fromkeys((50, 90, 95))
    at_risk, surviving = len(done) + len(waiting), 1.0
    for value, is_open in sorted([(one, False) for one in done] + [(one, True) for one in waiting]):
        if not is_open:
            surviving *= (at_risk - 1) / at_risk
            for percent, known in quantiles.items():
                if known is None and surviving <= 1 - percent / 100 + _ROUNDING:
                    quantiles[percent] = value
        at_risk -= 1
    return Spread(
        len(done) + len(waiting), len(waiting), quantiles[50], quantiles[90], quantiles[95], max(done, default=None)
    )


def start(released_at: datetime, effective_at: datetime | None) -> datetime:
    """A change that takes effect at a later date is on the clock from then."""
    return max(released_at, effective_at) if effective_at is not None else released_at


def seconds(start: datetime, end: datetime) -> float:
    """Never negative: clocks of two systems differ."""
    return max(0.0, (end - start).total_seconds())


def missed(delivered_at: datetime | None, start: datetime, now: datetime) -> bool:
    """Delivered after the limit, or not yet though the limit has passed."""
    return (delivered_at or now) - start > DELIVERY_LIMIT
