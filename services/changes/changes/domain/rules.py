"""Decision tables (JDM, evaluated by zen-engine): what happens to each row that a change reaches (C4)."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from operator import attrgetter
from typing import Any

import zen

from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAction

ALLOWED_NODES = {"inputNode", "outputNode", "decisionTableNode", "expressionNode", "switchNode"}
"""Script nodes run code of whoever edits the table: refused."""
_KEPT = 10_000


class RuleTableError(ValueError):
    """A decision table that must not be used; says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditions of a table can ask about one row."""

    relation: str
    """direct: the module itself has a new version; above: it contains what changed; named: the author named it."""
    depth: int
    task_kind: str
    """develop, test, document, process, purchase, retest, ad_hoc; none: the module without a task."""
    task_open: bool
    change_type: str
    item: str
    module: str
    product: str
    phase: str
    customer: str
    flags_only: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What the table says, and which row of it said so."""

    action: ImpactAction
    must_confirm: bool
    due_within_days: int | None
    hours_factor: Decimal
    criterion: str | None
    row: str
    explanation: Text


class RuleTable:
    """One version of a decision table. Facts that its conditions can't tell apart are decided once."""

    def __init__(self, name: str, version: int, model: Mapping[str, Any]) -> None:
        check(model)
        self.name, self.version = name, version
        self._decision = zen.ZenEngine().create_decision(json.dumps(model))
        self._asks = attrgetter(*_named_in(model))
        self._known: dict[object, Decision] = {}
        self._words = {
            rule["_id"]: Text(zh=rule.get("_description", ""), en=rule.get("_description_en", ""))
            for node in model["nodes"]
            if node["type"] == "decisionTableNode"
            for rule in node["content"]["rules"]
        }

    def decide(self, facts: Facts) -> Decision:
        asked = self._asks(facts)
        found = self._known.get(asked)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[asked] = self._evaluate(facts)
        return found

    def _evaluate(self, facts: Facts) -> Decision:
        answer = self._decision.evaluate(asdict(facts), {"trace": True})
        result = answer["result"]
        row = _fired(answer["trace"])
        return Decision(
            action=ImpactAction(result.get("action", "inform")),
            must_confirm=bool(result.get("must_confirm", False)),
            due_within_days=int(result["due_days"]) if result.get("due_days") is not None else None,
            hours_factor=Decimal(str(result.get("hours_factor", 1))),
            criterion=result.get("criterion") or None,
            row=row,
            explanation=self._words.get(row, Text(zh="没有规则命中，仅通知", en="No rule applies; for information")),
        )

    @property
    def rows(self) -> Mapping[str, Text]:
        """The rows of the table in words."""
        return self._words


def _named_in(model: Mapping[str, Any]) -> list[str]:
    """The facts that the model's text names anywhere, and two that cost nothing: attrgetter() needs some."""
    text = json.dumps([node.get("content") for node in model["nodes"]])
    named = [field.name for field in fields(Facts) if re.search(rf"\b{field.name}\b", text)]
    return list(dict.fromkeys(["relation", "task_kind", *named]))


def _fired(trace: Mapping[str, Any]) -> str:
    for node in trace.values():
        data = node.get("traceData")
        if isinstance(data, dict) and "rule" in data:
            return str(data["rule"].get("_id", "?"))
    return "none"


def check(model: Mapping[str, Any]) -> None:
    """Refuse what is no decision table or could run code; raises RuleTableError."""
    nodes = model.get("nodes")
    if not isinstance(nodes, list) or not nodes:
        raise RuleTableError("the table has no nodes")
    for node in nodes:
        if node.get("type") not in ALLOWED_NODES:
            raise RuleTableError(f"node {node.get('name')!r}: {node.get('type')} is not allowed")
