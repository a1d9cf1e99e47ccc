"""Rules in force: what happens to each row that a change reaches, which rule said so, and why not the others (C4)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAction, RuleHit
from changes.domain.rules_cells import consent_limit, texts_of, unknown_hours_count
from changes.domain.rules_engine import NOTHING_SAID, CompiledTable
from changes.domain.rules_table import add_effects

_KEPT = 10_000


class Facts(NamedTuple):
    """What the conditions of a table can ask about one row; `rules_catalogue.FIELDS` says what each one means."""

    relation: str
    """direct: the module itself has a new version; above: it contains what changed; named: the author named it."""
    depth: Decimal
    task_kind: str
    """develop, test, document, process, purchase, retest, ad_hoc; none: the module without a task."""
    task_open: bool
    change_type: str
    source: str
    item: str
    module: str
    product: str
    project: str
    phase: str
    customer: str
    department: str
    flags_only: bool
    differences: frozenset[str]
    days_to_due: Decimal | None = None
    planned_hours: Decimal | None = None

    def texts(self) -> dict[str, tuple[str, ...]]:
        """As tests and records keep them; what is unknown is left out."""
        values = zip(self._fields, self, strict=True)
        # Most are words: they need no conversion, and there are many of them.
        found = {name: (value,) if type(value) is str else texts_of(value) for name, value in values if value != ""}
        return {name: texts for name, texts in found.items() if texts}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the tables say together, which rows said so, and the trace."""

    action: ImpactAction
    must_confirm: bool
    due_within_days: int | None
    hours_factor: Decimal
    criterion: str | None
    tell: tuple[str, ...]
    consent: str
    """yes, no, or `over:8`: more than so many extra hours; `over:8:unknown`: or when nobody knows how many."""
    table: str
    version: int
    row: str
    explanation: Text
    hits: tuple[RuleHit, ...]
    said: str
    """JSON: the effects as the tables wrote them."""
    trace: str
    """JSON: by table its version, the rows that fired, and the first condition not met of each row that did not."""

    def needs_consent(self, planned_hours: Decimal | None) -> bool:
        """Unknown hours exceed a limit only by the rule's own word (`over:8:unknown`)."""
        if self.consent == "no":
            return False
        limit = consent_limit(self.consent)
        if limit is None:
            return self.consent == "yes"
        if planned_hours is None:
            return unknown_hours_count(self.consent)
        return self.extra_hours(planned_hours) > limit

    def extra_hours(self, planned_hours: Decimal) -> Decimal:
        """A retest is work on top; everything else grows by the factor."""
        if self.action is ImpactAction.RETEST:
            return planned_hours * self.hours_factor
        return planned_hours * (self.hours_factor - 1)


class RuleBook:
    """The tables in force at one moment, in their order. Facts that they can't tell apart are decided once.

    Each table may say some of the effects. For each effect the first table that says something decides;
    who is told adds up.
    """

    def __init__(self, tables: Sequence[CompiledTable]) -> None:
        self.tables = tuple(tables)
        asked = dict.fromkeys(["relation", "task_kind", *(name for table in tables for name in table.asks)])
        self._asks = attrgetter(*asked)  # two that cost nothing: attrgetter() needs some
        self._names = tuple(asked)
        self._known: dict[object, Decision] = {}
        self._by_name = {(table.name, table.version): table for table in tables}

    def decide(self, facts: Facts) -> Decision:
        asked = self._asks(facts)
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[asked] = self._decide(dict(zip(self._names, asked, strict=True)))
        return found

    def _decide(self, facts: Mapping[str, Any]) -> Decision:
        said: dict[str, tuple[str, ...]] = {}
        hits: list[RuleHit] = []
        by: CompiledTable | None = None
        traced: list[dict[str, Any]] = []
        for table in self.tables:
            fired = table.fire(facts)
            for id in fired:
                new = add_effects(said, table.row(id).then)
                if "action" in new:
                    by = table
                hits.append(RuleHit(table=table.name, version=table.version, row=id, effects=tuple(new)))
            traced.append(_traced(table, facts))
        deciding = next((hit for hit in hits if "action" in hit.effects), None)
        return Decision(
            action=ImpactAction(_one(said, "action", "inform")),
            must_confirm=_one(said, "must_confirm", "no") == "yes",
            due_within_days=int(said["due_days"][0]) if "due_days" in said else None,
            hours_factor=Decimal(_one(said, "hours_factor", "1")),
            criterion=_one(said, "criterion", "") or None,
            tell=said.get("tell", ()),
            consent=_one(said, "consent", "no"),
            table=deciding.table if deciding else "none",
            version=deciding.version if deciding else 0,
            row=deciding.row if deciding else "none",
            explanation=by.row(deciding.row).note if by and deciding else NOTHING_SAID,
            hits=tuple(hits),
            said=json.dumps(said, ensure_ascii=False),
            trace=json.dumps(traced, ensure_ascii=False),
        )

    def note(self, hit: RuleHit) -> Text:
        """Why, in the words of the row."""
        return self._by_name[hit.table, hit.version].row(hit.row).note

    def tells(self, hit: RuleHit) -> tuple[str, ...]:
        return self._by_name[hit.table, hit.version].row(hit.row).then.get("tell", ())

    @property
    def targets(self) -> frozenset[str]:
        """Everybody whom some row may tell, such as `lead` or `department:PU`."""
        return frozenset(
            target for table in self.tables for row in table.table.rows for target in row.then.get("tell", ())
        )


def _one(said: Mapping[str, tuple[str, ...]], name: str, otherwise: str) -> str:
    return said[name][0] if name in said else otherwise


def _traced(table: CompiledTable, facts: Mapping[str, Any]) -> dict[str, Any]:
    found = table.trace(facts)
    return {"table": table.name, "version": table.version, "hits": found.hits, "stopped": dict(found.stopped)}
