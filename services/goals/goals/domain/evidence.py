"""Progress by evidence: which report verifies which criterion, and which does not count and why (G5)."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_contracts import Text
from bihuan_contracts.goals import Criterion, CriterionKind, CriterionState, Deliverable, TaskKind, TaskState
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from goals.domain.tree import Task, Tree, replaced


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a report means for one task: it counts or not, passed or not, and the reason in words."""

    task: UUID
    criterion: Criterion
    counts: bool
    passed: bool
    code: str
    reason: Text


BY_REPORT = frozenset({CriterionKind.MEASUREMENT, CriterionKind.STATEMENT})
"""Kinds that a report verifies; the others take evidence of their own (domain.proofs)."""


def kind_of(criterion: Criterion) -> CriterionKind:
    if criterion.kind is not None and criterion.kind is not CriterionKind.UNKNOWN:
        return criterion.kind
    return CriterionKind.MEASUREMENT if criterion.metric else CriterionKind.STATEMENT


_ASKED_BY = {
    CriterionKind.MEASUREMENT: frozenset({"metric", "unit", "lower", "upper"}),
    CriterionKind.CHECKLIST: frozenset({"items"}),
    CriterionKind.APPROVAL: frozenset({"approver"}),
}


def not_asked(criterion: Criterion) -> dict[str, object]:
    """What only other kinds ask for, each with the value that says nothing."""
    asked = _ASKED_BY.get(kind_of(criterion), frozenset())
    others = frozenset().union(*_ASKED_BY.values()) - asked
    return {name: () if name == "items" else None for name in sorted(others)}


class Candidates:
    """Tasks (task, product) that reports may be meant for, found by what a report names."""

    def __init__(self, tasks: Iterable[tuple[Task, str]]) -> None:
        self._by_id: dict[UUID, Task] = {}
        self._by_code: dict[str, Task] = {}
        self._tests: defaultdict[str | None, list[tuple[Task, str]]] = defaultdict(list)
        for task, product in tasks:
            self._by_id[task.task] = task
            self._by_code.setdefault(task.code, task)
            if task.kind in {TaskKind.RETEST, TaskKind.TEST} and task.counted:
                self._tests[task.module].append((task, product))

    def find(self, report: TestReported) -> list[Task]:
        """The task that a report is meant for; several are doubt, and whoever sent it chooses.

        By id, then code; else tests and retests of the module, narrowed by product, criterion and measured metric, and
        of those the closest: open ones, on the reported version, retest cards.
        """
        if report.task is not None or report.task_code is not None:
            named = self._by_id.get(report.task) if report.task is not None else None
            if named is None and report.task_code is not None:
                named = self._by_code.get(report.task_code)
            return [named] if named is not None else []
        found = self._tests[report.module]
        metrics = {measurement.metric for measurement in report.measurements}
        found = _narrowed(found, lambda _, product: product == report.product)
        found = _narrowed(found, lambda task, _: any(c.criterion == report.criterion for c in _criteria(task)))
        found = _narrowed(found, lambda task, _: any(c.metric in metrics for c in _criteria(task)))
        closest = min((_closeness(task, report) for task, _ in found), default=None)
        return sorted((task for task, _ in found if _closeness(task, report) == closest), key=lambda task: task.code)


def _narrowed(found: list[tuple[Task, str]], fits: Callable[[Task, str], bool]) -> list[tuple[Task, str]]:
    """Those that fit; where none does, the report says nothing about it."""
    return [(task, product) for task, product in found if fits(task, product)] or found


def _criteria(task: Task) -> list[Criterion]:
    return [criterion for one in task.deliverables for criterion in one.criteria]


def _closeness(task: Task, report: TestReported) -> tuple[bool, bool, bool]:
    return (
        task.state is not TaskState.ACTIVE,
        task.item_version != report.module_version,
        task.kind is not TaskKind.RETEST,
    )


