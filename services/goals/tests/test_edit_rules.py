"""G1, G2: what may be edited in which state, by whom; loops, order, remainders."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise, product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bihuan_contracts.goals import ProjectState, TaskKind, TaskState
from goals.domain import cycles, edits
from goals.domain.edits import Action
from goals.domain.tree import Goal, Project, Task, Tree

GOAL = Goal(UUID(int=1), "样机达标", owner="10112")
PROJECT = Project(UUID(int=9), "P-1", "磨床", "GX-500", "10500", ProjectState.ACTIVE, goals=(GOAL,))

# One row an action, one column a state: + is done, − is refused.
TABLE = """
          draft active done cancelled superseded
edit        +     +     -      -         -
weigh       +     +     +      -         -
move        +     +     +      -         -
activate    +     -     -      -         -
cancel      +     +     -      -         -
reopen      -     -     -      +         -
book        -     +     -      -         -
decide      +     +     -      -         -
"""


def task(number: int, **more: object) -> Task:
    base = Task(UUID(int=100 + number), f"T-{number}", PROJECT.project, GOAL.goal, f"任务 {number}", TaskKind.DEVELOP,
                TaskState.ACTIVE)  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def a_tree(*tasks: Task) -> Tree:
    return Tree(PROJECT, {one.task: one for one in tasks})


def expected() -> dict[tuple[Action, TaskState], bool]:
    head, *rows = TABLE.strip().splitlines()
    states = [TaskState(word) for word in head.split()]
    return {
        (Action(row.split()[0]), state): sign == "+"
        for row in rows
        for state, sign in zip(states, row.split()[1:], strict=True)
    }


@pytest.mark.parametrize(("action", "state"), list(product(Action, [one for one in TaskState if one != "unknown"])))
def test_every_action_in_every_state(action: Action, state: TaskState) -> None:
    refusal = edits.refusal_of(task(1, state=state), action)
    assert (refusal is None) == expected()[action, state]
    if refusal is not None:
        assert "T-1" in refusal.zh
        assert "T-1" in refusal.en


@pytest.mark.parametrize(
    ("person", "administrator", "goal", "may"),
    [
        ("10500", False, GOAL, True),
        ("10112", False, GOAL, True),
        ("10112", False, None, False),
        ("10231", False, GOAL, False),
        ("10231", True, GOAL, True),
        ("10231", True, None, True),
        ("10112", False, replace(GOAL, owner=None), False),
    ],
)
def test_lead_owner_of_the_goal_above_and_administrator_may_edit(
    person: str, administrator: bool, goal: Goal | None, may: bool
) -> None:
    assert edits.may_edit(PROJECT, goal, person, administrator=administrator) is may


def test_a_loop_is_named_from_end_to_end() -> None:
    one, two, three = task(1), task(2, depends_on=(UUID(int=101),)), task(3, depends_on=(UUID(int=102),))
    refusal = edits.bad_dependencies(a_tree(one, two, three), one.task, [three.task])
    assert refusal is not None
    assert refusal.zh.endswith("T-1 → T-2 → T-3 → T-1")
    assert edits.bad_dependencies(a_tree(one, two, three), three.task, [one.task, two.task]) is None
    assert edits.loop_through(a_tree(one), one.task, [one.task]) == [one, one]


@given(
    some.sets(some.tuples(some.integers(0, 7), some.integers(0, 7)), max_size=20),
    some.integers(0, 7),
    some.integers(0, 7),
)
def test_a_loop_is_found_exactly_when_there_is_one(arrows: set[tuple[int, int]], start: int, wanted: int) -> None:
    """Against reachability by repeated widening."""
    on = {number: {a for b, a in arrows if b == number} for number in range(8)}
    tree = a_tree(*(task(n, depends_on=tuple(UUID(int=100 + m) for m in sorted(on[n]))) for n in range(8)))
    reached = {wanted}
    for _ in range(8):
        reached |= {further for one in reached for further in on[one]}
    loop = edits.loop_through(tree, UUID(int=100 + start), [UUID(int=100 + wanted)])
    assert bool(loop) == (start in reached)
    for before, after in pairwise(loop[1:]):
        assert after.task in before.depends_on


def test_weights_over_100_name_the_siblings() -> None:
    tree = a_tree(task(1, weight=Decimal(70)), task(2, weight=Decimal("30.5")), task(3))
    refusal = edits.overweight_tasks(tree, GOAL)
    assert refusal is not None
    assert refusal.zh == "「样机达标」下各任务权重合计 100.5，超过 100：T-1 70、T-2 30.5"
    gone = a_tree(task(1, weight=Decimal(70), state=TaskState.CANCELLED), task(2, weight=Decimal("30.5")))
    assert edits.overweight_tasks(gone, GOAL) is None


@given(some.lists(some.integers(0, 9), unique=True, min_size=1), some.data())
def test_a_place_among_siblings_moves_one_and_keeps_the_rest(order: list[int], data: some.DataObject) -> None:
    ids = [UUID(int=number) for number in order]
    one = data.draw(some.sampled_from(ids))
    before = data.draw(some.none() | some.sampled_from(ids))
    after = edits.place_before(ids, one, before)
    assert sorted(after) == sorted(ids)
    assert [other for other in after if other != one] == [other for other in ids if other != one]
    if before not in {None, one}:
        assert after[after.index(one) + 1] == before


@pytest.mark.parametrize("field", ["weight", "owner", "starts_at", "due_at"])
def test_frozen_goal_refuses_dates_weights_and_owners_and_names_the_way(field: str) -> None:
    """G1, C8."""
    frozen = replace(GOAL, frozen=True, cycle_name="2026 年第一季度")
    refusal = cycles.refuse_fields(frozen, {field: None, "title": ""}, cycles.FROZEN_OF_A_TASK)
    assert refusal is not None
    assert "2026 年第一季度" in refusal.zh
    assert "影响矩阵" in refusal.zh
    assert cycles.refuse_fields(frozen, {"title": ""}, cycles.FROZEN_OF_A_TASK) is None
    assert cycles.refuse_fields(GOAL, {field: None}, cycles.FROZEN_OF_A_TASK) is None


def test_frozen_goal_keeps_its_share_when_a_sibling_is_weighted_anew() -> None:
    """G2: a frozen share does not move by the back door."""
    frozen, free = replace(GOAL, frozen=True), Goal(UUID(int=2), "量产")
    before = replace(PROJECT, goals=(frozen, free))
    after = replace(before, goals=(frozen, replace(free, weight=Decimal(80))))
    assert cycles.refuse_shifted(before, after) is not None
    assert cycles.refuse_shifted(before, replace(before, goals=(frozen, replace(free, weight=Decimal(50))))) is None


def test_what_weighs_nothing_may_join_a_frozen_goal() -> None:
    frozen = replace(GOAL, frozen=True)
    assert cycles.refuse_joining(frozen, Decimal(0)) is None
    assert cycles.refuse_joining(frozen, None) is not None


def test_only_what_people_edit_raises_the_revision() -> None:
    """G1: figures that roll up make no edit stale."""
    tree = a_tree(task(1))
    tree.change(UUID(int=101), progress=Decimal(50), share=Decimal(10), finished_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert tree.tasks[UUID(int=101)].revision == 1
    tree.change(UUID(int=101), title="新名")
    assert tree.tasks[UUID(int=101)].revision == 2
