"""Dry run: what other rules would have decided about changes of the past (C4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from changes.domain.rules import Decision, Facts, RuleBook
from changes.domain.rules_catalogue import FIELDS
from changes.domain.rules_cells import value_of


class Verdict(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    MISSED = "missed"
    """No row decides what happens."""


@dataclass(frozen=True, slots=True)
class Past:
    """Something that was decided once, with the facts of that moment."""

    change: UUID
    subject: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Compared:
    past: Past
    before: Decision
    after: Decision
    verdict: Verdict


def facts_from(texts: Mapping[str, Sequence[str]]) -> Facts:
    """Facts as they were written down; one that did not exist then is unknown."""
    return Facts(**{name: value_of(field, tuple(texts.get(name, ()))) for name, field in FIELDS.items()})


def compare(past: Sequence[Past], before: RuleBook, after: RuleBook) -> list[Compared]:
    """Each case under both sets of rules."""
    return [_compared(one, before.decide(one.facts), after.decide(one.facts)) for one in past]


def _compared(past: Past, before: Decision, after: Decision) -> Compared:
    if effects_of(before, past.facts) == effects_of(after, past.facts):
        verdict = Verdict.SAME
    else:
        verdict = Verdict.MISSED if after.table == "none" and before.table != "none" else Verdict.CHANGED
    return Compared(past, before, after, verdict)


def effects_of(decision: Decision, facts: Facts) -> dict[str, tuple[str, ...]]:
    """What a decision means for the case, as effects; consent as yes or no."""
    found: dict[str, tuple[str, ...]] = {
        "action": (str(decision.action),),
        "must_confirm": ("yes" if decision.must_confirm else "no",),
        "consent": ("yes" if decision.needs_consent(facts.planned_hours) else "no",),
    }
    if decision.due_within_days is not None:
        found["due_days"] = (str(decision.due_within_days),)
    if decision.hours_factor != 1:
        found["hours_factor"] = (str(decision.hours_factor),)
    if decision.criterion:
        found["criterion"] = (decision.criterion,)
    if decision.tell:
        found["tell"] = tuple(sorted(decision.tell))
    return found
