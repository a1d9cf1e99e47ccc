"""Hours that similar finished tasks took: P20, P50, P80 with n, and how often such estimates were right (C7).

Structure first, in the database: kind with module, else with product family, else with role, else kind alone.
Then text: the titles most alike, word by word.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from statistics import quantiles
from uuid import UUID

from rapidfuzz import fuzz, process

ENOUGH = 5
"""Under five there is no estimate: 样本不足."""
MOST = 30
"""Tasks that an estimate rests on at most."""
ALIKE = 55.0
"""Likeness from which a title counts as similar, 0 to 100."""
WITHIN = Decimal(60)
"""Percent of the actual hours that P20 to P80 should cover."""


class Basis(StrEnum):
    """What the tasks have in common beside their kind; the narrowest that has five."""

    MODULE = "module"
    PRODUCT = "product"
    ROLE = "role"
    KIND = "kind"


@dataclass(frozen=True, slots=True)
class Asked:
    """A task whose hours are wanted; `role` is that of the person who does it."""

    task: UUID
    person: str | None
    kind: str
    words: str
    module: str | None = None
    product: str | None = None
    role: str | None = None
    planned: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Finished tasks that the structure leaves, newest first: places in the history, and the words of their titles."""

    basis: Basis
    places: Sequence[int]
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A finished task that an estimate rests on; `likeness` None: by structure only, too few titles are alike."""

    place: int
    likeness: float | None


@dataclass(frozen=True, slots=True)
class Similar:
    """A finished task with the hours it took."""

    task: UUID
    code: str
    title: str
    hours: Decimal
    finished_at: datetime
    likeness: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the task's hours as a whole. Without figures: too few finished tasks, `n` says how many there are."""

    task: UUID
    basis: Basis
    n: int
    p20: Decimal | None = None
    p50: Decimal | None = None
    p80: Decimal | None = None
    planned: Decimal | None = None
    similar: tuple[Similar, ...] = ()

    @property
    def enough(self) -> bool:
        return self.p50 is not None

    @property
    def extra(self) -> Decimal | None:
        """Hours beyond the plan, in the middle of the experience; None where there is no plan to compare with."""
        if self.p50 is None or self.planned is None:
            return None
        return max(Decimal(0), self.p50 - self.planned)


def words_of(title: str, cut: Callable[[str], Iterable[str]]) -> str:
    """The words of a title, as they are compared."""
    return " ".join(word.lower() for word in cut(title) if any(sign.isalnum() for sign in word))


def choose(asked: Asked, candidates: Candidates) -> tuple[Chosen, ...]:
    """The tasks most alike; where fewer than five are, the newest of those with the same structure."""
    ranked = process.extract(
        asked.words, candidates.words, scorer=fuzz.token_set_ratio, processor=None, limit=MOST, score_cutoff=ALIKE
    )
    if len(ranked) >= ENOUGH:
        return tuple(Chosen(candidates.places[at], score) for _, score, at in ranked)
    return tuple(Chosen(place, None) for place in candidates.places[:MOST])


def estimate(asked: Asked, basis: Basis, similar: Sequence[Similar]) -> Estimate:
    if len(similar) < ENOUGH:
        return Estimate(asked.task, basis, len(similar), planned=asked.planned, similar=tuple(similar))
    p20, p50, p80 = _spread([one.hours for one in similar])
    return Estimate(asked.task, basis, len(similar), p20, p50, p80, asked.planned, tuple(similar))


def _spread(hours: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """P20, P50 and P80, linear between closest ranks (type 7 of Hyndman and Fan 1996), to half an hour."""
    tenths = quantiles(hours, n=10, method="inclusive")
    return _half(tenths[1]), _half(tenths[4]), _half(tenths[7])


def _half(hours: Decimal) -> Decimal:
    return (hours * 2).quantize(Decimal(1), ROUND_HALF_UP) / 2


# ── what happened ───────────────────────────────────────────────────────────────────────────────────────────────────


class HoursOutcome(StrEnum):
    """Where the actual hours came to lie."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Given:
    """An estimate that was given, and what the task took in the end."""

    p20: Decimal | None
    p80: Decimal | None
    actual: Decimal | None

    @property
    def outcome(self) -> HoursOutcome | None:
        """None: there was no estimate, or the task is not finished."""
        if self.p20 is None or self.p80 is None or self.actual is None:
            return None
        if self.actual < self.p20:
            return HoursOutcome.BELOW
        return HoursOutcome.ABOVE if self.actual > self.p80 else HoursOutcome.WITHIN


@dataclass(frozen=True, slots=True)
class Score:
    given: int
    too_few: int
    below: int
    within: int
    above: int

    @property
    def scored(self) -> int:
        return self.below + self.within + self.above

    @property
    def coverage(self) -> Decimal | None:
        """Percent of the finished tasks whose hours lay between P20 and P80; None until one is finished."""
        if not self.scored:
            return None
        return (Decimal(100 * self.within) / self.scored).quantize(Decimal("0.1"), ROUND_HALF_UP)


def score(given: Sequence[Given]) -> Score:
    found = [one.outcome for one in given]
    return Score(
        given=len(given),
        too_few=sum(one.p20 is None for one in given),
        below=found.count(HoursOutcome.BELOW),
        within=found.count(HoursOutcome.WITHIN),
        above=found.count(HoursOutcome.ABOVE),
    )
