"""The order of the tables from proposal to force, and as of any moment (C4)."""

from datetime import timedelta
from typing import Any

import given_changes as given
import httpx
import pytest
from test_change_flow import a_company
from test_rule_versions_flow import DIRECTOR, OWNER, director, ok, owner, people, power_table

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from changes.store import rules_in_force

pytestmark = pytest.mark.flow


async def two_tables(changes: RunningService) -> list[str]:
    """Power modules lock, and everything locks or is retested: the first one decides about power modules."""
    names = []
    for action in ("lock", "migrate"):
        table = power_table() | {"effects": ["action"]}
        table["rows"][0]["then"] = {"action": [action]}
        table["cases"][0]["then"] = {"action": [action]}
        client = owner(changes)
        page = await ok(client.post("/rules", json={"title": action}))
        at = f"/rules/{page['name']}/versions/1"
        page = await ok(client.put(at, json={"edition": page["edition"], "title": action, "table": table}))
        page = await ok(client.post(f"{at}/submit", json={"edition": page["edition"]}))
        await ok(director(changes).post(f"{at}/approve", json={"edition": page["edition"]}))
        names.append(page["name"])
    return names


async def listed(client: httpx.AsyncClient) -> list[str]:
    return [one["name"] for one in (await ok(client.get("/rules")))["tables"]]


async def asked(changes: RunningService, at: Any) -> list[str]:
    async with changes.tx() as tx:
        return [table.name for table in (await rules_in_force(tx, at)).tables]


async def test_a_second_person_puts_the_order_in_force_and_the_past_keeps_its_own(changes: RunningService) -> None:
    """C4: moved, checked, approved by somebody else; a late task of an older change is judged in the older order."""
    changes.now = given.NOW
    await a_company(changes)
    await people(changes)
    first, second = await two_tables(changes)
    before = given.NOW
    check = await ok(owner(changes).post("/rule-orders/check", json={"names": [first, second]}))
    assert [(one["table"], one["effect"]) for one in check["shadows"]] == [(second, "action")]
    changes.now = given.NOW + timedelta(hours=1)
    proposed = (await ok(owner(changes).post("/rule-orders", json={"names": [second, first]})))["open"]
    assert [(one["table"], one["effect"]) for one in proposed["check"]["shadows"]] == [(first, "action")]
    assert (proposed["may_approve"], proposed["may_withdraw"]) == (False, True)
    assert await listed(owner(changes)) == [first, second, "default"]
    told = [one for one in await changes.announced(topics.NOTICE_REQUESTS) if ":order:" in one.dedupe]
    assert [(one.person, one.link) for one in told] == [(DIRECTOR, "/rules")]
    again = await owner(changes, "10009").post("/rule-orders", json={"names": [second, first]})
    assert again.json()["code"] == "open_order"
    own = changes.client(OWNER, [Role.PROCESS_OWNER])
    assert (await own.post(f"/rule-orders/{proposed['number']}/approve")).json()["code"] == "own_draft"
    changes.now = given.NOW + timedelta(hours=2)
    after = await ok(director(changes).post(f"/rule-orders/{proposed['number']}/approve"))
    assert (after["open"], after["in_force"]["decided_by_name"]) == (None, "方志诚")
    assert await listed(owner(changes)) == [second, first, "default"]
    assert await asked(changes, before) == [first, second, "default"]
    assert await asked(changes, changes.now) == [second, first, "default"]


async def test_a_withdrawn_order_changes_nothing_and_a_newer_table_comes_after_the_agreed_ones(
    changes: RunningService,
) -> None:
    """C4."""
    await people(changes)
    first, second = await two_tables(changes)
    number = (await ok(owner(changes).post("/rule-orders", json={"names": [second, first]})))["open"]["number"]
    assert (await ok(owner(changes).post(f"/rule-orders/{number}/refuse")))["open"] is None
    assert await listed(owner(changes)) == [first, second, "default"]
    number = (await ok(owner(changes).post("/rule-orders", json={"names": [second, first]})))["open"]["number"]
    await ok(director(changes).post(f"/rule-orders/{number}/approve"))
    third = (await ok(owner(changes).post("/rules", json={"title": "新表"})))["name"]
    assert await listed(owner(changes)) == [second, first, third, "default"]
    stale = await owner(changes).post("/rule-orders", json={"names": [first, second]})
    assert (stale.status_code, stale.json()["code"]) == (409, "other_tables")
