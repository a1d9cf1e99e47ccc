"""What tasks, deliverables and criteria have to be like, whichever way they come in (G1, G5).

Editing, imports, workbooks and templates ask here; `field` is the path below what was asked about.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bihuan_contracts.goals import Criterion, CriterionKind, Deliverable, TaskKind
from goals.domain.evidence import kind_of, not_asked
from goals.domain.tree import Task


@dataclass(frozen=True, slots=True)
class Wrong:
    field: str
    code: str
    zh: str
    en: str


def wrong_in_task(task: Task) -> list[Wrong]:
    """Its own fields and everything below it."""
    found = wrong_fields_of(task)
    for place, one in enumerate(task.deliverables):
        found += _below(f"deliverables.{place}", wrong_in_deliverable(one))
    return found


def wrong_fields_of(task: Task) -> list[Wrong]:
    found = []
    if task.kind is TaskKind.RETEST and task.retest is None:
        found.append(Wrong("kind", "retest_card", "重测卡由技术变更生成", "Retest cards are made by technical changes"))
    if task.kind is TaskKind.UNKNOWN:
        found.append(Wrong("kind", "enum", "不是允许的值", "Not one of the allowed values"))
    if task.starts_at is not None and task.due_at is not None and task.due_at < task.starts_at:
        found.append(Wrong("due_at", "before_start", "交期早于开始日期", "The due date is before the start"))
    return found


def wrong_in_deliverable(one: Deliverable) -> list[Wrong]:
    return [
        wrong
        for place, criterion in enumerate(one.criteria)
        for wrong in _below(f"criteria.{place}", wrong_in_criterion(criterion))
    ]


def wrong_in_criterion(criterion: Criterion) -> list[Wrong]:
    """What its kind asks for is there, and nothing that only another kind asks for."""
    found = []
    if criterion.kind is CriterionKind.UNKNOWN:
        found.append(Wrong("kind", "enum", "不是允许的值", "Not one of the allowed values"))
    if kind_of(criterion) is CriterionKind.CHECKLIST and not criterion.items:
        found.append(Wrong("items", "needed", "清单至少要有一项", "A checklist needs at least one item"))
    if criterion.lower is not None and criterion.upper is not None and criterion.lower > criterion.upper:
        found.append(Wrong("upper", "below_lower", "上限小于下限", "The upper limit is below the lower one"))
    limited = criterion.lower is not None or criterion.upper is not None
    if (limited or criterion.kind is CriterionKind.MEASUREMENT) and not criterion.metric:
        found.append(Wrong("metric", "needed", "有限值就要写明测什么", "Limits need the metric that is measured"))
    if criterion.kind is not None:
        found += [
            Wrong(name, "other_kind", "这种验证方式不用它", "This way of verifying has no use for it")
            for name, empty in not_asked(criterion).items()
            if getattr(criterion, name) != empty
        ]
    return found


def _below(path: str, found: Iterable[Wrong]) -> list[Wrong]:
    return [replace(one, field=f"{path}.{one.field}") for one in found]
