"""G9: benchmarks for the person, their managers and HR only; an own goal from proposal to acceptance and on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.crm import CustomerOrderChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.qa import Verdict

pytestmark = pytest.mark.flow
BOSS, ABOVE, HR = "10001", "10000", "10008"
TEAM = [f"9{n:02}" for n in range(7)]
DONE = given.NOW - timedelta(days=14)


def person(number: str, **more: Any) -> PersonChanged:
    values = {"person": number, "name": number, "department": "RD", "department_name": "研发部", "manager": BOSS}
    return PersonChanged.model_validate({**values, "version": 2, **more})


def finished(code: str, owner: str, *, late: bool = False, **more: Any) -> dict[str, Any]:
    return given.work(
        code, owner=owner, state="done", finished_at=DONE.isoformat(), actual_hours="12",
        due_at=(DONE + timedelta(days=-1 if late else 1)).isoformat(),
        deliverables=[{"title": "D", "criteria": [given.criterion(verified=True)]}], **more,
    )  # fmt: skip


async def a_team(goals: RunningService, size: int = 7) -> None:
    """The engineer, whose work is late, and `size` colleagues, whose work is not; each has finished three tasks."""
    goals.now = given.NOW
    await goals.hear(
        topics.PEOPLE,
        [
            *[person(one) for one in (given.ENGINEER, *TEAM[:size])],
            person(BOSS, name="方志诚", department="RD2", manager=ABOVE),
            person(ABOVE, name="总经理", department="CEO", manager=ABOVE),
        ],
    )
    owners = (given.ENGINEER, *TEAM[:size])
    work = [finished(f"D-{n}-{m}", one, late=n == 0) for n, one in enumerate(owners) for m in range(3)]
    await given.a_project(goals, given.tree(*work))


async def test_own_figures_beside_the_teams_with_n_and_period(goals: RunningService) -> None:
    await a_team(goals)
    found = (await goals.client(given.ENGINEER).get("/benchmarks")).json()
    by_metric = {one["metric"]: one for one in found["metrics"]}
    assert list(by_metric) == ["response_days", "on_time", "hours_deviation", "first_pass"]
    assert by_metric["on_time"]["own"] == {"value": "0.0", "n": 3}
    team = by_metric["on_time"]["team"]
    assert (team["people"], team["n"], team["median"], team["lower_quartile"]) == (8, 24, "100.0", "100.0")
    assert by_metric["hours_deviation"]["own"]["value"] == "20.0"
    assert (by_metric["on_time"]["payment"], by_metric["on_time"]["payment_n"]) == (None, 0)
    assert (found["team_name"], found["ends_at"]) == ("研发部", "2026-03-09T00:00:00+08:00")
    theirs = (await goals.client(TEAM[0]).get("/benchmarks")).json()["metrics"]
    assert [one["team"] for one in theirs] == [one["team"] for one in found["metrics"]]


async def test_a_small_team_shows_no_figure_and_a_middling_one_no_quartiles(goals: RunningService) -> None:
    """Six people have a median; quartiles of so few would be somebody's own figures."""
    await a_team(goals, size=5)
    team = (await goals.client(given.ENGINEER).get("/benchmarks")).json()["metrics"][1]["team"]
    assert (team["people"], team["median"], team["lower_quartile"], team["upper_quartile"]) == (6, "100.0", None, None)
    await goals.hear(topics.PEOPLE, [person(TEAM[0], active=False, version=3)])
    found = (await goals.client(given.ENGINEER).get("/benchmarks")).json()
    assert [one["team"] for one in found["metrics"]] == [None] * 4


async def test_a_late_day_is_a_day_in_china(goals: RunningService) -> None:
    """Due at 23:00 and finished at 00:30 the next day there: on the same UTC day, and late."""
    goals.now = given.NOW
    await goals.hear(topics.PEOPLE, [person(given.ENGINEER)])
    work = finished("D-1", given.ENGINEER) | {
        "due_at": "2026-02-25T15:00:00Z", "finished_at": "2026-02-25T16:30:00Z",
    }  # fmt: skip
    await given.a_project(goals, given.tree(work))
    found = (await goals.client(given.ENGINEER).get("/benchmarks")).json()["metrics"][1]
    assert found["own"] == {"value": "0.0", "n": 1}


