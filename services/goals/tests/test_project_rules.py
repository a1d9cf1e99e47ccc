"""W4, G1: what a project may come into, and what keeps it from there."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from bihuan_contracts.goals import ProjectState, TaskKind, TaskState
from goals.domain.projects import refuse_step, revision, wants_reason, wrong_dates
from goals.domain.tree import Project, Task, Tree

PROJECT = Project(UUID(int=1), "GX-500", "磨床", "GX-500", "10105", ProjectState.ACTIVE)


def _tree(*tasks: TaskState, state: ProjectState = ProjectState.ACTIVE) -> Tree:
    tree = Tree(replace(PROJECT, state=state))
    for n, one in enumerate(tasks, 1):
        tree.put(Task(UUID(int=n), f"T-{n}", PROJECT.project, None, "任务", TaskKind.TEST, one))
    return tree


def test_project_with_open_tasks_is_not_finished_and_they_are_named() -> None:
    refusal = refuse_step(_tree(TaskState.DONE, TaskState.ACTIVE, TaskState.DRAFT), ProjectState.DONE)
    assert refusal is not None
    assert (refusal.code, refusal.zh) == ("open_tasks", "还有 2 项任务没有完成：T-2、T-3")
    assert refuse_step(_tree(TaskState.DONE, TaskState.CANCELLED), ProjectState.DONE) is None


@pytest.mark.parametrize(
    ("state", "to", "allowed"),
    [
        (ProjectState.DRAFT, ProjectState.ACTIVE, True),
        (ProjectState.DRAFT, ProjectState.DONE, False),
        (ProjectState.ACTIVE, ProjectState.CANCELLED, True),
        (ProjectState.DONE, ProjectState.CANCELLED, False),
        (ProjectState.CANCELLED, ProjectState.ACTIVE, True),
        (ProjectState.ACTIVE, ProjectState.ACTIVE, False),
        (ProjectState.ACTIVE, ProjectState.UNKNOWN, False),
    ],
)
def test_states_follow_each_other(state: ProjectState, to: ProjectState, allowed: bool) -> None:
    assert (refuse_step(_tree(state=state), to) is None) is allowed


def test_giving_up_and_taking_up_again_want_a_reason() -> None:
    assert wants_reason(PROJECT, ProjectState.CANCELLED)
    assert wants_reason(replace(PROJECT, state=ProjectState.DONE), ProjectState.ACTIVE)
    assert not wants_reason(PROJECT, ProjectState.DONE)


def test_revision_moves_with_edits_and_not_with_figures() -> None:
    assert revision(replace(PROJECT, progress=Decimal(40), version=9)) == revision(PROJECT)
    assert revision(replace(PROJECT, phase="试制")) != revision(PROJECT)


def test_delivery_before_the_start_is_refused() -> None:
    early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert wrong_dates(late, early) is not None
    assert wrong_dates(early, late) is None
    assert wrong_dates(None, early) is None
