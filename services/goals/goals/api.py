"""HTTP endpoints of goals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response
from pydantic import AwareDatetime, Field, SecretStr

from bihuan_chassis import Transaction
from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text, Version
from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    ProjectState,
    RetestOf,
    TargetChange,
    TaskKind,
    TaskLock,
    TaskState,
)
from goals import store
from goals.announce import save_and_announce
from goals.domain.calendar import Calendar
from goals.domain.tree import Goal, Project, Task, Tree, gaps
from goals.domain.week import due_this_week, lateness, planned_loss, week_of, weight_of
from goals.domain.weights import OverweightError, check, settle
from goals.handlers import CONCESSION_ENDS

routes = router(tags=["goals"])

Weight = Annotated[Decimal, Field(ge=0, le=100)]
Hours = Annotated[Decimal, Field(ge=0, le=100_000)]
Title = Annotated[str, Field(min_length=1, max_length=200)]


# ── what comes in ───────────────────────────────────────────────────────────────────────────────────────────────────


class CriterionIn(Body):
    text: Annotated[str, Field(min_length=1, max_length=400)]
    metric: Annotated[str | None, Field(max_length=120)] = None
    unit: Annotated[str | None, Field(max_length=20)] = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    verified: bool = False
    """Only for finished work that is taken over from another system."""


class DeliverableIn(Body):
    title: Title
    weight: Weight | None = None
    due_at: AwareDatetime | None = None
    criteria: Annotated[tuple[CriterionIn, ...], Field(max_length=50)] = ()


class TaskIn(Body):
    code: Key
    title: Title
    kind: TaskKind
    state: TaskState = TaskState.ACTIVE
    owner: Key | None = None
    module: Key | None = None
    item_version: Version | None = None
    weight: Weight | None = None
    starts_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    planned_hours: Hours | None = None
    actual_hours: Hours | None = None
    deliverables: Annotated[tuple[DeliverableIn, ...], Field(max_length=50)] = ()


class GoalIn(Body):
    title: Title
    weight: Weight | None = None
    owner: Key | None = None
    tasks: Annotated[tuple[TaskIn, ...], Field(max_length=500)] = ()


class ProjectIn(Body):
    """A whole tree: goals, tasks, deliverables, criteria (G1)."""

    code: Key
    name: Title
    product: Key
    customer: Annotated[str | None, Field(max_length=200)] = None
    phase: Annotated[str | None, Field(max_length=40)] = None
    lead: Key
    state: ProjectState = ProjectState.ACTIVE
    starts_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    goals: Annotated[tuple[GoalIn, ...], Field(min_length=1, max_length=50)]


class Decision(StrEnum):
    MIGRATE = "migrate"
    CONCESSION = "concession"
    KEEP = "keep"


class LockDecision(Body):
    decision: Decision
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    expires_at: AwareDatetime | None = None
    """A concession ends; without a date it is refused."""


class ProgressIn(Body):
    hours: Annotated[Decimal, Field(gt=0, le=24)]
    note: Annotated[str | None, Field(max_length=1000)] = None


class ActivateIn(Body):
    version: int
    """The version that the caller saw."""


# ── what goes out ───────────────────────────────────────────────────────────────────────────────────────────────────


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


class ProjectList(Reply):
    projects: list[ProjectSummary]


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
    version: int


class GoalReply(Reply):
    goal: UUID
    title: str
    weight: Decimal | None
    share: Decimal
    progress: Decimal | None
    owner: str | None
    owner_name: str | None
    tasks: list[TaskReply]


class HeatCell(Reply):
    """On-time rate of one owner's department or module: n finished or due, percent on time (A2)."""

    node: str
    kind: TaskKind
    n: int
    on_time: Decimal | None


class ProjectBoard(Reply):
    project: ProjectSummary
    goals: list[GoalReply]
    remainder: Decimal
    """Weight that unset goals share."""
    heat: list[HeatCell]


class DeliverableThisWeek(Reply):
    task: UUID
    code: str
    task_title: str
    title: str
    criteria: list[Criterion]
    due_at: datetime | None
    impact_weight: Decimal
    progress: Decimal | None
    state: TaskState
    locked: bool
    locks: list[TaskLock]
    days_late: int
    project: UUID
    project_name: str


class LatenessEffect(Reply):
    days: int
    points: Decimal
    """Percent points of the project's progress that would be missing."""


