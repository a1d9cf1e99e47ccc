"""The loop through all services on real Kafka, PostgreSQL and Redis."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from tests.waiting import until
from typer.testing import CliRunner

from bihuan_contracts import topics
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from bihuan_tools.demo.company import ENGINEER, LEAD, TESTER
from bihuan_tools.demo.scenario import Player
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.main import app

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
SignedIn = Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]]
INTEGRATOR, DIRECTOR, ADMINISTRATOR = "10901", "10001", "10902"


async def change_numbered(client: httpx.AsyncClient, number: str) -> dict[str, Any] | None:
    found = (await client.get("/api/changes/changes", params={"q": number})).json()["changes"]
    return next((one for one in found if one["number"] == number), None)


async def unit(client: httpx.AsyncClient, change: str) -> dict[str, Any]:
    """The change as one unit, from every service that has a part of it."""
    effects = (await client.get(f"/api/goals/changes/{change}/effects")).json()
    deliveries = (await client.get(f"/api/notify/changes/{change}/deliveries")).json()
    detail = (await client.get(f"/api/changes/changes/{change}")).json()
    return {
        "people": sorted(row["person"] for row in detail["rows"]),
        "actions": sorted((row["action"], row["task_code"] or "") for row in detail["rows"]),
        "locks": sorted(lock["code"] for lock in effects["locks"]),
        "cards": len(effects["cards"]),
        "notices": sorted({one["person"] for one in deliveries["deliveries"]}),
    }


async def test_the_scenario_plays_to_its_end(bihuan: Instance) -> None:
    """C5, C6, G5, G6, G7, F1, A3: release, locks, cards, notices, confirm, answer, report, unlock, clocks."""
    steps = await Player(bihuan, lambda _: None).play()
    assert len(steps) == 7


async def test_form_and_cloudevent_and_kafka_have_the_same_effects(bihuan: Instance, signed_in: SignedIn) -> None:
    """C2, I1, I2: the way in does not matter. Three revisions of a module, each by another way."""
    async with signed_in(LEAD) as lead, signed_in(INTEGRATOR) as integrator:
        seen = []
        for way in ("kafka", "http", "form"):
            module = (await lead.get("/api/changes/modules", params={"q": "RD-16"})).json()["modules"][0]
            version = f"V1.{int(module['version'].rsplit('.', 1)[1]) + 1}"
            number = await _release(bihuan, lead, integrator, way, module, version)
            found = await until(partial(_applied, lead, number), f"{number} by {way} is applied")
            await until(partial(_complete, lead, found["change"]), f"effects of {number} by {way}")
            seen.append(await unit(lead, found["change"]))
            await _retest_all(lead, found["change"])
        assert [one["people"] for one in seen[1:]] == [seen[0]["people"]] * 2
        assert [one["notices"] for one in seen[1:]] == [seen[0]["notices"]] * 2
        assert [one["locks"] for one in seen[1:]] == [seen[0]["locks"]] * 2
        assert [one["cards"] for one in seen[1:]] == [seen[0]["cards"]] * 2


async def _applied(client: httpx.AsyncClient, number: str) -> dict[str, Any] | None:
    found = await change_numbered(client, number)
    return found if found and found["applied_at"] else None


async def _complete(client: httpx.AsyncClient, change: str) -> bool | None:
    detail = (await client.get(f"/api/changes/changes/{change}")).json()
    shown = await unit(client, change)
    wanted = sum(row["action"] == "lock" for row in detail["rows"])
    retests = sum(row["action"] == "retest" for row in detail["rows"])
    complete = len(shown["locks"]) == wanted and shown["cards"] == retests
    return True if complete and shown["notices"] == sorted(set(shown["people"])) else None


async def _release(
    bihuan: Instance,
    lead: httpx.AsyncClient,
    integrator: httpx.AsyncClient,
    way: str,
    module: dict[str, Any],
    version: str,
) -> str:
    release = BomReleased(
        item="RD-16", name="导轨驱动板", kind=ItemKind.MODULE, base_version=module["version"], version=version,
        change=f"ECN-{way}", reason="输出纹波改善", released_by=LEAD, approved_by=(LEAD,), released_at=datetime.now(UTC),
    )  # fmt: skip
    if way == "kafka":
        await publish(bihuan.kafka_servers, [release])
        return f"ECN-{way}"
    if way == "http":
        event = {
            "specversion": "1.0", "id": "plm-1", "source": "/plm/test", "type": topics.BOM_RELEASES.type,
            "data": json.loads(release.model_dump_json()),
        }  # fmt: skip
        answer = await integrator.post(
            "/api/intake/events", content=json.dumps(event), headers={"content-type": "application/cloudevents+json"}
        )
        assert answer.json()["accepted"] == 1, answer.text
        again = await integrator.post(
            "/api/intake/events", content=json.dumps(event), headers={"content-type": "application/cloudevents+json"}
        )
        assert again.json()["duplicates"] == 1
        return f"ECN-{way}"
    form = {"version": version, "description": "输出纹波改善", "modules": ["RD-16"]}
    published = await lead.post("/api/changes/changes", json=form)
    assert published.status_code == 201, published.text
    number: str = published.json()["number"]
    return number


async def _retest_all(lead: httpx.AsyncClient, change: str) -> None:
    """Close the change, so that the next one finds the project as this one did."""
    cards = (await lead.get(f"/api/goals/changes/{change}/effects")).json()["cards"]
    for card in cards:
        criterion = card["deliverables"][0]["criteria"][0]
        answer = await lead.post(
            "/api/intake/test-reports",
            json={
                "task": card["task"], "module": card["module"], "module_version": card["item_version"],
                "verdict": "passed", "measurements": [{"metric": criterion["metric"] or "-", "value": _inside(criterion)}],
            },
        )  # fmt: skip
        assert answer.status_code == 201, answer.text

    async def closed() -> bool | None:
        found = (await lead.get(f"/api/changes/changes/{change}")).json()["summary"]
        return True if found["state"] == "closed" else None

    await until(closed, "the change closes when every retest has its report (C10)")


def _inside(criterion: dict[str, Any]) -> str:
    limit = criterion["lower"] or criterion["upper"]
    return str(limit) if limit is not None else "1"


POISON: list[tuple[str, bytes | None, list[tuple[str, bytes | None]], str]] = [
    ("broken JSON", b"{broken", [], "not_json"),
    ("wrong schema", b'{"item": "X"}', [], "wrong_schema"),
    ("unknown type", b"{}", [("ce_type", b"bihuan.plm.something-else.v1")], "unknown_type"),
    ("header not UTF-8", b"{}", [("ce_id", b"\xff\xfe")], "bad_header"),
    ("null value", None, [], "empty"),
    ("1.5 MB", b'{"x":"' + b"x" * 1_500_000 + b'"}', [], "too_large"),
    ("NUL", b'{"item":"a\\u0000","name":"n","version":"1","released_at":"2026-01-01T00:00:00Z"}', [], "bad_text"),
]


async def test_poison_is_kept_with_its_reason_and_holds_nothing_up(bihuan: Instance, signed_in: SignedIn) -> None:
    """I3, F13, F14: each ends as a dead letter with its reason; the next good record is handled within 5 s."""
    producer = AIOKafkaProducer(bootstrap_servers=bihuan.kafka_servers, max_request_size=2_000_000)
    await producer.start()
    try:
        for _, value, headers, _ in POISON:
            await producer.send_and_wait(topics.BOM_RELEASES.name, value, b"poison", partition=0, headers=headers)
        good = BomReleased(item="GOOD-1", name="好件", version="V1", released_at=datetime.now(UTC), lines=())
        await producer.send_and_wait(topics.BOM_RELEASES.name, good.model_dump_json().encode(), b"good", partition=0)
    finally:
        await producer.stop()
    async with signed_in(LEAD) as lead:

        async def known() -> bool | None:
            found = (await lead.get("/api/changes/modules", params={"q": "GOOD-1"})).json()["modules"]
            return True if found else None

        await until(known, "the good record after the poison", 5)
    async with signed_in(INTEGRATOR) as integrator:
        letters = (await integrator.get("/api/changes/dead-letters", params={"limit": 200})).json()["letters"]
        found = {letter["code"]: letter for letter in letters}
        assert {code for _, _, _, code in POISON} <= set(found)
        large = found["too_large"]
        assert large["reason"] == "内容有 1500008 字节，上限是 900000"
        assert len(large["value"]) == 400, "a list has the beginning of a body"
        assert len((await integrator.get(f"/api/changes/dead-letters/{large['id']}")).json()["value"]) == 20_000


async def test_a_large_event_is_refused_to_its_sender_by_every_other_way(
    bihuan: Instance, signed_in: SignedIn, tmp_path: Path
) -> None:
    """F14, I3: over HTTP it is kept with its reason, by the command it is not sent; the next one is taken."""
    large = {"item": "BIG-1", "name": "x" * 1_500_000, "version": "V1", "released_at": "2026-01-01T00:00:00Z"}
    event = {
        "specversion": "1.0",
        "id": "big-1",
        "source": "/plm/test",
        "type": topics.BOM_RELEASES.type,
        "data": large,
    }
    small = event | {"id": "small-1", "data": large | {"item": "GOOD-2", "name": "好件"}}
    async with signed_in(INTEGRATOR) as integrator, signed_in(LEAD) as lead:
        answers = [
            (await integrator.post("/api/intake/events", json=one, headers={"content-type": "application/cloudevents+json"})).json()
            for one in (event, small)
        ]  # fmt: skip
        assert [(one["accepted"], one["refused"]) for one in answers] == [(0, 1), (1, 0)]
        [refused] = answers[0]["events"]
        assert refused["code"] == "too_large"
        assert "上限是 900000" in refused["message"]

        async def known() -> bool | None:
            found = (await lead.get("/api/changes/modules", params={"q": "GOOD-2"})).json()["modules"]
            return True if found else None

        await until(known, "the event after the large one", 5)
    file = tmp_path / "big.json"
    file.write_text(json.dumps(large), encoding="utf-8")
    said = CliRunner().invoke(app, ["--lang", "zh", "send", str(file), "--topic", topics.BOM_RELEASES.name])
    assert said.exit_code == 2
    assert "太大" in said.output


async def test_a_release_replayed_thirty_milliseconds_apart_is_one_change(
    bihuan: Instance, signed_in: SignedIn
) -> None:
    """C5, F11: no second lock, no second notice."""
    release = BomReleased(
        item="CU-9", name="通信单元", kind=ItemKind.MODULE, base_version="V1.8", version="V1.9", change="ECN-TWICE",
        reason="通信模组换代", released_by=LEAD, released_at=datetime.now(UTC),
    )  # fmt: skip
    await publish(bihuan.kafka_servers, [release, release])
    await publish(bihuan.kafka_servers, [release])
    async with signed_in(LEAD) as lead:
        found = await until(lambda: _applied(lead, "ECN-TWICE"), "ECN-TWICE is applied")
        await until(lambda: _complete(lead, found["change"]), "its effects")
        before = await unit(lead, found["change"])
        await publish(bihuan.kafka_servers, [release])
        marker = release.model_copy(update={"item": "MARK-1", "base_version": None, "change": None, "lines": ()})
        await publish(bihuan.kafka_servers, [marker])
        assert await unit(lead, found["change"]) == before
        assert len(before["notices"]) == len(set(before["notices"]))


async def test_report_against_the_old_version_does_not_count_and_says_so(bihuan: Instance, signed_in: SignedIn) -> None:
    """G5: kept as evidence, not counted, and its sender is told."""
    release = BomReleased(
        item="SC-5", name="信号调理板", kind=ItemKind.MODULE, base_version="V2.6", version="V2.7", change="ECN-OLD-REPORT",
        released_by=LEAD, released_at=datetime.now(UTC), lines=(BomLine(item="ADC-32", name="模数转换器", quantity=Decimal(1)),),
    )  # fmt: skip
    await publish(bihuan.kafka_servers, [release])
    async with signed_in(LEAD) as lead:
        found = await until(lambda: _applied(lead, "ECN-OLD-REPORT"), "the change is applied")
        await until(lambda: _complete(lead, found["change"]), "its effects")
        card = (await lead.get(f"/api/goals/changes/{found['change']}/effects")).json()["cards"][0]
        await lead.post(
            "/api/intake/test-reports",
            json={"task": card["task"], "module": "SC-5", "module_version": "V2.6", "verdict": "passed"},
        )

        async def told() -> dict[str, Any] | None:
            notices = (await lead.get("/api/notify/inbox", params={"filter": "all"})).json()["notices"]
            return next((one for one in notices if one["kind"] == "report_not_counted"), None)

        notice = await until(told, "the sender is told")
        assert "V2.6" in notice["body"]["zh"]
        shown = (await lead.get(f"/api/goals/tasks/{card['task']}")).json()
        assert (shown["evidence"][0]["counts"], shown["task"]["state"]) == (False, "active")


async def test_open_page_hears_of_its_own_notices_only(bihuan: Instance, signed_in: SignedIn) -> None:
    """N5: server-sent events, filtered by person; a supplier hears nothing from inside."""
    async with signed_in(ENGINEER) as engineer, engineer.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-accel-buffering"] == "no"
        async for line in stream.aiter_lines():
            assert line.startswith("retry:")
            break


async def test_mail_arrives_once_with_everything(bihuan: Instance, signed_in: SignedIn) -> None:
    """N1: the copy by mail, after the notice has settled."""

    async def mailed() -> bool | None:
        ids = [mail["message_id"] for mail in bihuan.mail.mails() if f"{TESTER}@hengrui.example" in mail["to"]]
        assert len(ids) == len(set(ids))
        return True if ids else None

    await until(mailed, "a mail to the test engineer", 30)


async def test_pages_have_their_headers_and_foreign_requests_are_refused(bihuan: Instance, signed_in: SignedIn) -> None:
    async with signed_in(DIRECTOR) as director:
        page = await director.get("/auth/me")
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        assert page.headers["x-content-type-options"] == "nosniff"
        forged = await director.post(
            "/auth/sign-out", headers={"X-Bihuan-Request": "", "Origin": "https://evil.example"}
        )
        assert forged.status_code == 403
        assert (await director.get("/api/nothing/here")).status_code == 404
        assert (await director.get("/api/intake/refused")).status_code == 403
    async with httpx.AsyncClient(base_url=bihuan.address) as nobody:
        assert (await nobody.get("/api/goals/projects")).status_code == 401


async def test_the_integration_owner_sees_topics_and_how_far_each_is_read(
    bihuan: Instance, signed_in: SignedIn
) -> None:
    """I1, I3: every topic of the contracts with its readers; all caught up when nothing happens."""
    async with signed_in("10901") as owner:

        async def caught_up() -> dict[str, Any] | None:
            streams = {one["name"]: one for one in (await owner.get("/api/intake/streams")).json()["streams"]}
            behind = sum(reader["lag"] for one in streams.values() for reader in one["readers"])
            return streams if not behind else None

        streams = await until(caught_up, "every reader to have caught up", 30)
    assert set(streams) == {topic.name for topic in topics.ALL}
    released = streams[topics.BOM_RELEASES.name]
    assert released["records"] > 0
    assert "changes.plm.bom-releases.v1" in {reader["group"] for reader in released["readers"]}
