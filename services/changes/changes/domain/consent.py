"""The impact matrix of a goal change and the consent of everybody it affects, as one state machine (C7, C8).

draft → open → settled, or withdrawn. What the matrix moves takes effect when it is settled and not before: when every
row of the current revision is accepted, or overridden by the arbiter with a written reason. Silence never counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentAnswer, ConsentState
from bihuan_contracts.goals import TargetField
from changes.domain.world import Task

_SETTLING = {ConsentAnswer.ACCEPTED, ConsentAnswer.OVERRIDDEN}
_WORKABLE = {"active", "draft"}


class FoundBy(StrEnum):
    """Why somebody has a row."""

    OWNER = "owner"
    """Owns a task whose target moves."""
    NEXT_OWNER = "next_owner"
    """Takes the task over."""
    LEAD = "lead"
    """Answers for the project."""
    WAITS = "waits"
    """Owns a task that waits for one whose date moves."""
    NEEDED = "needed"
    """Owns a task that has to be finished for one that is pulled forward."""
    MODULE = "module"
    """Works on the same module in the same project."""
    HELPER = "helper"
    """Is to help, as somebody's compensation."""
    PERSON = "person"
    """Added by the proposer."""


@dataclass(frozen=True, slots=True)
class Link:
    """A dependency of a task that is about to move: the task at its other end."""

    moved: UUID
    task: Task
    waits: bool
    """The other one waits for it; else it waits for the other one."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What somebody asks for instead (C8)."""

    hours: Decimal | None = None
    compensation: Compensation | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One affected person. `reason` holds the person's own words, or the arbiter's."""

    row: UUID
    person: str
    found_by: FoundBy
    task: UUID | None = None
    task_code: str | None = None
    action: str = ""
    hours: Decimal | None = None
    compensation: Compensation | None = None
    answer: ConsentAnswer = ConsentAnswer.SILENT
    answered_at: datetime | None = None
    reason: str | None = None
    counter: Counter | None = None
    escalated: bool = False
    """Silent for too long: the arbiter may decide."""

    @property
    def settled(self) -> bool:
        return self.answer in _SETTLING


@dataclass(frozen=True, slots=True)
class Matrix:
    matrix: UUID
    number: str
    title: str
    reason: str
    proposer: str
    arbiter: str | None
    adjustments: tuple[Adjustment, ...]
    rows: tuple[Row, ...]
    proposed_at: datetime
    change: UUID | None = None
    state: ConsentState = ConsentState.DRAFT
    revision: int = 0
    """0 while nobody has been asked."""
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    version: int = 0


class ConsentError(Exception):
    """The matrix refuses a step; `code` is stable."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code, self.zh, self.en = code, zh, en
        super().__init__(code)


class StaleError(ConsentError):
    """The step was meant for an earlier state of the matrix."""


class NotYoursError(ConsentError):
    """Somebody else's step."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A column that is not filled in as the matrix needs it."""

    field: str
    code: str
    zh: str
    en: str


# ── who is affected ─────────────────────────────────────────────────────────────────────────────────────────────────


