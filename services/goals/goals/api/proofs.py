"""Evidence on a task's card: tick a checklist, approve, name a commit, say what a file belongs to (G5)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Forbidden, NotFound, Reply, Tx, allow, invalid, router
from bihuan_contracts import Text
from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, TaskState
from goals import proof_store, store
from goals.announce import save_and_announce
from goals.api.access import load_task, require_own
from goals.api.replies import only
from goals.domain.evidence import Judgement, kind_of
from goals.domain.proofs import (
    Approver,
    Around,
    ProofKind,
    judge_approval,
    judge_checklist,
    judge_presence,
    places_for_file,
    refuse_approval,
)
from goals.domain.tree import Task, Tree
from goals.files import enter_proof
from goals.proof_store import Proof

routes = router(tags=["evidence"])
_ONE = "/tasks/{task}/criteria/{criterion}"


class ChecklistIn(Body):
    version: int
    """The criterion's version that the caller saw."""
    ticked: Annotated[tuple[int, ...], Field(max_length=100)]
    """Places of the items that are done, from 0."""


class ApprovalIn(Body):
    version: int
    approved: bool
    reason: Annotated[str, Field(max_length=1000)] = ""
    """Needed where it is returned."""


class CommitIn(Body):
    version: int
    address: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
    """Of the commit in the company's repository."""
    title: Annotated[str, Field(min_length=1, max_length=200)]


class PlaceIn(Body):
    criterion: UUID


class ProofReply(Reply):
    id: UUID
    kind: ProofKind
    title: str
    person: str
    person_name: str | None
    at: datetime
    ref: str | None
    """Attachment in `feedback`, or address of the commit."""
    items: list[int]
    criterion: UUID | None
    criterion_version: int | None
    counts: bool
    passed: bool
    code: str
    reason: Text | None
    choices: list[UUID]
    """In doubt: the criteria it may belong to."""


class CriterionNeeds(Reply):
    """What a criterion asks for and what is there."""

    criterion: UUID
    deliverable: UUID
    version: int
    text: str
    kind: CriterionKind
    state: CriterionState
    items: list[str]
    ticked: list[int]
    approver: str | None
    may_submit: bool
    may_approve: bool
    why_not: Text | None
    """Why the caller may not approve."""


class Proofs(Reply):
    criteria: list[CriterionNeeds]
    proofs: list[ProofReply]
    """Newest first, those for earlier versions too."""


@routes.get("/tasks/{task}/evidence", dependencies=[allow(EVERYONE)])
async def read_proofs(task: UUID, tx: Tx, caller: Caller) -> Proofs:
    tree, found = await load_task(tx, task, lock=False)
    return await _proofs(tx, tree, found, caller)


@routes.put(f"{_ONE}/checklist", dependencies=[allow(EVERYONE)])
async def tick_checklist(task: UUID, criterion: UUID, body: ChecklistIn, tx: Tx, caller: Caller) -> Proofs:
    """The items that are done; with the last one the criterion is verified."""
    tree, found, asked = await _open(tx, task, criterion, body.version, CriterionKind.CHECKLIST)
    require_own(tree.project, found, caller)
    if any(not 0 <= place < len(asked.items) for place in body.ticked):
        raise invalid("ticked", "unknown", "清单里没有这一项", "The checklist has no such item")
    judgement = judge_checklist(found, asked, set(body.ticked))
    return await _enter(
        tx, tree, caller, ProofKind.CHECKLIST, asked.text, judgement, items=tuple(sorted(set(body.ticked)))
    )


@routes.post(f"{_ONE}/approval", dependencies=[allow(EVERYONE)])
async def approve(task: UUID, criterion: UUID, body: ApprovalIn, tx: Tx, caller: Caller) -> Proofs:
    """Approve or return with a reason; never by the owner, nor by whoever handed in the evidence."""
    tree, found, asked = await _open(tx, task, criterion, body.version, CriterionKind.APPROVAL)
    if words := refuse_approval(asked, await _around(tx, tree, found, asked), _approver(caller)):
        raise Forbidden("may_not_approve", words)
    if not body.approved and not body.reason:
        raise invalid("reason", "needed", "退回要写明原因", "Say why it is returned")
    judgement = judge_approval(found, asked, body.approved, body.reason)
    return await _enter(tx, tree, caller, ProofKind.APPROVAL, asked.text, judgement)


@routes.post(f"{_ONE}/commits", status_code=201, dependencies=[allow(EVERYONE)])
async def name_commit(task: UUID, criterion: UUID, body: CommitIn, tx: Tx, caller: Caller) -> Proofs:
    tree, found, asked = await _open(tx, task, criterion, body.version, None)
    require_own(tree.project, found, caller)
    judgement = judge_presence(found, asked)
    assert judgement is not None
    return await _enter(tx, tree, caller, ProofKind.COMMIT, body.title, judgement, ref=body.address)


