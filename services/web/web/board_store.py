"""Projects and tasks as their topics tell them: the rows that boards, search and workloads are made from."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from bihuan_chassis import Transaction
from bihuan_contracts.goals import ProjectChanged, ProjectState, TaskChanged

Raw: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

ARCHIVED = frozenset({ProjectState.DONE, ProjectState.CANCELLED})
"""What is done or given up: apart from what runs."""
_COUNTED = "state not in ('cancelled', 'superseded')"
_COUNTS = (
    f"count(*) filter (where {_COUNTED}) as tasks, count(*) filter (where state = 'done') as done,"
    f" count(*) filter (where locked and {_COUNTED}) as locked,"
    " count(*) filter (where state = 'active' and due_at < $1) as late,"
    " count(*) filter (where kind = 'retest' and state = 'active') as retests_open"
)


async def save_projects(tx: Transaction, projects: Sequence[ProjectChanged]) -> None:
    """Keep the newest state of each; an older one that comes late changes nothing."""
    newest = list({one.project: one for one in sorted(projects, key=lambda one: one.version)}.values())
    await tx.raw.execute(
        "insert into board_projects (project, code, name, product, customer, lead, state, body, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::jsonb[], $9::int[])"
        " on conflict (project) do update set code = excluded.code, name = excluded.name, product = excluded.product,"
        "  customer = excluded.customer, lead = excluded.lead, state = excluded.state, body = excluded.body,"
        "  version = excluded.version where board_projects.version < excluded.version",
        [one.project for one in newest], [one.code for one in newest], [one.name for one in newest],
        [one.product for one in newest], [one.customer for one in newest], [one.lead for one in newest],
        [str(one.state) for one in newest], [one.model_dump_json() for one in newest],
        [one.version for one in newest],
    )  # fmt: skip


async def save_tasks(tx: Transaction, tasks: Sequence[TaskChanged]) -> None:
    """Keep the newest state of each; an older one that comes late changes nothing."""
    newest = list({one.task: one for one in sorted(tasks, key=lambda one: one.version)}.values())
    await tx.raw.execute(
        "insert into board_tasks (task, project, code, title, kind, state, owner, module, locked,"
        "  impact_weight, due_at, body, version)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::boolean[], $10::numeric[], $11::timestamptz[], $12::jsonb[], $13::int[])"
        " on conflict (task) do update set project = excluded.project, code = excluded.code, title = excluded.title,"
        "  kind = excluded.kind, state = excluded.state, owner = excluded.owner, module = excluded.module,"
        "  locked = excluded.locked, impact_weight = excluded.impact_weight, due_at = excluded.due_at,"
        "  body = excluded.body, version = excluded.version where board_tasks.version < excluded.version",
        [one.task for one in newest], [one.project for one in newest], [one.code for one in newest],
        [one.title for one in newest], [str(one.kind) for one in newest], [str(one.state) for one in newest],
        [one.owner for one in newest], [one.module for one in newest], [bool(one.locks) for one in newest],
        [one.impact_weight for one in newest], [one.due_at for one in newest],
        [one.model_dump_json() for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def projects(raw: Raw) -> list[ProjectChanged]:
    rows = await raw.fetch("select body::text from board_projects order by code")
    return [ProjectChanged.model_validate_json(row["body"]) for row in rows]


async def project_keys(raw: Raw, archived: bool) -> tuple[list[UUID], int]:
    """Running projects or those in the archive, by code; and how many the archive holds."""
    rows = await raw.fetch(
        "select project, state = any($1::text[]) as archived from board_projects order by code", sorted(ARCHIVED)
    )
    return [row["project"] for row in rows if row["archived"] is archived], sum(row["archived"] for row in rows)


async def boards_of(raw: Raw, wanted: Sequence[UUID]) -> list[tuple[ProjectChanged, list[TaskChanged]]]:
    """Projects with their tasks, in two questions whatever their number."""
    rows = await raw.fetch("select body::text from board_projects where project = any($1::uuid[])", wanted)
    tasks = await raw.fetch(
        "select project, body::text from board_tasks where project = any($1::uuid[]) order by code, task", wanted
    )
    of: defaultdict[UUID, list[TaskChanged]] = defaultdict(list)
    for row in tasks:
        of[row["project"]].append(TaskChanged.model_validate_json(row["body"]))
    return [(one, of[one.project]) for one in (ProjectChanged.model_validate_json(row["body"]) for row in rows)]


async def tasks_of_person(raw: Raw, person: str) -> list[TaskChanged]:
    """Open work of a person, the most pressing first."""
    rows = await raw.fetch(
        "select body::text from board_tasks where owner = $1 and state = 'active' order by due_at nulls last, code",
        person,
    )
    return [TaskChanged.model_validate_json(row["body"]) for row in rows]


async def counts(raw: Raw, now: Any, project: UUID | None = None) -> dict[UUID, dict[str, int]]:
    """Tasks, done, locked, late and open retests of each project."""
    rows = await raw.fetch(
        f"select project, {_COUNTS} from board_tasks where $2::uuid is null or project = $2 group by project",  # noqa: S608 - constants
        now, project,
    )  # fmt: skip
    return {row["project"]: dict(row) for row in rows}


async def workloads(raw: Raw, now: Any) -> dict[str, dict[str, int]]:
    """Open work of each person who has any."""
    rows = await raw.fetch(
        "select owner, count(*) as open, count(*) filter (where locked) as locked,"
        " count(*) filter (where due_at < $1) as late, count(*) filter (where kind = 'retest') as retests"
        " from board_tasks where state = 'active' and owner is not null group by owner",
        now,
    )
    return {row["owner"]: dict(row) for row in rows}


async def search(tx: Transaction, words: str, limit: int) -> tuple[list[Any], list[Any]]:
    """Projects and tasks that hold these words, in code, title, module, item, customer or owner; best first."""
    like = words.lower()
    found_projects = await tx.raw.fetch(
        "select project, code, name, customer from board_projects"
        " where strpos(lower(concat_ws(' ', code, name, product, customer)), $1) > 0"
        " order by starts_with(lower(code), $1) desc, starts_with(lower(name), $1) desc, code limit $2",
        like, limit,
    )  # fmt: skip
    found_tasks = await tx.raw.fetch(
        "select t.task, t.code, t.title, t.state, t.locked, p.name as project_name from board_tasks t"
        " left join board_projects p using (project) left join people o on o.person = t.owner"
        " where strpos(lower(concat_ws(' ', t.code, t.title, t.module, o.name)), $1) > 0 and t.state <> 'superseded'"
        " order by lower(t.code) = $1 desc, starts_with(lower(t.code), $1) desc,"
        "  array_position(array['active', 'draft', 'done'], t.state) nulls last, t.due_at nulls last, t.code limit $2",
        like, limit,
    )  # fmt: skip
    return found_projects, found_tasks


async def names(raw: Raw, people: Sequence[str | None]) -> dict[str, str]:
    wanted = sorted({person for person in people if person})
    rows = await raw.fetch("select person, name from people where person = any($1::text[])", wanted)
    return {row["person"]: row["name"] for row in rows}
