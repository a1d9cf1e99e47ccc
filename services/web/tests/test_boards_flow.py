"""W2, W3: boards from web's own read model, and the search over them."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis

from bihuan_chassis.testing import RunningService
from bihuan_contracts import Text, topics
from bihuan_contracts.goals import (
    Criterion,
    CriterionState,
    Deliverable,
    GoalSummary,
    ProjectChanged,
    ProjectState,
    TaskChanged,
    TaskKind,
    TaskLock,
    TaskState,
)

pytestmark = pytest.mark.flow

PROJECT, GOAL = UUID(int=0x10), UUID(int=0x20)
NOW = datetime.now(UTC)
FRIDAY, MONDAY = datetime(2026, 3, 6, 9, tzinfo=UTC), datetime(2026, 3, 9, 9, tzinfo=UTC)


def project(version: int = 1, **values: Any) -> ProjectChanged:
    goal = GoalSummary(goal=GOAL, title="电源模块", weight=Decimal(60), share=Decimal(60), progress=None, owner="10231")
    known: dict[str, Any] = {
        "project": PROJECT, "code": "P-2026-07", "name": "精密电源 PM-480", "product": "PM-480", "customer": "华东电网",
        "phase": "EVT", "lead": "10105", "state": ProjectState.ACTIVE, "starts_at": None, "due_at": None,
        "progress": Decimal("12.5"), "planned_progress": Decimal(0), "goals": (goal,), "version": version,
    }  # fmt: skip
    return ProjectChanged(**known | values)


def task(number: int, version: int = 1, **values: Any) -> TaskChanged:
    criterion = Criterion(criterion=UUID(int=900 + number), version=1, text="≤ 65 °C", state=CriterionState.OPEN)
    deliverable = Deliverable(
        deliverable=UUID(int=800 + number), title="报告", weight=None, due_at=None, criteria=(criterion,)
    )
    known: dict[str, Any] = {
        "task": UUID(int=number), "code": f"T-{number:03}", "project": PROJECT, "project_code": "P-2026-07",
        "project_name": "精密电源 PM-480", "goal": GOAL, "goal_title": "电源模块", "title": f"温升测试 {number}",
        "kind": TaskKind.TEST, "state": TaskState.ACTIVE, "owner": "10231", "module": "PM-480", "item_version": "V2.3",
        "deliverables": (deliverable,), "locks": (), "retest": None, "weight": None, "impact_weight": Decimal(20),
        "progress": Decimal(0), "starts_at": None, "due_at": NOW + timedelta(days=30), "finished_at": None,
        "planned_hours": None, "actual_hours": None, "version": version,
    }  # fmt: skip
    return TaskChanged(**known | values)


LOCK = TaskLock(
    lock=UUID(int=5), change=UUID(int=6), change_number="ECN-1", module="PM-480", old_version="V2.3",
    new_version="V2.4", since=NOW, way_out=Text(zh="复测", en="Retest"),
)  # fmt: skip

SignIn = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest.fixture
def signed_in(browser: httpx.AsyncClient) -> SignIn:
    async def sign_in(person: str) -> httpx.AsyncClient:
        answer = await browser.post("/auth/sign-in", json={"person": person})
        assert answer.status_code == 200, answer.text
        return browser

    return sign_in


async def test_a_board_is_made_from_the_topics_alone(web: RunningService, engineer: httpx.AsyncClient) -> None:
    """W2: tree, counts, lateness on working days, on-time heat map and weights; goals is not asked."""
    await web.hear(topics.PROJECTS, [project()])
    await web.hear(
        topics.TASKS,
        [
            task(1, state=TaskState.DONE, due_at=FRIDAY, finished_at=MONDAY + timedelta(days=1)),
            task(2, locks=(LOCK,), due_at=NOW - timedelta(days=60)),
            task(3, state=TaskState.SUPERSEDED),
            task(4, state=TaskState.DONE, due_at=MONDAY, finished_at=FRIDAY),
        ],
    )
    board = (await engineer.get(f"/api/boards/{PROJECT}")).json()
    shown = {one["code"]: one for one in board["goals"][0]["tasks"]}
    assert list(shown) == ["T-001", "T-002", "T-004"]
    assert shown["T-001"]["days_late"] == 2, "from Friday to Tuesday are two working days"
    assert shown["T-004"]["days_late"] == -1
    assert shown["T-002"]["owner_name"] == "周启航"
    summary = board["project"]
    assert (summary["tasks"], summary["done"], summary["locked"], summary["late"]) == (3, 2, 1, 1)
    assert summary["lead_name"] == "陈砚"
    assert Decimal(summary["planned_progress"]) == 60
    assert Decimal(board["remainder"]) == 40
    assert [(cell["node"], cell["n"], Decimal(cell["on_time"])) for cell in board["heat"]] == [
        ("PM-480", 3, Decimal("33.3"))
    ]
    listed = (await engineer.get("/api/boards")).json()["projects"]
    assert [(one["code"], one["tasks"], one["late"]) for one in listed] == [("P-2026-07", 3, 1)]


async def test_a_board_never_shows_what_was_before_the_last_commit(
    web: RunningService, engineer: httpx.AsyncClient
) -> None:
    """W2: kept bytes end with the commit that outdates them; an older state that comes late changes nothing."""
    await web.hear(topics.PROJECTS, [project()])
    await web.hear(topics.TASKS, [task(1)])

    async def title() -> str:
        board = (await engineer.get(f"/api/boards/{PROJECT}")).json()
        return str(board["goals"][0]["tasks"][0]["title"])

    assert await title() == "温升测试 1"
    await web.hear(topics.TASKS, [task(1, version=3, title="新")])
    assert await title() == "新"
    await web.hear(topics.TASKS, [task(1, version=2, title="旧")])
    assert await title() == "新"
    assert [one.kind for one in web.live_messages].count("task") == 3


OTHER, ENDED = UUID(int=0x11), UUID(int=0x12)


async def test_the_companys_board_is_the_boards_of_its_projects(
    web: RunningService, engineer: httpx.AsyncClient
) -> None:
    """W2: one answer holds each running project's board as its own page shows it, the one in most need first; what has ended stands apart."""
    ended = project(project=ENDED, code="P-2025-01", state=ProjectState.DONE)
    await web.hear(topics.PROJECTS, [project(), project(project=OTHER, code="P-2026-08"), ended])
    await web.hear(topics.TASKS, [task(1), task(2, project=OTHER, locks=(LOCK,)), task(3, project=ENDED)])
    answer = await engineer.get("/api/boards/company")
    own = [(await engineer.get(f"/api/boards/{one}")).json() for one in (OTHER, PROJECT)]
    assert answer.json() == {"archived": 1, "projects": [one["project"] for one in own], "boards": own}
    head, *lines, end = answer.text.split("\n")
    assert json.loads(head + end) == answer.json() | {"boards": []}
    assert [json.loads(line.removesuffix(",")) for line in lines] == own, "each board is a line"
    archive = (await engineer.get("/api/boards/company?archived=true")).json()
    assert [one["project"]["code"] for one in archive["boards"]] == ["P-2025-01"]
    assert [one["code"] for one in archive["boards"][0]["goals"][0]["tasks"]] == ["T-003"]


