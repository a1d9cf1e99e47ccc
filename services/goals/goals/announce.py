"""Settling a project after a change: figures, versions, rows and announcements in one place."""

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from bihuan_chassis import Transaction, writing
from bihuan_contracts.goals import GoalSummary, ProjectChanged, TargetsRecalculated, TaskChanged
from goals import history_store, store, tree_store
from goals.domain.causes import Cause, CauseKind
from goals.domain.changes import Recalculated
from goals.domain.roll_up import GoalFigures, settle
from goals.domain.taken_over import Known, taken_over
from goals.domain.tree import Project, Task, Tree, replaced
from goals.domain.versions import ProjectVersion, TaskVersion, versions_of

_AT_A_TIME = 16
"""Projects that are saved by one statement: enough to be a set, few enough to begin soon."""


@dataclass
class _Settled:
    """What differs from before, once it has been rolled up."""

    tasks: list[TaskVersion] = field(default_factory=list)
    projects: list[ProjectVersion] = field(default_factory=list)
    refigured: list[Task] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    """Versions that were before the first of our own."""
    events: list[Callable[[], TaskChanged | ProjectChanged]] = field(default_factory=list)


async def save_and_announce(
    tx: Transaction, trees: Iterable[Tree], before: Coroutine[Any, Any, None] | None = None
) -> None:
    """Roll up each tree, then save and announce what differs from before, and nothing else.

    While the database writes some of them, or what is to be written `before`, the next ones are rolled up.
    """
    listed = list(trees)
    async with writing() as begin:
        if before is not None:
            await begin(before)
        for start in range(0, len(listed), _AT_A_TIME):
            found = _settled(tx, listed[start : start + _AT_A_TIME])
            await begin(_save(tx, found))
            tx.announce(*[event() for event in found.events])


def _settled(tx: Transaction, trees: Sequence[Tree]) -> _Settled:
    found = _Settled()
    for tree in trees:
        direct, before = set(tree.touched), tree.project
        tree.cause = None
        figures = settle(tree, tx.now)
        for task_id in sorted(tree.touched):
            task = replaced(tree.tasks[task_id], version=tree.tasks[task_id].version + 1)
            tree.tasks[task_id] = task
            found.events.append(partial(task_event, tree.project, task))
        found.refigured += [tree.tasks[one] for one in sorted(tree.refigured - tree.touched)]
        versions = versions_of(tree, direct, tx.now, tx.actor)
        found.tasks += versions
        if before.version == 0:
            found.known.append(taken_over(tree, tx.now))
        if tree.project != (tree.stored or before) or tree.touched or before.version == 0:
            tree.project = replace(tree.project, version=before.version + 1)
            found.events.append(partial(project_event, tree.project, figures))
            found.projects.append(ProjectVersion(tree.project, tree.stored, tx.now, _causes(versions, tx.actor)))
        tree.saved()
    return found


async def _save(tx: Transaction, found: _Settled) -> None:
    for known in found.known:
        await history_store.save_versions(tx, known.tasks, known.projects)
    if found.projects:
        await tree_store.save(tx, found.projects, found.tasks)
    if found.refigured:
        await tree_store.save_figures(tx, found.refigured)


def _causes(versions: Sequence[TaskVersion], actor: str | None) -> tuple[Cause, ...]:
    found = tuple(dict.fromkeys(cause for one in versions for cause in one.causes))
    return found or ((Cause(CauseKind.PERSON, by=actor),) if actor else (Cause(CauseKind.UNKNOWN),))


async def save_targets(tx: Transaction, trees: dict[UUID, Tree], moved: Sequence[Recalculated]) -> None:
    """Keep and announce recalculated targets, old and new (G8)."""
    if not moved:
        return
    async with writing() as begin:
        await begin(store.save_targets(tx, moved))
        by_task = {task.task: task for tree in trees.values() for task in tree.tasks.values()}
        tx.announce(*[_targets_event(by_task[one.task], one, tx.now) for one in moved])


def _targets_event(task: Task, one: Recalculated, at: datetime) -> TargetsRecalculated:
    return TargetsRecalculated(
        task=task.task, task_code=task.code, task_title=task.title, project=task.project, person=task.owner,
        changes=one.changes, change=one.change, change_number=one.change_number, rule=one.rule, matrix=one.matrix,
        held=one.held, at=at,
    )  # fmt: skip


def task_event(project: Project, task: Task) -> TaskChanged:
    goal = next((goal for goal in project.goals if goal.goal == task.goal), None)
    return TaskChanged(
        task=task.task, code=task.code, project=project.project, project_code=project.code,
        project_name=project.name, goal=task.goal, goal_title=goal.title if goal else None, title=task.title,
        kind=task.kind, state=task.state, owner=task.owner, module=task.module, item_version=task.item_version,
        deliverables=task.deliverables, locks=task.locks, retest=task.retest, weight=task.weight,
        impact_weight=task.share, progress=task.progress, starts_at=task.starts_at, due_at=task.due_at,
        finished_at=task.finished_at, planned_hours=task.planned_hours, actual_hours=task.actual_hours,
        depends_on=task.depends_on, goal_owner=goal.owner if goal else None,
        frozen=goal is not None and goal.frozen, position=task.position, version=task.version,
    )  # fmt: skip


def project_event(project: Project, figures: Sequence[GoalFigures]) -> ProjectChanged:
    by_goal: defaultdict[UUID, tuple[Decimal, Decimal | None]] = defaultdict(lambda: (Decimal(0), None))
    by_goal.update({figure.goal.goal: (figure.share, figure.progress) for figure in figures})
    return ProjectChanged(
        project=project.project, code=project.code, name=project.name, product=project.product,
        customer=project.customer, phase=project.phase, lead=project.lead, state=project.state,
        starts_at=project.starts_at, due_at=project.due_at, progress=project.progress,
        planned_progress=project.planned_progress,
        goals=tuple(
            GoalSummary(
                goal=goal.goal, title=goal.title, weight=goal.weight, share=by_goal[goal.goal][0],
                progress=by_goal[goal.goal][1], owner=goal.owner, state=goal.state, cycle=goal.cycle,
                cycle_name=goal.cycle_name, frozen=goal.frozen,
            )
            for goal in project.goals
        ),
        version=project.version,
    )  # fmt: skip
