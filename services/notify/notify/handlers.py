"""Every event and timer that notify reacts to: load, decide, save, announce."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from bihuan_chassis import Live, Timer, Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ImpactAssessed
from bihuan_contracts.goals import TargetsRecalculated, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import NoticeRequested, ReceiptChanged, ReceiptState
from notify import store
from notify.clients import MailRefusedError, MailServer, Settings
from notify.domain.notices import Draft, Mail, belonging, lines_of, mail_of, notice_id, of_impact

MAIL = "mail"
ESCALATE = "escalate"

_SETTLE = timedelta(seconds=2)
_MOST_ATTEMPTS = 8

log = structlog.get_logger()


async def on_impact_assessed(impacts: Sequence[ImpactAssessed], tx: Transaction) -> None:
    """One notice for each person, on the open page as soon as this transaction is committed (C6, N1)."""
    newest = {impact.change: impact for impact in sorted(impacts, key=lambda impact: impact.version)}
    superseded = [impact.supersedes for impact in newest.values() if impact.supersedes is not None]
    if superseded:
        gone = await store.supersede(tx, superseded)
        tx.cancel_timers(ESCALATE, [str(notice) for notice in gone])
        tx.cancel_timers(MAIL, [str(notice) for notice in gone])
    joined = [impact.change for impact in newest.values() if impact.version > 1]
    told = await store.told(tx, joined) if joined else {}
    drafts = [
        (draft, *_clock(draft, impact))
        for impact in newest.values()
        for draft in of_impact(impact, told.get(impact.change))
    ]
    if drafts:
        await _deliver(tx, drafts)


def _clock(draft: Draft, impact: ImpactAssessed) -> tuple[datetime | None, datetime | None]:
    """The two minutes of C6 are those of a person's first notice; what joins it later has not been released then."""
    first = draft.dedupe == f"change:{impact.change}"
    return (impact.released_at, impact.received_at) if first else (None, None)


async def on_notice_requested(requests: Sequence[NoticeRequested], tx: Transaction) -> None:
    """What other services want people to know."""
    newest = {(one.person, one.dedupe): one for one in requests}
    await _settle(tx, [key for key, one in newest.items() if one.settled])
    drafts = [
        Draft(
            notice_id(one.person, one.dedupe), one.person, one.dedupe, one.kind, one.title, one.body, (), one.link,
            one.must_confirm, one.change, one.mentioned_by,
        )
        for one in newest.values()
        if not one.settled
    ]  # fmt: skip
    if drafts:
        await _deliver(tx, [(draft, None, None) for draft in drafts])


async def _settle(tx: Transaction, matters: Sequence[tuple[str, str]]) -> None:
    """What was asked for is done: no reminder any more, and the manager needn't ask either (N2, N3)."""
    if not matters:
        return
    settled = await store.settle(tx, matters)
    tx.cancel_timers(ESCALATE, [str(row["notice"]) for row in settled])
    tx.cancel_timers(MAIL, [str(row["notice"]) for row in settled])
    tx.live(*(Live("notice", str(row["notice"]), (row["person"],), {"new": False}) for row in settled))


async def _deliver(tx: Transaction, drafts: Sequence[tuple[Draft, datetime | None, datetime | None]]) -> None:
    times = {draft.notice: (released, received) for draft, released, received in drafts}
    delivered = await store.deliver(tx, drafts, tx.now + _patience(tx))
    added = [draft for draft, is_new, _ in delivered if is_new]
    tx.announce(*[_receipt(draft, times[draft.notice], ReceiptState.DELIVERED, tx.now) for draft in added])
    for draft in added:
        tx.set_timer(MAIL, str(draft.notice), tx.now + _SETTLE, {"step": 0})
    for draft, _, asks in delivered:
        if asks:
            tx.set_timer(ESCALATE, str(draft.notice), tx.now + _patience(tx))
    tx.live(
        *(
            Live("notice", str(draft.notice), (draft.person,), {"new": is_new, "must_confirm": draft.must_confirm})
            for draft, is_new, _ in delivered
        )
    )


def _patience(tx: Transaction) -> timedelta:
    assert isinstance(tx.settings, Settings)
    return timedelta(minutes=tx.settings.escalate_minutes)


def _receipt(
    draft: Draft, times: tuple[datetime | None, datetime | None], state: ReceiptState, at: datetime
) -> ReceiptChanged:
    return ReceiptChanged(
        notice=draft.notice, person=draft.person, channel="site", state=state, must_confirm=draft.must_confirm,
        change=draft.change, released_at=times[0], received_at=times[1], at=at,
    )  # fmt: skip


def receipt_of(notice: Any, channel: str, state: ReceiptState, at: datetime) -> ReceiptChanged:
    """The receipt of a stored notice."""
    return ReceiptChanged(
        notice=notice["notice"], person=notice["person"], channel=channel, state=state,
        must_confirm=notice["must_confirm"], change=notice["change"], released_at=notice["released_at"],
        received_at=notice["received_at"], at=at,
    )  # fmt: skip


