"""A change order from draft to closed, with its guards, on a real database and its HTTP endpoints (C1, C2, C10)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import given_changes as given
import httpx
import pytest
from test_change_flow import a_company, impacts

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService, running
from bihuan_contracts import topics
from bihuan_contracts.changes import ChangeState
from bihuan_contracts.plm import ItemKind
from changes.app import app

pytestmark = pytest.mark.flow
FORM = {"version": "V2.4", "description": "DC-DC 变换器停产换型", "modules": ["PM-480"]}


@pytest.fixture
async def careful(postgres_server: str) -> AsyncIterator[RunningService]:
    """A company where somebody else approves before the form may publish."""
    async with running(app, postgres_server, {"BIHUAN_CHANGES_FORM_PUBLISHES": "after_approval"}) as service:
        await a_company(service)
        await service.clear_outbox()
        yield service


def author(service: RunningService) -> httpx.AsyncClient:
    return service.client("10231", [Role.EMPLOYEE])


def reviewer(service: RunningService) -> httpx.AsyncClient:
    return service.client("10500", [Role.EMPLOYEE, Role.PROJECT_LEAD], name="陈砚")


async def a_draft(service: RunningService, **more: Any) -> str:
    answer = await author(service).post("/changes/drafts", json=FORM | more)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["change"])


async def step(client: httpx.AsyncClient, change: str, name: str, **more: Any) -> httpx.Response:
    seen = (await client.get(f"/changes/{change}")).json()["order"]["version"]
    return await client.post(f"/changes/{change}/steps/{name}", json={"version": seen, **more})


async def test_draft_review_approval_release(careful: RunningService) -> None:
    """C1: nobody is affected before the release; then it is as if the PLM had released it."""
    change = await a_draft(careful)
    shown = (await author(careful).get(f"/changes/{change}")).json()
    assert shown["order"]["state"] == "draft"
    assert shown["foreseen"]
    assert {row["person"] for row in shown["rows"]} == {"10231", "10306", "10500"}
    assert await impacts(careful) == []
    assert (await step(author(careful), change, "release")).json()["code"] == "no_approval"
    assert (await step(author(careful), change, "submit")).json()["state"] == "review"
    asked = [(one.person, one.kind) for one in await careful.announced(topics.NOTICE_REQUESTS)]
    assert asked == [("10500", "change_review")]
    own = await step(author(careful), change, "approve")
    assert (own.status_code, own.json()["code"]) == (403, "own_change")
    assert (await step(reviewer(careful), change, "approve")).status_code == 200
    released = await step(author(careful), change, "release")
    assert released.json()["state"] == "released"
    (impact,) = await impacts(careful)
    assert {row.person for row in impact.rows} == {"10231", "10306", "10500"}
    order = (await careful.announced(topics.CHANGE_ORDERS))[-1]
    assert (order.released_by, order.approved_by, order.author) == ("10231", ("10500",), "10231")
    assert order.applied_at is not None
    after = (await author(careful).get(f"/changes/{change}")).json()
    assert [one["action"] for one in after["steps"]] == ["drafted", "submitted", "approved", "released"]
    assert after["approvals"][0]["name"] == "陈砚"


async def test_form_may_not_publish_by_itself_where_approval_is_needed(careful: RunningService) -> None:
    """C2."""
    assert (await author(careful).get("/form")).json()["publishes"] == "after_approval"
    refused = await author(careful).post("/changes", json=FORM)
    assert (refused.status_code, refused.json()["code"]) == (403, "approval_needed")
    assert await careful.announced() == []


async def test_sent_back_with_a_reason_and_edited(careful: RunningService) -> None:
    change = await a_draft(careful)
    await step(author(careful), change, "submit")
    empty = await step(reviewer(careful), change, "send_back")
    assert [error["field"] for error in empty.json()["errors"]] == ["reason"]
    await step(reviewer(careful), change, "send_back", reason="缺少兼容性说明")
    version = (await author(careful).get(f"/changes/{change}")).json()["order"]["version"]
    edited = await author(careful).put(
        f"/changes/{change}", json=FORM | {"description": "补充：与 V2.3 接口兼容", "order_version": version}
    )
    assert edited.status_code == 200
    stale = await author(careful).put(f"/changes/{change}", json=FORM | {"order_version": version})
    assert stale.status_code == 409
    assert stale.json()["state"]["reason"] == "补充：与 V2.3 接口兼容"
    stranger = careful.client("10666", [Role.EMPLOYEE])
    assert (await stranger.put(f"/changes/{change}", json=FORM | {"order_version": version + 1})).status_code == 403


async def test_cancelled_order_is_locked(careful: RunningService) -> None:
    change = await a_draft(careful)
    await step(author(careful), change, "cancel", reason="改为供应商更换方案")
    version = (await author(careful).get(f"/changes/{change}")).json()["order"]["version"]
    edited = await author(careful).put(f"/changes/{change}", json=FORM | {"order_version": version})
    assert (edited.status_code, edited.json()["code"]) == (409, "content_locked")
    assert (await step(author(careful), change, "submit")).json()["code"] == "content_locked"


async def test_second_change_on_one_base_waits_for_its_rebase(careful: RunningService) -> None:
    """C1: blocked, shown the other's diff, rebased, approved anew."""
    first = await a_draft(careful, version="V2.5", description="加大散热片")
    await step(author(careful), first, "submit")
    await step(reviewer(careful), first, "approve")
    await careful.clear_outbox()
    await careful.hear(topics.BOM_RELEASES, [given.release()])
    blocked = (await author(careful).get(f"/changes/{first}")).json()
    assert (blocked["summary"]["blocked_by"], blocked["way_out"]) == ("ECN-2026-0187", "rebase")
    assert "rebase" in blocked["actions"]
    told = [one.kind for one in await careful.announced(topics.NOTICE_REQUESTS) if one.person == "10231"]
    assert told == ["change_blocked"]
    assert (await step(author(careful), first, "release")).json()["code"] == "stale_base"
    base = (await author(careful).get(f"/changes/{first}/base")).json()
    assert [(one["number"], [d["item"] for d in one["differences"]]) for one in base["others"]] == [
        ("ECN-2026-0187", ["DCM-2410"])
    ]
    wanted = {"version": blocked["order"]["version"], "new_version": "V2.4"}
    same = await author(careful).post(f"/changes/{first}/rebase", json=wanted)
    assert [error["field"] for error in same.json()["errors"]] == ["new_version"]
    done = await author(careful).post(f"/changes/{first}/rebase", json=wanted | {"new_version": "V2.5"})
    assert done.json()["state"] == "review"
    rebased = (await author(careful).get(f"/changes/{first}")).json()
    assert (rebased["order"]["base_version"], rebased["approvals"], rebased["way_out"]) == ("V2.4", [], "approval")
    await step(reviewer(careful), first, "approve")
    assert (await step(author(careful), first, "release")).json()["state"] == "released"


