"""The order of the decision tables: proposed by one person, approved by another (C4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from changes.domain.rules_versions import BASE, StepRefusedError


class OrderState(StrEnum):
    IN_REVIEW = "in_review"
    IN_FORCE = "in_force"
    """Approved: in force from then until the next one is."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class TableOrder:
    number: int
    names: tuple[str, ...]
    """All tables but the base table, which is always asked last. Newer tables follow in the order of their creation."""
    author: str
    proposed_at: datetime
    state: OrderState = OrderState.IN_REVIEW
    decided_by: str | None = None
    decided_at: datetime | None = None


def propose(number: int, names: Sequence[str], now_asked: Sequence[str], by: str, now: datetime) -> TableOrder:
    """`now_asked`: every table in the order in force."""
    movable = [name for name in now_asked if name != BASE]
    if sorted(names) != sorted(movable):
        raise StepRefusedError(
            "other_tables", "规则有增减，请先看最新的", "There are other tables by now; look at them first"
        )
    if list(names) == movable:
        raise StepRefusedError("same_order", "顺序没有变", "That is the order in force")
    return TableOrder(number, tuple(names), by, now)


def approve(order: TableOrder, by: str, now: datetime) -> TableOrder:
    _in_review(order)
    if by == order.author:
        raise StepRefusedError("own_draft", "提出人不能批准自己的顺序", "Who has proposed it can't approve it")
    return replace(order, state=OrderState.IN_FORCE, decided_by=by, decided_at=now)


def refuse(order: TableOrder, by: str, now: datetime) -> TableOrder:
    """By the second person; by its author it is withdrawn."""
    _in_review(order)
    state = OrderState.WITHDRAWN if by == order.author else OrderState.REFUSED
    return replace(order, state=state, decided_by=by, decided_at=now)


def _in_review(order: TableOrder) -> None:
    if order.state is not OrderState.IN_REVIEW:
        raise StepRefusedError("state", "已有人处理过", "Somebody has decided it already")
