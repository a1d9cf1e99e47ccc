"""A decision table compiled for zen-engine: the engine finds the rows that fire, and nothing else (C4)."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import zen

from bihuan_contracts import Text
from changes.domain.rules_catalogue import FIELDS, Field
from changes.domain.rules_cells import Value, compiled, literal
from changes.domain.rules_table import Row, Table, tracer

_ENGINE = zen.ZenEngine()


class CompiledTable:
    """One version of a table, ready to be asked. A version never changes, so it is compiled once."""

    def __init__(self, name: str, version: int, table: Table, catalogue: Mapping[str, Field] = FIELDS) -> None:
        self.name, self.version, self.table, self.catalogue = name, version, table, catalogue
        self.asks = tuple(name for name in table.fields if any(name in row.when for row in table.rows))
        self.trace = tracer(table, catalogue)
        self._rows = {row.id: row for row in table.rows}
        self._decision = _ENGINE.create_decision(json.dumps(_model(table, self.asks, catalogue)))

    def fire(self, facts: Mapping[str, Value]) -> tuple[str, ...]:
        """The rows that fire on these facts, in the order of the table."""
        return self.fire_on({name: _plain(facts[name]) for name in self.asks})

    def fire_on(self, context: Mapping[str, Any]) -> tuple[str, ...]:
        """The same for facts as the engine takes them."""
        # The engine's own trace costs as much as the evaluation: each row says its name instead.
        result: Any = self._decision.evaluate(context)["result"]  # type: ignore[arg-type] # any mapping will do
        if isinstance(result, dict):
            return (str(result["row"]),) if "row" in result else ()
        return tuple(str(one["row"]) for one in result or ())

    def row(self, id: str) -> Row:
        return self._rows[id]


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, frozenset) else value


def _model(table: Table, asks: tuple[str, ...], catalogue: Mapping[str, Field]) -> dict[str, Any]:
    inputs = [{"id": f"i{n}", "name": name, "field": catalogue[name].expression} for n, name in enumerate(asks)]
    rules = [
        {"_id": row.id, "row": literal(row.id)} | {f"i{n}": cell(row, name, catalogue) for n, name in enumerate(asks)}
        for row in table.rows
    ]
    return model(
        {
            "hitPolicy": str(table.hit_policy),
            # A table that asks nothing still needs an input.
            "inputs": inputs or [{"id": "i0", "name": "any", "field": ""}],
            "outputs": [{"id": "row", "name": "row", "field": "row"}],
            "rules": rules,
        }
    )


def cell(row: Row, name: str, catalogue: Mapping[str, Field]) -> str:
    return compiled(row.when[name], catalogue[name]) if name in row.when else ""


def model(content: Mapping[str, Any], name: str = "table") -> dict[str, Any]:
    """A decision graph with one table in it."""
    return {
        "contentType": "application/vnd.gorules.decision",
        "nodes": [
            {"id": "input", "type": "inputNode", "name": "facts", "position": {"x": 0, "y": 0}},
            {
                "id": "table",
                "type": "decisionTableNode",
                "name": name,
                "position": {"x": 300, "y": 0},
                "content": dict(content),
            },
            {"id": "output", "type": "outputNode", "name": "effects", "position": {"x": 600, "y": 0}},
        ],
        "edges": [
            {"id": "e1", "sourceId": "input", "targetId": "table", "type": "edge"},
            {"id": "e2", "sourceId": "table", "targetId": "output", "type": "edge"},
        ],
    }


NOTHING_SAID = Text(zh="没有规则命中，仅通知", en="No rule applies; for information")
