"""G2, G3: weights and roll-up, against an independent oracle in fractions."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from goals.domain.weights import OverweightError, Part, check, roll_up, shares, shown

weights = some.none() | some.decimals(min_value=0, max_value=20, places=2)
progress = some.none() | some.decimals(min_value=0, max_value=100, places=2)
siblings = some.lists(some.tuples(weights, progress), min_size=1, max_size=5)


def oracle(parts: list[tuple[Decimal | None, Decimal | None]]) -> Fraction | None:
    """The same rule, written down in exact fractions."""
    explicit = sum((Fraction(weight) for weight, _ in parts if weight is not None), Fraction(0))
    unset = [part for part in parts if part[0] is None]
    each = (100 - explicit) / len(unset) if unset else Fraction(0)
    known = [
        (each if weight is None else Fraction(weight), Fraction(done)) for weight, done in parts if done is not None
    ]
    total = sum((weight for weight, _ in known), Fraction(0))
    return sum((weight * done for weight, done in known), Fraction(0)) / total if total else None


@given(siblings)
def test_roll_up_is_what_the_rule_says(parts: list[tuple[Decimal | None, Decimal | None]]) -> None:
    expected = oracle(parts)
    found = roll_up([Part(weight, done) for weight, done in parts])
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert abs(Fraction(found) - expected) < Fraction(1, 10**20)


@given(siblings, some.randoms())
def test_order_of_siblings_does_not_matter(parts: list[tuple[Decimal | None, Decimal | None]], random: Random) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)
    assert roll_up([Part(*part) for part in parts]) == roll_up([Part(*part) for part in shuffled])


@given(some.lists(weights, min_size=1, max_size=5))
def test_shares_add_up_to_the_whole_or_nothing_weighs(listed: list[Decimal | None]) -> None:
    total = sum(map(Fraction, shares(listed)))
    assert total == 0 or abs(total - 1) < Fraction(1, 10**30)


def test_unset_weights_share_the_remainder() -> None:
    assert shares([Decimal(60), None, None]) == [Decimal("0.6"), Decimal("0.2"), Decimal("0.2")]


def test_explicit_weights_over_100_are_refused() -> None:
    with pytest.raises(OverweightError):
        check([Decimal(70), Decimal("30.01")])
    assert check([Decimal(70), None]) == 30


def test_weight_zero_is_visible_and_not_counted() -> None:
    assert roll_up([Part(Decimal(0), Decimal(0)), Part(Decimal(50), Decimal(80))]) == 80


def test_two_parts_of_five_and_nothing_give_five() -> None:
    """No data is neither 0 nor 100: it leaves numerator and denominator."""
    assert roll_up([Part(None, Decimal(5)), Part(None, Decimal(5)), Part(None, None)]) == 5


def test_contributions_weigh_what_they_are() -> None:
    """100k, 20k and 1k weigh 82.6, 16.5 and 0.8 percent."""
    found = shares([Decimal(100) * 80 / 121, Decimal(20) * 80 / 121, Decimal(1) * 80 / 121])
    assert [round(share * 100, 1) for share in found] == [Decimal("82.6"), Decimal("16.5"), Decimal("0.8")]


def test_one_rounding_point() -> None:
    assert shown(Decimal(1) / 3) == Decimal("0.3333")
