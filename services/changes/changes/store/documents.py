"""Technical documents of projects, section by section, each version kept."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from changes.domain.documents import Section


async def lock_documents(tx: Transaction, projects: Iterable[UUID]) -> dict[UUID, int]:
    """The newest version of each document, begun at 0 where there is none; in one order: nobody waits in a ring."""
    wanted = sorted(set(projects))
    # The update changes nothing: it locks the row that is there, and answers with it as it is by then.
    rows = await tx.raw.fetch(
        "insert into documents (project, version) select wanted, 0 from unnest($1::uuid[]) as wanted"
        " on conflict (project) do update set version = documents.version returning project, version",
        wanted,
    )
    return {row["project"]: row["version"] for row in rows}


async def load_sections(
    tx: Transaction, projects: Iterable[UUID], *, at: int | None = None
) -> dict[UUID, dict[str, Section]]:
    """Each section as it stood in this version of its document, None for the newest."""
    rows = await tx.raw.fetch(
        "select distinct on (project, module) sections.*, orders.number from document_sections as sections"
        " left join change_orders as orders using (change)"
        " where project = any($1::uuid[]) and ($2::int is null or sections.version <= $2)"
        " order by project, module, sections.version desc",
        list(projects), at,
    )  # fmt: skip
    found: dict[UUID, dict[str, Section]] = {}
    for row in rows:
        found.setdefault(row["project"], {})[row["module"]] = _section(row)
    return found


async def newest_sections(tx: Transaction, wanted: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], Section]:
    """The sections of these projects and modules as they stand; a document is not read for one of them."""
    pairs = list(dict.fromkeys(wanted))
    rows = await tx.raw.fetch(
        "select newest.*, null as number from unnest($1::uuid[], $2::text[]) as wanted (project, module)"
        " cross join lateral (select * from document_sections as one where one.project = wanted.project"
        "  and one.module = wanted.module order by one.version desc limit 1) as newest",
        [project for project, _ in pairs], [module for _, module in pairs],
    )  # fmt: skip
    return {(row["project"], row["module"]): _section(row) for row in rows}


def _section(row: Any) -> Section:
    return Section(
        row["module"], row["title"], row["body"], row["item_version"], row["version"], row["by"], row["number"],
        row["at"],
    )  # fmt: skip


async def save_sections(tx: Transaction, written: Sequence[tuple[UUID, Section, UUID | None]]) -> None:
    """Sections of new versions, with the change that wrote them if one did; their documents move to those versions."""
    await tx.raw.execute(
        "with written as (select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[],"
        "  $7::text[], $8::uuid[]) as new (project, module, version, title, body, item_version, by, change)),"
        " moved as (update documents set version = newest.version from"
        "  (select project, max(version) as version from written group by project) as newest"
        "  where documents.project = newest.project)"
        " insert into document_sections (project, module, version, title, body, item_version, by, change, at)"
        " select *, $9 from written",
        [project for project, _, _ in written], [one.module for _, one, _ in written],
        [one.version for _, one, _ in written], [one.title for _, one, _ in written],
        [one.body for _, one, _ in written], [one.item_version for _, one, _ in written],
        [one.by for _, one, _ in written], [change for _, _, change in written], tx.now,
    )  # fmt: skip


async def load_versions(tx: Transaction, project: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select sections.version, sections.title, sections.module, sections.by, sections.at, sections.change,"
        " orders.number from document_sections as sections left join change_orders as orders using (change)"
        " where project = $1 order by sections.version desc limit 500",
        project,
    )
    return found


async def find_project(tx: Transaction, project: UUID) -> Any | None:
    return await tx.raw.fetchrow("select project, code, name, product, lead from projects where project = $1", project)


async def modules_of(tx: Transaction, person: str) -> set[str]:
    """Modules that somebody answers for."""
    found = await tx.raw.fetchval("select modules from people where person = $1 and active", person)
    return set(found or ())
