"""I3: what was refused is shown with its field, mended and sent again, or set aside with a reason."""

import json
from typing import Any

import pytest
from given_intake import BATCH, STRUCTURED, event, outbox, release, sender

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

pytestmark = pytest.mark.flow


async def refuse(intake: RunningService, body: Any, media_type: str = STRUCTURED, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    await sender(intake).post("/events", content=content, headers={"Content-Type": media_type, **headers})
    refused: list[dict[str, Any]] = (await sender(intake).get("/refused")).json()["refused"]
    return refused[0]


async def replay(intake: RunningService, id: str, body: str | None = None) -> Any:
    return await sender(intake).post(f"/refused/{id}/replay", json={"body": body})


async def test_a_mended_event_goes_its_way_under_its_own_name(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, event(data=release(version="")))
    assert (refused["field"], refused["event_id"], refused["sender"]) == ("data.version", "e-1", "10901")
    answer = (await replay(intake, refused["id"], json.dumps(event()))).json()
    assert (answer["state"], answer["resolved_by"], answer["attempts"]) == ("replayed", "10901", 2)
    assert [one.version for one in await intake.announced(topics.BOM_RELEASES)] == ["V2.4"]
    assert (await sender(intake).get("/refused")).json()["refused"] == []
    assert len((await sender(intake).get("/refused", params={"state": "replayed"})).json()["refused"]) == 1


async def test_what_is_still_wrong_stays_and_says_what_is_wrong_now(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, event(data=release(version="")))
    answer = (await replay(intake, refused["id"], json.dumps(event(data=release(item=""))))).json()
    assert (answer["state"], answer["field"], answer["attempts"]) == ("open", "data.item", 2)
    answer = (await replay(intake, refused["id"], "{")).json()
    assert (answer["state"], answer["code"]) == ("open", "not_json")
    assert await outbox(intake) == []


async def test_a_binary_event_keeps_its_attributes(intake: RunningService) -> None:
    """I3: its body alone could not be sent again."""
    headers = {"ce-specversion": "1.0", "ce-id": "b-1", "ce-source": "/plm", "ce-type": topics.BOM_RELEASES.type}
    refused = await refuse(intake, release(version=""), "application/json", **headers)
    assert refused["attributes"]["id"] == "b-1"
    answer = (await replay(intake, refused["id"], json.dumps(release()))).json()
    assert answer["state"] == "replayed"
    [row] = await outbox(intake)
    assert row["source"] == "/plm"


async def test_wrong_attributes_of_a_binary_event_are_mended_by_a_whole_one(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, release(), "application/json", **{"ce-specversion": "1.0", "ce-id": "b-1"})
    assert refused["field"] == "source"
    assert (await replay(intake, refused["id"])).json()["state"] == "open"
    assert (await replay(intake, refused["id"], json.dumps(event()))).json()["state"] == "replayed"


async def test_a_batch_that_was_no_json_is_mended_whole(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, b"[{]", BATCH)
    mended = json.dumps([event("1"), event("2", release("RD-16"))])
    assert (await replay(intake, refused["id"], mended)).json()["state"] == "replayed"
    assert len(await outbox(intake)) == 2


async def test_a_replay_of_what_came_right_meanwhile_adds_nothing(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, event(data=release(version="")))
    await sender(intake).post("/events", json=event(), headers={"Content-Type": STRUCTURED})
    answer = (await replay(intake, refused["id"], json.dumps(event()))).json()
    assert answer["resolution"] == "edited, known already"
    assert len(await outbox(intake)) == 1


async def test_setting_aside_needs_a_reason_and_keeps_the_payload(intake: RunningService) -> None:
    """I3"""
    refused = await refuse(intake, event(data=release(version="")))
    path = f"/refused/{refused['id']}/discard"
    assert (await sender(intake).post(path, json={"reason": " "})).status_code == 422
    answer = (await sender(intake).post(path, json={"reason": "测试数据"})).json()
    assert (answer["state"], answer["resolution"]) == ("discarded", "测试数据")
    assert json.loads(answer["body"])["id"] == "e-1"
    again = await replay(intake, refused["id"])
    assert (again.status_code, again.json()["code"]) == (409, "resolved")
    assert again.json()["state"]["state"] == "discarded"


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.INTEGRATOR, Role.ADMINISTRATOR}))
async def test_only_the_integration_owner_sees_refusals(role: Role, intake: RunningService) -> None:
    """W4"""
    refused = await refuse(intake, event(data=release(version="")))
    client = intake.client("10231", [role], supplier="S001" if role is Role.SUPPLIER else None)
    for method, path in [("GET", ""), ("GET", f"/{refused['id']}"), ("POST", f"/{refused['id']}/replay"),
                         ("POST", f"/{refused['id']}/discard")]:  # fmt: skip
        assert (await client.request(method, f"/refused{path}", json={"reason": "x"})).status_code == 403


async def test_reasons_are_read_in_the_readers_language(intake: RunningService) -> None:
    """I3: whoever mends it reads why, whichever language the sender's answer was in."""
    wrong = event(data=release(version=""))
    answer = await sender(intake).post(
        "/events", content=json.dumps(wrong), headers={"Content-Type": STRUCTURED, "Accept-Language": "en"}
    )
    assert answer.json()["events"][0]["message"] == "Minimum length 1"
    read = [
        (await sender(intake).get("/refused", headers={"Accept-Language": language})).json()["refused"][0]["reason"]
        for language in ("zh-CN", "en")
    ]
    assert read == ["至少 1 个字符", "Minimum length 1"]
