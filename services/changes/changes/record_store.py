"""The record of moved targets: what moved, and the cause that goals has given (C8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_contracts.goals import TargetChange, TargetField, TargetsRecalculated, TaskChanged, TaskState
from changes.domain.record import Move, moves_of
from changes.store import task_of

_CHANGES = TypeAdapter(tuple[TargetChange, ...])


async def save_causes(tx: Transaction, moved: Sequence[TargetsRecalculated]) -> None:
    """Facts of goals; the same fact is the same row."""
    await tx.raw.executemany(
        "insert into target_causes (id, task, task_code, task_title, project, person, changes, change, change_number,"
        " rule, matrix, held, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " on conflict do nothing",
        [
            (
                uuid5(NAMESPACE_URL, f"urn:bihuan:cause:{one.task}:{one.change}:{one.held}:{one.at.isoformat()}"),
                one.task, one.task_code, one.task_title, one.project, one.person,
                _CHANGES.dump_json(one.changes).decode(), one.change, one.change_number, one.rule, one.matrix,
                one.held, one.at,
            )
            for one in moved
        ],
    )  # fmt: skip


async def save_moves(tx: Transaction, tasks: Sequence[TaskChanged]) -> None:
    """Targets of work under way that differ from what was known before, whoever has moved them."""
    active = [task for task in tasks if task.state is TaskState.ACTIVE]
    if not active:
        return
    rows = await tx.raw.fetch(
        "select * from tasks where task = any($1::uuid[]) and state = 'active'", [task.task for task in active]
    )
    known = {row["task"]: (task_of(row), row["version"]) for row in rows}
    found: list[Move] = []
    for task in sorted(active, key=lambda one: one.version):
        before = known.get(task.task)
        if before is not None and task.version > before[1]:
            found += moves_of(before[0], task)
    if found:
        await tx.raw.executemany(
            "insert into target_moves (task, field, version, task_code, task_title, project, person, old, new, at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
            [
                (one.task, str(one.field), one.version, one.code, one.title, one.project, one.person, one.old, one.new,
                 tx.now)
                for one in found
            ],
        )  # fmt: skip


async def causes_between(tx: Transaction, start: datetime, end: datetime, limit: int) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select causes.*, m.number as matrix_number, m.state as matrix_state, m.revision as matrix_revision,"
        " m.arbiter as matrix_arbiter, o.number as order_number,"
        " (select coalesce(jsonb_agg(jsonb_build_object('person', r.person, 'answer', r.answer, 'task', t.code)"
        "  order by r.position), '[]') from matrix_rows as r left join tasks as t using (task)"
        "  where r.matrix = causes.matrix) as answers"
        " from target_causes as causes left join matrices as m on m.matrix = causes.matrix"
        " left join change_orders as o on o.change = causes.change"
        " where not causes.held and causes.at >= $1 and causes.at < $2 order by causes.at desc, causes.id limit $3",
        start, end, limit,
    )  # fmt: skip
    return found


async def moves_between(tx: Transaction, start: datetime, end: datetime, limit: int) -> list[Any]:
    """Moves without a cause: nobody has agreed to them and no change explains them."""
    found: list[Any] = await tx.raw.fetch(
        "select * from target_moves where at >= $1 and at < $2 order by at desc, task, field limit $3",
        start,
        end,
        limit,
    )
    return found


async def causes_of_tasks(tx: Transaction, tasks: Sequence[UUID]) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select task, changes from target_causes where task = any($1::uuid[]) and not held", list(tasks)
    )
    return found


async def causes_of_task(tx: Transaction, task: UUID) -> list[Any]:
    found: list[Any] = await tx.raw.fetch("select * from target_causes where task = $1 order by at desc", task)
    return found


def changes_of(row: Any) -> tuple[TargetChange, ...]:
    return _CHANGES.validate_python(row["changes"])


def is_target(field: str) -> bool:
    return field in {TargetField.DUE_AT, TargetField.PLANNED_HOURS, TargetField.OWNER}
