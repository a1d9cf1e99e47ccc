"""What may be edited of a tree, in which state, by whom; and what each refusal names (G1, G2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from bihuan_contracts.goals import Criterion, CriterionState, TaskKind, TaskState
from goals.domain.evidence import not_asked
from goals.domain.tree import Goal, Project, Task, Tree
from goals.domain.weights import OverweightError, check


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is not done: a stable code, and the reason in both languages."""

    code: str
    zh: str
    en: str


class Action(StrEnum):
    EDIT = "edit"
    """Title, owner, dates, hours, module, dependencies, deliverables and criteria."""
    WEIGH = "weigh"
    MOVE = "move"
    ACTIVATE = "activate"
    CANCEL = "cancel"
    REOPEN = "reopen"
    BOOK = "book"
    DECIDE = "decide"
    """On one of its locks: migrate, grant a concession, keep it."""


ALLOWED: dict[Action, frozenset[TaskState]] = {
    Action.EDIT: frozenset({TaskState.DRAFT, TaskState.ACTIVE}),
    Action.WEIGH: frozenset({TaskState.DRAFT, TaskState.ACTIVE, TaskState.DONE}),
    Action.MOVE: frozenset({TaskState.DRAFT, TaskState.ACTIVE, TaskState.DONE}),
    Action.ACTIVATE: frozenset({TaskState.DRAFT}),
    Action.CANCEL: frozenset({TaskState.DRAFT, TaskState.ACTIVE}),
    Action.REOPEN: frozenset({TaskState.CANCELLED}),
    Action.BOOK: frozenset({TaskState.ACTIVE}),
    Action.DECIDE: frozenset({TaskState.DRAFT, TaskState.ACTIVE}),
}

_STATES: dict[TaskState, tuple[str, str]] = {
    TaskState.DRAFT: ("草拟中", "a draft"),
    TaskState.ACTIVE: ("进行中", "active"),
    TaskState.DONE: ("已完成", "finished"),
    TaskState.CANCELLED: ("已取消", "cancelled"),
    TaskState.SUPERSEDED: ("已被新版替代", "superseded"),
    TaskState.UNKNOWN: ("状态未知", "in an unknown state"),
}
_ACTIONS: dict[Action, tuple[str, str]] = {
    Action.EDIT: ("修改", "be edited"),
    Action.WEIGH: ("改权重", "be weighted"),
    Action.MOVE: ("移动", "be moved"),
    Action.ACTIVATE: ("激活", "be activated"),
    Action.CANCEL: ("取消", "be cancelled"),
    Action.REOPEN: ("恢复为草拟", "be taken up again"),
    Action.BOOK: ("登记工时", "take hours"),
    Action.DECIDE: ("再决定锁", "have a lock decided on"),
}


def refusal_of(task: Task, action: Action) -> Refusal | None:
    """Why this task does not take the action in its state; None when it does."""
    if task.state not in ALLOWED[action]:
        state, verb = _STATES[task.state], _ACTIONS[action]
        return Refusal(
            f"not_{action}", f"{task.code} {state[0]}，不能{verb[0]}", f"{task.code} is {state[1]}: it can't {verb[1]}"
        )
    if task.kind is TaskKind.RETEST and action in {Action.CANCEL, Action.WEIGH}:
        number = task.retest.change_number if task.retest else ""
        return Refusal(
            "retest_card",
            f"{task.code} 是 {number} 的重测卡，由变更决定，不能{_ACTIONS[action][0]}",
            f"{task.code} is a retest card of {number}: the change decides on it, it can't {_ACTIONS[action][1]}",
        )
    return None


def may_edit(project: Project, goal: Goal | None, person: str, *, administrator: bool) -> bool:
    """The project's lead, the owner of the goal above, an administrator. Goals themselves stand below the project."""
    return administrator or person == project.lead or (goal is not None and goal.owner == person)


