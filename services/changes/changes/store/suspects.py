"""Suspect links with their causes, and who has cleared what and why."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_contracts.changes import PathStep
from changes.domain.suspicion import Suspicion

RETESTED = "retested"
"""Begins the reason of what a passed retest has cleared; the card's code follows."""
_PATH = TypeAdapter(tuple[PathStep, ...])

_RAISE = """
with raised as (
    select distinct on (link) * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[],
        $7::text[], $8::text[]) as new (link, item, kind, target, name, task, person, baseline)),
links as (
    insert into suspect_links (link, item, kind, target, name, task, person, baseline, since)
    select link, item, kind, target, name, task, person, baseline, $11 from raised
    on conflict (link) do update set name = excluded.name, person = excluded.person,
        baseline = case when exists (select from suspect_causes as open where open.link = suspect_links.link
            and clearing is null) then suspect_links.baseline else excluded.baseline end,
        since = case when exists (select from suspect_causes as open where open.link = suspect_links.link
            and clearing is null) then suspect_links.since else excluded.since end)
insert into suspect_causes (change, link, path, raised_at)
select *, $11 from unnest($9::uuid[], $1::uuid[], $10::jsonb[]) on conflict do nothing
"""
"""A link that is in doubt already keeps the earliest good baseline; a further change only adds a cause."""


async def raise_suspicions(tx: Transaction, found: Sequence[Suspicion]) -> None:
    if not found:
        return
    await tx.raw.execute(
        _RAISE,
        [one.link for one in found], [one.item for one in found], [one.kind for one in found],
        [one.target for one in found], [one.name for one in found], [one.task for one in found],
        [one.person for one in found], [one.baseline for one in found], [one.change for one in found],
        [_PATH.dump_json(one.path).decode() for one in found], tx.now,
    )  # fmt: skip


async def load_suspects(tx: Transaction, change: UUID) -> list[Any]:
    """The links that this change has put in doubt, open ones first, with the other changes that do so too."""
    found: list[Any] = await tx.raw.fetch(
        "select suspect_links.*, causes.path, causes.raised_at, cleared.clearing, cleared.at as cleared_at,"
        " cleared.by as cleared_by, cleared.reason, cleared.links as cleared_together,"
        " items.version as current_version,"
        " array(select orders.number from suspect_causes as other join change_orders as orders using (change)"
        "  where other.link = causes.link and other.change <> causes.change and other.clearing is null"
        "  order by other.raised_at) as also"
        " from suspect_causes as causes join suspect_links using (link) left join items using (item)"
        " left join suspect_clearings as cleared on cleared.clearing = causes.clearing"
        " where causes.change = $1 order by cleared.at nulls first, suspect_links.kind <> 'module', target",
        change,
    )
    return found


async def lock_open(tx: Transaction, change: UUID, links: Iterable[UUID]) -> list[Any]:
    """Those of the links that this change still holds in doubt."""
    found: list[Any] = await tx.raw.fetch(
        "select suspect_links.link, person from suspect_causes join suspect_links using (link)"
        " where change = $1 and clearing is null and link = any($2::uuid[]) for update of suspect_causes",
        change, list(links),
    )  # fmt: skip
    return found


async def clear(tx: Transaction, change: UUID, links: Sequence[UUID], by: str | None, reason: str) -> None:
    """Clear one cause of these links; one clearing is one record, however many links it is about."""
    await tx.raw.execute(
        "with cleared as (insert into suspect_clearings (clearing, change, by, reason, links, at)"
        " values ($1, $2, $3, $4, $5, $6))"
        " update suspect_causes set clearing = $1 where change = $2 and clearing is null and link = any($7::uuid[])",
        tx.new_id(), change, by, reason, len(links), tx.now, list(links),
    )  # fmt: skip


async def clear_superseded(tx: Transaction, changes: Sequence[UUID], reason: str) -> None:
    """A newer revision raises its own doubts; those of the older ones are over."""
    rows = await tx.raw.fetch(
        "select change, array_agg(link) as links from suspect_causes where change = any($1::uuid[])"
        " and clearing is null group by change",
        list(changes),
    )
    for row in rows:
        await clear(tx, row["change"], row["links"], None, reason)


_RETESTED = """
select causes.change, min(card.code) as code, array_agg(distinct causes.link) as links
from tasks as card join suspect_causes as causes on causes.change = card.retest_change and causes.clearing is null
    join suspect_links as links using (link) left join tasks as own on own.task = links.task
where card.task = any($1::uuid[]) and card.verified
    and (links.kind = 'criterion' and own.module = card.module and own.project = card.project
        or links.kind = 'module' and links.target = card.module and not exists (
            select from tasks as other where other.retest_change = card.retest_change and other.module = card.module
                and other.state not in ('cancelled', 'superseded') and not other.verified))
group by causes.change
"""
"""A test of one project speaks for that project; the module is cleared when no project's retest of it is open."""


async def clear_retested(tx: Transaction, cards: Sequence[UUID]) -> None:
    """What these retest cards have verified on the new version is in doubt no more, for the change that they repeat."""
    for row in await tx.raw.fetch(_RETESTED, list(cards)):
        await clear(tx, row["change"], row["links"], None, f"{RETESTED} {row['code']}")
