"""Settling a project after a change: figures, versions, rows and announcements in one place."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts.goals import GoalSummary, ProjectChanged, TargetsRecalculated, TaskChanged
from goals import history_store, store, tree_store
from goals.domain.causes import Cause, CauseKind
from goals.domain.changes import Recalculated
from goals.domain.roll_up import GoalFigures, settle
from goals.domain.taken_over import taken_over
from goals.domain.tree import Project, Task, Tree, replaced
from goals.domain.versions import ProjectVersion, TaskVersion, versions_of


async def save_and_announce(tx: Transaction, trees: Iterable[Tree]) -> None:
    """Roll up each tree, then save and announce what differs from before, and nothing else."""
    tasks: list[TaskVersion] = []
    projects: list[ProjectVersion] = []
    refigured: list[Task] = []
    events: list[TaskChanged | ProjectChanged] = []
    for tree in trees:
        direct, before = set(tree.touched), tree.project
        tree.cause = None
        figures = settle(tree, tx.now)
        for task_id in sorted(tree.touched):
            task = replaced(tree.tasks[task_id], version=tree.tasks[task_id].version + 1)
            tree.tasks[task_id] = task
            events.append(task_event(tree.project, task))
        refigured += [tree.tasks[one] for one in sorted(tree.refigured - tree.touched)]
        versions = versions_of(tree, direct, tx.now, tx.actor)
        tasks += versions
        if before.version == 0:
            known = taken_over(tree, tx.now)
            await history_store.save_versions(tx, known.tasks, known.projects)
        if tree.project != (tree.stored or before) or tree.touched or before.version == 0:
            tree.project = replace(tree.project, version=before.version + 1)
            events.append(project_event(tree.project, figures))
            projects.append(ProjectVersion(tree.project, tree.stored, tx.now, _causes(versions, tx.actor)))
        tree.saved()
    if projects:
        await tree_store.save_projects(tx, projects)
    if tasks:
        await tree_store.save_tasks(tx, tasks)
    if refigured:
        await tree_store.save_figures(tx, refigured)
    tx.announce(*events)


def _causes(versions: Sequence[TaskVersion], actor: str | None) -> tuple[Cause, ...]:
    found = tuple(dict.fromkeys(cause for one in versions for cause in one.causes))
    return found or ((Cause(CauseKind.PERSON, by=actor),) if actor else (Cause(CauseKind.UNKNOWN),))


async def save_targets(tx: Transaction, trees: dict[UUID, Tree], moved: Sequence[Recalculated]) -> None:
    """Keep and announce recalculated targets, old and new (G8)."""
    if not moved:
        return
    await store.save_targets(tx, moved)
    by_task = {task.task: (tree, task) for tree in trees.values() for task in tree.tasks.values()}
    for one in moved:
        tree, task = by_task[one.task]
        tx.announce(
            TargetsRecalculated(
                task=task.task,
                task_code=task.code,
                task_title=task.title,
                project=tree.project.project,
                person=task.owner,
                changes=one.changes,
                change=one.change,
                change_number=one.change_number,
                rule=one.rule,
                matrix=one.matrix,
                held=one.held,
                at=tx.now,
            )
        )


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
