"""Projections of tasks, projects and people, and the world that a change is assessed in."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts.goals import CriterionState, ProjectChanged, TaskChanged, TaskState
from bihuan_contracts.hr import PersonChanged
from changes.domain.structure import Structure
from changes.domain.world import Person, Project, Task, World
from changes.store.structure import as_json


async def hold_tasks(tx: Transaction) -> None:
    """Wait for tasks that are being written, and let no others in until this transaction ends. Otherwise a task and a
    change at the same moment would both miss what the other is about to commit."""
    # Writing tasks takes the lock that this one excludes (migration 0019).
    await tx.raw.execute("lock table task_writers in share mode")


async def save_tasks(tx: Transaction, tasks: Sequence[TaskChanged]) -> list[UUID]:
    """Keep the highest version of each task; returns those that are new in this version."""
    newest = {task.task: task for task in sorted(tasks, key=lambda task: task.version)}.values()
    rows = await tx.raw.fetch(
        "insert into tasks (task, code, title, kind, state, owner, module, item_version, project, retest_change,"
        " due_at, planned_hours, version, verified, goal_title, criterion, depends_on)"
        # Arrays of arrays must be rectangular for unnest, so what a task waits for travels as one text.
        " select t, c, title, k, s, o, m, i, p, r, d, h, v, ok, g, w, l::uuid[] from unnest("
        "  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[],"
        "  $10::uuid[], $11::timestamptz[], $12::numeric[], $13::int[], $14::boolean[], $15::text[], $16::text[],"
        "  $17::text[]) as new (t, c, title, k, s, o, m, i, p, r, d, h, v, ok, g, w, l)"
        " on conflict (task) do update set code = excluded.code, title = excluded.title, kind = excluded.kind,"
        " state = excluded.state, owner = excluded.owner, module = excluded.module,"
        " item_version = excluded.item_version, project = excluded.project, retest_change = excluded.retest_change,"
        " due_at = excluded.due_at, planned_hours = excluded.planned_hours, verified = excluded.verified,"
        " goal_title = excluded.goal_title, criterion = excluded.criterion, depends_on = excluded.depends_on,"
        " version = excluded.version"
        " where tasks.version < excluded.version returning task",
        [task.task for task in newest], [task.code for task in newest], [task.title for task in newest],
        [str(task.kind) for task in newest], [str(task.state) for task in newest], [task.owner for task in newest],
        [task.module for task in newest], [task.item_version for task in newest], [task.project for task in newest],
        [task.retest.change if task.retest else None for task in newest], [task.due_at for task in newest],
        [task.planned_hours for task in newest], [task.version for task in newest],
        [_is_verified(task) for task in newest], [task.goal_title for task in newest],
        [_criterion_of(task) for task in newest], [f"{{{','.join(map(str, task.depends_on))}}}" for task in newest],
    )  # fmt: skip
    return [row["task"] for row in rows]


def _is_verified(task: TaskChanged) -> bool:
    """Done, and each of its criteria has passed in the version in force: not done by somebody's word."""
    states = [criterion.state for one in task.deliverables for criterion in one.criteria]
    return task.state is TaskState.DONE and bool(states) and all(state is CriterionState.VERIFIED for state in states)


def _criterion_of(task: TaskChanged) -> str | None:
    return next((criterion.text for one in task.deliverables for criterion in one.criteria), None)


