"""The 100 % record: each moved target has a settled matrix or a technical change as its cause; else a gap (C8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from bihuan_contracts.goals import TargetChange, TargetField, TaskChanged
from changes.domain.opening import normal
from changes.domain.world import Task

_MOVABLE = (TargetField.DUE_AT, TargetField.PLANNED_HOURS, TargetField.OWNER)


@dataclass(frozen=True, slots=True)
class Move:
    """A target of work under way that has moved."""

    task: UUID
    field: TargetField
    version: int
    code: str
    title: str
    project: UUID
    person: str | None
    old: str | None
    new: str | None


def moves_of(before: Task, after: TaskChanged) -> list[Move]:
    """What differs between the two; retest cards are new work and have no earlier promise."""
    if after.retest is not None:
        return []
    found = []
    for field in _MOVABLE:
        old, new = _value(before, field), _value(after, field)
        if old != new and old is not None:
            found.append(
                Move(after.task, field, after.version, after.code, after.title, after.project, before.owner, old, new)
            )
    return found


def _value(task: Task | TaskChanged, field: TargetField) -> str | None:
    value = getattr(task, str(field))
    if value is None:
        return None
    return normal(field, value.isoformat() if field is TargetField.DUE_AT else str(value))


def explains(causes: Iterable[TargetChange], field: TargetField, new: str | None) -> bool:
    """Whether one of the causes has moved this target to this value."""
    return any(one.field is field and normal(field, one.new) == new for one in causes)
