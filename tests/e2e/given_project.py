"""A module and a project that belong to one test alone, and changes of that module, through the public ways in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from playwright.sync_api import Page

from bihuan_contracts import Topic, topics
from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER

INTEGRATOR, ADMINISTRATOR = "10901", "10902"
MARK = {"X-Bihuan-Request": "1"}
T = TypeVar("T")


def until(page: Page, look: Callable[[], T | None], what: str, seconds: float = 20) -> T:
    """The first answer that is not None; `page` keeps its events coming meanwhile."""
    for _ in range(int(seconds / 0.05)):
        if (found := look()) is not None:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"not within {seconds} s: {what}")


def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """As the person of the page; fails with the answer when it is refused."""
    answer = page.request.fetch(path, method=method, data=body, headers=MARK)
    assert answer.ok, f"{path}: {answer.text()}"
    return answer.json()


def publish(integrator: Page, topic: Topic, data: dict[str, Any]) -> None:
    """As the systems upstream do, by a CloudEvent of its own."""
    event = {"specversion": "1.0", "id": str(uuid4()), "source": "/plm/e2e", "type": topic.type, "data": data}
    sent = integrator.request.post(
        "/api/intake/events", data=event, headers={**MARK, "Content-Type": "application/cloudevents+json"}
    )
    assert sent.ok, sent.text()


@dataclass
class Given:
    """A project with a piece of work and a finished test on its own module."""

    lead: Page
    item: str
    project: str
    tasks: dict[str, str]
    """Ids by what they are: work, test, other."""
    base: str = "V1.0"

    @property
    def name(self) -> str:
        return f"{self.item} 试验台"

    def release(self, version: str, *, people: int = 2, limit: str | None = None) -> str:
        """A change of the module by the form's own address; its id, when all it does has been done."""
        body: dict[str, Any] = {"version": version, "description": f"换型到 {version}", "modules": [self.item]}
        if limit:
            body["criteria"] = [
                {"module": self.item, "text": f"余量 ≥ {limit} dB", "metric": "余量", "unit": "dB", "lower": limit}
            ]
        until(self.lead, lambda: self._reaches(body, people), f"changes knows the tasks of {self.item}")
        change = str(ask(self.lead, "POST", "/api/changes/changes", body)["change"])
        until(self.lead, lambda: self.effects(change)["cards"] or None, f"the cards of {version}")
        return change

    def effects(self, change: str) -> dict[str, Any]:
        found: dict[str, Any] = ask(self.lead, "GET", f"/api/goals/changes/{change}/effects")
        return found

    def progress(self) -> float:
        return float(ask(self.lead, "GET", f"/api/goals/projects/{self.project}")["project"]["progress"])

    def _reaches(self, body: dict[str, Any], people: int) -> bool | None:
        return True if ask(self.lead, "POST", "/api/changes/changes/preview", body)["people"] >= people else None


def a_project(integrator: Page, lead: Page) -> Given:
    """`integrator` and `lead` are pages of theirs; nobody else's work is touched."""
    item = f"E2E-{uuid4().hex[:6].upper()}"
    release = {
        "item": item, "name": f"{item} 模块", "kind": "module", "version": "V1.0", "lines": [],
        "released_at": "2026-01-05T01:00:00Z",
    }  # fmt: skip
    publish(integrator, topics.BOM_RELEASES, release)
    given = a_tree(lead, item)

    def known() -> bool | None:
        listed = ask(lead, "GET", f"/api/changes/modules?q={item}")["modules"]
        return True if any(one["item"] == item for one in listed) else None

    until(lead, known, f"changes knows {item}")
    return given


def a_tree(lead: Page, item: str | None = None) -> Given:
    """A project alone, led by whoever the page belongs to: 样机达标 with three tasks, 量产准备 with none."""
    item = item or f"E2E-{uuid4().hex[:6].upper()}"
    body = {
        "code": f"P-{item}", "name": f"{item} 试验台", "product": item, "lead": LEAD,
        "goals": [{"title": "样机达标", "tasks": _tasks(item)}, {"title": "量产准备", "tasks": []}],
    }  # fmt: skip
    made = ask(lead, "POST", "/api/goals/projects", body)
    tree = ask(lead, "GET", f"/api/goals/projects/{made['project']}/tree")
    kinds = {"01": "work", "02": "test", "03": "other"}
    tasks = {kinds[one["code"][-2:]]: one["task"] for goal in tree["goals"] for one in goal["tasks"]}
    return Given(lead, item, made["project"], tasks)


def _tasks(item: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    due = {"starts_at": (now - timedelta(days=10)).isoformat(), "due_at": (now + timedelta(days=3)).isoformat()}
    on = {"module": item, "item_version": "V1.0", "planned_hours": "20", **due}
    margin = {"text": "余量 ≥ 3 dB", "metric": "余量", "unit": "dB", "lower": "3"}
    done = {"state": "done", "finished_at": (now - timedelta(days=2)).isoformat(), "actual_hours": "18"}
    return [
        {"code": f"{item}-01", "title": "驱动改版", "kind": "develop", "owner": ENGINEER, **on,
         "deliverables": [{"title": "图纸", "criteria": [{"text": "评审通过"}]}]},
        {"code": f"{item}-02", "title": "型式试验", "kind": "test", "owner": TESTER, **on, **done,
         "deliverables": [{"title": "试验报告", "criteria": [{**margin, "verified": True}]}]},
        {"code": f"{item}-03", "title": "外观件", "kind": "develop", "owner": ENGINEER, **due,
         "deliverables": [{"title": "样件", "criteria": [{"text": "样件合格"}]},
                          {"title": "清单", "criteria": [{"text": "清单齐全"}, {"text": "编号正确"}]}]},
    ]  # fmt: skip