async def save_projects(tx: Transaction, projects: Sequence[ProjectChanged]) -> None:
    newest = {one.project: one for one in sorted(projects, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into projects (project, code, name, product, lead, phase, customer, state, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::int[])"
        " on conflict (project) do update set code = excluded.code, name = excluded.name, product = excluded.product,"
        " lead = excluded.lead, phase = excluded.phase, customer = excluded.customer, state = excluded.state,"
        " version = excluded.version where projects.version < excluded.version",
        [one.project for one in newest], [one.code for one in newest], [one.name for one in newest],
        [one.product for one in newest], [one.lead for one in newest], [one.phase for one in newest],
        [one.customer for one in newest], [str(one.state) for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = list({one.person: one for one in sorted(people, key=lambda one: one.version)}.values())
    # Arrays of arrays must be rectangular for unnest, so these two columns travel as JSON.
    await tx.raw.execute(
        "insert into people (person, name, department, roles, modules, manager, active, version)"
        " select p, n, d, array(select jsonb_array_elements_text(r)), array(select jsonb_array_elements_text(m)),"
        "  g, a, v from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[],"
        "  $7::boolean[], $8::int[]) as new(p, n, d, r, m, g, a, v)"
        " on conflict (person) do update set name = excluded.name, department = excluded.department,"
        " roles = excluded.roles, modules = excluded.modules, manager = excluded.manager, active = excluded.active,"
        " version = excluded.version where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.department for one in newest],
        [json.dumps(one.roles) for one in newest], [json.dumps(one.modules) for one in newest],
        [one.manager for one in newest], [one.active for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def load_world(tx: Transaction, structure: Structure, modules: Iterable[str]) -> World:
    """Tasks on these modules, their projects, and everybody who may be concerned."""
    names = list(modules)
    rows = await tx.raw.fetch(_TASKS_ON, as_json(names))
    tasks = [*map(Task._make, rows)]
    listed = await tx.raw.fetch(
        "select project, name, lead, product, coalesce(phase, ''), coalesce(customer, ''), code from projects"
        " where project = any($1::uuid[]) and lead is not null",
        list({task.project for task in tasks}),
    )
    projects = {row[0]: Project(*row) for row in listed}
    wanted = {task.owner for task in tasks if task.owner} | {project.lead for project in projects.values()}
    people = await tx.raw.fetch(
        "select person, name, roles, modules, department, manager from people where active"
        " and (person = any($1::text[]) or modules && array(select json_array_elements_text($2::json)))",
        list(wanted), as_json(names),
    )  # fmt: skip
    known = {row["person"]: person_of(row) for row in people}
    return World(structure, tasks, projects, known)


def person_of(row: Any) -> Person:
    return Person(
        row["person"], row["name"], frozenset(row["roles"]), frozenset(row["modules"]), row["department"] or "",
        row["manager"],
    )  # fmt: skip


_TASK = (
    "task, code, title, kind, state, owner, module, item_version, project, due_at, planned_hours, goal_title, criterion"
)
"""A task's columns in the order of `Task`."""
_TASKS_ON = f"""
select {_TASK} from tasks
where module = any(array(select json_array_elements_text($1::json))) and state not in ('cancelled', 'superseded')
"""  # noqa: S608 - a constant
_TASK_OF = itemgetter(*_TASK.split(", "))


def task_of(row: Any) -> Task:
    return Task._make(_TASK_OF(row))


class Recent(NamedTuple):
    """A change that was applied after somebody had written of a task."""

    change: UUID
    item: str
    modules: Sequence[str]
    applied_at: datetime


_MISSED = """
with outdated as materialized (
    select task, module, item_version
    from tasks join items on items.item = module and items.version <> item_version cross join lateral (
        select change from change_orders where change_orders.item = module and applied_at is not null
        order by applied_at desc limit 1) as newest
    where task = any($1::uuid[]) and state in ('draft', 'active') and tasks.kind <> 'retest'
        and not exists (
            select from impact_rows as known where known.task = tasks.task and known.change = newest.change)),
versions as materialized (
    select module, item_version, coalesce(
        (select max(applied_at) from change_orders
            where item = module and new_version = item_version and applied_at is not null),
        (select min(applied_at) - interval '1 microsecond' from change_orders
            where item = module and base_version = item_version and applied_at is not null),
        (select released_at from bom_versions where item = module and version = item_version)) as in_force_since
    from (select distinct module, item_version from outdated) as worked_on)
select orders.change, task, null as item, null as modules, null as applied_at
from outdated join versions using (module, item_version)
    join change_orders as orders on orders.item = module and orders.applied_at > in_force_since
        and orders.new_version <> item_version and orders.state in ('released', 'closed')
where not exists (select from impact_rows as known where known.task = outdated.task and known.change = orders.change)
union all
select change, null, item, array(select jsonb_array_elements_text(release->'modules')), applied_at
from change_orders where applied_at > $2 and state in ('released', 'closed')
"""
"""Only changes that came after the task's version was put in force: going back to an old version outdates nothing. Who
has a row in the newest change is left out first: locked work is written often."""


async def missed_changes(
    tx: Transaction, tasks: Sequence[UUID], since: datetime
) -> tuple[list[tuple[UUID, UUID]], list[Recent]]:
    """Changes with the open tasks that work on a version which they have replaced and have no row of theirs; and all
    changes that were applied after `since`."""
    rows = await tx.raw.fetch(_MISSED, list(tasks), since)
    outdated = [(row["change"], row["task"]) for row in rows if row["task"] is not None]
    return outdated, [Recent(row[0], *row[2:]) for row in rows if row["task"] is None]


async def without_a_row(tx: Transaction, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], bool]:
    """Of these changes and tasks those that have not met yet, and whether the task's project is known."""
    rows = await tx.raw.fetch(
        "select change, task, projects.project is not null from unnest($1::uuid[], $2::uuid[]) as pair (change, task)"
        " join tasks using (task) left join projects using (project)"
        " where tasks.state not in ('cancelled', 'superseded') and not exists (select from impact_rows as known"
        "  where known.task = pair.task and known.change = pair.change)",
        [change for change, _ in pairs], [task for _, task in pairs],
    )  # fmt: skip
    return {(change, task): known for change, task, known in rows}


async def changes_with_all_retests_done(tx: Transaction, tasks: Sequence[UUID]) -> list[UUID]:
    """Released changes that these tasks retest and of which no retest is open any more (C10)."""
    rows = await tx.raw.fetch(
        "select distinct orders.change from change_orders as orders"
        " where orders.state = 'released' and orders.applied_at is not null and orders.change in"
        "  (select retest_change from tasks where task = any($1::uuid[]) and retest_change is not null)"
        " and not exists (select from tasks where retest_change = orders.change"
        "                 and state not in ('cancelled', 'superseded') and not verified)"
        # every retest that the impact asked for must have become a card already
        " and (select count(*) from impact_rows where impact_rows.change = orders.change and action = 'retest')"
        "     <= (select count(*) from tasks where retest_change = orders.change)",
        list(tasks),
    )
    return [row["change"] for row in rows]


async def people_names(tx: Transaction, people: Iterable[str]) -> dict[str, str]:
    rows = await tx.raw.fetch("select person, name from people where person = any($1::text[])", list(people))
    return {row["person"]: row["name"] for row in rows}


async def modules_of_project(tx: Transaction, project: UUID) -> set[str]:
    rows = await tx.raw.fetch("select distinct module from tasks where project = $1 and module is not null", project)
    return {row["module"] for row in rows}


async def leads_of(tx: Transaction, projects: Iterable[UUID]) -> set[str]:
    rows = await tx.raw.fetch("select distinct lead from projects where project = any($1::uuid[])", list(projects))
    return {row["lead"] for row in rows}


async def people_with_role(tx: Transaction, role: str) -> list[str]:
    rows = await tx.raw.fetch("select person from people where active and $1 = any(roles) order by person", role)
    return [row["person"] for row in rows]


async def retests_without_report(tx: Transaction, change: UUID) -> list[Any]:
    """Each retest that the change asked for and that has no report against the new criterion: its card, if one exists.

    A card is done only when its criterion, in the version that the change brought, is verified (goals).
    """
    found: list[Any] = await tx.raw.fetch(
        "with wanted as (select row, task, person, bodies.body from impact_rows"
        "  join impact_bodies as bodies using (change, row) where change = $1 and action = 'retest'),"
        " cards as (select * from tasks where retest_change = $1 and state not in ('cancelled', 'superseded'))"
        " select cards.task, cards.code, cards.title, cards.owner as person, cards.state from cards"
        " where not cards.verified"
        " union all"
        # retests of the impact that have not become a card yet, as many as are missing
        " (select null, null, body->>'task_title', person, 'missing' from wanted order by row"
        "  limit greatest(0, (select count(*) from wanted)"
        "   - (select count(*) from tasks where retest_change = $1)))",
        change,
    )
    return found
