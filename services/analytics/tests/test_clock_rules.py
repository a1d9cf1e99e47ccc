"""C6, A3: quantiles in which open items count for what they say."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.domain.clocks import DELIVERY_LIMIT, missed, seconds, spread, start

NOW = datetime(2026, 3, 11, tzinfo=UTC)
TIMES = st.lists(st.floats(min_value=0, max_value=1e6), max_size=60)


def test_nothing_is_no_data_and_not_zero() -> None:
    """A3"""
    assert spread([]) == spread([], [])
    assert spread([]).p50 is None
    assert spread([]).n == 0


@pytest.mark.parametrize(
    ("values", "p50", "p90", "p95"),
    [([5], 5, 5, 5), ([1, 2], 1, 2, 2), ([3, 1, 2], 2, 3, 3), (list(range(1, 101)), 50, 90, 95)],
)
def test_without_open_items_it_is_the_nearest_rank(values: list[float], p50: float, p90: float, p95: float) -> None:
    """A3"""
    found = spread(values)
    assert (found.p50, found.p90, found.p95, found.largest) == (p50, p90, p95, max(values))


def test_an_item_just_opened_changes_no_median() -> None:
    """A3: its age is not its time."""
    assert spread([10, 20, 30], [0.1]).p50 == 20
    assert spread([10, 20, 30], [0.1]).n == 4


def test_items_open_for_long_move_the_median() -> None:
    """A3: leaving them out would flatter."""
    assert spread([10], [100]).p50 == 10
    assert spread([10, 20], [100, 100, 100]).p50 is None
    assert spread([10, 20, 30], [100, 100]).p50 == 30
    assert spread([10, 20, 30], [100, 100]).p90 is None


@given(TIMES, TIMES)
def test_open_items_never_make_it_look_faster(done: list[float], waiting: list[float]) -> None:
    """A3"""
    without, found = spread(done), spread(done, waiting)
    assert found.n == len(done) + len(waiting)
    if found.p50 is not None and without.p50 is not None:
        assert found.p50 >= without.p50
    if found.p50 is not None and found.p90 is not None:
        assert found.p50 <= found.p90


def test_a_change_that_takes_effect_later_is_on_the_clock_from_then() -> None:
    """C6"""
    later = NOW + timedelta(days=3)
    assert start(NOW, later) == later
    assert start(NOW, None) == NOW
    assert start(NOW, NOW - timedelta(days=1)) == NOW


def test_two_minutes_are_the_limit() -> None:
    """C6"""
    assert not missed(NOW + DELIVERY_LIMIT, NOW, NOW + timedelta(days=1))
    assert missed(NOW + DELIVERY_LIMIT + timedelta(milliseconds=1), NOW, NOW + timedelta(days=1))
    assert not missed(None, NOW, NOW + timedelta(seconds=119))
    assert missed(None, NOW, NOW + timedelta(seconds=121))


def test_a_clock_that_runs_ahead_gives_no_negative_time() -> None:
    """C6"""
    assert seconds(NOW, NOW - timedelta(seconds=3)) == 0
