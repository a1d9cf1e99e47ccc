"""Tables of analytics, and functions on sets of rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from analytics.domain.references import actor, references
from bihuan_chassis import Transaction
from bihuan_contracts import Event, topics
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactAction, ImpactAssessed
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged, ReceiptState
from bihuan_contracts.qa import TestReported


@dataclass(frozen=True, slots=True)
class Measure:
    """Seconds, over how many facts, and whether anything open can still change it."""

    value: Decimal
    n: int
    complete: bool


async def save_facts(tx: Transaction, events: Sequence[Event]) -> None:
    """Append the events of this batch in one COPY; what is here already stays as it is."""
    ids = [one.id for one in tx.received]
    known = {row["id"] for row in await tx.raw.fetch("select id from facts where id = any($1::uuid[])", ids)}
    await tx.raw.copy_records_to_table(
        "facts",
        records=[
            (one.id, one.topic, topics.named(one.topic).type, one.key, one.source, one.time, one.received_at,
             actor(event), references(event), one.body.decode())
            for one, event in zip(tx.received, events, strict=True)
            if one.id not in known
        ],
        columns=("id", "topic", "type", "key", "source", "at", "received_at", "actor", "refs", "body"),
    )  # fmt: skip


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    if not people:
        return
    newest = {one.person: one for one in sorted(people, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into people (person, name, version) select * from unnest($1::text[], $2::text[], $3::int[])"
        " on conflict (person) do update set name = excluded.name, version = excluded.version"
        " where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def save_orders(tx: Transaction, orders: Sequence[ChangeOrderChanged]) -> set[UUID]:
    """When a change takes effect, and whether it still counts; returns the changes that moved."""
    if not orders:
        return set()
    newest = list({one.change: one for one in sorted(orders, key=lambda one: one.version)}.values())
    rows = await tx.raw.fetch(
        "insert into clocks (change, number, item, item_name, released_at, received_at, effective_at, superseded, order_version, assessed)"
        " select *, false from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],"
        "  $7::timestamptz[], $8::boolean[], $9::int[])"
        " on conflict (change) do update set effective_at = excluded.effective_at,"
        "  superseded = clocks.superseded or excluded.superseded, order_version = excluded.order_version"
        " where clocks.order_version < excluded.order_version returning change",
        [one.change for one in newest], [one.number for one in newest], [one.item for one in newest],
        [one.item_name for one in newest], [one.released_at for one in newest], [one.received_at for one in newest],
        [one.effective_at for one in newest],
        [one.state in {ChangeState.SUPERSEDED, ChangeState.CANCELLED} for one in newest],
        [one.version for one in newest],
    )  # fmt: skip
    return {row["change"] for row in rows}


async def save_impacts(tx: Transaction, impacts: Sequence[ImpactAssessed]) -> set[UUID]:
    """Whom each change concerns and what it asks to retest; returns the changes that were news."""
    if not impacts:
        return set()
    newest = list({one.change: one for one in sorted(impacts, key=lambda one: one.version)}.values())
    rows = await tx.raw.fetch(
        "insert into clocks (change, number, item, item_name, released_at, received_at, applied_at, impact_version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],"
        "  $7::timestamptz[], $8::int[])"
        " on conflict (change) do update set applied_at = excluded.applied_at, assessed = true,"
        "  impact_version = excluded.impact_version"
        " where clocks.impact_version < excluded.impact_version returning change",
        [one.change for one in newest], [one.number for one in newest], [one.item for one in newest],
        [one.item_name for one in newest], [one.released_at for one in newest], [one.received_at for one in newest],
        [one.applied_at for one in newest], [one.version for one in newest],
    )  # fmt: skip
    changes = {row["change"] for row in rows}
    news = [one for one in newest if one.change in changes]
    await _expect(tx, news)
    await _ask_to_retest(tx, news)
    await tx.raw.execute(
        "update clocks set superseded = true where change = any($1::uuid[])",
        [one.supersedes for one in news if one.supersedes is not None],
    )
    return changes


async def _expect(tx: Transaction, impacts: Sequence[ImpactAssessed]) -> None:
    """Exactly those whom the newest assessment names."""
    named = sorted({(one.change, row.person) for one in impacts for row in one.rows})
    await tx.raw.execute(
        "update recipients set expected = false where change = any($1::uuid[])", [one.change for one in impacts]
    )
    await tx.raw.execute(
        "insert into recipients (change, person, expected) select c, p, true from unnest($1::uuid[], $2::text[]) as new(c, p)"
        " on conflict (change, person) do update set expected = true",
        [change for change, _ in named], [person for _, person in named],
    )  # fmt: skip


async def _ask_to_retest(tx: Transaction, impacts: Sequence[ImpactAssessed]) -> None:
    asked = {
        (one.change, row.module): row.new_version or one.new_version
        for one in impacts
        for row in one.rows
        if row.action is ImpactAction.RETEST
    }
    await tx.raw.execute("delete from retests where change = any($1::uuid[])", [one.change for one in impacts])
    await tx.raw.execute(
        "insert into retests (change, module, new_version) select * from unnest($1::uuid[], $2::text[], $3::text[])",
        [change for change, _ in asked], [module for _, module in asked], list(asked.values()),
    )  # fmt: skip


async def save_receipts(tx: Transaction, receipts: Sequence[ReceiptChanged]) -> set[UUID]:
    """Earliest delivery and confirmation of each person; returns the changes concerned."""
    times: dict[tuple[UUID, str], dict[ReceiptState, datetime]] = {}
    for one in receipts:
        if one.change is not None and one.channel == "site":
            known = times.setdefault((one.change, one.person), {})
            known[one.state] = min(known.get(one.state, one.at), one.at)
    if not times:
        return set()
    keys = sorted(times)
    await tx.raw.execute(
        "insert into recipients (change, person, delivered_at, confirmed_at)"
        " select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])"
        " on conflict (change, person) do update set"
        "  delivered_at = least(recipients.delivered_at, excluded.delivered_at),"
        "  confirmed_at = least(recipients.confirmed_at, excluded.confirmed_at)",
        [change for change, _ in keys], [person for _, person in keys],
        [times[key].get(ReceiptState.DELIVERED) for key in keys],
        [times[key].get(ReceiptState.CONFIRMED) for key in keys],
    )  # fmt: skip
    return {change for change, _ in keys}


async def waiting_for(tx: Transaction, reports: Sequence[TestReported]) -> set[UUID]:
    """The changes that asked to retest what these reports are about."""
    if not reports:
        return set()
    rows = await tx.raw.fetch(
        "select distinct change from retests join unnest($1::text[], $2::text[]) as new(module, version)"
        " on retests.module = new.module and retests.new_version = new.version",
        [report.module for report in reports], [report.module_version for report in reports],
    )  # fmt: skip
    return {row["change"] for row in rows}


async def close_by_reports(tx: Transaction, changes: set[UUID]) -> set[UUID]:
    """The earliest report on the new version of what each change asked to retest; returns the changes that moved."""
    if not changes:
        return set()
    rows = await tx.raw.fetch(
        "update clocks set first_report_at = first.at, first_report = first.report"
        " from (select distinct on (clocks.change) clocks.change, facts.at, facts.body->>'report' as report"
        "       from retests join clocks using (change)"
        "       join facts on facts.key = retests.module and facts.topic = $2 and facts.at >= clocks.released_at"
        "        and facts.body->>'module_version' = retests.new_version"
        "       where retests.change = any($1::uuid[]) order by clocks.change, facts.at) as first"
        " where clocks.change = first.change and (first_report_at is null or first.at < first_report_at)"
        " returning clocks.change",
        sorted(changes), topics.TEST_REPORTS.name,
    )  # fmt: skip
    return {row["change"] for row in rows}


async def clocks(tx: Transaction, changes: Iterable[UUID], *, lock: bool = False) -> list[Any]:
    """Clocks of assessed changes, with how many of those expected were reached, and when the last of them was."""
    statement = (
        "select clocks.*, told.* from clocks cross join lateral (select count(*) as expected, count(delivered_at) as delivered,"
        " max(delivered_at) as last_delivery from recipients where recipients.change = clocks.change and expected) as told"
        " where clocks.change = any($1::uuid[]) and assessed order by clocks.change"
    )
    found: list[Any] = await tx.raw.fetch(statement + (" for update of clocks" if lock else ""), sorted(changes))
    return found


async def save_measures(tx: Transaction, metric: str, measures: Mapping[UUID, Measure]) -> dict[UUID, int]:
    """Keep the newest value of each; returns those that are another value than before, with their version."""
    if not measures:
        return {}
    rows = await tx.raw.fetch(
        "insert into measures (metric, subject, value, n, complete, version)"
        " select $1, s, v, n, c, 1 from unnest($2::text[], $3::numeric[], $4::int[], $5::boolean[]) as new(s, v, n, c)"
        " on conflict (metric, subject) do update set value = excluded.value, n = excluded.n, complete = excluded.complete,"
        "  version = measures.version + 1"
        " where (measures.value, measures.n, measures.complete) is distinct from (excluded.value, excluded.n, excluded.complete)"
        " returning subject, version",
        metric, [str(change) for change in measures], [one.value for one in measures.values()],
        [one.n for one in measures.values()], [one.complete for one in measures.values()],
    )  # fmt: skip
    return {UUID(row["subject"]): row["version"] for row in rows}


async def recipients(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select recipients.*, people.name from recipients left join people using (person) where change = $1"
        " order by delivered_at nulls last, person",
        change,
    )
    return found


async def series(tx: Transaction, since: datetime) -> list[Any]:
    """Clocks of the changes released since then that still count, with their deliveries."""
    found: list[Any] = await tx.raw.fetch(
        "select clocks.*, told.*, exists (select from retests where retests.change = clocks.change) as has_retests"
        " from clocks cross join lateral (select count(*) as expected, count(delivered_at) as delivered,"
        "  max(delivered_at) as last_delivery from recipients where recipients.change = clocks.change and expected) as told"
        " where greatest(released_at, effective_at) >= $1 and assessed and not superseded"
        " order by greatest(released_at, effective_at)",
        since,
    )
    return found


async def facts_about(tx: Transaction, name: str, *, before: datetime | None, limit: int) -> list[Any]:
    """Newest first; `before` continues a page."""
    found: list[Any] = await tx.raw.fetch(
        "select id, topic, type, key, source, at, received_at, actor, refs, body from facts"
        " where (refs @> array[$1::text] or key = $1) and ($2::timestamptz is null or at < $2) order by at desc, id limit $3",
        name, before, limit,
    )  # fmt: skip
    return found
