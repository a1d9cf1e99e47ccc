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
    TargetChange,
    TaskLock,
)
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.qa import Measurement, TestReported
from goals.domain.changes import Recalculated
from goals.domain.evidence import Judgement
from goals.domain.hours import Finished
from goals.domain.tree import Project, Task
from goals.tree_store import of_projects, of_tasks, project_of, task_of

_WEEK = timedelta(days=7)
_SAVE_EVIDENCE = """
insert into evidence (id, task, report, module, module_version, criterion, criterion_version, counts, passed, code,
    reason, measurements, title, tested_by, tested_at, received_at, attachments)
select i, t, r, m, v, c, cv, counts, passed, code, reason::jsonb, me::jsonb, ti, tb, ta, ra,
    attachments::uuid[]
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::int[], $8::boolean[],
    $9::boolean[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
    $16::timestamptz[], $17::text[])
    as new (i, t, r, m, v, c, cv, counts, passed, code, reason, me, ti, tb, ta, ra, attachments)
on conflict do nothing
"""
_MEASUREMENTS = TypeAdapter(tuple[Measurement, ...])
_CHANGES = TypeAdapter(tuple[TargetChange, ...])
KeptReport = tuple[UUID, datetime, TestReported, Judgement | None, str]
"""Event id, received at, report, judgement, code when there is no judgement."""


# ── projects and tasks ──────────────────────────────────────────────────────────────────────────────────────────────


async def all_projects(tx: Transaction) -> list[Project]:
    return [project_of(row) for row in await tx.raw.fetch(of_projects("order by code"))]


async def find_project(tx: Transaction, code: str) -> Project | None:
    row = await tx.raw.fetchrow(of_projects("where code = $1"), code)
    return project_of(row) if row else None


async def project_of_task(tx: Transaction, task: UUID) -> UUID | None:
    found: UUID | None = await tx.raw.fetchval("select project from tasks where task = $1", task)
    return found


async def projects_of_tasks(tx: Transaction, tasks: Iterable[UUID]) -> dict[UUID, UUID]:
    rows = await tx.raw.fetch("select task, project from tasks where task = any($1::uuid[])", list(tasks))
    return {row["task"]: row["project"] for row in rows}


async def tasks_by_id(tx: Transaction, tasks: Iterable[UUID]) -> dict[UUID, Task]:
    rows = await tx.raw.fetch(of_tasks("where task = any($1::uuid[])"), list(tasks))
    return {row["task"]: task_of(row) for row in rows}


async def projects_of_changes(tx: Transaction, changes: Iterable[UUID]) -> list[UUID]:
    """Projects that hold locks or cards of these changes."""
    rows = await tx.raw.fetch(
        "select distinct project from tasks where retest_change = any($1::uuid[])"
        " union select distinct project from tasks, jsonb_array_elements(locks) as lock"
        " where jsonb_array_length(locks) > 0 and (lock->>'change')::uuid = any($1::uuid[])",
        list(changes),
    )
    return [row["project"] for row in rows]


async def candidates_for(tx: Transaction, reports: Sequence[TestReported]) -> list[tuple[Task, str]]:
    """Tasks that may be meant, with their product: by task, task code, or tests of the module."""
    named = [report for report in reports if report.task is not None or report.task_code is not None]
    unnamed = {report.module for report in reports if report.task is None and report.task_code is None}
    rows = []
    if named:
        rows += await tx.raw.fetch(
            of_tasks(
                "join projects using (project) where task = any($1::uuid[]) or tasks.code = any($2::text[])", ", product"
            ),
            [report.task for report in named if report.task], [report.task_code for report in named if report.task_code],
        )  # fmt: skip
    if unnamed:
        rows += await tx.raw.fetch(
            of_tasks(
                "join projects using (project) where module = any($1::text[]) and kind in ('test', 'retest')",
                ", product",
            ),
            list(unnamed),
        )
    return [(task_of(row), row["product"]) for row in rows]


async def project_version(tx: Transaction, project: UUID) -> int | None:
    found: int | None = await tx.raw.fetchval("select version from projects where project = $1", project)
    return found


