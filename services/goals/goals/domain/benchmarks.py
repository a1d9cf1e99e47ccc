"""Personal figures against the team's, and whether they move with payment collection (G9).

Team figures are the same for whoever looks (nobody's own value is found by comparing two readers' pages), are taken
over whole weeks (nor by comparing two days), count a person only from three values on, and need six people; quartiles
need eight, because of fewer each of them is somebody's own figure.
"""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from bihuan_chassis.calendar import ZONE
from goals.domain.week import week_of

PERIOD = timedelta(weeks=52)
FEWEST_VALUES = 3
FEWEST_PEOPLE = 6
FEWEST_FOR_QUARTILES = 8
FEWEST_PAIRS = 10
"""Under so many pairs a correlation says nothing: its interval reaches from strong one way to strong the other."""
_Z95 = 1.959963984540054


class Metric(StrEnum):
    RESPONSE_DAYS = "response_days"
    """Working days from an urgent request to its solution."""
    ON_TIME = "on_time"
    """Percent of finished tasks that were finished by their due date."""
    HOURS_DEVIATION = "hours_deviation"
    """Percent by which actual hours differ from the planned ones: the mean of the absolute differences."""
    FIRST_PASS = "first_pass"  # noqa: S105 - no password
    """Percent of tests of what one has developed whose first counted report passed."""
    TEST_DAYS = "test_days"
    """Working days from the start of a test to its end."""


LESS_IS_BETTER = frozenset({Metric.HOURS_DEVIATION, Metric.RESPONSE_DAYS, Metric.TEST_DAYS})
UNITS: Mapping[Metric, str] = {
    Metric.ON_TIME: "%", Metric.HOURS_DEVIATION: "%", Metric.FIRST_PASS: "%", Metric.RESPONSE_DAYS: "d",
    Metric.TEST_DAYS: "d",
}  # fmt: skip
_OF_EVERYBODY = (Metric.RESPONSE_DAYS, Metric.ON_TIME, Metric.HOURS_DEVIATION)


def metrics_of(roles: Collection[str]) -> tuple[Metric, ...]:
    """What somebody's work is seen by: testers by their tests, others by how what they develop passes."""
    return (*_OF_EVERYBODY, Metric.TEST_DAYS if "test_engineer" in roles else Metric.FIRST_PASS)


@dataclass(frozen=True, slots=True)
class Sample:
    """One observed value, of a person, in a product series, on a day; or `n` of them with their sum."""

    person: str
    series: str
    at: datetime
    value: Decimal
    n: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """Somebody's mean with the number of values it rests on."""

    value: Decimal
    n: int


@dataclass(frozen=True, slots=True)
class TeamFigure:
    """Of the team's means; `people` of them, with `n` values in all."""

    median: Decimal
    lower_quartile: Decimal | None
    upper_quartile: Decimal | None
    people: int
    n: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's r of n pairs with its 95 % interval (Fisher 1921)."""

    r: Decimal
    low: Decimal
    high: Decimal
    n: int

    @property
    def certain(self) -> bool:
        """The interval leaves out "no relation"."""
        return self.low > 0 or self.high < 0


def period_until(now: datetime) -> tuple[datetime, datetime]:
    """The 52 whole weeks before this one: a figure that moves once a week can't be differenced day by day."""
    end, _ = week_of(now)
    return end - PERIOD, end


def own_figure(samples: Sequence[Sample], person: str, since: datetime | None = None) -> Figure | None:
    own = [one for one in samples if one.person == person and (since is None or one.at >= since)]
    return Figure(_mean_of(own), _count(own)) if own else None


def team_figure(samples: Sequence[Sample], team: Collection[str]) -> TeamFigure | None:
    """Median and quartiles of the members' means; None where too few members have enough values."""
    by_person: dict[str, list[Sample]] = {}
    for one in samples:
        if one.person in team:
            by_person.setdefault(one.person, []).append(one)
    counted = [values for values in by_person.values() if _count(values) >= FEWEST_VALUES]
    if len(counted) < FEWEST_PEOPLE:
        return None
    means = [_mean_of(values) for values in counted]
    low, middle, high = statistics.quantiles(means, n=4, method="inclusive")
    spread = len(means) >= FEWEST_FOR_QUARTILES
    return TeamFigure(
        _rounded(middle), _rounded(low) if spread else None, _rounded(high) if spread else None, len(means),
        sum(map(_count, counted)),
    )  # fmt: skip


def correlation(pairs: Sequence[tuple[Decimal, Decimal]]) -> Correlation | None:
    """None where there is not enough data: too few pairs, or one side that never varies."""
    if len(pairs) < FEWEST_PAIRS or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    r = statistics.correlation([float(x) for x, _ in pairs], [float(y) for _, y in pairs])
    if abs(r) > 1 - 1e-12:
        exact = _hundredths(r)
        return Correlation(exact, exact, exact, len(pairs))
    z, spread = math.atanh(r), _Z95 / math.sqrt(len(pairs) - 3)
    return Correlation(
        _hundredths(r), _hundredths(math.tanh(z - spread)), _hundredths(math.tanh(z + spread)), len(pairs)
    )


def payment_pairs(
    samples: Sequence[Sample], payments: Sequence[tuple[str, datetime, Decimal]]
) -> list[tuple[Decimal, Decimal]]:
    """For each product series and month with both: the metric's mean, and the mean days from delivery to payment."""
    metric: dict[tuple[str, str], list[Sample]] = {}
    paid: dict[tuple[str, str], list[Decimal]] = {}
    for one in samples:
        metric.setdefault((one.series, _month(one.at)), []).append(one)
    for series, delivered, days in payments:
        paid.setdefault((series, _month(delivered)), []).append(days)
    return [(_mean_of(metric[key]), _mean(paid[key])) for key in sorted(metric.keys() & paid.keys())]


def _month(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%Y-%m}"


def _count(samples: Sequence[Sample]) -> int:
    return sum(one.n for one in samples)


def _mean_of(samples: Sequence[Sample]) -> Decimal:
    return _rounded(sum((one.value for one in samples), Decimal(0)) / _count(samples))


def _mean(values: Sequence[Decimal]) -> Decimal:
    return _rounded(sum(values, Decimal(0)) / len(values))


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def _hundredths(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))
