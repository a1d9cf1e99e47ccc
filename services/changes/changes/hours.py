"""Estimates of hours for whole matrices: structure in the database, text beside the event loop (C7)."""

import asyncio
from collections.abc import Sequence

from bihuan_chassis import Transaction
from changes import hours_store
from changes.domain.consent import Matrix
from changes.domain.hours import Asked, Candidates, Chosen, Estimate, Similar, choose, estimate


async def estimates(tx: Transaction, asked: Sequence[Asked]) -> list[Estimate]:
    """One for each task asked for, in one set."""
    if not asked:
        return []
    found = await hours_store.candidates(tx, asked)
    # The comparison holds the interpreter: other requests go on meanwhile.
    chosen = await asyncio.to_thread(_choose, asked, found)
    finished = await hours_store.load_finished(tx, {one.place for each in chosen for one in each})
    return [
        estimate(
            task,
            candidates.basis,
            [Similar(*finished[one.place], one.likeness) for one in each if one.place in finished],
        )
        for task, candidates, each in zip(asked, found, chosen, strict=True)
    ]


def _choose(asked: Sequence[Asked], found: Sequence[Candidates]) -> list[tuple[Chosen, ...]]:
    return [choose(task, candidates) for task, candidates in zip(asked, found, strict=True)]


async def keep(tx: Transaction, matrix: Matrix) -> None:
    """What the history says of each row when everybody is asked, to be compared with what happens."""
    rows = [row for row in matrix.rows if row.task is not None]
    asked = await hours_store.load_asked(tx, [row.task for row in rows if row.task], [row.person for row in rows])
    found = {(task.task, task.person): one for task, one in zip(asked, await estimates(tx, asked), strict=True)}
    given = {row.row: found[row.task, row.person] for row in rows if row.task and (row.task, row.person) in found}
    await hours_store.keep(tx, matrix, given)
