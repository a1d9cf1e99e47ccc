"""Rows of history: every version of a task and a project, written with the change of state itself (G11)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import from_json

from bihuan_chassis import Transaction
from bihuan_contracts.changes import ConsentChanged
from goals.domain.causes import Cause
from goals.domain.history import WHOLE_EVERY, Kept
from goals.domain.tree import Project, Task, differing
from goals.domain.versions import ProjectVersion, TaskVersion

_TASK = TypeAdapter(Task)
_KEPT = {field.name for field in fields(Task)} - {"portion", "exact"}
"""Figures behind the rounding are worked out again from what is kept."""
_MOVES = frozenset({"project", "owner"})
"""Whole rows tell what was ever in a project or with a person."""
_PROJECT = TypeAdapter(Project)
_CAUSES = TypeAdapter(tuple[Cause, ...])


async def save_versions(tx: Transaction, tasks: Sequence[TaskVersion], projects: Sequence[ProjectVersion]) -> None:
    """Versions that were before the first of our own; others are written with the rows themselves (`tree_store`)."""
    await tx.raw.executemany(
        "insert into task_versions (task, version, project, owner, valid_from, whole, derived, state, causes)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            (one.task.task, one.task.version, one.task.project, one.task.owner, *task_row(one, changed_fields(one)))
            for one in tasks
        ],
    )
    await tx.raw.executemany(
        "insert into project_versions (project, version, valid_from, whole, state, causes)"
        " values ($1, $2, $3, $4, $5, $6)",
        [(one.project.project, one.project.version, *project_row(one)) for one in projects],
    )


def changed_fields(one: TaskVersion) -> set[str]:
    """Names of what differs from the version before; of a first version everything."""
    return _KEPT if one.before is None else differing(one.before, one.task) & _KEPT


def task_row(one: TaskVersion, changed: set[str]) -> tuple[datetime, bool, bool, str, str]:
    """Valid from, whole, derived, state or what differs of it, causes."""
    whole = one.before is None or not changed.isdisjoint(_MOVES) or one.task.version % WHOLE_EVERY == 0
    state = _TASK.dump_json(one.task, include=_KEPT if whole else changed).decode()
    return one.valid_from, whole, one.derived, state, _causes(one.causes)


def project_row(one: ProjectVersion) -> tuple[datetime, bool, str, str]:
    """Valid from, whole, state or what differs of it, causes."""
    project, before = one.project, one.before
    whole = before is None or project.version % WHOLE_EVERY == 0
    changed = {name for name in Project.__slots__ if whole or getattr(project, name) != getattr(before, name)}
    state = _PROJECT.dump_json(project, include=changed).decode()
    return one.valid_from, whole, state, _causes(one.causes)


@lru_cache(256)
def _causes(causes: tuple[Cause, ...]) -> str:
    """One act has the same causes for everything that it moves."""
    return _CAUSES.dump_json(causes).decode()


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# Each task by itself, as `offset 0` has it: joined as a set, PostgreSQL reads all that was ever kept of all tasks.
_OF_TASKS = (
    "select h.* from unnest($1::uuid[]) as wanted (task) cross join lateral ("
    " select task, version, valid_from, whole, derived, state::text as state, causes::text as causes"
    " from task_versions as v where v.task = wanted.task and ($3::timestamptz is null or v.valid_from <= $3)"
    "  and v.version >= coalesce((select k.version from task_versions as k where k.task = wanted.task and k.whole"
    "   and k.valid_from <= $2 order by k.version desc limit 1), -2147483648)"
    " offset 0) as h order by h.task, h.version"
)


async def tasks_ever_in(tx: Transaction, project: UUID) -> list[UUID]:
    rows = await tx.raw.fetch("select distinct task from task_versions where project = $1 and whole", project)
    return [row["task"] for row in rows]


async def tasks_ever_of(tx: Transaction, person: str) -> list[UUID]:
    rows = await tx.raw.fetch("select distinct task from task_versions where owner = $1 and whole", person)
    return [row["task"] for row in rows]


async def kept_tasks(
    tx: Transaction, tasks: Iterable[UUID], at: datetime, until: datetime | None = None
) -> dict[UUID, list[Kept]]:
    """Each task's versions, oldest first, from the last whole one before `at` up to `until`, or now."""
    rows = await tx.raw.fetch(_OF_TASKS, sorted(set(tasks)), at, until)
    return {task: [_kept(row) for row in group] for task, group in groupby(rows, key=lambda row: row["task"])}


