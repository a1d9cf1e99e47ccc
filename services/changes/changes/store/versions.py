"""Decision tables with all their versions, their log, and what was decided with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts import Text
from changes.domain.rules import RuleBook
from changes.domain.rules_dry import Past, facts_from
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_versions import BASE, State, Version
from changes.store.rules import TABLE, rules_in_force


@dataclass(frozen=True, slots=True)
class Head:
    """A table whatever its version."""

    name: str
    position: int
    title: Text


@dataclass(frozen=True, slots=True)
class Logged:
    version: int
    at: datetime
    by: str
    kind: str
    note: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a past decision was about, in words."""

    change_number: str
    task_code: str | None
    task_title: str | None
    module: str
    person: str | None
    person_name: str | None


async def heads(tx: Transaction) -> list[Head]:
    """In the order in which they are asked now."""
    rows = await tx.raw.fetch(
        "select decision_tables.* from decision_tables left join (select names from table_orders"
        "  where state = 'in_force' order by decided_at desc limit 1) as agreed on true"
        " order by name = $1, array_position(agreed.names, name), position, name",
        BASE,
    )
    return [Head(row["name"], row["position"], Text(**row["title"])) for row in rows]


async def head(tx: Transaction, name: str) -> Head | None:
    return next((one for one in await heads(tx) if one.name == name), None)


async def add_head(tx: Transaction, title: Text) -> Head:
    """The next table in order: after those that are there, before the base table."""
    number = await tx.raw.fetchval("select nextval('decision_numbers')")
    row = await tx.raw.fetchrow(
        "insert into decision_tables (name, position, title) select $1,"
        " coalesce(max(position) filter (where name <> $3), 0) + 10, $2 from decision_tables returning *",
        f"R-{number:02d}", title.model_dump_json(), BASE,
    )  # fmt: skip
    assert row is not None
    return Head(row["name"], row["position"], title)


async def retitle(tx: Transaction, name: str, title: Text) -> None:
    await tx.raw.execute("update decision_tables set title = $2 where name = $1", name, title.model_dump_json())


async def versions(tx: Transaction, names: Iterable[str], *, lock: bool = False) -> list[Version]:
    """Every version of these tables, oldest first. With `lock`, whoever else changes one of them waits."""
    rows = await tx.raw.fetch(_LOCKED if lock else _VERSIONS, list(names))
    return [_version(row) for row in rows]


_VERSIONS = "select * from decision_versions where name = any($1::text[]) order by name, version"
_LOCKED = f"{_VERSIONS} for update"


def _version(row: Any) -> Version:
    return Version(
        row["name"], row["version"], State(row["state"]), TABLE.validate_python(row["content"]),
        tuple(row["authors"]), row["edition"], row["drafted_at"], row["based_on"], row["effective_from"],
        row["effective_until"], row["submitted_at"], row["approver"], row["approved_at"],
    )  # fmt: skip


async def save_version(tx: Transaction, *listed: Version) -> None:
    for one in listed:
        await tx.raw.execute(
            "insert into decision_versions (name, version, state, content, authors, edition, drafted_at, based_on,"
            " effective_from, effective_until, submitted_at, approver, approved_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
            " on conflict (name, version) do update set state = excluded.state, content = excluded.content,"
            " authors = excluded.authors, edition = excluded.edition, effective_from = excluded.effective_from,"
            " effective_until = excluded.effective_until, submitted_at = excluded.submitted_at,"
            " approver = excluded.approver, approved_at = excluded.approved_at",
            one.name, one.version, str(one.state), TABLE.dump_json(one.table).decode(), list(one.authors),
            one.edition, one.drafted_at, one.based_on, one.effective_from, one.effective_until, one.submitted_at,
            one.approver, one.approved_at,
        )  # fmt: skip


async def note(tx: Transaction, version: Version, by: str, kind: str, words: str | None = None) -> None:
    await tx.raw.execute(
        "insert into decision_log (id, name, version, at, by, kind, note) values ($1, $2, $3, $4, $5, $6, $7)",
        tx.new_id(), version.name, version.version, tx.now, by, kind, words,
    )  # fmt: skip


async def log_of(tx: Transaction, name: str) -> list[Logged]:
    rows = await tx.raw.fetch("select * from decision_log where name = $1 order by at, id", name)
    return [Logged(row["version"], row["at"], row["by"], row["kind"], row["note"]) for row in rows]


