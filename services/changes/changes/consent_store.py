"""Tables of impact matrices, and functions between rows and domain values."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_contracts.changes import Adjustment, ConsentState
from changes.domain.consent import Link, Matrix, Row
from changes.domain.world import Task
from changes.store import task_of

_ADJUSTMENTS = TypeAdapter(tuple[Adjustment, ...])
_ROW = TypeAdapter(Row)

_MATRICES = "select * from matrices where matrix = any($1::uuid[]) order by matrix"
_LOCKED = f"{_MATRICES} for update"
_SEEN_BY = (
    "(proposer = $1 or (state <> 'draft' or revision > 0) and (arbiter = $1"
    " or exists (select from matrix_rows as r where r.matrix = m.matrix and r.person = $1)"
    " or exists (select from matrix_rows as r join people as p using (person)"
    "            where r.matrix = m.matrix and p.manager = $1)))"
)
_WAITING = (
    "(state = 'open' and exists (select from matrix_rows as r where r.matrix = m.matrix and r.person = $1"
    "  and r.answer = 'silent')"
    " or proposer = $1 and (state = 'draft' or state = 'open' and exists (select from matrix_rows as r"
    "  where r.matrix = m.matrix and r.answer in ('negotiating', 'rejected')))"
    " or state = 'open' and arbiter = $1 and exists (select from matrix_rows as r where r.matrix = m.matrix"
    "  and (r.answer in ('negotiating', 'rejected') or (r.body->>'escalated')::boolean and r.answer = 'silent')))"
)


async def next_number(tx: Transaction) -> str:
    """GCM-2026-0001: goal change matrix."""
    count = await tx.raw.fetchval("select nextval('matrix_numbers')")
    return f"GCM-{tx.now.year}-{count:04d}"


async def save(tx: Transaction, matrix: Matrix) -> None:
    await tx.raw.execute(
        "insert into matrices (matrix, number, title, reason, proposer, arbiter, change, state, revision, adjustments,"
        " proposed_at, sent_at, settled_at, version)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        " on conflict (matrix) do update set title = excluded.title, reason = excluded.reason,"
        " arbiter = excluded.arbiter, state = excluded.state, revision = excluded.revision,"
        " adjustments = excluded.adjustments, sent_at = excluded.sent_at, settled_at = excluded.settled_at,"
        " version = excluded.version",
        matrix.matrix, matrix.number, matrix.title, matrix.reason, matrix.proposer, matrix.arbiter, matrix.change,
        str(matrix.state), matrix.revision, _ADJUSTMENTS.dump_json(matrix.adjustments).decode(), matrix.proposed_at,
        matrix.sent_at, matrix.settled_at, matrix.version,
    )  # fmt: skip
    await tx.raw.execute(
        "delete from matrix_rows where matrix = $1 and row <> all($2::uuid[])",
        matrix.matrix, [row.row for row in matrix.rows],
    )  # fmt: skip
    await tx.raw.execute(
        "insert into matrix_rows (row, matrix, position, person, task, answer, body)"
        " select r, $2, p, w, t, a, b from unnest($1::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[],"
        "  $7::jsonb[]) as new (r, p, w, t, a, b)"
        " on conflict (row) do update set position = excluded.position, answer = excluded.answer, body = excluded.body",
        [row.row for row in matrix.rows], matrix.matrix, list(range(len(matrix.rows))),
        [row.person for row in matrix.rows], [row.task for row in matrix.rows],
        [str(row.answer) for row in matrix.rows], [_ROW.dump_json(row).decode() for row in matrix.rows],
    )  # fmt: skip


async def load(tx: Transaction, matrices: Iterable[UUID], *, lock: bool = True) -> dict[UUID, Matrix]:
    """Whole matrices. With `lock`, whoever else answers one of them waits."""
    rows = await tx.raw.fetch(
        _LOCKED if lock else _MATRICES,
        list(matrices),
    )
    return await _whole(tx, rows)


async def living_of_changes(tx: Transaction, changes: Sequence[UUID]) -> list[Matrix]:
    """Drafts and open matrices that these technical changes have caused, locked."""
    rows = await tx.raw.fetch(
        "select * from matrices where change = any($1::uuid[]) and state in ('draft', 'open')"
        " order by matrix for update",
        list(changes),
    )
    return list((await _whole(tx, rows)).values())


async def find(
    tx: Transaction,
    person: str,
    *,
    everything: bool,
    waiting: bool,
    state: str | None,
    change: UUID | None = None,
    limit: int,
) -> list[Matrix]:
    """Matrices that this person may see, newest first; `waiting`: only those that wait for them."""
    rows = await tx.raw.fetch(
        f"select * from matrices as m where ($2 or {_SEEN_BY}) and (not $3 or {_WAITING})"  # noqa: S608 - constants
        " and ($4::text is null or state = $4) and ($5::uuid is null or change = $5)"
        " order by proposed_at desc limit $6",
        person, everything, waiting, state, change, limit,
    )  # fmt: skip
    return list((await _whole(tx, rows)).values())


async def sees(tx: Transaction, matrix: UUID, person: str) -> bool:
    found: bool = await tx.raw.fetchval(
        f"select exists (select from matrices as m where matrix = $2 and {_SEEN_BY})",  # noqa: S608 - constants
        person, matrix,
    )  # fmt: skip
    return found


async def _whole(tx: Transaction, rows: Sequence[Any]) -> dict[UUID, Matrix]:
    if not rows:
        return {}
    listed = await tx.raw.fetch(
        "select matrix, body from matrix_rows where matrix = any($1::uuid[]) order by position",
        [row["matrix"] for row in rows],
    )
    return {
        row["matrix"]: Matrix(
            matrix=row["matrix"], number=row["number"], title=row["title"], reason=row["reason"],
            proposer=row["proposer"], arbiter=row["arbiter"], change=row["change"], state=ConsentState(row["state"]),
            revision=row["revision"], adjustments=_ADJUSTMENTS.validate_python(row["adjustments"]),
            rows=tuple(_ROW.validate_python(one["body"]) for one in listed if one["matrix"] == row["matrix"]),
            proposed_at=row["proposed_at"], sent_at=row["sent_at"], settled_at=row["settled_at"],
            version=row["version"],
        )
        for row in rows
    }  # fmt: skip


async def note(
    tx: Transaction, matrix: Matrix, kind: str, by: str | None, row: UUID | None = None, body: str = "{}"
) -> None:
    """One line of the thread; nothing in it is ever changed."""
    await tx.raw.execute(
        "insert into matrix_thread (id, matrix, revision, kind, by, row, body, at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tx.new_id(), matrix.matrix, matrix.revision, kind, by, row, body, tx.now,
    )  # fmt: skip


async def thread(tx: Transaction, matrix: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from matrix_thread where matrix = $1 order by at, id", matrix)
    return found


# ── what the rules ask about the company ────────────────────────────────────────────────────────────────────────────


async def tasks(tx: Transaction, wanted: Iterable[UUID]) -> dict[UUID, Task]:
    rows = await tx.raw.fetch("select * from tasks where task = any($1::uuid[])", list(wanted))
    return {row["task"]: task_of(row) for row in rows}


async def neighbours(tx: Transaction, listed: Iterable[Task]) -> list[Task]:
    """Open tasks on the same modules in the same projects."""
    places = {(task.project, task.module) for task in listed if task.module}
    rows = await tx.raw.fetch(
        "select tasks.* from tasks join unnest($1::uuid[], $2::text[]) as place (p, m)"
        " on tasks.project = p and tasks.module = m where tasks.state in ('active', 'draft')",
        [project for project, _ in places], [module for _, module in places],
    )  # fmt: skip
    return [task_of(row) for row in rows]


async def links(tx: Transaction, moved: Iterable[UUID]) -> list[Link]:
    """Open tasks that wait for one of these, and those that these wait for."""
    rows = await tx.raw.fetch(
        "select one as moved, true as waits, tasks.* from unnest($1::uuid[]) as one"
        " join tasks on tasks.depends_on @> array[one] where tasks.state in ('active', 'draft')"
        " union all select own.task, false, tasks.* from tasks as own join tasks on tasks.task = any(own.depends_on)"
        "  where own.task = any($1::uuid[]) and tasks.state in ('active', 'draft')",
        list(moved),
    )
    return [Link(row["moved"], task_of(row), waits=row["waits"]) for row in rows]


async def leads(tx: Transaction, projects: Iterable[UUID]) -> dict[UUID, str]:
    rows = await tx.raw.fetch("select project, lead from projects where project = any($1::uuid[])", list(projects))
    return {row["project"]: row["lead"] for row in rows}


async def find_arbiter(tx: Transaction, start: str, excluded: Iterable[str]) -> str | None:
    """The nearest superior of `start` who is not concerned; else a director who is not. None: nobody is left."""
    found: str | None = await tx.raw.fetchval(
        "with recursive above (person, depth) as ("
        " select manager, 1 from people where person = $1 and manager is not null"
        " union select people.manager, depth + 1 from people join above using (person)"
        "  where people.manager is not null and depth < 20)"
        " select person from ("
        "  select above.person, depth from above join people using (person) where active"
        "  union all select person, 1000 from people where active and 'director' = any(roles)) as able"
        " where person <> all($2::text[]) order by depth, person limit 1",
        start, list(excluded),
    )  # fmt: skip
    return found


async def managers(tx: Transaction, people: Iterable[str]) -> dict[str, str]:
    rows = await tx.raw.fetch(
        "select person, manager from people where person = any($1::text[]) and manager is not null", list(people)
    )
    return {row["person"]: row["manager"] for row in rows}


async def known_people(tx: Transaction, people: Iterable[str]) -> set[str]:
    rows = await tx.raw.fetch("select person from people where active and person = any($1::text[])", list(people))
    return {row["person"] for row in rows}