async def kept_project(tx: Transaction, project: UUID, at: datetime, until: datetime | None = None) -> list[Kept]:
    rows = await tx.raw.fetch(
        "select version, valid_from, whole, false as derived, state::text as state, causes::text as causes"
        " from project_versions where project = $1 and ($3::timestamptz is null or valid_from <= $3)"
        " and version >= (select coalesce(max(version), -2147483648) from project_versions"
        "  where project = $1 and whole and valid_from <= $2) order by version",
        project, at, until,
    )  # fmt: skip
    return [_kept(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest acts of a longer list: those after `begin`, and how many `older` ones there are."""

    begin: datetime
    older: int


async def newest_of_project(tx: Transaction, project: UUID, as_of: datetime, most: int) -> Newest:
    """Each act in a project gives it a version."""
    row = await tx.raw.fetchrow(
        "select (select valid_from from project_versions where project = $1 order by version desc offset $3 limit 1)"
        " as begin, (select count(*) from project_versions where project = $1 and version > ("
        "  select version from project_versions where project = $1 and valid_from <= $2 order by version desc limit 1))"
        " as acts",
        project, as_of, most,
    )  # fmt: skip
    return _newest(row, as_of, most)


async def newest_of_tasks(tx: Transaction, tasks: Sequence[UUID], as_of: datetime, most: int) -> Newest:
    row = await tx.raw.fetchrow(
        "with acts as (select distinct v.project, v.valid_from from unnest($1::uuid[]) as wanted (task)"
        "  join task_versions as v on v.task = wanted.task and v.version > coalesce((select o.version"
        "   from task_versions as o where o.task = wanted.task and o.valid_from <= $2 order by o.version desc limit 1),"
        "   -2147483648) where not v.derived)"
        " select (select valid_from from acts order by valid_from desc offset $3 limit 1) as begin,"
        " (select count(*) from acts) as acts",
        list(tasks), as_of, most,
    )  # fmt: skip
    return _newest(row, as_of, most)


def _newest(row: Any, as_of: datetime, most: int) -> Newest:
    if row["begin"] is None or row["begin"] <= as_of:
        return Newest(as_of, 0)
    return Newest(row["begin"], row["acts"] - most)


async def since(tx: Transaction, project: UUID) -> datetime | None:
    """How far back the history of a project goes."""
    found: datetime | None = await tx.raw.fetchval(
        "select valid_from from project_versions where project = $1 order by version limit 1", project
    )
    return found


async def known_since(tx: Transaction, tasks: Sequence[UUID]) -> datetime | None:
    found: datetime | None = await tx.raw.fetchval(
        "select min(valid_from) from unnest($1::uuid[]) as wanted (task) cross join lateral (select valid_from"
        " from task_versions as v where v.task = wanted.task order by version limit 1) as first",
        list(tasks),
    )
    return found


def _kept(row: Any) -> Kept:
    # JSON as text: asyncpg calls Python for each JSON value, and one act says why in many versions.
    version, at, whole, derived, state, causes = row[-6:]
    return Kept(version, at, whole, from_json(state), _read_causes(causes), derived)


@lru_cache(1024)
def _read_causes(causes: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(from_json(causes))


def task_from(state: Any) -> Task:
    return _TASK.validate_python(state)


def project_from(state: Any) -> Project:
    return _PROJECT.validate_python(state)


async def save_consents(tx: Transaction, matrices: Sequence[ConsentChanged]) -> None:
    """What later changes say about consent: the matrix, its state, and the technical change behind it."""
    newest = {one.matrix: one for one in sorted(matrices, key=lambda one: one.version)}
    listed = [newest[matrix] for matrix in sorted(newest)]
    await tx.raw.execute(
        "insert into consents (matrix, number, title, state, change, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::int[])"
        " on conflict (matrix) do update set number = excluded.number, title = excluded.title, state = excluded.state,"
        " change = excluded.change, version = excluded.version where consents.version < excluded.version",
        [one.matrix for one in listed], [one.number for one in listed], [one.title for one in listed],
        [str(one.state) for one in listed], [one.change for one in listed], [one.version for one in listed],
    )  # fmt: skip


async def consents_behind(tx: Transaction, refs: Iterable[UUID]) -> list[Any]:
    """Matrices that are these, or that belong to these technical changes."""
    found: list[Any] = await tx.raw.fetch(
        "select matrix, number, title, state, change from consents where matrix = any($1::uuid[])"
        " or change = any($1::uuid[]) order by number",
        sorted(set(refs)),
    )
    return found
