"""What somebody does through the pages' own addresses, to bring a journey to where it begins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Page
from tests.e2e.cells import NO_PAGE

MARKED = {"X-Bihuan-Request": "1"}


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """As the person whose page it is; a refusal fails the test with its words."""
    answer = page.request.fetch(f"/api{path}", method=method, data=body, headers=MARKED)
    assert answer.ok, f"{method} {path}: {answer.text()}"
    return answer.json()


def task_of(page: Page, project: str, code: str) -> dict[str, Any]:
    projects = ask(page, "GET", "/goals/projects")["projects"]
    known = next(one["project"] for one in projects if one["code"] == project)
    goals = ask(page, "GET", f"/goals/projects/{known}")["goals"]
    found: dict[str, Any] = next(one for goal in goals for one in goal["tasks"] if one["code"] == code)
    return found


def settled_matrix(open_as: Callable[..., Page], lead: Page, task: dict[str, Any], **owner: Any) -> dict[str, Any]:
    """The task is due later, and everybody has agreed; `owner`: columns of the owner's row."""
    due = datetime.fromisoformat(task["due_at"])
    new = (max(due, datetime.now(due.tzinfo)) + timedelta(days=5)).isoformat()
    wording = {
        "title": f"{task['title']}顺延", "reason": "试验室检修，窗口顺延五天。",
        "adjustments": [{"task": task["task"], "field": "due_at", "new": new}],
    }  # fmt: skip
    made = ask(lead, "POST", "/changes/consents", wording)
    path = f"/changes/consents/{made['summary']['matrix']}"
    light = {"action": "按新窗口重排", "hours": "0", "compensation": {"kind": "none"}}
    rows = [
        {"person": row["person"], "task": row["task"]} | light | (owner if row["person"] == task["owner"] else {})
        for row in made["rows"]
    ]
    worded = ask(lead, "PUT", path, wording | {"version": made["version"], "rows": rows})
    sent = ask(lead, "POST", f"{path}/send", {"version": worded["version"]})
    for row in sent["rows"]:
        if row["answer"] == "silent":
            body = {"revision": sent["summary"]["revision"], "answer": "accepted"}
            sent = ask(open_as(row["person"], NO_PAGE), "POST", f"{path}/rows/{row['row']}/answer", body)
    assert sent["summary"]["state"] == "settled", sent["summary"]
    settled: dict[str, Any] = sent
    return settled
