"""A project's tree as those see it who edit it: revisions, remainders, what is missing, what is frozen, who may."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import EVERYONE, Caller, NotFound, Reply, Role, Tx, allow, router
from bihuan_contracts import Text
from bihuan_contracts.goals import GoalState, ProjectState, TaskState
from goals import cycle_store, edit_store, store, tree_store
from goals.api.replies import TaskReply, task_reply
from goals.domain import edits
from goals.domain.plan import ProjectPlan, TaskPlan, plan
from goals.domain.roll_up import settle
from goals.domain.tree import Goal, Task, Tree, gaps

routes = router(tags=["tree"])
_MOST_EDITS = 60


class Missing(Reply):
    """What keeps a draft from being active."""

    field: str
    message: Text


class PlanReply(Reply):
    """What a task means for its project today (G3)."""

    days_late: int
    adds: Decimal
    """Percent points that the project gains when it is finished today."""
    missing: Decimal
    """Percent points that the project lacks today because it is late."""
    slack: int | None
    """Working days that it may slip before the delivery does; negative: the delivery slips by so many."""
    critical: bool
    delays_project: int
    finish_in: int | None


class TreeTask(TaskReply):
    missing: list[Missing]
    plan: PlanReply | None


class TreeGoal(Reply):
    goal: UUID
    title: str
    weight: Decimal | None
    share: Decimal
    progress: Decimal | None
    owner: str | None
    owner_name: str | None
    state: GoalState
    cycle: UUID | None
    cycle_name: str | None
    frozen: bool
    revision: int
    may_edit: bool
    """Whether the caller may edit what stands below."""
    tasks: list[TreeTask]


class CycleReply(Reply):
    cycle: UUID
    kind: str
    name: str
    project: UUID | None
    starts_at: datetime
    ends_at: datetime
    frozen_at: datetime | None
    frozen_by: str | None
    frozen_by_name: str | None = None
    goals: int = 0
    """Goals in it that count."""
    version: int


class ProjectTree(Reply):
    project: UUID
    code: str
    name: str
    product: str
    lead: str
    lead_name: str
    state: ProjectState
    starts_at: datetime | None
    due_at: datetime | None
    progress: Decimal | None
    version: int
    may_edit: bool
    """Whether the caller may edit the goals."""
    goals: list[TreeGoal]
    cycles: list[CycleReply]
    """Those that a goal can belong to."""


class EditReply(Reply):
    goal: UUID | None
    task: UUID | None
    title: str
    action: str
    changes: list[dict[str, str | None]]
    reason: str | None
    person: str
    person_name: str | None
    at: datetime


class EditList(Reply):
    edits: list[EditReply]


class ProjectPlanReply(Reply):
    """Lateness, gain and critical path of every open task (G3)."""

    project: UUID
    critical: list[UUID]
    finish_in: int
    days_left: int | None
    delay: int
    """Working days by which the delivery is late as things stand."""
    tasks: dict[UUID, PlanReply]


@routes.get("/projects/{project}/tree", dependencies=[allow(EVERYONE)])
async def read_tree(project: UUID, tx: Tx, caller: Caller) -> ProjectTree:
    """The whole tree for editing it (G1, G2)."""
    tree = (await tree_store.load_trees(tx, [project], lock=False)).get(project)
    if tree is None:
        raise NotFound()
    administrator = caller.has(Role.ADMINISTRATOR)
    look = await _look(tx, tree)
    known = await cycle_store.cycles(tx, project)
    return ProjectTree(
        project=project, code=tree.project.code, name=tree.project.name, product=tree.project.product,
        lead=tree.project.lead, lead_name=look.names.get(tree.project.lead, tree.project.lead),
        state=tree.project.state, starts_at=tree.project.starts_at, due_at=tree.project.due_at,
        progress=tree.project.progress, version=tree.project.version,
        may_edit=edits.may_edit(tree.project, None, caller.id, administrator=administrator),
        goals=[
            look.goal(tree, goal, may_edit=edits.may_edit(tree.project, goal, caller.id, administrator=administrator))
            for goal in tree.project.goals
        ],
        cycles=[cycle_reply(one) for one in known],
    )  # fmt: skip


@routes.get("/projects/{project}/edits", dependencies=[allow(EVERYONE)])
async def read_edits(project: UUID, tx: Tx) -> EditList:
    """Who has edited what lately, old and new (G1)."""
    rows = await edit_store.edits_of_project(tx, project, _MOST_EDITS)
    names = await store.names(tx, [row["person"] for row in rows])
    return EditList(
        edits=[EditReply.model_validate({**row, "person_name": names.get(row["person"])}) for row in map(dict, rows)]
    )


@routes.get("/projects/{project}/plan", dependencies=[allow(EVERYONE)])
async def read_plan(project: UUID, tx: Tx) -> ProjectPlanReply:
    """For each open task: how late, what finishing it adds, what lateness costs, and the critical path (G3)."""
    tree = (await tree_store.load_trees(tx, [project], lock=False)).get(project)
    if tree is None:
        raise NotFound()
    settle(tree, tx.now)
    found = plan(tree, tx.now, await store.calendar(tx))
    late = 0 if found.days_left is None else max(0, found.finish_in - found.days_left)
    return ProjectPlanReply(
        project=project, critical=list(found.critical), finish_in=found.finish_in, days_left=found.days_left,
        delay=late, tasks={task: plan_reply(one) for task, one in found.tasks.items() if one.slack is not None},
    )  # fmt: skip


def plan_reply(one: TaskPlan) -> PlanReply:
    return PlanReply(
        days_late=one.days_late, adds=one.adds.quantize(Decimal("0.0001")),
        missing=one.missing.quantize(Decimal("0.0001")), slack=one.slack, critical=one.critical,
        delays_project=one.delays_project, finish_in=one.finish_in,
    )  # fmt: skip


def cycle_reply(cycle: object, **more: object) -> CycleReply:
    names = [name for name in CycleReply.model_fields if name not in {"goals", "frozen_by_name"}]
    return CycleReply.model_validate({name: getattr(cycle, name) for name in names} | more)


class _Look:
    """What replies need beside the tree."""

    def __init__(self, names: Mapping[str, str], now: datetime, calendar: Calendar, planned: ProjectPlan) -> None:
        self.names, self._now, self._calendar, self._plan = dict(names), now, calendar, planned

    def task(self, task: Task) -> TreeTask:
        reply = task_reply(task, self.names, self._now, self._calendar)
        one = self._plan.tasks.get(task.task)
        missing = gaps(task) if task.state is TaskState.DRAFT else []
        return TreeTask(
            **dict(reply),
            missing=[Missing(field=gap.field, message=Text(zh=gap.zh, en=gap.en)) for gap in missing],
            plan=plan_reply(one) if one is not None and one.slack is not None else None,
        )

    def goal(self, tree: Tree, goal: Goal, *, may_edit: bool) -> TreeGoal:
        figures = {figure.goal.goal: figure for figure in settle(tree, self._now)}
        return TreeGoal(
            goal=goal.goal, title=goal.title, weight=goal.weight, share=figures[goal.goal].share,
            progress=figures[goal.goal].progress, owner=goal.owner,
            owner_name=self.names.get(goal.owner or "", goal.owner), state=goal.state, cycle=goal.cycle,
            cycle_name=goal.cycle_name, frozen=goal.frozen, revision=goal.revision, may_edit=may_edit,
            tasks=[self.task(task) for task in tree.children(goal.goal) if task.state is not TaskState.SUPERSEDED],
        )  # fmt: skip


async def _look(tx: Tx, tree: Tree) -> _Look:
    people = [tree.project.lead, *(goal.owner for goal in tree.project.goals), *(t.owner for t in tree.tasks.values())]
    calendar = await store.calendar(tx)
    settle(tree, tx.now)
    return _Look(await store.names(tx, people), tx.now, calendar, plan(tree, tx.now, calendar))


async def tree_task(tx: Tx, tree: Tree, task: UUID) -> TreeTask:
    return (await _look(tx, tree)).task(tree.tasks[task])


async def tree_goal(tx: Tx, tree: Tree, goal: UUID) -> TreeGoal:
    found = tree.goal(goal)
    assert found is not None
    return (await _look(tx, tree)).goal(tree, found, may_edit=True)
