"""What work that a change adds weighs, once the tree is settled: whose share moved by it, old and new (G8)."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from bihuan_contracts.goals import TargetChange, TargetField
from goals.domain.changes import Effects, Recalculated
from goals.domain.tree import Task, Tree


def with_weights(effects: Effects, before: Mapping[UUID, Decimal], tree: Tree) -> list[Recalculated]:
    """The recalculated targets of one change with the shares of its cards and of the tests that they repeat.

    `before` has the shares as they were; they are in percent of the project.
    """
    found = {one.task: one for one in effects.recalculated if not one.held}
    held = [one for one in effects.recalculated if one.held]
    for card_id, rule in effects.cards:
        card = tree.tasks[card_id]
        for task in (tree.tasks.get(card.origin) if card.origin else None, card):
            if task is None or (moved := _moved(task, before)) is None:
                continue
            known = found.get(task.task)
            if known is None:
                assert card.retest is not None
                known = Recalculated(task.task, card.retest.change, card.retest.change_number, rule, ())
            kept = tuple(one for one in known.changes if one.field is not TargetField.WEIGHT)
            found[task.task] = replace(known, changes=(*kept, moved))
    return [*found.values(), *held]


def _moved(task: Task, before: Mapping[UUID, Decimal]) -> TargetChange | None:
    old = before.get(task.task)
    if old == task.share or (old is None and not task.share):
        return None
    return TargetChange(field=TargetField.WEIGHT, old=_plain(old), new=_plain(task.share))


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"
