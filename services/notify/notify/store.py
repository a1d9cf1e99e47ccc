"""Tables of notify, and functions on sets of rows."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from bihuan_chassis import Transaction
from bihuan_contracts.goals import TargetsRecalculated, TaskChanged
from bihuan_contracts.hr import PersonChanged
from notify.domain.notices import Draft, Told

# JSON as text: asyncpg calls Python for each element of a JSON array.
_DELIVER = """
with saved as (
    insert into notices (notice, person, dedupe, kind, title, body, items, link, must_confirm, mentioned_by, change,
        released_at, received_at, delivered_at, escalate_at)
    select n, p, d, k, t::jsonb, b::jsonb, i::jsonb, l, m, mb, c, ra, ca, $14::timestamptz,
        case when m then $15::timestamptz end
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::boolean[], $10::text[], $11::uuid[], $12::timestamptz[], $13::timestamptz[])
        as new (n, p, d, k, t, b, i, l, m, mb, c, ra, ca)
    on conflict (person, dedupe) do update set title = excluded.title, body = excluded.body, items = excluded.items,
        must_confirm = notices.must_confirm or excluded.must_confirm,
        escalate_at = case when notices.must_confirm then notices.escalate_at else excluded.escalate_at end
        where notices.items <> excluded.items or notices.title <> excluded.title
    returning notice, (xmax = 0) as added, must_confirm and escalate_at = $15::timestamptz as asks),
states as (
    insert into notice_states (notice, channel, state, at)
    select notice, 'site', state, $14::timestamptz from saved
    cross join (values ('queued'), ('delivered')) as two (state) where added)
