"""A technical change opens an impact matrix by itself where a rule wants consent before targets move (C4, C7, C8)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentState
from bihuan_contracts.goals import TargetChange, TargetField, TargetsRecalculated
from changes.domain.consent import FoundBy, Matrix, Row

MOVABLE = {TargetField.DUE_AT, TargetField.PLANNED_HOURS, TargetField.OWNER}
_NOTHING = Compensation(kind=CompensationKind.NONE)


def matrix_id(change: UUID, project: UUID, number: int) -> UUID:
    """The same change in the same project always means the same matrix; the next one when that one is closed."""
    return uuid5(NAMESPACE_URL, f"urn:bihuan:matrix:{change}:{project}:{number}")


def normal(field: TargetField, value: str | None) -> str | None:
    """A target's value as adjustments write it, whatever its zone or its zeros: values can be compared."""
    if value is None:
        return None
    if field is TargetField.DUE_AT:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    return format(Decimal(value).normalize(), "f") if field is TargetField.PLANNED_HOURS else value


def adjustments_held(moved: Sequence[TargetsRecalculated]) -> tuple[Adjustment, ...]:
    """What the change proposes, each target of each task once; the newest proposal counts."""
    found = {
        (one.task, change.field): _adjustment(one, change)
        for one in sorted(moved, key=lambda one: one.at)
        for change in one.changes
        if change.field in MOVABLE
    }
    return tuple(found.values())


def _adjustment(one: TargetsRecalculated, change: TargetChange) -> Adjustment:
    return Adjustment(
        task=one.task, task_code=one.task_code, task_title=one.task_title, project=one.project, field=change.field,
        old=normal(change.field, change.old), new=normal(change.field, change.new),
    )  # fmt: skip


def missing(before: Matrix | None, proposed: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """Adjustments that the matrix does not hold yet; none for a replay."""
    if before is None:
        return tuple(proposed)
    known = {(one.task, one.field, one.new) for one in before.adjustments}
    return tuple(one for one in proposed if (one.task, one.field, one.new) not in known)


def joined(before: Matrix, added: Sequence[Adjustment]) -> tuple[Adjustment, ...]:
    """Later proposals join an open matrix; one for the same target takes the place of the earlier one."""
    replaced = {(one.task, one.field) for one in added}
    return (*(one for one in before.adjustments if (one.task, one.field) not in replaced), *added)


def is_living(matrix: Matrix) -> bool:
    return matrix.state in {ConsentState.DRAFT, ConsentState.OPEN}


def worded(
    rows: Sequence[Row], adjustments: Sequence[Adjustment], number: str, before: Sequence[Row]
) -> tuple[Row, ...]:
    """First wording of what the system knows: actions and extra hours. Compensations are for people to offer."""
    known = {(row.person, row.task): row for row in before}
    extra = {one.task: _more(one) for one in adjustments if one.field is TargetField.PLANNED_HOURS}
    return tuple(_worded(row, extra, number, known.get((row.person, row.task))) for row in rows)


def _worded(row: Row, extra: Mapping[UUID, Decimal], number: str, known: Row | None) -> Row:
    if known is not None:
        return replace(known, found_by=row.found_by)
    if row.found_by in {FoundBy.OWNER, FoundBy.NEXT_OWNER} and row.task is not None:
        hours = extra.get(row.task, Decimal(0))
        action = f"按 {number} 的新目标完成 {row.task_code}"
        return replace(row, action=action, hours=hours, compensation=None if hours else _NOTHING)
    action = f"核对 {row.task_code} 的计划" if row.task_code else "核对项目计划"
    return replace(row, action=action, hours=Decimal(0), compensation=_NOTHING)


def _more(one: Adjustment) -> Decimal:
    return max(Decimal(0), Decimal(one.new or 0) - Decimal(one.old or 0))
