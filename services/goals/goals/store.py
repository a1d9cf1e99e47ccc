"""Tables of goals, and functions between rows and domain values. Everything works on sets."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_contracts.changes import ConsentChanged
from bihuan_contracts.goals import (
    Criterion,
    Deliverable,
    ProjectState,
    RetestOf,
    TargetChange,
    TaskKind,
    TaskLock,
    TaskState,
)
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.qa import TestReported
from goals.domain.changes import Recalculated
from goals.domain.evidence import Judgement
from goals.domain.hours import Finished
from goals.domain.tree import Goal, Project, Task, Tree

_WEEK = timedelta(days=7)
_PROJECTS = "select * from projects where project = any($1::uuid[]) order by project"
_LOCKED_PROJECTS = f"{_PROJECTS} for update"
_DELIVERABLES = TypeAdapter(tuple[Deliverable, ...])
_LOCKS = TypeAdapter(tuple[TaskLock, ...])
_GOALS = TypeAdapter(tuple[Goal, ...])
_CHANGES = TypeAdapter(tuple[TargetChange, ...])


# ── projects and tasks ──────────────────────────────────────────────────────────────────────────────────────────────


async def load_trees(tx: Transaction, projects: Iterable[UUID], *, lock: bool = True) -> dict[UUID, Tree]:
    """Whole projects. With `lock`, whoever else changes one of them waits, and in one order for all."""
    wanted = sorted(set(projects))
    rows = await tx.raw.fetch(
        _LOCKED_PROJECTS if lock else _PROJECTS,
        wanted,
    )
    trees = {row["project"]: Tree(project_of(row)) for row in rows}
    for row in await tx.raw.fetch(
        "select * from tasks where project = any($1::uuid[]) order by position, code", wanted
    ):
        task = task_of(row)
        trees[task.project].tasks[task.task] = task
    return trees


async def all_projects(tx: Transaction) -> list[Project]:
    return [project_of(row) for row in await tx.raw.fetch("select * from projects order by code")]


async def find_project(tx: Transaction, code: str) -> Project | None:
    row = await tx.raw.fetchrow("select * from projects where code = $1", code)
    return project_of(row) if row else None


async def project_of_task(tx: Transaction, task: UUID) -> UUID | None:
    found: UUID | None = await tx.raw.fetchval("select project from tasks where task = $1", task)
    return found


async def projects_of_tasks(tx: Transaction, tasks: Iterable[UUID]) -> dict[UUID, UUID]:
    rows = await tx.raw.fetch("select task, project from tasks where task = any($1::uuid[])", list(tasks))
    return {row["task"]: row["project"] for row in rows}


async def projects_of_changes(tx: Transaction, changes: Iterable[UUID]) -> list[UUID]:
    """Projects that hold locks or cards of these changes."""
    rows = await tx.raw.fetch(
        "select distinct project from tasks where retest_change = any($1::uuid[])"
        " union select distinct project from tasks, jsonb_array_elements(locks) as lock"
        " where jsonb_array_length(locks) > 0 and (lock->>'change')::uuid = any($1::uuid[])",
        list(changes),
    )
    return [row["project"] for row in rows]


async def projects_for_reports(tx: Transaction, reports: Sequence[TestReported]) -> list[UUID]:
    """Projects that may be meant: by task, task code, or tests of the module."""
    rows = await tx.raw.fetch(
        "select distinct project from tasks where task = any($1::uuid[]) or code = any($2::text[])"
        " or (module = any($3::text[]) and kind in ('test', 'retest'))",
        [report.task for report in reports if report.task],
        [report.task_code for report in reports if report.task_code],
        [report.module for report in reports],
    )
    return [row["project"] for row in rows]


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
        deliverables=_DELIVERABLES.validate_python(row["deliverables"]),
        locks=_LOCKS.validate_python(row["locks"]) if row["locks"] else (),
        retest=RetestOf.model_validate(row["retest"]) if row["retest"] else None, origin=row["origin"],
        starts_at=row["starts_at"], due_at=row["due_at"], finished_at=row["finished_at"],
        planned_hours=row["planned_hours"], actual_hours=row["actual_hours"], share=row["share"],
        progress=row["progress"], depends_on=tuple(map(UUID, row["depends_on"])), position=row["position"],
        revision=row["revision"], version=row["version"],
    )  # fmt: skip


async def project_version(tx: Transaction, project: UUID) -> int | None:
    found: int | None = await tx.raw.fetchval("select version from projects where project = $1", project)
    return found


async def save_projects(tx: Transaction, projects: Sequence[Project]) -> None:
    await tx.raw.execute(
        "insert into projects (project, code, name, product, customer, phase, lead, state, starts_at, due_at, goals,"
        " progress, planned_progress, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::timestamptz[], $10::timestamptz[], $11::jsonb[], $12::numeric[], $13::numeric[], $14::int[])"
        " on conflict (project) do update set code = excluded.code, name = excluded.name, product = excluded.product,"
        " customer = excluded.customer, phase = excluded.phase, lead = excluded.lead, state = excluded.state,"
        " starts_at = excluded.starts_at, due_at = excluded.due_at, goals = excluded.goals,"
        " progress = excluded.progress, planned_progress = excluded.planned_progress, version = excluded.version",
        [p.project for p in projects], [p.code for p in projects], [p.name for p in projects],
        [p.product for p in projects], [p.customer for p in projects], [p.phase for p in projects],
        [p.lead for p in projects], [str(p.state) for p in projects], [p.starts_at for p in projects],
        [p.due_at for p in projects], [_GOALS.dump_json(p.goals).decode() for p in projects],
        [p.progress for p in projects], [p.planned_progress for p in projects], [p.version for p in projects],
    )  # fmt: skip


async def save_tasks(tx: Transaction, tasks: Sequence[Task]) -> None:
    await tx.raw.execute(
        "insert into tasks (task, code, project, goal, title, kind, state, owner, module, item_version, weight,"
        " deliverables, locks, retest, retest_change, origin, starts_at, due_at, finished_at, planned_hours,"
        " actual_hours, share, progress, version, depends_on, position, revision)"
        " select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::text[], $10::text[], $11::numeric[], $12::jsonb[], $13::jsonb[], $14::jsonb[], $15::uuid[],"
        "  $16::uuid[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::numeric[], $21::numeric[],"
        "  $22::numeric[], $23::numeric[], $24::int[], $25::jsonb[], $26::int[], $27::int[])"
        " on conflict (task) do update set goal = excluded.goal, title = excluded.title, kind = excluded.kind,"
        " state = excluded.state, owner = excluded.owner, module = excluded.module,"
        " item_version = excluded.item_version, weight = excluded.weight, deliverables = excluded.deliverables,"
        " locks = excluded.locks, retest = excluded.retest, starts_at = excluded.starts_at, due_at = excluded.due_at,"
        " finished_at = excluded.finished_at, planned_hours = excluded.planned_hours,"
        " actual_hours = excluded.actual_hours, share = excluded.share, progress = excluded.progress,"
        " version = excluded.version, depends_on = excluded.depends_on, position = excluded.position,"
        " revision = excluded.revision",
        [t.task for t in tasks], [t.code for t in tasks], [t.project for t in tasks], [t.goal for t in tasks],
        [t.title for t in tasks], [str(t.kind) for t in tasks], [str(t.state) for t in tasks],
        [t.owner for t in tasks], [t.module for t in tasks], [t.item_version for t in tasks],
        [t.weight for t in tasks], [_DELIVERABLES.dump_json(t.deliverables).decode() for t in tasks],
        [_LOCKS.dump_json(t.locks).decode() for t in tasks],
        [t.retest.model_dump_json() if t.retest else None for t in tasks],
        [t.retest.change if t.retest else None for t in tasks], [t.origin for t in tasks],
        [t.starts_at for t in tasks], [t.due_at for t in tasks], [t.finished_at for t in tasks],
        [t.planned_hours for t in tasks], [t.actual_hours for t in tasks], [t.share for t in tasks],
        [t.progress for t in tasks], [t.version for t in tasks],
        [json.dumps([str(one) for one in t.depends_on]) for t in tasks], [t.position for t in tasks],
        [t.revision for t in tasks],
    )  # fmt: skip


async def tasks_of_person(tx: Transaction, person: str) -> list[Task]:
    """Open work of a person, and what was finished lately."""
    rows = await tx.raw.fetch(
        "select * from tasks where owner = $1 and (state = 'active' or (state = 'done' and finished_at > $2))"
        " order by due_at nulls last, code",
        person, tx.now.replace(hour=0, minute=0, second=0, microsecond=0) - _WEEK,
    )  # fmt: skip
    return [task_of(row) for row in rows]


# ── history: criteria, locks, evidence, targets ─────────────────────────────────────────────────────────────────────


async def new_rows(tx: Transaction, rows: Sequence[tuple[UUID, UUID, str, UUID | None]]) -> set[UUID]:
    """Enter impact rows (row, change, action, task) and return those that were not applied before (C5)."""
    listed = sorted(rows)
    fresh = await tx.raw.fetch(
        "insert into applied_rows (row, change, action, task)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[])"
        " on conflict (row) do nothing returning row",
        [row for row, _, _, _ in listed], [change for _, change, _, _ in listed],
        [action for _, _, action, _ in listed], [task for _, _, _, task in listed],
    )  # fmt: skip
    return {row["row"] for row in fresh}


async def retire_units(tx: Transaction, changes: Sequence[UUID]) -> set[UUID]:
    """Mark units as superseded; returns those among `changes` that were not yet."""
    rows = await tx.raw.fetch(
        "insert into retired_units (change, at) select unnest($1::uuid[]), $2 on conflict do nothing returning change",
        sorted(changes), tx.now,
    )  # fmt: skip
    return {row["change"] for row in rows}


async def retired_among(tx: Transaction, changes: Sequence[UUID]) -> set[UUID]:
    rows = await tx.raw.fetch("select change from retired_units where change = any($1::uuid[])", list(changes))
    return {row["change"] for row in rows}


async def settle_matrices(tx: Transaction, matrices: Iterable[UUID]) -> set[UUID]:
    """Enter settled impact matrices and return those that were not applied before (C8)."""
    rows = await tx.raw.fetch(
        "insert into settled_matrices (matrix, at) select unnest($1::uuid[]), $2 on conflict do nothing"
        " returning matrix",
        sorted(matrices), tx.now,
    )  # fmt: skip
    return {row["matrix"] for row in rows}


async def save_superseded_criteria(
    tx: Transaction, change: UUID | None, found: Sequence[tuple[UUID, Criterion]]
) -> None:
    await tx.raw.executemany(
        "insert into criterion_versions (criterion, version, task, text, state, replaced_by_change, replaced_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        [(one.criterion, one.version, task, one.text, str(one.state), change, tx.now) for task, one in found],
    )


async def save_targets(tx: Transaction, moved: Sequence[Recalculated]) -> None:
    await tx.raw.copy_records_to_table(
        "targets",
        records=[
            (
                tx.new_id(),
                one.task,
                one.change,
                one.change_number,
                one.rule,
                _CHANGES.dump_json(one.changes).decode(),
                tx.now,
                one.matrix,
                "waiting" if one.held else None,
            )
            for one in moved
        ],
        columns=("id", "task", "change", "change_number", "rule", "changes", "at", "matrix", "held"),
    )


async def end_held_targets(tx: Transaction, consents: Sequence[ConsentChanged]) -> None:
    """Held targets whose matrix has come to an end: settled, or withdrawn (C8)."""
    ended = [(one.change, moved.task, str(one.state)) for one in consents if one.change for moved in one.adjustments]
    await tx.raw.execute(
        "update targets set held = new.s from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (c, t, s)"
        " where change = new.c and task = new.t and held = 'waiting'",
        [change for change, _, _ in ended], [task for _, task, _ in ended], [state for _, _, state in ended],
    )  # fmt: skip


async def save_evidence(
    tx: Transaction, found: Sequence[tuple[UUID, datetime, TestReported, Judgement | None, str]]
) -> None:
    """Reports as evidence: (event id, received at, report, judgement, code when there is no judgement)."""
    await tx.raw.executemany(
        "insert into evidence (id, task, report, module, module_version, criterion, criterion_version, counts, passed,"
        " code, reason, measurements, title, tested_by, tested_at, received_at, attachments)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict do nothing",
        [
            (
                id, judgement.task if judgement else report.task, report.report, report.module, report.module_version,
                judgement.criterion.criterion if judgement else None,
                judgement.criterion.version if judgement else None,
                bool(judgement and judgement.counts), bool(judgement and judgement.passed),
                judgement.code if judgement else code,
                judgement.reason.model_dump_json() if judgement else "{}",
                json.dumps([m.model_dump(mode="json") for m in report.measurements], ensure_ascii=False),
                report.title, report.tested_by, report.tested_at, received_at, list(report.attachments),
            )
            for id, received_at, report, judgement, code in found
        ],
    )  # fmt: skip


async def end_locks(
    tx: Transaction,
    locks: Sequence[tuple[UUID, TaskLock]],
    *,
    outcome: str,
    reason: str | None = None,
    by: str | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Keep locks that have ended: migrated by a retest, decided by a person, retired by a newer revision."""
    await tx.raw.executemany(
        "insert into lock_history (lock, task, change, change_number, module, since, ended_at, outcome, reason,"
        " decided_by, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
        [
            (
                lock.lock,
                task,
                lock.change,
                lock.change_number,
                lock.module,
                lock.since,
                tx.now,
                outcome,
                reason,
                by,
                expires_at,
            )
            for task, lock in locks
        ],
    )


