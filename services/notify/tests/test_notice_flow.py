"""One notice per person and change, its receipts, and what stops when it is confirmed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import aiosmtplib
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import Text, topics
from bihuan_contracts.changes import ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.goals import TargetChange, TargetField, TargetsRecalculated
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import NoticeRequested, ReceiptState
from bihuan_tools.stack import free_port
from notify.app import app
from notify.clients import MailRefusedError, MailServer, Settings
from notify.domain.notices import Mail

pytestmark = pytest.mark.flow
NOW = datetime(2026, 3, 11, 0, 30, 1, tzinfo=UTC)
CHANGE = UUID(int=7)
ENGINEER, TESTER, LEAD, BOSS = "10231", "10306", "10105", "10001"


def row(person: str, action: ImpactAction, number: int = 1, *, must: bool = True) -> ImpactRow:
    return ImpactRow(
        row=uuid5(CHANGE, f"{person}{action}{number}"), action=action, person=person, person_name=person,
        module="PM-480", module_name="电源模块", old_version="V2.3", new_version="V2.4", task=UUID(int=number),
        task_code=f"T-{number}", task_title="任务", hours_factor=Decimal(1), must_confirm=must, rule="default/x",
        rule_version=1, explanation=Text(zh="锁定", en="locked"),
    )  # fmt: skip


def impact(*rows: ImpactRow, change: UUID = CHANGE, version: int = 1, supersedes: UUID | None = None) -> ImpactAssessed:
    return ImpactAssessed(
        change=change, number="ECN-2026-0187", revision=1, item="PM-480", item_name="电源模块", base_version="V2.3",
        new_version="V2.4", reason="换型", rows=rows, supersedes=supersedes, released_by=LEAD,
        released_at=NOW - timedelta(seconds=1), received_at=NOW, applied_at=NOW, version=version,
    )  # fmt: skip


def a_target(number: int, *, at: datetime) -> TargetsRecalculated:
    return TargetsRecalculated(
        task=UUID(int=number), task_code=f"T-{number}", task_title="任务", project=UUID(int=9), person=ENGINEER,
        changes=(TargetChange(field=TargetField.PLANNED_HOURS, old="10", new="12"),), change=CHANGE,
        change_number="ECN-2026-0187", rule=None, at=at,
    )  # fmt: skip


THE_CHANGE = impact(
    row(ENGINEER, ImpactAction.LOCK, 1), row(ENGINEER, ImpactAction.LOCK, 2), row(TESTER, ImpactAction.RETEST, 3),
    row(LEAD, ImpactAction.INFORM, 4, must=False),
)  # fmt: skip


async def told(notify: RunningService) -> dict[str, Any]:
    """The change has come in; returns the engineer's notice."""
    notify.now = NOW
    people = [(ENGINEER, BOSS), (TESTER, BOSS), (LEAD, BOSS), (BOSS, None)]
    await notify.hear(
        topics.PEOPLE,
        [PersonChanged(person=p, name=f"名{p}", manager=m, email=f"{p}@x.example", version=1) for p, m in people],
    )
    await notify.hear(topics.IMPACTS, [THE_CHANGE])
    return (await inbox(notify, ENGINEER))[0]


async def inbox(notify: RunningService, person: str, which: str = "open") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await notify.client(person).get("/inbox", params={"filter": which})).json()[
        "notices"
    ]
    return found


async def test_each_person_has_one_notice_with_all_that_concerns_them(notify: RunningService) -> None:
    """N1: and nobody else's."""
    notice = await told(notify)
    assert notice["title"]["zh"] == "电源模块 V2.4 已发布：你的 2 项任务被锁定"
    assert [item["task_code"] for item in notice["items"]] == ["T-1", "T-2"]
    assert [(live.kind, live.to) for live in notify.live_messages] == [
        ("notice", (ENGINEER,)),
        ("notice", (TESTER,)),
        ("notice", (LEAD,)),
    ]
    receipts = await notify.announced(topics.NOTICE_RECEIPTS)
    assert {receipt.state for receipt in receipts} == {ReceiptState.DELIVERED}
    assert len(receipts) == 3


async def test_replay_tells_nobody_twice(notify: RunningService) -> None:
    """C5: the same unit again, also when the inbox is lost."""
    await told(notify)
    before = len(await notify.announced()), len(notify.live_messages)
    await notify.forget_inbox()
    await notify.hear(topics.IMPACTS, [THE_CHANGE, THE_CHANGE])
    assert (len(await notify.announced()), len(notify.live_messages)) == before