async def test_the_companys_board_follows_each_commit(
    web: RunningService, engineer: httpx.AsyncClient, redis: "Redis"
) -> None:
    """W2: a change in one project outdates the whole, a project that ends leaves it; without projects it is empty."""
    await redis.delete("bihuan:board:company:running")  # kept from another test's rows
    assert (await engineer.get("/api/boards/company")).json() == {"archived": 0, "projects": [], "boards": []}
    await web.hear(topics.PROJECTS, [project(), project(project=OTHER, code="P-2026-08")])
    await web.hear(topics.TASKS, [task(1), task(2, project=OTHER)])

    async def titles() -> list[str]:
        boards = (await engineer.get("/api/boards/company")).json()["boards"]
        return [one["title"] for board in boards for goal in board["goals"] for one in goal["tasks"]]

    assert await titles() == ["温升测试 1", "温升测试 2"]
    await web.hear(topics.TASKS, [task(2, project=OTHER, version=2, title="新")])
    assert await titles() == ["温升测试 1", "新"]
    await web.hear(topics.PROJECTS, [project(version=2, state=ProjectState.CANCELLED)])
    assert await titles() == ["新"]


async def test_a_company_board_is_put_together_from_kept_bytes(
    web: RunningService, engineer: httpx.AsyncClient, redis: "Redis"
) -> None:
    """W2: what its projects' own pages have made is not made again, and the whole is kept until something changes."""
    await web.hear(topics.PROJECTS, [project(), project(project=OTHER, code="P-2026-08")])
    await engineer.get(f"/api/boards/{PROJECT}")
    await engineer.get(f"/api/boards/{OTHER}")

    async def mark(key: str) -> None:
        body = await redis.get(key)
        assert isinstance(body, bytes)
        await redis.set(key, body.replace(b"PM-480", b"KEPT"), ex=30)

    await mark(f"bihuan:board:{PROJECT}")

    async def products() -> list[str]:
        return [one["project"]["product"] for one in (await engineer.get("/api/boards/company")).json()["boards"]]

    assert await products() == ["KEPT", "PM-480"]
    await mark("bihuan:board:company:running")
    assert await products() == ["KEPT", "KEPT"]
    await web.hear(topics.PROJECTS, [project(project=OTHER, code="P-2026-08", version=2)])
    assert await products() == ["KEPT", "PM-480"], "the one that has changed is made anew, the other is as it was kept"