async def on_targets_recalculated(moved: Sequence[TargetsRecalculated], tx: Transaction) -> None:
    """Old → new joins the notice of the same change; no second notice (C5). What waits for consent has not moved."""
    moved = [one for one in moved if not one.held]
    await store.save_amendments(tx, moved)
    tx.live(
        *(
            Live("notice", str(notice_id(person, f"change:{change}")), (person,), {"new": False})
            for change, person in {(one.change, one.person) for one in moved if one.person is not None}
        )
    )


async def on_task_changed(tasks: Sequence[TaskChanged], tx: Transaction) -> None:
    """Retest cards, for the link to the exact card."""
    await store.save_cards(tx, tasks)


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)


async def on_mail_due(timers: Sequence[Timer], tx: Transaction) -> None:
    """Hand mails to the server after this transaction; the timer stays as the net below it."""
    server = tx.resources
    if not isinstance(server, MailServer) or not server.configured:
        return
    notices = {row["notice"]: row for row in await store.find_notices(tx, [UUID(timer.key) for timer in timers])}
    amendments = await store.amendments_of(
        tx, [(row["change"], row["person"]) for row in notices.values() if row["change"]]
    )
    for timer in timers:
        notice = notices.get(UUID(timer.key))
        if notice is None or _over(notice) or not notice["email"]:
            continue
        step = int(timer.payload.get("step", 0))
        attempt = await store.start_mail(tx, notice["notice"], step)
        if attempt > _MOST_ATTEMPTS:
            await record_mail(tx, notice["notice"], step, MailRefusedError(f"gave up after {_MOST_ATTEMPTS} attempts"))
        if not 0 < attempt <= _MOST_ATTEMPTS:
            continue
        mail = _mail(notice, step, amendments.get((notice["change"], notice["person"]), []), tx.settings)
        tx.set_timer(MAIL, timer.key, tx.now + timedelta(seconds=min(3600, 30 * 2**attempt)), {"step": step})
        tx.after_commit(_offering(server, mail, notice["notice"], step))


def _over(notice: Any) -> bool:
    return bool(notice["confirmed_at"] or notice["settled_at"] or notice["superseded"])


def _mail(notice: Any, step: int, amendments: Sequence[Any], settings: Any) -> Mail:
    assert isinstance(settings, Settings)
    return mail_of(
        notice=notice["notice"], step=step, address=notice["email"], name=notice["name"] or notice["person"],
        title=Text.model_validate(notice["title"]), body=Text.model_validate(notice["body"]),
        lines=lines_of(notice["items"], belonging(notice, amendments)), url=settings.public_url + notice["link"],
    )  # fmt: skip


def _offering(server: MailServer, mail: Mail, notice: UUID, step: int) -> Callable[[], Awaitable[None]]:
    async def done(failure: Exception | None) -> None:
        async with server.transaction() as tx:
            await record_mail(tx, notice, step, failure)

    async def offer() -> None:
        server.offer(mail, done)

    return offer


async def record_mail(tx: Transaction, notice: UUID, step: int, failure: Exception | None) -> None:
    """A mail is out, or refused for good; anything else is tried again when its timer fires."""
    if failure is not None and not isinstance(failure, MailRefusedError):
        log.warning("mail.delayed", error=type(failure).__name__)
        return
    state = ReceiptState.FAILED if failure else ReceiptState.SENT
    (row,) = await store.find_notices(tx, [notice])
    await store.end_mail(tx, notice, step, state=str(state), error=str(failure) if failure else None)
    await store.add_states(tx, [(notice, "mail", str(state), str(failure) if failure else None)])
    tx.cancel_timer(MAIL, str(notice))
    tx.announce(receipt_of(row, "mail", state, tx.now))


async def on_escalation_due(timers: Sequence[Timer], tx: Transaction) -> None:
    """Repeat to the person, then tell the manager; a confirmed notice is never repeated (N3)."""
    for row in await store.find_notices(tx, [UUID(timer.key) for timer in timers]):
        if _over(row):
            continue
        if row["change"] is not None:
            tx.live(Live("receipt", str(row["change"])))
        if row["escalations"] == 0:
            await store.escalated(tx, row["notice"], tx.now + _patience(tx))
            await store.add_states(tx, [(row["notice"], "site", "reminded", None)])
            tx.set_timer(ESCALATE, str(row["notice"]), tx.now + _patience(tx))
            tx.set_timer(MAIL, str(row["notice"]), tx.now, {"step": 1})
            tx.live(Live("notice", str(row["notice"]), (row["person"],), {"new": False, "reminder": True}))
        elif row["manager"]:
            await store.escalated(tx, row["notice"], None)
            await store.add_states(tx, [(row["notice"], "site", "escalated", row["manager"])])
            await _tell_manager(tx, row)


async def _tell_manager(tx: Transaction, row: Any) -> None:
    title, name = Text.model_validate(row["title"]), row["name"] or row["person"]
    await _deliver(
        tx,
        [
            (
                Draft(
                    notice_id(row["manager"], f"escalated:{row['notice']}"), row["manager"],
                    f"escalated:{row['notice']}", "escalation",
                    Text(zh=f"{name} 还没有确认：{title.zh}", en=f"{name} has not confirmed: {title.en}"),
                    Text.model_validate(row["body"]), (), row["link"], False, row["change"], row["person"],
                ),
                None,
                None,
            )
        ],
    )  # fmt: skip
