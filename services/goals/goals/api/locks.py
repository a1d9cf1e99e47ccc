"""The locks of a task: its owner asks, the project lead decides, and each hears of it (G6)."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Forbidden, Tx, allow, invalid, router
from bihuan_contracts import Text
from bihuan_contracts.goals import TaskLock
from bihuan_contracts.notify import NoticeRequested
from goals import lock_store, store
from goals.announce import save_and_announce
from goals.api.access import load_task, may_decide, require_own
from goals.api.editing import require_allowed
from goals.api.replies import TaskReply, reply_of
from goals.domain.edits import Action
from goals.domain.tree import Project, Task
from goals.handlers import CONCESSION_ENDS

routes = router(tags=["goals"])
_PATH = "/tasks/{task}/locks/{lock}"
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class Decision(StrEnum):
    MIGRATE = "migrate"
    CONCESSION = "concession"
    KEEP = "keep"


class Wanted(StrEnum):
    MIGRATE = "migrate"
    CONCESSION = "concession"


class LockDecision(Body):
    decision: Decision
    reason: Reason
    expires_at: AwareDatetime | None = None
    """A concession ends; without a date it is refused."""


class LockRequest(Body):
    decision: Wanted
    reason: Reason
    expires_at: AwareDatetime | None = None


@routes.post(f"{_PATH}/request", dependencies=[allow(EVERYONE)])
async def ask_for_lock(task: UUID, lock: UUID, body: LockRequest, tx: Tx, caller: Caller) -> TaskReply:
    """The owner asks the project lead for a concession or to go on with the new version; asking again replaces it."""
    tree, found = await load_task(tx, task)
    require_own(tree.project, found, caller)
    known = _open_lock(found, lock)
    require_allowed(found, Action.DECIDE)
    _require_end(body, tx)
    await lock_store.save_request(tx, lock, task, str(body.decision), body.reason, body.expires_at)
    if tree.project.lead != caller.id:
        tx.announce(_asked(tree.project, found, known, body, caller, tx))
    return await reply_of(tx, tree, task)


@routes.post(f"{_PATH}/decision", dependencies=[allow(EVERYONE)])
async def decide_lock(task: UUID, lock: UUID, body: LockDecision, tx: Tx, caller: Caller) -> TaskReply:
    """The project lead migrates the task, grants a concession that expires, or keeps the lock; never silently (G6)."""
    tree, found = await load_task(tx, task)
    if not may_decide(tree.project, caller):
        raise Forbidden(text=Text(zh="只有项目负责人可以决定", en="Only the project lead may decide"))
    known = _open_lock(found, lock)
    require_allowed(found, Action.DECIDE)
    _require_end(body, tx)
    asked = {row["lock"]: row["person"] for row in await lock_store.open_requests(tx, task)}
    if body.decision is not Decision.KEEP:
        kept = tuple(one for one in found.locks if one.lock != lock)
        version = known.new_version if body.decision is Decision.MIGRATE else found.item_version
        tree.put(replace(found, locks=kept, item_version=version))
    expires_at = body.expires_at if body.decision is Decision.CONCESSION else None
    await store.end_locks(
        tx, [(task, known)], outcome=str(body.decision), reason=body.reason, by=caller.id, expires_at=expires_at
    )
    if expires_at is not None:
        payload = {"lock": known.model_dump(mode="json"), "task": str(task)}
        tx.set_timer(CONCESSION_ENDS, str(lock), expires_at, payload)
    await save_and_announce(tx, [tree])
    for person in sorted({found.owner, asked.get(lock)} - {None, caller.id}, key=str):
        tx.announce(_decided(str(person), found, known, body, caller, tx))
    return await reply_of(tx, tree, task)


def _open_lock(task: Task, lock: UUID) -> TaskLock:
    known = next((one for one in task.locks if one.lock == lock), None)
    if known is None:
        raise Conflict("no_lock", Text(zh="这把锁已经打开", en="This lock has been opened already"))
    return known


def _require_end(body: LockDecision | LockRequest, tx: Tx) -> None:
    concession = body.decision == Decision.CONCESSION
    if concession and (body.expires_at is None or body.expires_at <= tx.now):
        raise invalid("expires_at", "needed", "让步必须有将来的到期时间", "A concession needs a future end")


def _asked(project: Project, task: Task, lock: TaskLock, body: LockRequest, caller: Caller, tx: Tx) -> NoticeRequested:
    what = _WANTED[body.decision]
    return NoticeRequested(
        person=project.lead, kind="lock_asked", dedupe=f"lock-asked:{lock.lock}", link=f"/tasks/{task.task}",
        title=Text(zh=f"{caller.name}请你决定 {task.code} 的锁：{what.zh}",
                   en=f"{caller.name} asks you about the lock of {task.code}: {what.en}"),
        body=Text(zh=f"{lock.change_number} 锁定。理由：{body.reason}",
                  en=f"Locked by {lock.change_number}. Reason: {body.reason}"),
        mentioned_by=caller.id, change=lock.change, at=tx.now,
    )  # fmt: skip


def _decided(person: str, task: Task, lock: TaskLock, body: LockDecision, caller: Caller, tx: Tx) -> NoticeRequested:
    what = _DONE[body.decision]
    return NoticeRequested(
        person=person, kind="lock_decided", dedupe=f"lock-decided:{lock.lock}:{tx.now.isoformat()}",
        link=f"/tasks/{task.task}", mentioned_by=caller.id, change=lock.change, at=tx.now,
        title=Text(zh=f"{task.code} 的锁：{what.zh}", en=f"The lock of {task.code}: {what.en}"),
        body=Text(zh=f"{caller.name}：{body.reason}", en=f"{caller.name}: {body.reason}"),
    )  # fmt: skip


_WANTED = {
    Wanted.MIGRATE: Text(zh="迁移到新版本", en="go on with the new version"),
    Wanted.CONCESSION: Text(zh="让步使用旧版本", en="a concession for the old version"),
}
_DONE = {
    Decision.MIGRATE: Text(zh="迁移到新版本", en="it goes on with the new version"),
    Decision.CONCESSION: Text(zh="让步使用旧版本，到期重新锁定", en="a concession, it locks again at its end"),
    Decision.KEEP: Text(zh="保持锁定", en="kept"),
}
