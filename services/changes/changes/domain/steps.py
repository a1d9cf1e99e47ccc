"""The steps of a change order: which are possible in which state, and to whom (C1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bihuan_contracts.changes import ChangeState


class Action(StrEnum):
    EDIT = "edit"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    """Back from review to draft, by the author."""
    APPROVE = "approve"
    SEND_BACK = "send_back"
    """Back from review to draft, by a reviewer, with a reason."""
    RELEASE = "release"
    REBASE = "rebase"
    CANCEL = "cancel"
    CLOSE = "close"
    REVISE = "revise"
    """A draft of the next revision; released, it supersedes this one."""


class StepRefusedError(Exception):
    """A step that is not taken; `code` is stable, the words say why. `status`: 403 for the wrong person, else 409."""

    def __init__(self, code: str, zh: str, en: str, *, status: int = 409) -> None:
        self.code, self.zh, self.en, self.status = code, zh, en, status
        super().__init__(f"{code}: {en}")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the steps of an order depend on."""

    state: ChangeState
    author: str | None
    approved_by: tuple[str, ...] = ()
    applied: bool = False
    base_moved_by: str | None = None
    """Number of the change that has replaced the base meanwhile."""
    open_retests: tuple[str, ...] = ()
    """Retest cards without a report against the new criterion by their codes, and those still to be made by title."""
    approval_needed: bool = True
    """Whether this company lets the author release without somebody else's approval."""


@dataclass(frozen=True, slots=True)
class Actor:
    person: str
    reviews: bool = False
    """May approve the changes of others: project leads, managers, process owners, directors."""
    oversees: bool = False
    """May act for an author who is away: process owners, administrators."""


_S = ChangeState
_STEPS: Mapping[tuple[ChangeState, Action], ChangeState] = {
    (_S.DRAFT, Action.EDIT): _S.DRAFT,
    (_S.DRAFT, Action.SUBMIT): _S.REVIEW,
    (_S.DRAFT, Action.RELEASE): _S.RELEASED,
    (_S.DRAFT, Action.REBASE): _S.DRAFT,
    (_S.DRAFT, Action.CANCEL): _S.CANCELLED,
    (_S.REVIEW, Action.WITHDRAW): _S.DRAFT,
    (_S.REVIEW, Action.APPROVE): _S.REVIEW,
    (_S.REVIEW, Action.SEND_BACK): _S.DRAFT,
    (_S.REVIEW, Action.RELEASE): _S.RELEASED,
    (_S.REVIEW, Action.REBASE): _S.REVIEW,
    (_S.REVIEW, Action.CANCEL): _S.CANCELLED,
    (_S.RELEASED, Action.CANCEL): _S.CANCELLED,
    (_S.RELEASED, Action.CLOSE): _S.CLOSED,
    (_S.RELEASED, Action.REVISE): _S.RELEASED,
    (_S.CLOSED, Action.REVISE): _S.CLOSED,
}
_LOCKED = {_S.CLOSED, _S.CANCELLED, _S.SUPERSEDED}
NEEDS_REASON = {Action.SEND_BACK, Action.CANCEL}


def after(standing: Standing, action: Action, by: Actor) -> ChangeState:
    """The state after the step; raises StepRefusedError."""
    target = _STEPS.get((standing.state, action))
    if target is None:
        raise _impossible(standing.state)
    _person(standing, action, by)
    _guards(standing, action)
    return target


def possible(standing: Standing, by: Actor) -> tuple[Action, ...]:
    """The steps that this person can take now."""
    found = []
    for action in Action:
        try:
            after(standing, action, by)
        except StepRefusedError:
            continue
        found.append(action)
    return tuple(found)


class WayOut(StrEnum):
    """What an order waits for."""

    AUTHOR = "author"
    """A draft: its author goes on."""
    REBASE = "rebase"
    APPROVAL = "approval"
    RELEASE = "release"
    DATE = "date"
    RETESTS = "retests"
    CLOSE = "close"
    OVER = "over"


def way_out(standing: Standing) -> WayOut:
    match standing.state:
        case ChangeState.DRAFT | ChangeState.REVIEW if standing.base_moved_by is not None:
            return WayOut.REBASE
        case ChangeState.DRAFT:
            return WayOut.AUTHOR
        case ChangeState.REVIEW:
            return WayOut.RELEASE if standing.approved_by else WayOut.APPROVAL
        case ChangeState.RELEASED if not standing.applied:
            return WayOut.DATE
        case ChangeState.RELEASED:
            return WayOut.RETESTS if standing.open_retests else WayOut.CLOSE
        case _:
            return WayOut.OVER


def _impossible(state: ChangeState) -> StepRefusedError:
    if state in _LOCKED:
        return StepRefusedError(
            "content_locked", "变更单已经结束，内容不能再改", "This change is over: its content is locked"
        )
    return StepRefusedError("not_in_this_state", "变更单现在的状态不能这样做", "Not possible in the change's state")


def _person(standing: Standing, action: Action, by: Actor) -> None:
    author = by.person == standing.author
    match action:
        case Action.APPROVE | Action.SEND_BACK if author:
            raise StepRefusedError(
                "own_change", "不能审批自己的变更", "Nobody approves a change of their own", status=403
            )
        case Action.APPROVE if by.person in standing.approved_by:
            raise StepRefusedError("approved_already", "你已经审批过了", "You have approved this already")
        case Action.APPROVE | Action.SEND_BACK:
            allowed = by.reviews
        case Action.CLOSE | Action.REVISE:
            allowed = author or by.reviews or by.oversees
        case Action.EDIT | Action.SUBMIT | Action.WITHDRAW:
            allowed = author
        case _:
            allowed = author or by.oversees
    if not allowed:
        raise StepRefusedError("not_yours", "这一步不由你来做", "This step is not yours to take", status=403)


def _guards(standing: Standing, action: Action) -> None:
    match action:
        case Action.APPROVE | Action.RELEASE | Action.SUBMIT if standing.base_moved_by is not None:
            raise StepRefusedError(
                "stale_base",
                f"基线已被 {standing.base_moved_by} 改掉，请先变基",
                f"{standing.base_moved_by} has replaced the base: rebase first",
            )
        case Action.RELEASE if standing.approval_needed and not standing.approved_by:
            raise StepRefusedError(
                "no_approval", "还没有人审批，不能发布", "Nobody has approved this yet: it can't be released"
            )
        case Action.REBASE if standing.base_moved_by is None:
            raise StepRefusedError("base_in_force", "基线就是当前版本，不用变基", "The base is the version in force")
        case Action.CANCEL if standing.applied:
            raise StepRefusedError(
                "already_applied",
                "变更已经生效，只能用新的修订替代",
                "In effect already: only a new revision replaces it",
            )
        case Action.CLOSE if not standing.applied:
            raise StepRefusedError("not_applied", "变更还没有生效", "The change has not taken effect yet")
        case Action.CLOSE if standing.open_retests:
            count, names = len(standing.open_retests), standing.open_retests
            raise StepRefusedError(
                "retests_open",
                f"还有 {count} 张重测卡没有新标准下的报告：{'、'.join(names)}",
                f"No report against the new criterion yet ({count}): {', '.join(names)}",
            )
        case Action.REVISE if not standing.applied:
            raise StepRefusedError("not_applied", "变更还没有生效，可以撤销", "Not in effect yet: cancel it")
        case _:
            return
