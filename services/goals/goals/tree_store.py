"""Rows of projects and their tasks, and the trees that they make: whole, or in part with the sums of the rest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

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
_PROJECTS = "select * from projects where project = any($1::uuid[]) order by project"
_LOCKED_PROJECTS = f"{_PROJECTS} for update"
# Beside one task of each project the sums of all others, by goal: the same as `domain.roll_up.sums_of`.
_SUMS = """
with sums as (
    select project, goal, bool_or(portion is null) as incomplete,
        coalesce(sum(portion) filter (where exact is not null), 0) as known,
        coalesce(sum(portion * exact), 0) as earned, coalesce(sum(portion) filter (where due_at <= $3), 0) as due
    from tasks left join unnest($1::uuid[]) as loaded (one) on one = task
    where project = any($2::uuid[]) and one is null and state not in ('cancelled', 'superseded')
    group by project, goal),
others as (
    select project, bool_or(incomplete) as incomplete,
        jsonb_object_agg(goal, jsonb_build_array(known::text, earned::text, due::text)) filter (where goal is not null)
            as rest
    from sums group by project)
"""
_DELIVERABLES = TypeAdapter(tuple[Deliverable, ...])
_LOCKS = TypeAdapter(tuple[TaskLock, ...])
_IDS = TypeAdapter(tuple[UUID, ...])
_GOALS = TypeAdapter(tuple[Goal, ...])


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_tasks(which: str, also: str = "") -> str:
    """A query for tasks as `task_of` reads them; `also` names more columns. JSON comes as text, to be parsed once."""
    return f"{_SELECT_TASKS}{also} from tasks {which}"


_SOME_TASKS = _SUMS + of_tasks(
    "left join others using (project)"
    " where task = any($1::uuid[]) and project = any($2::uuid[]) order by position, code",
    ", incomplete, case row_number() over (partition by project) when 1 then rest end as rest",
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
            if row["rest"]:
                trees[task.project].rest = {UUID(goal): Sums(*map(Decimal, sums)) for goal, sums in row["rest"].items()}
            if task.portion is None or row["incomplete"]:
                unknown.add(task.project)
        unknown |= {project for project, tree in trees.items() if not tree.tasks}
    return trees | await load_trees(tx, unknown, lock=False)


def project_of(row: Any) -> Project:
    return Project(
        project=row["project"], code=row["code"], name=row["name"], product=row["product"], lead=row["lead"],
        state=ProjectState(row["state"]), customer=row["customer"], phase=row["phase"], starts_at=row["starts_at"],
        due_at=row["due_at"], goals=_GOALS.validate_python(row["goals"]), progress=row["progress"],
        planned_progress=row["planned_progress"], version=row["version"],
    )  # fmt: skip


def task_of(row: Any) -> Task:
    return Task(
        task=row["task"], code=row["code"], project=row["project"], goal=row["goal"], title=row["title"],
        kind=TaskKind(row["kind"]), state=TaskState(row["state"]), owner=row["owner"], module=row["module"],
        item_version=row["item_version"], weight=row["weight"],
        deliverables=_DELIVERABLES.validate_json(row["deliverables"]),
        locks=_LOCKS.validate_json(row["locks"]) if row["locks"] else (),
        retest=RetestOf.model_validate_json(row["retest"]) if row["retest"] else None, origin=row["origin"],
        starts_at=row["starts_at"], due_at=row["due_at"], finished_at=row["finished_at"],
        planned_hours=row["planned_hours"], actual_hours=row["actual_hours"], share=row["share"],
        progress=row["progress"], portion=row["portion"], exact=row["exact"],
        depends_on=_IDS.validate_json(row["depends_on"]) if row["depends_on"] else (), position=row["position"],
        revision=row["revision"], version=row["version"],
    )  # fmt: skip


# ── saving ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_SAVE_PROJECTS = """
with new as (
  select * from unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
    $10::timestamptz[], $11::text[], $12::numeric[], $13::numeric[], $14::int[], $15::timestamptz[], $16::boolean[],
    $17::text[], $18::text[]
  ) as one (
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals, progress, planned_progress,
    version, valid_from, whole, kept, causes)),
saved as (
  insert into projects (
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals, progress, planned_progress,
    version)
  select
    project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals::jsonb, progress,
    planned_progress, version
  from new
  on conflict (project) do update set
    code = excluded.code, name = excluded.name, product = excluded.product, customer = excluded.customer, phase =
    excluded.phase, lead = excluded.lead, state = excluded.state, starts_at = excluded.starts_at, due_at =
    excluded.due_at, goals = excluded.goals, progress = excluded.progress, planned_progress =
    excluded.planned_progress, version = excluded.version)
