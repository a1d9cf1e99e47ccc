"""A1, A13: every event becomes one fact, which nobody can change."""

from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest
from given_analytics import CHANGE, ENGINEER, NOW, PEOPLE, impact, receipt, report

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.performance import MetricMeasured

pytestmark = pytest.mark.flow


async def count(analytics: RunningService) -> int:
    async with analytics.tx() as tx:
        found: int = await tx.raw.fetchval("select count(*) from facts")
        return found


def goods(number: int) -> GoodsReceived:
    return GoodsReceived(
        receipt=f"GR-{number}", order=f"PO-{number % 50}", line=1, supplier="S001", item="X", quantity=Decimal(1),
        received_at=NOW,
    )  # fmt: skip


def test_every_topic_is_heard(analytics: RunningService) -> None:
    """A1"""
    [subscription] = analytics.service.description.subscriptions
    assert set(subscription.topics) == set(topics.ALL)


async def test_a_fact_is_found_by_what_it_mentions(analytics: RunningService) -> None:
    """A1"""
    await analytics.hear(topics.IMPACTS, [impact()])
    await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1)])
    auditor = analytics.client("10009", [Role.AUDITOR])
    for name in (str(CHANGE), "ECN-77", ENGINEER, str(UUID(int=10231))):
        facts = (await auditor.get("/facts", params={"object": name})).json()["facts"]
        assert topics.IMPACTS.name in {one["topic"] for one in facts}, name
    [fact] = (await auditor.get("/facts", params={"object": "ECN-77"})).json()["facts"]
    assert fact["type"] == topics.IMPACTS.type
    assert fact["source"] == "test"
    assert fact["body"]["number"] == "ECN-77"
    assert (await auditor.get("/facts", params={"object": "nothing"})).json()["facts"] == []


async def test_facts_come_in_pages(analytics: RunningService) -> None:
    """A1"""
    for _ in range(3):
        await analytics.hear(topics.TEST_REPORTS, [report()])
        assert analytics.now is not None
        analytics.now = analytics.now.replace(minute=analytics.now.minute + 1)
    auditor = analytics.client("10009", [Role.AUDITOR])
    first = (await auditor.get("/facts", params={"object": "PM-480", "limit": 2})).json()["facts"]
    params = {"object": "PM-480", "before": first[-1]["at"]}
    second = (await auditor.get("/facts", params=params)).json()["facts"]
    assert len({one["id"] for one in first + second}) == 3


@pytest.mark.parametrize("statement", ["update facts set actor = 'x'", "delete from facts", "truncate facts"])
async def test_no_fact_can_be_changed(statement: str, analytics: RunningService) -> None:
    """A1"""
    await analytics.hear(topics.TEST_REPORTS, [report()])
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        async with analytics.tx() as tx:
            await tx.raw.execute(statement)
    assert await count(analytics) == 1


async def test_a_lost_inbox_adds_no_fact_and_announces_no_measure_again(analytics: RunningService) -> None:
    """A1: reading the topics again from the beginning."""
    ids = ["019c0000-0000-7000-8000-00000000000" + str(number) for number in range(3)]
    for _ in range(2):
        await analytics.hear(topics.IMPACTS, [impact()], ids=ids[:1])
        await analytics.hear(topics.NOTICE_RECEIPTS, [receipt(ENGINEER, 1)], ids=ids[1:2])
        await analytics.hear(topics.TEST_REPORTS, [report()], ids=ids[2:])
        await analytics.forget_inbox()
    assert await count(analytics) == 3
    assert len(await analytics.announced(topics.METRICS)) == 2
    assert await analytics.dead_letters() == []


async def test_its_own_measures_are_facts_too_and_lead_to_no_others(analytics: RunningService) -> None:
    """A13"""
    measure = MetricMeasured(
        metric="release_to_last_delivery", subject=str(CHANGE), value=Decimal(1), unit="s", n=1, complete=True,
        change=CHANGE, started_at=NOW, at=NOW, version=1,
    )  # fmt: skip
    await analytics.hear(topics.METRICS, [measure])
    assert await count(analytics) == 1
    assert await analytics.announced() == []


async def test_a_burst_is_taken_in_sets(analytics: RunningService) -> None:
    """I1: as many statements for five hundred events as for five."""
    statements: list[str] = []
    connection = await analytics._held()
    connection.raw.add_query_logger(lambda record: statements.append(record.query))
    await analytics.hear(topics.RECEIPTS, [goods(number) for number in range(5)])
    few = len(statements)
    await analytics.hear(topics.RECEIPTS, [goods(number) for number in range(5, 505)])
    assert len(statements) - few <= few
    assert await count(analytics) == 505


@pytest.mark.parametrize("role", [*Role])
async def test_who_may_read_facts(role: Role, analytics: RunningService) -> None:
    """W4"""
    client = analytics.client("10231", [role], supplier="S001" if role is Role.SUPPLIER else None)
    allowed = role in {Role.AUDITOR, Role.ADMINISTRATOR, Role.DIRECTOR}
    assert (await client.get("/facts", params={"object": PEOPLE[0].person})).status_code == (200 if allowed else 403)
