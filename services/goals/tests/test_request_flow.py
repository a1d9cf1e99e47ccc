"""G10: two fields book an urgent request; it finds its project, counts with a weight, and its hours are shown."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import given_goals as given
import pytest
from hypothesis import given as suppose
from hypothesis import strategies as some

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.crm import CustomerOrderChanged
from bihuan_contracts.goals import ProjectState, TaskKind, TaskState
from goals.domain.requests import (
    Hours,
    candidates,
    default_weight,
    goal_for,
    loads,
    months_until,
    owner_for,
    projects_of,
)
from goals.domain.tree import Goal, Project, Task, Tree

flow = pytest.mark.flow


def project(number: int, customer: str | None, state: ProjectState = ProjectState.ACTIVE) -> Project:
    return Project(UUID(int=number), f"P-{number}", "P", "P", "10105", state, customer)


def test_project_is_found_by_the_customers_name_and_several_are_doubt() -> None:
    a, b, c = project(1, "华东精机"), project(2, "华东精机（苏州）"), project(3, None)
    assert projects_of("华东精机", [a, b, c]) == [a]
    assert projects_of("华东精机（苏州）工厂", [b, c]) == [b]
    assert projects_of("华东", [a, b, c]) == [a, b]
    assert projects_of("长江制药", [a, b, c]) == []
    assert projects_of("华东精机", [project(1, "华东精机", ProjectState.DONE)]) == []


def test_among_several_projects_the_named_product_decides() -> None:
    a = Project(UUID(int=1), "P-GX", "P", "GX-500", "10105", ProjectState.ACTIVE, "华东精机")
    b = Project(UUID(int=2), "P-TS", "P", "TS-330", "10105", ProjectState.ACTIVE, "华东精机")
    assert candidates("gx-500 主轴异响", "华东精机", [a, b]) == [a]
    assert candidates("主轴异响", "华东精机", [a, b]) == [a, b]
    assert candidates("GX-500 主轴异响", "长江制药", [a, b]) == []


def a_tree(goals: list[Goal], tasks: list[tuple[int, str, int | None]]) -> Tree:
    tree = Tree(replace(project(1, "华东精机"), goals=tuple(goals)))
    for number, (goal, owner, weight) in enumerate(tasks, 1):
        tree.put(
            Task(
                UUID(int=100 + number), f"T-{number}", UUID(int=1), UUID(int=goal), "T", TaskKind.DEVELOP, TaskState.ACTIVE,
                owner=owner, weight=None if weight is None else Decimal(weight),
            )
        )  # fmt: skip
    return tree


def goal(number: int, *, frozen: bool = False) -> Goal:
    return Goal(UUID(int=number), f"G{number}", frozen=frozen)


@suppose(some.lists(some.none() | some.integers(0, 20), max_size=5))
def test_default_weight_never_makes_more_than_a_hundred(siblings: list[int | None]) -> None:
    tree = a_tree([goal(1)], [(1, "a", weight) for weight in siblings])
    weight = default_weight(tree, tree.project.goals[0])
    assert 0 <= weight <= 5
    assert sum(one or 0 for one in siblings) + weight <= 100
    assert weight == 5 or sum(one or 0 for one in siblings) > 95


def test_it_joins_the_goal_of_its_owners_work_and_never_takes_weight_in_a_frozen_one() -> None:
    tree = a_tree(
        [goal(1), goal(2), goal(3, frozen=True)], [(1, "a", None), (2, "b", None), (3, "c", None), (3, "c", None)]
    )
    found = [goal_for(tree, owner) for owner in ("a", "b", "c", "nobody")]
    assert [one.goal.int if one else None for one in found] == [1, 2, 1, 1]
    frozen = a_tree([goal(1, frozen=True)], [(1, "a", None)])
    only = goal_for(frozen, "a")
    assert only is not None
    assert default_weight(frozen, only) == 0
    assert goal_for(a_tree([], []), "a") is None


def test_whoever_books_it_does_it_when_they_work_there_else_the_lead() -> None:
    tree = a_tree([goal(1)], [(1, "a", None)])
    assert [owner_for(tree, one) for one in ("a", "b", None)] == ["a", "10105", "10105"]


def test_unplanned_share_is_of_all_hours_of_the_period_month_by_month() -> None:
    months = months_until(date(2026, 1, 31), 3)
    assert months == [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
    booked = [
        Hours("a", months[2], True, Decimal(5)), Hours("a", months[2], False, Decimal(15)),
        Hours("a", months[0], False, Decimal(20)), Hours("b", months[2], False, Decimal(9)),
        Hours("c", months[1], True, Decimal(6)),
    ]  # fmt: skip
    first, second, third = loads(booked, months, also=["d"])
    assert (first.person, first.hours, first.share) == ("c", 6, Decimal(100))
    assert (second.person, second.hours, second.share) == ("a", 5, Decimal("12.5"))
    assert [(one.hours, one.all_hours) for one in second.months] == [(0, 20), (0, 0), (5, 20)]
    assert (third.person, third.hours, third.share) == ("d", 0, None)


async def a_customer(goals: RunningService) -> None:
    await given.a_project(goals, given.tree(given.work("T-1"), customer="华东精机"))


@flow
async def test_two_fields_book_it_and_it_counts_toward_the_goal(goals: RunningService) -> None:
    await a_customer(goals)
    made = await goals.client(given.ENGINEER).post("/requests", json={"what": "现场参数表", "whom": "华东精机"})
    assert made.status_code == 201, made.text
    found = made.json()
    assert (found["number"], found["weight"], found["impact_weight"]) == ("UR-0001", "5", "5.0000")
    assert (found["goal_title"], found["may_weigh"]) == ("电气", False)
    tasks = await given.tasks(goals)
    assert tasks["T-1"].impact_weight == Decimal(95)
    task = tasks["UR-0001"]
    assert (task.kind, task.owner, task.state) == (TaskKind.AD_HOC, given.ENGINEER, TaskState.ACTIVE)
    assert task.due_at == given.NOW + timedelta(days=2)
    (notice,) = await goals.announced(topics.NOTICE_REQUESTS)
    assert notice.person == given.LEAD


@flow
async def test_one_booked_by_somebody_else_is_the_leads_and_their_manager_approves(goals: RunningService) -> None:
    await a_customer(goals)
    made = await goals.client(given.TESTER).post("/requests", json={"what": "现场参数表", "whom": "华东精机"})
    assert (made.json()["owner"], made.json()["booked_by_name"]) == (given.LEAD, "林若溪")
    (criterion,) = (await given.tasks(goals))["UR-0001"].deliverables[0].criteria
    assert criterion.approver == "manager"


@flow
async def test_solved_and_approved_it_moves_the_projects_progress(goals: RunningService) -> None:
    await a_customer(goals)
    made = (await goals.client(given.ENGINEER).post("/requests", json={"what": "参数表", "whom": "华东精机"})).json()
    (criterion,) = (await given.tasks(goals))["UR-0001"].deliverables[0].criteria
    path = f"/tasks/{made['task']}/criteria/{criterion.criterion}/approval"
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    assert (await lead.post(path, json={"version": 1, "approved": True})).status_code == 200
    task = (await given.tasks(goals))["UR-0001"]
    assert (task.state, task.progress) == (TaskState.DONE, 100)
    project = (await goals.announced(topics.PROJECTS))[-1]
    assert project.progress == 5


@flow
async def test_in_doubt_it_asks_for_the_project(goals: RunningService) -> None:
    await a_customer(goals)
    client = goals.client(given.ENGINEER)
    asked = await client.post("/requests", json={"what": "现场参数表", "whom": "新客户"})
    assert (asked.status_code, asked.json()["code"]) == (409, "choose_project")
    (choice,) = asked.json()["choices"]
    assert (await client.get("/requests")).json()["requests"] == []
    made = await client.post("/requests", json={"what": "现场参数表", "whom": "新客户", "project": choice["project"]})
    assert made.status_code == 201


@flow
async def test_lead_sets_the_weight_and_more_than_is_left_is_refused(goals: RunningService) -> None:
    await given.a_project(goals, given.tree(given.work("T-1", weight="70"), customer="华东精机"))
    client = goals.client(given.ENGINEER)
    made = (await client.post("/requests", json={"what": "现场参数表", "whom": "华东精机"})).json()
    path, body = f"/tasks/{made['task']}", {"revision": made["revision"], "weight": "20"}
    assert (await client.patch(path, json=body)).status_code == 403
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    assert (await lead.patch(path, json=body)).status_code == 200
    (shown,) = (await lead.get("/requests")).json()["requests"]
    assert (shown["weight"], shown["may_weigh"]) == ("20", True)
    over = await lead.patch(path, json={"revision": shown["revision"], "weight": "31"})
    assert [error["field"] for error in over.json()["errors"]] == ["weight"]


@flow
async def test_booked_hours_show_what_each_carried_beside_the_plan(goals: RunningService) -> None:
    await a_customer(goals)
    client = goals.client(given.ENGINEER)
    made = (await client.post("/requests", json={"what": "现场参数表", "whom": "华东精机"})).json()
    planned = (await given.tasks(goals))["T-1"].task
    for task, hours in ((made["task"], "2"), (planned, "6")):
        await client.post(f"/tasks/{task}/progress", json={"hours": hours})
    found = (await client.get("/requests", params={"months": 2})).json()
    (load,) = found["loads"]
    assert (found["since"], load["hours"], load["share"], load["open"]) == ("2026-02-01", "2", "25.0", 1)
    assert [(one["month"], one["all_hours"]) for one in load["months"]] == [("2026-02-01", "0"), ("2026-03-01", "8")]
    assert (await goals.client(given.TESTER).get("/requests")).json()["loads"] == []
    assert len((await goals.client(given.LEAD, [Role.PROJECT_LEAD]).get("/requests")).json()["loads"]) == 1


def order(number: str = "SO-9", **more: object) -> CustomerOrderChanged:
    values = {
        "number": number, "customer": "C-1", "customer_name": "华东精机", "series": "GX-500", "quantity": 1,
        "status": "open", "urgent_request": "主轴异响，要求两天内到场", "ordered_at": given.NOW, "version": 1, **more,
    }  # fmt: skip
    return CustomerOrderChanged.model_validate(values)


@flow
async def test_urgent_request_over_the_bus_is_booked_once(goals: RunningService) -> None:
    await a_customer(goals)
    calm = [order("SO-10", urgent_request=None), order("SO-11", status="cancelled")]
    await goals.hear(topics.CUSTOMER_ORDERS, [order(), order(version=2), *calm])
    await goals.forget_inbox()
    await goals.hear(topics.CUSTOMER_ORDERS, [order(version=3, status="delivered")])
    found = (await goals.client(given.LEAD).get("/requests")).json()["requests"]
    assert [(one["number"], one["order"], one["owner"]) for one in found] == [("UR-0001", "SO-9", given.LEAD)]
    await goals.hear(topics.CUSTOMER_ORDERS, [order(version=4, urgent_request="再要一套备件")])
    assert len((await goals.client(given.LEAD).get("/requests")).json()["requests"]) == 2


@flow
async def test_urgent_request_of_an_unknown_customer_waits_for_a_lead(goals: RunningService) -> None:
    await a_customer(goals)
    await goals.hear(topics.CUSTOMER_ORDERS, [order(customer_name="新客户")])
    (notice,) = await goals.announced(topics.NOTICE_REQUESTS)
    assert (notice.person, notice.link) == (given.LEAD, "/requests")
    lead, tester = goals.client(given.LEAD, [Role.PROJECT_LEAD]), goals.client(given.TESTER)
    (waiting,) = (await lead.get("/requests")).json()["requests"]
    assert (waiting["task"], waiting["may_place"], len(waiting["choices"])) == (None, True, 1)
    assert (await tester.get("/requests")).json()["requests"][0]["choices"] == []
    path = f"/requests/{waiting['request']}/project"
    body = {"project": waiting["choices"][0]["project"]}
    assert (await tester.post(path, json=body)).status_code == 403
    assert (await lead.post(path, json={"project": str(UUID(int=5))})).status_code == 422
    assert (await lead.post(path, json=body)).json()["owner"] == given.LEAD
    assert (await lead.post(path, json=body)).status_code == 409


@flow
async def test_an_order_that_names_its_project_needs_no_customer(goals: RunningService) -> None:
    await a_customer(goals)
    await goals.hear(topics.CUSTOMER_ORDERS, [order(customer_name="集团采购", project="GX-500")])
    (found,) = (await goals.client(given.LEAD).get("/requests")).json()["requests"]
    assert found["project_name"] == "GX-500 五轴磨床"


@flow
async def test_requests_of_one_batch_are_booked_as_a_set_each_with_its_own_cause(goals: RunningService) -> None:
    """Their weights add up as if they had come one by one, and the project is written once."""
    await a_customer(goals)
    await goals.clear_outbox()
    urgent = [order(f"SO-{number}", urgent_request=f"第 {number} 件") for number in range(20, 23)]
    await goals.hear(topics.CUSTOMER_ORDERS, [*urgent, order("SO-23", customer_name="新客户")])
    found = (await goals.client(given.LEAD).get("/requests")).json()["requests"]
    assert sorted((one["number"], one["weight"] and float(one["weight"])) for one in found) == [
        ("UR-0001", 5.0), ("UR-0002", 5.0), ("UR-0003", 5.0), ("UR-0004", None),
    ]  # fmt: skip
    assert len(await goals.announced(topics.PROJECTS)) == 1
    async with goals.tx() as tx:
        rows = await tx.raw.fetch(
            "select causes from task_versions join tasks using (task) where kind = 'ad_hoc' and causes is not null"
        )
    assert sorted({cause["label"] for row in rows for cause in row["causes"]}) == ["UR-0001", "UR-0002", "UR-0003"]


async def test_hours_that_a_tree_brings_along_stand_in_the_month_in_which_they_were_worked(
    goals: RunningService,
) -> None:
    """G10: unplanned beside planned hours, by person and month, for work that was booked in another system."""
    at = {"note": "旧系统", "person": given.ENGINEER}
    planned = [{**at, "hours": "30", "at": "2026-01-20T01:00:00Z"}, {**at, "hours": "20", "at": "2026-02-10T01:00:00Z"}]
    urgent = [{**at, "hours": "10", "at": "2026-01-21T01:00:00Z"}]
    body = given.tree(given.work("T-1", bookings=planned), given.work("T-2", "ad_hoc", bookings=urgent))
    found = await given.a_project(goals, body)
    assert [found[code].actual_hours for code in ("T-1", "T-2")] == [50, 10]
    loads = (await goals.client(given.LEAD, [Role.PROJECT_LEAD]).get("/requests")).json()["loads"]
    (load,) = [one for one in loads if one["person"] == given.ENGINEER]
    assert [(one["hours"], one["all_hours"]) for one in load["months"]] == [("10", "40"), ("0", "20"), ("0", "0")]
    assert float(load["share"]) == 16.7
    late = given.work("N-1", bookings=[{**at, "hours": "1", "at": "2026-03-12T01:00:00Z"}])
    refused = await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post("/projects", json=given.tree(late, code="P-2"))
    assert refused.json()["errors"][0]["field"] == "goals.0.tasks.0.bookings.0.at"
