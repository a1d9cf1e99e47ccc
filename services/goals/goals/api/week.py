"""This week: what somebody delivers, and what their part of each project weighs (G3, G4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import EVERYONE, Caller, Forbidden, Reply, Role, Tx, allow, router
from bihuan_contracts import Key
from bihuan_contracts.goals import Criterion, Deliverable, TaskLock, TaskState
from goals import store, tree_store
from goals.api.replies import TaskReply, task_reply
from goals.domain.tree import Project, Task, Tree
from goals.domain.week import due_this_week, lateness, next_due, planned_loss, week_of, weight_of

routes = router(tags=["goals"])


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


class NextDue(Reply):
    task: UUID
    code: str
    title: str
    project_name: str
    due_at: datetime


class Week(Reply):
    """The landing page: what I deliver this week (G4)."""

    person: str
    name: str
    starts_at: datetime
    ends_at: datetime
    working_days_left: int
    deliverables: list[DeliverableThisWeek]
    retest_cards: list[TaskReply]
    next: NextDue | None
    """What comes due first after this week."""
    weights: list[ProjectWeight]


@routes.get("/week", dependencies=[allow(EVERYONE)])
async def read_week(tx: Tx, caller: Caller, person: Key | None = None) -> Week:
    """The caller's week; another person's for managers, leads, HR and directors."""
    whose = person or caller.id
    if whose != caller.id and not caller.has(
        Role.MANAGER, Role.PROJECT_LEAD, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR
    ):
        raise Forbidden()
    tasks = await store.tasks_of_person(tx, whose)
    trees = await tree_store.load_trees(tx, {task.project for task in tasks}, lock=False)
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
        retest_cards=[task_reply(task, names, tx.now, calendar) for task in mine if task.retest is not None],
        next=_next_due(tasks, trees, tx.now),
        weights=[_project_weight(tree, whose, names, tx.now, calendar) for tree in trees.values()],
    )


def _next_due(tasks: Sequence[Task], trees: Mapping[UUID, Tree], now: datetime) -> NextDue | None:
    found = next_due(tasks, now)
    if found is None or found.due_at is None:
        return None
    project = trees[found.project].project.name
    return NextDue(task=found.task, code=found.code, title=found.title, project_name=project, due_at=found.due_at)


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
        tasks=[task_reply(task, names, now, calendar) for task in sorted(own, key=lambda task: -task.share)],
    )