async def approvers(tx: Transaction) -> dict[str, str]:
    """Who may give the second person's word, with names."""
    rows = await tx.raw.fetch(
        "select person, name from people where active and roles && '{process_owner,director}'::text[] order by person"
    )
    return {row["person"]: row["name"] for row in rows}


async def book_with(tx: Transaction, name: str, trial: CompiledTable) -> RuleBook:
    """The rules in force now, with this table in place of its own version."""
    book = await rules_in_force(tx, tx.now)
    places = {one.name: place for place, one in enumerate(await heads(tx))}
    others = [table for table in book.tables if table.name != name]
    return RuleBook(sorted([*others, trial], key=lambda table: places[table.name]))


async def past_decisions(tx: Transaction, last: int) -> list[Past]:
    """What was decided about the last applied changes, newest change first."""
    rows = await tx.raw.fetch(
        "select d.change, d.subject, d.facts from (select change, applied_at from change_orders"
        "  where applied_at is not null order by applied_at desc limit $1) as o"
        " join decisions as d using (change) order by o.applied_at desc, d.subject",
        last,
    )
    return [Past(row["change"], row["subject"], facts_from(row["facts"])) for row in rows]


async def changes_without_record(tx: Transaction, last: int) -> int:
    """How many of the last changes were applied before decisions were kept."""
    count: int = await tx.raw.fetchval(
        "select count(*) from (select change from change_orders where applied_at is not null"
        "  order by applied_at desc limit $1) as o"
        " where exists (select from impact_rows where impact_rows.change = o.change)"
        " and not exists (select from decisions where decisions.change = o.change)",
        last,
    )
    return count


async def subjects(tx: Transaction, past: Sequence[Past]) -> dict[tuple[UUID, str], Subject]:
    rows = await tx.raw.fetch(
        "select d.change, d.subject, o.number, t.code, t.title, d.facts->'module'->>0 as module,"
        " coalesce(r.person, t.owner) as person, p.name"
        " from unnest($1::uuid[], $2::text[]) as wanted (c, s)"
        " join decisions as d on d.change = wanted.c and d.subject = wanted.s"
        " join change_orders as o on o.change = d.change left join tasks as t on t.task::text = d.subject"
        " left join impact_rows as r on r.row = d.row left join people as p on p.person = coalesce(r.person, t.owner)",
        [one.change for one in past], [one.subject for one in past],
    )  # fmt: skip
    return {
        (row["change"], row["subject"]): Subject(
            row["number"], row["code"], row["title"], row["module"] or "", row["person"], row["name"]
        )
        for row in rows
    }


async def decision_of_row(tx: Transaction, change: UUID, row: UUID) -> Mapping[str, Any] | None:
    """What was decided about the row; for somebody who is only told, about the row that told."""
    found = await tx.raw.fetchrow("select * from decisions where row = $1 and change = $2", row, change)
    if found is None:
        found = await tx.raw.fetchrow(
            "select d.* from impact_bodies as told"
            " join decisions as d on d.change = told.change and d.row is not null"
            " join impact_bodies as cause on cause.row = d.row and cause.change = told.change"
            " where told.row = $1 and told.change = $2 and cause.body->>'module' = told.body->>'module'"
            " and cause.body->'hits' @> coalesce(nullif(told.body->'hits', '[]')->0, '{}') order by d.subject limit 1",
            row, change,
        )  # fmt: skip
    return dict(found) if found else None


async def values_in_data(tx: Transaction) -> dict[str, list[tuple[str, str]]]:
    """By field, the values that occur, with a name where there is one."""
    rows = await tx.raw.fetch(
        "select 'module' as field, item as value, name from items where version is not null"
        " union all select 'item', item, name from items where version is not null"
        " union all select distinct 'product', product, coalesce(items.name, '') from projects"
        "  left join items on items.item = projects.product"
        " union all select 'project', code, name from projects"
        " union all select distinct 'phase', phase, '' from projects where phase is not null"
        " union all select distinct 'customer', customer, '' from projects where customer is not null"
        " union all select distinct 'department', department, '' from people where department is not null and active"
        " union all select distinct 'source', source, '' from change_orders"
        " union all select distinct 'change_type', orders->>'change_type', '' from change_orders"
        " order by 1, 2"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        if row["value"]:
            found.setdefault(row["field"], []).append((row["value"], row["name"]))
    return found
