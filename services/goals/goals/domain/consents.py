"""A settled impact matrix moves targets: due dates, planned hours, owners (C8)."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from bihuan_contracts.changes import Adjustment, ConsentChanged
from bihuan_contracts.goals import TargetChange, TargetField, TaskState
from goals.domain.changes import Recalculated
from goals.domain.tree import Task, Tree

_MOVABLE = {TaskState.ACTIVE, TaskState.DRAFT}


def apply_settled(tree: Tree, consent: ConsentChanged) -> list[Recalculated]:
    """Move what the matrix moves in this project. A task that has ended meanwhile stays as it ended."""
    by_task: defaultdict[UUID, list[Adjustment]] = defaultdict(list)
    for one in consent.adjustments:
        task = tree.tasks.get(one.task)
        if task is not None and task.state in _MOVABLE:
            by_task[one.task].append(one)
    found: list[Recalculated] = []
    for task_id, adjustments in by_task.items():
        before = tree.tasks[task_id]
        changes = tuple(TargetChange(field=one.field, old=_text(before, one.field), new=one.new) for one in adjustments)
        for one in adjustments:
            tree.change(task_id, **{str(one.field): _value(one)})
        found.append(Recalculated(task_id, consent.matrix, consent.number, None, changes, consent.matrix))
    return found


def _value(one: Adjustment) -> object:
    if one.new is None or one.field is TargetField.OWNER:
        return one.new
    return datetime.fromisoformat(one.new) if one.field is TargetField.DUE_AT else Decimal(one.new)


def _text(task: Task, field: TargetField) -> str | None:
    """The value as it is now: the matrix may have been proposed on an older one."""
    value = getattr(task, str(field))
    return value.isoformat() if isinstance(value, datetime) else str(value) if value is not None else None