def judge(task: Task, report: TestReported) -> Judgement | None:
    """Hold a report against the criterion in force; None when the task has no criterion at all."""
    criterion = _criterion_meant(task, report)
    if criterion is None:
        return None
    if kind_of(criterion) not in BY_REPORT:
        return _refused(
            task, criterion, "other_kind",
            f"「{criterion.text}」不由报告验证，请在任务卡上按它的方式提交",
            f"“{criterion.text}” is not verified by a report: hand in what it asks for on the task's card",
        )  # fmt: skip
    if task.locked:
        lock = task.locks[0]
        return _refused(
            task, criterion, "locked",
            f"任务被 {lock.change_number} 锁定，不计入进度：{lock.way_out.zh}",
            f"Locked by {lock.change_number}, it does not count: {lock.way_out.en}",
        )  # fmt: skip
    if task.item_version is not None and report.module_version != task.item_version:
        return _refused(
            task, criterion, "old_version",
            f"报告针对 {report.module_version}，当前要求 {task.item_version}，不计入进度",
            f"The report is on {report.module_version}, {task.item_version} is in force: it does not count",
        )  # fmt: skip
    if report.criterion_version is not None and report.criterion_version != criterion.version:
        return _refused(
            task, criterion, "old_criterion",
            f"报告依据验收标准第 {report.criterion_version} 版，现行为第 {criterion.version} 版，不计入进度",
            f"The report uses criterion version {report.criterion_version}, {criterion.version} is in force: "
            "it does not count",
        )  # fmt: skip
    return _measured(task, criterion, report)


def _criterion_meant(task: Task, report: TestReported) -> Criterion | None:
    known = _criteria(task)
    metrics = {measurement.metric for measurement in report.measurements}
    for criterion in known:
        if report.criterion == criterion.criterion:
            return criterion
    for criterion in known:
        if criterion.metric is not None and criterion.metric in metrics:
            return criterion
    return next((one for one in known if kind_of(one) in BY_REPORT), known[0] if known else None)


def _measured(task: Task, criterion: Criterion, report: TestReported) -> Judgement:
    """The limits of the criterion decide, not those that the test system used."""
    measured = next((one for one in report.measurements if one.metric == criterion.metric), None)
    limited = criterion.lower is not None or criterion.upper is not None
    if limited and measured is None:
        return _refused(
            task, criterion, "not_measured",
            f"报告里没有「{criterion.metric}」的测量值，不计入进度",
            f"The report has no value for “{criterion.metric}”: it does not count",
        )  # fmt: skip
    inside = measured is None or _inside(criterion, measured)
    passed = inside and report.verdict is Verdict.PASSED
    if passed:
        return Judgement(task.task, criterion, True, True, "passed", Text(zh="通过", en="Passed"))
    if not inside and measured is not None:
        words = f"{measured.value}{measured.unit or ''}"
        reason = Text(
            zh=f"测得 {words}，不满足「{criterion.text}」", en=f"Measured {words}, “{criterion.text}” is not met"
        )
        return Judgement(task.task, criterion, True, False, "out_of_limits", reason)
    return Judgement(
        task.task, criterion, True, False, "failed", Text(zh="报告结论为不通过", en="The report says failed")
    )


def _inside(criterion: Criterion, measured: Measurement) -> bool:
    low: Decimal | None = criterion.lower
    high: Decimal | None = criterion.upper
    return (low is None or measured.value >= low) and (high is None or measured.value <= high)


def _refused(task: Task, criterion: Criterion, code: str, zh: str, en: str) -> Judgement:
    return Judgement(task.task, criterion, False, False, code, Text(zh=zh, en=en))


def record(tree: Tree, judgement: Judgement, at: datetime) -> list[Task]:
    """Enter what counts: the criterion's state, the task's, and those of the test that a card repeats.

    Returns the retest cards that are finished by it.
    """
    if not judgement.counts:
        return []
    state = CriterionState.VERIFIED if judgement.passed else CriterionState.FAILED
    card = _set(tree, tree.tasks[judgement.task], judgement.criterion, state, at)
    if card.origin is not None and card.origin in tree.tasks:
        _set(tree, tree.tasks[card.origin], judgement.criterion, state, at)
    return [card] if card.kind is TaskKind.RETEST and card.state is TaskState.DONE else []


def _set(tree: Tree, task: Task, criterion: Criterion, state: CriterionState, at: datetime) -> Task:
    deliverables = tuple(_marked(one, criterion, state) for one in task.deliverables)
    after = replaced(task, deliverables=deliverables)
    if after.verified and after.state is TaskState.ACTIVE and not after.locked:
        after = replaced(after, state=TaskState.DONE, finished_at=at)
    elif not after.verified and after.state is TaskState.DONE:
        after = replaced(after, state=TaskState.ACTIVE, finished_at=None)
    tree.put(after)
    return after


def _marked(deliverable: Deliverable, criterion: Criterion, state: CriterionState) -> Deliverable:
    criteria = tuple(
        one.model_copy(update={"state": state})
        if one.criterion == criterion.criterion and one.version == criterion.version
        else one
        for one in deliverable.criteria
    )
    return deliverable.model_copy(update={"criteria": criteria})
