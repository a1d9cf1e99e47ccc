"""What an order of tables leaves without a say, and who may decide about it (C4)."""

from datetime import UTC, datetime

import pytest

from changes.domain import rules_order
from changes.domain.rules_cells import Condition
from changes.domain.rules_order import OrderState, TableOrder
from changes.domain.rules_shadows import shadows
from changes.domain.rules_table import HitPolicy, Row, Table
from changes.domain.rules_versions import StepRefusedError

NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
TESTS = Condition("in", ("test",))
POWER = Condition("starts", ("PM-",))


def table(*rows: Row, hit_policy: HitPolicy = HitPolicy.FIRST) -> Table:
    fields = tuple(dict.fromkeys(name for row in rows for name in row.when))
    return Table(fields, ("action", "due_days", "tell"), rows, hit_policy=hit_policy, complete=False)


def found(*tables: Table) -> list[tuple[str, str, str]]:
    named = [(f"R-{number}", one) for number, one in enumerate(tables, 1)]
    return [(one.table, one.row, one.effect) for one in shadows(named)]


NARROW = table(Row("power", {"module": POWER, "task_kind": TESTS}, {"action": ("lock",)}))
WIDE = table(Row("tests", {"task_kind": TESTS}, {"action": ("retest",)}))


def test_a_table_after_a_wider_one_never_decides_and_before_it_both_do() -> None:
    """C4: moving a table up brings it back."""
    assert found(WIDE, NARROW) == [("R-2", "power", "action")]
    assert found(NARROW, WIDE) == []


def test_several_tables_together_may_leave_nothing() -> None:
    """C4: exact, not pairwise: tests and everything but tests are everything."""
    others = table(Row("rest", {"task_kind": Condition("not_in", ("test",))}, {"action": ("inform",)}))
    last = table(Row("any", {}, {"action": ("lock",), "due_days": ("3",)}))
    assert found(WIDE, last) == []
    assert found(WIDE, others, last) == [("R-3", "any", "action")]


def test_a_row_above_that_says_nothing_about_an_effect_keeps_its_cases_for_later() -> None:
    """C4: in a table where the first row decides, a silent row takes its cases from the rows below it."""
    silent = Row("silent", {"module": POWER}, {"due_days": ("2",)})
    tests = Row("tests", {"task_kind": TESTS}, {"action": ("retest",)})
    assert found(table(silent, tests), NARROW) == []
    assert found(table(silent, tests, hit_policy=HitPolicy.COLLECT), NARROW) == [("R-2", "power", "action")]


def test_who_is_told_adds_up_and_is_never_shadowed() -> None:
    """C4."""
    one = table(Row("one", {}, {"tell": ("lead",)}))
    assert found(one, one) == []


def test_an_order_needs_a_second_person_and_every_table_once() -> None:
    """C4."""
    asked = ["R-02", "R-03", "default"]
    for names, code in (
        (["R-02", "R-03"], "same_order"),
        (["R-03"], "other_tables"),
        (["R-03", "R-03"], "other_tables"),
    ):
        with pytest.raises(StepRefusedError) as refused:
            rules_order.propose(1, names, asked, "10003", NOW)
        assert refused.value.code == code
    order = rules_order.propose(1, ["R-03", "R-02"], asked, "10003", NOW)
    with pytest.raises(StepRefusedError) as own:
        rules_order.approve(order, "10003", NOW)
    assert own.value.code == "own_draft"
    assert rules_order.approve(order, "10001", NOW).state is OrderState.IN_FORCE
    assert rules_order.refuse(order, "10003", NOW).state is OrderState.WITHDRAWN
    with pytest.raises(StepRefusedError) as late:
        rules_order.approve(TableOrder(1, (), "10003", NOW, OrderState.REFUSED), "10001", NOW)
    assert late.value.code == "state"
