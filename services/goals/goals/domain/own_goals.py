"""Own goals: a member proposes, the manager accepts, negotiates or declines, and every word is kept (G9)."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from bihuan_contracts import Text
from goals.domain.benchmarks import LESS_IS_BETTER, Metric


class OwnGoalState(StrEnum):
    PROPOSED = "proposed"
    NEGOTIATING = "negotiating"
    """The manager has made a counter-offer: the person answers."""
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    PROPOSE = "propose"
    ACCEPT = "accept"
    NEGOTIATE = "negotiate"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class OwnGoal:
    goal: UUID
    person: str
    manager: str
    metric: Metric
    title: str
    baseline: Decimal | None
    target: Decimal
    due_at: datetime
    state: OwnGoalState
    version: int = 1
    accepted_at: datetime | None = None

    def reached_by(self, value: Decimal) -> bool:
        return value <= self.target if self.metric in LESS_IS_BETTER else value >= self.target


_TO: dict[tuple[OwnGoalState, bool, Act], OwnGoalState] = {
    # (state, by the manager, act)
    (OwnGoalState.PROPOSED, True, Act.ACCEPT): OwnGoalState.ACCEPTED,
    (OwnGoalState.PROPOSED, True, Act.NEGOTIATE): OwnGoalState.NEGOTIATING,
    (OwnGoalState.PROPOSED, True, Act.DECLINE): OwnGoalState.DECLINED,
    (OwnGoalState.PROPOSED, False, Act.WITHDRAW): OwnGoalState.WITHDRAWN,
    (OwnGoalState.NEGOTIATING, False, Act.ACCEPT): OwnGoalState.ACCEPTED,
    (OwnGoalState.NEGOTIATING, False, Act.NEGOTIATE): OwnGoalState.PROPOSED,
    (OwnGoalState.NEGOTIATING, False, Act.WITHDRAW): OwnGoalState.WITHDRAWN,
    (OwnGoalState.NEGOTIATING, True, Act.DECLINE): OwnGoalState.DECLINED,
}


def answer(goal: OwnGoal, by: str, act: Act, words: str, target: Decimal | None) -> OwnGoal | Text:
    """The goal after the answer, or why it can't be given."""
    if by not in {goal.person, goal.manager}:
        return Text(zh="由本人和直接上级商定", en="The person and their manager settle it")
    to = _TO.get((goal.state, by == goal.manager, act))
    if to is None:
        return Text(zh="现在不能这样答复", en="This answer can't be given now")
    if act in {Act.NEGOTIATE, Act.DECLINE} and not words:
        return Text(zh="请写明原因", en="Please say why")
    if act is Act.NEGOTIATE and target is None:
        return Text(zh="协商要给出另一个目标值", en="A counter-offer needs another target")
    kept = goal.target if target is None or act is not Act.NEGOTIATE else target
    return replace(goal, state=to, target=kept, version=goal.version + 1)


def acts(goal: OwnGoal, by: str) -> list[Act]:
    """What somebody may answer now."""
    if by not in {goal.person, goal.manager}:
        return []
    return [act for (state, manager, act) in _TO if state is goal.state and manager is (by == goal.manager)]
