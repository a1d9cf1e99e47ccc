"""W4: people are added, edited and let go by the administrator, over what HR sends; every service learns the result."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from given_web import MARKED

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.hr import PersonChanged

pytestmark = pytest.mark.flow
ADMINISTRATOR, HR = "10902", "10008"


@pytest.fixture
async def administrator(web: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    await web.hear(
        topics.HR_PEOPLE,
        [
            PersonChanged(person=ADMINISTRATOR, name="任一帆", roles=("employee", "administrator"), version=1),
            PersonChanged(person=HR, name="叶青蓝", roles=("employee", "hr"), version=1),
        ],
    )
    await web.clear_outbox()
    async with web.client(None) as client:
        client.headers.update(MARKED)
        await client.post("/auth/sign-in", json={"person": ADMINISTRATOR})
        yield client


async def _record(client: httpx.AsyncClient, person: str = "10231") -> dict[str, Any]:
    answer = await client.get(f"/api/people/{person}/record")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_own_entry_reaches_every_service_and_hr_stays_readable(
    web: RunningService, administrator: httpx.AsyncClient
) -> None:
    seen = await _record(administrator)
    answer = await administrator.put(
        "/api/people/10231", json={"version": seen["version"], "own": {"title": "主管工程师", "manager": "10105"}}
    )
    assert answer.status_code == 200, answer.text
    after = answer.json()
    assert after["own"] == ["manager", "title"]
    assert (after["values"]["title"], after["hr"]["title"]) == ("主管工程师", "电气工程师")
    assert after["values"]["manager_name"] == "陈砚"
    (listed,) = await web.announced(topics.PEOPLE)
    assert (listed.title, listed.manager, listed.version) == ("主管工程师", "10105", seen["version"] + 1)
    changed = {one["field"]: (one["old"], one["new"]) for one in after["edits"][0]["changes"]}
    assert changed == {"title": ("电气工程师", "主管工程师"), "manager": (None, "10105")}
    assert (after["edits"][0]["by"], after["edits"][0]["by_name"]) == (ADMINISTRATOR, "任一帆")


async def test_stale_edit_answers_with_what_it_is_now(web: RunningService, administrator: httpx.AsyncClient) -> None:
    """HR was faster."""
    seen = await _record(administrator)
    await web.hear(topics.HR_PEOPLE, [PersonChanged(person="10231", name="周启航", title="总工", version=2)])
    answer = await administrator.put("/api/people/10231", json={"version": seen["version"], "own": {"title": "主管"}})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale")
    assert answer.json()["current"]["values"]["title"] == "总工"


async def test_person_that_hr_does_not_know_is_added_and_signs_in(
    web: RunningService, administrator: httpx.AsyncClient
) -> None:
    own = {"name": "试用者", "department_name": "研发", "roles": ["test_engineer"], "email": "t@x.example"}
    answer = await administrator.post("/api/people", json={"person": "30001", "own": own})
    assert answer.status_code == 201, answer.text
    assert not answer.json()["from_hr"]
    (listed,) = await web.announced(topics.PEOPLE)
    assert (listed.person, listed.roles, listed.department_name) == ("30001", ("employee", "test_engineer"), "研发")
    again = await administrator.post("/api/people", json={"person": "30001", "own": own})
    assert [one["field"] for one in again.json()["errors"]] == ["person"]
    async with web.client(None) as other:
        other.headers.update(MARKED)
        assert (await other.post("/auth/sign-in", json={"person": "30001"})).status_code == 200


async def test_wrong_fields_are_named_in_the_readers_language(administrator: httpx.AsyncClient) -> None:
    seen = await _record(administrator)
    body = {"version": seen["version"], "own": {"name": "", "email": "nowhere", "manager": "10231"}}
    answer = await administrator.put("/api/people/10231", json=body, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["errors"]} == {"own.name", "own.email"}
    body["own"] = {"manager": "10231"}
    answer = await administrator.put("/api/people/10231", json=body, headers={"Accept-Language": "en"})
    assert answer.json()["errors"][0] == {
        "field": "own.manager", "code": "yourself", "message": "Nobody is their own manager"
    }  # fmt: skip


async def test_deactivated_person_is_signed_out_at_once(
    web: RunningService, engineer: httpx.AsyncClient, administrator: httpx.AsyncClient
) -> None:
    seen = await _record(administrator)
    body = {"version": seen["version"], "own": {"active": False}}
    assert (await administrator.put("/api/people/10231", json=body)).status_code == 200
    assert (await engineer.get("/auth/me")).status_code == 401
    assert [one["person"] for one in (await administrator.get("/api/people?gone=true")).json()["people"]] == [
        "10231", "20001"
    ]  # fmt: skip


async def test_person_leaves_the_day_after_the_last_one(web: RunningService, administrator: httpx.AsyncClient) -> None:
    web.now = datetime(2026, 3, 11, 2, tzinfo=UTC)
    seen = await _record(administrator)
    body = {"version": seen["version"], "own": {"leaves_on": "2026-03-13"}}
    after = (await administrator.put("/api/people/10231", json=body)).json()
    assert (await web.announced(topics.PEOPLE))[-1].active
    await web.fire_timers(datetime(2026, 3, 13, 15, 59, tzinfo=UTC))
    assert (await web.announced(topics.PEOPLE))[-1].active
    await web.fire_timers(datetime(2026, 3, 13, 16, tzinfo=UTC))
    last = (await web.announced(topics.PEOPLE))[-1]
    assert (last.active, last.version) == (False, after["version"] + 1)


@pytest.mark.parametrize("person", [None, "10231", "10306", "10001", "10004", "10105", "S001-1"])
async def test_others_neither_read_nor_write_records(
    person: str | None, browser: httpx.AsyncClient, administrator: httpx.AsyncClient
) -> None:
    """Deny by default: engineer, tester, director, manager, lead, supplier, nobody."""
    if person:
        await browser.post("/auth/sign-in", json={"person": person})
    seen = await _record(administrator)
    answers = [
        await browser.get("/api/people/10231/record"),
        await browser.get("/api/people?gone=true"),
        await browser.put("/api/people/10231", json={"version": seen["version"], "own": {"title": "x"}}),
        await browser.post("/api/people", json={"person": "30009", "own": {"name": "x"}}),
    ]
    assert {one.status_code for one in answers} == {401 if person is None else 403}
    assert (await _record(administrator))["version"] == seen["version"]


async def test_hr_edits_people_but_gives_no_roles(browser: httpx.AsyncClient, administrator: httpx.AsyncClient) -> None:
    await browser.post("/auth/sign-in", json={"person": HR})
    seen = await _record(browser)
    assert not seen["may_give_roles"]
    roles = {"version": seen["version"], "own": {"roles": ["employee", "administrator"]}}
    assert [one["field"] for one in (await browser.put("/api/people/10231", json=roles)).json()["errors"]] == [
        "own.roles"
    ]
    title = {"version": seen["version"], "own": {"title": "高级工程师"}}
    assert (await browser.put("/api/people/10231", json=title)).status_code == 200


async def test_suppliers_contacts_are_not_edited_here(administrator: httpx.AsyncClient) -> None:
    assert (await administrator.get("/api/people/S001-1/record")).status_code == 404
