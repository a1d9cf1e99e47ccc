"""JDM files: our own come back as they were, a foreign table runs with its own cases, scripts stay out (C4)."""

import json
from pathlib import Path
from typing import Any

import given_rules as given
import pytest
import zen
from hypothesis import given as over
from hypothesis import settings
from test_rule_checks_rules import tables

from bihuan_contracts import Text
from changes.domain.rules_catalogue import Choice, Field, Kind
from changes.domain.rules_cells import texts_of
from changes.domain.rules_checks import check
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_jdm import JdmError, read, written
from changes.domain.rules_table import Table

_SHIPPING = Path(__file__).parents[4] / "shared/samples/zen/decision-table-shipping.json"
_WORD = Text(zh="", en="")
_FOREIGN = {
    field.name: field
    for field in (
        Field("totals", Kind.NUMBER, _WORD, source="sum(map(cart.items, #.unitPrice * #.quantity))"),
        Field("tags", Kind.SET, _WORD, (Choice("premium", _WORD), Choice("new", _WORD)), source="customer.tags"),
        Field("country", Kind.TEXT, _WORD, source="customer.country"),
    )
}


def shipping() -> tuple[dict[str, Any], Table]:
    if not _SHIPPING.exists():
        pytest.skip("the samples of the rule engine's authors are not on this machine")
    model = json.loads(_SHIPPING.read_text(encoding="utf-8"))
    return model, read(model, _FOREIGN, {"price", "group"})


def test_shipping_table_runs_with_its_own_cases() -> None:
    model, table = shipping()
    compiled = CompiledTable("shipping", 1, table, _FOREIGN)
    assert len(model["tests"]) == 12
    for case in model["tests"]:
        (fired,) = compiled.fire_on(case["input"])
        said = table.row(fired)
        assert said is not None
        assert {name: values[0] for name, values in said.then.items()} == {
            name: str(value) for name, value in case["output"].items()
        }


def test_shipping_table_has_no_gap_and_comes_back_the_same() -> None:
    _, table = shipping()
    assert {finding.kind for finding in check(table, _FOREIGN)} <= {"overlap", "no_action"}
    assert read(written("shipping", table, _FOREIGN), _FOREIGN, {"price", "group"}) == table


def test_shipping_table_is_refused_for_changes_because_its_fields_are_not_ours() -> None:
    model, _ = shipping()
    with pytest.raises(JdmError) as refused:
        read(model)
    fields = [one.wrong.text.en for one in refused.value.refused if one.wrong.code == "unknown_field"]
    assert len(fields) == 3
    assert "customer.country" in fields[2]


@settings(deadline=None, max_examples=60)
@over(tables())
def test_table_comes_back_from_its_file_as_it_was(table: Table) -> None:
    assert read(json.loads(json.dumps(written("t", table)))) == table


def test_exported_file_decides_the_same_in_the_engine_itself() -> None:
    """Other engines read our files: effects included."""
    decision = zen.ZenEngine().create_decision(json.dumps(written("default", given.DEFAULT)))
    facts = given.facts()
    context = {name: texts_of(getattr(facts, name)) for name in given.DEFAULT.fields}
    plain = {"relation": "direct", "task_kind": "develop", "task_open": True, "flags_only": False}
    assert set(context) == set(plain)
    result: Any = decision.evaluate(plain)["result"]
    assert result == {"action": "lock", "must_confirm": True, "due_days": 2, "hours_factor": 1.2}


@pytest.mark.parametrize("kind", ["functionNode", "expressionNode", "switchNode", "decisionNode", "customNode", "x"])
def test_nodes_that_compute_are_refused_by_name(kind: str) -> None:
    model = written("default", given.DEFAULT)
    model["nodes"].append({"id": "n", "type": kind, "name": "算价"})
    with pytest.raises(JdmError, match=r"nodes\.3"):
        read(model)


@pytest.mark.parametrize(
    ("cell", "text", "code"),
    [
        ("i0", "contains($, relation)", "script"),
        ("i0", "'direct' or true", "script"),
        ("i2", "1 / 0", "script"),
        ("o2", "1 / 0", "script"),
        ("o2", "due_days + 1", "script"),
        ("o0", "`lock`", "script"),
    ],
)
def test_cell_that_is_no_plain_condition_is_refused_with_its_row(cell: str, text: str, code: str) -> None:
    model = written("default", given.DEFAULT)
    model["nodes"][1]["content"]["rules"][1][cell] = text
    with pytest.raises(JdmError) as refused:
        read(model)
    (one,) = refused.value.refused
    assert (one.field, one.wrong.code) == (f"nodes.1.rules.1.{cell}", code)
    assert one.wrong.text.zh.startswith("第 2 行")


@pytest.mark.parametrize(
    "given_model", [{}, [], "x", {"nodes": []}, {"nodes": [{"type": "inputNode"}]}, {"nodes": [1]}]
)
def test_what_is_no_jdm_file_is_refused(given_model: Any) -> None:
    with pytest.raises(JdmError):
        read(given_model)
