"""The working calendar: Chinese holidays with their make-up days, and the company's own days above them (G8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

ZONE = ZoneInfo("Asia/Shanghai")


@lru_cache(maxsize=4096)
def _works(day: date) -> bool:
    return bool(_china().is_working_day(day))


@lru_cache(maxsize=1)
def _china() -> holidays.HolidayBase:
    return holidays.country_holidays("CN")


def warm_up(today: date) -> None:
    """Read the holidays of the years around `today`: the first look at a year takes most of a second."""
    for year in (today.year - 1, today.year, today.year + 1):
        _works(date(year, 6, 1))


@dataclass(frozen=True)
class Calendar:
    """Working days. `company` holds the days that differ from the state's: factory shifts, plant holidays."""

    company: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        own = self.company.get(day)
        return _works(day) if own is None else own

    def add(self, start: datetime, days: int) -> datetime:
        """The same time of day, that many working days later. 0 moves to the next working day if it is none."""
        local = start.astimezone(ZONE)
        while not self.works(local.date()):
            local += timedelta(days=1)
        for _ in range(days):
            local += timedelta(days=1)
            while not self.works(local.date()):
                local += timedelta(days=1)
        return local.astimezone(start.tzinfo)

    def between(self, start: datetime, end: datetime) -> int:
        """Working days from `start` to `end`; negative when `end` is earlier."""
        if end < start:
            return -self.between(end, start)
        first, last = start.astimezone(ZONE).date(), end.astimezone(ZONE).date()
        return sum(1 for n in range(1, (last - first).days + 1) if self.works(first + timedelta(days=n)))

    def days_late(self, due_at: datetime | None, finished_at: datetime | None, now: datetime) -> int:
        """Working days late (positive), or early once finished (negative); 0 without a due date or before it (G3)."""
        if due_at is None or (finished_at is None and due_at >= now):
            return 0
        return self.between(due_at, finished_at or now)