async def tasks_of_person(tx: Transaction, person: str) -> list[Task]:
    """Open work of a person, and what was finished lately."""
    rows = await tx.raw.fetch(
        of_tasks(
            "where owner = $1 and (state = 'active' or (state = 'done' and finished_at > $2))"
            " order by due_at nulls last, code"
        ),
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
    if not found:
        return
    await tx.raw.executemany(
        "insert into criterion_versions (criterion, version, task, text, state, replaced_by_change, replaced_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        [(one.criterion, one.version, task, one.text, str(one.state), change, tx.now) for task, one in found],
    )


async def save_targets(tx: Transaction, moved: Sequence[Recalculated]) -> None:
    # JSON as text: asyncpg calls Python for each element of a JSON array.
    await tx.raw.execute(
        "insert into targets (id, task, change, change_number, rule, changes, at, matrix, held)"
        " select id, task, change, number, rule, changes::jsonb, $1, matrix, held"
        " from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[])"
        "  as new (id, task, change, number, rule, changes, matrix, held)",
        tx.now, [tx.new_id() for _ in moved], [one.task for one in moved], [one.change for one in moved],
        [one.change_number for one in moved], [one.rule for one in moved],
        [_CHANGES.dump_json(one.changes).decode() for one in moved], [one.matrix for one in moved],
        ["waiting" if one.held else None for one in moved],
    )  # fmt: skip


async def end_held_targets(tx: Transaction, consents: Sequence[ConsentChanged]) -> None:
    """Held targets whose matrix has come to an end: settled, or withdrawn (C8)."""
    ended = [(one.change, moved.task, str(one.state)) for one in consents if one.change for moved in one.adjustments]
    await tx.raw.execute(
        "update targets set held = new.s from unnest($1::uuid[], $2::uuid[], $3::text[]) as new (c, t, s)"
        " where change = new.c and task = new.t and held = 'waiting'",
        [change for change, _, _ in ended], [task for _, task, _ in ended], [state for _, _, state in ended],
    )  # fmt: skip


async def save_evidence(tx: Transaction, found: Sequence[KeptReport]) -> None:
    """Reports as evidence."""
    rows = [
        (
            id, judgement.task if judgement else report.task, report.report, report.module, report.module_version,
            judgement.criterion.criterion if judgement else None,
            judgement.criterion.version if judgement else None,
            bool(judgement and judgement.counts), bool(judgement and judgement.passed),
            judgement.code if judgement else code,
            judgement.reason.model_dump_json() if judgement else "{}",
            _MEASUREMENTS.dump_json(report.measurements).decode(),
            report.title, report.tested_by, report.tested_at, received_at,
            f"{{{','.join(map(str, report.attachments))}}}",
        )
        for id, received_at, report, judgement, code in found
    ]  # fmt: skip
    await tx.raw.execute(_SAVE_EVIDENCE, *zip(*rows, strict=True))


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


async def reports_on_cards(tx: Transaction, cards: Sequence[UUID]) -> list[Any]:
    """Evidence on these retest cards, newest first."""
    found: list[Any] = await tx.raw.fetch(
        "select evidence.*, tasks.code from evidence join tasks using (task) where task = any($1::uuid[])"
        " order by evidence.received_at desc",
        list(cards),
    )
    return found


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


async def highest_numbers(tx: Transaction, prefixes: Iterable[str]) -> dict[str, int]:
    """The highest number that follows each prefix in a task's code; nobody else finds one until this one commits."""
    wanted = sorted(set(prefixes))
    await tx.raw.execute(
        "select pg_advisory_xact_lock(hashtext(prefix)) from unnest($1::text[]) as prefix order by prefix", wanted
    )
    rows = await tx.raw.fetch(
        "select prefix, max(substr(code, length(prefix) + 1)::int) as highest from unnest($1::text[]) as prefix"
        " join tasks on code ~>=~ prefix and code ~<~ (prefix || ':')"  # ":" follows the digits
        " where substr(code, length(prefix) + 1) ~ '^[0-9]{1,6}$' group by prefix",
        wanted,
    )
    return {row["prefix"]: row["highest"] for row in rows}


async def cards_of_change(tx: Transaction, change: UUID) -> list[Task]:
    rows = await tx.raw.fetch(of_tasks("where retest_change = $1 order by code"), change)
    return [task_of(row) for row in rows]


async def passed_retests(tx: Transaction, changes: Iterable[UUID]) -> frozenset[tuple[UUID, str]]:
    """Change and module, where the cards that count are all done."""
    rows = await tx.raw.fetch(
        "select retest_change, module from tasks where retest_change = any($1::uuid[])"
        " and state not in ('cancelled', 'superseded') group by retest_change, module having bool_and(state = 'done')",
        list(changes),
    )
    return frozenset((row["retest_change"], row["module"]) for row in rows)


async def save_bookings(tx: Transaction, booked: Sequence[tuple[UUID, str, Decimal, str | None, datetime]]) -> None:
    """Hours on tasks: task, person, hours, note, when."""
    await tx.raw.executemany(
        "insert into bookings (id, task, person, hours, note, at) values ($1, $2, $3, $4, $5, $6)",
        [(tx.new_id(), *one) for one in booked],
    )


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


async def is_active(tx: Transaction, person: str) -> bool:
    return bool(await tx.raw.fetchval("select active from people where person = $1", person))


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