def affected(
    adjustments: Sequence[Adjustment],
    tasks: Mapping[UUID, Task],
    links: Iterable[Link],
    neighbours: Iterable[Task],
    leads: Mapping[UUID, str],
    proposer: str,
    new_id: Callable[[], UUID],
) -> tuple[Row, ...]:
    """A row for everybody whom these adjustments concern, each person and task once, strongest reason first.

    `links` are dependencies of these tasks, `neighbours` open tasks on the same modules in the same projects; `leads`
    the leads by project. A link counts where a date or a state moves: who waits is concerned by that, and who has to
    be ready before by an earlier date. What follows from the next one's own date is found when that is adjusted.
    """
    found: dict[tuple[str, UUID | None], tuple[FoundBy, Task | None]] = {}
    for one in adjustments:
        task = tasks[one.task]
        if task.owner:
            found.setdefault((task.owner, task.task), (FoundBy.OWNER, task))
        if one.field is TargetField.OWNER and one.new:
            found.setdefault((one.new, task.task), (FoundBy.NEXT_OWNER, task))
    concerned = {person for person, _ in found}
    for one in adjustments:
        lead = leads.get(one.project)
        if lead is not None and lead != proposer and lead not in concerned:
            found.setdefault((lead, None), (FoundBy.LEAD, None))
            concerned.add(lead)
    moving = {one.task for one in adjustments if one.field in {TargetField.DUE_AT, TargetField.OWNER}}
    earlier = {
        one.task: _is_earlier(one) for one in adjustments if one.field in {TargetField.DUE_AT, TargetField.STATE}
    }
    for link in sorted(links, key=lambda link: (not link.waits, link.task.code)):
        other = link.task
        new = other.task not in tasks and other.owner not in {None, proposer, *concerned}
        counts = link.moved in earlier and (link.waits or earlier[link.moved])
        if new and counts and other.state in _WORKABLE:
            assert other.owner is not None
            found.setdefault((other.owner, other.task), (FoundBy.WAITS if link.waits else FoundBy.NEEDED, other))
            concerned.add(other.owner)
    places = {(tasks[one].module, tasks[one].project) for one in moving if tasks[one].module}
    for neighbour in sorted(neighbours, key=lambda task: task.code):
        new = neighbour.task not in tasks and neighbour.owner not in {None, proposer, *concerned}
        if new and (neighbour.module, neighbour.project) in places and neighbour.state in _WORKABLE:
            assert neighbour.owner is not None
            found.setdefault((neighbour.owner, neighbour.task), (FoundBy.MODULE, neighbour))
            concerned.add(neighbour.owner)
    return tuple(
        Row(new_id(), person, why, task.task if task else None, task.code if task else None)
        for (person, _), (why, task) in found.items()
    )


def _is_earlier(one: Adjustment) -> bool:
    if one.field is not TargetField.DUE_AT or one.new is None:
        return False
    return one.old is None or datetime.fromisoformat(one.new) < datetime.fromisoformat(one.old)


def gaps(matrix: Matrix) -> list[Gap]:
    """What the four mandatory columns lack: affected object, action, hours, compensation (C7)."""
    found: list[Gap] = []
    if not matrix.adjustments:
        found.append(Gap("adjustments", "too_short", "没有要调整的目标", "Nothing is to be adjusted"))
    if not matrix.rows:
        found.append(Gap("rows", "too_short", "没有受影响的人", "Nobody is affected"))
    for place, row in enumerate(matrix.rows):
        at = f"rows.{place}"
        if not row.action.strip():
            found.append(Gap(f"{at}.action", "missing", "请写明要做什么", "Say what is to be done"))
        if row.hours is None:
            found.append(Gap(f"{at}.hours", "missing", "请填写额外工时，没有就填 0", "Extra hours, 0 where none"))
        found += _compensation_gaps(at, row)
    return found


def _compensation_gaps(at: str, row: Row) -> list[Gap]:
    given = row.compensation
    if given is None:
        return [Gap(f"{at}.compensation", "missing", "请选择补偿", "Choose a compensation")]
    if given.kind is CompensationKind.NONE:
        if row.hours:
            text = "有额外工时就要有补偿", "Extra hours need a compensation"
            return [Gap(f"{at}.compensation.kind", "needed", *text)]
        return []
    found = []
    if given.amount <= 0:
        found.append(Gap(f"{at}.compensation.amount", "missing", "补偿要有数量", "The compensation needs an amount"))
    if given.kind is CompensationKind.HELP and not given.helper:
        found.append(Gap(f"{at}.compensation.helper", "missing", "请选择由谁帮忙", "Say who helps"))
    return found


# ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def send(matrix: Matrix, by: str, now: datetime) -> Matrix:
    """Ask everybody: a new revision, to which nobody has answered yet. The proposer's own rows are accepted by it."""
    _require_proposer(matrix, by)
    _require_living(matrix)
    rows = tuple(
        replace(
            row,
            answer=ConsentAnswer.ACCEPTED if row.person == by else ConsentAnswer.SILENT,
            answered_at=now if row.person == by else None,
            reason=None,
            counter=None,
            escalated=False,
        )
        for row in matrix.rows
    )
    asked = replace(
        matrix,
        state=ConsentState.OPEN,
        revision=matrix.revision + 1,
        rows=rows,
        sent_at=now,
        version=matrix.version + 1,
    )
    return _settle(asked, now)


