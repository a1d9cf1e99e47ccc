"""Tables of appeals: thread, files, frozen evidence; and functions between rows and domain values (C9)."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_chassis.files import Taken
from changes.domain import bundle
from changes.domain.appeal import Appeal, Colleague
from changes.domain.bundle import Item

_APPEAL = TypeAdapter(Appeal)
_ENDED = "('refused', 'withdrawn', 'acknowledged')"


async def next_number(tx: Transaction) -> str:
    """APL-2026-0001."""
    count = await tx.raw.fetchval("select nextval('appeal_numbers')")
    return f"APL-{tx.now.year}-{count:04d}"


async def add(tx: Transaction, appeal: Appeal) -> bool:
    """False: the appellant has an open appeal of the same thing already."""
    added = await tx.raw.fetchval(
        "insert into appeals (appeal, number, appellant, respondent, handler, state, subject, matrix, filed_at, body,"
        " version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing returning true",
        appeal.appeal, appeal.number, appeal.appellant, appeal.respondent, appeal.handler, str(appeal.state),
        appeal.subject.key, appeal.matrix, appeal.filed_at, _APPEAL.dump_json(appeal).decode(), appeal.version,
    )  # fmt: skip
    return bool(added)


async def save(tx: Transaction, appeal: Appeal) -> None:
    await tx.raw.execute(
        "update appeals set handler = $2, state = $3, matrix = $4, body = $5, version = $6 where appeal = $1",
        appeal.appeal, appeal.handler, str(appeal.state), appeal.matrix, _APPEAL.dump_json(appeal).decode(),
        appeal.version,
    )  # fmt: skip


async def load(tx: Transaction, appeals: Iterable[UUID]) -> dict[UUID, Appeal]:
    """Appeals, locked: whoever else takes a step in one of them waits."""
    rows = await tx.raw.fetch(
        "select appeal, body from appeals where appeal = any($1::uuid[]) order by appeal for update", list(appeals)
    )
    return {row["appeal"]: _APPEAL.validate_python(row["body"]) for row in rows}


async def decided_by(tx: Transaction, matrices: Sequence[UUID]) -> list[Appeal]:
    """Decided appeals whose corrections these matrices carry out."""
    rows = await tx.raw.fetch(
        "select body from appeals where matrix = any($1::uuid[]) and state = 'decided' order by appeal for update",
        list(matrices),
    )
    return [_APPEAL.validate_python(row["body"]) for row in rows]


async def find(
    tx: Transaction, person: str, *, everything: bool, limit: int, task: UUID | None = None, matrix: UUID | None = None
) -> list[Appeal]:
    """Where the person is a side or handles it, newest first; what they may see of it is for the rules to say.

    `task` and `matrix`: only appeals of what these have to do with.
    """
    rows = await tx.raw.fetch(
        "select body from appeals where ($2 or appellant = $1 or handler = $1 or respondent = $1)"
        " and ($4::uuid is null or body->'subject'->>'task' = $4::text)"
        " and ($5::uuid is null or body->'subject'->>'matrix' = $5::text or matrix = $5)"
        " order by filed_at desc limit $3",
        person, everything, limit, task, matrix,
    )  # fmt: skip
    return [_APPEAL.validate_python(row["body"]) for row in rows]


async def note(tx: Transaction, appeal: UUID, kind: str, by: str | None, words: str | None = None) -> None:
    """One line of the file; nothing in it is ever changed."""
    await tx.raw.execute(
        "insert into appeal_thread (id, appeal, kind, by, words, at) values ($1, $2, $3, $4, $5, $6)",
        tx.new_id(), appeal, kind, by, words, tx.now,
    )  # fmt: skip


async def thread(tx: Transaction, appeal: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from appeal_thread where appeal = $1 order by at, id", appeal)
    return found


async def add_file(tx: Transaction, appeal: UUID, file: Taken, person: str) -> None:
    await tx.raw.execute(
        "insert into appeal_files (id, appeal, name, media_type, size, sha256, content, person, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tx.new_id(), appeal, file.name, file.media_type, len(file.content), sha256(file.content).hexdigest(),
        file.content, person, tx.now,
    )  # fmt: skip


async def remove_file(tx: Transaction, appeal: UUID, file: UUID) -> None:
    await tx.raw.execute("delete from appeal_files where id = $1 and appeal = $2", file, appeal)


async def files(tx: Transaction, appeal: UUID) -> list[Any]:
    """What the sides have added, oldest first; without the contents."""
    found: list[Any] = await tx.raw.fetch(
        "select id, name, media_type, size, person, at from appeal_files where appeal = $1 order by at, id", appeal
    )
    return found


async def file(tx: Transaction, appeal: UUID, id: UUID) -> Any | None:
    return await tx.raw.fetchrow("select * from appeal_files where id = $1 and appeal = $2", id, appeal)


async def file_items(tx: Transaction, appeal: UUID) -> list[Item]:
    rows = await tx.raw.fetch("select id, name, content from appeal_files where appeal = $1 order by at, id", appeal)
    return [Item(bundle.file_name(place, row["name"]), row["content"], row["id"]) for place, row in enumerate(rows, 1)]


async def used_bytes(tx: Transaction, person: str) -> int:
    found = await tx.raw.fetchval("select coalesce(sum(size), 0) from appeal_files where person = $1", person)
    return int(found)


async def save_evidence(tx: Transaction, appeal: UUID, items: Sequence[Item]) -> None:
    """A file is not kept twice: its evidence names it."""
    await tx.raw.executemany(
        "insert into appeal_evidence (appeal, position, name, sha256, content, file) values ($1, $2, $3, $4, $5, $6)",
        [
            (appeal, place, item.name, item.sha256, None if item.file else item.content, item.file)
            for place, item in enumerate(items)
        ],
    )


async def evidence(tx: Transaction, appeal: UUID) -> list[Item]:
    rows = await tx.raw.fetch(
        "select e.name, e.file, coalesce(e.content, f.content) as content from appeal_evidence e"
        " left join appeal_files f on f.id = e.file where e.appeal = $1 order by position",
        appeal,
    )
    return [Item(row["name"], row["content"], row["file"]) for row in rows]


async def evidence_listed(tx: Transaction, appeal: UUID) -> list[Any]:
    """Name, hash and size of each item, without the contents."""
    found: list[Any] = await tx.raw.fetch(
        "select e.name, e.sha256, e.file, coalesce(octet_length(e.content), f.size) as bytes from appeal_evidence e"
        " left join appeal_files f on f.id = e.file where e.appeal = $1 order by position",
        appeal,
    )
    return found


async def colleagues(tx: Transaction) -> dict[str, Colleague]:
    rows = await tx.raw.fetch("select person, manager, roles from people where active")
    return {row["person"]: Colleague(row["person"], row["manager"], frozenset(row["roles"])) for row in rows}


async def open_by_handler(tx: Transaction) -> dict[str, int]:
    rows = await tx.raw.fetch(
        f"select handler, count(*) as n from appeals where state not in {_ENDED} and handler is not null"  # noqa: S608 - constants
        " group by handler"
    )
    return {row["handler"]: row["n"] for row in rows}


async def auditors(tx: Transaction) -> list[str]:
    rows = await tx.raw.fetch("select person from people where active and 'auditor' = any(roles) order by person")
    return [row["person"] for row in rows]
