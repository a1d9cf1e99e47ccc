"""What a board shows, made from the announced state of a project and its tasks (W2)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import Reply
from bihuan_contracts.goals import (
    Deliverable,
    GoalState,
    ProjectChanged,
    ProjectState,
    RetestOf,
    TaskChanged,
    TaskKind,
    TaskLock,
    TaskState,
)

CALENDAR = Calendar()
_GONE = {TaskState.CANCELLED, TaskState.SUPERSEDED}
_TENTH, _SHOWN = Decimal("0.1"), Decimal("0.0001")


class BoardSummary(Reply):
    """One project among the company's."""

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
    """Share of the weights whose due date has passed by now."""
    tasks: int
    done: int
    locked: int
    late: int
    retests_open: int
    need: Decimal
    """How much it needs eyes: the order of the company's board, the greatest first."""
    version: int


class BoardTask(Reply):
    """A task or retest card on a board."""

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
    deliverables: tuple[Deliverable, ...]
    locks: tuple[TaskLock, ...]
    retest: RetestOf | None
    depends_on: tuple[UUID, ...]
    version: int


class BoardGoal(Reply):
    goal: UUID
    title: str
    weight: Decimal | None
    share: Decimal
    progress: Decimal | None
    owner: str | None
    owner_name: str | None
    state: GoalState
    cycle_name: str | None
    frozen: bool
    """Dates, weights and owners move by consent only."""
    tasks: list[BoardTask]


class HeatCell(Reply):
    """On-time rate of one module at one kind of work: n finished or due, percent on time (A2)."""

    node: str
    kind: TaskKind
    n: int
    on_time: Decimal | None


class Board(Reply):
    project: BoardSummary
    goals: list[BoardGoal]
    remainder: Decimal
    """Weight that unset goals share."""
    heat: list[HeatCell]


def summary(
    project: ProjectChanged, counts: Mapping[str, int], names: Mapping[str, str], planned: Decimal | None = None
) -> BoardSummary:
    return BoardSummary(
        project=project.project, code=project.code, name=project.name, product=project.product,
        customer=project.customer, phase=project.phase, lead=project.lead,
        lead_name=names.get(project.lead, project.lead), state=project.state, starts_at=project.starts_at,
        due_at=project.due_at, progress=project.progress,
        planned_progress=project.planned_progress if planned is None else planned,
        tasks=counts.get("tasks", 0), done=counts.get("done", 0), locked=counts.get("locked", 0),
        late=counts.get("late", 0), retests_open=counts.get("retests_open", 0),
        need=need(project, counts, project.planned_progress if planned is None else planned), version=project.version,
    )  # fmt: skip


def need(project: ProjectChanged, counts: Mapping[str, int], planned: Decimal | None) -> Decimal:
    """Running projects before all others; among them locks weigh most, then lateness, then points behind the plan."""
    behind = (planned or Decimal(0)) - (project.progress or Decimal(0))
    running = 0 if project.state is ProjectState.ACTIVE else -1000
    return running + counts.get("locked", 0) * 10 + counts.get("late", 0) + (behind / 10).quantize(_TENTH)


def board(project: ProjectChanged, tasks: Sequence[TaskChanged], names: Mapping[str, str], now: datetime) -> Board:
    by_goal: defaultdict[UUID | None, list[BoardTask]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: (task.position, task.code)):
        if task.state is not TaskState.SUPERSEDED:
            by_goal[task.goal].append(board_task(task, names, now))
    counted = [goal.weight for goal in project.goals if goal.state is not GoalState.CANCELLED]
    explicit = sum((weight for weight in counted if weight is not None), Decimal(0))
    return Board(
        project=summary(project, count(tasks, now), names, planned_progress(tasks, now)),
        goals=[
            BoardGoal(
                goal=goal.goal, title=goal.title, weight=goal.weight, share=goal.share, progress=goal.progress,
                owner=goal.owner, owner_name=names.get(goal.owner or ""), state=goal.state,
                cycle_name=goal.cycle_name, frozen=goal.frozen, tasks=by_goal[goal.goal],
            )
            for goal in project.goals
        ],
        remainder=100 - explicit,
        heat=heat(tasks, now),
    )  # fmt: skip


def board_task(task: TaskChanged, names: Mapping[str, str], now: datetime) -> BoardTask:
    return BoardTask(
        task=task.task, code=task.code, title=task.title, kind=task.kind, state=task.state, project=task.project,
        goal=task.goal, owner=task.owner, owner_name=names.get(task.owner or "", task.owner or "") or None,
        module=task.module, item_version=task.item_version, weight=task.weight, impact_weight=task.impact_weight,
        progress=task.progress, starts_at=task.starts_at, due_at=task.due_at, finished_at=task.finished_at,
        planned_hours=task.planned_hours, actual_hours=task.actual_hours,
        days_late=CALENDAR.days_late(task.due_at, task.finished_at, now), deliverables=task.deliverables,
        locks=task.locks, retest=task.retest, depends_on=task.depends_on, version=task.version,
    )  # fmt: skip


def count(tasks: Iterable[TaskChanged], now: datetime) -> dict[str, int]:
    """As `board_store.counts` does it in SQL, for one project that is at hand."""
    counted = [task for task in tasks if task.state not in _GONE]
    active = [task for task in counted if task.state is TaskState.ACTIVE]
    return {
        "tasks": len(counted),
        "done": sum(task.state is TaskState.DONE for task in counted),
        "locked": sum(bool(task.locks) for task in counted),
        "late": sum(task.due_at is not None and task.due_at < now for task in active),
        "retests_open": sum(task.kind is TaskKind.RETEST for task in active),
    }


def planned_progress(tasks: Iterable[TaskChanged], now: datetime) -> Decimal:
    """Where the project should be: the weight of all whose due date has passed, in percent."""
    due = (task.impact_weight for task in tasks if task.state not in _GONE and task.due_at and task.due_at <= now)
    return sum(due, Decimal(0)).quantize(_SHOWN)


def heat(tasks: Iterable[TaskChanged], now: datetime) -> list[HeatCell]:
    """On-time per module and kind of work: what was finished in time, against all that was finished or is late."""
    cells: defaultdict[tuple[str, TaskKind], list[bool]] = defaultdict(list)
    for task in tasks:
        if task.module and task.state not in _GONE and task.state is not TaskState.DRAFT:
            judged = cells[task.module, task.kind]
            if task.due_at is not None and (task.finished_at is not None or task.due_at < now):
                judged.append(CALENDAR.days_late(task.due_at, task.finished_at, now) <= 0)
    return [
        HeatCell(
            node=node, kind=kind, n=len(judged),
            on_time=(Decimal(sum(judged)) * 100 / len(judged)).quantize(_TENTH) if judged else None,
        )
        for (node, kind), judged in sorted(cells.items())
    ]  # fmt: skip
