"""Rows of goal cycles."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction
from goals.domain.cycles import Cycle, CycleKind


def _cycle_of(row: Any) -> Cycle:
    return Cycle(
        cycle=row["cycle"], kind=CycleKind(row["kind"]), name=row["name"], project=row["project"],
        starts_at=row["starts_at"], ends_at=row["ends_at"], frozen_at=row["frozen_at"], frozen_by=row["frozen_by"],
        version=row["version"],
    )  # fmt: skip


async def cycles(tx: Transaction, project: UUID | None = None) -> list[Cycle]:
    """The company's quarters, and the phases of this project or of all; the latest first."""
    rows = await tx.raw.fetch(
        "select * from cycles where $1::uuid is null or project is null or project = $1 order by starts_at desc, name",
        project,
    )
    return [_cycle_of(row) for row in rows]


async def find_cycle(tx: Transaction, cycle: UUID) -> Cycle | None:
    row = await tx.raw.fetchrow("select * from cycles where cycle = $1 for update", cycle)
    return _cycle_of(row) if row else None


async def save_cycle(tx: Transaction, cycle: Cycle) -> bool:
    """False when another cycle of the same place has this name."""
    saved = await tx.raw.fetchval(
        "insert into cycles (cycle, kind, name, project, starts_at, ends_at, frozen_at, frozen_by, version)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (cycle) do update set frozen_at = $7, frozen_by = $8,"
        " version = $9 returning true",
        cycle.cycle, str(cycle.kind), cycle.name, cycle.project, cycle.starts_at, cycle.ends_at, cycle.frozen_at,
        cycle.frozen_by, cycle.version,
    )  # fmt: skip
    return bool(saved)


async def name_taken(tx: Transaction, name: str, project: UUID | None) -> bool:
    taken = await tx.raw.fetchval(
        "select true from cycles where name = $1 and project is not distinct from $2", name, project
    )
    return bool(taken)


async def projects_in_cycles(tx: Transaction, cycles: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Projects that have a goal in each of these cycles."""
    rows = await tx.raw.fetch(
        "select distinct (goal->>'cycle')::uuid as cycle, project from projects, jsonb_array_elements(goals) as goal"
        " where (goal->>'cycle')::uuid = any($1::uuid[])",
        list(cycles),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["cycle"], []).append(row["project"])
    return found


async def goals_in_cycles(tx: Transaction) -> dict[UUID, int]:
    """How many goals that count each cycle has."""
    rows = await tx.raw.fetch(
        "select (goal->>'cycle')::uuid as cycle, count(*) as n from projects, jsonb_array_elements(goals) as goal"
        " where goal->>'cycle' is not null and coalesce(goal->>'state', 'active') <> 'cancelled' group by 1"
    )
    return {row["cycle"]: row["n"] for row in rows}
