"""Rows of projects and their tasks, and the trees that they make: whole, or in part with the sums of the rest."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import from_json

from bihuan_chassis import Transaction
from bihuan_contracts.goals import Deliverable, ProjectState, RetestOf, TaskKind, TaskLock, TaskState
from goals import history_store
from goals.domain.roll_up import Sums
from goals.domain.tree import Goal, Project, Task, Tree
from goals.domain.versions import ProjectVersion, TaskVersion

_SELECT_TASKS = """select
tasks.task, tasks.code, tasks.project, tasks.goal, tasks.title, tasks.kind, tasks.state, tasks.owner, tasks.module,
tasks.item_version, tasks.weight, tasks.origin, tasks.starts_at, tasks.due_at, tasks.finished_at,
tasks.planned_hours, tasks.actual_hours, tasks.share, tasks.progress, tasks.portion, tasks.exact, tasks.position,
tasks.revision, tasks.version,
deliverables::text as deliverables, nullif(locks, '[]')::text as locks, retest::text as retest,
nullif(depends_on, '[]')::text as depends_on"""
_SELECT_PROJECTS = """select
project, code, name, product, lead, state, customer, phase, starts_at, due_at, goals::text as goals, progress,
planned_progress, version"""
# Of all other tasks the sums, by project and goal: the same as `domain.roll_up.sums_of`.
_SUMS = """
with sums as (
    select project, goal, bool_or(portion is null) as incomplete,
        coalesce(sum(portion) filter (where exact is not null), 0) as known,
        coalesce(sum(portion * exact), 0) as earned, coalesce(sum(portion) filter (where due_at <= $3), 0) as due
    from tasks left join unnest($1::uuid[]) as loaded (one) on one = task
    where project = any($2::uuid[]) and one is null and state not in ('cancelled', 'superseded')
    group by project, goal)
"""
# One value beside one of the tasks: joined to them, PostgreSQL goes through the sums of all projects for each task.
_ALL_SUMS = """(
    select json_agg(json_build_array(project, goal, incomplete, known::text, earned::text, due::text))::text from sums)
