"""G2, G3: figures of a whole tree, against an oracle that works them out by itself, from the leaves up."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    GoalState,
    ProjectState,
    TaskKind,
    TaskState,
)
from goals.domain.roll_up import Sums, portions, settle, sums_of
from goals.domain.tree import Goal, Project, Task, Tree

NOW = datetime(2026, 3, 11, tzinfo=UTC)
PROJECT = UUID(int=1)
GONE = {TaskState.CANCELLED, TaskState.SUPERSEDED}

weights = some.none() | some.sampled_from([Decimal(0), Decimal("0.01"), Decimal(3), Decimal("7.77"), Decimal(12)])
criteria = some.lists(some.sampled_from([*CriterionState][:4]), max_size=3)
deliverables = some.lists(some.tuples(weights, criteria), max_size=3)
tasks = some.tuples(
    weights, some.sampled_from([*TaskState][:5]), deliverables, some.booleans(), some.sampled_from([None, 0, 1])
)
goals = some.tuples(weights, some.sampled_from([GoalState.ACTIVE, GoalState.ACTIVE, GoalState.CANCELLED]),
                    some.lists(tasks, max_size=5))  # fmt: skip
trees = some.lists(goals, min_size=1, max_size=4)


def tree_of(shape) -> Tree:  # type: ignore[no-untyped-def] # nested tuples as hypothesis makes them
    listed, found = [], []
    for g, (weight, state, below) in enumerate(shape):
        goal = Goal(UUID(int=100 + g), f"G{g}", weight, state=state)
        listed.append(goal)
        for t, (own, task_state, parts, due, repeats) in enumerate(below):
            # A card repeats one of the first two tasks of its goal, which is no card itself.
            origin = UUID(int=1000 + 100 * g + repeats) if repeats is not None and t > 1 else None
            found.append(
                Task(
                    UUID(int=1000 + 100 * g + t), f"T{g}-{t}", PROJECT, goal.goal, "",
                    TaskKind.RETEST if origin else TaskKind.TEST, task_state, weight=own, origin=origin,
                    due_at=NOW - timedelta(days=1) if due else NOW + timedelta(days=1),
                    deliverables=tuple(_deliverable(1000 * (100 * g + t) + d, *one) for d, one in enumerate(parts)),
                )
            )  # fmt: skip
    project = Project(PROJECT, "P", "P", "GX", "L", ProjectState.ACTIVE, goals=tuple(listed))
    return Tree(project, {task.task: task for task in found})


def _deliverable(number: int, weight: Decimal | None, states: list[CriterionState]) -> Deliverable:
    found = tuple(
        Criterion(criterion=UUID(int=number * 10 + c), version=1, text="", state=s) for c, s in enumerate(states)
    )
    return Deliverable(deliverable=UUID(int=number), title="", weight=weight, due_at=None, criteria=found)


class Oracle:
    """The rules once more, written down in fractions and by recursion, with nothing of the domain's own."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._goals = [goal for goal in tree.project.goals if goal.state is not GoalState.CANCELLED]
        self._goal_share = dict(zip((g.goal for g in self._goals), self.split([g.weight for g in self._goals]),
                                    strict=True))  # fmt: skip

    @staticmethod
    def split(listed: list[Decimal | None]) -> list[Fraction]:
        given = sum(Fraction(one) for one in listed if one is not None)
        empty = listed.count(None)
        each = [Fraction(100 - given, empty) if one is None else Fraction(one) for one in listed]
        whole = sum(each)
        return [one / whole if whole else Fraction(0) for one in each]

    @staticmethod
    def mean(parts: list[tuple[Fraction, Fraction | None]]) -> Fraction | None:
        known = [(share, done) for share, done in parts if done is not None]
        whole = sum(share for share, _ in known)
        return sum(share * done for share, done in known) / whole if whole else None

    def task(self, task: Task) -> Fraction | None:
        if task.state is TaskState.DRAFT:
            return None
        parts = []
        for share, one in zip(self.split([d.weight for d in task.deliverables]), task.deliverables, strict=True):
            good = [criterion.state is CriterionState.VERIFIED for criterion in one.criteria]
            parts.append((share, Fraction(100 * sum(good), len(good)) if good else None))
        return self.mean(parts)

    def below(self, goal: Goal) -> dict[UUID, Fraction]:
        """Part of the goal of each task."""
        there = [t for t in self._tree.tasks.values() if t.goal == goal.goal and t.state not in GONE]
        ids = {task.task for task in there}
        cards = [task for task in there if task.kind is TaskKind.RETEST and task.origin in ids]
        heads = [task for task in there if task not in cards]
        found: dict[UUID, Fraction] = {}
        for share, head in zip(self.split([task.weight for task in heads]), heads, strict=True):
            unit = [head, *(card for card in cards if card.origin == head.task)]
            for task in unit:
                found[task.task] = share / len(unit)
        return found

    def goal(self, goal: Goal) -> Fraction | None:
        return self.mean([(part, self.task(self._tree.tasks[one])) for one, part in self.below(goal).items()])

    def share(self, task: Task) -> Fraction:
        for goal in self._goals:
            if goal.goal == task.goal:
                return 100 * self._goal_share[goal.goal] * self.below(goal).get(task.task, Fraction(0))
        return Fraction(0)

    def project(self) -> Fraction | None:
        shares = self.split([goal.weight for goal in self._goals])
        return self.mean([(share, self.goal(goal)) for share, goal in zip(shares, self._goals, strict=True)])

    def planned(self) -> Fraction:
        late = [task for task in self._tree.tasks.values() if task.due_at is not None and task.due_at <= NOW]
        return sum((self.share(task) for task in late), Fraction(0))


