"""Taking over a whole tree: goals, tasks, deliverables, criteria (G1)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import Body, FieldError, Invalid, Reply, Role, Tx, allow, router
from bihuan_contracts import Key, Text, Version
from bihuan_contracts.goals import (
    Criterion,
    CriterionKind,
    CriterionState,
    Deliverable,
    ProjectState,
    TaskKind,
    TaskState,
)
from goals import store
from goals.announce import save_and_announce
from goals.domain.edits import bad_dependencies
from goals.domain.shapes import wrong_in_task
from goals.domain.tree import Goal, Project, Task, Tree, gaps
from goals.domain.weights import OverweightError, check

routes = router(tags=["goals"])

Weight = Annotated[Decimal, Field(ge=0, le=100)]


Hours = Annotated[Decimal, Field(ge=0, le=100_000)]


Title = Annotated[str, Field(min_length=1, max_length=200)]


Items = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=50)]
"""What a checklist asks for."""


class CriterionIn(Body):
    text: Annotated[str, Field(min_length=1, max_length=400)]
    metric: Annotated[str | None, Field(max_length=120)] = None
    unit: Annotated[str | None, Field(max_length=20)] = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    kind: CriterionKind | None = None
    items: Items = ()
    approver: Role | None = None
    """Role that approves; None is the project lead."""
    verified: bool = False
    """Only for finished work that is taken over from another system."""


class DeliverableIn(Body):
    title: Title
    weight: Weight | None = None
    due_at: AwareDatetime | None = None
    criteria: Annotated[tuple[CriterionIn, ...], Field(max_length=50)] = ()


class BookingIn(Body):
    """Hours that somebody has booked in the system that the tree comes from."""

    person: Key
    hours: Annotated[Decimal, Field(gt=0, le=1000)]
    at: AwareDatetime
    note: Annotated[str | None, Field(max_length=1000)] = None


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
    """The sum of the bookings, when it is not given."""
    bookings: Annotated[tuple[BookingIn, ...], Field(max_length=1000)] = ()
    depends_on: Annotated[tuple[Key, ...], Field(max_length=50)] = ()
    """Codes of tasks of this project that have to be finished first."""
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


class Imported(Reply):
    project: UUID
    tasks: int
    created: bool


@routes.post("/projects", status_code=201, dependencies=[allow(Role.PROJECT_LEAD, Role.ADMINISTRATOR, Role.INTEGRATOR)])
async def import_project(body: ProjectIn, tx: Tx) -> Imported:
    """Take over a whole tree. The same code again changes nothing: a tree is edited by its own endpoints."""
    known = await store.find_project(tx, body.code)
    if known is not None:
        return Imported(project=known.project, tasks=0, created=False)
    if errors := wrong_places(body) + _early(body, tx.now):
        raise Invalid(errors=errors)
    tree = tree_of(body, tx)
    await save_and_announce(tx, [tree])
    by_code = {task.code: task.task for task in tree.tasks.values()}
    booked = [(by_code[task.code], one) for goal in body.goals for task in goal.tasks for one in task.bookings]
    await store.save_bookings(tx, [(task, one.person, one.hours, one.note, one.at) for task, one in booked])
    return Imported(project=tree.project.project, tasks=len(tree.tasks), created=True)


def wrong_places(body: ProjectIn) -> list[FieldError]:
    """Everything that keeps a tree from being taken over, each with its path; nothing when it is good."""
    errors: list[FieldError] = []
    errors += _overweight("goals", [goal.weight for goal in body.goals])
    codes: dict[str, str] = {}
    for g, goal in enumerate(body.goals):
        counted = [task.weight for task in goal.tasks if task.state is not TaskState.CANCELLED]
        errors += _overweight(f"goals.{g}.tasks", counted)
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
            shape = _shape(task)
            errors += [
                FieldError(f"{path}.{one.field}", one.code, Text(zh=one.zh, en=one.en)) for one in wrong_in_task(shape)
            ]
            if task.state in {TaskState.ACTIVE, TaskState.DONE}:
                errors += [FieldError(f"{path}.{gap.field}", "gap", Text(zh=gap.zh, en=gap.en)) for gap in gaps(shape)]
    return errors + _bad_dependencies(body)


def _early(body: ProjectIn, now: datetime) -> list[FieldError]:
    """Hours of work that is still to come."""
    return [
        FieldError(
            f"goals.{g}.tasks.{t}.bookings.{b}.at", "future", Text(zh="不能登记将来的工时", en="Hours of the future")
        )
        for g, goal in enumerate(body.goals)
        for t, task in enumerate(goal.tasks)
        for b, one in enumerate(task.bookings)
        if one.at > now
    ]


def _bad_dependencies(body: ProjectIn) -> list[FieldError]:
    """Codes that no task has, and loops."""
    paths = {
        task.code: f"goals.{g}.tasks.{t}" for g, goal in enumerate(body.goals) for t, task in enumerate(goal.tasks)
    }
    ids = {code: UUID(int=number) for number, code in enumerate(paths, 1)}
    errors: list[FieldError] = []
    tree = Tree(Project(UUID(int=0), body.code, body.name, body.product, body.lead, body.state))
    for task in (task for goal in body.goals for task in goal.tasks):
        unknown = [code for code in task.depends_on if code not in ids]
        if unknown:
            words = "、".join(unknown)
            text = Text(zh=f"没有编号为 {words} 的任务", en=f"There is no task {words.replace('、', ', ')}")
            errors.append(FieldError(f"{paths[task.code]}.depends_on", "unknown_task", text))
        shape = Task(ids[task.code], task.code, UUID(int=0), None, task.title, task.kind, task.state)
        tree.put(replace(shape, depends_on=tuple(ids[code] for code in task.depends_on if code in ids)))
    for code, path in paths.items():
        if refusal := bad_dependencies(tree, ids[code], tree.tasks[ids[code]].depends_on):
            text = Text(zh=refusal.zh, en=refusal.en)
            return [*errors, FieldError(f"{path}.depends_on", refusal.code, text)]
    return errors


def _shape(task: TaskIn) -> Task:
    return Task(
        UUID(int=0), task.code, UUID(int=0), None, task.title, task.kind, task.state, starts_at=task.starts_at,
        due_at=task.due_at, deliverables=tuple(deliverable_from(UUID(int=0), one, None) for one in task.deliverables),
    )  # fmt: skip


def _overweight(field: str, weights: Sequence[Decimal | None]) -> list[FieldError]:
    try:
        check(weights)
    except OverweightError as error:
        words = Text(zh=f"权重合计 {error.total}，超过 100", en=f"The weights add up to {error.total}, over 100")
        return [FieldError(field, "overweight", words)]
    return []


def tree_of(body: ProjectIn, tx: Tx) -> Tree:
    """The tree as rows will have it; call `wrong_places` first."""
    project_id = tx.new_id()
    goals = tuple(Goal(tx.new_id(), goal.title, goal.weight, goal.owner) for goal in body.goals)
    project = Project(
        project_id, body.code, body.name, body.product, body.lead, body.state, body.customer, body.phase,
        body.starts_at, body.due_at, goals,
    )  # fmt: skip
    tree = Tree(project)
    for goal, given in zip(goals, body.goals, strict=True):
        for position, task in enumerate(given.tasks, 1):
            tree.put(replace(_task(tx, task, project_id, goal.goal), position=position))
    by_code = {task.code: task.task for task in tree.tasks.values()}
    for task in (task for goal in body.goals for task in goal.tasks if task.depends_on):
        known = tree.tasks[by_code[task.code]]
        tree.tasks[known.task] = replace(known, depends_on=tuple(by_code[code] for code in task.depends_on))
    return tree


def _task(tx: Tx, given: TaskIn, project: UUID, goal: UUID) -> Task:
    return Task(
        task=tx.new_id(), code=given.code, project=project, goal=goal, title=given.title, kind=given.kind,
        state=given.state, owner=given.owner, module=given.module, item_version=given.item_version,
        weight=given.weight,
        deliverables=tuple(deliverable_from(tx.new_id(), one, tx) for one in given.deliverables),
        starts_at=given.starts_at, due_at=given.due_at, finished_at=given.finished_at,
        planned_hours=given.planned_hours, actual_hours=_actual_hours(given),
    )  # fmt: skip


def _actual_hours(given: TaskIn) -> Decimal | None:
    if given.actual_hours is not None or not given.bookings:
        return given.actual_hours
    return sum((one.hours for one in given.bookings), Decimal(0))


def deliverable_from(id: UUID, given: DeliverableIn, tx: Tx | None) -> Deliverable:
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
                kind=one.kind,
                items=one.items,
                approver=one.approver,
                state=CriterionState.VERIFIED if one.verified else CriterionState.OPEN,
            )
            for one in given.criteria
        ),
    )
