"""A sheet taken into a tree that is there already: what is new is added, what differs is edited, nothing is removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from bihuan_contracts import Text
from bihuan_contracts.goals import Criterion, CriterionState, Deliverable, TaskKind, TaskState
from goals.domain import cycles, edits
from goals.domain.edits import Action, Refusal
from goals.domain.shapes import wrong_fields_of, wrong_in_criterion
from goals.domain.tree import Goal, Task, Tree, gaps
from goals.sheets import CRITERION, Sheet
from goals.workbooks import CellError

_GOAL = ("weight", "owner")
_TASK = (
    "title", "kind", "weight", "owner", "module", "item_version", "starts_at", "due_at", "planned_hours", "depends_on",
)  # fmt: skip
_DELIVERABLE = ("weight", "due_at")
_SAME_TIME = timedelta(seconds=1)
"""Excel keeps less of a second than we do."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one row does: `action` created, changed, moved or activated; old and new where a field moves."""

    row: int
    kind: str
    title: str
    action: str
    changes: Sequence[dict[str, str | None]] = ()


@dataclass
class Merge:
    tree: Tree
    columns: frozenset[str]
    new_id: Callable[[], UUID]
    may_edit: Callable[[Goal | None], bool]
    words: Callable[[Any], str | None]
    effects: list[Effect] = field(default_factory=list)
    errors: list[CellError] = field(default_factory=list)
    superseded: list[tuple[UUID, Criterion]] = field(default_factory=list)
    """Task and criterion version that is no longer in force."""

    def take(self, sheet: Sheet) -> None:
        before = self.tree.project
        for g, given in enumerate(sheet.goals):
            goal = self._goal(sheet.row_of(f"goals.{g}"), given)
            if goal is None:
                continue
            for t, task in enumerate(given["tasks"]):
                self._task(sheet, f"goals.{g}.tasks.{t}", goal, task)
        self._follow(sheet)
        self._refuse(1, "goal.weight", edits.overweight_goals(self.tree.project))
        self._refuse(1, "goal.weight", cycles.refuse_shifted(before, self.tree.project))
        for g, given in enumerate(sheet.goals):
            found = next((one for one in self.tree.project.goals if one.title == given["title"]), None)
            if found is not None:
                self._refuse(sheet.row_of(f"goals.{g}"), "task.weight", edits.overweight_tasks(self.tree, found))

    def _goal(self, row: int, given: dict[str, Any]) -> Goal | None:
        found = next((one for one in self.tree.project.goals if one.title == given["title"] and one.counted), None)
        if found is None:
            if not self._allowed(row, "goal.title", None):
                return None
            goal = Goal(self.new_id(), given["title"], given.get("weight"), given.get("owner"))
            self.tree.project = replace(self.tree.project, goals=(*self.tree.project.goals, goal))
            self.effects.append(Effect(row, "goal", goal.title, "created"))
            return goal
        changed = self._changed("goal", _GOAL, found, given)
        if not changed:
            return found
        if not self._allowed(row, "goal.weight", None):
            return found
        if self._refuse(row, "goal.weight", cycles.refuse_fields(found, changed, cycles.FROZEN_OF_A_GOAL)):
            return found
        self.effects.append(Effect(row, "goal", found.title, "changed", self._moves(found, changed)))
        return self.tree.put_goal(replace(found, **changed))

    def _task(self, sheet: Sheet, path: str, goal: Goal, given: dict[str, Any]) -> None:
        row = sheet.row_of(path)
        known = next((one for one in self.tree.tasks.values() if one.code == given["code"]), None)
        if known is not None and known.retest is not None:
            number = known.retest.change_number
            self._error(row, "task.code", known.code, "retest_card", f"这是 {number} 的重测卡，由变更决定",
                        f"This is a retest card of {number}: the change decides on it")  # fmt: skip
            return
        task = self._new_task(row, goal, given) if known is None else self._edited(row, goal, known, given)
        if task is None:
            return
        for wrong in wrong_fields_of(task) if task is not known else ():
            self._error(row, f"task.{wrong.field}", "", wrong.code, wrong.zh, wrong.en)
        for d, deliverable in enumerate(given["deliverables"]):
            task = self._deliverable(sheet, f"{path}.deliverables.{d}", task, deliverable)
        self._refuse(row, "deliverable.weight", edits.overweight_deliverables(task))
        if given.get("state") is TaskState.ACTIVE and task.state is TaskState.DRAFT:
            if missing := gaps(task):
                self._error(row, "task.state", given["code"], "gap", missing[0].zh, missing[0].en)
            elif known is not None:
                self.effects.append(Effect(row, "task", _name(task), "activated"))
            task = replace(task, state=TaskState.ACTIVE)
        elif known is not None and given.get("state") not in {None, task.state}:
            self._error(row, "task.state", str(given["state"]), "state", "状态不能在表格里这样改",
                        "The state can't be changed like this in a sheet")  # fmt: skip
        self.tree.put(task)

    def _new_task(self, row: int, goal: Goal, given: dict[str, Any]) -> Task | None:
        if not self._allowed(row, "task.title", goal):
            return None
        self._refuse(row, "task.weight", cycles.refuse_joining(goal, given.get("weight")))
        if given.get("state") not in {None, TaskState.DRAFT, TaskState.ACTIVE}:
            self._error(row, "task.state", str(given["state"]), "state", "新任务只能是草稿或进行中",
                        "A new task is a draft or active")  # fmt: skip
        values = {name: given[name] for name in _TASK if name in given and name not in {"depends_on", "kind"}}
        task = Task(
            task=self.new_id(), code=given["code"], project=self.tree.project.project, goal=goal.goal,
            kind=given.get("kind", TaskKind.DEVELOP), state=TaskState.DRAFT, **values,
            position=len(self.tree.children(goal.goal)) + 1,
        )  # fmt: skip
        self.effects.append(Effect(row, "task", _name(task), "created"))
        return task

    def _edited(self, row: int, goal: Goal, known: Task, given: dict[str, Any]) -> Task | None:
        names = tuple(name for name in _TASK if name != "depends_on")
        changed = self._changed("task", names, known, given)
        if "kind" in changed and changed["kind"] is None:
            del changed["kind"]
        source = self.tree.goal(known.goal)
        moved = known.goal != goal.goal
        if not changed and not moved:
            return known
        if not self._allowed(row, "task.title", source) or (moved and not self._allowed(row, "goal.title", goal)):
            return None
        actions = {Action.WEIGH} if "weight" in changed else set()
        actions |= {Action.EDIT} if set(changed) - {"weight"} else set()
        actions |= {Action.MOVE} if moved else set()
        for action in sorted(actions):
            self._refuse(row, "task.title", edits.refusal_of(known, action))
        if source is not None:
            self._refuse(row, "task.title", cycles.refuse_fields(source, changed, cycles.FROZEN_OF_A_TASK))
            if moved:
                self._refuse(row, "goal.title", cycles.refuse_leaving(source))
        if moved:
            self._refuse(row, "goal.title", cycles.refuse_joining(goal, known.weight))
            self.effects.append(Effect(row, "task", _name(known), "moved"))
        if changed:
            self.effects.append(Effect(row, "task", _name(known), "changed", self._moves(known, changed)))
        return replace(known, **changed, goal=goal.goal)

    def _deliverable(self, sheet: Sheet, path: str, task: Task, given: dict[str, Any]) -> Task:
        row = sheet.row_of(path)
        goal = self.tree.goal(task.goal)
        known = next((one for one in task.deliverables if one.title == given["title"]), None)
        after = known or Deliverable(
            deliverable=self.new_id(), title=given["title"], weight=given.get("weight"), due_at=given.get("due_at"),
            criteria=(),
        )  # fmt: skip
        changed = self._changed("deliverable", _DELIVERABLE, known, given) if known is not None else {}
        before = after.criteria
        criteria = self._criteria(sheet, path, task, before, given["criteria"])
        moved = known is None or bool(changed) or len(criteria) > len(before)
        if not moved and criteria == before:
            return task
        self._refuse(row, "deliverable.title", edits.refusal_of(task, Action.EDIT))
        if goal is not None:
            self._allowed(row, "deliverable.title", goal)
            self._refuse(row, "deliverable.weight",
                         cycles.refuse_fields(goal, changed, cycles.FROZEN_OF_A_DELIVERABLE) if known is not None
                         else cycles.refuse_joining(goal, after.weight))  # fmt: skip
        if moved:
            action = "created" if known is None else "changed"
            title = f"{task.code} {after.title}"
            self.effects.append(Effect(row, "deliverable", title, action, self._moves(after, changed)))
        after = after.model_copy(update={**changed, "criteria": criteria})
        rest = tuple(after if one.deliverable == after.deliverable else one for one in task.deliverables)
        return replace(task, deliverables=rest if known is not None else (*task.deliverables, after))

    def _criteria(
        self, sheet: Sheet, path: str, task: Task, known: Sequence[Criterion], given: Sequence[dict[str, Any]]
    ) -> tuple[Criterion, ...]:
        """The criteria of a deliverable as the sheet has them, known by their words."""
        listed = list(known)
        for c, one in enumerate(given):
            row = sheet.row_of(f"{path}.criteria.{c}")
            place = next((n for n, old in enumerate(listed) if old.text == one["text"]), None)
            if place is None:
                new = Criterion(criterion=self.new_id(), version=1, state=CriterionState.OPEN, **one)
                listed.append(new)
            else:
                new = self._edited_criterion(row, task, listed[place], one)
                if new is listed[place]:
                    continue
                listed[place] = new
            for wrong in wrong_in_criterion(new):
                self._error(row, f"criterion.{wrong.field}", "", wrong.code, wrong.zh, wrong.en)
        return tuple(listed)

    def _edited_criterion(self, row: int, task: Task, old: Criterion, given: dict[str, Any]) -> Criterion:
        changed = self._changed("criterion", CRITERION, old, {"items": ()} | given)
        if not changed:
            return old
        new = edits.edited_criterion(task, old, changed)
        self.effects.append(Effect(row, "criterion", f"{task.code} {old.text}", "changed", self._moves(old, changed)))
        if new.version != old.version:
            self.superseded.append((task.task, old))
        return new

    def _follow(self, sheet: Sheet) -> None:
        """Dependencies last: they may name tasks of rows below."""
        if "task.depends_on" not in self.columns:
            return
        by_code = {task.code: task for task in self.tree.tasks.values()}
        for g, goal in enumerate(sheet.goals):
            for t, given in enumerate(goal["tasks"]):
                row, task = sheet.row_of(f"goals.{g}.tasks.{t}"), by_code.get(given["code"])
                if task is None:
                    continue
                unknown = [code for code in given.get("depends_on", ()) if code not in by_code]
                if unknown:
                    named = "、".join(unknown)
                    self._error(row, "task.depends_on", named, "unknown_task", f"没有任务 {named}", f"No task {named}")
                wanted = tuple(by_code[code].task for code in given.get("depends_on", ()) if code in by_code)
                if set(wanted) != set(task.depends_on):
                    self._allowed(row, "task.depends_on", self.tree.goal(task.goal))
                    self._refuse(row, "task.depends_on", edits.refusal_of(task, Action.EDIT))
                    self._refuse(row, "task.depends_on", edits.bad_dependencies(self.tree, task.task, wanted))
                    self.tree.change(task.task, depends_on=wanted)
                    self.effects.append(Effect(row, "task", _name(task), "changed", [{"field": "depends_on"}]))

    def _changed(self, kind: str, names: Sequence[str], before: Any, given: dict[str, Any]) -> dict[str, Any]:
        there = [name for name in names if f"{kind}.{name}" in self.columns]
        return {name: given.get(name) for name in there if not _same(getattr(before, name), given.get(name))}

    def _moves(self, before: Any, changed: dict[str, Any]) -> list[dict[str, str | None]]:
        return [
            {"field": name, "old": self.words(getattr(before, name)), "new": self.words(value)}
            for name, value in changed.items()
        ]

    def _allowed(self, row: int, column: str, goal: Goal | None) -> bool:
        if self.may_edit(goal):
            return True
        self._error(
            row, column, goal.title if goal else "", "not_editor", "你不能修改这一部分", "You may not edit this part"
        )
        return False

    def _refuse(self, row: int, column: str, refusal: Refusal | None) -> bool:
        if refusal is not None:
            self._error(row, column, "", refusal.code, refusal.zh, refusal.en)
        return refusal is not None

    def _error(self, row: int, column: str, value: str, code: str, zh: str, en: str) -> None:
        self.errors.append(CellError(row, column, value, code, Text(zh=zh, en=en)))


def _name(task: Task) -> str:
    return f"{task.code} {task.title}"


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, datetime) and isinstance(after, datetime):
        return abs(before - after) < _SAME_TIME
    return bool(before == after)