async def test_rebase_of_bills_asks_about_lines_that_both_have_touched(changes: RunningService) -> None:
    await a_company(changes)
    mine = (given.line("DCM-2410"), given.line("EC-680", quantity=6))
    await changes.hear(
        topics.BOM_RELEASES, [given.release(lines=(given.line("DCM-2410"), given.line("EC-680", quantity=8)))]
    )
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.4b", change="ECN-2026-0200", lines=mine)])
    (found,) = (await changes.client().get("/changes", params={"state": "review"})).json()["changes"]
    client, change = changes.client("10500", [Role.PROJECT_LEAD]), found["change"]
    base = (await client.get(f"/changes/{change}/base")).json()
    assert [(one["item"], one["mine"]["quantity"], one["theirs"]["quantity"]) for one in base["clashes"]] == [
        ("EC-680", "6", "8")
    ]
    wanted = {"version": 1, "new_version": "V2.5"}
    refused = await client.post(f"/changes/{change}/rebase", json=wanted)
    assert [error["field"] for error in refused.json()["errors"]] == ["keep.EC-680"]
    done = await client.post(f"/changes/{change}/rebase", json=wanted | {"keep": {"EC-680": "mine"}})
    assert done.status_code == 200, done.text


async def test_of_two_releases_at_once_on_one_base_one_is_blocked(careful: RunningService) -> None:
    one, other = await a_draft(careful, version="V2.5"), await a_draft(careful, version="V2.6")
    for change in (one, other):
        await step(author(careful), change, "submit")
        await step(reviewer(careful), change, "approve")
    answers = await asyncio.gather(*(step(author(careful), change, "release") for change in (one, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await impacts(careful)) == 1


async def test_deviation_ends_by_itself(changes: RunningService) -> None:
    """C1: at its end the base version is in force again, as a revision that supersedes the deviation."""
    await a_company(changes)
    changes.now = given.NOW
    end = given.NOW + timedelta(days=10)
    form = FORM | {"version": "V2.3-D1", "change_type": "deviation", "expires_at": end.isoformat()}
    no_end = await changes.client("10500").post("/changes", json=form | {"expires_at": None})
    assert [error["field"] for error in no_end.json()["errors"]] == ["expires_at"]
    await changes.client("10500").post("/changes", json=form)
    (release,) = await changes.announced(topics.BOM_RELEASES)
    await changes.hear(topics.BOM_RELEASES, [release])
    await changes.fire_timers(at=end)
    began, ended = await impacts(changes)
    assert (ended.base_version, ended.new_version, ended.supersedes) == ("V2.3-D1", "V2.3", began.change)
    states = {one.revision: one.state for one in await changes.announced(topics.CHANGE_ORDERS)}
    assert states == {1: ChangeState.SUPERSEDED, 2: ChangeState.RELEASED}
    modules = (await changes.client().get("/modules", params={"q": "PM-480"})).json()["modules"]
    assert modules[0]["version"] == "V2.3"


async def test_dated_change_whose_base_moves_meanwhile_is_blocked(changes: RunningService) -> None:
    await a_company(changes)
    changes.now = given.NOW
    at = given.NOW + timedelta(days=3)
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.5", change="ECN-2026-0300", effective_at=at)])
    await changes.fire_timers(at=at - timedelta(days=1))
    again = [one for one in await changes.announced(topics.NOTICE_REQUESTS) if one.dedupe.endswith(":soon")]
    assert {one.person for one in again} == {"10231", "10306", "10500"}
    changes.now = at - timedelta(hours=1)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    await changes.fire_timers(at=at)
    assert [one.number for one in await impacts(changes)] == ["ECN-2026-0187"]
    (blocked,) = (await changes.client().get("/changes", params={"state": "review"})).json()["changes"]
    assert (blocked["number"], blocked["blocked_by"]) == ("ECN-2026-0300", "ECN-2026-0187")


async def test_dated_change_is_cancelled_before_it_acts(changes: RunningService) -> None:
    await a_company(changes)
    changes.now = given.NOW
    at = given.NOW + timedelta(days=3)
    await changes.hear(topics.BOM_RELEASES, [given.release(effective_at=at)])
    (found,) = (await changes.client().get("/changes", params={"q": "0187"})).json()["changes"]
    lead = changes.client("10500", [Role.PROJECT_LEAD])
    assert (await step(lead, found["change"], "cancel", reason="客户取消了需求")).json()["state"] == "cancelled"
    await changes.fire_timers(at=at)
    assert await impacts(changes) == []
    told = {one.person for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == "change_cancelled"}
    assert told == {"10231", "10306"}


async def test_revision_of_an_own_order_supersedes_it(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (first,) = await impacts(changes)
    lead = changes.client("10500", [Role.PROJECT_LEAD])
    revision = (await step(lead, str(first.change), "revise")).json()["change"]
    assert (await step(lead, revision, "release")).status_code == 200
    newest = (await impacts(changes))[-1]
    assert (newest.number, newest.revision, newest.supersedes) == (first.number, 2, first.change)
    old = (await lead.get(f"/changes/{first.change}")).json()
    assert (old["order"]["state"], old["actions"]) == ("superseded", [])


@pytest.mark.parametrize(
    ("release", "field"),
    [
        (given.release(lines=(given.line("PM-480"),)), "lines.0.item"),
        (given.release(lines=(given.line("EC-680"), given.line("CC-120"))), "lines.1.item"),
        (given.release(base="V1.7", version="V1.8"), "base_version"),
    ],
)
async def test_bad_release_is_kept_with_the_field_and_nothing_is_half_applied(
    changes: RunningService, release: Any, field: str
) -> None:
    """A bill with a cycle, an unknown base (I3): the rest of the batch is handled."""
    await a_company(changes)
    fine = given.release("MB-7", "V3.0", None, kind=ItemKind.MODULE, name="主控板")
    await changes.hear(topics.BOM_RELEASES, [release, fine])
    (letter,) = await changes.dead_letters()
    assert letter.field == field
    assert letter.reason.zh != letter.reason.en
    assert await impacts(changes) == []
    assert await changes.announced(topics.CHANGE_ORDERS) == []
    found = (await changes.client().get("/modules")).json()["modules"]
    assert {one["item"]: one["version"] for one in found} == {"PM-480": "V2.3", "CC-120": "V3.1", "MB-7": "V3.0"}
