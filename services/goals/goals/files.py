"""Files on tasks link themselves to what they are evidence for, and ask when in doubt (G5)."""

from collections.abc import Sequence
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts import Text
from bihuan_contracts.feedback import FileAttached
from bihuan_contracts.notify import NoticeRequested
from goals import proof_store, store, tree_store
from goals.announce import save_and_announce
from goals.domain.causes import Cause, CauseKind
from goals.domain.evidence import Judgement, record
from goals.domain.proofs import ProofKind, judge_presence, places_for_file
from goals.domain.tree import Task, Tree
from goals.handlers import open_locks_of
from goals.proof_store import Proof


async def on_file_attached(files: Sequence[FileAttached], tx: Transaction) -> None:
    """Each file becomes evidence for the one criterion it can be meant for; several: the card asks its uploader."""
    known = await proof_store.known(tx, [file.attachment for file in files])
    fresh = [file for file in files if file.attachment not in known]
    tasks = await store.tasks_by_id(tx, [file.task for file in fresh])
    trees = await tree_store.load_around(tx, tasks.values())
    proofs: list[Proof] = []
    for file in fresh:
        if file.task not in tasks:
            continue
        tree = trees[tasks[file.task].project]
        task = tree.tasks[file.task]
        judgement, choices = _judged(task, file)
        if judgement is None and len(choices) > 1:
            tx.announce(_asks(task, file, len(choices)))
        if judgement is not None:
            judgement = await enter_proof(tx, tree, judgement, file.person, file.name)
        if judgement is not None or choices:
            proofs.append(
                Proof(
                    file.attachment, file.task, ProofKind.FILE, file.name, file.person, file.at, judgement,
                    str(file.attachment), file.digest,
                )
            )  # fmt: skip
    await proof_store.save(tx, proofs)
    await save_and_announce(tx, trees.values())


def _judged(task: Task, file: FileAttached) -> tuple[Judgement | None, list[UUID]]:
    """The judgement where the criterion is certain, and the criteria that may be meant."""
    if file.criterion is not None:
        criteria = [criterion for one in task.deliverables for criterion in one.criteria]
        meant = next((one for one in criteria if one.criterion == file.criterion), None)
        return judge_presence(task, meant), [meant.criterion] if meant else []
    found = places_for_file(task, file.name)
    certain = found[0].criterion if len(found) == 1 else None
    return judge_presence(task, certain), [place.criterion.criterion for place in found]


async def enter_proof(tx: Transaction, tree: Tree, judgement: Judgement, person: str, title: str) -> Judgement:
    """Enter what counts; on locked or ended work it is kept and says why it does not count."""
    task = tree.tasks[judgement.task]
    if judgement.counts and task.locks:
        number = task.locks[0].change_number
        words = Text(zh=f"任务被 {number} 锁定，解锁后再计", en=f"Locked by {number}: counts once it is open again")
        return Judgement(task.task, judgement.criterion, False, False, "locked", words)
    if judgement.counts and task.state != "active":
        words = Text(zh="任务不在进行中，留作记录", en="The task is not active: kept for the record")
        return Judgement(task.task, judgement.criterion, False, False, "not_active", words)
    tree.cause = Cause(CauseKind.EVIDENCE, None, title, person)
    for card in record(tree, judgement, tx.now):
        await open_locks_of(tx, tree, card)
    return judgement


def _asks(task: Task, file: FileAttached, choices: int) -> NoticeRequested:
    return NoticeRequested(
        person=file.person,
        kind="file_in_doubt",
        dedupe=f"file:{file.attachment}",
        title=Text(zh=f"「{file.name}」是哪一项的证据？", en=f"What is “{file.name}” evidence for?"),
        body=Text(
            zh=f"{task.code} 有 {choices} 项标准都可能，请在任务卡上选一项",
            en=f"{choices} criteria of {task.code} fit: please choose one on its card",
        ),
        link=f"/tasks/{task.task}",
        at=file.at,
    )
