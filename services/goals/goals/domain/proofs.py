"""Evidence other than reports: checklists, approvals, files and commits, by the criterion's kind (G5)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from bihuan_contracts import Text
from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, TaskState
from goals.domain.evidence import Judgement, kind_of
from goals.domain.tree import Task


class ProofKind(StrEnum):
    FILE = "file"
    COMMIT = "commit"
    CHECKLIST = "checklist"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class Approver:
    """Who asks to approve: roles as they were signed in with."""

    person: str
    roles: Collection[str]


@dataclass(frozen=True, slots=True)
class Around:
    """What decides on approvals beside the criterion."""

    owner: str | None
    lead: str
    owners_manager: str | None
    submitters: Collection[str] = ()
    """Who has handed in what is to be approved."""


def refuse_approval(criterion: Criterion, around: Around, who: Approver) -> Text | None:
    """Why this person may not approve; None when they may. Nobody approves work of their own, in whatever role."""
    if who.person == around.owner:
        return Text(zh="负责人不能批准自己的交付", en="The owner can't approve their own work")
    if who.person in around.submitters:
        return Text(zh="提交证据的人不能自己批准", en="Whoever handed in the evidence can't approve it")
    role = criterion.approver or "project_lead"
    if role == "project_lead":
        allowed, zh, en = who.person == around.lead, "项目负责人", "the project lead"
    elif role == "manager":
        allowed, zh, en = who.person == around.owners_manager, "负责人的直接上级", "the owner's manager"
    else:
        allowed, zh, en = role in who.roles, _ROLES.get(role, role), role.replace("_", " ")
    return None if allowed else Text(zh=f"这一项由{zh}批准", en=f"This is approved by {en}")


_ROLES = {
    "process_owner": "流程负责人", "test_engineer": "测试工程师", "director": "总监", "hr": "人力资源",
    "auditor": "审计",
}  # fmt: skip


def judge_checklist(task: Task, criterion: Criterion, ticked: Collection[int]) -> Judgement:
    """Passed when every item is ticked; before that it counts as kept work, and nothing is verified."""
    missing = [item for place, item in enumerate(criterion.items) if place not in ticked]
    if not missing:
        return _passed(task, criterion, "passed", Text(zh="清单逐项确认", en="Every item is ticked"))
    words = Text(zh=f"还差 {len(missing)} 项：{'、'.join(missing)}", en=f"{len(missing)} to go: {', '.join(missing)}")
    return Judgement(task.task, criterion, False, False, "incomplete", words)


def judge_approval(task: Task, criterion: Criterion, approved: bool, reason: str) -> Judgement:
    if approved:
        return _passed(task, criterion, "approved", Text(zh="批准", en="Approved"))
    return Judgement(
        task.task, criterion, True, False, "returned", Text(zh=f"退回：{reason}", en=f"Returned: {reason}")
    )


def judge_presence(task: Task, criterion: Criterion | None) -> Judgement | None:
    """A file or commit verifies a criterion that asks for a document; beside others it is kept as material."""
    if criterion is None:
        return None
    if kind_of(criterion) is CriterionKind.DOCUMENT:
        return _passed(task, criterion, "present", Text(zh="文件已交付", en="The document is there"))
    words = {
        CriterionKind.APPROVAL: Text(zh="已附上，等待批准", en="Attached, waits for approval"),
        CriterionKind.CHECKLIST: Text(zh="已附上，清单仍要逐项确认", en="Attached; the items are still to be ticked"),
    }
    other = Text(zh="已附上，这一项要由报告验证", en="Attached; a report verifies this one")
    return Judgement(task.task, criterion, False, False, "material", words.get(kind_of(criterion), other))


def _passed(task: Task, criterion: Criterion, code: str, words: Text) -> Judgement:
    return Judgement(task.task, criterion, True, True, code, words)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of evidence may belong."""

    task: Task
    criterion: Criterion

    @property
    def key(self) -> tuple[UUID, UUID]:
        return self.task.task, self.criterion.criterion


def places_for_file(task: Task, name: str) -> list[Place]:
    """The criteria of a task that a file may be meant for: those named in its name, else those that ask for one."""
    criteria = [criterion for one in task.deliverables for criterion in one.criteria]
    named = [one for one in criteria if _named(one, name)]
    open_ones = [one for one in criteria if one.state is not CriterionState.VERIFIED]
    for chosen in (
        named,
        [one for one in open_ones if kind_of(one) is CriterionKind.DOCUMENT],
        [one for one in open_ones if kind_of(one) is CriterionKind.APPROVAL],
        criteria if len(criteria) == 1 else [],
    ):
        if chosen:
            return [Place(task, one) for one in chosen]
    return []


def _named(criterion: Criterion, name: str) -> bool:
    folded = name.casefold()
    return any(text and text.casefold() in folded for text in (criterion.metric, criterion.text))


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of a piece of evidence that names no task."""

    product: str | None = None
    module: str | None = None
    version: str | None = None
    words: str = ""
    """File name, title or message."""
    person: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """How well a place fits, best first; each thing that fits outweighs all that stand after it."""

    criterion_is_not_named: bool
    code_is_not_named: bool
    another_version: bool
    another_module: bool
    work_of_others: bool

    @property
    def fits(self) -> bool:
        return not (
            self.criterion_is_not_named and self.code_is_not_named and self.another_version and self.another_module
        )


def places(tasks: Iterable[tuple[Task, str]], hint: Hint) -> list[tuple[Rank, Place]]:
    """Open work (task, product) that the hint fits, best first; what it contradicts is left out."""
    found = [(rank, place) for rank, place in _ranked(tasks, hint) if rank.fits]
    return sorted(found, key=lambda pair: (pair[0], pair[1].task.code, pair[1].criterion.text))


def sure(found: Sequence[tuple[Rank, Place]]) -> Place | None:
    """The one place that fits better than every other; None is doubt, and whoever uploads chooses."""
    if not found or (len(found) > 1 and found[1][0] == found[0][0]):
        return None
    return found[0][1]


def _ranked(tasks: Iterable[tuple[Task, str]], hint: Hint) -> Iterable[tuple[Rank, Place]]:
    words = hint.words.casefold()
    for task, product in tasks:
        if task.state is not TaskState.ACTIVE or _contradicts(task, product, hint):
            continue
        on_module = hint.module is not None or _says(words, task.module)
        on_version = on_module and (hint.version is not None or _says(words, task.item_version))
        for criterion in (criterion for one in task.deliverables for criterion in one.criteria):
            if criterion.state is not CriterionState.VERIFIED:
                rank = Rank(
                    not _named(criterion, hint.words), not _says(words, task.code), not on_version, not on_module,
                    task.owner != hint.person,
                )  # fmt: skip
                yield rank, Place(task, criterion)


def _contradicts(task: Task, product: str, hint: Hint) -> bool:
    return (
        hint.product not in {None, product}
        or hint.module not in {None, task.module}
        or (task.item_version is not None and hint.version not in {None, task.item_version})
    )


def _says(words: str, key: str | None) -> bool:
    return key is not None and key.casefold() in words