async def test_recalculated_targets_join_the_same_notice(notify: RunningService) -> None:
    """G8, C5: old → new, whichever comes first."""
    await told(notify)
    await notify.hear(topics.TARGETS, [a_target(1, at=NOW)])
    (notice,) = await inbox(notify, ENGINEER)
    assert [(one["old"], one["new"]) for one in notice["amendments"][0]["changes"]] == [("10", "12")]


async def test_confirming_stops_every_reminder(notify: RunningService) -> None:
    """N2, N3: fifty confirmations at once are one; everything that was pending is gone."""
    notice = await told(notify)
    client = notify.client(ENGINEER)
    answers = await asyncio.gather(*[client.post(f"/notices/{notice['notice']}/confirm") for _ in range(50)])
    assert {answer.status_code for answer in answers} == {200}
    confirmed = [r for r in await notify.announced(topics.NOTICE_RECEIPTS) if r.state is ReceiptState.CONFIRMED]
    assert len(confirmed) == 1
    assert [timer.key for timer in await notify.timers() if timer.key == notice["notice"]] == []
    assert await inbox(notify, ENGINEER) == []
    states = (await client.get(f"/notices/{notice['notice']}")).json()["states"]
    assert [state["state"] for state in states].count("confirmed") == 1


async def test_silence_is_repeated_and_then_told_to_the_manager(notify: RunningService) -> None:
    """N3, C6: a step fires once, also when the worker was away; who is late is named, and no longer once confirmed."""
    await told(notify)
    assert await unconfirmed(notify) == []
    await notify.fire_timers(at=NOW + timedelta(minutes=31))
    (notice,) = await inbox(notify, ENGINEER)
    assert notice["escalations"] == 1
    await notify.fire_timers(at=NOW + timedelta(minutes=62))
    await notify.fire_timers(at=NOW + timedelta(minutes=63))
    escalated = await inbox(notify, BOSS)
    assert {one["kind"] for one in escalated} == {"escalation"}
    assert len(escalated) == 2  # the engineer's and the tester's
    assert sorted(await unconfirmed(notify)) == [f"名{ENGINEER}", f"名{TESTER}"]
    await notify.client(ENGINEER).post(f"/notices/{notice['notice']}/confirm")
    assert await unconfirmed(notify) == [f"名{TESTER}"]


async def unconfirmed(notify: RunningService) -> list[str]:
    named: list[str] = (await notify.client(LEAD).get(f"/changes/{CHANGE}/deliveries")).json()["unconfirmed"]
    return named


async def test_somebody_elses_notice_is_as_if_it_were_not_there(notify: RunningService) -> None:
    notice = await told(notify)
    other = notify.client(TESTER)
    assert (await other.get(f"/notices/{notice['notice']}")).status_code == 404
    assert (await other.post(f"/notices/{notice['notice']}/confirm")).status_code == 404


async def test_newer_revision_takes_the_older_notice_away(notify: RunningService) -> None:
    await told(notify)
    newer = impact(row(ENGINEER, ImpactAction.LOCK, 8), change=UUID(int=8), supersedes=CHANGE)
    await notify.hear(topics.IMPACTS, [newer])
    assert [notice["change"] for notice in await inbox(notify, ENGINEER)] == [str(UUID(int=8))]
    assert await inbox(notify, TESTER) == []


async def test_two_minute_clock_names_who_had_it_when(notify: RunningService) -> None:
    """C6."""
    await told(notify)
    clock = (await notify.client(LEAD).get(f"/changes/{CHANGE}/deliveries")).json()
    assert [one["seconds_from_release"] for one in clock["deliveries"]] == [1.0, 1.0, 1.0]
    assert clock["misses"] == []


async def test_request_of_another_service_is_one_notice(notify: RunningService) -> None:
    notify.now = NOW
    asked = NoticeRequested(
        person=LEAD, kind="material_needed", dedupe="m:1", title=Text(zh="需补充资料", en="Material needed"),
        body=Text(zh="x", en="x"), link="/tasks/1", at=NOW,
    )  # fmt: skip
    await notify.hear(topics.NOTICE_REQUESTS, [asked, asked])
    await notify.hear(topics.NOTICE_REQUESTS, [asked])
    assert len(await inbox(notify, LEAD)) == 1