async def test_first_pass_is_the_developers_and_testing_days_the_testers(goals: RunningService) -> None:
    goals.now = given.NOW
    await goals.hear(topics.PEOPLE, [person(given.ENGINEER), person(given.TESTER, roles=("test_engineer",))])
    await given.a_project(
        goals,
        given.tree(
            given.work("T-1", item_version="V2.4"),
            given.work("T-2", item_version="V2.4"),
            given.work(
                "T-3", "test", given.TESTER, item_version="V2.4", starts_at=(DONE - timedelta(days=7)).isoformat()
            ),
        ),
    )
    failed = given.report("1", verdict=Verdict.FAILED, tested_at=DONE - timedelta(days=1), task_code="T-3")
    passed = given.report("6.5", report="R-2", tested_at=DONE, task_code="T-3")
    await goals.hear(topics.TEST_REPORTS, [failed, passed])
    developer = (await goals.client(given.ENGINEER).get("/benchmarks")).json()["metrics"]
    assert developer[-1] | {"payment_n": 0} == developer[-1]
    assert (developer[-1]["metric"], developer[-1]["own"]) == ("first_pass", {"value": "0.0", "n": 1})
    tester = (await goals.client(given.TESTER).get("/benchmarks")).json()["metrics"]
    # a week, and the Spring Festival lies in it
    assert (tester[-1]["metric"], tester[-1]["own"]) == ("test_days", {"value": "2.0", "n": 1})


def order(number: int, days: int, delivered_at: Any, **more: Any) -> CustomerOrderChanged:
    return CustomerOrderChanged.model_validate(
        {
            "number": f"SO-{number}", "customer": "C", "customer_name": "C", "series": "GX-500", "quantity": 1,
            "status": "paid", "ordered_at": delivered_at, "delivered_at": delivered_at,
            "paid_at": delivered_at + timedelta(days=days), "version": 1, **more,
        }
    )  # fmt: skip


async def test_response_and_payment_are_set_side_by_side_by_series_and_month(goals: RunningService) -> None:
    """Ten months in which a quicker answer went with quicker payment; nine of them would be too few."""
    goals.now = given.NOW
    await goals.hear(topics.PEOPLE, [person(given.ENGINEER)])
    work, orders = [], []
    for month in range(11):
        end = datetime(2025, 4, 10, 2, tzinfo=UTC) + timedelta(days=30.4 * month)
        days = 1 + month % 4
        work.append(
            finished(f"A-{month}", given.ENGINEER)
            | {
                "kind": "ad_hoc",
                "finished_at": end.isoformat(),
                "starts_at": (end - timedelta(days=7 * days)).isoformat(),
            }
        )
        orders.append(order(month, 20 + 10 * days + month % 2, end))
    await given.a_project(goals, given.tree(*work))
    await goals.hear(topics.CUSTOMER_ORDERS, orders[:9])
    few = (await goals.client(given.ENGINEER).get("/benchmarks")).json()["metrics"][0]
    assert (few["payment"], few["payment_n"]) == (None, 9)
    await goals.hear(topics.CUSTOMER_ORDERS, [*orders, order(0, 0, orders[0].delivered_at, version=2, paid_at=None)])
    found = (await goals.client(given.ENGINEER).get("/benchmarks")).json()["metrics"][0]
    assert found["payment_n"] == found["payment"]["n"] == 10
    assert found["payment"]["certain"]
    assert Decimal(found["payment"]["r"]) > Decimal("0.9")


@pytest.mark.parametrize(
    ("who", "roles", "status"),
    [
        (given.ENGINEER, [Role.EMPLOYEE], 200),
        (BOSS, [Role.MANAGER], 200),
        (ABOVE, [Role.DIRECTOR], 200),
        (HR, [Role.HR], 200),
        (TEAM[0], [Role.EMPLOYEE], 403),
        (given.LEAD, [Role.PROJECT_LEAD], 403),
        ("10099", [Role.MANAGER], 403),
        ("10902", [Role.ADMINISTRATOR], 403),
        ("10009", [Role.AUDITOR], 403),
    ],
)
async def test_who_sees_personal_figures_and_goals(
    goals: RunningService, who: str, roles: list[Role], status: int
) -> None:
    await a_team(goals, size=1)
    for path in ("/benchmarks", "/own-goals"):
        found = await goals.client(who, roles).get(path, params={"person": given.ENGINEER})
        assert found.status_code == status, path


async def proposed(goals: RunningService, **more: Any) -> Any:
    body = {
        "metric": "on_time", "title": "准时率到 95%", "target": "95", "words": "从排程入手",
        "due_at": (given.NOW + timedelta(days=60)).isoformat(), **more,
    }  # fmt: skip
    made = await goals.client(given.ENGINEER).post("/own-goals", json=body)
    assert made.status_code == 201, made.text
    return made.json()