class ProjectWeight(Reply):
    """The reader's part of one project (G3)."""

    project: UUID
    project_name: str
    total: Decimal
    earned: Decimal
    remaining: Decimal
    late: Decimal
    lateness: list[LatenessEffect]
    tasks: list[TaskReply]


class Week(Reply):
    """The landing page: what I deliver this week (G4)."""

    person: str
    name: str
    starts_at: datetime
    ends_at: datetime
    working_days_left: int
    deliverables: list[DeliverableThisWeek]
    retest_cards: list[TaskReply]
    weights: list[ProjectWeight]


class CriterionVersion(Reply):
    version: int
    text: str
    state: CriterionState
    replaced_by_change: UUID | None
    replaced_at: datetime


class Evidence(Reply):
    report: str
    title: str
    module: str
    module_version: str
    criterion_version: int | None
    counts: bool
    passed: bool
    code: str
    reason: Text | None
    measurements: list[dict[str, Any]]
    tested_by: str | None
    tested_by_name: str | None
    tested_at: datetime
    received_at: datetime
    attachments: list[UUID]


class EndedLock(Reply):
    lock: UUID
    change: UUID
    change_number: str
    since: datetime
    ended_at: datetime
    outcome: str
    reason: str | None
    decided_by: str | None
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
    changes: list[TargetChange]
    at: datetime


class Booking(Reply):
    person: str
    person_name: str | None
    hours: Decimal
    note: str | None
    at: datetime


class TaskCard(Reply):
    """Everything about one task."""

    task: TaskReply
    project: UUID
    project_code: str
    project_name: str
    lead: str
    lead_name: str
    goal_title: str | None
    origin: UUID | None
    criteria_history: list[CriterionVersion]
    evidence: list[Evidence]
    lock_history: list[EndedLock]
    targets: list[TargetHistory]
    bookings: list[Booking]
    may_decide: bool
    """Whether the caller may decide on the locks."""
    may_answer: bool
    """Whether the card is the caller's own."""


class LockedTask(Reply):
    task: UUID
    code: str
    title: str
    owner: str | None
    owner_name: str | None
    open: bool
    locks: list[TaskLock]
    ended: EndedLock | None


class Effects(Reply):
    """What one change has done to the projects (C5)."""

    locks: list[LockedTask]
    cards: list[TaskReply]
    targets: list[TargetHistory]


class Imported(Reply):
    project: UUID
    tasks: int
    created: bool


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/projects", dependencies=[allow(EVERYONE)])
async def list_projects(tx: Tx) -> ProjectList:
    projects = await store.all_projects(tx)
    counts = await _counts(tx)
    names = await store.names(tx, [project.lead for project in projects])
    return ProjectList(projects=[_summary(project, counts.get(project.project, {}), names) for project in projects])


@routes.get("/projects/{project}", response_model=ProjectBoard, dependencies=[allow(EVERYONE)])
async def read_project(project: UUID, tx: Tx) -> Response:
    version = await store.project_version(tx, project)
    if version is None:
        raise NotFound()
    place = (tx.settings.database, project)
    kept = _boards.get(place)
    if kept is None or kept.version != version or not timedelta(0) <= tx.now - kept.made_at <= _BOARD_KEPT:
        # Read after its version: what is kept is never older than the version that it stands under.
        board = await _board(tx, (await store.load_trees(tx, [project], lock=False))[project])
        kept = _boards[place] = _KeptBoard(version, tx.now, board.model_dump_json().encode())
        if len(_boards) > _MOST_BOARDS:
            del _boards[next(iter(_boards))]
    return Response(kept.body, media_type="application/json")


_BOARD_KEPT = timedelta(seconds=30)
"""Lateness and planned progress move with the clock, names with the directory."""
_MOST_BOARDS = 200


@dataclass(frozen=True)
class _KeptBoard:
    """A board as it was sent: every change of a project, its tasks or locks gives the project a new version."""

    version: int
    made_at: datetime
    body: bytes


_boards: dict[tuple[SecretStr, UUID], _KeptBoard] = {}


