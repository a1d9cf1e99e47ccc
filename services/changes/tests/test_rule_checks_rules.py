"""Static checks of decision tables are exact: against brute force over every value that could matter (C4)."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import given_rules as given
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from changes.domain.rules_catalogue import FIELDS
from changes.domain.rules_cells import Condition, value_of
from changes.domain.rules_checks import Finding, check
from changes.domain.rules_table import HitPolicy, Row, Table, trace, tracer

_SAMPLES: Mapping[str, list[Any]] = {
    "module": ["", "PM-480", "PM-481", "RD-16", "RD", "X"],
    "days_to_due": [None, *(Decimal(n) for n in range(-1, 6))],
    "depth": [None, *(Decimal(n) for n in range(6))],
    "planned_hours": [None, *(Decimal(n) / 2 for n in range(10))],
    "task_open": [True, False],
    "relation": ["direct", "above", "named"],
}
"""Every value that differs to conditions on these texts and on whole numbers from 0 to 4, and between them."""
_CELLS = {
    "module": [
        "in PM-480", "in PM-480,RD-16", "not_in PM-480", "starts PM-", "starts PM-,RD", "not_starts PM-", "known",
        "unknown", "starts RD-1",
    ],
    "days_to_due": ["lt 2", "ge 2", "between 0,3", "until 0,3", "after 1,2", "within 1,3", "eq 4", "ne 4", "known"],
    "depth": ["lt 1", "gt 0", "within 0,1", "le 0", "unknown", "known"],
    "planned_hours": ["lt 2", "ge 2", "within 0,1", "until 1,4", "after 1,4", "unknown", "ne 3"],
    "task_open": ["is yes", "is no"],
    "relation": ["in direct", "in above,named", "not_in direct"],
}  # fmt: skip


@some.composite
def tables(draw: some.DrawFn) -> Table:
    fields = draw(some.lists(some.sampled_from(sorted(_CELLS)), min_size=1, max_size=3, unique=True))
    rows = []
    for number in range(draw(some.integers(1, 6))):
        asked = draw(some.lists(some.sampled_from(fields), unique=True, max_size=len(fields)))
        cells = {name: draw(some.sampled_from(_CELLS[name])) for name in asked}
        rows.append(given.row(f"r{number}", {"action": draw(some.sampled_from(["lock", "inform"]))}, **cells))
    return Table(tuple(fields), ("action",), tuple(rows))


def _of(found: list[Finding], kind: str) -> list[Finding]:
    return [finding for finding in found if finding.kind == kind]


def _every(table: Table) -> list[dict[str, Any]]:
    values = [_SAMPLES[name] for name in table.fields]
    return [dict(zip(table.fields, picked, strict=True)) for picked in product(*values)]


def _facts(finding: Finding, table: Table) -> dict[str, Any]:
    assert finding.example is not None
    return {name: value_of(FIELDS[name], finding.example[name]) for name in table.fields}


@settings(deadline=None, max_examples=60)
@over(tables())
def test_gaps_and_dead_rows_are_those_of_brute_force(table: Table) -> None:
    """C4: a gap is found exactly when some case hits no row, and a row is unreachable exactly when no case hits it."""
    found = check(table)
    traced = tracer(table)
    hit = [traced(facts).hits for facts in _every(table)]
    assert bool(_of(found, "gap")) == any(not hits for hits in hit)
    reached = {id for hits in hit for id in hits}
    assert {finding.row for finding in _of(found, "unreachable")} == {row.id for row in table.rows} - reached
    for gap in _of(found, "gap"):
        assert trace(table, _facts(gap, table)).hits == (), "the example shows the gap"


@settings(deadline=None, max_examples=60)
@over(tables())
def test_overlap_shows_a_case_in_which_the_order_decides(table: Table) -> None:
    for finding in _of(check(table), "overlap"):
        assert finding.row
        facts = _facts(finding, table)
        assert trace(table, facts).hits == (finding.other,)
        alone = replace(table, rows=tuple(row for row in table.rows if row.id == finding.row))
        assert trace(alone, facts).hits == (finding.row,)


@settings(deadline=None, max_examples=60)
@over(tables())
def test_fixing_gap_after_gap_ends_without_one_and_breaks_no_row(table: Table) -> None:
    """C4: the row that a gap offers closes it and takes nothing from the rows above."""
    for number in range(40):
        gaps = _of(check(table), "gap")
        if not gaps or gaps[0].fix is None:
            break
        fix = Row(f"fix{number}", gaps[0].fix, {"action": ("inform",)})
        before, fixed = tracer(table), tracer(replace(table, rows=(fix,)))
        for facts in _every(table):
            if fixed(facts).hits:
                assert before(facts).hits == ()
        table = replace(table, rows=(*table.rows, fix))
    else:
        pytest.fail("the fixes close nothing")
    if gaps:
        assert gaps[0].fix is None


def test_gap_is_shown_with_the_fewest_conditions() -> None:
    rows = [
        given.row("key", {"action": "retest"}, change_type="in 参数", customer="in 重点客户"),
        given.row("other", {"action": "lock"}, change_type="not_in 参数"),
    ]
    (gap,) = _of(check(given.table(*rows)), "gap")
    assert gap.blocking
    assert gap.fix == {"change_type": Condition("in", ("参数",)), "customer": Condition("not_in", ("重点客户",))}


def test_table_that_leaves_the_rest_to_the_next_one_has_no_blocking_gap() -> None:
    table = given.table(given.row("one", module="in PM-480"), complete=False)
    assert [(one.kind, one.blocking) for one in check(table)] == [("gap", False)]


def test_row_without_effect_and_complete_table_without_action_block() -> None:
    table = given.table(given.row("a", {"tell": "lead"}, module="in PM-480"), given.row("b", {}))
    assert {(one.kind, one.row) for one in check(table) if one.blocking} == {("no_action", "a"), ("says_nothing", "b")}


def test_collected_rows_that_disagree_are_shown() -> None:
    rows = [given.row("a", {"hours_factor": "1.5"}, module="in PM-480"), given.row("b", {"hours_factor": "1.2"})]
    table = given.table(*rows, hit_policy=HitPolicy.COLLECT, complete=False)
    assert [(one.row, one.other) for one in _of(check(table), "conflict")] == [("b", "a")]


def test_default_table_has_no_blocking_finding() -> None:
    assert [finding for finding in check(given.DEFAULT) if finding.blocking] == []