select notice, added, asks from saved
"""


async def deliver(
    tx: Transaction,
    drafts: Sequence[tuple[Draft, datetime | None, datetime | None]],
    escalate_at: datetime,
) -> list[tuple[Draft, bool, bool]]:
    """Put notices into inboxes: (draft, released at, received at). Returns each with whether it is new, and whether
    its confirmation is waited for from now on.

    A notice that is there is amended when its content differs; its history stays. A new one is queued and delivered.
    """
    rows = await tx.raw.fetch(
        _DELIVER,
        [d.notice for d, _, _ in drafts], [d.person for d, _, _ in drafts], [d.dedupe for d, _, _ in drafts],
        [d.kind for d, _, _ in drafts], [d.title.model_dump_json() for d, _, _ in drafts],
        [d.body.model_dump_json() for d, _, _ in drafts], [to_json(d.items).decode() for d, _, _ in drafts],
        [d.link for d, _, _ in drafts], [d.must_confirm for d, _, _ in drafts],
        [d.mentioned_by for d, _, _ in drafts], [d.change for d, _, _ in drafts], [r for _, r, _ in drafts],
        [r for _, _, r in drafts], tx.now, escalate_at,
    )  # fmt: skip
    changed = {row["notice"]: (row["added"], bool(row["asks"])) for row in rows}
    return [(draft, *changed[draft.notice]) for draft, _, _ in drafts if draft.notice in changed]


async def told(tx: Transaction, changes: Sequence[UUID]) -> dict[UUID, dict[str, list[Told]]]:
    """By change and person, the notices of these changes that still stand, the first one first."""
    rows = await tx.raw.fetch(
        "select change, person, dedupe, array(select item->>'row' from jsonb_array_elements(items) as item) as rows,"
        " (case when must_confirm then confirmed_at else read_at end) is not null as over from notices"
        " where change = any($1::uuid[]) and kind = 'change' and not superseded order by delivered_at, notice",
        list(changes),
    )
    found: dict[UUID, dict[str, list[Told]]] = {}
    for row in rows:
        mine = found.setdefault(row["change"], {}).setdefault(row["person"], [])
        mine.append(Told(row["dedupe"], frozenset(row["rows"]), row["over"]))
    return found


async def add_states(tx: Transaction, states: Iterable[tuple[UUID, str, str, str | None]]) -> None:
    """Keep transitions for good: notice, channel, state, detail (N2)."""
    listed = list(states)
    await tx.raw.copy_records_to_table(
        "notice_states",
        records=[(notice, channel, state, tx.now, detail) for notice, channel, state, detail in listed],
        columns=("notice", "channel", "state", "at", "detail"),
    )


async def supersede(tx: Transaction, changes: Sequence[UUID]) -> list[UUID]:
    rows = await tx.raw.fetch(
        "update notices set superseded = true where change = any($1::uuid[]) and not superseded returning notice",
        list(changes),
    )
    return [row["notice"] for row in rows]


async def settle(tx: Transaction, matters: Sequence[tuple[str, str]]) -> list[Any]:
    """Notices of (person, dedupe) that nobody has confirmed, and what managers were told of them."""
    found: list[Any] = await tx.raw.fetch(
        "with done as (select notice from notices join unnest($1::text[], $2::text[]) as m (p, d)"
        " on person = p and dedupe = d where confirmed_at is null and settled_at is null and not superseded)"
        " update notices set settled_at = $3 where notice in (select notice from done union all"
        " select above.notice from done join notice_states s on s.notice = done.notice and s.state = 'escalated'"
        " join notices above on above.person = s.detail and above.dedupe = 'escalated:' || done.notice)"
        " returning notice, person",
        [person for person, _ in matters], [dedupe for _, dedupe in matters], tx.now,
    )  # fmt: skip
    return found


async def save_amendments(tx: Transaction, moved: Sequence[TargetsRecalculated]) -> None:
    newest = {(one.change, one.person, one.task): one for one in moved if one.person is not None}.values()
    await tx.raw.execute(
        "insert into amendments (change, person, task, task_code, task_title, changes, at)"
        " select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::timestamptz[])"
        " on conflict (change, person, task) do update set changes = excluded.changes, at = excluded.at"
        " where amendments.at <= excluded.at",
        [one.change for one in newest], [one.person for one in newest], [one.task for one in newest],
        [one.task_code for one in newest], [one.task_title for one in newest],
        [json.dumps([change.model_dump(mode="json") for change in one.changes], ensure_ascii=False) for one in newest],
        [one.at for one in newest],
    )  # fmt: skip


async def save_cards(tx: Transaction, tasks: Sequence[TaskChanged]) -> None:
    newest = {task.task: task for task in sorted(tasks, key=lambda task: task.version) if task.retest is not None}
    cards = [(task, task.retest) for task in newest.values() if task.retest is not None]
    if cards:
        await tx.raw.execute(
            "insert into cards (task, change, owner, module, code, version)"
            " select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[])"
            " on conflict (task) do update set owner = excluded.owner, version = excluded.version"
            " where cards.version < excluded.version",
            [task.task for task, _ in cards], [retest.change for _, retest in cards], [task.owner for task, _ in cards],
            [retest.module for _, retest in cards], [task.code for task, _ in cards],
            [task.version for task, _ in cards],
        )  # fmt: skip


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = list({one.person: one for one in sorted(people, key=lambda one: one.version)}.values())
    await tx.raw.execute(
        "insert into people (person, name, email, manager, active, version)"
        " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::int[])"
        " on conflict (person) do update set name = excluded.name, email = excluded.email, manager = excluded.manager,"
        " active = excluded.active, version = excluded.version where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.email for one in newest],
        [one.manager for one in newest], [one.active for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def find_notices(tx: Transaction, ids: Sequence[UUID]) -> list[Any]:
    """Notices with the person's name, mail address and manager."""
    found: list[Any] = await tx.raw.fetch(
        "select notices.*, people.name, people.email, people.manager from notices left join people using (person)"
        " where notice = any($1::uuid[])",
        list(ids),
    )
    return found


async def amendments_of(tx: Transaction, pairs: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[Any]]:
    listed = list(pairs)
    rows = await tx.raw.fetch(
        "select amendments.* from amendments join unnest($1::uuid[], $2::text[]) as wanted(c, p)"
        " on change = c and person = p order by task_code",
        [change for change, _ in listed], [person for _, person in listed],
    )  # fmt: skip
    found: dict[tuple[UUID, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row["change"], row["person"]), []).append(row)
    return found