async def _board(tx: Transaction, tree: Tree) -> ProjectBoard:
    project = tree.project.project
    calendar = await store.calendar(tx)
    names = await store.names(tx, [tree.project.lead, *(task.owner for task in tree.tasks.values()),
                                   *(goal.owner for goal in tree.project.goals)])  # fmt: skip
    figures = settle(tree, tx.now)
    counts = await _counts(tx, project)
    goals = [
        GoalReply(
            goal=figure.goal.goal, title=figure.goal.title, weight=figure.goal.weight, share=figure.share,
            progress=figure.progress, owner=figure.goal.owner, owner_name=names.get(figure.goal.owner or ""),
            tasks=[
                _task_reply(task, names, tx.now, calendar)
                for task in tree.tasks.values()
                if task.goal == figure.goal.goal and task.state is not TaskState.SUPERSEDED
            ],
        )
        for figure in figures
    ]  # fmt: skip
    return ProjectBoard(
        project=_summary(tree.project, counts.get(project, {}), names),
        goals=goals,
        remainder=check([goal.weight for goal in tree.project.goals]),
        heat=_heat(tree, tx.now, calendar),
    )


def _heat(tree: Tree, now: datetime, calendar: Calendar) -> list[HeatCell]:
    """On-time per module and kind of work: finished in time, or not due yet, against late."""
    cells: dict[tuple[str, TaskKind], list[bool]] = {}
    for task in tree.tasks.values():
        if task.counted and task.module and task.state is not TaskState.DRAFT:
            judged = cells.setdefault((task.module, task.kind), [])
            if task.due_at is not None and (task.finished_at is not None or task.due_at < now):
                judged.append(lateness(task, now, calendar) <= 0)
    return [
        HeatCell(
            node=node, kind=kind, n=len(judged),
            on_time=(Decimal(sum(judged)) * 100 / len(judged)).quantize(Decimal("0.1")) if judged else None,
        )
        for (node, kind), judged in sorted(cells.items())
    ]  # fmt: skip


@routes.get("/week", dependencies=[allow(EVERYONE)])
async def read_week(tx: Tx, caller: Caller, person: Key | None = None) -> Week:
    """The caller's week; another person's for managers, leads, HR and directors."""
    whose = person or caller.id
    if whose != caller.id and not caller.has(
        Role.MANAGER, Role.PROJECT_LEAD, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR
    ):
        raise Forbidden()
    tasks = await store.tasks_of_person(tx, whose)
    trees = await store.load_trees(tx, {task.project for task in tasks}, lock=False)
    calendar = await store.calendar(tx)
    names = await store.names(tx, [whose, caller.id])
    monday, end = week_of(tx.now)
    mine = due_this_week(tasks, tx.now)
    return Week(
        person=whose,
        name=names.get(whose, whose),
        starts_at=monday,
        ends_at=end,
        working_days_left=max(0, calendar.between(tx.now, end)),
        deliverables=[
            _this_week(task, one, trees[task.project].project, tx.now, calendar)
            for task in mine
            if task.retest is None
            for one in task.deliverables
        ],
        retest_cards=[_task_reply(task, names, tx.now, calendar) for task in mine if task.retest is not None],
        weights=[_project_weight(tree, whose, names, tx.now, calendar) for tree in trees.values()],
    )


def _this_week(
    task: Task, one: Deliverable, project: Project, now: datetime, calendar: Calendar
) -> DeliverableThisWeek:
    return DeliverableThisWeek(
        task=task.task, code=task.code, task_title=task.title, title=one.title, criteria=list(one.criteria),
        due_at=one.due_at or task.due_at, impact_weight=task.share, progress=task.progress, state=task.state,
        locked=task.locked, locks=list(task.locks), days_late=lateness(task, now, calendar),
        project=project.project, project_name=project.name,
    )  # fmt: skip


def _project_weight(tree: Tree, person: str, names: dict[str, str], now: datetime, calendar: Calendar) -> ProjectWeight:
    own = [task for task in tree.tasks.values() if task.owner == person and task.counted]
    weight = weight_of(own, now)
    return ProjectWeight(
        project=tree.project.project,
        project_name=tree.project.name,
        total=weight.total,
        earned=weight.earned.quantize(Decimal("0.0001")),
        remaining=weight.remaining.quantize(Decimal("0.0001")),
        late=weight.late.quantize(Decimal("0.0001")),
        lateness=[
            LatenessEffect(days=days, points=planned_loss(own, now, days, calendar).quantize(Decimal("0.0001")))
            for days in range(4)
        ],
        tasks=[_task_reply(task, names, now, calendar) for task in sorted(own, key=lambda task: -task.share)],
    )


