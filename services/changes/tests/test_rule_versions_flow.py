"""From a draft to a rule in force: tests, checks, a second person, as-of, and back (C4)."""

import json
from datetime import timedelta
from typing import Any

import given_changes as given
import httpx
import pytest
from test_change_flow import a_company, impacts

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ImpactAction

pytestmark = pytest.mark.flow
OWNER, DIRECTOR = "10003", "10001"


def owner(changes: RunningService, person: str = OWNER) -> httpx.AsyncClient:
    return changes.client(person, [Role.EMPLOYEE, Role.PROCESS_OWNER])


def director(changes: RunningService) -> httpx.AsyncClient:
    return changes.client(DIRECTOR, [Role.EMPLOYEE, Role.DIRECTOR])


async def people(changes: RunningService) -> None:
    await changes.hear(
        topics.PEOPLE, [given.person(OWNER, "许静姝", "process_owner"), given.person(DIRECTOR, "方志诚", "director")]
    )


async def ok(call: Any) -> dict[str, Any]:
    answer = await call
    assert answer.is_success, answer.text
    body: dict[str, Any] = answer.json()
    return body


def power_table() -> dict[str, Any]:
    """Power modules take half as long again, and more than eight extra hours need consent."""
    return {
        "fields": ["module", "task_kind"],
        "effects": ["hours_factor", "consent"],
        "complete": False,
        "rows": [
            {
                "id": "power",
                "when": {
                    "module": {"op": "starts", "values": ["PM-"]},
                    "task_kind": {"op": "in", "values": ["develop"]},
                },
                "then": {"hours_factor": ["1.5"], "consent": ["over:8"]},
                "note": {"zh": "电源模块要重新整改"},
            }
        ],
        "cases": [
            {
                "id": "c1",
                "title": "电源模块开发",
                "facts": {"module": ["PM-480"], "task_kind": ["develop"]},
                "rows": ["power"],
                "then": {"hours_factor": ["1.5"]},
            }
        ],
    }


async def a_draft(changes: RunningService, table: dict[str, Any] | None = None) -> dict[str, Any]:
    client = owner(changes)
    page = await ok(client.post("/rules", json={"title": "电源模块工时"}))
    body = {"edition": page["edition"], "title": "电源模块工时", "table": table or power_table()}
    return await ok(client.put(f"/rules/{page['name']}/versions/1", json=body))


async def published(changes: RunningService, table: dict[str, Any] | None = None, **when: Any) -> dict[str, Any]:
    page = await a_draft(changes, table)
    at = f"/rules/{page['name']}/versions/1"
    await ok(owner(changes).post(f"{at}/submit", json={"edition": page["edition"], **when}))
    return await ok(director(changes).post(f"{at}/approve", json={"edition": page["edition"]}))


async def test_draft_becomes_a_rule_that_acts(changes: RunningService) -> None:
    """C4, end to end: written, tested, approved by a second person, and the next change obeys it with a trace."""
    await a_company(changes)
    await people(changes)
    page = await published(changes)
    assert (page["version"]["state"], page["version"]["in_force"], page["version"]["approver"]) == (
        "published", True, "方志诚",
    )  # fmt: skip
    assert [line["kind"] for line in page["log"]] == ["drafted", "submitted", "approved"]
    reviews = [(one.person, one.kind) for one in await changes.announced(topics.NOTICE_REQUESTS)]
    assert reviews == [(DIRECTOR, "rule_review"), (OWNER, "rule_approved")]
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (impact,) = await impacts(changes)
    locked = next(row for row in impact.rows if row.action is ImpactAction.LOCK)
    assert str(locked.hours_factor) == "1.5"
    why = await ok(changes.client().get(f"/changes/{impact.change}/rows/{locked.row}/reasons"))
    assert [(one["name"], one["hits"]) for one in why["tables"]] == [
        (page["name"], ["power"]), ("default", ["lock-direct"]),
    ]  # fmt: skip
    assert why["tables"][1]["stopped"]["document"] == "task_kind"
    assert why["facts"]["module"] == ["PM-480"]


