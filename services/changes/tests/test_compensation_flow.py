"""What a settled matrix promises is tracked until given, on a real database (C7)."""

from datetime import timedelta
from typing import Any

import given_changes as given
import pytest
from test_consent_flow import BOSS, ENGINEER, LEAD, TESTER, a_company, a_sent_matrix, filled, proposal, reply

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

pytestmark = pytest.mark.flow


async def a_settled_matrix(changes: RunningService) -> dict[str, Any]:
    matrix = await a_sent_matrix(changes)
    await reply(changes, matrix, ENGINEER)
    settled: dict[str, Any] = (await reply(changes, matrix, TESTER)).json()
    assert settled["summary"]["state"] == "settled"
    return settled


async def listed(changes: RunningService, person: str, side: str, role: Role = Role.EMPLOYEE) -> list[dict[str, Any]]:
    answer = await changes.client(person, [role]).get("/compensations", params={"side": side})
    lines: list[dict[str, Any]] = answer.json()["compensations"]
    return lines


async def told(changes: RunningService, kind: str) -> list[str]:
    return [one.person for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == kind]


async def test_what_was_agreed_is_owed_by_name_with_a_date(changes: RunningService) -> None:
    """C7: nothing is owed before everybody has agreed; then each side sees it, and overseers see all."""
    matrix = await a_sent_matrix(changes)
    assert await listed(changes, ENGINEER, "mine") == []
    await reply(changes, matrix, ENGINEER)
    await reply(changes, matrix, TESTER)
    (mine,) = await listed(changes, ENGINEER, "mine")
    assert (mine["giver_name"], mine["kind"], mine["amount"], mine["standing"]) == ("陈砚", "rest_days", "1", "owed")
    assert mine["due_at"] == "2026-03-25T00:30:00Z"
    assert {one["receiver"] for one in await listed(changes, LEAD, "owing")} == {ENGINEER, TESTER}
    assert len(await listed(changes, "10008", "all", Role.HR)) == 2
    assert len(await listed(changes, BOSS, "all", Role.MANAGER)) == 2
    assert await listed(changes, "10999", "all") == []


async def test_given_confirmed_and_quiet(changes: RunningService) -> None:
    """C7: the giver says how, the receiver confirms; no reminder comes after it."""
    await a_settled_matrix(changes)
    (mine,) = await listed(changes, ENGINEER, "mine")
    lead, engineer = changes.client(LEAD, [Role.PROJECT_LEAD]), changes.client(ENGINEER, [Role.EMPLOYEE])
    path = f"/compensations/{mine['row']}"
    assert (await engineer.post(f"{path}/given", json={"note": "自己说"})).status_code == 403
    assert (await lead.post(f"{path}/given", json={"note": "3 月 20 日调休，已排班"})).status_code == 200
    assert await told(changes, "compensation_given") == [ENGINEER]
    await engineer.post(f"{path}/contested", json={"words": "那天又被叫回来了"})
    assert await told(changes, "compensation_contested") == [LEAD]
    (again,) = await listed(changes, ENGINEER, "mine")
    assert (again["standing"], again["contested"]) == ("owed", "那天又被叫回来了")
    assert (await engineer.post(f"{path}/received")).json()["mine"] == 0
    waiting = [one.kind for one in await changes.timers()]
    assert waiting.count("compensation-due") == 1  # the tester's only
    await changes.fire_timers(given.NOW + timedelta(days=60))
    assert ENGINEER not in await told(changes, "compensation_due")
    outsider = changes.client("10999", [Role.EMPLOYEE])
    assert (await outsider.post(f"{path}/received")).status_code == 404


async def test_reminded_a_day_before_then_overdue_with_the_manager_until_it_is_given(changes: RunningService) -> None:
    """C7: by whom, to whom, overdue."""
    await a_settled_matrix(changes)
    await changes.fire_timers(given.NOW + timedelta(days=13, minutes=1))
    assert await told(changes, "compensation_due") == [LEAD, LEAD]
    changes.now = given.NOW + timedelta(days=14, minutes=1)
    await changes.fire_timers(changes.now)
    assert await told(changes, "compensation_overdue") == [LEAD, BOSS, LEAD, BOSS]
    assert {one["standing"] for one in await listed(changes, LEAD, "owing")} == {"overdue"}
    changes.now = given.NOW + timedelta(days=20)
    await changes.fire_timers(changes.now)
    assert len(await told(changes, "compensation_overdue")) == 8


@pytest.mark.parametrize(
    ("compensation", "field"),
    [
        ({"kind": "rest_days", "amount": "-1"}, "rows.0.compensation.amount"),
        ({"kind": "rest_days", "amount": "many"}, "rows.0.compensation.amount"),
        ({"kind": "rest_days", "amount": ""}, "rows.0.compensation.amount"),
        ({"amount": "1"}, "rows.0.compensation.kind"),
        ({"kind": "money", "amount": "1"}, "rows.0.compensation.kind"),
        ({"kind": "help", "amount": "4", "helper": "77777"}, "rows.0.compensation.helper"),
        ({"kind": "rest_days", "amount": "1", "due_at": "2026-03-01T00:00:00Z"}, "rows.0.compensation.due_at"),
    ],
)  # fmt: skip
async def test_bad_compensation_names_its_field(
    changes: RunningService, compensation: dict[str, str], field: str
) -> None:
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    body = filled(made)
    body["rows"][0]["compensation"] = compensation
    refused = await client.put(f"/consents/{made['summary']['matrix']}", json=body)
    assert refused.status_code == 422
    assert field in [error["field"] for error in refused.json()["errors"]]


@pytest.mark.parametrize("offer", [{"kind": "rest_days", "amount": "0"}, {"kind": "help", "amount": "2"}])
async def test_counter_offer_names_an_amount_and_who_helps(changes: RunningService, offer: dict[str, str]) -> None:
    matrix = await a_sent_matrix(changes)
    refused = await reply(
        changes, matrix, ENGINEER, answer="negotiating", reason="不够", counter={"compensation": offer}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith("counter.compensation.")
