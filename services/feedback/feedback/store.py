"""Tables of feedback, and functions on sets of rows."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_chassis.files import Taken
from bihuan_contracts.changes import ChangeOrderChanged
from bihuan_contracts.goals import ProjectChanged, TaskChanged
from bihuan_contracts.hr import PersonChanged


async def save_cards(tx: Transaction, tasks: Sequence[TaskChanged]) -> None:
    newest = {task.task: task for task in sorted(tasks, key=lambda task: task.version)}.values()
    await tx.raw.execute(
        "insert into cards (task, code, title, change, change_number, owner, project, project_name, module, new_version, state, retest, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::uuid[],"
        "  $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[], $13::int[])"
        " on conflict (task) do update set title = excluded.title, owner = excluded.owner, state = excluded.state,"
        "  new_version = excluded.new_version, version = excluded.version where cards.version < excluded.version",
        [t.task for t in newest], [t.code for t in newest], [t.title for t in newest],
        [t.retest.change if t.retest else None for t in newest],
        [t.retest.change_number if t.retest else None for t in newest], [t.owner for t in newest],
        [t.project for t in newest], [t.project_name for t in newest], [t.module for t in newest],
        [t.retest.new_version if t.retest else t.item_version for t in newest], [str(t.state) for t in newest],
        [t.retest is not None for t in newest], [t.version for t in newest],
    )  # fmt: skip


async def save_projects(tx: Transaction, projects: Sequence[ProjectChanged]) -> None:
    newest = {one.project: one for one in sorted(projects, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into projects (project, name, lead, version) select * from unnest($1::uuid[], $2::text[], $3::text[], $4::int[])"
        " on conflict (project) do update set name = excluded.name, lead = excluded.lead, version = excluded.version"
        " where projects.version < excluded.version",
        [one.project for one in newest], [one.name for one in newest], [one.lead for one in newest],
        [one.version for one in newest],
    )  # fmt: skip


async def save_orders(tx: Transaction, orders: Sequence[ChangeOrderChanged]) -> None:
    newest = {one.change: one for one in sorted(orders, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into orders (change, number, released_by, author, state, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[])"
        " on conflict (change) do update set released_by = excluded.released_by, author = excluded.author,"
        " state = excluded.state, version = excluded.version where orders.version < excluded.version",
        [one.change for one in newest], [one.number for one in newest], [one.released_by for one in newest],
        [one.author for one in newest], [str(one.state) for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = {one.person: one for one in sorted(people, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into people (person, name, active, version) select * from unnest($1::text[], $2::text[], $3::boolean[], $4::int[])"
        " on conflict (person) do update set name = excluded.name, active = excluded.active, version = excluded.version"
        " where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.active for one in newest],
        [one.version for one in newest],
    )  # fmt: skip


async def find_card(tx: Transaction, task: UUID, *, lock: bool = False) -> Any | None:
    """A task with its project's lead and its change's author."""
    if lock:
        await tx.raw.fetchval("select true from cards where task = $1 for update", task)
    return await tx.raw.fetchrow(
        "select cards.*, projects.lead, orders.released_by from cards left join projects using (project)"
        " left join orders using (change) where task = $1",
        task,
    )


async def names(tx: Transaction, people: Iterable[str | None]) -> dict[str, str]:
    rows = await tx.raw.fetch(
        "select person, name from people where person = any($1::text[])", [one for one in people if one]
    )
    return {row["person"]: row["name"] for row in rows}


async def answers(tx: Transaction, task: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from answers where task = $1 order by version desc", task)
    return found


async def save_answer(tx: Transaction, task: UUID, version: int, person: str, answer: str, comment: str | None) -> None:
    await tx.raw.execute(
        "insert into answers (task, version, person, answer, comment, at) values ($1, $2, $3, $4, $5, $6)",
        task, version, person, answer, comment, tx.now,
    )  # fmt: skip


async def document(tx: Transaction, task: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from documents where task = $1 order by version desc limit 1", task)


async def document_versions(tx: Transaction, task: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from documents where task = $1 order by version desc", task)
    return found


async def save_document(tx: Transaction, task: UUID, version: int, document: UUID, body: str, person: str) -> None:
    await tx.raw.execute(
        "insert into documents (task, version, document, body, person, at) values ($1, $2, $3, $4, $5, $6)",
        task, version, document, body, person, tx.now,
    )  # fmt: skip


async def used_bytes(tx: Transaction, person: str) -> int:
    found = await tx.raw.fetchval("select coalesce(sum(size), 0) from attachments where person = $1", person)
    return int(found)


async def save_attachment(
    tx: Transaction, file: Taken, *, id: UUID, person: str, task: UUID | None = None, change: UUID | None = None
) -> None:
    """Keep a file of a task or of a change order."""
    await tx.raw.execute(
        "insert into attachments (id, task, change, name, media_type, size, digest, content, person, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id, task, change, file.name, file.media_type, len(file.content), sha256(file.content).digest(), file.content,
        person, tx.now,
    )  # fmt: skip


async def attachments(tx: Transaction, task: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select id, task, name, media_type, size, person, at from attachments where task = $1 order by at", task
    )
    return found


async def attachments_of_change(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select id, name, media_type, size, person, at from attachments where change = $1 order by at", change
    )
    return found


async def lock_order(tx: Transaction, change: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from orders where change = $1 for update", change)


async def remove_attachment(tx: Transaction, change: UUID, id: UUID) -> bool:
    """Whether there was such a file of the change."""
    found = await tx.raw.fetchval("delete from attachments where id = $1 and change = $2 returning true", id, change)
    return bool(found)


async def attachment(tx: Transaction, id: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from attachments where id = $1", id)