async def test_row_that_joins_later_is_asked_for_alone(notify: RunningService) -> None:
    """N2, C3: who has confirmed the change is asked again, only about what has joined; what they confirmed stays."""
    first = await told(notify)
    await notify.client(ENGINEER).post(f"/notices/{first['notice']}/confirm")
    later = impact(*THE_CHANGE.rows, row(ENGINEER, ImpactAction.LOCK, 9), version=2)
    notify.now = NOW + timedelta(hours=3)
    for _ in range(2):
        await notify.hear(topics.IMPACTS, [later])
        await notify.forget_inbox()
    (again,) = await inbox(notify, ENGINEER)
    assert ([item["task_code"] for item in again["items"]], again["must_confirm"]) == (["T-9"], True)
    assert again["title"]["zh"] == "电源模块 V2.4 又涉及你：你的 1 项任务被锁定"
    moved = [a_target(1, at=NOW), a_target(9, at=notify.now)]
    await notify.hear(topics.TARGETS, moved)
    (again,) = await inbox(notify, ENGINEER)
    assert [one["task_code"] for one in again["amendments"]] == ["T-9"]
    known = (await notify.client(ENGINEER).get(f"/notices/{first['notice']}")).json()["notice"]
    assert [item["task_code"] for item in known["items"]] == ["T-1", "T-2"]
    assert [one["task_code"] for one in known["amendments"]] == ["T-1"]
    clock = (await notify.client(LEAD).get(f"/changes/{CHANGE}/deliveries")).json()
    (mine,) = [one for one in clock["deliveries"] if one["person"] == ENGINEER]
    assert (mine["seconds_from_release"], mine["confirmed_at"]) == (1.0, None)
    assert clock["misses"] == []
    more = impact(*later.rows, row(ENGINEER, ImpactAction.RETEST, 10), version=3)
    await notify.hear(topics.IMPACTS, [more])
    (again,) = await inbox(notify, ENGINEER)
    assert [item["task_code"] for item in again["items"]] == ["T-9", "T-10"]
    await notify.fire_timers(at=notify.now + timedelta(minutes=31))
    assert f"名{ENGINEER}" in await unconfirmed(notify)
    await notify.client(ENGINEER).post(f"/notices/{again['notice']}/confirm")
    await notify.forget_inbox()
    await notify.hear(topics.IMPACTS, [more])
    assert await inbox(notify, ENGINEER) == []
    assert await unconfirmed(notify) == [f"名{TESTER}"]


async def test_informed_person_whose_task_joins_later_has_to_confirm(notify: RunningService) -> None:
    """N3: unread, the one notice now asks and reminds; read, a second one does."""
    await told(notify)
    later = impact(*THE_CHANGE.rows, row(LEAD, ImpactAction.LOCK, 9), version=2)
    await notify.hear(topics.IMPACTS, [later])
    (notice,) = await inbox(notify, LEAD)
    assert ([item["task_code"] for item in notice["items"]], notice["must_confirm"]) == (["T-4", "T-9"], True)
    await notify.fire_timers(at=NOW + timedelta(minutes=31))
    assert f"名{LEAD}" in await unconfirmed(notify)


async def test_what_somebody_has_done_asks_nobody_any_more(notify: RunningService) -> None:
    """N2, N3: no reminder, no escalation, out of the manager's inbox too; what was asked and told stays on record."""
    await told(notify)
    asked = NoticeRequested(
        person=LEAD, kind="appeal_next", dedupe="appeal:1", title=Text(zh="等你决定", en="waits for you"),
        body=Text(zh="x", en="x"), link="/appeals/1", must_confirm=True, at=NOW,
    )  # fmt: skip
    done = asked.model_copy(update={"settled": True})
    await notify.hear(topics.NOTICE_REQUESTS, [done])
    assert all(one["kind"] != "appeal_next" for one in await inbox(notify, LEAD, "all"))
    await notify.hear(topics.NOTICE_REQUESTS, [asked])
    (notice,) = [one for one in await inbox(notify, LEAD) if one["kind"] == "appeal_next"]
    await notify.fire_timers(at=NOW + timedelta(minutes=31))
    await notify.fire_timers(at=NOW + timedelta(minutes=62))
    assert _escalated(await inbox(notify, BOSS), LEAD)
    before = await notify.client(LEAD).get("/unread")
    notify.now = NOW + timedelta(minutes=63)
    await notify.hear(topics.NOTICE_REQUESTS, [done])
    after = await notify.client(LEAD).get("/unread")
    assert before.json()["to_confirm"] - after.json()["to_confirm"] == 1
    assert notice["notice"] not in {one["notice"] for one in await inbox(notify, LEAD)}
    assert not _escalated(await inbox(notify, BOSS), LEAD)
    assert [timer.key for timer in await notify.timers() if timer.key == notice["notice"]] == []
    detail = (await notify.client(LEAD).get(f"/notices/{notice['notice']}")).json()
    assert (detail["notice"]["settled_at"] is not None, detail["notice"]["confirmed_at"]) == (True, None)
    assert "escalated" in {state["state"] for state in detail["states"]}
    assert _escalated(await inbox(notify, BOSS, "done"), LEAD)


