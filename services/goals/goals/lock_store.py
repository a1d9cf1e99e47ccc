"""Rows of what owners ask of their locks (G6)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction

# A decision answers what was asked before it, whatever it says.
_OPEN = """
select distinct on (lock) * from lock_requests as asked
where task = $1 and not exists (
    select from lock_history as ended where ended.lock = asked.lock and ended.ended_at >= asked.asked_at)
order by lock, asked_at desc
"""


async def save_request(
    tx: Transaction, lock: UUID, task: UUID, decision: str, reason: str, expires_at: datetime | None
) -> None:
    await tx.raw.execute(
        "insert into lock_requests (lock, task, person, decision, reason, expires_at, asked_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        lock, task, tx.actor, decision, reason, expires_at, tx.now,
    )  # fmt: skip


async def open_requests(tx: Transaction, task: UUID) -> list[Any]:
    """The newest request on each lock of a task that nobody has decided on since."""
    found: list[Any] = await tx.raw.fetch(_OPEN, task)
    return found
