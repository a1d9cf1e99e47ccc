"""G6, G7, C5: which retest card is to be done, and what its pass opens, whatever comes in first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import given_goals as fixed
from hypothesis import given, settings
from hypothesis import strategies as some

from bihuan_chassis.calendar import Calendar
from bihuan_contracts.changes import ImpactAction, ImpactAssessed
from bihuan_contracts.goals import Criterion, CriterionState, Deliverable, ProjectState, TaskKind, TaskState
from bihuan_contracts.plm import NewCriterion
from goals.domain.changes import CardCodes, Circumstances, apply, open_locks
from goals.domain.tree import Goal, Project, Task, Tree

PROJECT, GOAL = UUID(int=9), UUID(int=10)
WORK, TEST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)


def a_tree() -> Tree:
    """A piece of work and two finished tests of the module, all on V1."""
    limit = Criterion(
        criterion=UUID(int=20), version=1, text="余量 ≥ 3 dB", metric="余量", unit="dB", lower=Decimal(3),
        state=CriterionState.VERIFIED,
    )  # fmt: skip
    tested = Deliverable(deliverable=UUID(int=30), title="报告", weight=None, due_at=None, criteria=(limit,))
    done: dict[str, Any] = {"state": TaskState.DONE, "kind": TaskKind.TEST, "deliverables": (tested,)}
    more: dict[UUID, dict[str, Any]] = {WORK: {"state": TaskState.ACTIVE, "kind": TaskKind.DEVELOP}, TEST: done,
                                        SECOND: done}  # fmt: skip
    tasks = {
        task: Task(task=task, code=f"T-{task.int}", project=PROJECT, goal=GOAL, title="", owner=fixed.ENGINEER,
                   module="PM-480", item_version="V1", **values)
        for task, values in more.items()
    }  # fmt: skip
    goals = (Goal(GOAL, "电气", None),)
    return Tree(Project(PROJECT, "P", "P", "GX", fixed.LEAD, ProjectState.ACTIVE, goals=goals), tasks)


def change(number: int, *rows: tuple[ImpactAction, UUID | None]) -> list[ImpactAssessed]:
    """The change to V(n+1), released on day n, as one unit for each of its rows: they may come one by one."""
    criterion = NewCriterion(module="PM-480", text=f"余量 ≥ {3 + number} dB", metric="余量", unit="dB",
                             lower=Decimal(3 + number))  # fmt: skip
    found = []
    for action, task in rows:
        row = fixed.row(None, action, fixed.TESTER, seed=f"{number}{task}").model_copy(
            update={"task": task, "project": PROJECT, "old_version": "V1", "new_version": f"V{number + 1}",
                    "criterion": criterion if action is ImpactAction.RETEST else None, "hours_factor": Decimal(1)}
        )  # fmt: skip
        unit = fixed.impact(row, change=UUID(int=100 - number), number=f"ECN-{number}",
                            applied_at=fixed.NOW + timedelta(days=number))  # fmt: skip
        found.append(unit)
    return found


def played(units: Sequence[ImpactAssessed], at: datetime = fixed.NOW) -> Tree:
    tree, codes = a_tree(), CardCodes()
    for n, unit in enumerate(units):
        given_then = Circumstances(at + timedelta(hours=n), Calendar(), lambda _origin, _row: None, codes)
        apply(tree, unit, unit.rows, given_then)
    return tree


def to_do(tree: Tree) -> set[tuple[str, UUID | None]]:
    """Number and test of each open card."""
    return {(task.retest.change_number, task.origin) for task in tree.tasks.values()
            if task.retest is not None and task.state is TaskState.ACTIVE}  # fmt: skip


def card(tree: Tree, number: str, origin: UUID | None) -> Task:
    return next(task for task in tree.tasks.values()
                if task.retest is not None and (task.retest.change_number, task.origin) == (number, origin))  # fmt: skip


def passes(tree: Tree, number: str, origin: UUID | None) -> set[str]:
    """The card's report is good; numbers of the changes whose locks on the work open."""
    done = tree.change(card(tree, number, origin).task, state=TaskState.DONE)
    return {lock.change_number for lock in open_locks(tree, done)}


