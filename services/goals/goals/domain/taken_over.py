"""History of a tree that comes from another system, as far as its own dates tell (G11).

The plan counts as it is taken over from the project's start; finished work was open until the day it was finished.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bihuan_contracts.goals import CriterionState, TaskState
from goals.domain.causes import Cause, CauseKind
from goals.domain.tree import Task, Tree
from goals.domain.versions import ProjectVersion, TaskVersion

_BEFORE = (Cause(CauseKind.TAKEN_OVER),)


@dataclass(frozen=True)
class Known:
    tasks: list[TaskVersion]
    projects: list[ProjectVersion]


def taken_over(tree: Tree, now: datetime) -> Known:
    """Versions −1 and 0, before the first of our own. Without a start in the past there is nothing to tell."""
    start = tree.project.starts_at
    if start is None or start >= now:
        return Known([], [])
    tasks: list[TaskVersion] = []
    for task in tree.tasks.values():
        if task.state is TaskState.DRAFT:
            continue
        planned = _planned(task)
        tasks.append(TaskVersion(planned, None, start, _BEFORE))
        ended = task.finished_at
        if task.state is TaskState.DONE and ended is not None and start < ended < now:
            tasks.append(TaskVersion(replace(task, version=0), planned, ended, _BEFORE))
    return Known(tasks, [ProjectVersion(replace(tree.project, version=0), None, start, _BEFORE)])


def _planned(task: Task) -> Task:
    deliverables = tuple(
        one.model_copy(
            update={"criteria": tuple(c.model_copy(update={"state": CriterionState.OPEN}) for c in one.criteria)}
        )
        for one in task.deliverables
    )
    state = TaskState.ACTIVE if task.state is TaskState.DONE else task.state
    return replace(
        task, deliverables=deliverables, state=state, finished_at=None, actual_hours=None, progress=None, version=-1
    )
