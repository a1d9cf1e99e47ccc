"""One task: its card, booking hours, activating."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Invalid,
    Reply,
    TwoLanguageError,
    Tx,
    allow,
    router,
)
from bihuan_contracts import Text
from bihuan_contracts.goals import CriterionState, TaskState
from goals import lock_store, store
from goals.announce import save_and_announce
from goals.api.access import load_task, may_decide, require_own
from goals.api.editing import edit_of, require_allowed
from goals.api.replies import EndedLock, TargetHistory, TaskReply, only, reply_of, task_reply
from goals.domain.edits import Action
from goals.domain.tree import gaps
from goals.edit_store import save_edits

routes = router(tags=["goals"])


class ProgressIn(Body):
    hours: Annotated[Decimal, Field(gt=0, le=24)]
    note: Annotated[str | None, Field(max_length=1000)] = None


class ActivateIn(Body):
    """What the caller saw: the task's version, or its revision, which figures that roll up leave as it is."""

    version: int | None = None
    revision: int | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.version is None and self.revision is None:
            raise TwoLanguageError("version 和 revision 至少给一个", "Give version or revision")
        return self


class CriterionVersion(Reply):
    version: int
    text: str
    state: CriterionState
    replaced_by_change: UUID | None
    replaced_at: datetime


class Evidence(Reply):
    report: str
    title: str
    module: str
    module_version: str
    criterion_version: int | None
    counts: bool
    passed: bool
    code: str
    reason: Text | None
    measurements: list[dict[str, Any]]
    tested_by: str | None
    tested_by_name: str | None
    tested_at: datetime
    received_at: datetime
    attachments: list[UUID]


class Booking(Reply):
    person: str
    person_name: str | None
    hours: Decimal
    note: str | None
    at: datetime


class OpenRequest(Reply):
    """What the owner asks the lead to decide about a lock."""

    lock: UUID
    person: str
    person_name: str | None
    decision: str
    reason: str
    expires_at: datetime | None
    asked_at: datetime


class TaskCard(Reply):
    """Everything about one task."""

    task: TaskReply
    project: UUID
    project_code: str
    project_name: str
    lead: str
    lead_name: str
    goal_title: str | None
    origin: UUID | None
    criteria_history: list[CriterionVersion]
    evidence: list[Evidence]
    lock_history: list[EndedLock]
    lock_requests: list[OpenRequest]
    targets: list[TargetHistory]
    bookings: list[Booking]
    may_decide: bool
    """Whether the caller may decide on the locks."""
    may_ask: bool
    """Whether the caller may ask the lead for a decision on a lock."""
    may_answer: bool
    """Whether the card is the caller's own."""


@routes.get("/tasks/{task}", dependencies=[allow(EVERYONE)])
async def read_task(task: UUID, tx: Tx, caller: Caller) -> TaskCard:
    tree, found = await load_task(tx, task, lock=False)
    history = await store.history_of_task(tx, task)
    asked = await lock_store.open_requests(tx, task)
    people = [found.owner, tree.project.lead, *(row["tested_by"] for row in history["evidence"]),
              *(row["person"] for row in (*history["bookings"], *asked)),
              *(row["decided_by"] for row in history["locks"])]  # fmt: skip
    names = await store.names(tx, people)
    goal = next((goal.title for goal in tree.project.goals if goal.goal == found.goal), None)
    return TaskCard(
        task=task_reply(found, names, tx.now, await store.calendar(tx)),
        project=tree.project.project,
        project_code=tree.project.code,
        project_name=tree.project.name,
        lead=tree.project.lead,
        lead_name=names.get(tree.project.lead, tree.project.lead),
        goal_title=goal,
        origin=found.origin,
        criteria_history=[CriterionVersion(**only(row, CriterionVersion)) for row in history["criteria"]],
        evidence=[_evidence(row, names) for row in history["evidence"]],
        lock_history=[
            EndedLock(**only(row, EndedLock), decided_by_name=names.get(row["decided_by"] or ""))
            for row in history["locks"]
        ],
        lock_requests=[OpenRequest(**only(row, OpenRequest), person_name=names.get(row["person"])) for row in asked],
        targets=[TargetHistory(**only(row, TargetHistory)) for row in history["targets"]],
        bookings=[Booking(**only(row, Booking), person_name=names.get(row["person"])) for row in history["bookings"]],
        may_decide=may_decide(tree.project, caller),
        may_ask=caller.id == found.owner and found.locked,
        may_answer=found.owner == caller.id and found.retest is not None,
    )


def _evidence(row: Any, names: dict[str, str]) -> Evidence:
    values = only(row, Evidence)
    values["reason"] = row["reason"] or None
    return Evidence(**values, tested_by_name=names.get(row["tested_by"] or ""))


@routes.post("/tasks/{task}/activate", dependencies=[allow(EVERYONE)])
async def activate_task(task: UUID, body: ActivateIn, tx: Tx, caller: Caller) -> TaskReply:
    """A draft becomes active when nothing is missing (G1)."""
    tree, found = await load_task(tx, task)
    goal = tree.goal(found.goal)
    if goal is None or goal.owner != caller.id:
        require_own(tree.project, found, caller)
    if body.version not in {None, found.version} or body.revision not in {None, found.revision}:
        raise Conflict(current=found.version)
    if found.state is TaskState.ACTIVE:
        return await reply_of(tx, tree, task)
    require_allowed(found, Action.ACTIVATE)
    if missing := gaps(found):
        raise Invalid("gaps", errors=[FieldError(gap.field, "gap", Text(zh=gap.zh, en=gap.en)) for gap in missing])
    tree.change(task, state=TaskState.ACTIVE)
    await save_and_announce(tx, [tree])
    await save_edits(tx, [edit_of(tree, found, "task_activated")])
    return await reply_of(tx, tree, task)


@routes.post("/tasks/{task}/progress", dependencies=[allow(EVERYONE)])
async def book_hours(task: UUID, body: ProgressIn, tx: Tx, caller: Caller) -> TaskReply:
    """Book hours of work. A locked task takes none: the reason and the way out are in the answer (G6)."""
    tree, found = await load_task(tx, task)
    require_own(tree.project, found, caller)
    if found.locked:
        lock = found.locks[0]
        raise Conflict(
            "locked",
            Text(
                zh=f"已被 {lock.change_number} 锁定：{lock.way_out.zh}",
                en=f"Locked by {lock.change_number}: {lock.way_out.en}",
            ),
            locks=list(found.locks),
        )
    require_allowed(found, Action.BOOK)
    await store.save_bookings(tx, [(task, caller.id, body.hours, body.note, tx.now)])
    tree.change(task, actual_hours=(found.actual_hours or Decimal(0)) + body.hours)
    await save_and_announce(tx, [tree])
    return await reply_of(tx, tree, task)
