"""Decision tables for tests, written as short as they read."""

from decimal import Decimal
from importlib.resources import files
from typing import Any

from changes.domain.rules import Facts
from changes.domain.rules_cells import Condition
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_table import Row, Table
from changes.store.rules import TABLE

DEFAULT = TABLE.validate_json(files("changes").joinpath("rules/default-1.json").read_text(encoding="utf-8"))


def when(**cells: str) -> dict[str, Condition]:
    """`task_kind="in test,none"`, `days_to_due="lt 5"`, `task_open="is yes"`."""
    found = {}
    for name, text in cells.items():
        op, _, values = text.partition(" ")
        found[name] = Condition(op, tuple(values.split(",")) if values else ())
    return found


def row(id: str, then: dict[str, str] | None = None, **cells: str) -> Row:
    said = {"action": "inform"} if then is None else then
    return Row(id, when(**cells), {name: tuple(value.split(",")) for name, value in said.items()})


def table(*rows: Row, **more: Any) -> Table:
    fields = tuple(dict.fromkeys(name for one in rows for name in one.when))
    effects = tuple(dict.fromkeys(name for one in rows for name in one.then))
    return Table(fields=fields, effects=effects, rows=rows, **more)


def compiled(*rows: Row, name: str = "default", version: int = 1, **more: Any) -> CompiledTable:
    return CompiledTable(name, version, table(*rows, **more))


def facts(**more: Any) -> Facts:
    values: dict[str, Any] = {
        "relation": "direct", "depth": Decimal(0), "task_kind": "develop", "task_open": True, "change_type": "design",
        "source": "plm", "item": "PM-480", "module": "PM-480", "product": "GX-500", "project": "GX-500",
        "phase": "EVT", "customer": "华东精机", "department": "RD", "flags_only": False,
        "differences": frozenset({"replaced"}), "days_to_due": Decimal(12), "planned_hours": Decimal(40),
    }  # fmt: skip
    return Facts(**(values | more))