@routes.get("/tasks/{task}", dependencies=[allow(EVERYONE)])
async def read_task(task: UUID, tx: Tx, caller: Caller) -> TaskCard:
    tree, found = await _load_task(tx, task, lock=False)
    history = await store.history_of_task(tx, task)
    people = [found.owner, tree.project.lead, *(row["tested_by"] for row in history["evidence"]),
              *(row["person"] for row in history["bookings"])]  # fmt: skip
    names = await store.names(tx, people)
    goal = next((goal.title for goal in tree.project.goals if goal.goal == found.goal), None)
    return TaskCard(
        task=_task_reply(found, names, tx.now, await store.calendar(tx)),
        project=tree.project.project,
        project_code=tree.project.code,
        project_name=tree.project.name,
        lead=tree.project.lead,
        lead_name=names.get(tree.project.lead, tree.project.lead),
        goal_title=goal,
        origin=found.origin,
        criteria_history=[CriterionVersion(**_only(row, CriterionVersion)) for row in history["criteria"]],
        evidence=[_evidence(row, names) for row in history["evidence"]],
        lock_history=[EndedLock(**_only(row, EndedLock)) for row in history["locks"]],
        targets=[TargetHistory(**_only(row, TargetHistory)) for row in history["targets"]],
        bookings=[Booking(**_only(row, Booking), person_name=names.get(row["person"])) for row in history["bookings"]],
        may_decide=_may_decide(tree.project, caller),
        may_answer=found.owner == caller.id and found.retest is not None,
    )


def _only(row: Any, model: type[Reply]) -> dict[str, Any]:
    keys = set(row.keys())
    return {name: row[name] for name in model.model_fields if name in keys}


def _evidence(row: Any, names: dict[str, str]) -> Evidence:
    values = _only(row, Evidence)
    values["reason"] = row["reason"] or None
    return Evidence(**values, tested_by_name=names.get(row["tested_by"] or ""))


@routes.get("/changes/{change}/effects", dependencies=[allow(EVERYONE)])
async def read_effects(change: UUID, tx: Tx) -> Effects:
    locked = await store.locked_by_change(tx, change)
    cards = await store.cards_of_change(tx, change)
    targets = await store.targets_of_change(tx, change)
    names = await store.names(tx, [*(row["owner"] for row in locked), *(card.owner for card in cards),
                                   *(row["owner"] for row in targets)])  # fmt: skip
    calendar = await store.calendar(tx)
    return Effects(
        locks=[_locked(row, change, names) for row in locked],
        cards=[_task_reply(card, names, tx.now, calendar) for card in cards],
        targets=[
            TargetHistory(**_only(row, TargetHistory), owner_name=names.get(row["owner"] or "")) for row in targets
        ],
    )


def _locked(row: Any, change: UUID, names: dict[str, str]) -> LockedTask:
    locks = [lock for value in row["locks"] if (lock := TaskLock.model_validate(value)).change == change]
    return LockedTask(
        task=row["task"], code=row["code"], title=row["title"], owner=row["owner"],
        owner_name=names.get(row["owner"] or ""), open=bool(locks), locks=locks,
        ended=EndedLock.model_validate(row["ended"]) if row["ended"] and not locks else None,
    )  # fmt: skip


# ── acting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.post("/projects", status_code=201, dependencies=[allow(Role.PROJECT_LEAD, Role.ADMINISTRATOR, Role.INTEGRATOR)])
async def import_project(body: ProjectIn, tx: Tx) -> Imported:
    """Take over a whole tree. The same code again changes nothing: a tree is edited by its own endpoints."""
    known = await store.find_project(tx, body.code)
    if known is not None:
        return Imported(project=known.project, tasks=0, created=False)
    _refuse_bad_tree(body)
    tree = _tree(body, tx)
    await save_and_announce(tx, [tree])
    return Imported(project=tree.project.project, tasks=len(tree.tasks), created=True)


def _refuse_bad_tree(body: ProjectIn) -> None:
    errors: list[FieldError] = []
    errors += _overweight("goals", [goal.weight for goal in body.goals])
    codes: dict[str, str] = {}
    for g, goal in enumerate(body.goals):
        errors += _overweight(f"goals.{g}.tasks", [task.weight for task in goal.tasks])
        for t, task in enumerate(goal.tasks):
            path = f"goals.{g}.tasks.{t}"
            errors += _overweight(f"{path}.deliverables", [one.weight for one in task.deliverables])
            if task.code in codes:
                errors.append(
                    FieldError(
                        f"{path}.code", "duplicate",
                        Text(zh=f"编号 {task.code} 重复", en=f"The code {task.code} is used twice"),
                    )
                )  # fmt: skip
            codes[task.code] = path
            if task.state in {TaskState.ACTIVE, TaskState.DONE}:
                errors += [FieldError(f"{path}.{gap.field}", "gap", Text(zh=gap.zh, en=gap.en)) for gap in _gaps(task)]
    if errors:
        raise Invalid(errors=errors)


