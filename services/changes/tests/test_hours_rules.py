"""Hours of similar finished tasks (C7): which tasks count, what the figures are, how they are scored."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from changes.domain.hours import (
    ENOUGH,
    MOST,
    Asked,
    Basis,
    Candidates,
    Given,
    HoursOutcome,
    Similar,
    choose,
    estimate,
    score,
    words_of,
)
from changes.hours_store import words

AT = datetime(2026, 1, 5, tzinfo=UTC)
TASK = UUID(int=7)


def asked(title: str = "电源模块 传导发射测试", planned: str | None = None) -> Asked:
    return Asked(TASK, "10306", "test", words(title), "PM-480", planned=Decimal(planned) if planned else None)


def finished(*hours: str) -> list[Similar]:
    return [Similar(UUID(int=n), f"H-{n}", "测试", Decimal(one), AT, None) for n, one in enumerate(hours)]


def candidates(*titles: str) -> Candidates:
    return Candidates(Basis.MODULE, range(100, 100 + len(titles)), [words(one) for one in titles])


def test_item_numbers_stay_whole_and_signs_are_no_words() -> None:
    """C7: text by words, so that 主轴箱测试 is near 测试主轴箱 and PM-480 is not near PM-500."""
    assert words("PM-480（电源模块）、测试报告！") == "pm-480 电源模块 测试报告"
    assert words_of("——", list) == ""


def test_titles_most_alike_are_chosen() -> None:
    alike = [f"电源模块 传导发射测试 第{n}轮" for n in range(5)]
    chosen = choose(asked(), candidates("装配工艺评审", *alike, "说明书归档"))
    assert [one.place for one in chosen] == [101, 102, 103, 104, 105]
    assert all(one.likeness is not None and one.likeness >= 55 for one in chosen)


def test_with_too_few_alike_the_structure_alone_decides_and_says_so() -> None:
    chosen = choose(asked(), candidates("电源模块 传导发射测试", *[f"装配工艺 {n}" for n in range(6)]))
    assert [one.place for one in chosen] == list(range(100, 107))
    assert {one.likeness for one in chosen} == {None}


def test_under_five_it_is_too_few_and_says_how_many() -> None:
    """C7: 样本不足."""
    found = estimate(asked(), Basis.KIND, finished("3", "4", "5", "6"))
    assert (found.enough, found.n, found.p20, found.p50, found.p80) == (False, 4, None, None, None)
    assert found.extra is None


def test_figures_are_quantiles_to_half_an_hour() -> None:
    found = estimate(asked(planned="12"), Basis.MODULE, finished("10", "12", "14", "16", "30"))
    assert (found.p20, found.p50, found.p80, found.n) == (Decimal("11.5"), Decimal(14), Decimal(19), 5)
    assert found.extra == Decimal(2)


def test_a_plan_above_experience_needs_no_extra_hours() -> None:
    assert estimate(asked(planned="40"), Basis.MODULE, finished(*["10"] * 5)).extra == Decimal(0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals(min_value=1, max_value=400, places=1), min_size=ENOUGH, max_size=MOST))
def test_figures_are_ordered_lie_in_the_sample_and_do_not_depend_on_order(hours: list[Decimal]) -> None:
    found = estimate(asked(), Basis.KIND, finished(*map(str, hours)))
    again = estimate(asked(), Basis.KIND, finished(*map(str, reversed(hours))))
    assert found.p20 is not None
    assert found.p50 is not None
    assert found.p80 is not None
    half = Decimal("0.5")
    assert min(hours) - half <= found.p20 <= found.p50 <= found.p80 <= max(hours) + half
    assert (found.p20, found.p50, found.p80) == (again.p20, again.p50, again.p80)


def test_coverage_counts_finished_tasks_that_had_an_estimate() -> None:
    """C7: scored later against what happened; the bounds belong to the range."""
    ten, twenty = Decimal(10), Decimal(20)
    said = [
        Given(ten, twenty, ten), Given(ten, twenty, twenty), Given(ten, twenty, Decimal("20.5")),
        Given(ten, twenty, Decimal(9)), Given(ten, twenty, None), Given(None, None, Decimal(5)),
    ]  # fmt: skip
    found = score(said)
    assert [one.outcome for one in said] == [
        HoursOutcome.WITHIN, HoursOutcome.WITHIN, HoursOutcome.ABOVE, HoursOutcome.BELOW, None, None,
    ]  # fmt: skip
    assert (found.given, found.too_few, found.scored, found.coverage) == (6, 1, 4, Decimal("50.0"))
    assert score([]).coverage is None
