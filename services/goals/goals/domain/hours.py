"""Hours that similar finished tasks took: P20, P50, P80 with n; under five it says so (C7, G8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import quantiles

from rapidfuzz import fuzz, process

ENOUGH = 5
_MOST = 30
_ALIKE = 55.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished task, as far as estimates look at it."""

    kind: str
    module: str | None
    title: str
    hours: Decimal


@dataclass(frozen=True, slots=True)
class Estimate:
    p20: Decimal
    p50: Decimal
    p80: Decimal
    n: int


def estimate(history: Sequence[Finished], *, kind: str, module: str | None, title: str) -> Estimate | None:
    """Structure first (kind and module, else kind), then the most similar titles. None: fewer than five, 样本不足."""
    same_kind = [one for one in history if one.kind == kind]
    same_module = [one for one in same_kind if one.module == module]
    candidates = same_module if len(same_module) >= ENOUGH else same_kind
    ranked = process.extract(title, [one.title for one in candidates], scorer=fuzz.token_set_ratio, limit=_MOST)
    alike = [candidates[place] for _, score, place in ranked if score >= _ALIKE]
    chosen = alike if len(alike) >= ENOUGH else candidates
    if len(chosen) < ENOUGH:
        return None
    return Estimate(*_spread([one.hours for one in chosen]), len(chosen))


def _spread(hours: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """P20, P50 and P80, linear between closest ranks (type 7 of Hyndman and Fan 1996), to half an hour."""
    tenths = quantiles(hours, n=10, method="inclusive")
    return _half(tenths[1]), _half(tenths[4]), _half(tenths[7])


def _half(hours: Decimal) -> Decimal:
    return (hours * 2).quantize(Decimal(1), ROUND_HALF_UP) / 2
