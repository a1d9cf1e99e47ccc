"""A decision table that belongs to one test's module alone: written, approved by a second person, retired at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page
from tests.e2e.given_project import ask

OWNER, DIRECTOR = "10003", "10001"


@dataclass
class Rule:
    owner: Page
    director: Page
    name: str
    title: str

    def retire(self) -> None:
        for line in ask(self.owner, "GET", "/api/changes/rules")["tables"]:
            if line["name"] == self.name and line["in_force"]:
                at = f"/api/changes/rules/{self.name}/versions/{line['in_force']['version']}/retire"
                ask(self.director, "POST", at, {"reason": "测试结束"})


def a_rule(open_as: Callable[..., Page], module: str, then: dict[str, list[str]], *, task_kind: str) -> Rule:
    """In force: for this kind of task on this module, and for nothing else."""
    owner, director = open_as(OWNER, "/rules"), open_as(DIRECTOR, "/rules")
    title = f"{module} 的规则"
    draft = ask(owner, "POST", "/api/changes/rules", {"title": title})
    when = {"module": {"op": "in", "values": [module]}, "task_kind": {"op": "in", "values": [task_kind]}}
    table: dict[str, Any] = {
        "fields": list(when), "effects": list(then), "complete": False,
        "rows": [{"id": "row-1", "when": when, "then": then, "note": {"zh": "只为测试"}}],
        "cases": [
            {"id": "c1", "title": "命中", "facts": {"module": [module], "task_kind": [task_kind]}, "rows": ["row-1"],
             "then": {}},
        ],
    }  # fmt: skip
    at = f"/api/changes/rules/{draft['name']}/versions/1"
    saved = ask(owner, "PUT", at, {"edition": draft["edition"], "title": title, "table": table})
    submitted = ask(owner, "POST", f"{at}/submit", {"edition": saved["edition"]})
    ask(director, "POST", f"{at}/approve", {"edition": submitted["edition"]})
    return Rule(owner, director, draft["name"], title)