insert into project_versions (project, version, valid_from, whole, state, causes)
select project, version, valid_from, whole, kept::jsonb, causes::jsonb from new
"""
_SAVE_TASKS = """
with new as (
  select * from unnest(
    $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::numeric[], $12::text[], $13::text[], $14::text[], $15::uuid[], $16::uuid[],
    $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::numeric[], $21::numeric[], $22::numeric[],
    $23::numeric[], $24::int[], $25::text[], $26::int[], $27::int[], $28::numeric[], $29::numeric[],
    $30::timestamptz[], $31::boolean[], $32::boolean[], $33::text[], $34::text[]
  ) as one (
    task, code, project, goal, title, kind, state, owner, module, item_version, weight, deliverables, locks, retest,
    retest_change, origin, starts_at, due_at, finished_at, planned_hours, actual_hours, share, progress, version,
    depends_on, position, revision, portion, exact, valid_from, whole, derived, kept, causes)),
saved as (
  insert into tasks (
    task, code, project, goal, title, kind, state, owner, module, item_version, weight, deliverables, locks, retest,
    retest_change, origin, starts_at, due_at, finished_at, planned_hours, actual_hours, share, progress, version,
    depends_on, position, revision, portion, exact)
  select
    task, code, project, goal, title, kind, state, owner, module, item_version, weight, deliverables::jsonb,
    locks::jsonb, retest::jsonb,
    retest_change, origin, starts_at, due_at, finished_at, planned_hours, actual_hours, share, progress, version,
    depends_on::jsonb, position, revision, portion, exact
  from new
  on conflict (task) do update set
    goal = excluded.goal, title = excluded.title, kind = excluded.kind, state = excluded.state, owner =
    excluded.owner, module = excluded.module, item_version = excluded.item_version, weight = excluded.weight,
    deliverables = excluded.deliverables, locks = excluded.locks, retest = excluded.retest, starts_at =
    excluded.starts_at, due_at = excluded.due_at, finished_at = excluded.finished_at, planned_hours =
    excluded.planned_hours, actual_hours = excluded.actual_hours, share = excluded.share, progress =
    excluded.progress, version = excluded.version, depends_on = excluded.depends_on, position = excluded.position,
    revision = excluded.revision, portion = excluded.portion, exact = excluded.exact)
insert into task_versions (task, version, valid_from, project, owner, whole, derived, state, causes)
select task, version, valid_from, project, owner, whole, derived, kept::jsonb, causes::jsonb from new
"""


async def save_projects(tx: Transaction, versions: Sequence[ProjectVersion]) -> None:
    """Projects as they are now, each with the version that history keeps of it (G11)."""
    await tx.raw.execute(_SAVE_PROJECTS, *_columns(map(_project_row, versions)))


def _project_row(one: ProjectVersion) -> tuple[Any, ...]:
    p, kept = one.project, history_store.project_row(one)
    return (
        p.project, p.code, p.name, p.product, p.customer, p.phase, p.lead, str(p.state), p.starts_at, p.due_at,
        _GOALS.dump_json(p.goals).decode(), p.progress, p.planned_progress, p.version, *kept,
    )  # fmt: skip


async def save_tasks(tx: Transaction, versions: Sequence[TaskVersion]) -> None:
    """Tasks as they are now, each with the version that history keeps of it (G11)."""
    await tx.raw.execute(_SAVE_TASKS, *_columns(map(_task_row, versions)))


def _task_row(one: TaskVersion) -> tuple[Any, ...]:
    t = one.task
    return (
        t.task, t.code, t.project, t.goal, t.title, str(t.kind), str(t.state), t.owner, t.module, t.item_version,
        t.weight, _DELIVERABLES.dump_json(t.deliverables).decode(), _LOCKS.dump_json(t.locks).decode(),
        t.retest.model_dump_json() if t.retest else None, t.retest.change if t.retest else None, t.origin,
        t.starts_at, t.due_at, t.finished_at, t.planned_hours, t.actual_hours, t.share, t.progress, t.version,
        _IDS.dump_json(t.depends_on).decode(), t.position, t.revision, t.portion, t.exact,
        *history_store.task_row(one),
    )  # fmt: skip


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
