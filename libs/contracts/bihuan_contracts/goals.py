"""What `goals` announces: projects, tasks, and recalculated targets."""

from decimal import Decimal
from uuid import UUID

from pydantic import AwareDatetime

from bihuan_contracts.event import Choice, Event, Key, Part, Text, Version


class ProjectState(Choice):
    DRAFT = "draft"
    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class GoalState(Choice):
    ACTIVE = "active"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class GoalSummary(Part):
    goal: UUID
    title: str
    weight: Decimal | None
    """Explicit weight among its siblings in percent; None shares the remainder to 100."""
    share: Decimal
    """Share of the whole project in percent."""
    progress: Decimal | None
    """0 to 100; None is no data."""
    owner: Key | None
    state: GoalState = GoalState.ACTIVE
    """A cancelled goal has left the denominator."""
    cycle: UUID | None = None
    """The quarter or project phase that the goal belongs to."""
    cycle_name: str | None = None
    frozen: bool = False
    """Its dates, weights and owners move only by an impact matrix that everybody affected has accepted."""


class ProjectChanged(Event):
    """The state of a project (G1, G2; state topic, highest `version` wins)."""

    project: UUID
    code: Key
    name: str
    product: Key
    customer: str | None
    phase: str | None
    lead: Key
    state: ProjectState
    starts_at: AwareDatetime | None
    due_at: AwareDatetime | None
    progress: Decimal | None
    planned_progress: Decimal | None
    """Share of the weights whose due date has passed: where the project should be today."""
    goals: tuple[GoalSummary, ...]
    version: int


class TaskKind(Choice):
    DEVELOP = "develop"
    TEST = "test"
    DOCUMENT = "document"
    PROCESS = "process"
    PURCHASE = "purchase"
    RETEST = "retest"
    AD_HOC = "ad_hoc"
    UNKNOWN = "unknown"


class TaskState(Choice):
    DRAFT = "draft"
    ACTIVE = "active"
    DONE = "done"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


class CriterionState(Choice):
    OPEN = "open"
    VERIFIED = "verified"
    FAILED = "failed"
    VERIFY_AGAIN = "verify_again"
    UNKNOWN = "unknown"


class CriterionKind(Choice):
    MEASUREMENT = "measurement"
    """A report with a value inside the limits verifies it."""
    CHECKLIST = "checklist"
    """Every item is ticked."""
    APPROVAL = "approval"
    """Somebody in the role of `approver` approves, never the owner."""
    DOCUMENT = "document"
    """A file or a commit is there."""
    STATEMENT = "statement"
    """The verdict of a report decides."""
    UNKNOWN = "unknown"


class Criterion(Part):
    """A verification criterion in the version in force (G5)."""

    criterion: UUID
    version: int
    text: str
    metric: str | None = None
    unit: str | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    state: CriterionState
    kind: CriterionKind | None = None
    """None: a measurement when it has a metric, else a statement."""
    items: tuple[str, ...] = ()
    """What a checklist asks for."""
    approver: str | None = None
    """Role that approves: `project_lead` is the project's own, `manager` the owner's, others anybody who has it."""


class Deliverable(Part):
    deliverable: UUID
    title: str
    weight: Decimal | None
    due_at: AwareDatetime | None
    criteria: tuple[Criterion, ...]


class TaskLock(Part):
    """Why no progress can be booked on a task, and since when (G6)."""

    lock: UUID
    change: UUID
    change_number: Key
    module: Key
    old_version: Version | None
    new_version: Version | None
    since: AwareDatetime
    way_out: Text


class RetestOf(Part):
    """What a retest card verifies again (G7)."""

    change: UUID
    change_number: Key
    module: Key
    module_name: str
    old_version: Version | None
    new_version: Version
    old_criterion: str | None
    answer: str | None = None
    """confirmed, needs_material or misunderstanding (F1)."""
    applied_at: AwareDatetime | None = None
    """When the change took effect: of two cards on one test the later change's is the one to be done."""


class TaskChanged(Event):
    """The state of a task, or of a retest card, which is a task too (G1, G6, G7; state topic)."""

    task: UUID
    code: Key
    project: UUID
    project_code: Key
    project_name: str
    goal: UUID | None
    goal_title: str | None
    title: str
    kind: TaskKind
    state: TaskState
    owner: Key | None
    module: Key | None
    """The module whose version the task works on."""
    item_version: Version | None
    """The BOM version of the module that the task is bound to."""
    deliverables: tuple[Deliverable, ...]
    locks: tuple[TaskLock, ...]
    retest: RetestOf | None
    weight: Decimal | None
    impact_weight: Decimal
    """Share of the whole project in percent: the product of the weights from the root (G3)."""
    progress: Decimal | None
    starts_at: AwareDatetime | None
    due_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    planned_hours: Decimal | None
    actual_hours: Decimal | None
    depends_on: tuple[UUID, ...] = ()
    """Tasks of the same project that have to be finished before this one starts."""
    goal_owner: Key | None = None
    """Who answers for the goal above; it may be somebody else than the project's lead."""
    frozen: bool = False
    """The goal above is frozen: dates, weights and owners move by consent only."""
    position: int = 0
    """Place among its siblings; equal places stand by code."""
    version: int


class TargetField(Choice):
    DUE_AT = "due_at"
    PLANNED_HOURS = "planned_hours"
    CRITERION = "criterion"
    WEIGHT = "weight"
    OWNER = "owner"
    STATE = "state"
    UNKNOWN = "unknown"


class TargetChange(Part):
    """One target's old and new value as texts that a person reads; times are ISO 8601, hours plain numbers."""

    field: TargetField
    old: str | None
    new: str | None
    rule: str | None = None
    """Rule table and row that gave this value, where another one decided what happens to the task (C4)."""


class TargetsRecalculated(Event):
    """A change moved the targets of one task (G8; fact)."""

    task: UUID
    task_code: Key
    task_title: str
    project: UUID
    person: Key | None
    changes: tuple[TargetChange, ...]
    change: UUID
    change_number: Key
    """The technical change, or the impact matrix that everybody agreed to."""
    rule: str | None
    """Rule table and row that decided the action."""
    matrix: UUID | None = None
    """The settled impact matrix, where people have moved the target (C8)."""
    held: bool = False
    """Proposed by the change and not in effect: a rule wants the consent of those affected first (C7, C8)."""
    at: AwareDatetime
