"""G1, G2: editing a tree through the API on a real database."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import given_goals as given
import httpx
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import Adjustment, ConsentChanged, ConsentState
from bihuan_contracts.goals import CriterionState, GoalState, TargetField, TaskState

pytestmark = pytest.mark.flow
OWNER = "10112"


def lead(goals: RunningService, **more: Any) -> httpx.AsyncClient:
    return goals.client(given.LEAD, [Role.PROJECT_LEAD], **more)


async def a_tree(goals: RunningService, *tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The demo tree, the way the editor sees it."""
    listed = list(tasks) or [given.work("T-1", weight="40"), given.work("T-2"), given.work("T-3")]
    body = given.tree() | {
        "goals": [
            {"title": "电气", "weight": "60", "owner": OWNER, "tasks": listed},
            {"title": "机械", "tasks": [given.work("M-1", module="X-1", item_version="V1")]},
        ],
    }
    await given.a_project(goals, body | more)
    return await seen(goals)


async def seen(goals: RunningService, client: httpx.AsyncClient | None = None) -> dict[str, Any]:
    client = client or lead(goals)
    project = (await client.get("/projects")).json()["projects"][0]["project"]
    tree: dict[str, Any] = (await client.get(f"/projects/{project}/tree")).json()
    return tree


def task_of(tree: Mapping[str, Any], code: str) -> dict[str, Any]:
    return next(task for goal in tree["goals"] for task in goal["tasks"] if task["code"] == code)


async def test_tree_is_built_from_goal_to_criterion_and_activated(goals: RunningService) -> None:
    """G1: goal → task → deliverable → criterion; the refusal names what is missing at each step."""
    tree = await a_tree(goals)
    client = lead(goals)
    project = tree["project"]
    goal = (await client.post(f"/projects/{project}/goals", json={"title": "具备量产条件", "owner": OWNER})).json()
    assert goal["owner"] == OWNER
    made = await client.post(f"/projects/{project}/tasks", json={"goal": goal["goal"], "title": "装配工艺"})
    assert made.status_code == 201, made.text
    task = made.json()
    assert (task["state"], task["code"], task["revision"]) == ("draft", "T-4", 1)
    assert [one["field"] for one in task["missing"]] == ["deliverables"]
    path = f"/tasks/{task['task']}"
    refused = await client.post(f"{path}/activate", json={"revision": task["revision"]})
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, "T-4 没有交付物")
    task = (
        await client.post(f"{path}/deliverables", json={"revision": task["revision"], "title": "作业指导书"})
    ).json()
    assert [one["field"] for one in task["missing"]] == ["deliverables.0.criteria"]
    refused = await client.post(f"{path}/activate", json={"revision": task["revision"]})
    assert "作业指导书" in refused.json()["errors"][0]["message"]
    deliverable = task["deliverables"][0]["deliverable"]
    body = {"revision": task["revision"], "text": "试装一次合格"}
    task = (await client.post(f"{path}/deliverables/{deliverable}/criteria", json=body)).json()
    assert task["missing"] == []
    done = await client.post(f"{path}/activate", json={"revision": task["revision"]})
    assert done.json()["state"] == "active"
    announced = (await given.tasks(goals))["T-4"]
    assert (announced.state, announced.goal_owner) == (TaskState.ACTIVE, OWNER)
    history = (await client.get(f"/projects/{project}/edits")).json()["edits"]
    assert [one["action"] for one in history] == [
        "task_activated", "criterion_created", "deliverable_created", "task_created", "goal_created",
    ]  # fmt: skip


