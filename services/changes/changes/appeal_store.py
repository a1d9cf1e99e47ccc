"""Tables of appeals, their thread and their frozen evidence, and functions between rows and domain values (C9)."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
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


async def find(tx: Transaction, person: str, *, everything: bool, limit: int) -> list[Appeal]:
    """Where the person is a side or handles it, newest first; what they may see of it is for the rules to say."""
    rows = await tx.raw.fetch(
        "select body from appeals where $2 or appellant = $1 or handler = $1 or respondent = $1"
        " order by filed_at desc limit $3",
        person, everything, limit,
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


async def save_evidence(tx: Transaction, appeal: UUID, items: Sequence[Item]) -> None:
    await tx.raw.executemany(
        "insert into appeal_evidence (appeal, position, name, sha256, content) values ($1, $2, $3, $4, $5)",
        [(appeal, place, item.name, item.sha256, item.content) for place, item in enumerate(items)],
    )


async def evidence(tx: Transaction, appeal: UUID) -> list[Item]:
    rows = await tx.raw.fetch("select name, content from appeal_evidence where appeal = $1 order by position", appeal)
    return [Item(row["name"], row["content"]) for row in rows]


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
