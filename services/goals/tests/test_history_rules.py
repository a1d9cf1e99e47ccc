"""G11: what is kept of each version gives back every state, and what differs reads as people would say it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bihuan_contracts.goals import Criterion, CriterionState, Deliverable, ProjectState, TaskKind, TaskState
from goals.domain.history import Kept, delta, fold, project_differences, task_differences
from goals.domain.later import later_changes
from goals.domain.taken_over import taken_over
from goals.domain.tree import Goal, Project, Task, Tree

START = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT, TASK = UUID(int=1), UUID(int=2)
fields = some.sampled_from(["title", "owner", "state", "weight"])
states = some.fixed_dictionaries(
    {name: some.none() | some.sampled_from(["a", "b", "c"]) for name in ("title", "owner", "state", "weight")}
)


def kept(history: list[dict[str, Any]], whole_every: int) -> list[Kept]:
    found: list[Kept] = []
    for number, state in enumerate(history):
        whole = number % whole_every == 0
        content = state if whole else delta(history[number - 1], state)
        found.append(Kept(number, START + timedelta(hours=number), whole, content))
    return found


@given(some.lists(states, min_size=1, max_size=12), some.integers(1, 5), some.integers(0, 11))
def test_any_moment_gives_back_the_state_of_then(history: list[dict[str, Any]], whole_every: int, hour: int) -> None:
    at = START + timedelta(hours=hour)
    folded = fold(one for one in kept(history, whole_every) if one.at <= at)
    assert folded == history[min(hour, len(history) - 1)]


def test_nothing_is_said_before_the_first_whole_state() -> None:
    assert fold([Kept(2, START, False, {"title": "x"})]) is None


def task(**more: Any) -> dict[str, Any]:
    criterion = {"criterion": "c", "version": 1, "text": "≥ 3 dB", "state": "verified"}
    return {
        "task": str(TASK), "project": str(PROJECT), "code": "T-1", "title": "调试", "state": "active", "owner": "10231",
        "planned_hours": "10", "due_at": "2026-03-13T10:00:00Z", "share": "12.5", "progress": "0",
        "deliverables": [{"deliverable": "d", "title": "报告", "due_at": None, "criteria": [criterion]}],
        "locks": [], "retest": None, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"owner": "10306"}, ("owner", "10231", "10306", None)),
        ({"planned_hours": "12.0"}, ("planned_hours", "10", "12.0", None)),
        ({"locks": [{"lock": "l", "change_number": "ECN-1", "module": "PM"}]}, ("lock", None, "ECN-1", "PM")),
        ({"retest": {"answer": "confirmed"}}, ("answer", None, "confirmed", None)),
    ],
)
def test_a_change_reads_old_to_new(changed: dict[str, Any], said: tuple[str | None, ...]) -> None:
    (found,) = task_differences(task(), task(**changed))
    assert (found.field, found.old, found.new, found.subject) == said


def test_the_same_time_or_figure_written_otherwise_is_no_change() -> None:
    assert task_differences(task(), task(due_at="2026-03-13T18:00:00+08:00", planned_hours=10.0)) == []


def test_a_new_criterion_version_says_both_wordings_and_that_the_pass_is_gone() -> None:
    newer = {"criterion": "c", "version": 2, "text": "≥ 6 dB", "state": "verify_again"}
    after = task(deliverables=[{"deliverable": "d", "title": "报告", "due_at": None, "criteria": [newer]}])
    found = [(one.field, one.old, one.new) for one in task_differences(task(), after)]
    assert found == [("criterion", "≥ 3 dB", "≥ 6 dB"), ("criterion_state", "verified", "verify_again")]


def test_weights_of_goals_are_named_by_goal() -> None:
    before = {"goals": [{"goal": "g", "title": "样机", "weight": "45", "owner": None}]}
    after = {"goals": [{"goal": "g", "title": "样机", "weight": "50", "owner": None}]}
    (found,) = project_differences(before, after)
    assert (found.field, found.subject, found.old, found.new) == ("goal_weight", "样机", "45", "50")


def test_what_only_follows_is_counted_and_not_listed() -> None:
    cause = {"kind": "person", "by": "10105"}
    other = UUID(int=3)
    versions = {
        TASK: [Kept(1, START, True, task()), Kept(2, START + timedelta(days=1), False, {"owner": "x"}, (cause,))],
        other: [
            Kept(1, START, True, task(task=str(other))),
            Kept(2, START + timedelta(days=1), False, {"share": "10"}, (cause,), derived=True),
        ],
    }
    (later,) = later_changes(versions, {}, START)
    assert ([one.task for one in later.tasks], later.followed, later.causes) == ([TASK], 1, [cause])
    assert later_changes(versions, {}, START + timedelta(days=1)) == []


def test_finished_work_that_is_taken_over_was_open_until_its_day() -> None:
    done = Criterion(criterion=UUID(int=9), version=1, text="通过", state=CriterionState.VERIFIED)
    one = Task(
        TASK, "T-1", PROJECT, UUID(int=5), "试验", TaskKind.TEST, TaskState.DONE, finished_at=START + timedelta(days=3),
        deliverables=(Deliverable(deliverable=UUID(int=8), title="报告", weight=None, due_at=None, criteria=(done,)),),
    )  # fmt: skip
    project = Project(
        PROJECT, "P", "P", "P", "10105", ProjectState.ACTIVE, starts_at=START, goals=(Goal(UUID(int=5), "试验"),)
    )
    known = taken_over(Tree(project, {TASK: one}), START + timedelta(days=9))
    assert [(v.task.version, v.valid_from, v.task.state) for v in known.tasks] == [
        (-1, START, TaskState.ACTIVE),
        (0, START + timedelta(days=3), TaskState.DONE),
    ]
    assert known.tasks[0].task.deliverables[0].criteria[0].state is CriterionState.OPEN
    assert taken_over(Tree(project, {TASK: one}), START).tasks == []