"""
_DELIVERABLES = TypeAdapter(tuple[Deliverable, ...])
_LOCKS = TypeAdapter(tuple[TaskLock, ...])
_IDS = TypeAdapter(tuple[UUID, ...])
_GOALS = TypeAdapter(tuple[Goal, ...])


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_tasks(which: str, also: str = "") -> str:
    """A query for tasks as `task_of` reads them; `also` names more columns. JSON comes as text, to be parsed once."""
    return f"{_SELECT_TASKS}{also} from tasks {which}"


def of_projects(which: str) -> str:
    """The same for `project_of`."""
    return f"{_SELECT_PROJECTS} from projects {which}"


_PROJECTS = of_projects("where project = any($1::uuid[]) order by project")
_LOCKED_PROJECTS = f"{_PROJECTS} for update"
_SOME_TASKS = _SUMS + of_tasks(
    "where task = any($1::uuid[]) and project = any($2::uuid[]) order by position, code",
    f", case row_number() over () when 1 then {_ALL_SUMS} end as others",
)


async def load_trees(tx: Transaction, projects: Iterable[UUID], *, lock: bool = True) -> dict[UUID, Tree]:
    """Whole projects. With `lock`, whoever else changes one of them waits, and in one order for all."""
    wanted = sorted(set(projects))
    if not wanted:
        return {}
    rows = await tx.raw.fetch(_LOCKED_PROJECTS if lock else _PROJECTS, wanted)
    trees = {row["project"]: Tree(project_of(row)) for row in rows}
    for row in await tx.raw.fetch(of_tasks("where project = any($1::uuid[]) order by position, code"), wanted):
        task = task_of(row)
        trees[task.project].tasks[task.task] = task
    return trees


async def load_around(tx: Transaction, tasks: Iterable[Task], *, lock: bool = True) -> dict[UUID, Tree]:
    """As `load_some`. A retest card needs its whole project: it opens the locks of others."""
    known = {task.task: task for task in tasks}
    whole = {task.project for task in known.values() if task.kind is TaskKind.RETEST}
    return await load_some(tx, {task.task: task.project for task in known.values()}, whole=whole, lock=lock)


async def load_some(
    tx: Transaction, places: Mapping[UUID, UUID], *, whole: Collection[UUID] = (), lock: bool = True
) -> dict[UUID, Tree]:
    """The projects of these tasks, as `load_trees`, but with these tasks only: of the others the sums are there.

    `places` has the project of each task. Projects in `whole`, and those whose sums are not known yet, come whole.
    """
    projects = {*places.values(), *whole}
    if not projects:
        return {}
    rows = await tx.raw.fetch(_LOCKED_PROJECTS if lock else _PROJECTS, sorted(projects))
    trees = {row["project"]: Tree(project_of(row), whole=False) for row in rows if row["project"] not in whole}
    unknown = set(whole)
    if trees:
        for row in await tx.raw.fetch(_SOME_TASKS, list(places), list(trees), tx.now):
            task = task_of(row)
            trees[task.project].tasks[task.task] = task
            if task.portion is None:
                unknown.add(task.project)
            if row["others"]:
                unknown |= _place_sums(trees, from_json(row["others"]))
        unknown |= {project for project, tree in trees.items() if not tree.tasks}
    return trees | await load_trees(tx, unknown, lock=False)


def _place_sums(trees: Mapping[UUID, Tree], sums: Iterable[Sequence[Any]]) -> set[UUID]:
    """Puts the sums of other tasks into their trees; returns the projects of which they are not known yet."""
    incomplete = set()
    rest: defaultdict[UUID, dict[UUID | None, Sums]] = defaultdict(dict)
    for project, goal, unknown, *figures in sums:
        if unknown:
            incomplete.add(UUID(project))
        if goal is not None:
            rest[UUID(project)][UUID(goal)] = Sums(*map(Decimal, figures))
    for project, by_goal in rest.items():
        trees[project].rest = by_goal
    return incomplete


def project_of(row: Any) -> Project:
    return Project(
        project=row["project"], code=row["code"], name=row["name"], product=row["product"], lead=row["lead"],
        state=ProjectState(row["state"]), customer=row["customer"], phase=row["phase"], starts_at=row["starts_at"],
        due_at=row["due_at"], goals=_GOALS.validate_json(row["goals"]), progress=row["progress"],
        planned_progress=row["planned_progress"], version=row["version"],
    )  # fmt: skip


def task_of(row: Any) -> Task:
    return Task(
        task=row["task"], code=row["code"], project=row["project"], goal=row["goal"], title=row["title"],
        kind=TaskKind(row["kind"]), state=TaskState(row["state"]), owner=row["owner"], module=row["module"],
        item_version=row["item_version"], weight=row["weight"],
        deliverables=_deliverables(row["deliverables"]),
        locks=_LOCKS.validate_json(row["locks"]) if row["locks"] else (),
        retest=RetestOf.model_validate_json(row["retest"]) if row["retest"] else None, origin=row["origin"],
        starts_at=row["starts_at"], due_at=row["due_at"], finished_at=row["finished_at"],
        planned_hours=row["planned_hours"], actual_hours=row["actual_hours"], share=row["share"],
        progress=row["progress"], portion=row["portion"], exact=row["exact"],
        depends_on=_IDS.validate_json(row["depends_on"]) if row["depends_on"] else (), position=row["position"],
        revision=row["revision"], version=row["version"],
    )  # fmt: skip


@lru_cache(8192)
def _deliverables(text: str) -> tuple[Deliverable, ...]:
    """Values: a report reads its task twice, and tasks that move are read again soon."""
    return _DELIVERABLES.validate_json(text)


# ── saving ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_SAVE_PROJECTS = """
with new_projects as (
  select * from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
    $10::timestamptz[], $11::text[], $12::numeric[], $13::numeric[], $14::int[], $15::timestamptz[], $16::boolean[],
    $17::text[], $18::text[]
  ) as one (
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals, progress, planned_progress,
    version, valid_from, whole, kept, causes)),
