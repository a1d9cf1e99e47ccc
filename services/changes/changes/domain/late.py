"""What a task that is heard of late adds to an impact that is known already (C3, C5)."""

from collections.abc import Collection, Sequence

from bihuan_contracts.changes import ImpactAction, ImpactRow
from changes.domain.world import Task


def joining(found: Sequence[ImpactRow], before: Sequence[ImpactRow], late: Collection[Task]) -> list[ImpactRow]:
    """Of all rows that the rules give now: those of the late tasks, a retest where their project has none of the
    module yet, and whoever has to know and does not know."""
    tasks, places = {task.task for task in late}, {(task.project, task.module) for task in late}
    known, people = {row.row for row in before}, {row.person for row in before}
    retested = {(row.project, row.module) for row in before if row.action is ImpactAction.RETEST}

    def joins(row: ImpactRow) -> bool:
        place = (row.project, row.module)
        if row.row in known or place not in places:
            return False
        if row.task is not None:
            return row.task in tasks
        return place not in retested if row.action is ImpactAction.RETEST else row.person not in people

    return [row for row in found if joins(row)]
