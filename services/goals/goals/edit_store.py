"""What people have edited of a tree: kept for good, with old and new."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit: which fields of what moved from what to what, and why if somebody said so."""

    project: UUID
    goal: UUID | None
    task: UUID | None
    title: str
    action: str
    changes: Sequence[dict[str, str | None]] = ()
    reason: str | None = None


async def save_edits(tx: Transaction, edits: Sequence[Edit]) -> None:
    await tx.raw.copy_records_to_table(
        "tree_edits",
        records=[
            (
                tx.new_id(), one.project, one.goal, one.task, one.title, one.action,
                json.dumps(list(one.changes), ensure_ascii=False), one.reason, tx.actor or "system", tx.now,
            )
            for one in edits
        ],
        columns=("id", "project", "goal", "task", "title", "action", "changes", "reason", "person", "at"),
    )  # fmt: skip


async def edits_of_project(tx: Transaction, project: UUID, limit: int) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select * from tree_edits where project = $1 order by at desc, id desc limit $2", project, limit
    )
    return found
