"""An appeal of an adjustment or a score, from filing to acknowledgement, as one state machine (C9).

filed → admitted or refused → frozen → decided → recalculated → acknowledged. Who handles it stands outside the
reporting line of both sides. After the evidence is frozen nothing can be added to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from bihuan_contracts.changes import Adjustment, Compensation, CompensationKind, ConsentAnswer, ConsentState
from changes.domain.consent import Matrix, NotYoursError, Row, StaleError


class AppealState(StrEnum):
    FILED = "filed"
    ADMITTED = "admitted"
    REFUSED = "refused"
    FROZEN = "frozen"
    DECIDED = "decided"
    RECALCULATED = "recalculated"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "withdrawn"


class SubjectKind(StrEnum):
    TARGET = "target"
    """A target that a change or a matrix has moved."""
    ROW = "row"
    """A row of a matrix, such as the arbiter's decision."""
    SCORE = "score"


class Outcome(StrEnum):
    UPHELD = "upheld"
    PARTLY = "partly"
    DISMISSED = "dismissed"


ENDED = {AppealState.REFUSED, AppealState.ACKNOWLEDGED, AppealState.WITHDRAWN}
WITHIN_DAYS = {
    AppealState.FILED: 2,
    AppealState.ADMITTED: 3,
    AppealState.FROZEN: 5,
    AppealState.DECIDED: 2,
    AppealState.RECALCULATED: 5,
}
"""Working days for the next step."""
FILE_WITHIN_DAYS = 15
"""Working days after the adjustment."""
MOST_FILES = 20
MOST_FILE_BYTES = 100 * 2**20
"""All files of one appeal: its bundle is put together in memory."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is contested. `key` says it once: nobody appeals the same thing twice at a time."""

    kind: SubjectKind
    title: str
    task: UUID | None = None
    change: UUID | None = None
    matrix: UUID | None = None
    row: UUID | None = None
    score: str | None = None
    metric: str | None = None
    """The benchmark that a contested score is, where it is one."""

    @property
    def key(self) -> str:
        parts = (self.kind, self.task, self.change, self.matrix, self.row, self.score)
        return "|".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True, slots=True)
class Appeal:
    appeal: UUID
    number: str
    subject: Subject
    appellant: str
    respondent: str | None
    handler: str | None
    statement: str
    wish: str
    filed_at: datetime
    due_at: datetime | None
    state: AppealState = AppealState.FILED
    overdue: bool = False
    admission: str | None = None
    """Why it was admitted, or not."""
    digest: str | None = None
    """SHA-256 of the frozen bundle's manifest."""
    outcome: Outcome | None = None
    decision: str | None = None
    matrix: UUID | None = None
    """The settled matrix that carries the corrections out."""
    result: str | None = None
    """What came out of the recalculation of a score."""
    satisfied: bool | None = None
    version: int = 1

    @property
    def waits_for(self) -> str | None:
        """Whose step is next."""
        if self.state in ENDED:
            return None
        if self.state is AppealState.RECALCULATED or (
            self.state is AppealState.DECIDED and self.outcome is Outcome.DISMISSED
        ):
            return self.appellant
        return self.handler


# ── who handles it, who sees it ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Colleague:
    person: str
    manager: str | None
    roles: frozenset[str] = field(default_factory=frozenset)


_ABLE = ("hr", "process_owner", "manager", "director")
"""Roles that can handle an appeal, the most independent one first; auditors oversee and handle none."""


def line_of(people: Mapping[str, Colleague], person: str) -> set[str]:
    """Everybody above and below a person, and the person."""
    line, above = {person}, people[person].manager if person in people else None
    while above is not None and above not in line:
        line.add(above)
        above = people[above].manager if above in people else None
    below = {person}
    while below:
        below = {one.person for one in people.values() if one.manager in below} - line
        line |= below
    return line


def find_handler(
    people: Mapping[str, Colleague], sides: Iterable[str], concerned: Iterable[str], load: Mapping[str, int]
) -> str | None:
    """Outside the reporting line of both sides and not concerned, with the fewest open appeals. None: nobody is."""
    excluded = set(concerned).union(*(line_of(people, side) for side in sides))
    able = [
        (rank, load.get(one.person, 0), one.person)
        for one in people.values()
        if one.person not in excluded and "auditor" not in one.roles
        for rank, role in enumerate(_ABLE)
        if role in one.roles
    ]
    return min(able)[2] if able else None


def sees(appeal: Appeal, person: str, *, auditor: bool) -> bool:
    """The file is for the appellant, the handler and the auditors; for the other side once it is admitted."""
    if auditor or person in {appeal.appellant, appeal.handler}:
        return True
    told = appeal.state not in {AppealState.FILED, AppealState.REFUSED} and appeal.admission is not None
    return person == appeal.respondent and told


# ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def admit(appeal: Appeal, by: str, admitted: bool, reason: str) -> Appeal:
    _require(appeal, AppealState.FILED)
    _require_handler(appeal, by)
    return _next(appeal, AppealState.ADMITTED if admitted else AppealState.REFUSED, admission=reason)


def freeze(appeal: Appeal, by: str | None, digest: str) -> Appeal:
    """`by` None: the time for statements is over."""
    _require(appeal, AppealState.ADMITTED)
    if by is not None:
        _require_handler(appeal, by)
    return _next(appeal, AppealState.FROZEN, digest=digest)


def decide(appeal: Appeal, by: str, outcome: Outcome, reason: str, matrix: UUID | None) -> Appeal:
    _require(appeal, AppealState.FROZEN)
    _require_handler(appeal, by)
    return _next(appeal, AppealState.DECIDED, outcome=outcome, decision=reason, matrix=matrix)


def recalculated(appeal: Appeal, by: str | None, result: str | None = None) -> Appeal:
    """`by` None: goals has moved the targets."""
    _require(appeal, AppealState.DECIDED)
    if appeal.outcome is Outcome.DISMISSED:
        raise StaleError("dismissed", "申诉未获支持，没有要重算的", "The appeal was dismissed: nothing is recalculated")
    if by is not None:
        _require_handler(appeal, by)
        if appeal.matrix is not None:
            raise StaleError("by_goals", "目标由系统重算", "Targets are recalculated by the system")
    return _next(appeal, AppealState.RECALCULATED, result=result)


def acknowledge(appeal: Appeal, by: str, satisfied: bool) -> Appeal:
    if by != appeal.appellant:
        raise NotYoursError("not_appellant", "只能由申诉人确认", "Only the appellant may acknowledge")
    if appeal.waits_for != by:
        raise StaleError("not_done", "还没有结果可以确认", "There is no result to acknowledge yet")
    return _next(appeal, AppealState.ACKNOWLEDGED, satisfied=satisfied)


def withdraw(appeal: Appeal, by: str) -> Appeal:
    if by != appeal.appellant:
        raise NotYoursError("not_appellant", "只能由申诉人撤回", "Only the appellant may withdraw")
    if appeal.state not in {AppealState.FILED, AppealState.ADMITTED, AppealState.FROZEN}:
        raise StaleError("decided", "已经决定，不能撤回", "It is decided and can't be withdrawn")
    return _next(appeal, AppealState.WITHDRAWN)


def may_speak(appeal: Appeal, by: str) -> None:
    """Both sides and the handler may add words until the evidence is frozen."""
    if appeal.state not in {AppealState.FILED, AppealState.ADMITTED}:
        raise StaleError("frozen", "证据已封存，不能再补充", "The evidence is frozen: nothing can be added")
    if by not in {appeal.appellant, appeal.respondent, appeal.handler}:
        raise NotYoursError("not_a_side", "只有双方和处理人可以补充", "Only both sides and the handler may add")


def may_remove(appeal: Appeal, by: str, sender: str) -> None:
    """A file sent by mistake, until the evidence is frozen."""
    may_speak(appeal, by)
    if by != sender:
        raise NotYoursError("not_sender", "只有上传的人可以删除", "Only who has added it may remove it")


def _next(appeal: Appeal, state: AppealState, **values: object) -> Appeal:
    changed: Appeal = replace(appeal, state=state, overdue=False, version=appeal.version + 1, **values)  # type: ignore[arg-type]
    return changed


def _require(appeal: Appeal, state: AppealState) -> None:
    if appeal.state is not state:
        raise StaleError("other_state", "申诉已到别的阶段", "The appeal is in another state by now")


def _require_handler(appeal: Appeal, by: str) -> None:
    if by != appeal.handler:
        raise NotYoursError("not_handler", "只有处理人可以这样做", "Only the handler may do this")


# ── what a decision moves ───────────────────────────────────────────────────────────────────────────────────────────


def correction(
    appeal: Appeal,
    id: UUID,
    number: str,
    adjustments: Sequence[Adjustment],
    rows: Sequence[Row],
    reason: str,
    now: datetime,
) -> Matrix:
    """The decision as a settled matrix: it takes effect by the way of all adjustments and is on the same record."""
    assert appeal.handler is not None
    decided = tuple(
        replace(
            row, action=f"按申诉 {appeal.number} 的决定执行", hours=row.hours or Decimal(0),
            compensation=Compensation(kind=CompensationKind.NONE), answer=ConsentAnswer.OVERRIDDEN, answered_at=now,
            reason=reason,
        )
        for row in rows
    )  # fmt: skip
    return Matrix(
        matrix=id, number=number, title=f"申诉 {appeal.number} 的更正", reason=reason, proposer=appeal.handler,
        arbiter=appeal.handler, adjustments=tuple(adjustments), rows=decided, proposed_at=now, sent_at=now,
        settled_at=now, state=ConsentState.SETTLED, revision=1, version=1,
    )  # fmt: skip
