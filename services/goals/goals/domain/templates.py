"""Templates of project types: a tree whose dates are working days from the start, laid on the calendar (G1)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from bihuan_chassis.calendar import ZONE, Calendar
from bihuan_contracts.goals import CriterionKind, Deliverable, TaskKind
from goals.domain.tree import Task, Tree

Title = Annotated[str, Field(min_length=1, max_length=200)]
Weight = Annotated[Decimal, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=0, le=1000)]
_OPENS, _CLOSES = timedelta(hours=8, minutes=30), timedelta(hours=18)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class TemplateCriterion(_Part):
    text: Annotated[str, Field(min_length=1, max_length=400)]
    metric: Annotated[str | None, Field(max_length=120)] = None
    unit: Annotated[str | None, Field(max_length=20)] = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    kind: CriterionKind | None = None
    items: Annotated[tuple[Title, ...], Field(max_length=50)] = ()
    """What a checklist asks for."""
    approver: Annotated[str | None, Field(max_length=40)] = None


class TemplateDeliverable(_Part):
    title: Title
    weight: Weight | None = None
    criteria: Annotated[tuple[TemplateCriterion, ...], Field(max_length=20)] = ()


class TemplateTask(_Part):
    key: Annotated[str, Field(min_length=1, max_length=20)]
    """What other tasks of the template call it; the project's code is put in front."""
    title: Title
    kind: TaskKind = TaskKind.DEVELOP
    weight: Weight | None = None
    start_day: Days = 0
    """Working days from the project's start."""
    days: Annotated[int, Field(ge=1, le=1000)] = 5
    planned_hours: Decimal | None = None
    after: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Keys of tasks that have to be finished first."""
    deliverables: Annotated[tuple[TemplateDeliverable, ...], Field(max_length=20)] = ()


class TemplateGoal(_Part):
    title: Title
    weight: Weight | None = None
    tasks: Annotated[tuple[TemplateTask, ...], Field(max_length=200)] = ()


Goals = Annotated[tuple[TemplateGoal, ...], Field(min_length=1, max_length=30)]


def lay(goals: Iterable[TemplateGoal], *, code: str, starts_at: datetime, calendar: Calendar) -> list[dict[str, Any]]:
    """The goals as an import takes them: codes, dates on working days, and drafts where something is still missing."""
    return [
        {
            "title": goal.title,
            "weight": goal.weight,
            "tasks": [_task(task, code, starts_at, calendar) for task in goal.tasks],
        }
        for goal in goals
    ]


def _task(task: TemplateTask, code: str, starts_at: datetime, calendar: Calendar) -> dict[str, Any]:
    start = calendar.add(_day(starts_at), task.start_day)
    due = calendar.add(start, task.days - 1)
    complete = bool(task.deliverables) and all(one.criteria for one in task.deliverables)
    return {
        "code": f"{code}-{task.key}",
        "title": task.title,
        "kind": task.kind,
        "state": "active" if complete else "draft",
        "weight": task.weight,
        "starts_at": start + _OPENS,
        "due_at": due + _CLOSES,
        "planned_hours": task.planned_hours,
        "depends_on": [f"{code}-{key}" for key in task.after],
        "deliverables": [
            {
                "title": one.title,
                "weight": one.weight,
                "due_at": due + _CLOSES,
                "criteria": [criterion.model_dump() for criterion in one.criteria],
            }
            for one in task.deliverables
        ],
    }


def _day(moment: datetime) -> datetime:
    return moment.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)


def length(goals: Iterable[TemplateGoal]) -> int:
    """Working days from the start to the last due date."""
    return max((task.start_day + task.days for goal in goals for task in goal.tasks), default=0)


# ── from a project ──────────────────────────────────────────────────────────────────────────────────────────────────


def template_of(tree: Tree, calendar: Calendar) -> tuple[TemplateGoal, ...]:
    """A project's tree as a template: what was planned, without people, items and what only this project had."""
    planned = {task.task: task for task in tree.tasks.values() if task.counted and task.kind not in _ONLY_HERE}
    begins = [task.starts_at for task in planned.values() if task.starts_at]
    start = min(begins, default=tree.project.starts_at)
    keys = {id: _key(tree.project.code, task.code) for id, task in planned.items()}
    return tuple(
        TemplateGoal(
            title=goal.title, weight=goal.weight,
            tasks=tuple(
                _template_task(task, keys, start, calendar) for task in tree.children(goal.goal) if task.task in planned
            ),
        )
        for goal in tree.project.goals
        if goal.counted
    )  # fmt: skip


_ONLY_HERE = {TaskKind.RETEST, TaskKind.AD_HOC, TaskKind.UNKNOWN}


def _key(project: str, code: str) -> str:
    """What stands behind the project's code, or the last part of the code: GX-500-07 of P-GX-500 is 07."""
    return code.removeprefix(f"{project}-").rsplit("-", 1)[-1][-20:]


def _template_task(task: Task, keys: dict[UUID, str], start: datetime | None, calendar: Calendar) -> TemplateTask:
    begins = task.starts_at or start
    day = calendar.between(start, begins) if start and begins else 0
    days = calendar.between(begins, task.due_at) + 1 if begins and task.due_at else 5
    return TemplateTask(
        key=keys[task.task], title=task.title, kind=task.kind, weight=task.weight, start_day=max(0, min(day, 1000)),
        days=max(1, min(days, 1000)), planned_hours=task.planned_hours,
        after=tuple(keys[one] for one in task.depends_on if one in keys)[:20],
        deliverables=tuple(_template_deliverable(one) for one in task.deliverables[:20]),
    )  # fmt: skip


def _template_deliverable(one: Deliverable) -> TemplateDeliverable:
    criteria = tuple(
        TemplateCriterion(
            text=criterion.text, metric=criterion.metric, unit=criterion.unit, lower=criterion.lower,
            upper=criterion.upper, kind=criterion.kind, items=criterion.items, approver=criterion.approver,
        )
        for criterion in one.criteria[:20]
    )  # fmt: skip
    return TemplateDeliverable(title=one.title, weight=one.weight, criteria=criteria)
