"""G9: figures of one's work, the team's, and the correlation with payment, against independent oracles."""

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from goals.domain.benchmarks import (
    Metric,
    Sample,
    correlation,
    metrics_of,
    own_figure,
    payment_pairs,
    period_until,
    team_figure,
)
from goals.domain.own_goals import Act, OwnGoal, OwnGoalState, acts, answer

NOW = datetime(2026, 3, 11, 2, tzinfo=UTC)
whole = some.integers(0, 100)


def sample(person: str, value: int, series: str = "GX-500", at: datetime = NOW) -> Sample:
    return Sample(person, series, at, Decimal(value))


def quantile(values: list[Fraction], share: Fraction) -> Fraction:
    """Linear between closest ranks, in exact fractions."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def team_of(values: list[int], times: int = 3) -> tuple[list[Sample], frozenset[str]]:
    """A member for each value, seen that often."""
    samples = [sample(str(number), value) for number, value in enumerate(values) for _ in range(times)]
    return samples, frozenset(map(str, range(len(values))))


@given(some.lists(whole, min_size=6, max_size=12))
def test_team_figures_are_quartiles_of_its_members_means(values: list[int]) -> None:
    samples, team = team_of(values)
    found = team_figure([*samples, *[sample("stranger", 999)] * 5], team)
    assert found is not None
    ordered = sorted(map(Fraction, values))
    low, median, high = [quantile(ordered, Fraction(quarter, 4)) for quarter in (1, 2, 3)]
    assert abs(Fraction(found.median) - median) <= Fraction(1, 20)
    assert (found.people, found.n) == (len(values), 3 * len(values))
    if len(values) < 8:
        assert (found.lower_quartile, found.upper_quartile) == (None, None)
        return
    assert found.lower_quartile is not None
    assert found.upper_quartile is not None
    assert abs(Fraction(found.lower_quartile) - low) <= Fraction(1, 20)
    assert abs(Fraction(found.upper_quartile) - high) <= Fraction(1, 20)


@given(some.lists(whole, max_size=5), some.lists(whole, max_size=9))
def test_under_six_people_with_three_values_there_is_no_team_figure(enough: list[int], few: list[int]) -> None:
    """However many members have one or two values: those would be somebody's single tasks."""
    samples, team = team_of(enough, times=9)
    others = [sample(f"few-{number}", value) for number, value in enumerate(few) for _ in range(2)]
    assert team_figure([*samples, *others], team | {one.person for one in others}) is None


def test_testers_and_developers_have_metrics_of_their_own() -> None:
    assert Metric.TEST_DAYS in metrics_of({"employee", "test_engineer"})
    assert Metric.FIRST_PASS in metrics_of({"employee"})
    assert Metric.FIRST_PASS not in metrics_of({"test_engineer"})


def test_own_figure_says_on_how_many_values_it_rests() -> None:
    found = own_figure([sample("me", 100), sample("me", 0), sample("other", 0)], "me")
    assert found is not None
    assert (found.value, found.n) == (Decimal("50.0"), 2)
    assert own_figure([], "me") is None
    later = NOW + timedelta(days=1)
    since = own_figure([sample("me", 100), sample("me", 20, at=later)], "me", later)
    assert since is not None
    assert (since.value, since.n) == (Decimal("20.0"), 1)


def test_the_period_is_whole_weeks_so_that_it_moves_once_a_week() -> None:
    assert period_until(NOW) == period_until(NOW + timedelta(days=3))
    start, end = period_until(NOW)
    assert (end - start, end) == (timedelta(weeks=52), datetime(2026, 3, 8, 16, tzinfo=UTC))


@given(some.lists(some.tuples(some.integers(0, 8), whole), min_size=20, max_size=60))
def test_sums_say_what_the_single_values_say(observed: list[tuple[int, int]]) -> None:
    """What the database adds up is the same figure: own, the team's, and what is paired with payment."""
    single = [sample(str(person), value) for person, value in observed]
    people = {one.person for one in single}
    summed = [
        Sample(person, "", NOW, sum((one.value for one in own), Decimal(0)), len(own))
        for person in sorted(people)
        for own in [[one for one in single if one.person == person]]
    ]
    month = Sample("", "GX-500", NOW, sum((one.value for one in single), Decimal(0)), len(single))
    paid = [("GX-500", NOW, Decimal(30))]
    assert team_figure(summed, frozenset(people)) == team_figure(single, frozenset(people))
    assert [own_figure(summed, one) for one in sorted(people)] == [own_figure(single, one) for one in sorted(people)]
    assert payment_pairs([month], paid) == payment_pairs(single, paid)


