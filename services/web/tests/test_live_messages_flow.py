"""N5: what happens in the company becomes small messages, one for each thing however often it changed."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.feedback import CardAnswer, CardAnswered
from bihuan_contracts.goals import TargetsRecalculated
from bihuan_contracts.notify import ReceiptChanged, ReceiptState
from bihuan_contracts.performance import MetricMeasured

pytestmark = pytest.mark.flow
NOW = datetime(2026, 3, 11, tzinfo=UTC)
CHANGE, TASK = UUID(int=1), UUID(int=2)


def receipt(person: str, change: UUID | None = CHANGE) -> ReceiptChanged:
    return ReceiptChanged(
        notice=UUID(int=9), person=person, channel="site", state=ReceiptState.DELIVERED, must_confirm=True,
        change=change, released_at=NOW, received_at=NOW, at=NOW,
    )  # fmt: skip


async def test_thirty_receipts_of_one_change_are_one_message(web: RunningService) -> None:
    """N5"""
    await web.hear(topics.NOTICE_RECEIPTS, [receipt(str(number)) for number in range(30)])
    assert [(one.kind, one.id) for one in web.live_messages] == [("receipt", str(CHANGE))]


async def test_a_receipt_of_no_change_is_nobodys_news(web: RunningService) -> None:
    """N5"""
    await web.hear(topics.NOTICE_RECEIPTS, [receipt("1", None)])
    assert web.live_messages == []


async def test_answers_targets_and_metrics_reach_open_pages(web: RunningService) -> None:
    """N5"""
    answer = CardAnswered(
        task=TASK, change=CHANGE, person="10231", answer=CardAnswer.CONFIRMED, document=None, attachments=0, at=NOW,
        version=1,
    )  # fmt: skip
    target = TargetsRecalculated(
        task=TASK, task_code="T-1", task_title="x", project=UUID(int=3), person="10231", changes=(), change=CHANGE,
        change_number="ECN-1", rule=None, at=NOW,
    )  # fmt: skip
    metric = MetricMeasured(
        metric="release_to_last_delivery", subject=str(CHANGE), value=Decimal(1), unit="s", n=1, complete=True,
        change=CHANGE, started_at=NOW, at=NOW, version=1,
    )  # fmt: skip
    await web.hear(topics.CARD_ANSWERS, [answer])
    await web.hear(topics.TARGETS, [target])
    await web.hear(topics.METRICS, [metric])
    assert [(one.kind, one.id, one.to) for one in web.live_messages] == [
        ("answer", str(TASK), None), ("target", str(TASK), None), ("metric", str(CHANGE), None),
    ]  # fmt: skip
