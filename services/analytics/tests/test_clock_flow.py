"""C6, A3: the two clocks of each change, from what was announced."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from given_analytics import CHANGE, ENGINEER, NOW, PEOPLE, TESTER, impact, order, receipt, report, row

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ChangeState, ImpactAction
from bihuan_contracts.notify import ReceiptState
from bihuan_contracts.performance import MetricMeasured

pytestmark = pytest.mark.flow


async def clock(analytics: RunningService, change: UUID = CHANGE) -> dict[str, Any]:
    found: dict[str, Any] = (await analytics.client().get(f"/changes/{change}/clock")).json()
    return found


async def metric(analytics: RunningService, name: str) -> dict[str, Any]:
    found: dict[str, Any] = (await analytics.client().get(f"/metrics/{name}")).json()
    return found


async def measures(analytics: RunningService) -> list[MetricMeasured]:
    return await analytics.announced(topics.METRICS)


async def test_the_last_delivery_ends_the_clock(analytics: RunningService) -> None:
    """C6: p50, p95, the last, and both starting points."""
    await analytics.hear(topics.PEOPLE, PEOPLE)
    await analytics.hear(topics.IMPACTS, [impact()])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 2.5), receipt(TESTER, 4)])
    analytics.now = NOW + timedelta(minutes=10)
    found = await clock(analytics)
    assert (found["delivered"], found["expected"], found["complete"]) == (2, 2, True)
    assert (found["last_delivery"], found["last_delivery_since_received"]) == (4.0, 3.0)
    assert (found["median_delivery"], found["p95_delivery"]) == (2.5, 4.0)
    assert found["misses"] == []
    assert [(one["name"], one["seconds"]) for one in found["deliveries"]] == [("周启航", 2.5), ("林若溪", 4.0)]


async def test_who_had_it_late_or_not_at_all_is_named(analytics: RunningService) -> None:
    """C6"""
    await analytics.hear(topics.PEOPLE, PEOPLE)
    await analytics.hear(topics.IMPACTS, [impact(row(ENGINEER), row(TESTER), row("10105", ImpactAction.INFORM))])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1), receipt(TESTER, 121)])
    analytics.now = NOW + timedelta(seconds=119)
    assert (await clock(analytics))["misses"] == ["林若溪"]
    analytics.now = NOW + timedelta(seconds=122)
    found = await clock(analytics)
    assert found["misses"] == ["林若溪", "10105"]
    assert found["complete"] is False
    assert (await metric(analytics, "release_to_last_delivery"))["open"] == 1


async def test_each_new_value_is_announced_with_a_version(analytics: RunningService) -> None:
    """C6, A13"""
    await analytics.hear(topics.IMPACTS, [impact()])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1)])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(TESTER, 2)])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(TESTER, 9, ReceiptState.CONFIRMED), receipt(TESTER, 3)])
    found = [(float(one.value), one.n, one.complete, one.version) for one in await measures(analytics)]
    assert found == [(1.0, 1, False, 1), (2.0, 2, True, 2)]
    assert (await clock(analytics))["deliveries"][1]["confirmed_at"] is not None


async def test_mail_and_other_states_are_no_delivery(analytics: RunningService) -> None:
    """C6: the in-site inbox is the record."""
    await analytics.hear(topics.IMPACTS, [impact()])
    await analytics.hear(
        topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1, channel="mail"), receipt(TESTER, 1, ReceiptState.SENT)]
    )
    assert (await clock(analytics))["last_delivery"] is None
    assert await measures(analytics) == []


async def test_receipts_and_reports_heard_before_their_change_count(analytics: RunningService) -> None:
    """I3: topics know no order among each other."""
    analytics.now = NOW + timedelta(seconds=50)
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1), receipt(TESTER, 2)])
    await analytics.hear(topics.TEST_REPORTS, [report()])
    assert await measures(analytics) == []
    await analytics.hear(topics.IMPACTS, [impact()])
    assert [(one.metric, float(one.value)) for one in await measures(analytics)] == [
        ("release_to_last_delivery", 2.0),
        ("release_to_first_retest_report", 50.0),
    ]


async def test_only_a_report_on_the_new_version_ends_the_retest_clock(analytics: RunningService) -> None:
    """A3"""
    await analytics.hear(topics.IMPACTS, [impact()])
    analytics.now = NOW + timedelta(hours=1)
    await analytics.hear(topics.TEST_REPORTS, [report("V2.3", "TR-old")])
    assert (await clock(analytics))["open_for"] == 3600
    analytics.now = NOW + timedelta(hours=30)
    await analytics.hear(topics.TEST_REPORTS, [report(number="TR-2")])
    analytics.now = NOW + timedelta(hours=31)
    await analytics.hear(topics.TEST_REPORTS, [report(number="TR-3")])
    found = await clock(analytics)
    assert (found["first_report"], found["first_report_number"], found["open_for"]) == (30 * 3600, "TR-2", None)
    assert [float(one.value) for one in await measures(analytics)] == [30 * 3600]


async def test_a_report_from_before_the_release_does_not_count(analytics: RunningService) -> None:
    """A3"""
    analytics.now = NOW - timedelta(hours=1)
    await analytics.hear(topics.TEST_REPORTS, [report()])
    analytics.now = NOW
    await analytics.hear(topics.IMPACTS, [impact()])
    assert (await clock(analytics))["first_report"] is None


async def test_a_newer_assessment_replaces_who_is_expected(analytics: RunningService) -> None:
    """C5"""
    await analytics.hear(topics.IMPACTS, [impact()])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1)])
    await analytics.hear(topics.IMPACTS, [impact(row(ENGINEER), version=2)])
    await analytics.hear(topics.IMPACTS, [impact(row(ENGINEER), row("10105"), version=1)])
    found = await clock(analytics)
    assert (found["expected"], found["complete"]) == (1, True)
    assert (await measures(analytics))[-1].complete


async def test_a_change_effective_later_is_measured_from_then(analytics: RunningService) -> None:
    """C6, C3"""
    later = NOW + timedelta(days=5)
    await analytics.hear(topics.CHANGE_ORDERS, [order(effective_at=later)])
    assert (await analytics.client().get(f"/changes/{CHANGE}/clock")).status_code == 404
    analytics.now = later
    await analytics.hear(topics.IMPACTS, [impact()])
    two = timedelta(seconds=2)
    await analytics.hear(
        topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 0, at=later + two), receipt(TESTER, 0, at=later + two)]
    )
    found = await clock(analytics)
    assert (found["last_delivery"], found["misses"]) == (2.0, [])
    assert (await measures(analytics))[-1].started_at == later


async def test_superseded_and_cancelled_changes_leave_the_statistics(analytics: RunningService) -> None:
    """A3"""
    one, two, three = (UUID(int=number) for number in (1, 2, 3))
    await analytics.hear(topics.IMPACTS, [impact(change=one), impact(change=two), impact(change=three, supersedes=one)])
    await analytics.hear(topics.CHANGE_ORDERS, [order(ChangeState.CANCELLED, change=two)])
    found = await metric(analytics, "release_to_first_retest_report")
    assert [point["number"] for point in found["points"]] == ["ECN-3"]


async def test_median_and_trend_count_open_changes(analytics: RunningService) -> None:
    """A3: against the 72 h baseline."""
    changes = [UUID(int=number) for number in range(1, 5)]
    for number, change in enumerate(changes, 1):
        row_of_its_own = row(ENGINEER).model_copy(update={"module": f"M-{number}"})
        released = NOW + timedelta(days=number % 2)
        await analytics.hear(topics.IMPACTS, [impact(row_of_its_own, change=change, released_at=released)])
    analytics.now = NOW + timedelta(hours=41)
    for number in (2, 4):
        module = report(number=f"TR-{number}").model_copy(update={"module": f"M-{number}"})
        await analytics.hear(topics.TEST_REPORTS, [module])
    analytics.now = NOW + timedelta(days=10)
    found = await metric(analytics, "release_to_first_retest_report")
    assert (found["n"], found["open"], found["baseline"]) == (4, 2, 72 * 3600)
    assert found["median"] == 41 * 3600
    assert found["p90"] is None
    assert [(day["day"], day["n"], day["open"]) for day in found["trend"]] == [
        ("2026-03-11", 2, 0),
        ("2026-03-12", 2, 2),
    ]


async def test_a_change_that_only_informs_has_no_retest_clock(analytics: RunningService) -> None:
    """A3"""
    await analytics.hear(topics.IMPACTS, [impact(row(ENGINEER, ImpactAction.INFORM))])
    assert (await metric(analytics, "release_to_first_retest_report"))["n"] == 0
    assert (await metric(analytics, "release_to_last_delivery"))["n"] == 1


async def test_a_change_nobody_knows_has_no_clock(analytics: RunningService) -> None:
    """C6"""
    assert (await analytics.client().get(f"/changes/{CHANGE}/clock")).status_code == 404
    assert (await analytics.client().get("/metrics/nothing")).status_code == 422


@pytest.mark.parametrize("role", [None, *Role])
async def test_everybody_inside_may_read_clocks(role: Role | None, analytics: RunningService) -> None:
    """W4"""
    await analytics.hear(topics.IMPACTS, [impact()])
    supplier = "S001" if role is Role.SUPPLIER else None
    client = analytics.client("10231" if role else None, [role] if role else [], supplier=supplier)
    expected = 401 if role is None else 403 if role is Role.SUPPLIER else 200
    assert (await client.get(f"/changes/{CHANGE}/clock")).status_code == expected
    assert (await client.get("/metrics/release_to_last_delivery")).status_code == expected