def _r(pairs: list[tuple[int, int]]) -> float:
    """Pearson's r, written down from its definition in fractions."""
    n = len(pairs)
    mx, my = Fraction(sum(x for x, _ in pairs), n), Fraction(sum(y for _, y in pairs), n)
    sxy = sum((x - mx) * (y - my) for x, y in pairs)
    sxx, syy = sum((x - mx) ** 2 for x, _ in pairs), sum((y - my) ** 2 for _, y in pairs)
    return float(sxy) / math.sqrt(float(sxx) * float(syy))


@given(some.lists(some.tuples(whole, whole), min_size=1, max_size=30))
def test_correlation_is_pearsons_or_there_is_not_enough_data(pairs: list[tuple[int, int]]) -> None:
    found = correlation([(Decimal(x), Decimal(y)) for x, y in pairs])
    varies = len({x for x, _ in pairs}) > 1 and len({y for _, y in pairs}) > 1
    if len(pairs) < 10 or not varies:
        assert found is None
        return
    assert found is not None
    assert abs(float(found.r) - _r(pairs)) <= 0.0051
    assert found.low <= found.r <= found.high
    assert found.certain is not (found.low <= 0 <= found.high)


def test_the_interval_is_fishers() -> None:
    """r = 0.5 of 28 pairs: the textbook's 95 % interval is 0.16 to 0.74."""
    xs = list(range(28))
    noise = random.Random(1)
    best = min(
        ([(x, round(x * 10 + noise.gauss(0, spread))) for x in xs] for spread in range(20, 400) for _ in range(4)),
        key=lambda pairs: abs(_r(pairs) - 0.5),
    )
    found = correlation([(Decimal(x), Decimal(y)) for x, y in best])
    assert found is not None
    assert (found.r, found.low, found.high) == (Decimal("0.5"), Decimal("0.16"), Decimal("0.74"))


def test_metric_and_payment_meet_in_the_same_series_and_month() -> None:
    later = NOW + timedelta(days=40)
    samples = [sample("a", 80), sample("b", 60), sample("a", 10, "SV-60"), sample("a", 5, at=later)]
    payments = [("GX-500", NOW, Decimal(30)), ("GX-500", NOW, Decimal(50)), ("FL-45", NOW, Decimal(1))]
    assert payment_pairs(samples, payments) == [(Decimal("70.0"), Decimal("40.0"))]


def goal(state: OwnGoalState) -> OwnGoal:
    return OwnGoal(UUID(int=1), "me", "boss", Metric.ON_TIME, "更准时", None, Decimal(90), NOW, state)


S, A = OwnGoalState, Act
ALLOWED = {
    (S.PROPOSED, "boss", A.ACCEPT): S.ACCEPTED, (S.PROPOSED, "boss", A.NEGOTIATE): S.NEGOTIATING,
    (S.PROPOSED, "boss", A.DECLINE): S.DECLINED, (S.PROPOSED, "me", A.WITHDRAW): S.WITHDRAWN,
    (S.NEGOTIATING, "me", A.ACCEPT): S.ACCEPTED, (S.NEGOTIATING, "me", A.NEGOTIATE): S.PROPOSED,
    (S.NEGOTIATING, "me", A.WITHDRAW): S.WITHDRAWN, (S.NEGOTIATING, "boss", A.DECLINE): S.DECLINED,
}  # fmt: skip


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("by", ["me", "boss", "stranger"])
@pytest.mark.parametrize("act", list(A))
def test_every_state_and_act_has_one_answer(state: OwnGoalState, by: str, act: Act) -> None:
    """Nobody accepts their own proposal; what has ended stays ended; strangers have no say."""
    found = answer(goal(state), by, act, "因为", Decimal(85))
    expected = ALLOWED.get((state, by, act))
    assert (found.state if isinstance(found, OwnGoal) else None) == expected
    assert (act in acts(goal(state), by)) is (expected is not None)


def test_counter_offers_need_a_target_and_declining_needs_words() -> None:
    assert not isinstance(answer(goal(S.PROPOSED), "boss", A.NEGOTIATE, "太难", None), OwnGoal)
    assert not isinstance(answer(goal(S.PROPOSED), "boss", A.DECLINE, "", None), OwnGoal)
    accepted = answer(goal(S.PROPOSED), "boss", A.ACCEPT, "", Decimal(10))
    assert isinstance(accepted, OwnGoal)
    assert accepted.target == 90


@pytest.mark.parametrize(
    ("metric", "reached", "not_yet"), [(Metric.ON_TIME, 90, 89), (Metric.RESPONSE_DAYS, 2, 3)], ids=str
)
def test_a_target_is_reached_from_its_better_side(metric: Metric, reached: int, not_yet: int) -> None:
    one = OwnGoal(UUID(int=1), "me", "boss", metric, "T", None, Decimal(reached), NOW, S.ACCEPTED)
    assert one.reached_by(Decimal(reached))
    assert not one.reached_by(Decimal(not_yet))
