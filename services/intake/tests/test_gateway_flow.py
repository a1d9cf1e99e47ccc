"""I2, I3: the CloudEvents gateway accepts each event or keeps it with the field that is wrong."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from given_intake import BATCH, STRUCTURED, event, outbox, release, sender

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics

pytestmark = pytest.mark.flow


async def send(intake: RunningService, body: Any, media_type: str = STRUCTURED, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await sender(intake).post("/events", content=content, headers={"Content-Type": media_type, **headers})


async def test_a_structured_event_becomes_one_of_ours_with_the_senders_name(intake: RunningService) -> None:
    """I2"""
    traceparent = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    answer = await send(intake, event(traceparent=traceparent))
    assert answer.status_code == 202
    assert answer.json()["events"] == [
        {"id": "e-1", "status": "accepted", "code": None, "field": None, "message": None}
    ]
    [row] = await outbox(intake)
    assert (row["source"], row["key"], row["traceparent"]) == ("/plm/windchill", "PM-480", traceparent)
    [announced] = await intake.announced(topics.BOM_RELEASES)
    assert (announced.item, announced.version) == ("PM-480", "V2.4")


async def test_a_binary_event_carries_its_attributes_in_headers(intake: RunningService) -> None:
    """I2"""
    headers = {
        "ce-specversion": "1.0", "ce-id": "b-1", "ce-source": "/plm", "ce-type": topics.BOM_RELEASES.type,
        "ce-subject": "%E7%94%B5%E6%BA%90",
    }  # fmt: skip
    answer = await send(intake, release(), "application/json", **headers)
    assert answer.json()["accepted"] == 1


async def test_each_event_of_a_batch_stands_for_itself(intake: RunningService) -> None:
    """I2, I3: the wrong one is kept, the others go on."""
    batch = [event("1"), event("2", release(version="")), event("3", release("RD-16")), {"id": "4"}, event("1")]
    answer = (await send(intake, batch, BATCH)).json()
    assert [one["status"] for one in answer["events"]] == ["accepted", "refused", "accepted", "refused", "duplicate"]
    assert (answer["accepted"], answer["refused"], answer["duplicates"]) == (2, 2, 1)
    assert answer["events"][1]["field"] == "data.version"
    assert answer["events"][3]["field"] == "specversion"
    refused = (await sender(intake).get("/refused")).json()["refused"]
    assert {(one["code"], one["field"]) for one in refused} == {
        ("wrong_schema", "data.version"),
        ("missing_attribute", "specversion"),
    }
    assert [one.kind for one in intake.live_messages] == ["refusal"]


async def test_the_same_event_sent_again_adds_nothing(intake: RunningService) -> None:
    """I3"""
    await send(intake, event())
    answer = (await send(intake, event())).json()
    assert (answer["accepted"], answer["duplicates"]) == (0, 1)
    assert len(await outbox(intake)) == 1


async def test_a_request_sent_twice_with_its_key_gets_the_same_answer(intake: RunningService) -> None:
    """I2"""
    first = await send(intake, event(), **{"Idempotency-Key": "k"})
    again = await send(intake, event(), **{"Idempotency-Key": "k"})
    assert first.json() == again.json()
    assert first.json()["accepted"] == 1


async def test_every_invalid_case_of_the_conformance_suite_is_kept_with_its_reason(
    intake: RunningService, samples: Path
) -> None:
    """I2, I3"""
    cases = json.loads((samples / "cloudevents/invalid-events.json").read_text())["tests"]
    answer = (await send(intake, [case["event"] for case in cases], BATCH)).json()
    assert answer["refused"] == len(cases)
    assert all(one["field"] and one["message"] for one in answer["events"])
    refused = (await sender(intake).get("/refused")).json()["refused"]
    assert len(refused) == len(cases)
    assert await outbox(intake) == []


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b"{not json", STRUCTURED, "not_json"),
        (b"\xff\xfe", STRUCTURED, "not_json"),
        (b"[" * 100_000, STRUCTURED, "not_json"),
        (b"{}", BATCH, "not_a_batch"),
        (b"", BATCH, "not_json"),
        (b"{}", "application/json", "missing_attribute"),
        (json.dumps(event(type="com.example.unknown.v1")).encode(), STRUCTURED, "unknown_type"),
        (json.dumps(event(type=topics.TASKS.type)).encode(), STRUCTURED, "unknown_type"),
        (json.dumps(event(data=release(name="a\0b"))).encode(), STRUCTURED, "bad_text"),
        (json.dumps(event(id="a\0b")).encode(), STRUCTURED, "bad_attribute"),
        (json.dumps(event(id="x" * 5000)).encode(), STRUCTURED, "bad_attribute"),
        (json.dumps({**event(), "data": {"item": "\ud800"}}).encode(), STRUCTURED, "bad_text"),
        (json.dumps(event(subject="\ud800")).encode(), STRUCTURED, "bad_text"),
        (json.dumps(event() | {"\ud800": 1}).encode(), STRUCTURED, "bad_attribute"),
        (json.dumps(event(data=None) | {"data": None}).encode(), STRUCTURED, "empty"),
        (json.dumps(event(data=release(reason="x" * 1_500_000))).encode(), STRUCTURED, "too_large"),
    ],
)
async def test_what_cannot_be_understood_is_kept_as_it_came(
    body: bytes, media_type: str, code: str, intake: RunningService
) -> None:
    """I3: nothing crashes and nothing is lost; topics of our own services take nothing from outside."""
    answer = await send(intake, body, media_type)
    assert answer.status_code == 202, answer.text
    assert answer.json()["events"][0]["code"] == code
    assert len((await sender(intake).get("/refused")).json()["refused"]) == 1


async def test_what_is_larger_than_a_request_may_be_is_refused_before_it_is_read(intake: RunningService) -> None:
    """F14: 413 with the limit, whether or not the length is declared."""
    body = json.dumps(event(data=release(reason="x" * 8_000_000))).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for first in range(0, len(body), 100_000):
            yield body[first : first + 100_000]

    for content in (body, pieces()):
        answer = await sender(intake).post("/events", content=content, headers={"content-type": STRUCTURED})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.json()["limit"] == 8_000_000


async def test_a_bill_that_grows_over_the_limit_is_refused_and_not_an_error(intake: RunningService) -> None:
    """I3: with its defaults written out an event is larger than it came."""
    lines = [{"item": f"P-{number}", "name": "x", "quantity": 1} for number in range(8_000)]
    answer = await send(intake, event(data=release(lines=lines)))
    assert answer.json()["events"][0]["code"] == "too_large"


async def test_a_burst_of_a_thousand_events_is_one_request(intake: RunningService) -> None:
    """I1"""
    answer = (await send(intake, [event(str(n), release(f"P-{n}")) for n in range(1000)], BATCH)).json()
    assert answer["accepted"] == 1000
    assert len(await outbox(intake)) == 1000
    answer = (await send(intake, [event(str(n)) for n in range(1001)], BATCH)).json()
    assert answer["events"][0]["code"] == "not_a_batch"


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.INTEGRATOR, Role.ADMINISTRATOR}))
async def test_only_integrators_send(role: Role, intake: RunningService) -> None:
    """W4"""
    client = intake.client("10231", [role], supplier="S001" if role is Role.SUPPLIER else None)
    answer = await client.post("/events", json=event(), headers={"Content-Type": STRUCTURED})
    assert answer.status_code == 403