def rounded(value: Fraction | None) -> Decimal | None:
    return None if value is None else Decimal(round(value * 10_000)) / 10_000


@given(trees)
def test_every_figure_of_a_tree_is_what_the_rules_say(shape) -> None:  # type: ignore[no-untyped-def]
    tree = tree_of(shape)
    oracle = Oracle(tree)
    figures = settle(tree, NOW)
    assert tree.project.progress == rounded(oracle.project())
    assert tree.project.planned_progress == rounded(oracle.planned())
    assert [one.progress for one in figures] == [
        rounded(oracle.goal(one.goal)) if one.goal.state is not GoalState.CANCELLED else None for one in figures
    ]
    for task in tree.tasks.values():
        assert task.share == rounded(oracle.share(task)), task.code
        assert task.progress == rounded(oracle.task(task)), task.code


@given(trees, some.randoms())
def test_order_of_goals_and_tasks_does_not_matter(shape, random: Random) -> None:  # type: ignore[no-untyped-def]
    one, other = tree_of(shape), tree_of(shape)
    shuffled = [*other.tasks.items()]
    random.shuffle(shuffled)
    mixed = [*other.project.goals]
    random.shuffle(mixed)
    other.tasks = dict(shuffled)
    other.project = replace(other.project, goals=tuple(mixed))
    settle(one, NOW)
    settle(other, NOW)
    assert one.project.progress == other.project.progress
    assert one.project.planned_progress == other.project.planned_progress
    assert {t.task: (t.portion, t.exact) for t in one.tasks.values()} == {
        t.task: (t.portion, t.exact) for t in other.tasks.values()
    }


@given(trees)
def test_portions_of_a_goal_add_up_to_one_or_nothing_weighs(shape) -> None:  # type: ignore[no-untyped-def]
    tree = tree_of(shape)
    for goal in tree.project.goals:
        found = portions(tree.children(goal.goal))
        total = sum(map(Fraction, found.values()))
        assert total == 0 or abs(total - 1) < Fraction(1, 10**30)
        assert set(found) == {task.task for task in tree.children(goal.goal) if task.state not in GONE}


@given(trees, some.randoms())
def test_a_part_of_the_tree_with_the_sums_of_the_rest_says_the_same(shape, random: Random) -> None:  # type: ignore[no-untyped-def]
    """What a report does: one task is loaded, and its criterion is met."""
    tree = tree_of(shape)
    settle(tree, NOW)
    if not tree.tasks:
        return
    chosen = random.choice([*tree.tasks.values()])
    others = [task for task in tree.tasks.values() if task is not chosen]
    part = Tree(tree.project, {chosen.task: chosen}, whole=False)
    part.rest = {
        goal.goal: sums_of([task for task in others if task.goal == goal.goal], NOW) for goal in tree.project.goals
    }
    met = replace(chosen, deliverables=tuple(_all_met(one) for one in chosen.deliverables))
    tree.put(met)
    part.put(met)
    assert settle(part, NOW) == settle(tree, NOW)
    assert part.project == tree.project
    assert part.tasks[chosen.task] == tree.tasks[chosen.task]