LOCK, RETEST = ImpactAction.LOCK, ImpactAction.RETEST
THREE = [
    *change(1, (LOCK, WORK), (RETEST, TEST), (RETEST, SECOND)),
    *change(2, (LOCK, WORK), (RETEST, TEST)),
    *change(3, (RETEST, TEST)),
]


@settings(deadline=None)
@given(some.permutations(THREE))
def test_the_latest_change_has_the_card_whatever_comes_first(units: list[ImpactAssessed]) -> None:
    """G7, C5: one card a test, the criterion and version of the latest change; every change has had its card."""
    tree = played(units)
    assert to_do(tree) == {("ECN-3", TEST), ("ECN-1", SECOND)}
    assert len([task for task in tree.tasks.values() if task.retest is not None]) == 4
    assert tree.tasks[TEST].deliverables[0].criteria[0].text == "余量 ≥ 6 dB"
    assert (tree.tasks[TEST].item_version, tree.tasks[SECOND].item_version) == ("V4", "V2")
    assert {lock.change_number for lock in tree.tasks[WORK].locks} == {"ECN-1", "ECN-2"}


@settings(deadline=None)
@given(some.permutations(THREE))
def test_each_lock_opens_when_all_that_stands_for_its_cause_has_passed(units: list[ImpactAssessed]) -> None:
    """G6: a card that has replaced another one opens what waited for that; a cause with an open card of its own stays."""
    tree = played(units)
    assert passes(tree, "ECN-3", TEST) == {"ECN-2"}
    assert {lock.change_number for lock in tree.tasks[WORK].locks} == {"ECN-1"}
    assert tree.tasks[WORK].item_version == "V4"
    assert passes(tree, "ECN-1", SECOND) == {"ECN-1"}
    assert (tree.tasks[WORK].locks, tree.tasks[WORK].item_version) == ((), "V4")


@settings(deadline=None)
@given(some.permutations([*change(1, (LOCK, WORK), (RETEST, TEST)), *change(2, (LOCK, WORK), (RETEST, SECOND))]))
def test_a_second_change_on_another_test_opens_no_lock_of_the_first(units: list[ImpactAssessed]) -> None:
    """G6: each cause is cleared by its own."""
    tree = played(units)
    assert to_do(tree) == {("ECN-1", TEST), ("ECN-2", SECOND)}
    assert passes(tree, "ECN-2", SECOND) == {"ECN-2"}
    assert {lock.change_number for lock in tree.tasks[WORK].locks} == {"ECN-1"}
    assert passes(tree, "ECN-1", TEST) == {"ECN-1"}
    assert tree.tasks[WORK].item_version == "V3"


@settings(deadline=None)
@given(some.permutations(change(1, (LOCK, WORK), (RETEST, None), (RETEST, TEST))))
def test_a_card_that_stands_in_gives_way_to_the_tests_own(units: list[ImpactAssessed]) -> None:
    """G6, G7: the test was heard of later than the work on its module; one card remains, and its pass opens the lock."""
    tree = played(units)
    assert to_do(tree) == {("ECN-1", TEST)}
    assert passes(tree, "ECN-1", TEST) == {"ECN-1"}


@settings(deadline=None)
@given(some.permutations([*change(1, (LOCK, WORK), (RETEST, None)), *change(2, (RETEST, TEST))]))
def test_a_later_change_replaces_the_card_that_stands_in(units: list[ImpactAssessed]) -> None:
    """G7: it asks for a version that is no longer in force."""
    tree = played(units)
    assert to_do(tree) == {("ECN-2", TEST)}
    assert passes(tree, "ECN-2", TEST) == {"ECN-1"}
