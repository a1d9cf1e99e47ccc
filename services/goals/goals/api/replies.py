"""What goes out on more than one route, and how values become it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import Reply, Tx
from bihuan_contracts.goals import Deliverable, ProjectState, RetestOf, TargetChange, TaskKind, TaskLock, TaskState
from goals import store
from goals.domain.tree import Project, Task, Tree
from goals.domain.week import lateness


class ProjectSummary(Reply):
    project: UUID
    code: str
    name: str
    product: str
    customer: str | None
    phase: str | None
    lead: str
    lead_name: str
    state: ProjectState
    starts_at: datetime | None
    due_at: datetime | None
    progress: Decimal | None
    planned_progress: Decimal | None
    tasks: int
    done: int
    locked: int
    late: int
    retests_open: int
    version: int


class TaskReply(Reply):
    """A task as boards and lists show it."""

    task: UUID
    code: str
    title: str
    kind: TaskKind
    state: TaskState
    project: UUID
    goal: UUID | None
    owner: str | None
    owner_name: str | None
    module: str | None
    item_version: str | None
    weight: Decimal | None
    impact_weight: Decimal
    """Percent of the whole project (G3)."""
    progress: Decimal | None
    starts_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    planned_hours: Decimal | None
    actual_hours: Decimal | None
    days_late: int
    """Working days; negative is early."""
    deliverables: list[Deliverable]
    locks: list[TaskLock]
    retest: RetestOf | None
    depends_on: list[UUID]
    position: int
    revision: int
    """What an edit names: raised by edits, not by figures."""
    version: int


class EndedLock(Reply):
    lock: UUID
    change: UUID
    change_number: str
    module: str
    since: datetime
    ended_at: datetime
    outcome: str
    reason: str | None
    decided_by: str | None
    decided_by_name: str | None = None
    expires_at: datetime | None


class TargetHistory(Reply):
    task: UUID
    code: str | None = None
    title: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    change: UUID
    change_number: str
    rule: str | None
    matrix: UUID | None = None
    """The impact matrix that people have agreed to, where no technical change did it (C8)."""
    changes: list[TargetChange]
    held: str | None = None
    """waiting: not in effect until those affected have agreed; settled or withdrawn: how that ended (C8)."""
    at: datetime


def only(row: Any, model: type[Reply]) -> dict[str, Any]:
    keys = set(row.keys())
    return {name: row[name] for name in model.model_fields if name in keys}


def task_reply(task: Task, names: dict[str, str], now: datetime, calendar: Calendar) -> TaskReply:
    return TaskReply(
        task=task.task, code=task.code, title=task.title, kind=task.kind, state=task.state,
        project=task.project, goal=task.goal,
        owner=task.owner, owner_name=names.get(task.owner or "", task.owner), module=task.module,
        item_version=task.item_version, weight=task.weight, impact_weight=task.share, progress=task.progress,
        starts_at=task.starts_at, due_at=task.due_at, finished_at=task.finished_at,
        planned_hours=task.planned_hours, actual_hours=task.actual_hours, days_late=lateness(task, now, calendar),
        deliverables=list(task.deliverables), locks=list(task.locks), retest=task.retest,
        depends_on=list(task.depends_on), position=task.position, revision=task.revision, version=task.version,
    )  # fmt: skip


async def reply_of(tx: Tx, tree: Tree, task: UUID) -> TaskReply:
    found = tree.tasks[task]
    return task_reply(found, await store.names(tx, [found.owner]), tx.now, await store.calendar(tx))


async def counts_of(tx: Tx, project: UUID | None = None) -> dict[UUID, dict[str, int]]:
    rows = await tx.raw.fetch(
        "select project, count(*) filter (where state not in ('cancelled', 'superseded')) as tasks,"
        " count(*) filter (where state = 'done') as done,"
        " count(*) filter (where jsonb_array_length(locks) > 0) as locked,"
        " count(*) filter (where state = 'active' and due_at < $1) as late,"
        " count(*) filter (where kind = 'retest' and state = 'active') as retests_open"
        " from tasks where $2::uuid is null or project = $2 group by project",
        tx.now, project,
    )  # fmt: skip
    return {row["project"]: dict(row) for row in rows}


def counts_in(tree: Tree, now: datetime) -> dict[str, int]:
    """The same of a tree that is at hand, as it stands at `now`."""
    counted = [task for task in tree.tasks.values() if task.counted]
    active = [task for task in counted if task.state is TaskState.ACTIVE]
    return {
        "tasks": len(counted),
        "done": sum(task.state is TaskState.DONE for task in counted),
        "locked": sum(task.locked for task in tree.tasks.values()),
        "late": sum(task.due_at is not None and task.due_at < now for task in active),
        "retests_open": sum(task.kind is TaskKind.RETEST for task in active),
    }


def summary(project: Project, counts: dict[str, int], names: dict[str, str]) -> ProjectSummary:
    return ProjectSummary(
        project=project.project, code=project.code, name=project.name, product=project.product,
        customer=project.customer, phase=project.phase, lead=project.lead,
        lead_name=names.get(project.lead, project.lead), state=project.state, starts_at=project.starts_at,
        due_at=project.due_at, progress=project.progress, planned_progress=project.planned_progress,
        tasks=counts.get("tasks", 0), done=counts.get("done", 0), locked=counts.get("locked", 0),
        late=counts.get("late", 0), retests_open=counts.get("retests_open", 0), version=project.version,
    )  # fmt: skip
