"""Rows of a workbook as a tree: what a row leaves empty continues the row above (G1)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bihuan_contracts import Text
from bihuan_contracts.goals import TaskState
from goals.domain.tree import Task, Tree
from goals.workbooks import CellError, Line

CRITERION = ("kind", "metric", "lower", "upper", "unit", "items", "approver")
"""What a row tells of a criterion beside its words, which it is known by."""


@dataclass
class Sheet:
    """Goals as an import takes them, and which row each path of the import stands in."""

    goals: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    errors: list[CellError] = field(default_factory=list)

    def row_of(self, path: str) -> int:
        """The row of the nearest known place above a path such as goals.0.tasks.2.weight."""
        steps = path.split(".")
        while steps:
            if (row := self.rows.get(".".join(steps))) is not None:
                return row
            steps.pop()
        return 1


def sheet_of(lines: Iterable[Line]) -> Sheet:
    sheet = Sheet()
    for line in lines:
        _take(sheet, line)
    return sheet


def _take(sheet: Sheet, line: Line) -> None:
    at = _goal(sheet, line, _part(line.values, "goal"))
    task, below, criterion = (_part(line.values, name) for name in ("task", "deliverable", "criterion"))
    if at is None or (task and not _task(sheet, line, at, task)) or not (below or criterion):
        return None
    tasks = sheet.goals[-1]["tasks"]
    if not tasks:
        return _error(sheet, line, "task.code", "missing", "交付物要有任务", "A deliverable needs its task")
    return _deliverable(sheet, line, f"{at}.tasks.{len(tasks) - 1}", below, criterion)


def _goal(sheet: Sheet, line: Line, given: dict[str, Any]) -> str | None:
    """The path of the goal that the row belongs to."""
    goals, title = sheet.goals, given.get("title")
    if title is not None and (not goals or goals[-1]["title"] != title):
        if any(one["title"] == title for one in goals):
            _error(sheet, line, "goal.title", "apart", "同一目标的行要连在一起", "The rows of a goal stand together")
        goals.append(given | {"tasks": []})
        sheet.rows[f"goals.{len(goals) - 1}"] = line.row
    if not goals:
        _error(sheet, line, "goal.title", "missing", "第一行要有目标", "The first row needs a goal")
        return None
    return f"goals.{len(goals) - 1}"


def _task(sheet: Sheet, line: Line, at: str, given: dict[str, Any]) -> bool:
    tasks, code = sheet.goals[-1]["tasks"], given.get("code")
    if code is not None and tasks and tasks[-1]["code"] == code:
        return True
    for name in ("code", "title"):
        if name not in given:
            _error(sheet, line, f"task.{name}", "missing", "必须填写", "This is required")
            return False
    tasks.append(given | {"deliverables": []})
    sheet.rows[f"{at}.tasks.{len(tasks) - 1}"] = line.row
    return True


def _deliverable(sheet: Sheet, line: Line, at: str, given: dict[str, Any], criterion: dict[str, Any]) -> None:
    listed, title = sheet.goals[-1]["tasks"][-1]["deliverables"], given.get("title")
    if title is not None and not (listed and listed[-1]["title"] == title):
        listed.append(given | {"criteria": []})
        sheet.rows[f"{at}.deliverables.{len(listed) - 1}"] = line.row
    if not listed:
        return _error(
            sheet, line, "deliverable.title", "missing", "标准要有交付物", "A criterion needs its deliverable"
        )
    if not criterion:
        return None
    if "text" not in criterion:
        return _error(sheet, line, "criterion.text", "missing", "必须填写", "This is required")
    listed[-1]["criteria"].append(criterion)
    sheet.rows[f"{at}.deliverables.{len(listed) - 1}.criteria.{len(listed[-1]['criteria']) - 1}"] = line.row
    return None


def _part(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key.split(".")[1]: value for key, value in values.items() if key.startswith(f"{name}.")}


def _error(sheet: Sheet, line: Line, column: str, code: str, zh: str, en: str) -> None:
    sheet.errors.append(CellError(line.row, column, str(line.values.get(column, "")), code, Text(zh=zh, en=en)))


def rows_of(tree: Tree, labels: dict[str, str]) -> list[dict[str, Any]]:
    """A tree as rows; `labels` are people as they are written: name and number."""
    rows: list[dict[str, Any]] = []
    codes = {task.task: task.code for task in tree.tasks.values()}
    for goal in tree.project.goals:
        if not goal.counted:
            continue
        top: dict[str, Any] = {
            "goal.title": goal.title, "goal.weight": goal.weight, "goal.owner": labels.get(goal.owner or ""),
        }  # fmt: skip
        found = [row for task in tree.children(goal.goal) if _listed(task) for row in _task_rows(task, codes, labels)]
        rows += [top | found[0], *found[1:]] if found else [top]
    return rows


def _listed(task: Task) -> bool:
    """Retest cards are the changes' and are not planned in a sheet."""
    return task.retest is None and task.state in {TaskState.DRAFT, TaskState.ACTIVE, TaskState.DONE}


def _task_rows(task: Task, codes: dict[Any, str], labels: dict[str, str]) -> list[dict[str, Any]]:
    head: dict[str, Any] = {
        "task.code": task.code, "task.title": task.title, "task.kind": task.kind, "task.state": task.state,
        "task.weight": task.weight, "task.owner": labels.get(task.owner or ""), "task.module": task.module,
        "task.item_version": task.item_version, "task.starts_at": task.starts_at, "task.due_at": task.due_at,
        "task.planned_hours": task.planned_hours,
        "task.depends_on": " ".join(codes[one] for one in task.depends_on if one in codes) or None,
    }  # fmt: skip
    rows: list[dict[str, Any]] = []
    for one in task.deliverables:
        below: dict[str, Any] = {
            "deliverable.title": one.title, "deliverable.weight": one.weight, "deliverable.due_at": one.due_at,
        }  # fmt: skip
        criteria = [
            {f"criterion.{name}": getattr(criterion, name) for name in ("text", *CRITERION)}
            for criterion in one.criteria
        ]
        rows += _joined(below, criteria)
    return _joined(head, rows)


def _joined(head: dict[str, Any], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [head | rows[0], *rows[1:]] if rows else [head]