def _escalated(notices: list[dict[str, Any]], person: str) -> list[dict[str, Any]]:
    return [one for one in notices if one["kind"] == "escalation" and f"名{person}" in one["title"]["zh"]]


class _Mailbox:
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.answer = "250 OK"
        self.recipient = "250 OK"
        self.arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.got.append(envelope.content)
        self._loop.call_soon_threadsafe(self.arrived.set)
        return self.answer


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[_Mailbox, Controller]]:
    box = _Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, controller
    controller.stop()


async def test_mail_has_everything_and_the_same_id_at_each_attempt(
    postgres_server: str, mailbox: tuple[_Mailbox, Controller]
) -> None:
    """N1: one mail with locks and link, in both languages."""
    box, controller = mailbox
    port = controller.port
    async with running(
        app, postgres_server, {"BIHUAN_SMTP_HOST": "127.0.0.1", "BIHUAN_SMTP_PORT": str(port)}
    ) as notify:
        await told(notify)
        await notify.fire_timers(at=NOW + timedelta(seconds=3))
        await asyncio.wait_for(box.arrived.wait(), 10)
    text = b"".join(box.got).decode(errors="replace")
    assert "Message-ID: <" in text
    assert "@bihuan>" in text


@pytest.mark.parametrize(
    ("recipient", "answer", "failure"),
    [
        ("450 greylisted", "250 OK", aiosmtplib.SMTPRecipientsRefused),
        ("250 OK", "451 later", aiosmtplib.SMTPResponseException),
        ("550 no such user", "250 OK", MailRefusedError),
        ("250 OK", "554 no", MailRefusedError),
    ],
)
async def test_only_a_final_no_of_the_mail_server_ends_a_mail(
    mailbox: tuple[_Mailbox, Controller], recipient: str, answer: str, failure: type[Exception]
) -> None:
    """N1: 4xx is tried again, 5xx is not."""
    box, controller = mailbox
    box.recipient, box.answer = recipient, answer
    settings = Settings(service="notify", database="postgresql://x/x", smtp_host="127.0.0.1", smtp_port=controller.port)
    server = MailServer(settings)
    with pytest.raises(failure):
        await server.send(Mail("<1@bihuan>", "a@x.example", "A", "s", "t", "<p>t</p>"))
    await server.close()


async def test_mail_that_never_gets_out_fails_with_its_reason(postgres_server: str) -> None:
    """N2: after the last attempt the receipt says so; nothing stays queued for ever."""
    dead = {"BIHUAN_SMTP_HOST": "127.0.0.1", "BIHUAN_SMTP_PORT": str(free_port())}
    async with running(app, postgres_server, dead) as notify:
        notify.now = NOW
        await notify.hear(topics.PEOPLE, [PersonChanged(person=LEAD, name="陈砚", email="l@x.example", version=1)])
        asked = NoticeRequested(
            person=LEAD, kind="x", dedupe="m:1", title=Text(zh="x", en="x"), body=Text(zh="x", en="x"), link="/", at=NOW
        )
        await notify.hear(topics.NOTICE_REQUESTS, [asked])
        for hour in range(1, 12):
            await notify.fire_timers(at=NOW + timedelta(hours=2 * hour))
        receipts = [one for one in await notify.announced(topics.NOTICE_RECEIPTS) if one.channel == "mail"]
        assert [one.state for one in receipts] == [ReceiptState.FAILED]
        assert await notify.timers() == []