def edit(
    matrix: Matrix, by: str, title: str, reason: str, adjustments: Sequence[Adjustment], rows: Sequence[Row]
) -> Matrix:
    """The proposer's next wording. An open matrix is a draft until it is sent again: nobody can agree meanwhile."""
    _require_proposer(matrix, by)
    _require_living(matrix)
    return replace(
        matrix, state=ConsentState.DRAFT, title=title, reason=reason, adjustments=tuple(adjustments), rows=tuple(rows),
        version=matrix.version + 1,
    )  # fmt: skip


def answer(
    matrix: Matrix,
    row: UUID,
    by: str,
    revision: int,
    given: ConsentAnswer,
    now: datetime,
    *,
    reason: str | None = None,
    counter: Counter | None = None,
) -> Matrix:
    """Somebody accepts, negotiates or rejects for themselves; only for the revision that is open."""
    _require_open(matrix, revision)
    found = _row(matrix, row)
    if found.person != by:
        raise NotYoursError("not_yours", "只能由本人回答", "Only the person may answer")
    if found.answer is ConsentAnswer.OVERRIDDEN:
        raise StaleError("decided", "仲裁人已经决定", "The arbiter has decided already")
    replied = replace(found, answer=given, answered_at=now, reason=reason, counter=counter)
    return _settle(_with(matrix, replied), now)


def override(matrix: Matrix, row: UUID, by: str, revision: int, reason: str, now: datetime) -> Matrix:
    """The arbiter decides a row that was rejected, negotiated, or silent for too long."""
    _require_open(matrix, revision)
    if by != matrix.arbiter:
        raise NotYoursError("not_arbiter", "只有仲裁人可以决定", "Only the arbiter may decide")
    found = _row(matrix, row)
    if found.settled:
        raise StaleError("settled", "这一行已经同意", "This row is agreed already")
    if found.answer is ConsentAnswer.SILENT and not found.escalated:
        raise StaleError("too_early", "回答期限还没有过", "There is still time to answer")
    decided = replace(found, answer=ConsentAnswer.OVERRIDDEN, answered_at=now, reason=reason)
    return _settle(_with(matrix, decided), now)


def withdraw(matrix: Matrix, by: str) -> Matrix:
    _require_proposer(matrix, by)
    _require_living(matrix)
    return replace(matrix, state=ConsentState.WITHDRAWN, version=matrix.version + 1)


def escalate(matrix: Matrix, revision: int) -> tuple[Matrix, tuple[Row, ...]]:
    """The time to answer is over: silent rows go to the arbiter. Returns those rows; none for an earlier revision."""
    if matrix.state is not ConsentState.OPEN or matrix.revision != revision:
        return matrix, ()
    silent = tuple(row for row in matrix.rows if row.answer is ConsentAnswer.SILENT and not row.escalated)
    if not silent:
        return matrix, ()
    rows = tuple(replace(row, escalated=True) if row in silent else row for row in matrix.rows)
    return replace(matrix, rows=rows, version=matrix.version + 1), silent


def _settle(matrix: Matrix, now: datetime) -> Matrix:
    if matrix.rows and all(row.settled for row in matrix.rows):
        return replace(matrix, state=ConsentState.SETTLED, settled_at=now)
    return matrix


def _with(matrix: Matrix, row: Row) -> Matrix:
    rows = tuple(row if one.row == row.row else one for one in matrix.rows)
    return replace(matrix, rows=rows, version=matrix.version + 1)


def _row(matrix: Matrix, row: UUID) -> Row:
    found = next((one for one in matrix.rows if one.row == row), None)
    if found is None:
        raise StaleError("no_row", "矩阵里已没有这一行", "The matrix has no such row any more")
    return found


def _require_open(matrix: Matrix, revision: int) -> None:
    _require_living(matrix)
    if matrix.state is not ConsentState.OPEN:
        raise StaleError("not_sent", "矩阵还没有发出", "The matrix has not been sent")
    if revision != matrix.revision:
        raise StaleError(
            "stale_revision",
            f"这是对第 {revision} 版的回答，现在是第 {matrix.revision} 版",
            f"This answers revision {revision}; the current one is {matrix.revision}",
        )


def _require_living(matrix: Matrix) -> None:
    if matrix.state in {ConsentState.SETTLED, ConsentState.WITHDRAWN}:
        raise StaleError("closed", "矩阵已经定稿，不能再改", "The matrix is closed and can't change any more")


def _require_proposer(matrix: Matrix, by: str) -> None:
    if by != matrix.proposer:
        raise NotYoursError("not_proposer", "只有提出人可以这样做", "Only the proposer may do this")