def _all_met(one: Deliverable) -> Deliverable:
    met = tuple(c.model_copy(update={"state": CriterionState.VERIFIED}) for c in one.criteria)
    return one.model_copy(update={"criteria": met})


def test_what_weighs_is_not_changed_in_a_part_of_a_tree() -> None:
    tree = tree_of([(None, GoalState.ACTIVE, [(None, TaskState.ACTIVE, [], False, None)])])
    part = Tree(tree.project, dict(tree.tasks), whole=False)
    (task,) = part.tasks.values()
    for moved in (replace(task, weight=Decimal(5)), replace(task, state=TaskState.CANCELLED), replace(task, goal=None)):
        with pytest.raises(ValueError, match="whole tree"):
            part.put(moved)


def goal_with(*tasks: tuple[Decimal | None, TaskState, list[CriterionState]]) -> Tree:
    below = [(weight, state, [(None, states)] if states else [], False, None) for weight, state, states in tasks]
    return tree_of([(None, GoalState.ACTIVE, below)])


def test_contributions_weigh_what_they_are() -> None:
    """100k, 20k and 1k are 82.6, 16.5 and 0.8 percent of the project."""
    tree = goal_with(*((Decimal(one) * 80 / 121, TaskState.ACTIVE, []) for one in (100, 20, 1)))
    settle(tree, NOW)
    assert [round(task.share, 1) for task in tree.tasks.values()] == [Decimal("82.6"), Decimal("16.5"), Decimal("0.8")]


def test_parts_of_five_five_and_nothing_give_five() -> None:
    """5 % twice, and a task that says nothing yet: it is neither 0 nor 100."""
    one_of_twenty = [CriterionState.VERIFIED, *[CriterionState.OPEN] * 19]
    tree = goal_with(
        (None, TaskState.ACTIVE, one_of_twenty), (None, TaskState.ACTIVE, one_of_twenty), (None, TaskState.ACTIVE, [])
    )
    settle(tree, NOW)
    assert tree.project.progress == 5


def test_superseded_children_leave_and_the_others_carry_their_part() -> None:
    done, open_ = [CriterionState.VERIFIED], [CriterionState.OPEN]
    tree = goal_with(
        (Decimal(50), TaskState.SUPERSEDED, done), (Decimal(25), TaskState.DONE, done),
        (Decimal(25), TaskState.ACTIVE, open_),
    )  # fmt: skip
    settle(tree, NOW)
    assert [task.share for task in tree.tasks.values()] == [0, 50, 50]
    assert tree.project.progress == 50


def test_a_weight_of_zero_is_there_and_does_not_count() -> None:
    tree = goal_with(
        (Decimal(0), TaskState.ACTIVE, [CriterionState.OPEN]), (None, TaskState.DONE, [CriterionState.VERIFIED])
    )
    settle(tree, NOW)
    assert [task.share for task in tree.tasks.values()] == [0, 100]
    assert tree.project.progress == 100


def test_nothing_known_is_no_progress_at_all() -> None:
    tree = goal_with((None, TaskState.DRAFT, [CriterionState.OPEN]), (None, TaskState.ACTIVE, []))
    settle(tree, NOW)
    assert tree.project.progress is None


def test_a_retest_card_takes_half_of_its_test_and_nothing_of_others() -> None:
    """G8: added work counts, and the change moves nobody else's share."""
    open_ = [(None, [CriterionState.OPEN])]
    tree = tree_of(
        [
            (None, GoalState.ACTIVE, [
                (None, TaskState.ACTIVE, open_, False, None), (Decimal(40), TaskState.ACTIVE, open_, False, None),
                (None, TaskState.ACTIVE, open_, False, 0),
            ]),
        ]
    )  # fmt: skip
    settle(tree, NOW)
    test, other, card = tree.tasks.values()
    assert (test.share, other.share, card.share) == (30, 40, 30)
    tree.put(replace(card, state=TaskState.SUPERSEDED))
    settle(tree, NOW)
    assert [task.share for task in tree.tasks.values()] == [60, 40, 0]


def test_sums_add_up_whatever_the_order() -> None:
    parts = [Sums(Decimal(1) / 3, Decimal(100) / 7, Decimal(0)) for _ in range(3)]
    assert (parts[0] + parts[1]) + parts[2] == parts[2] + (parts[1] + parts[0])
