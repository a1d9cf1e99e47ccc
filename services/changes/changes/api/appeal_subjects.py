"""What an appeal contests: a moved target, a row of a matrix, a score; whose it is and who answers for it (C9)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import Body, Forbidden, Tx, invalid
from bihuan_contracts import Text
from bihuan_contracts.changes import ConsentAnswer
from changes import consent_store, record_store, store
from changes.domain.appeal import Subject, SubjectKind


class SubjectIn(Body):
    kind: SubjectKind
    task: UUID | None = None
    """Of the moved target."""
    cause: UUID | None = None
    """The change or the matrix that has moved it."""
    row: UUID | None = None
    matrix: UUID | None = None
    score: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    """Which score, of which period."""
    metric: Annotated[str | None, Field(pattern=r"^[a-z_]{1,60}$")] = None
    """The benchmark that the score is, where it is one."""


@dataclass(frozen=True)
class Contested:
    subject: Subject
    respondent: str | None
    """Who answers for it."""
    at: datetime | None
    concerned: set[str] = field(default_factory=set)
    """Everybody with a part in it, who can't handle the appeal."""


async def contested(tx: Tx, given: SubjectIn, caller: str) -> Contested:
    """Refuses what does not exist and what is somebody else's."""
    if given.kind is SubjectKind.SCORE:
        if given.score is None:
            raise invalid("subject.score", "missing", "请写明是哪一项评分", "Say which score")
        managers = await consent_store.managers(tx, [caller])
        subject = Subject(given.kind, given.score, score=given.score, metric=given.metric)
        return Contested(subject, managers.get(caller), None)
    return await (_row(tx, given, caller) if given.kind is SubjectKind.ROW else _target(tx, given, caller))


async def _target(tx: Tx, given: SubjectIn, caller: str) -> Contested:
    if given.task is None or given.cause is None:
        raise invalid("subject.task", "missing", "请选择被申诉的目标调整", "Choose the contested adjustment")
    records = [row for row in await record_store.causes_of_task(tx, given.task) if row["change"] == given.cause]
    if not records:
        raise invalid("subject.cause", "unknown_adjustment", "没有这次目标调整", "There is no such adjustment")
    record = records[0]
    task = (await consent_store.tasks(tx, [given.task])).get(given.task)
    if caller not in {record["person"], task.owner if task else None}:
        raise _not_yours()
    subject = Subject(
        given.kind, f"{record['task_code']} {record['task_title']}：{record['change_number']}", task=given.task,
        change=None if record["matrix"] else given.cause, matrix=record["matrix"],
    )  # fmt: skip
    if record["matrix"] is not None:
        found = (await consent_store.load(tx, [record["matrix"]])).get(record["matrix"])
        concerned = {row.person for row in found.rows} | {found.arbiter or ""} if found else set()
        return Contested(subject, found.proposer if found else None, record["at"], concerned)
    order = await store.find_order(tx, given.cause)
    return Contested(subject, order.order.released_by if order else None, record["at"])


async def _row(tx: Tx, given: SubjectIn, caller: str) -> Contested:
    if given.matrix is None or given.row is None:
        raise invalid("subject.row", "missing", "请选择矩阵里自己的一行", "Choose your own row of the matrix")
    found = (await consent_store.load(tx, [given.matrix])).get(given.matrix)
    row = next((one for one in found.rows if one.row == given.row), None) if found else None
    if found is None or row is None:
        raise invalid("subject.row", "unknown_row", "没有这一行", "There is no such row")
    if row.person != caller:
        raise _not_yours()
    if found.settled_at is None:
        raise invalid("subject.row", "not_settled", "矩阵还没有生效", "The matrix is not settled yet")
    task = row.task or found.adjustments[0].task
    subject = Subject(given.kind, f"{found.number} {found.title}", task=task, matrix=found.matrix, row=row.row)
    decided = row.answer is ConsentAnswer.OVERRIDDEN
    concerned = {one.person for one in found.rows} | {found.proposer, found.arbiter or ""}
    return Contested(subject, found.arbiter if decided else found.proposer, found.settled_at, concerned)


def _not_yours() -> Forbidden:
    return Forbidden("not_yours", Text(zh="只能由受影响的本人申诉", en="Only the person affected may appeal"))