def overweight(where: tuple[str, str], siblings: Iterable[tuple[str, Decimal | None]]) -> Refusal | None:
    """Explicit weights of siblings over 100, with each sibling named."""
    listed = list(siblings)
    try:
        check([weight for _, weight in listed])
    except OverweightError as error:
        named = "、".join(f"{name} {_plain(weight)}" for name, weight in listed if weight)
        return Refusal(
            "overweight",
            f"{where[0]}权重合计 {_plain(error.total)}，超过 100：{named}",
            f"{where[1]} add up to {_plain(error.total)}, over 100: {named.replace('、', ', ')}",
        )
    return None


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def overweight_goals(project: Project) -> Refusal | None:
    return overweight(
        ("各目标", "The weights of the goals"), [(one.title, one.weight) for one in project.goals if one.counted]
    )


def overweight_tasks(tree: Tree, goal: Goal) -> Refusal | None:
    siblings = [(task.code, task.weight) for task in tree.children(goal.goal) if task.counted]
    return overweight((f"「{goal.title}」下各任务", f"The weights of the tasks below “{goal.title}”"), siblings)


def overweight_deliverables(task: Task) -> Refusal | None:
    siblings = [(one.title, one.weight) for one in task.deliverables]
    return overweight((f"{task.code} 各交付物", f"The weights of the deliverables of {task.code}"), siblings)


# ── criteria ────────────────────────────────────────────────────────────────────────────────────────────────────────


def edited_criterion(task: Task, old: Criterion, changed: Mapping[str, Any]) -> Criterion:
    """The criterion with new words, limits or kind: a new version, and what was verified is to be verified again (G5).

    A draft's wording may still be searched for: there the version stays.
    """
    if "kind" in changed:
        # What the other kind was verified by goes with it, unless it is given anew.
        left = old.model_copy(update=dict(changed))
        changed = {name: empty for name, empty in not_asked(left).items() if name not in changed} | {**changed}
    again = old.state in {CriterionState.VERIFIED, CriterionState.VERIFY_AGAIN}
    state = CriterionState.VERIFY_AGAIN if again else CriterionState.OPEN
    version = old.version if task.state is TaskState.DRAFT else old.version + 1
    return old.model_copy(update={**changed, "version": version, "state": state})


# ── dependencies ────────────────────────────────────────────────────────────────────────────────────────────────────


def loop_through(tree: Tree, start: UUID, wanted: Collection[UUID]) -> list[Task]:
    """The tasks of a loop that `start` would close by depending on `wanted`, from `start` to itself; empty if none."""
    seen: set[UUID] = set()
    waiting: list[tuple[UUID, tuple[UUID, ...]]] = [(one, (start,)) for one in wanted]
    while waiting:
        task, path = waiting.pop()
        if task == start:
            return [tree.tasks[one] for one in (*path, start)]
        if task in seen or task not in tree.tasks:
            continue
        seen.add(task)
        waiting += [(one, (*path, task)) for one in tree.tasks[task].depends_on]
    return []


def bad_dependencies(tree: Tree, task: UUID, wanted: Sequence[UUID]) -> Refusal | None:
    """Dependencies on tasks of other projects, and loops, named from end to end."""
    unknown = [one for one in wanted if one not in tree.tasks]
    if unknown:
        return Refusal("unknown_task", "前置任务不在这个项目里", "A task that it should follow is not in this project")
    if loop := loop_through(tree, task, wanted):
        # Read along the arrows of work: what comes first stands first.
        words = " → ".join(one.code for one in reversed(loop))
        return Refusal("dependency_loop", f"前后关系成环：{words}", f"The tasks would wait for each other: {words}")
    return None


# ── order ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def place_before(order: Sequence[UUID], one: UUID, before: UUID | None) -> list[UUID]:
    """The same siblings with `one` in front of `before`, or at the end."""
    rest = [other for other in order if other != one]
    at = rest.index(before) if before in rest else len(rest)
    return [*rest[:at], one, *rest[at:]]