async def test_stale_edit_is_refused_with_the_current_state(goals: RunningService) -> None:
    """G1: nobody's edit is lost; figures that roll up make no edit stale."""
    tree = await a_tree(goals)
    one, other = task_of(tree, "T-1"), task_of(tree, "T-2")
    client = lead(goals)
    first = await client.patch(f"/tasks/{one['task']}", json={"revision": one["revision"], "weight": "50"})
    assert first.status_code == 200, first.text
    # The share of T-2 has moved with it, which is nobody's edit of T-2.
    second = await client.patch(f"/tasks/{other['task']}", json={"revision": other["revision"], "title": "调试"})
    assert second.status_code == 200, second.text
    stale = await client.patch(f"/tasks/{one['task']}", json={"revision": one["revision"], "weight": "45"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert stale.json()["current"]["weight"] == "50"
    assert stale.json()["current"]["revision"] == one["revision"] + 1


async def test_fifty_parallel_edits_have_one_winner(goals: RunningService) -> None:
    """G1: forty-nine get a clear 409 with what is there now."""
    tree = await a_tree(goals)
    task = task_of(tree, "T-2")
    client = lead(goals)
    answers = await asyncio.gather(
        *(
            client.patch(f"/tasks/{task['task']}", json={"revision": task["revision"], "title": f"第 {n} 人"})
            for n in range(50)
        )
    )
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 49)
    title = won[0].json()["title"]
    assert {(answer.json()["code"], answer.json()["current"]["title"]) for answer in lost} == {("stale", title)}
    assert task_of(await seen(goals), "T-2")["title"] == title


async def test_same_idempotency_key_creates_once(goals: RunningService) -> None:
    tree = await a_tree(goals)
    key = {"Idempotency-Key": str(uuid4())}
    body = {"goal": tree["goals"][0]["goal"], "title": "只建一次"}
    made = [await lead(goals).post(f"/projects/{tree['project']}/tasks", json=body, headers=key) for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert [task["title"] for task in (await seen(goals))["goals"][0]["tasks"]].count("只建一次") == 1


@pytest.mark.parametrize(
    ("person", "roles", "allowed"),
    [
        (given.LEAD, [Role.PROJECT_LEAD], {"goal", "task", "own goal's task"}),
        (OWNER, [Role.EMPLOYEE], {"own goal's task"}),
        (given.ENGINEER, [Role.EMPLOYEE], set()),
        (given.ENGINEER, [Role.PROJECT_LEAD], set()),
        (given.ENGINEER, [Role.DIRECTOR], set()),
        (given.ENGINEER, [Role.ADMINISTRATOR], {"goal", "task", "own goal's task"}),
    ],
)
async def test_who_may_edit(goals: RunningService, person: str, roles: list[Role], allowed: set[str]) -> None:
    """G1: lead of the project, owner of the goal above, administrator; being some project's lead is not enough."""
    tree = await a_tree(goals)
    client = goals.client(person, roles)
    goal, task, own = tree["goals"][0], task_of(tree, "M-1"), task_of(tree, "T-1")
    answers = {
        "goal": await client.patch(
            f"/projects/{tree['project']}/goals/{goal['goal']}", json={"revision": goal["revision"], "weight": "50"}
        ),
        "task": await client.patch(f"/tasks/{task['task']}", json={"revision": task["revision"], "title": "A"}),
        "own goal's task": await client.patch(f"/tasks/{own['task']}", json={"revision": own["revision"], "title": "B"}),
    }  # fmt: skip
    assert {name for name, answer in answers.items() if answer.status_code == 200} == allowed
    refused = [answer for answer in answers.values() if answer.status_code != 200]
    assert all((answer.status_code, answer.json()["code"]) == (403, "not_editor") for answer in refused)
    assert all(given.LEAD in answer.json()["may_edit"] for answer in refused)


async def test_weights_share_the_remainder_and_over_100_names_the_siblings(goals: RunningService) -> None:
    """G2: T-1 has 40 of the goal's 60, T-2 and T-3 share the rest; 0 is visible; a cancelled one leaves."""
    tree = await a_tree(goals)
    client = lead(goals)
    assert [Decimal(task_of(tree, code)["impact_weight"]) for code in ("T-1", "T-2", "T-3")] == [24, 18, 18]
    task = task_of(tree, "T-2")
    refused = await client.patch(f"/tasks/{task['task']}", json={"revision": task["revision"], "weight": "60.5"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "weight")
    assert refused.json()["errors"][0]["message"].endswith("超过 100：T-1 40、T-2 60.5")
    await client.patch(f"/tasks/{task['task']}", json={"revision": task["revision"], "weight": "0"})
    tree = await seen(goals)
    assert [Decimal(task_of(tree, code)["impact_weight"]) for code in ("T-1", "T-2", "T-3")] == [24, 0, 36]
    one = task_of(tree, "T-1")
    body = {"revision": one["revision"], "reason": "并入 T-3"}
    assert (await client.post(f"/tasks/{one['task']}/cancel", json=body)).json()["state"] == "cancelled"
    tree = await seen(goals)
    assert [Decimal(task_of(tree, code)["impact_weight"]) for code in ("T-1", "T-2", "T-3")] == [0, 0, 60]
    back = (await client.post(f"/tasks/{one['task']}/reopen", json=body | {"revision": one["revision"] + 1})).json()
    assert back["state"] == "draft"


async def test_task_moves_to_a_goal_of_somebody_else_only_with_both_rights(goals: RunningService) -> None:
    """G1: move and re-parent; the goal above may be somebody else's."""
    tree = await a_tree(goals)
    electric, mechanic = tree["goals"]
    task = task_of(tree, "T-1")
    body = {"revision": task["revision"], "goal": mechanic["goal"], "before": mechanic["tasks"][0]["task"]}
    assert (await goals.client(OWNER).post(f"/tasks/{task['task']}/move", json=body)).status_code == 403
    assert (await lead(goals).post(f"/tasks/{task['task']}/move", json=body)).status_code == 200
    tree = await seen(goals)
    assert [one["code"] for one in tree["goals"][1]["tasks"]] == ["T-1", "M-1"]
    assert [one["code"] for one in tree["goals"][0]["tasks"]] == ["T-2", "T-3"]
    assert (await given.tasks(goals))["T-1"].goal == UUID(mechanic["goal"])
    place = {"revision": electric["revision"], "before": None}
    await lead(goals).post(f"/projects/{tree['project']}/goals/{electric['goal']}/move", json=place)
    assert [one["title"] for one in (await seen(goals))["goals"]] == ["机械", "电气"]


async def test_dependencies_are_kept_and_a_loop_is_refused_by_name(goals: RunningService) -> None:
    """G3."""
    tree = await a_tree(goals)
    client = lead(goals)
    one, two, three = (task_of(tree, code) for code in ("T-1", "T-2", "T-3"))
    for task, before in ((two, one), (three, two)):
        body = {"revision": task["revision"], "depends_on": [before["task"]]}
        assert (await client.patch(f"/tasks/{task['task']}", json=body)).json()["depends_on"] == [before["task"]]
    refused = await client.patch(
        f"/tasks/{one['task']}", json={"revision": one["revision"], "depends_on": [three["task"]]}
    )
    assert refused.json()["errors"][0]["message"] == "前后关系成环：T-1 → T-2 → T-3 → T-1"
    english = await lead(goals, language="en").patch(
        f"/tasks/{one['task']}", json={"revision": one["revision"], "depends_on": [three["task"]]}
    )
    assert "T-1 → T-2 → T-3 → T-1" in english.json()["errors"][0]["message"]
    assert (await given.tasks(goals))["T-2"].depends_on == (UUID(one["task"]),)
    plan = (await client.get(f"/projects/{tree['project']}/plan")).json()
    assert [UUID(task) for task in plan["critical"]] == [UUID(task["task"]) for task in (one, two, three)]
    assert plan["tasks"][three["task"]]["finish_in"] == 6


async def test_active_task_does_not_lose_what_it_is_active_by(goals: RunningService) -> None:
    """G1: and evidence stays where it is."""
    done = given.work("T-9", deliverables=[
        {"title": "报告", "criteria": [given.criterion(verified=True)]}, {"title": "样机", "criteria": [given.criterion()]},
    ])  # fmt: skip
    tree = await a_tree(goals, given.work("T-1"), done)
    client = lead(goals)
    one, nine = task_of(tree, "T-1"), task_of(tree, "T-9")
    path = f"/tasks/{one['task']}/deliverables/{one['deliverables'][0]['deliverable']}"
    refused = await client.post(f"{path}/remove", json={"revision": one["revision"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "gap")
    assert "T-1 没有交付物" in refused.json()["title"]
    path = f"/tasks/{nine['task']}/deliverables/{nine['deliverables'][0]['deliverable']}"
    refused = await client.post(f"{path}/remove", json={"revision": nine["revision"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "verified")
    path = f"/tasks/{nine['task']}/deliverables/{nine['deliverables'][1]['deliverable']}"
    assert len((await client.post(f"{path}/remove", json={"revision": nine["revision"]})).json()["deliverables"]) == 1


async def test_new_limits_are_a_new_version_and_a_pass_is_verified_again(goals: RunningService) -> None:
    """G5, G8: the old version stays on record."""
    done = given.work(
        "T-9", deliverables=[{"title": "报告", "criteria": [given.criterion(verified=True)]}], state="done"
    )
    tree = await a_tree(goals, given.work("T-1"), done | {"state": "active"})
    nine = task_of(tree, "T-9")
    deliverable = nine["deliverables"][0]
    path = f"/tasks/{nine['task']}/deliverables/{deliverable['deliverable']}/criteria"
    body = {"revision": nine["revision"], "text": "传导发射余量 ≥ 5 dB", "lower": "5"}
    after = await lead(goals).patch(f"{path}/{deliverable['criteria'][0]['criterion']}", json=body)
    assert after.status_code == 200, after.text
    criterion = (await given.tasks(goals))["T-9"].deliverables[0].criteria[0]
    assert (criterion.version, criterion.state, criterion.lower) == (2, CriterionState.VERIFY_AGAIN, 5)
    card = (await lead(goals).get(f"/tasks/{nine['task']}")).json()
    assert [(one["version"], one["text"]) for one in card["criteria_history"]] == [(1, "传导发射余量 ≥ 3 dB")]


async def test_the_way_of_verifying_is_edited_and_the_other_way_goes_with_it(goals: RunningService) -> None:
    """G1, G5: kind, items and approver; each change is a version of the criterion with old and new on record."""
    tree = await a_tree(goals, given.work("T-1"))
    task = task_of(tree, "T-1")
    deliverable = task["deliverables"][0]
    old = deliverable["criteria"][0]
    path = f"/tasks/{task['task']}/deliverables/{deliverable['deliverable']}/criteria/{old['criterion']}"

    async def edit(**body: object) -> dict[str, Any]:
        nonlocal task
        answer = await lead(goals).patch(path, json={"revision": task["revision"], **body})
        if answer.status_code == 200:
            task = answer.json()
            found: dict[str, Any] = task["deliverables"][0]["criteria"][0]
            return found
        return {"status": answer.status_code, "field": answer.json()["errors"][0]["field"]}

    assert await edit(kind="checklist") == {"status": 422, "field": "items"}
    listed = await edit(kind="checklist", items=["外观", "铭牌"])
    assert (listed["items"], listed["metric"], listed["lower"], listed["version"]) == (["外观", "铭牌"], None, None, 2)
    assert await edit(lower="3") == {"status": 422, "field": "metric"}
    approved = await edit(kind="approval", approver="manager")
    assert (approved["items"], approved["approver"], approved["version"]) == ([], "manager", 3)
    assert await edit(items=["外观"]) == {"status": 422, "field": "items"}
    assert await edit(kind="measurement") == {"status": 422, "field": "metric"}
    measured = await edit(kind="measurement", metric="余量", unit="dB", lower="3", upper="9")
    assert (measured["approver"], measured["metric"], measured["kind"]) == (None, "余量", "measurement")
    edits = (await lead(goals).get(f"/projects/{tree['project']}/edits")).json()["edits"]
    assert {(one["field"], one["new"]) for one in edits[-1]["changes"]} >= {
        ("kind", "checklist"),
        ("items", "外观、铭牌"),
    }


async def test_deliverables_and_criteria_move(goals: RunningService) -> None:
    """G1: the lower two levels are re-parented too."""
    pair = [{"title": "甲", "criteria": [given.criterion()]}, {"title": "乙", "criteria": [given.criterion("外观")]}]
    tree = await a_tree(goals, given.work("T-1", deliverables=pair), given.work("T-2"))
    client = lead(goals)
    one, two = task_of(tree, "T-1"), task_of(tree, "T-2")
    moved = one["deliverables"][1]
    path = f"/tasks/{one['task']}/deliverables/{moved['deliverable']}"
    after = (await client.post(f"{path}/move", json={"revision": one["revision"], "task": two["task"]})).json()
    assert [one["title"] for one in after["deliverables"]] == ["交付 T-2", "乙"]
    first, second = after["deliverables"]
    path = f"/tasks/{two['task']}/deliverables/{second['deliverable']}/criteria"
    body = {"revision": after["revision"], "deliverable": first["deliverable"]}
    refused = await client.post(f"{path}/{second['criteria'][0]['criterion']}/move", json=body)
    assert refused.json()["code"] == "gap"
    body = {"revision": after["revision"], "text": "尺寸"}
    after = (await client.post(path, json=body)).json()
    body = {"revision": after["revision"], "deliverable": first["deliverable"]}
    after = (await client.post(f"{path}/{second['criteria'][0]['criterion']}/move", json=body)).json()
    assert [[c["text"] for c in one["criteria"]] for one in after["deliverables"]] == [
        ["传导发射余量 ≥ 3 dB", "外观"], ["尺寸"],
    ]  # fmt: skip


async def test_cancelled_goal_leaves_the_denominator(goals: RunningService) -> None:
    """G2."""
    tree = await a_tree(goals)
    goal = tree["goals"][1]
    path = f"/projects/{tree['project']}/goals/{goal['goal']}"
    body = {"revision": goal["revision"], "reason": "机械部分外协"}
    assert (await lead(goals).post(f"{path}/cancel", json=body)).json()["state"] == "cancelled"
    tree = await seen(goals)
    assert [Decimal(one["share"]) for one in tree["goals"]] == [100, 0]
    assert task_of(tree, "M-1")["state"] == "cancelled"
    announced = (await goals.announced(topics.PROJECTS))[-1]
    assert [one.state for one in announced.goals] == [GoalState.ACTIVE, GoalState.CANCELLED]
    refused = await lead(goals).post(f"/projects/{tree['project']}/tasks", json={"goal": goal["goal"], "title": "迟了"})
    assert refused.json()["code"] == "goal_cancelled"


async def frozen_tree(goals: RunningService) -> dict[str, Any]:
    """The goal 电气 in a quarter that is frozen."""
    tree = await a_tree(goals)
    director = goals.client("10001", [Role.DIRECTOR])
    quarter = {"kind": "quarter", "name": "2026 年第一季度", "starts_at": "2026-01-01T00:00:00+08:00",
               "ends_at": "2026-04-01T00:00:00+08:00"}  # fmt: skip
    assert (await lead(goals).post("/cycles", json=quarter)).status_code == 403
    cycle = (await director.post("/cycles", json=quarter)).json()
    goal = tree["goals"][0]
    body = {"revision": goal["revision"], "cycle": cycle["cycle"]}
    put = await lead(goals).patch(f"/projects/{tree['project']}/goals/{goal['goal']}", json=body)
    assert put.json()["cycle_name"] == "2026 年第一季度"
    frozen = await director.post(f"/cycles/{cycle['cycle']}/freeze", json={"version": 1})
    assert (frozen.status_code, frozen.json()["goals"]) == (200, 1)
    return await seen(goals)


async def test_frozen_goal_refuses_everybody_and_names_the_way(goals: RunningService) -> None:
    """G1, C8: dates, weights, owners and deletion, administrators included."""
    tree = await frozen_tree(goals)
    administrator = goals.client("10002", [Role.ADMINISTRATOR])
    goal, task = tree["goals"][0], task_of(tree, "T-1")
    path, of_goal = f"/tasks/{task['task']}", f"/projects/{tree['project']}/goals/{goal['goal']}"
    deliverable = f"{path}/deliverables/{task['deliverables'][0]['deliverable']}"
    now, seen_goal = {"revision": task["revision"]}, {"revision": goal["revision"]}
    attempts = [
        administrator.patch(path, json=now | {"weight": "10"}),
        administrator.patch(path, json=now | {"due_at": "2026-09-01T00:00:00Z"}),
        administrator.patch(path, json=now | {"starts_at": "2026-01-01T00:00:00Z"}),
        administrator.patch(path, json=now | {"owner": given.TESTER}),
        administrator.post(f"{path}/cancel", json=now | {"reason": "不做了"}),
        administrator.post(f"{path}/move", json=now | {"goal": tree["goals"][1]["goal"]}),
        administrator.post(f"{path}/deliverables", json=now | {"title": "多一份"}),
        administrator.patch(deliverable, json=now | {"due_at": "2026-09-01T00:00:00Z"}),
        administrator.post(f"{deliverable}/remove", json=now),
        administrator.patch(of_goal, json=seen_goal | {"weight": "10"}),
        administrator.patch(of_goal, json=seen_goal | {"owner": None}),
        administrator.patch(of_goal, json=seen_goal | {"cycle": None}),
        administrator.post(f"{of_goal}/cancel", json=seen_goal | {"reason": "不做了"}),
        administrator.post(f"/projects/{tree['project']}/tasks", json={"goal": goal["goal"], "title": "加一项"}),
    ]
    for answer in [await attempt for attempt in attempts]:
        assert (answer.status_code, answer.json()["code"]) == (409, "frozen"), answer.text
        assert "2026 年第一季度" in answer.json()["title"]
        assert answer.json()["way"] == "/consents/new"
    renamed = await administrator.patch(path, json=now | {"title": "电源模块样机"})
    assert renamed.status_code == 200
    assert (await given.tasks(goals))["T-1"].frozen
    assert (await goals.announced(topics.PROJECTS))[-1].goals[0].frozen


async def test_settled_matrix_moves_what_is_frozen(goals: RunningService) -> None:
    """C8: the way that the refusal names works."""
    task = task_of(await frozen_tree(goals), "T-1")
    moved = Adjustment(
        task=UUID(task["task"]), task_code="T-1", task_title="", project=UUID(task["project"]), field=TargetField.OWNER,
        old=None, new=given.TESTER,
    )  # fmt: skip
    consent = ConsentChanged(
        matrix=UUID(int=5), number="GCM-2026-0001", title="换人", state=ConsentState.SETTLED, revision=1,
        proposer=given.LEAD, arbiter=None, adjustments=(moved,), rows=(), proposed_at=given.NOW, sent_at=given.NOW,
        settled_at=given.NOW, version=3,
    )  # fmt: skip
    await goals.hear(topics.CONSENTS, [consent])
    assert (await given.tasks(goals))["T-1"].owner == given.TESTER


async def test_share_of_a_frozen_goal_does_not_move_by_its_sibling(goals: RunningService) -> None:
    """G2: 电气 has 60 and 机械 the rest; a third goal with 40 would change nothing, one that takes weight is refused."""
    tree = await a_tree(goals)
    path = f"/projects/{tree['project']}/goals"
    phase = {"kind": "phase", "name": "DVT", "project": tree["project"], "starts_at": "2026-01-01T00:00:00+08:00",
             "ends_at": "2026-04-01T00:00:00+08:00"}  # fmt: skip
    cycle = (await lead(goals).post("/cycles", json=phase)).json()
    goal = tree["goals"][1]
    body = {"revision": goal["revision"], "cycle": cycle["cycle"]}
    await lead(goals).patch(f"{path}/{goal['goal']}", json=body)
    assert (await lead(goals).post(f"/cycles/{cycle['cycle']}/freeze", json={"version": 1})).status_code == 200
    refused = await lead(goals).post(path, json={"title": "软件", "weight": "30"})
    assert (refused.status_code, refused.json()["code"]) == (409, "frozen")
    assert (await lead(goals).post(path, json={"title": "软件", "weight": "0"})).status_code == 201