async def cards_of(tx: Transaction, changes: Iterable[UUID], person: str) -> dict[UUID, list[Any]]:
    rows = await tx.raw.fetch(
        "select * from cards where change = any($1::uuid[]) and owner = $2 order by code", list(changes), person
    )
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row["change"], []).append(row)
    return found


_FILTERS = {
    "open": "not superseded and settled_at is null and ((must_confirm and confirmed_at is null) or read_at is null)",
    "unread": "not superseded and settled_at is null and read_at is null",
    "done": "superseded or settled_at is not null or (read_at is not null and (not must_confirm or confirmed_at is not null))",
    "all": "true",
}


async def inbox(tx: Transaction, person: str, which: str, limit: int) -> list[Any]:
    """Must-confirm first by nearest escalation, then the newest."""
    found: list[Any] = await tx.raw.fetch(
        f"select * from notices where person = $1 and {_FILTERS[which]}"  # noqa: S608 - constants above
        " order by (must_confirm and confirmed_at is null and not superseded and settled_at is null) desc,"
        " case when must_confirm and confirmed_at is null then escalate_at end nulls last, delivered_at desc limit $2",
        person, limit,
    )  # fmt: skip
    return found


async def unread(tx: Transaction, person: str) -> tuple[int, int]:
    """Unread notices, and those that wait for a confirmation."""
    row = await tx.raw.fetchrow(
        "select count(*) filter (where read_at is null) as unread,"
        " count(*) filter (where must_confirm and confirmed_at is null) as to_confirm"
        " from notices where person = $1 and not superseded and settled_at is null and (read_at is null or (must_confirm and confirmed_at is null))",
        person,
    )
    assert row is not None
    return row["unread"], row["to_confirm"]


async def own_notice(tx: Transaction, notice: UUID, person: str) -> Any | None:
    """The person's own notice, locked until the transaction ends; somebody else's is as if it were not there."""
    return await tx.raw.fetchrow("select * from notices where notice = $1 and person = $2 for update", notice, person)


async def mark(tx: Transaction, notice: UUID, *, read: bool = False, confirmed: bool = False) -> None:
    await tx.raw.execute(
        "update notices set seen_at = coalesce(seen_at, $2), read_at = case when $3 then coalesce(read_at, $2) else read_at end,"
        " confirmed_at = case when $4 then coalesce(confirmed_at, $2) else confirmed_at end where notice = $1",
        notice, tx.now, read or confirmed, confirmed,
    )  # fmt: skip


async def states_of(tx: Transaction, notice: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from notice_states where notice = $1 order by at, state", notice)
    return found


async def deliveries(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select notices.*, people.name from notices left join people using (person) where change = $1"
        " and kind = 'change' order by delivered_at, person",
        change,
    )
    return found


async def start_mail(tx: Transaction, notice: UUID, step: int) -> int:
    """Count another attempt; returns its number, or 0 when the mail is out already."""
    attempts: int | None = await tx.raw.fetchval(
        "insert into mails (notice, step, state, attempts) values ($1, $2, 'queued', 1)"
        " on conflict (notice, step) do update set attempts = mails.attempts + 1 where mails.state = 'queued'"
        " returning attempts",
        notice, step,
    )  # fmt: skip
    return attempts or 0


async def end_mail(tx: Transaction, notice: UUID, step: int, *, state: str, error: str | None) -> None:
    await tx.raw.execute(
        "update mails set state = $3, error = $4, sent_at = $5 where notice = $1 and step = $2",
        notice, step, state, error, tx.now,
    )  # fmt: skip


async def escalated(tx: Transaction, notice: UUID, next_at: datetime | None) -> None:
    await tx.raw.execute(
        "update notices set escalations = escalations + 1, escalate_at = $2 where notice = $1", notice, next_at
    )
