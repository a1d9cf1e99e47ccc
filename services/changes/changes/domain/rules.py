"""Decision tables (JDM, evaluated by zen-engine): what happens to each row that a change reaches (C4)."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import zen

from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAction

ALLOWED_NODES = {"inputNode", "outputNode", "decisionTableNode", "expressionNode", "switchNode"}
"""Script nodes run code of whoever edits the table: refused."""


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
    """One version of a decision table. Equal facts are decided once."""

    def __init__(self, name: str, version: int, model: Mapping[str, Any]) -> None:
        check(model)
        self.name, self.version = name, version
        self._decision = zen.ZenEngine().create_decision(json.dumps(model))
        self._known: dict[Facts, Decision] = {}
        self._words = {
            rule["_id"]: Text(zh=rule.get("_description", ""), en=rule.get("_description_en", ""))
            for node in model["nodes"]
            if node["type"] == "decisionTableNode"
            for rule in node["content"]["rules"]
        }

    def decide(self, facts: Facts) -> Decision:
        if facts not in self._known:
            self._known[facts] = self._evaluate(facts)
        return self._known[facts]

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
