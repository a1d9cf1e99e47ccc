"""What a proposal moves: targets of tasks with their old and new values (C7)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import Body, FieldError, Invalid, Reply, Tx
from bihuan_contracts import Text
from bihuan_contracts.changes import Adjustment
from bihuan_contracts.goals import TargetField
from changes import consent_store
from changes.domain.world import Task

_OPEN = {"active", "draft"}
_MOST_HOURS = 100_000


class AdjustmentIn(Body):
    task: UUID
    field: Literal["due_at", "planned_hours", "owner"]
    new: Annotated[str, Field(min_length=1, max_length=64)]
    """ISO 8601 with zone, hours as a plain number, or an employee number."""


class AdjustmentReply(Reply):
    task: UUID
    task_code: str
    task_title: str
    field: TargetField
    old: str | None
    new: str | None
    old_name: str | None = None
    new_name: str | None = None
    """Names, where the values are people."""


async def adjustments_of(
    tx: Tx, given: Sequence[AdjustmentIn], field: str = "adjustments"
) -> tuple[tuple[Adjustment, ...], dict[UUID, Task]]:
    """`field`: of the body, for the refusals."""
    tasks = await consent_store.tasks(tx, {one.task for one in given})
    people = await consent_store.known_people(tx, {one.new for one in given if one.field == "owner"})
    errors: list[FieldError] = []
    found: list[Adjustment] = []
    seen: set[tuple[UUID, str]] = set()
    for place, one in enumerate(given):
        at = f"{field}.{place}"
        task = tasks.get(one.task)
        if task is None:
            errors.append(_error(f"{at}.task", "unknown_task", "没有这个任务", "There is no such task"))
        elif task.state not in _OPEN:
            errors.append(_error(f"{at}.task", "closed_task", "任务已经结束", "The task has ended"))
        elif (one.task, one.field) in seen:
            errors.append(_error(f"{at}.field", "duplicate", "同一目标列了两次", "The same target is listed twice"))
        else:
            new = _value(one, people)
            if isinstance(new, FieldError):
                errors.append(replace(new, field=f"{at}.new"))
            elif new == _old(task, one.field):
                errors.append(_error(f"{at}.new", "unchanged", "与现在的目标相同", "This is the target already"))
            else:
                found.append(
                    Adjustment(
                        task=task.task, task_code=task.code, task_title=task.title, project=task.project,
                        field=TargetField(one.field), old=_old(task, one.field), new=new,
                    )
                )  # fmt: skip
        seen.add((one.task, one.field))
    if errors:
        raise Invalid(errors=errors)
    return tuple(found), tasks


def _value(given: AdjustmentIn, people: set[str]) -> str | FieldError:
    if given.field == "planned_hours":
        return _hours(given.new)
    if given.field == "due_at":
        return _moment(given.new)
    return given.new if given.new in people else _error("", "unknown_person", "没有这个人", "There is no such person")


def _hours(given: str) -> str | FieldError:
    try:
        hours = Decimal(given)
    except InvalidOperation:
        return _error("", "not_a_number", "应为数字", "Should be a number")
    if not hours.is_finite() or not 0 <= hours <= _MOST_HOURS:
        return _error("", "out_of_range", "工时应在 0 到 100000 之间", "Hours should lie between 0 and 100000")
    return format(hours.normalize(), "f")


def _moment(given: str) -> str | FieldError:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        return _error("", "not_a_time", "不是有效的时间", "Not a valid time")
    if moment.tzinfo is None:
        return _error("", "zone", "时间必须带时区", "The time needs a zone")
    return moment.astimezone(UTC).isoformat()


def _old(task: Task, field: str) -> str | None:
    if field == "owner":
        return task.owner
    if field == "due_at":
        return task.due_at.astimezone(UTC).isoformat() if task.due_at else None
    return format(task.planned_hours.normalize(), "f") if task.planned_hours is not None else None


def _error(field: str, code: str, zh: str, en: str) -> FieldError:
    return FieldError(field, code, Text(zh=zh, en=en))


def adjustment_reply(one: Adjustment, names: dict[str, str]) -> AdjustmentReply:
    people = one.field is TargetField.OWNER
    return AdjustmentReply(
        task=one.task, task_code=one.task_code, task_title=one.task_title, field=one.field, old=one.old, new=one.new,
        old_name=names.get(one.old or "") if people else None, new_name=names.get(one.new or "") if people else None,
    )  # fmt: skip