async def test_an_emptied_redis_is_filled_again_from_webs_own_rows(
    web: RunningService, engineer: httpx.AsyncClient, redis: "Redis", signed_in: SignIn
) -> None:
    """W2"""
    await web.hear(topics.PROJECTS, [project()])
    await web.hear(topics.TASKS, [task(1)])
    before = (await engineer.get(f"/api/boards/{PROJECT}")).json()
    await redis.flushdb()
    assert (await engineer.get(f"/api/boards/{PROJECT}")).status_code == 401
    again = await signed_in("10231")
    assert (await again.get(f"/api/boards/{PROJECT}")).json()["goals"] == before["goals"]


async def test_boards_people_and_search_are_for_colleagues(web: RunningService, signed_in: SignIn) -> None:
    """W4: a supplier's person sees none of them; what is unknown is not found."""
    await web.hear(topics.PROJECTS, [project()])
    paths = [
        "/api/boards", "/api/boards/company", f"/api/boards/{PROJECT}", "/api/people", "/api/search?q=a",
        "/api/people/10231/work",
    ]  # fmt: skip
    supplier = await signed_in("S001-1")
    assert [(await supplier.get(path)).status_code for path in paths] == [403] * len(paths)
    inside = await signed_in("10231")
    assert [(await inside.get(path)).status_code for path in paths] == [200] * len(paths)
    assert (await inside.get(f"/api/boards/{UUID(int=77)}")).status_code == 404
    assert (await inside.get("/api/boards/x")).status_code == 422


async def test_the_search_finds_projects_tasks_and_people(web: RunningService, engineer: httpx.AsyncClient) -> None:
    """W3: by code, title, module, customer, and the owner's name."""
    await web.hear(topics.PROJECTS, [project()])
    await web.hear(
        topics.TASKS, [task(1), task(2, code="RT-0187-1", owner="10306"), task(3, state=TaskState.SUPERSEDED)]
    )

    async def found(words: str) -> tuple[list[str], list[str], list[str]]:
        answer = (await engineer.get("/api/search", params={"q": words})).json()
        return tuple([one[key] for one in answer[kind]] for kind, key in (("projects", "code"), ("tasks", "code"), ("people", "name")))  # type: ignore[return-value] # fmt: skip

    assert await found("rt-0187") == ([], ["RT-0187-1"], [])
    assert await found("华东") == (["P-2026-07"], [], [])
    assert await found("林若溪") == ([], ["RT-0187-1"], ["林若溪"])
    assert await found("温升") == ([], ["RT-0187-1", "T-001"], [])
    assert await found("%") == ([], [], [])


async def test_who_leads_sees_what_everybody_has_open(web: RunningService, signed_in: SignIn) -> None:
    """W2"""
    await web.hear(topics.PROJECTS, [project()])
    await web.hear(topics.TASKS, [task(1, locks=(LOCK,)), task(2, due_at=NOW - timedelta(days=3)), task(3, owner=None)])
    lead = await signed_in("10105")
    staff = (await lead.get("/api/people")).json()
    assert staff["workloads"] == {"10231": {"open": 2, "locked": 1, "late": 1, "retests": 0}}
    assert "20001" not in {one["person"] for one in staff["people"]}, "who has left is not listed"
    assert "S001-1" not in {one["person"] for one in staff["people"]}
    work = (await lead.get("/api/people/10231/work")).json()
    assert [one["code"] for one in work["tasks"]] == ["T-002", "T-001"]
    assert work["projects"] == {str(PROJECT): "精密电源 PM-480"}
    engineer = await signed_in("10231")
    assert (await engineer.get("/api/people")).json()["workloads"] == {}
