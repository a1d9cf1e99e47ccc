"""A change brings the technical documents of the projects it touches to the new version (C11)."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_chassis.calendar import ZONE
from bihuan_contracts.changes import ImpactRow
from changes.domain.documents import Section, after_change
from changes.store import StoredOrder, documents


def projects_of(rows: Iterable[ImpactRow]) -> list[UUID]:
    return sorted({row.project for row in rows if row.project is not None})


async def update(tx: Transaction, applied: Sequence[StoredOrder], projects: Mapping[UUID, Sequence[UUID]]) -> None:
    """The section of the changed module gets the new version and what changed, in each project that the change touches,
    by change."""
    touched = [(project, one.order) for one in applied for project in projects[one.order.change]]
    if not touched:
        return
    versions = await documents.lock_documents(tx, {project for project, _ in touched})
    sections = await documents.newest_sections(tx, ((project, order.item) for project, order in touched))
    at = tx.now.astimezone(ZONE)
    written: list[tuple[UUID, Section, UUID | None]] = []
    for project, order in touched:
        versions[project] += 1
        title, body = after_change(sections.get((project, order.item)), order, at)
        section = sections[project, order.item] = Section(order.item, title, body, order.new_version, versions[project])
        written.append((project, section, order.change))
    await documents.save_sections(tx, written)