async def test_a_goal_is_proposed_negotiated_and_accepted_and_the_thread_is_kept(goals: RunningService) -> None:
    await a_team(goals)
    me, boss = goals.client(given.ENGINEER), goals.client(BOSS, [Role.MANAGER])
    made = await proposed(goals)
    assert (made["baseline"], made["acts"], made["manager_name"]) == ("0.0", ["withdraw"], "方志诚")
    path = f"/own-goals/{made['goal']}/answers"
    assert (await me.post(path, json={"version": 1, "act": "accept"})).status_code == 409
    offered = await boss.post(path, json={"version": 1, "act": "negotiate", "words": "先到 90", "target": "90"})
    assert (offered.json()["state"], offered.json()["target"]) == ("negotiating", "90")
    stale = await me.post(path, json={"version": 1, "act": "accept"})
    assert (stale.status_code, stale.json()["current"]["version"]) == (409, 2)
    accepted = (await me.post(path, json={"version": 2, "act": "accept"})).json()
    assert (accepted["state"], accepted["current"]) == ("accepted", None)
    assert [line["act"] for line in accepted["thread"]] == ["propose", "negotiate", "accept"]
    notices = await goals.announced(topics.NOTICE_REQUESTS)
    assert [notice.person for notice in notices] == [BOSS, given.ENGINEER, BOSS]
    assert all("排程" not in notice.model_dump_json() for notice in notices)
    assert [one["title"] for one in (await boss.get("/own-goals")).json()["of_my_people"]] == ["准时率到 95%"]
    stranger = await goals.client("10099", [Role.MANAGER]).post(path, json={"version": 3, "act": "withdraw"})
    assert stranger.status_code == 403


async def test_an_accepted_goal_shows_what_has_been_reached_since(goals: RunningService) -> None:
    await a_team(goals)
    made = await proposed(goals)
    boss = goals.client(BOSS, [Role.MANAGER])
    await boss.post(f"/own-goals/{made['goal']}/answers", json={"version": 1, "act": "accept"})
    goals.now = given.NOW + timedelta(days=2)
    after = finished("D-9", given.ENGINEER) | {
        "finished_at": (given.NOW + timedelta(days=1)).isoformat(), "due_at": (given.NOW + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    await given.a_project(goals, given.tree(after, code="SV-60"))
    (goal,) = (await goals.client(given.ENGINEER).get("/own-goals")).json()["goals"]
    assert (goal["current"], goal["reached"]) == ({"value": "100.0", "n": 1}, True)


async def test_an_open_goal_goes_to_whoever_is_the_manager_now(goals: RunningService) -> None:
    await a_team(goals)
    made = await proposed(goals)
    await goals.hear(topics.PEOPLE, [person(given.ENGINEER, manager="10004", version=3)])
    body = {"version": 1, "act": "decline", "words": "先把手上的收尾"}
    path = f"/own-goals/{made['goal']}/answers"
    assert (await goals.client(BOSS, [Role.MANAGER]).post(path, json=body)).status_code == 403
    declined = await goals.client("10004", [Role.MANAGER]).post(path, json=body)
    assert (declined.json()["state"], declined.json()["manager"]) == ("declined", "10004")


@pytest.mark.parametrize(
    ("more", "field"),
    [({"due_at": "2026-03-01T00:00:00Z"}, "due_at"), ({"target": "-1"}, "target"), ({"title": ""}, "title")],
)
async def test_a_proposal_that_makes_no_sense_names_the_field(
    goals: RunningService, more: dict[str, str], field: str
) -> None:
    await a_team(goals, size=0)
    body = {"metric": "on_time", "title": "更准时", "target": "95", "due_at": "2026-06-01T00:00:00Z", **more}
    answer = await goals.client(given.ENGINEER).post("/own-goals", json=body)
    assert answer.status_code == 422
    assert [error["field"].rsplit(".", 1)[-1] for error in answer.json()["errors"]] == [field]


async def test_without_a_manager_nobody_could_answer(goals: RunningService) -> None:
    await a_team(goals, size=0)
    body = {"metric": "on_time", "title": "更准时", "target": "95", "due_at": "2026-06-01T00:00:00Z"}
    answer = await goals.client(ABOVE, [Role.DIRECTOR]).post("/own-goals", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_manager")
