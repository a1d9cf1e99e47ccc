"""Rules: 20,000 decisions with trace and effects, against the engine alone on the same table and the same facts (C4)."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files
from itertools import cycle, islice, product
from typing import Any

import zen

from bench.around import ROUNDS
from bench.rows import Row, ratio
from bihuan_tools.instance import Instance
from changes.domain.rules import Facts, RuleBook
from changes.domain.rules_cells import Condition
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_jdm import written
from changes.domain.rules_table import Row as RuleRow
from changes.domain.rules_table import Table
from changes.store.rules import TABLE

EVALUATIONS = 20_000


async def rules(_: Instance) -> list[Row]:
    """Every case different, so that nothing is remembered; and the mix of a large change, where most cases recur."""
    table = _table()
    facts = _facts()
    contexts = [_context(one) for one in facts]
    engine = zen.ZenEngine().create_decision(json.dumps(written("bench", table)))
    different: list[tuple[float, float]] = []
    recurring: list[tuple[float, float]] = []
    same = [one._replace(planned_hours=Decimal(40)) for one in facts]
    for number in range(ROUNDS + 1):
        bare = _seconds(lambda: [engine.evaluate(context) for context in contexts])
        ours = _seconds(lambda: _decide(table, facts))
        mixed = _seconds(lambda: _decide(table, same))
        if number:  # the first round warms both sides
            different.append((ours, bare))
            recurring.append((mixed, bare))
    figures = f"{EVALUATIONS / different[-1][0]:,.0f}/s, engine alone {EVALUATIONS / different[-1][1]:,.0f}/s"
    return [
        Row("rules, every case different / engine alone", ratio(different), 1.5, False, figures),
        Row(
            "rules, cases of one change / engine alone", ratio(recurring), 1.5, False,
            f"{EVALUATIONS / recurring[-1][0]:,.0f}/s",
        ),
    ]  # fmt: skip


def _decide(table: Table, facts: Sequence[Facts]) -> list[Any]:
    book = RuleBook([CompiledTable("bench", 1, table)])
    return [book.decide(one) for one in facts]


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _table() -> Table:
    """The table that comes with the system, and a row that asks for hours: no two cases look the same to it."""
    known = TABLE.validate_json(files("changes").joinpath("rules/default-1.json").read_text(encoding="utf-8"))
    long = RuleRow("long", {"planned_hours": Condition("gt", ("1000000",))}, {"action": ("inform",)})
    return replace(known, fields=("planned_hours", *known.fields), rows=(long, *known.rows))


def _facts() -> list[Facts]:
    kinds = product(
        ("direct", "above", "named"), ("develop", "test", "document", "process", "none"), (True, False), (True, False)
    )
    return [
        Facts(
            relation=relation, depth=Decimal(1), task_kind=kind, task_open=is_open, change_type="design", source="plm",
            item="PM-480", module="PM-480", product="GX-500", project="P-GX-500", phase="EVT", customer="华东精机",
            department="RD", flags_only=flags, differences=frozenset({"replaced"}), days_to_due=Decimal(9),
            planned_hours=Decimal(number) / 2,
        )
        for number, (relation, kind, is_open, flags) in enumerate(islice(cycle(kinds), EVALUATIONS))
    ]  # fmt: skip


def _context(facts: Facts) -> dict[str, Any]:
    """The facts that the table asks, as the engine takes them."""
    asked = ("planned_hours", "relation", "task_kind", "task_open", "flags_only")
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in facts._asdict().items()
        if name in asked
    }