@routes.post("/tasks/{task}/evidence/{proof}/place", dependencies=[allow(EVERYONE)])
async def place_proof(task: UUID, proof: UUID, body: PlaceIn, tx: Tx, caller: Caller) -> Proofs:
    """Its uploader, the owner or the lead says which criterion a file belongs to."""
    tree, found = await load_task(tx, task)
    row = await proof_store.find(tx, proof)
    if row is None or row["task"] != task:
        raise NotFound()
    if caller.id != row["person"]:
        require_own(tree.project, found, caller)
    if row["criterion"] is not None:
        raise Conflict("placed", Text(zh="这份证据已有归处", en="This evidence has its place already"))
    asked = next((one for _, one in _criteria(found) if one.criterion == body.criterion), None)
    judgement = judge_presence(found, asked)
    if judgement is None:
        raise invalid("criterion", "unknown", "任务里没有这一项标准", "The task has no such criterion")
    judgement = await enter_proof(tx, tree, judgement, row["person"], row["title"])
    kept = Proof(
        proof,
        task,
        ProofKind(row["kind"]),
        row["title"],
        row["person"],
        row["at"],
        judgement,
        row["ref"],
        row["digest"],
    )
    await proof_store.save(tx, [kept])
    await save_and_announce(tx, [tree])
    return await _proofs(tx, tree, tree.tasks[task], caller)


async def _open(
    tx: Tx, task: UUID, criterion: UUID, version: int, kind: CriterionKind | None
) -> tuple[Tree, Task, Criterion]:
    """The task and its criterion, when evidence of this kind can be handed in now."""
    tree, found = await load_task(tx, task)
    asked = next((one for _, one in _criteria(found) if one.criterion == criterion), None)
    if asked is None:
        raise NotFound()
    if kind is not None and kind_of(asked) is not kind:
        raise Conflict("other_kind", Text(zh="这一项要用别的方式验证", en="This criterion is verified in another way"))
    if asked.version != version:
        raise Conflict(
            "superseded",
            Text(
                zh=f"标准已是第 {asked.version} 版：{asked.text}",
                en=f"Version {asked.version} is in force: {asked.text}",
            ),
            current=asked.version,
        )
    if found.locks:
        lock = found.locks[0]
        words = Text(
            zh=f"已被 {lock.change_number} 锁定：{lock.way_out.zh}",
            en=f"Locked by {lock.change_number}: {lock.way_out.en}",
        )
        raise Conflict("locked", words, locks=list(found.locks))
    if found.state is not TaskState.ACTIVE:
        raise Conflict("not_active", Text(zh="任务不在进行中", en="The task is not active"))
    return tree, found, asked


async def _enter(
    tx: Tx, tree: Tree, caller: Caller, kind: ProofKind, title: str, judgement: Judgement, **more: Any
) -> Proofs:
    judgement = await enter_proof(tx, tree, judgement, caller.id, title)
    proof = Proof(tx.new_id(), judgement.task, kind, title, caller.id, tx.now, judgement, **more)
    await proof_store.save(tx, [proof])
    await save_and_announce(tx, [tree])
    return await _proofs(tx, tree, tree.tasks[judgement.task], caller)


def _criteria(task: Task) -> list[tuple[UUID, Criterion]]:
    return [(one.deliverable, criterion) for one in task.deliverables for criterion in one.criteria]


def _approver(caller: Caller) -> Approver:
    return Approver(caller.id, {str(role) for role in caller.roles})


async def _around(tx: Tx, tree: Tree, task: Task, criterion: Criterion) -> Around:
    return Around(
        task.owner, tree.project.lead, await proof_store.manager_of(tx, task.owner),
        await proof_store.submitters(tx, criterion.criterion, criterion.version),
    )  # fmt: skip


async def _proofs(tx: Tx, tree: Tree, task: Task, caller: Caller) -> Proofs:
    rows = await proof_store.of_task(tx, task.task)
    names = await store.names(tx, [row["person"] for row in rows])
    needs = [await _needs(tx, tree, task, deliverable, one, rows, caller) for deliverable, one in _criteria(task)]
    return Proofs(criteria=needs, proofs=[_reply(row, task, names) for row in rows])


async def _needs(
    tx: Tx, tree: Tree, task: Task, deliverable: UUID, one: Criterion, rows: list[Any], caller: Caller
) -> CriterionNeeds:
    kind = kind_of(one)
    # the newest says which items are done
    ticked: list[int] = next((row["items"] for row in rows if row["kind"] == "checklist" and _is_for(row, one)), [])
    why_not = None
    if kind is CriterionKind.APPROVAL:
        why_not = refuse_approval(one, await _around(tx, tree, task, one), _approver(caller))
    takes = task.state is TaskState.ACTIVE and not task.locks
    waits = takes and one.state is not CriterionState.VERIFIED
    return CriterionNeeds(
        criterion=one.criterion, deliverable=deliverable, version=one.version, text=one.text, kind=kind,
        state=one.state, items=list(one.items), ticked=list(ticked), approver=one.approver,
        may_submit=waits and caller.id in {task.owner, tree.project.lead},
        may_approve=waits and kind is CriterionKind.APPROVAL and why_not is None, why_not=why_not,
    )  # fmt: skip


def _is_for(row: Any, criterion: Criterion) -> bool:
    return bool(row["criterion"] == criterion.criterion and row["criterion_version"] == criterion.version)


def _reply(row: Any, task: Task, names: dict[str, str]) -> ProofReply:
    values = only(row, ProofReply)
    values["reason"] = row["reason"] or None
    in_doubt = row["criterion"] is None
    choices = [place.criterion.criterion for place in places_for_file(task, row["title"])] if in_doubt else []
    return ProofReply(**values, person_name=names.get(row["person"]), choices=choices)
