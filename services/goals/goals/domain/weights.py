"""Weights: what share each part carries, and what progress the whole has (G2).

Exact until the one rounding in `shown`, and independent of the order of siblings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import lcm
from uuid import UUID

from goals.domain.tree import Goal

EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)
"""For quotients: what is exact stays it, thirds have forty digits."""
SUMS = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""Sums and products of figures with forty digits are exact in it, as they are in the database: so no order matters."""
_HUNDRED = Decimal(100)
_SHOWN = Decimal("0.0001")
_DIGITS = Decimal("1e-30")


class OverweightError(ValueError):
    """Explicit weights of siblings add up to more than 100."""

    def __init__(self, total: Decimal) -> None:
        self.total = total
        super().__init__(f"weights add up to {total}")


@dataclass(frozen=True, slots=True)
class Part:
    """A sibling: its explicit weight (None shares the remainder) and its progress (None is no data)."""

    weight: Decimal | None
    progress: Decimal | None = None


def check(weights: Sequence[Decimal | None]) -> Decimal:
    """The remainder to 100; raises OverweightError when the explicit weights exceed it."""
    total = sum((weight for weight in weights if weight is not None), Decimal(0))
    if total > _HUNDRED:
        raise OverweightError(total)
    return _HUNDRED - total


def shares(weights: Sequence[Decimal | None]) -> list[Decimal]:
    """Share of each sibling, adding up to 1 (or all 0 when nothing weighs anything).

    Unset weights share the remainder to 100 equally. What is there is the denominator: when a sibling has left,
    the others carry its part.
    """
    return list(_shares(tuple(weights)))


@lru_cache(2048)
def _shares(weights: tuple[Decimal | None, ...]) -> tuple[Decimal, ...]:
    resolved = _resolved(weights)
    total = sum(resolved, Fraction(0))
    return tuple(_decimal(weight / total) if total else Decimal(0) for weight in resolved)


def roll_up(parts: Sequence[Part]) -> Decimal | None:
    """Progress of the whole, 0 to 100. A part without data leaves numerator and denominator; None is no data."""
    weights = _whole_numbers(tuple(part.weight for part in parts))
    with localcontext(SUMS):
        total = earned = Decimal(0)
        for weight, part in zip(weights, parts, strict=True):
            if part.progress is not None:
                total += weight
                earned += weight * part.progress
    return EXACT.divide(earned, total) if total else None


@lru_cache(2048)
def _resolved(weights: tuple[Decimal | None, ...]) -> list[Fraction]:
    """Every weight as an exact fraction: no rounding, so no order."""
    explicit = sum((Fraction(weight) for weight in weights if weight is not None), Fraction(0))
    unset = sum(1 for weight in weights if weight is None)
    each = max(100 - explicit, Fraction(0)) / unset if unset else Fraction(0)
    return [each if weight is None else Fraction(weight) for weight in weights]


@lru_cache(2048)
def _whole_numbers(weights: tuple[Decimal | None, ...]) -> tuple[Decimal, ...]:
    """The same weights times their common denominator: sums of products with them need no fractions."""
    resolved = _resolved(weights)
    common = lcm(*(weight.denominator for weight in resolved))
    return tuple(Decimal(int(weight * common)) for weight in resolved)


def _decimal(value: Fraction) -> Decimal:
    with localcontext(EXACT):
        return Decimal(value.numerator) / Decimal(value.denominator)


def shown(value: Decimal | None) -> Decimal | None:
    """The one rounding point: four decimals. What is left of thirds behind thirty digits is not a number's own."""
    if value is None:
        return None
    digits = value.quantize(_DIGITS, rounding=ROUND_HALF_EVEN, context=EXACT)
    return digits.quantize(_SHOWN, rounding=ROUND_HALF_EVEN)


def shares_of_goals(goals: Sequence[Goal]) -> dict[UUID, Decimal]:
    """Share of each goal that counts; cancelled ones have left."""
    counted = [goal for goal in goals if goal.counted]
    return dict(zip([goal.goal for goal in counted], shares([goal.weight for goal in counted]), strict=True))
