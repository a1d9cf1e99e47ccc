"""Cells of decision tables: every operator means the same to the reader, the checks and the engine (C4)."""

from decimal import Decimal
from typing import Any

import given_rules as given
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as some

from changes.domain.rules_catalogue import EFFECTS, FIELDS, OPERATORS, Field, Kind
from changes.domain.rules_cells import (
    Condition,
    holds,
    number_of,
    texts_of,
    value_of,
    writable,
    wrong_condition,
    wrong_effect,
)
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_table import HitPolicy, Row, Table, refusals, trace

_NUMBERS = some.decimals(-1000, 1000, places=2).map(lambda number: str(number.normalize()))
_TEXTS = some.text(min_size=1, max_size=8).filter(writable) | some.sampled_from(["PM-480", "PM-", "a'b", 'a"b', "电源"])


def _values(field: Field) -> some.SearchStrategy[str]:
    if field.kind in {Kind.CHOICE, Kind.SET}:
        return some.sampled_from(sorted(field.allowed))
    if field.kind is Kind.YES_NO:
        return some.sampled_from(["yes", "no"])
    if field.kind is Kind.WHOLE:
        return some.integers(-50, 50).map(str)
    return _NUMBERS if field.kind is Kind.NUMBER else _TEXTS


@some.composite
def _asked(draw: some.DrawFn) -> tuple[Field, Condition, Any]:
    """A field, a condition that may be saved on it, and a value it may have; often one that the condition names."""
    field = draw(some.sampled_from(sorted(FIELDS.values(), key=lambda one: one.name)))
    operator = draw(some.sampled_from([one for one in OPERATORS.values() if field.kind in one.kinds]))
    count = operator.values if operator.values is not None else draw(some.integers(1, 3))
    values = draw(some.lists(_values(field), min_size=count, max_size=count))
    if count == 2 and operator.values == 2:
        values.sort(key=Decimal)
    near = draw(some.booleans()) and values
    texts = (draw(some.sampled_from(values)),) if near else draw(some.lists(_values(field), max_size=2).map(tuple))
    return field, Condition(operator.name, tuple(values)), value_of(field, texts)


@settings(deadline=None)
@over(_asked())
def test_engine_and_reader_agree_on_every_operator(asked: tuple[Field, Condition, Any]) -> None:
    """C4: a condition that may be saved means to zen-engine what it says on the page."""
    field, condition, value = asked
    if wrong_condition(condition, field) is not None:
        assert condition.op in {"until", "after", "within"}, "only an empty interval may be refused here"
        return
    table = Table((field.name,), (), (Row("hit", {field.name: condition}),), complete=False)
    assert CompiledTable("t", 1, table).fire({field.name: value}) == (
        ("hit",) if holds(condition, field, value) else ()
    )
    assert trace(table, {field.name: value}).hits == (("hit",) if holds(condition, field, value) else ())


@settings(deadline=None)
@over(some.sampled_from(sorted(FIELDS)), some.data())
def test_facts_survive_being_written_down(name: str, data: some.DataObject) -> None:
    field = FIELDS[name]
    value = value_of(field, tuple(data.draw(some.lists(_values(field), max_size=2))))
    assert value_of(field, texts_of(value)) == value


@pytest.mark.parametrize(
    ("name", "condition", "code"),
    [
        ("module", Condition("lt", ("5",)), "operator"),
        ("module", Condition("script", ("x",)), "operator"),
        ("module", Condition("in", ()), "values"),
        ("module", Condition("in", ("a'\"b",)), "text"),
        ("module", Condition("in", ("",)), "text"),
        ("task_kind", Condition("in", ("coffee",)), "unknown_value"),
        ("days_to_due", Condition("lt", ("soon",)), "type"),
        ("days_to_due", Condition("lt", ("1.5",)), "type"),
        ("planned_hours", Condition("lt", ("1/0",)), "type"),
        ("planned_hours", Condition("lt", ("NaN",)), "type"),
        ("planned_hours", Condition("between", ("8", "4")), "empty"),
        ("planned_hours", Condition("within", ("8", "8")), "empty"),
        ("planned_hours", Condition("between", ("8",)), "values"),
        ("task_open", Condition("is", ("maybe",)), "type"),
        ("differences", Condition("any_of", ("colour",)), "unknown_value"),
    ],
)
def test_wrong_condition_is_refused_in_both_languages(name: str, condition: Condition, code: str) -> None:
    wrong = wrong_condition(condition, FIELDS[name])
    assert wrong is not None
    assert (wrong.code, bool(wrong.text.zh), bool(wrong.text.en)) == (code, True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "explode"), ("criterion", ""), ("due_days", "-1"), ("due_days", "1.5"), ("hours_factor", "0"),
        ("hours_factor", "1/0"), ("hours_factor", "11"), ("must_confirm", "perhaps"), ("tell", "everybody"),
        ("tell", "person:"), ("consent", "over:-3"), ("consent", "8"),
    ],
)  # fmt: skip
def test_wrong_effect_is_refused(name: str, value: str) -> None:
    wrong = wrong_effect(name, (value,))
    assert wrong is not None
    assert EFFECTS[name].label.zh in wrong.text.zh


def test_refusal_names_row_and_field() -> None:
    """C4, bad input: an unknown field, an effect that does not exist, an operator of another type."""
    table = Table(
        ("module", "colour"),
        ("action",),
        (given.row("a", {"action": "lock", "salary": "2"}, module="in PM-480"), given.row("b", module="lt 5")),
    )
    assert [(one.field, one.wrong.code) for one in refusals(table)] == [
        ("fields.1", "unknown_field"),
        ("rows.0.then.salary", "unknown_effect"),
        ("rows.1.when.module", "operator"),
    ]


def test_first_takes_the_first_row_and_collect_takes_all() -> None:
    """C4: both hit policies, and the trace of each."""
    rows = (
        given.row("soon", {"must_confirm": "yes"}, days_to_due="lt 5"),
        given.row("late", {"tell": "manager"}, days_to_due="lt 0"),
        given.row("rest", {"action": "inform"}),
    )
    late = given.facts(days_to_due=Decimal(-2))
    known = {"days_to_due": late.days_to_due}
    first, collect = given.table(*rows), given.table(*rows, hit_policy=HitPolicy.COLLECT)
    assert CompiledTable("t", 1, first).fire(known) == trace(first, known).hits == ("soon",)
    assert CompiledTable("t", 1, collect).fire(known) == trace(collect, known).hits == ("soon", "late", "rest")
    unknown = {"days_to_due": None}
    assert trace(collect, unknown).stopped == {"soon": "days_to_due", "late": "days_to_due"}
    assert CompiledTable("t", 1, collect).fire(unknown) == ("rest",)


def test_numbers_have_no_exponent_and_no_infinity() -> None:
    assert [number_of(text) for text in ("12.50", "1e400", "inf", "0.00001", "", "-3")] == [
        Decimal("12.50"), None, None, None, None, Decimal(-3),
    ]  # fmt: skip
