"""Several tables in force decide together (C4)."""

import json
from decimal import Decimal

import given_rules as given

from bihuan_contracts.changes import ImpactAction
from changes.domain.rules import RuleBook
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_table import HitPolicy, run_cases

_DEFAULT = CompiledTable("default", 1, given.DEFAULT)


def test_tests_of_the_default_table_are_green() -> None:
    assert [tested.case for tested in run_cases(given.DEFAULT, _DEFAULT.fire) if not tested.green] == []


def test_earlier_table_decides_each_effect_that_it_names_and_told_people_add_up() -> None:
    power = given.compiled(
        given.row("emc", {"hours_factor": "1.5", "tell": "module"}, module="starts PM-"), name="R-02", complete=False
    )
    supplier = given.compiled(
        given.row("parts", {"tell": "department:PU,module"}, differences="any_of replaced"),
        name="R-03", version=4, complete=False,
    )  # fmt: skip
    decision = RuleBook([power, supplier, _DEFAULT]).decide(given.facts())
    assert (decision.action, decision.hours_factor, decision.due_within_days) == (ImpactAction.LOCK, Decimal("1.5"), 2)
    assert decision.tell == ("module", "department:PU")
    assert (decision.table, decision.row, decision.version) == ("default", "lock-direct", 1)
    assert [(hit.table, hit.version, hit.row, hit.effects) for hit in decision.hits] == [
        ("R-02", 1, "emc", ("hours_factor", "tell")),
        ("R-03", 4, "parts", ("tell",)),
        ("default", 1, "lock-direct", ("action", "must_confirm", "due_days")),
    ]


def test_trace_says_why_this_row_and_why_not_the_others() -> None:
    (traced,) = json.loads(RuleBook([_DEFAULT]).decide(given.facts()).trace)
    assert traced == {
        "table": "default",
        "version": 1,
        "hits": ["lock-direct"],
        "stopped": {"flags": "flags_only", "document": "task_kind", "retest-direct": "task_kind"},
    }


def test_consent_above_a_limit_of_extra_hours() -> None:
    """C4, C8: 40 planned hours grow by a half: 20 more, which is over 8 and not over 20."""
    for limit, needed in (("over:8", True), ("over:20", False), ("yes", True), ("no", False)):
        table = given.compiled(given.row("a", {"action": "lock", "hours_factor": "1.5", "consent": limit}))
        decision = RuleBook([table]).decide(given.facts())
        assert decision.needs_consent(Decimal(40)) is needed
        assert decision.needs_consent(None) is (limit == "yes")


def test_unknown_hours_count_as_too_many_where_the_rule_says_so() -> None:
    """C8: a task without planned hours needs consent by the rule's own word, and the decision shows that word."""
    for word, of_unknown, of_few in (("over:8:unknown", True, False), ("over:8", False, False), ("yes", True, True)):
        table = given.compiled(given.row("a", {"action": "lock", "hours_factor": "1.1", "consent": word}))
        decision = RuleBook([table]).decide(given.facts())
        assert decision.needs_consent(None) is of_unknown
        assert decision.needs_consent(Decimal(10)) is of_few
        assert json.loads(decision.said)["consent"] == [word]


def test_no_table_informs_and_says_that_no_rule_applies() -> None:
    decision = RuleBook([given.compiled(given.row("a", module="in X"), complete=False)]).decide(given.facts())
    assert (decision.action, decision.table, decision.hits) == (ImpactAction.INFORM, "none", ())
    assert "没有规则" in decision.explanation.zh


def test_collected_rows_add_their_people() -> None:
    table = given.compiled(
        given.row("a", {"tell": "lead"}, module="in PM-480"), given.row("b", {"tell": "manager"}),
        hit_policy=HitPolicy.COLLECT,
    )  # fmt: skip
    assert RuleBook([table]).decide(given.facts()).tell == ("lead", "manager")
