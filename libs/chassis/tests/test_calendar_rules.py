"""G8: due dates on the Chinese working calendar."""

from datetime import UTC, date, datetime

import pytest

from bihuan_chassis.calendar import Calendar


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-11", 2, "2026-03-13"),
        ("2026-03-13", 1, "2026-03-16"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-02-13", 1, "2026-02-14"),
        ("2026-03-14", 0, "2026-03-16"),
    ],
    ids=["midweek", "over a weekend", "over the national day", "make-up Saturday", "starts on a weekend"],
)
def test_due_date_counts_working_days(start: str, days: int, end: str) -> None:
    noon = datetime.fromisoformat(f"{start}T04:00:00+00:00")
    assert Calendar().add(noon, days) == datetime.fromisoformat(f"{end}T04:00:00+00:00")


def test_company_day_wins_over_the_state_calendar() -> None:
    shift = Calendar({date(2026, 3, 14): True, date(2026, 3, 13): False})
    noon = datetime(2026, 3, 12, 4, tzinfo=UTC)
    assert shift.add(noon, 1) == datetime(2026, 3, 14, 4, tzinfo=UTC)


def test_lateness_is_counted_in_working_days_both_ways() -> None:
    friday, monday = datetime(2026, 3, 13, 4, tzinfo=UTC), datetime(2026, 3, 16, 4, tzinfo=UTC)
    assert Calendar().between(friday, monday) == 1
    assert Calendar().between(monday, friday) == -1
