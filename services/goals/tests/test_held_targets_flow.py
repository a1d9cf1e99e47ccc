"""Targets that a rule wants consent for wait until everybody has agreed; the lock does not wait (C4, C7, C8)."""

from decimal import Decimal
from uuid import UUID

import given_goals as given
import pytest

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import Adjustment, ConsentChanged, ConsentState, ImpactAction
from bihuan_contracts.goals import TargetField, TargetsRecalculated

pytestmark = pytest.mark.flow


async def held(goals: RunningService) -> TargetsRecalculated:
    """T-1 is locked by a change whose rule wants consent; T-2 by a row that does not."""
    found = await given.a_project(goals)
    await goals.hear(
        topics.IMPACTS,
        [
            given.impact(
                given.row(found["T-1"], ImpactAction.LOCK, given.ENGINEER, needs_consent=True),
                given.row(found["T-2"], ImpactAction.LOCK, given.ENGINEER),
            )
        ],
    )
    moved: list[TargetsRecalculated] = await goals.announced(topics.TARGETS)
    return next(one for one in moved if one.held)


def matrix(moved: TargetsRecalculated, state: ConsentState, version: int) -> ConsentChanged:
    adjustments = tuple(
        Adjustment(
            task=moved.task, task_code=moved.task_code, task_title=moved.task_title, project=moved.project,
            field=change.field, old=change.old, new=change.new,
        )
        for change in moved.changes
    )  # fmt: skip
    return ConsentChanged(
        matrix=UUID(int=77), number="GCM-2026-0001", title="换型", state=state, revision=1, proposer=given.LEAD,
        arbiter=None, adjustments=adjustments, rows=(), change=given.CHANGE, proposed_at=given.NOW,
        sent_at=given.NOW, settled_at=given.NOW if state is ConsentState.SETTLED else None, version=version,
    )  # fmt: skip


async def test_the_lock_acts_and_the_targets_wait(goals: RunningService) -> None:
    """C8: the old version must not be worked on; what the person owes does not grow without a yes."""
    moved = await held(goals)
    task = (await given.tasks(goals))["T-1"]
    assert len(task.locks) == 1
    assert task.planned_hours == Decimal(10)
    assert Decimal({one.field: one.new for one in moved.changes}[TargetField.PLANNED_HOURS] or 0) == Decimal(12)
    assert (await given.tasks(goals))["T-2"].planned_hours == Decimal(12)


async def test_settled_the_held_targets_move_once(goals: RunningService) -> None:
    """C8: open, then settled, then the same again."""
    moved = await held(goals)
    await goals.hear(topics.CONSENTS, [matrix(moved, ConsentState.OPEN, 2)])
    assert (await given.tasks(goals))["T-1"].planned_hours == Decimal(10)
    for version in (3, 3):
        await goals.hear(topics.CONSENTS, [matrix(moved, ConsentState.SETTLED, version)])
    assert (await given.tasks(goals))["T-1"].planned_hours == Decimal(12)
    card = (await goals.client().get(f"/tasks/{moved.task}")).json()
    ways = [(one["held"], one["matrix"] is not None) for one in card["targets"] if one["held"] or one["matrix"]]
    assert sorted(ways, key=str) == [("settled", False), (None, True)]


async def test_withdrawn_the_old_targets_stay(goals: RunningService) -> None:
    """C8."""
    moved = await held(goals)
    await goals.hear(topics.CONSENTS, [matrix(moved, ConsentState.WITHDRAWN, 3)])
    assert (await given.tasks(goals))["T-1"].planned_hours == Decimal(10)
    effects = (await goals.client().get(f"/changes/{given.CHANGE}/effects")).json()
    assert "withdrawn" in {one["held"] for one in effects["targets"]}