async def history_of_task(tx: Transaction, task: UUID) -> dict[str, list[Any]]:
    """Criterion versions, ended locks, evidence, target changes and bookings of one task, newest first."""
    queries = {
        "criteria": "select * from criterion_versions where task = $1 order by replaced_at desc",
        "locks": "select * from lock_history where task = $1 order by ended_at desc",
        "evidence": "select * from evidence where task = $1 order by received_at desc",
        "targets": "select * from targets where task = $1 order by at desc",
        "bookings": "select * from bookings where task = $1 order by at desc",
    }
    return {name: await tx.raw.fetch(query, task) for name, query in queries.items()}


async def targets_of_change(tx: Transaction, change: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select targets.*, tasks.code, tasks.title, tasks.owner from targets join tasks using (task)"
        " where change = $1 order by tasks.code",
        change,
    )
    return found


async def locked_by_change(tx: Transaction, change: UUID) -> list[Any]:
    """Tasks that this change locks or has locked, with how each lock ended."""
    found: list[Any] = await tx.raw.fetch(
        "select applied.task, tasks.code, tasks.title, tasks.owner, tasks.item_version, tasks.locks,"
        " (select row_to_json(h) from lock_history as h where h.task = applied.task and h.change = $1"
        "  order by ended_at desc limit 1) as ended"
        " from applied_rows as applied join tasks using (task)"
        " where applied.change = $1 and applied.action = 'lock' order by tasks.code",
        change,
    )
    return found