async def test_nobody_approves_what_he_has_written(changes: RunningService) -> None:
    """C4: not the author, and not somebody who has only saved once."""
    await people(changes)
    page = await a_draft(changes)
    at = f"/rules/{page['name']}/versions/1"
    second = owner(changes, "10099")
    page = await ok(second.put(at, json={"edition": page["edition"], "title": "电源", "table": power_table()}))
    await ok(owner(changes).post(f"{at}/submit", json={"edition": page["edition"]}))
    for author in (owner(changes), second):
        refused = await author.post(f"{at}/approve", json={"edition": page["edition"]})
        assert (refused.status_code, refused.json()["code"]) == (403, "own_draft")
    seen = await ok(director(changes).get(f"/rules/{page['name']}"))
    assert (seen["may_approve"], [one["id"] for one in seen["approvers"]]) == (True, [DIRECTOR])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda table: table["cases"].clear(), "no_tests"),
        (lambda table: table["cases"][0].update(rows=[]), "tests"),
        (lambda table: table["rows"].append({"id": "x", "then": {}}), "findings"),
        (lambda table: table.update(complete=True), "findings"),
    ],
)
async def test_red_tests_and_blocking_findings_stop_a_draft(changes: RunningService, spoil: Any, code: str) -> None:
    table = power_table()
    spoil(table)
    page = await a_draft(changes, table)
    assert page["checked"]["ready"] is False
    at = f"/rules/{page['name']}/versions/1/submit"
    refused = await owner(changes).post(at, json={"edition": page["edition"]})
    assert (refused.status_code, refused.json()["code"]) == (409, code)


async def test_stale_edit_and_second_draft_are_refused(changes: RunningService) -> None:
    page = await a_draft(changes)
    at = f"/rules/{page['name']}/versions"
    body = {"edition": page["edition"] - 1, "title": "旧", "table": power_table()}
    stale = await owner(changes).put(f"{at}/1", json=body)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    second = await owner(changes).post(at, json={"based_on": 1})
    assert (second.status_code, second.json()["code"]) == (409, "open_version")


async def test_wrong_cells_are_named_by_row_and_field_in_both_languages(changes: RunningService) -> None:
    """C4, bad input: division by zero is no number, an unknown field is no field."""
    table = power_table()
    table["rows"][0]["when"]["colour"] = {"op": "in", "values": ["red"]}
    table["rows"][0]["then"]["hours_factor"] = ["1/0"]
    client = owner(changes)
    page = await ok(client.post("/rules", json={"title": "x"}))
    for language, word in (("zh", "第 1 行"), ("en", "Row 1")):
        refused = await client.put(
            f"/rules/{page['name']}/versions/1",
            json={"edition": 1, "title": "x", "table": table},
            headers={"Accept-Language": language},
        )
        errors = {error["field"]: error["message"] for error in refused.json()["errors"]}
        assert set(errors) == {"rows.0.when.colour", "rows.0.then.hours_factor"}
        assert all(message.startswith(word) for message in errors.values())


async def test_new_version_takes_over_at_its_time_and_the_past_stays(changes: RunningService) -> None:
    """As-of: approved for the day after tomorrow; until then the old one is in force, and ends then."""
    await people(changes)
    changes.now = given.NOW
    page = await published(changes)
    name, client = page["name"], owner(changes)
    draft = await ok(client.post(f"/rules/{name}/versions", json={"based_on": 1}))
    table = power_table()
    table["rows"][0]["then"]["hours_factor"] = table["cases"][0]["then"]["hours_factor"] = ["2"]
    at = f"/rules/{name}/versions/2"
    saved = await ok(client.put(at, json={"edition": draft["edition"], "title": "电源", "table": table}))
    since = given.NOW + timedelta(days=2)
    await ok(client.post(f"{at}/submit", json={"edition": saved["edition"], "since": since.isoformat()}))
    await ok(director(changes).post(f"{at}/approve", json={"edition": saved["edition"]}))
    changes.now = given.NOW + timedelta(days=1)
    states = {one["version"]: one["in_force"] for one in (await ok(client.get(f"/rules/{name}")))["versions"]}
    assert states == {1: True, 2: False}
    changes.now = since
    page = await ok(client.get(f"/rules/{name}"))
    assert [(one["version"], one["state"]) for one in page["versions"]] == [(2, "published"), (1, "retired")]
    changed = await ok(client.get(f"{at}/difference/1"))
    assert [(row["row"], row["kind"], row["cells"]) for row in changed["rows"]] == [
        ("power", "changed", [{"name": "hours_factor", "old": ["1.5"], "new": ["2"]}])
    ]


