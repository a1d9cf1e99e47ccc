"""What one change has done to the projects (C5)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from bihuan_chassis.http import EVERYONE, Reply, Tx, allow, router
from bihuan_contracts import Text
from bihuan_contracts.goals import TaskLock
from goals import store
from goals.api.replies import EndedLock, TargetHistory, TaskReply, only, task_reply

routes = router(tags=["goals"])


class LockedTask(Reply):
    task: UUID
    code: str
    title: str
    owner: str | None
    owner_name: str | None
    open: bool
    locks: list[TaskLock]
    ended: EndedLock | None


class CardReport(Reply):
    """A test report on a retest card of the change (C10)."""

    task: UUID
    code: str
    report: str
    title: str
    counts: bool
    """Against the criterion in force on the new version; `reason` says why not."""
    passed: bool
    reason: Text | None
    tested_by: str | None
    tested_by_name: str | None
    tested_at: datetime
    received_at: datetime


class Effects(Reply):
    """What one change has done to the projects (C5)."""

    locks: list[LockedTask]
    cards: list[TaskReply]
    targets: list[TargetHistory]
    reports: list[CardReport]


@routes.get("/changes/{change}/effects", dependencies=[allow(EVERYONE)])
async def read_effects(change: UUID, tx: Tx) -> Effects:
    locked = await store.locked_by_change(tx, change)
    cards = await store.cards_of_change(tx, change)
    targets = await store.targets_of_change(tx, change)
    reports = await store.reports_on_cards(tx, [card.task for card in cards])
    people = [row["owner"] for row in (*locked, *targets)] + [card.owner for card in cards]
    names = await store.names(tx, [*people, *(row["tested_by"] for row in reports)])
    calendar = await store.calendar(tx)
    return Effects(
        locks=[_locked(row, change, names) for row in locked],
        cards=[task_reply(card, names, tx.now, calendar) for card in cards],
        targets=[
            TargetHistory(**only(row, TargetHistory), owner_name=names.get(row["owner"] or "")) for row in targets
        ],
        reports=[
            CardReport(
                **only(row, CardReport) | {"reason": row["reason"] or None},
                tested_by_name=names.get(row["tested_by"] or ""),
            )
            for row in reports
        ],
    )


def _locked(row: Any, change: UUID, names: dict[str, str]) -> LockedTask:
    locks = [lock for value in row["locks"] if (lock := TaskLock.model_validate(value)).change == change]
    return LockedTask(
        task=row["task"], code=row["code"], title=row["title"], owner=row["owner"],
        owner_name=names.get(row["owner"] or ""), open=bool(locks), locks=locks,
        ended=EndedLock.model_validate(row["ended"]) if row["ended"] and not locks else None,
    )  # fmt: skip