def _gaps(task: TaskIn) -> Sequence[Any]:
    shape = Task(
        UUID(int=0), task.code, UUID(int=0), None, task.title, task.kind, task.state,
        deliverables=tuple(_deliverable(UUID(int=0), one, None) for one in task.deliverables),
    )  # fmt: skip
    return gaps(shape)


def _overweight(field: str, weights: Sequence[Decimal | None]) -> list[FieldError]:
    try:
        check(weights)
    except OverweightError as error:
        words = Text(zh=f"权重合计 {error.total}，超过 100", en=f"The weights add up to {error.total}, over 100")
        return [FieldError(field, "overweight", words)]
    return []


def _tree(body: ProjectIn, tx: Tx) -> Tree:
    project_id = tx.new_id()
    goals = tuple(Goal(tx.new_id(), goal.title, goal.weight, goal.owner) for goal in body.goals)
    project = Project(
        project_id, body.code, body.name, body.product, body.lead, body.state, body.customer, body.phase,
        body.starts_at, body.due_at, goals,
    )  # fmt: skip
    tree = Tree(project)
    for goal, given in zip(goals, body.goals, strict=True):
        for task in given.tasks:
            tree.put(_task(tx, task, project_id, goal.goal))
    return tree


def _task(tx: Tx, given: TaskIn, project: UUID, goal: UUID) -> Task:
    return Task(
        task=tx.new_id(), code=given.code, project=project, goal=goal, title=given.title, kind=given.kind,
        state=given.state, owner=given.owner, module=given.module, item_version=given.item_version,
        weight=given.weight,
        deliverables=tuple(_deliverable(tx.new_id(), one, tx) for one in given.deliverables),
        starts_at=given.starts_at, due_at=given.due_at, finished_at=given.finished_at,
        planned_hours=given.planned_hours, actual_hours=given.actual_hours,
    )  # fmt: skip


def _deliverable(id: UUID, given: DeliverableIn, tx: Tx | None) -> Deliverable:
    return Deliverable(
        deliverable=id,
        title=given.title,
        weight=given.weight,
        due_at=given.due_at,
        criteria=tuple(
            Criterion(
                criterion=tx.new_id() if tx else id,
                version=1,
                text=one.text,
                metric=one.metric,
                unit=one.unit,
                lower=one.lower,
                upper=one.upper,
                state=CriterionState.VERIFIED if one.verified else CriterionState.OPEN,
            )
            for one in given.criteria
        ),
    )


@routes.post("/tasks/{task}/activate", dependencies=[allow(EVERYONE)])
async def activate_task(task: UUID, body: ActivateIn, tx: Tx, caller: Caller) -> TaskReply:
    """A draft becomes active when nothing is missing (G1)."""
    tree, found = await _load_task(tx, task)
    _require_own(tree.project, found, caller)
    if body.version != found.version:
        raise Conflict(current=found.version)
    if missing := gaps(found):
        raise Invalid("gaps", errors=[FieldError(gap.field, "gap", Text(zh=gap.zh, en=gap.en)) for gap in missing])
    if found.state is TaskState.DRAFT:
        tree.change(task, state=TaskState.ACTIVE)
        await save_and_announce(tx, [tree])
    return await _reply(tx, tree, task)


@routes.post("/tasks/{task}/progress", dependencies=[allow(EVERYONE)])
async def book_hours(task: UUID, body: ProgressIn, tx: Tx, caller: Caller) -> TaskReply:
    """Book hours of work. A locked task takes none: the reason and the way out are in the answer (G6)."""
    tree, found = await _load_task(tx, task)
    _require_own(tree.project, found, caller)
    if found.locked:
        lock = found.locks[0]
        raise Conflict(
            "locked",
            Text(
                zh=f"已被 {lock.change_number} 锁定：{lock.way_out.zh}",
                en=f"Locked by {lock.change_number}: {lock.way_out.en}",
            ),
            locks=list(found.locks),
        )
    if found.state is not TaskState.ACTIVE:
        raise Conflict(
            "not_active", Text(zh="任务不在进行中，不能登记工时", en="The task is not active: no hours can be booked")
        )
    await store.save_booking(tx, task, caller.id, body.hours, body.note)
    tree.change(task, actual_hours=(found.actual_hours or Decimal(0)) + body.hours)
    await save_and_announce(tx, [tree])
    return await _reply(tx, tree, task)