async def cards_of_change(tx: Transaction, change: UUID) -> list[Task]:
    rows = await tx.raw.fetch("select * from tasks where retest_change = $1 order by code", change)
    return [task_of(row) for row in rows]


async def save_booking(tx: Transaction, task: UUID, person: str, hours: Decimal, note: str | None) -> None:
    await tx.raw.execute(
        "insert into bookings (id, task, person, hours, note, at) values ($1, $2, $3, $4, $5, $6)",
        tx.new_id(), task, person, hours, note, tx.now,
    )  # fmt: skip


# ── people, calendar, finished work ─────────────────────────────────────────────────────────────────────────────────


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = list({one.person: one for one in sorted(people, key=lambda one: one.version)}.values())
    await tx.raw.execute(
        "insert into people (person, name, department, department_name, roles, modules, manager, active, version)"
        " select p, n, d, dn, array(select jsonb_array_elements_text(r)), array(select jsonb_array_elements_text(m)),"
        "  g, a, v from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[],"
        "  $8::boolean[], $9::int[]) as new(p, n, d, dn, r, m, g, a, v)"
        " on conflict (person) do update set name = excluded.name, department = excluded.department,"
        " department_name = excluded.department_name, roles = excluded.roles, modules = excluded.modules,"
        " manager = excluded.manager, active = excluded.active, version = excluded.version"
        " where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.department for one in newest],
        [one.department_name for one in newest], [json.dumps(one.roles) for one in newest],
        [json.dumps(one.modules) for one in newest], [one.manager for one in newest],
        [one.active for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def names(tx: Transaction, people: Iterable[str | None]) -> dict[str, str]:
    wanted = [person for person in set(people) if person]
    rows = await tx.raw.fetch("select person, name from people where person = any($1::text[])", wanted)
    return {row["person"]: row["name"] for row in rows}


async def calendar(tx: Transaction) -> Calendar:
    rows = await tx.raw.fetch("select day, works from company_calendar")
    return Calendar({row["day"]: row["works"] for row in rows})


async def finished_tasks(tx: Transaction, kinds: Sequence[str]) -> list[Finished]:
    """Finished tasks of these kinds with their hours, newest first, for estimates; a retest counts as a test."""
    rows = await tx.raw.fetch(
        "select kind, module, title, actual_hours from tasks where state = 'done' and actual_hours is not null"
        " and kind = any($1::text[]) order by finished_at desc nulls last limit 3000",
        list(kinds),
    )
    return [
        Finished("test" if row["kind"] == "retest" else row["kind"], row["module"], row["title"], row["actual_hours"])
        for row in rows
    ]
