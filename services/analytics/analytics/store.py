"""Tables of analytics, and functions on sets of rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis import Received, Transaction
from bihuan_contracts.changes import ImpactAction, ImpactAssessed
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import ReceiptChanged, ReceiptState
from bihuan_contracts.qa import TestReported


async def save_facts(tx: Transaction, facts: Sequence[tuple[Received, str | None]]) -> None:
    """Append facts in one COPY. The inbox has dropped what was here before."""
    await tx.raw.copy_records_to_table(
        "facts",
        records=[
            (one.id, one.topic, one.key, one.source, one.time, one.received_at, actor, one.body.decode())
            for one, actor in facts
        ],
        columns=("id", "topic", "key", "source", "at", "received_at", "actor", "body"),
    )


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = {one.person: one for one in sorted(people, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into people (person, name, version) select * from unnest($1::text[], $2::text[], $3::int[])"
        " on conflict (person) do update set name = excluded.name, version = excluded.version"
        " where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def save_impacts(tx: Transaction, impacts: Sequence[ImpactAssessed]) -> None:
    newest = {one.change: one for one in sorted(impacts, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into clocks (change, number, item, item_name, released_at, received_at, applied_at)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[])"
        " on conflict (change) do update set applied_at = excluded.applied_at",
        [one.change for one in newest], [one.number for one in newest], [one.item for one in newest],
        [one.item_name for one in newest], [one.released_at for one in newest], [one.received_at for one in newest],
        [one.applied_at for one in newest],
    )  # fmt: skip
    expected = sorted({(one.change, row.person) for one in newest for row in one.rows})
    await tx.raw.execute(
        "insert into recipients (change, person, expected) select c, p, true from unnest($1::uuid[], $2::text[]) as new(c, p)"
        " on conflict (change, person) do update set expected = true",
        [change for change, _ in expected], [person for _, person in expected],
    )  # fmt: skip
    retests = sorted(
        {
            (one.change, row.module, row.new_version or one.new_version)
            for one in newest
            for row in one.rows
            if row.action is ImpactAction.RETEST
        }
    )
    await tx.raw.execute(
        "insert into retests (change, module, new_version) select * from unnest($1::uuid[], $2::text[], $3::text[])"
        " on conflict do nothing",
        [change for change, _, _ in retests], [module for _, module, _ in retests],
        [version for _, _, version in retests],
    )  # fmt: skip
    await tx.raw.execute(
        "update clocks set superseded = true where change = any($1::uuid[])",
        [one.supersedes for one in newest if one.supersedes is not None],
    )


async def save_receipts(tx: Transaction, receipts: Sequence[ReceiptChanged]) -> set[UUID]:
    """Earliest delivery and confirmation of each person; returns the changes concerned."""
    times: dict[tuple[UUID, str], list[datetime | None]] = {}
    for one in receipts:
        if one.change is None or one.channel != "site":
            continue
        both = times.setdefault((one.change, one.person), [None, None])
        place = {ReceiptState.DELIVERED: 0, ReceiptState.CONFIRMED: 1}.get(one.state)
        if place is not None and (both[place] is None or one.at < both[place]):  # type: ignore[operator]
            both[place] = one.at
    keys = sorted(times)
    await tx.raw.execute(
        "insert into recipients (change, person, delivered_at, confirmed_at)"
        " select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])"
        " on conflict (change, person) do update set"
        "  delivered_at = least(recipients.delivered_at, excluded.delivered_at),"
        "  confirmed_at = least(recipients.confirmed_at, excluded.confirmed_at)",
        [change for change, _ in keys], [person for _, person in keys], [times[key][0] for key in keys],
        [times[key][1] for key in keys],
    )  # fmt: skip
    return {change for change, _ in keys}


async def save_first_reports(tx: Transaction, reports: Sequence[tuple[TestReported, datetime]]) -> set[UUID]:
    """The first report on the new version of a module that a change asked to retest; returns the changes it closes."""
    rows = await tx.raw.fetch(
        "update clocks set first_report_at = first.at, first_report = first.report"
        " from (select distinct on (change) change, new.at, new.report"
        "       from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as new(module, version, report, at)"
        "       join retests on retests.module = new.module and retests.new_version = new.version"
        "       order by change, new.at) as first"
        " where clocks.change = first.change and first_report_at is null and first.at >= clocks.released_at"
        " returning clocks.change",
        [report.module for report, _ in reports], [report.module_version for report, _ in reports],
        [report.report for report, _ in reports], [at for _, at in reports],
    )  # fmt: skip
    return {row["change"] for row in rows}


async def clocks(tx: Transaction, changes: Iterable[UUID], *, lock: bool = False) -> list[Any]:
    statement = (
        "select clocks.*, (select count(*) from recipients as r where r.change = clocks.change and expected) as expected,"
        " (select count(*) from recipients as r where r.change = clocks.change and delivered_at is not null) as delivered,"
        " (select max(delivered_at) from recipients as r where r.change = clocks.change) as last_delivery"
        " from clocks where change = any($1::uuid[]) order by change"
    )
    found: list[Any] = await tx.raw.fetch(statement + (" for update of clocks" if lock else ""), sorted(changes))
    return found


async def count_up(tx: Transaction, changes: Sequence[UUID], column: str) -> dict[UUID, int]:
    """The next version of a metric, for its state topic."""
    assert column in {"delivery_version", "report_version"}
    rows = await tx.raw.fetch(
        f"update clocks set {column} = {column} + 1 where change = any($1::uuid[]) returning change, {column}",  # noqa: S608 - asserted
        list(changes),
    )
    return {row["change"]: row[column] for row in rows}


async def recipients(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select recipients.*, people.name from recipients left join people using (person) where change = $1"
        " order by delivered_at nulls last, person",
        change,
    )
    return found


async def series(tx: Transaction, since: datetime) -> list[Any]:
    """Clocks of the changes released since then, with their deliveries."""
    found: list[Any] = await tx.raw.fetch(
        "select clocks.*, (select max(delivered_at) from recipients as r where r.change = clocks.change) as last_delivery,"
        " exists (select from retests where retests.change = clocks.change) as has_retests"
        " from clocks where released_at >= $1 and not superseded order by released_at",
        since,
    )
    return found


async def facts_about(tx: Transaction, key: str, limit: int) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select id, topic, key, source, at, received_at, actor, body from facts where key = $1 order by at desc limit $2",
        key, limit,
    )  # fmt: skip
    return found