@routes.post("/tasks/{task}/locks/{lock}/decision", dependencies=[allow(EVERYONE)])
async def decide_lock(task: UUID, lock: UUID, body: LockDecision, tx: Tx, caller: Caller) -> TaskReply:
    """The project lead migrates the task, grants a concession that expires, or keeps the lock; never silently (G6)."""
    tree, found = await _load_task(tx, task)
    if not _may_decide(tree.project, caller):
        raise Forbidden(text=Text(zh="只有项目负责人可以决定", en="Only the project lead may decide"))
    known = next((one for one in found.locks if one.lock == lock), None)
    if known is None:
        raise Conflict("no_lock", Text(zh="这把锁已经打开", en="This lock has been opened already"))
    if body.decision is Decision.CONCESSION and (body.expires_at is None or body.expires_at <= tx.now):
        raise invalid("expires_at", "needed", "让步必须有将来的到期时间", "A concession needs a future end")
    if body.decision is not Decision.KEEP:
        kept = tuple(one for one in found.locks if one.lock != lock)
        version = known.new_version if body.decision is Decision.MIGRATE else found.item_version
        tree.put(replace(found, locks=kept, item_version=version))
    await store.end_locks(
        tx, [(task, known)], outcome=str(body.decision), reason=body.reason, by=caller.id, expires_at=body.expires_at
    )
    if body.decision is Decision.CONCESSION and body.expires_at is not None:
        payload = {"lock": known.model_dump(mode="json"), "task": str(task)}
        tx.set_timer(CONCESSION_ENDS, str(lock), body.expires_at, payload)
    await save_and_announce(tx, [tree])
    return await _reply(tx, tree, task)


# ── helpers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _load_task(tx: Tx, task: UUID, *, lock: bool = True) -> tuple[Tree, Task]:
    project = await store.project_of_task(tx, task)
    if project is None:
        raise NotFound()
    tree = (await store.load_trees(tx, [project], lock=lock))[project]
    return tree, tree.tasks[task]


async def _reply(tx: Tx, tree: Tree, task: UUID) -> TaskReply:
    found = tree.tasks[task]
    return _task_reply(found, await store.names(tx, [found.owner]), tx.now, await store.calendar(tx))


def _may_decide(project: Project, caller: Caller) -> bool:
    return caller.id == project.lead or caller.has(Role.ADMINISTRATOR)


def _require_own(project: Project, task: Task, caller: Caller) -> None:
    if caller.id not in {task.owner, project.lead} and not caller.has(Role.ADMINISTRATOR):
        raise Forbidden(text=Text(zh="这不是你的任务", en="This is not your task"))


def _task_reply(task: Task, names: dict[str, str], now: datetime, calendar: Calendar) -> TaskReply:
    return TaskReply(
        task=task.task, code=task.code, title=task.title, kind=task.kind, state=task.state,
        project=task.project, goal=task.goal,
        owner=task.owner, owner_name=names.get(task.owner or "", task.owner), module=task.module,
        item_version=task.item_version, weight=task.weight, impact_weight=task.share, progress=task.progress,
        starts_at=task.starts_at, due_at=task.due_at, finished_at=task.finished_at,
        planned_hours=task.planned_hours, actual_hours=task.actual_hours, days_late=lateness(task, now, calendar),
        deliverables=list(task.deliverables), locks=list(task.locks), retest=task.retest, version=task.version,
    )  # fmt: skip


async def _counts(tx: Tx, project: UUID | None = None) -> dict[UUID, dict[str, int]]:
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


def _summary(project: Project, counts: dict[str, int], names: dict[str, str]) -> ProjectSummary:
    return ProjectSummary(
        project=project.project, code=project.code, name=project.name, product=project.product,
        customer=project.customer, phase=project.phase, lead=project.lead,
        lead_name=names.get(project.lead, project.lead), state=project.state, starts_at=project.starts_at,
        due_at=project.due_at, progress=project.progress, planned_progress=project.planned_progress,
        tasks=counts.get("tasks", 0), done=counts.get("done", 0), locked=counts.get("locked", 0),
        late=counts.get("late", 0), retests_open=counts.get("retests_open", 0), version=project.version,
    )  # fmt: skip
