"""Hours of a new retest card from similar finished tasks (G8)."""

from decimal import Decimal

from goals.domain.hours import Finished, estimate


def history(kind: str, *hours: int) -> list[Finished]:
    return [Finished(kind, "PM-480", "电源模块型式试验", Decimal(one)) for one in hours]


def test_estimate_says_how_many_or_that_there_are_too_few() -> None:
    """G8: P20, P50, P80 with n; none under five of the kind."""
    known = [*history("test", 4, 6, 8, 10, 12), *history("document", 90, 90, 90, 90)]
    figures = estimate(known, kind="test", module="PM-480", title="电源模块型式试验")
    assert figures is not None
    assert (figures.p20, figures.p50, figures.p80, figures.n) == (Decimal("5.5"), Decimal(8), Decimal("10.5"), 5)
    assert estimate(known, kind="document", module="PM-480", title="电源模块型式试验") is None
