"""The four-level tree: project → goal → task → deliverable → criterion, as values (G1)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_contracts.goals import CriterionState, Deliverable, ProjectState, RetestOf, TaskKind, TaskLock, TaskState
from goals.domain.causes import Cause


@dataclass(frozen=True, slots=True)
class Goal:
    goal: UUID
    title: str
    weight: Decimal | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
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
    touched: set[UUID] = field(default_factory=set)
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
        if known == task:
            return
        if known is not None and task.task not in self.touched:
            self.before[task.task] = known
        if self.cause is not None and self.cause not in self.causes.get(task.task, ()):
            self.causes[task.task] = (*self.causes.get(task.task, ()), self.cause)
        self.tasks[task.task] = task
        self.touched.add(task.task)

    def saved(self) -> None:
        """From here on, what is touched differs from what stands in the database now."""
        self.stored = self.project
        self.touched.clear()
        self.causes.clear()
        self.before.clear()

    def change(self, task: UUID, **values: object) -> Task:
        changed = replace(self.tasks[task], **values)  # type: ignore[arg-type] # field names are checked by replace
        self.put(changed)
        return changed

    def of_change(self, change: UUID) -> list[Task]:
        """The retest cards of a change."""
        return [task for task in self.tasks.values() if task.retest is not None and task.retest.change == change]


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
