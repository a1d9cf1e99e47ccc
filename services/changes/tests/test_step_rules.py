"""Every state of a change order against every step, and who may take it (C1)."""

import itertools

import pytest
from given_changes import line

from bihuan_contracts.changes import ChangeState
from changes.domain.rebasing import rebase
from changes.domain.steps import Action, Actor, Standing, StepRefusedError, WayOut, after, possible, way_out

S, A = ChangeState, Action
AUTHOR = Actor("10231")
REVIEWER = Actor("10500", reviews=True)
OVERSEER = Actor("10003", reviews=True, oversees=True)
STRANGER = Actor("10666")

TABLE: dict[tuple[ChangeState, Action], ChangeState] = {
    (S.DRAFT, A.EDIT): S.DRAFT,
    (S.DRAFT, A.SUBMIT): S.REVIEW,
    (S.DRAFT, A.CANCEL): S.CANCELLED,
    (S.REVIEW, A.WITHDRAW): S.DRAFT,
    (S.REVIEW, A.APPROVE): S.REVIEW,
    (S.REVIEW, A.SEND_BACK): S.DRAFT,
    (S.REVIEW, A.CANCEL): S.CANCELLED,
    (S.RELEASED, A.CLOSE): S.CLOSED,
    (S.RELEASED, A.REVISE): S.RELEASED,
    (S.CLOSED, A.REVISE): S.CLOSED,
}
"""Of an order that has taken effect where it is released, without approval, on the base in force."""


def an_order(state: ChangeState, **more: object) -> Standing:
    values: dict[str, object] = {"state": state, "author": "10231", "applied": state in {S.RELEASED, S.CLOSED}}
    return Standing(**(values | more))  # type: ignore[arg-type]


def somebody_who_may(action: Action) -> Actor:
    return REVIEWER if action in {A.APPROVE, A.SEND_BACK} else AUTHOR


@pytest.mark.parametrize(("state", "action"), list(itertools.product([s for s in S if s is not S.UNKNOWN], A)))
def test_every_state_against_every_step(state: ChangeState, action: Action) -> None:
    """C1: what the table does not name is refused, in a closed, cancelled or superseded order as locked."""
    target = TABLE.get((state, action))
    if target is not None:
        assert after(an_order(state), action, somebody_who_may(action)) is target
        return
    with pytest.raises(StepRefusedError) as refused:
        after(an_order(state), action, somebody_who_may(action))
    locked = state in {S.CANCELLED, S.SUPERSEDED} or (state is S.CLOSED and action is not A.REVISE)
    assert (refused.value.code == "content_locked") is locked
    assert refused.value.zh
    assert refused.value.en


def test_release_without_approval_is_refused() -> None:
    for state in (S.DRAFT, S.REVIEW):
        with pytest.raises(StepRefusedError, match="no_approval"):
            after(an_order(state), A.RELEASE, AUTHOR)
    assert after(an_order(S.REVIEW, approved_by=("10500",)), A.RELEASE, AUTHOR) is S.RELEASED


def test_where_the_company_allows_it_the_author_releases_alone() -> None:
    """C2: the form publishes directly."""
    assert after(an_order(S.DRAFT, approval_needed=False), A.RELEASE, AUTHOR) is S.RELEASED


def test_nobody_approves_a_change_of_their_own() -> None:
    own = an_order(S.REVIEW, author=REVIEWER.person)
    for action in (A.APPROVE, A.SEND_BACK):
        with pytest.raises(StepRefusedError, match="own_change"):
            after(own, action, REVIEWER)
    with pytest.raises(StepRefusedError, match="approved_already"):
        after(an_order(S.REVIEW, approved_by=(REVIEWER.person,)), A.APPROVE, REVIEWER)


def test_stale_base_blocks_until_rebased() -> None:
    stale = an_order(S.REVIEW, approved_by=("10500",), base_moved_by="ECN-2026-0187")
    for action, by in ((A.RELEASE, AUTHOR), (A.APPROVE, OVERSEER)):
        with pytest.raises(StepRefusedError, match="stale_base"):
            after(stale, action, by)
    assert after(stale, A.REBASE, AUTHOR) is S.REVIEW
    with pytest.raises(StepRefusedError, match="base_in_force"):
        after(an_order(S.DRAFT), A.REBASE, AUTHOR)


def test_dated_change_can_be_cancelled_until_it_acts() -> None:
    assert after(an_order(S.RELEASED, applied=False), A.CANCEL, AUTHOR) is S.CANCELLED
    with pytest.raises(StepRefusedError, match="already_applied"):
        after(an_order(S.RELEASED), A.CANCEL, AUTHOR)


def test_change_with_a_retest_without_report_stays_open() -> None:
    """C10."""
    with pytest.raises(StepRefusedError, match=r"retests_open.*RT-1, RT-2"):
        after(an_order(S.RELEASED, open_retests=("RT-1", "RT-2")), A.CLOSE, OVERSEER)


def test_only_the_right_people_are_offered_a_step() -> None:
    review = an_order(S.REVIEW)
    assert possible(review, AUTHOR) == (A.WITHDRAW, A.CANCEL)
    assert possible(review, REVIEWER) == (A.APPROVE, A.SEND_BACK)
    assert possible(review, OVERSEER) == (A.APPROVE, A.SEND_BACK, A.CANCEL)
    assert possible(review, STRANGER) == ()


def test_every_order_says_what_it_waits_for() -> None:
    assert [
        way_out(an_order(S.DRAFT)),
        way_out(an_order(S.REVIEW)),
        way_out(an_order(S.REVIEW, approved_by=("10500",))),
        way_out(an_order(S.REVIEW, base_moved_by="X")),
        way_out(an_order(S.RELEASED, applied=False)),
        way_out(an_order(S.RELEASED, open_retests=("RT-1",))),
        way_out(an_order(S.RELEASED)),
        way_out(an_order(S.CLOSED)),
    ] == [
        WayOut.AUTHOR, WayOut.APPROVAL, WayOut.RELEASE, WayOut.REBASE, WayOut.DATE, WayOut.RETESTS, WayOut.CLOSE,
        WayOut.OVER,
    ]  # fmt: skip


BASE = (line("A"), line("B", quantity=2), line("C"))


def test_rebase_takes_from_each_side_what_only_that_side_has_touched() -> None:
    mine = (line("A"), line("B", quantity=5), line("C"))
    theirs = (line("A"), line("B", quantity=2), line("D"))
    lines, clashes = rebase(BASE, mine, theirs, {})
    assert {one.item: one.quantity for one in lines} == {"A": 1, "B": 5, "D": 1}
    assert clashes == ()


def test_rebase_asks_about_what_both_have_touched() -> None:
    mine, theirs = (line("A"), line("B", quantity=5), line("C")), (line("A"), line("C"))
    _, clashes = rebase(BASE, mine, theirs, {})
    assert [(one.item, one.mine is None, one.theirs is None) for one in clashes] == [("B", False, True)]
    kept, none = rebase(BASE, mine, theirs, {"B": "mine"})
    assert {one.item: one.quantity for one in kept} == {"A": 1, "B": 5, "C": 1}
    assert none == ()
    given_up, _ = rebase(BASE, mine, theirs, {"B": "theirs"})
    assert {one.item for one in given_up} == {"A", "C"}