saved_projects as (
  insert into projects (
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals, progress, planned_progress,
    version)
  select
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals::jsonb, progress,
    planned_progress, version
  from new_projects
  on conflict (project) do update set
    code = excluded.code, name = excluded.name, product = excluded.product, customer = excluded.customer, phase =
    excluded.phase, lead = excluded.lead, state = excluded.state, starts_at = excluded.starts_at, due_at =
    excluded.due_at, goals = excluded.goals, progress = excluded.progress, planned_progress =
    excluded.planned_progress, version = excluded.version)"""
_KEEP_PROJECTS = """
insert into project_versions (project, version, valid_from, whole, state, causes)
select project, version, valid_from, whole, kept::jsonb, causes::jsonb from new_projects
"""
_PROJECT_COLUMNS = 18
_COLUMNS: dict[str, str] = {
    "code": "text", "project": "uuid", "goal": "uuid", "title": "text", "kind": "text", "state": "text", "owner":
    "text", "module": "text", "item_version": "text", "weight": "numeric", "deliverables": "jsonb", "locks":
    "jsonb", "retest": "jsonb", "origin": "uuid", "starts_at": "timestamptz", "due_at": "timestamptz",
    "finished_at": "timestamptz", "planned_hours": "numeric", "actual_hours": "numeric", "share": "numeric",
    "progress": "numeric", "portion": "numeric", "exact": "numeric", "depends_on": "jsonb", "position": "int",
    "revision": "int",
}  # fmt: skip
"""What a task is saved as beside its id and version."""
_JSON = frozenset(name for name, kind in _COLUMNS.items() if kind == "jsonb")
"""These are taken from the version that history keeps, which has what differs: so it is written and read once."""


async def save(tx: Transaction, projects: Sequence[ProjectVersion], tasks: Sequence[TaskVersion]) -> None:
    """Projects and their tasks as they are now, each with the version that history keeps of it (G11).

    One statement, and one more where tasks are new. Of known tasks only what differs is written.
    """
    changed = {one.task.task: history_store.changed_fields(one) for one in tasks}
    known = [one for one in tasks if one.before is not None]
    fresh = [one for one in tasks if one.before is None]
    rows = _columns(map(_project_row, projects))
    if known:
        differing = set().union(*(changed[one.task.task] for one in known))
        differing |= {name for name in ("portion", "exact") if any(_differs(one, name) for one in known)}
        names = tuple(name for name in _COLUMNS if name in differing)
        await tx.raw.execute(_updating(names), *rows, *_task_columns(known, changed, names))
    else:
        await tx.raw.execute(_SAVE_PROJECTS + _KEEP_PROJECTS, *rows)
    if fresh:
        names = tuple(_COLUMNS)
        await tx.raw.execute(_inserting(names), *_task_columns(fresh, changed, names))


def _project_row(one: ProjectVersion) -> tuple[Any, ...]:
    p, kept = one.project, history_store.project_row(one)
    return (
        p.project, p.code, p.name, p.product, p.customer, p.phase, p.lead, str(p.state), p.starts_at, p.due_at,
        _GOALS.dump_json(p.goals).decode(), p.progress, p.planned_progress, p.version, *kept,
    )  # fmt: skip


def _differs(one: TaskVersion, name: str) -> bool:
    return bool(getattr(one.task, name) != getattr(one.before, name))


def _task_columns(
    versions: Sequence[TaskVersion], changed: Mapping[UUID, set[str]], names: Sequence[str]
) -> list[list[Any]]:
    tasks = [one.task for one in versions]
    rows = [
        (task.task, task.version, task.project, task.owner, *history_store.task_row(one, changed[task.task]))
        for task, one in zip(tasks, versions, strict=True)
    ]
    return [*_columns(rows), *(_column(tasks, name) for name in names if name not in _JSON)]


def _column(tasks: Sequence[Task], name: str) -> list[Any]:
    values = [getattr(task, name) for task in tasks]
    return values if any(value is not None for value in values) else []


_VERSION = {
    "task": "uuid", "version": "int", "of_project": "uuid", "of_owner": "text", "valid_from": "timestamptz",
    "whole": "boolean", "derived": "boolean", "kept_text": "text", "causes": "text",
}  # fmt: skip
_KEEP = """
insert into task_versions (task, version, project, owner, valid_from, whole, derived, state, causes)
select task, version, of_project, of_owner, valid_from, whole, derived, kept, causes::jsonb from new
"""


@lru_cache(64)
def _updating(names: tuple[str, ...]) -> str:
    """Saves projects, too."""
    moved = ", ".join(f"{name} = {_moved(name)}" for name in ("version", *names))
    return (
        f"{_SAVE_PROJECTS}, kept_projects as ({_KEEP_PROJECTS}), {_new(names, after=_PROJECT_COLUMNS)},"  # noqa: S608 - names of columns
        f" saved as (update tasks set {moved} from new where tasks.task = new.task){_KEEP}"
    )


@lru_cache(1)
def _inserting(names: tuple[str, ...]) -> str:
    into = ", ".join(("task", "version", "retest_change", *names))
    values = ", ".join(("task", "version", "(kept->'retest'->>'change')::uuid", *map(_first, names)))
    return f"with {_new(names)}, saved as (insert into tasks ({into}) select {values} from new){_KEEP}"  # noqa: S608 - names of columns


def _new(names: Sequence[str], after: int = 0) -> str:
    """Rows from parameters that follow the first ones."""
    columns = _VERSION | {name: _COLUMNS[name] for name in names if name not in _JSON}
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), after + 1))
    return f"new as (select *, kept_text::jsonb as kept from unnest({arrays}) as one ({', '.join(columns)}))"  # noqa: S608 - names of columns


def _first(name: str) -> str:
    return f"nullif(kept->'{name}', 'null')" if name in _JSON else name


def _moved(name: str) -> str:
    return f"case when kept ? '{name}' then {_first(name)} else tasks.{name} end" if name in _JSON else f"new.{name}"


async def save_figures(tx: Transaction, tasks: Sequence[Task]) -> None:
    """What stands behind the rounding of tasks that are as they were."""
    await tx.raw.execute(
        "update tasks set portion = new.portion, exact = new.exact"
        " from unnest($1::uuid[], $2::numeric[], $3::numeric[]) as new (task, portion, exact)"
        " where tasks.task = new.task",
        [t.task for t in tasks], [t.portion for t in tasks], [t.exact for t in tasks],
    )  # fmt: skip


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as arrays. Empty columns travel as empty arrays: asyncpg asks Python about each element."""
    return [list(column) if any(value is not None for value in column) else [] for column in zip(*rows, strict=True)]