async def test_future_version_that_is_withdrawn_gives_its_time_back(changes: RunningService) -> None:
    changes.now = given.NOW
    since = (given.NOW + timedelta(days=2)).isoformat()
    client = owner(changes)
    draft = await ok(client.post("/rules/default/versions", json={"based_on": 1}))
    at = "/rules/default/versions/2"
    await ok(client.post(f"{at}/submit", json={"edition": draft["edition"], "since": since}))
    await ok(director(changes).post(f"{at}/approve", json={"edition": draft["edition"]}))
    page = await ok(director(changes).post(f"{at}/retire", json={"reason": "方案取消"}))
    assert page["log"][-1]["note"] == "方案取消"
    changes.now = given.NOW + timedelta(days=3)
    page = await ok(client.get("/rules/default"))
    assert {one["version"]: one["in_force"] for one in page["versions"]} == {1: True, 2: False}
    refused = await director(changes).post("/rules/default/versions/1/retire", json={"reason": "不用了"})
    assert (refused.status_code, refused.json()["code"]) == (409, "base")


async def test_sent_back_with_a_reason_and_called_back(changes: RunningService) -> None:
    await people(changes)
    page = await a_draft(changes)
    at, seen = f"/rules/{page['name']}/versions/1", {"edition": page["edition"]}
    await ok(owner(changes).post(f"{at}/submit", json=seen))
    back = await ok(director(changes).post(f"{at}/send-back", json={"reason": "系数没有依据"}))
    assert (back["version"]["state"], back["log"][-1]["note"]) == ("draft", "系数没有依据")
    await ok(owner(changes).post(f"{at}/submit", json=seen))
    await ok(owner(changes).post(f"{at}/call-back", json=seen))
    assert (await ok(owner(changes).post(f"{at}/discard", json=seen)))["version"]["state"] == "withdrawn"


async def test_dry_run_shows_before_and_after_of_each_task(changes: RunningService) -> None:
    """C4: the last changes under the rules in force and under the draft; nothing happens."""
    await a_company(changes)
    page = await a_draft(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    before = len(await changes.announced())
    shown = await ok(owner(changes).post(f"/rules/{page['name']}/dry-run", json={"table": power_table()}))
    (row,) = shown["rows"]
    assert (row["task_code"], row["person_name"], row["verdict"]) == ("T-1", "周启航", "changed")
    assert (row["before"]["hours_factor"], row["after"]["hours_factor"]) == (["1.2"], ["1.5"])
    assert (shown["same"], shown["without_record"]) == (1, 0)
    assert [(one["decisions"], one["changed"]) for one in shown["changes"]] == [(2, 1)]
    base = await ok(owner(changes).get("/rules/default"))
    without = base["table"] | {"rows": [one for one in base["table"]["rows"] if one["id"] == "document"], "cases": []}
    shown = await ok(owner(changes).post("/rules/default/dry-run", json={"table": without}))
    assert {one["verdict"] for one in shown["rows"]} == {"missed"}
    assert len(await changes.announced()) == before


async def test_export_and_import_keep_the_table(changes: RunningService) -> None:
    model = await ok(changes.client().get("/rules/default/versions/1/jdm"))
    table = await ok(owner(changes).post("/rules/read-jdm", json={"model": model}))
    assert table == (await ok(changes.client().get("/rules/default")))["table"]
    model["nodes"].append({"id": "f", "type": "functionNode", "name": "算", "content": "while(true){}"})
    refused = await owner(changes).post("/rules/read-jdm", json={"model": model})
    assert [(one["field"], one["code"]) for one in refused.json()["errors"]] == [("nodes.3", "script")]


async def test_catalogue_names_fields_with_the_values_of_the_data(changes: RunningService) -> None:
    await a_company(changes)
    found = await ok(changes.client().get("/rules/catalogue"))
    fields = {one["name"]: one for one in found["fields"]}
    assert [choice["value"] for choice in fields["module"]["choices"]] == ["CC-120", "PM-480"]
    assert fields["phase"]["choices"][0]["value"] == "EVT"
    assert "starts" in fields["module"]["operators"]
    assert "lt" not in fields["module"]["operators"]
    assert json.dumps(found)


async def test_list_shows_what_is_in_force_and_what_waits(changes: RunningService) -> None:
    await people(changes)
    page = await a_draft(changes)
    await ok(owner(changes).post(f"/rules/{page['name']}/versions/1/submit", json={"edition": page["edition"]}))
    listed = (await ok(director(changes).get("/rules")))["tables"]
    assert [(one["name"], one["base"], one["waits_for_me"]) for one in listed] == [
        (page["name"], False, True), ("default", True, False),
    ]  # fmt: skip
    assert (await changes.client().post("/rules", json={"title": "x"})).status_code == 403
