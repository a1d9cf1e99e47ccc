"""A1: a fact is found by everything that it mentions, and names who acted."""

from uuid import UUID

from given_analytics import CHANGE, ENGINEER, PEOPLE, TESTER, impact, order, receipt, report

from analytics.domain.references import actor, references


def test_an_impact_is_found_by_change_item_people_and_tasks() -> None:
    """A1"""
    found = references(impact())
    assert {str(CHANGE), "ECN-77", "PM-480", ENGINEER, TESTER, str(UUID(int=10231))} <= set(found)
    assert found == sorted(found)


def test_a_test_report_is_found_by_module_and_tester() -> None:
    """A1"""
    assert {"TR-1", "PM-480", TESTER} <= set(references(report()))


def test_who_acted_is_who_did_it_and_not_who_was_told() -> None:
    """A1"""
    assert actor(order()) == "10105"
    assert actor(report()) == TESTER
    assert actor(receipt(ENGINEER, 1)) is None
    assert actor(PEOPLE[0]) is None
