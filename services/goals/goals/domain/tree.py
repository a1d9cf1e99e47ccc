"""The four-level tree: project → goal → task → deliverable → criterion, as values (G1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from bihuan_contracts.goals import (
    CriterionState,
    Deliverable,
    GoalState,
    ProjectState,
    RetestOf,
    TaskKind,
    TaskLock,
    TaskState,
)
from goals.domain.causes import Cause

if TYPE_CHECKING:
    from goals.domain.roll_up import Sums


@dataclass(frozen=True, slots=True)
class Goal:
    goal: UUID
    title: str
    weight: Decimal | None = None
    owner: str | None = None
    state: GoalState = GoalState.ACTIVE
    cycle: UUID | None = None
    cycle_name: str | None = None
    frozen: bool = False
    """Its cycle is frozen: dates, weights, owners and what belongs to it stay until people agree (domain.cycles)."""
    revision: int = 1
    """Raised by each edit; figures that roll up leave it."""

    @property
    def counted(self) -> bool:
        return self.state is not GoalState.CANCELLED


@dataclass(frozen=True)  # no slots: `replaced` copies, and `differing` compares, all of its values at once
class Task:
    """A task or a retest card."""

    task: UUID
    code: str
    project: UUID
    goal: UUID | None
    title: str
    kind: TaskKind
    state: TaskState
    owner: str | None = None
    module: str | None = None
    item_version: str | None = None
    weight: Decimal | None = None
    deliverables: tuple[Deliverable, ...] = ()
    locks: tuple[TaskLock, ...] = ()
    retest: RetestOf | None = None
    origin: UUID | None = None
    """The test task that a retest card repeats."""
    starts_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    planned_hours: Decimal | None = None
    actual_hours: Decimal | None = None
    share: Decimal = Decimal(0)
    progress: Decimal | None = None
    portion: Decimal | None = field(default=None, compare=False)
    """Part of its goal, exact; None where it has not been worked out yet. Share is what is shown of it."""
    exact: Decimal | None = field(default=None, compare=False)
    """Progress before its rounding."""
    depends_on: tuple[UUID, ...] = ()
    """Tasks of the same project that have to be finished first."""
    position: int = 0
    revision: int = 1
    """Raised when somebody or a change has moved what people edit; figures that roll up leave it."""
    version: int = 0

    @property
    def locked(self) -> bool:
        return bool(self.locks)

    @property
    def counted(self) -> bool:
        """Cancelled and superseded work leaves the denominator (G2)."""
        return self.state not in {TaskState.CANCELLED, TaskState.SUPERSEDED}

    @property
    def verified(self) -> bool:
        criteria = [criterion for one in self.deliverables for criterion in one.criteria]
        return bool(criteria) and all(criterion.state is CriterionState.VERIFIED for criterion in criteria)


def replaced(task: Task, **values: object) -> Task:
    """As `dataclasses.replace`, in a tenth of its time: a change moves many tasks, each more than once."""
    if not values.keys() <= task.__dict__.keys():
        raise TypeError(f"a task has no {', '.join(values.keys() - task.__dict__.keys())}")
    new: Task = object.__new__(Task)
    new.__dict__.update(task.__dict__, **values)
    return new


def differing(before: Task, after: Task) -> set[str]:
    """Names of the fields that differ; what a copy shares with its original needs no comparing."""
    known = before.__dict__
    return {name for name, value in after.__dict__.items() if value is not known[name] and value != known[name]}


@dataclass(frozen=True, slots=True)
class Project:
    project: UUID
    code: str
    name: str
    product: str
    lead: str
    state: ProjectState
    customer: str | None = None
    phase: str | None = None
    starts_at: datetime | None = None
    due_at: datetime | None = None
    goals: tuple[Goal, ...] = ()
    progress: Decimal | None = None
    planned_progress: Decimal | None = None
    version: int = 0


@dataclass
class Tree:
    """A project with its tasks, while a handler works on it; `touched` are the tasks whose state has changed."""

    project: Project
    tasks: dict[UUID, Task] = field(default_factory=dict)
    whole: bool = True
    """Whether all tasks are here. Of others `rest` tells the sums, and nothing that weighs may be changed."""
    rest: Mapping[UUID | None, "Sums"] = field(default_factory=dict)
    touched: set[UUID] = field(default_factory=set)
    refigured: set[UUID] = field(default_factory=set)
    """Tasks of which only what stands behind the rounding has changed: saved, and nobody hears of it."""
    cause: Cause | None = None
    """Why tasks are being changed now: kept with each that is put (G11)."""
    causes: dict[UUID, tuple[Cause, ...]] = field(default_factory=dict)
    before: dict[UUID, Task] = field(default_factory=dict)
    """Touched tasks as they were loaded."""
    stored: Project | None = field(init=False)
    """The project as it was loaded; None for a new one."""

    def __post_init__(self) -> None:
        self.stored = self.project if self.project.version else None

    def put(self, task: Task) -> None:
        known = self.tasks.get(task.task)
        moved = differing(known, task) if known is not None else set(_EDITED)
        if moved <= _BEHIND_ROUNDING:
            if moved:
                self.refigured.add(task.task)
                self.tasks[task.task] = task
            return
        if not self.whole and _weighs(known) != _weighs(task):
            raise ValueError(f"{task.code}: what weighs is changed in a whole tree only")
        if known is not None and task.task not in self.touched:
            self.before[task.task] = known
        if known is not None and "revision" not in moved and _edited(known, task, moved):
            task = replaced(task, revision=known.revision + 1)
        if self.cause is not None and self.cause not in self.causes.get(task.task, ()):
            self.causes[task.task] = (*self.causes.get(task.task, ()), self.cause)
        self.tasks[task.task] = task
        self.touched.add(task.task)

    def saved(self) -> None:
        """From here on, what is touched differs from what stands in the database now."""
        self.stored = self.project
        self.touched.clear()
        self.refigured.clear()
        self.causes.clear()
        self.before.clear()

    def change(self, task: UUID, **values: object) -> Task:
        self.put(replaced(self.tasks[task], **values))
        return self.tasks[task]

    def goal(self, goal: UUID | None) -> Goal | None:
        return next((one for one in self.project.goals if one.goal == goal), None)

    def put_goal(self, goal: Goal) -> Goal:
        """Replace a goal by its next revision."""
        after = replace(goal, revision=goal.revision + 1)
        goals = tuple(after if one.goal == goal.goal else one for one in self.project.goals)
        self.project = replace(self.project, goals=goals)
        return after

    def freeze_goal(self, goal: Goal) -> None:
        """Its tasks say so too: they are announced with it."""
        self.put_goal(replace(goal, frozen=True))
        self.touch(task for task in self.tasks.values() if task.goal == goal.goal)

    def touch(self, tasks: Iterable[Task]) -> None:
        """Announce these too: something that they tell with them has changed."""
        for task in tasks:
            if task.task not in self.touched:
                self.before[task.task] = task
                self.touched.add(task.task)

    def children(self, goal: UUID | None) -> list[Task]:
        """The tasks of a goal in the order in which they stand."""
        return sorted((task for task in self.tasks.values() if task.goal == goal), key=place_of)

    def frozen(self, task: Task) -> bool:
        goal = self.goal(task.goal)
        return goal is not None and goal.frozen

    def of_change(self, change: UUID) -> list[Task]:
        """The retest cards of a change."""
        return [task for task in self.tasks.values() if task.retest is not None and task.retest.change == change]


def _weighs(task: Task | None) -> tuple[object, ...]:
    return () if task is None else (task.goal, task.weight, task.counted)


def place_of(task: Task) -> tuple[int, str]:
    return task.position, task.code


_BEHIND_ROUNDING = frozenset({"portion", "exact"})
_EDITED = frozenset({
    "goal", "title", "kind", "state", "owner", "module", "item_version", "weight", "starts_at", "due_at",
    "planned_hours", "depends_on",
})  # fmt: skip


def _edited(before: Task, after: Task, moved: set[str]) -> bool:
    if not moved.isdisjoint(_EDITED):
        return True
    return "deliverables" in moved and _structure(before.deliverables) != _structure(after.deliverables)


def _structure(deliverables: tuple[Deliverable, ...]) -> list[tuple[object, ...]]:
    """What people edit of deliverables and criteria: all but whether a criterion is met."""
    return [
        (
            one.deliverable, one.title, one.weight, one.due_at,
            [criterion.__dict__ | {"state": None} for criterion in one.criteria],
        )
        for one in deliverables
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a task can't be active: what is missing (G1)."""

    field: str
    zh: str
    en: str


def gaps(task: Task) -> list[Gap]:
    """A task without a deliverable, or a deliverable without a criterion, can be a draft but not active."""
    if not task.deliverables:
        return [Gap("deliverables", f"{task.code} 没有交付物", f"{task.code} has no deliverable")]
    return [
        Gap(
            f"deliverables.{place}.criteria",
            f"交付物「{one.title}」没有验证标准",
            f"The deliverable “{one.title}” has no verification criterion",
        )
        for place, one in enumerate(task.deliverables)
        if not one.criteria
    ]
