"""A row of the table: a value, its bar, and the absolute figures beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    bar: float
    at_least: bool
    figures: str

    @property
    def ok(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.name:<52} {self.value:>8.2f}  {sign} {self.bar:<6g} {'ok' if self.ok else 'short':<6} {self.figures}"


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of the rounds' own ratios: the machine may change between rounds, not within one."""
    return median(ours / bare for ours, bare in pairs)


def percentile(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
