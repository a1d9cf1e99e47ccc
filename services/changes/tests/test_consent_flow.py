"""Impact matrices over HTTP and the bus, on a real database (C7, C8)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import given_changes as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ConsentChanged, ConsentState
from bihuan_contracts.goals import TaskKind

pytestmark = pytest.mark.flow

LEAD, ENGINEER, TESTER, BOSS, DIRECTOR = "10500", "10231", "10306", "10004", "10001"
REST = {"kind": "rest_days", "amount": "1"}


async def a_company(changes: RunningService) -> None:
    changes.now = changes.now or given.NOW
    people = [
        given.person(ENGINEER, "周启航").model_copy(update={"manager": BOSS}),
        given.person(TESTER, "林若溪", "test_engineer").model_copy(update={"manager": BOSS}),
        given.person(LEAD, "陈砚", "project_lead").model_copy(update={"manager": BOSS}),
        given.person(BOSS, "何经理", "manager").model_copy(update={"manager": DIRECTOR}),
        given.person(DIRECTOR, "总监", "director"),
        given.person("10999", "外人"),
    ]
    await changes.hear(topics.PEOPLE, people)
    await changes.hear(topics.PROJECTS, [given.project(LEAD)])
    due = given.NOW + timedelta(days=5)
    await changes.hear(
        topics.TASKS,
        [
            given.task(1, TaskKind.DEVELOP, ENGINEER, due_at=due, planned_hours="12.0"),
            given.task(2, TaskKind.TEST, TESTER),
            given.task(3, TaskKind.DEVELOP, ENGINEER, module="X-9"),
        ],
    )


def proposal(**more: Any) -> dict[str, Any]:
    moved = {"task": str(UUID(int=1)), "field": "due_at", "new": "2026-03-27T18:00:00+08:00"}
    return {"title": "GX-500 延期", "reason": "电容供应商晚到", "adjustments": [moved], **more}


def filled(matrix: dict[str, Any], **more: Any) -> dict[str, Any]:
    rows = [
        {"person": row["person"], "task": row["task"], "action": "按新日期完成", "hours": "6", "compensation": REST}
        for row in matrix["rows"]
    ]
    return proposal(version=matrix["version"], rows=rows, **more)


async def a_sent_matrix(changes: RunningService) -> dict[str, Any]:
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    worded = (await client.put(f"/consents/{made['summary']['matrix']}", json=filled(made))).json()
    sent = await client.post(f"/consents/{made['summary']['matrix']}/send", json={"version": worded["version"]})
    assert sent.status_code == 200, sent.text
    matrix: dict[str, Any] = sent.json()
    return matrix


def row_of(matrix: dict[str, Any], person: str) -> str:
    return next(str(row["row"]) for row in matrix["rows"] if row["person"] == person)


async def reply(changes: RunningService, matrix: dict[str, Any], person: str, **body: Any) -> Any:
    path = f"/consents/{matrix['summary']['matrix']}/rows/{row_of(matrix, person)}/answer"
    given_body = {"revision": matrix["summary"]["revision"], "answer": "accepted", **body}
    return await changes.client(person, [Role.EMPLOYEE]).post(path, json=given_body)


async def states(changes: RunningService) -> list[ConsentChanged]:
    return list(await changes.announced(topics.CONSENTS))


async def test_system_finds_who_is_affected_and_who_decides(changes: RunningService) -> None:
    """C7: the owner and who works on the same module; the arbiter stands above and is not concerned."""
    await a_company(changes)
    made = (await changes.client(LEAD, [Role.PROJECT_LEAD]).post("/consents", json=proposal())).json()
    assert [(row["person_name"], row["found_by"]) for row in made["rows"]] == [
        ("周启航", "owner"),
        ("林若溪", "module"),
    ]
    assert made["arbiter_name"] == "何经理"
    assert made["adjustments"][0]["old"] == "2026-03-16T00:30:00+00:00"
    assert made["summary"]["number"].startswith("GCM-2026-")


async def test_tasks_that_wait_for_the_moved_one_are_found_by_their_dependency(changes: RunningService) -> None:
    """C7: as goals publishes it; another module, another owner."""
    await a_company(changes)
    await changes.hear(topics.PEOPLE, [given.person("10777", "唐宁")])
    waits = given.task(
        70, TaskKind.DEVELOP, "10777", module="CC-120", depends_on=(given.task(1, TaskKind.DEVELOP, "x").task,)
    )
    await changes.hear(topics.TASKS, [waits])
    made = (await changes.client(LEAD, [Role.PROJECT_LEAD]).post("/consents", json=proposal())).json()
    assert [(row["found_by"], row["task_code"]) for row in made["rows"] if row["person"] == "10777"] == [
        ("waits", "T-70")
    ]


async def test_agreed_by_everybody_it_is_announced_as_settled(changes: RunningService) -> None:
    """C8: effective only when all rows are settled, and everybody is told."""
    matrix = await a_sent_matrix(changes)
    assert (await reply(changes, matrix, ENGINEER)).json()["summary"]["state"] == "open"
    done = (await reply(changes, matrix, TESTER)).json()
    assert done["summary"]["state"] == "settled"
    announced = await states(changes)
    assert [one.state for one in announced] == [
        ConsentState.DRAFT, ConsentState.DRAFT, ConsentState.OPEN, ConsentState.OPEN, ConsentState.SETTLED,
    ]  # fmt: skip
    assert [one.version for one in announced] == [1, 2, 3, 4, 5]
    told = {one.person for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == "consent_settled"}
    assert told == {LEAD, ENGINEER, TESTER}
    again = await reply(changes, matrix, TESTER, answer="rejected", reason="反悔")
    assert (again.status_code, again.json()["code"]) == (409, "closed")


async def test_counter_offer_leads_to_a_revision_for_everybody(changes: RunningService) -> None:
    """C8: old answers are refused, the thread keeps every word of every revision."""
    matrix = await a_sent_matrix(changes)
    await reply(changes, matrix, TESTER)
    bargained = await reply(
        changes, matrix, ENGINEER, answer="negotiating", reason="两天不够", counter={"hours": "10"},
    )  # fmt: skip
    assert bargained.json()["summary"]["against"] == 1
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    path = f"/consents/{matrix['summary']['matrix']}"
    body = filled(bargained.json())
    body["rows"][0]["hours"] = "10"
    worded = (await client.put(path, json=body)).json()
    assert worded["summary"]["state"] == "draft"
    assert (await reply(changes, matrix, TESTER)).json()["code"] == "not_sent"
    second = (await client.post(f"{path}/send", json={"version": worded["version"]})).json()
    assert (second["summary"]["revision"], second["summary"]["agreed"]) == (2, 0)
    assert (await reply(changes, matrix, TESTER)).json()["code"] == "stale_revision"
    kinds = [line["kind"] for line in second["thread"]]
    assert kinds == ["proposed", "edited", "sent", "accepted", "negotiating", "edited", "sent"]
    assert second["thread"][4]["body"]["reason"] == "两天不够"


async def test_who_has_answered_or_is_asked_anew_is_not_waited_for_by_the_older_notice(changes: RunningService) -> None:
    """C8, N2: with their answer, with the next revision, and when it is withdrawn."""
    matrix = await a_sent_matrix(changes)
    id = matrix["summary"]["matrix"]
    await changes.clear_outbox()

    async def no_more() -> set[tuple[str, str]]:
        said = await changes.announced(topics.NOTICE_REQUESTS)
        await changes.clear_outbox()
        return {(one.person, one.dedupe) for one in said if one.settled and one.kind == "consent_asked"}

    bargained = await reply(
        changes, matrix, ENGINEER, answer="negotiating", reason="两天不够", counter={"hours": "10"}
    )  # fmt: skip
    assert await no_more() == {(ENGINEER, f"consent_asked:{id}:1")}
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    worded = (await client.put(f"/consents/{id}", json=filled(bargained.json()))).json()
    second = (await client.post(f"/consents/{id}/send", json={"version": worded["version"]})).json()
    assert await no_more() == {(person, f"consent_asked:{id}:1") for person in (ENGINEER, TESTER)}
    gone = await client.post(f"/consents/{id}/withdraw", json={"version": second["version"]})
    assert gone.status_code == 200, gone.text
    assert await no_more() == {(person, f"consent_asked:{id}:2") for person in (ENGINEER, TESTER)}


async def test_nobody_answers_for_others(changes: RunningService) -> None:
    """C8."""
    matrix = await a_sent_matrix(changes)
    path = f"/consents/{matrix['summary']['matrix']}/rows/{row_of(matrix, ENGINEER)}"
    body = {"revision": 1, "answer": "accepted"}
    assert (await changes.client(LEAD, [Role.PROJECT_LEAD]).post(f"{path}/answer", json=body)).status_code == 403
    assert (await changes.client(TESTER, [Role.EMPLOYEE]).post(f"{path}/answer", json=body)).status_code == 403
    decision = {"revision": 1, "reason": "客户合同里有罚款条款"}
    refused = await changes.client(LEAD, [Role.PROJECT_LEAD]).post(f"{path}/decide", json=decision)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_arbiter")


async def test_who_is_not_concerned_does_not_see_it(changes: RunningService) -> None:
    """Compensations are between those concerned, their managers and the overseers; a draft is the proposer's own."""
    matrix = await a_sent_matrix(changes)
    path = f"/consents/{matrix['summary']['matrix']}"
    assert (await changes.client("10999", [Role.EMPLOYEE]).get(path)).status_code == 404
    assert (await changes.client("10999", [Role.EMPLOYEE]).get("/consents")).json() == {"matrices": []}
    for person, role in ((BOSS, Role.MANAGER), ("10008", Role.HR), (ENGINEER, Role.EMPLOYEE)):
        assert (await changes.client(person, [role]).get(path)).status_code == 200
    draft = (await changes.client(LEAD, [Role.PROJECT_LEAD]).post("/consents", json=proposal())).json()
    hidden = await changes.client(ENGINEER, [Role.EMPLOYEE]).get(f"/consents/{draft['summary']['matrix']}")
    assert hidden.status_code == 404


async def test_silence_is_reminded_then_goes_to_the_arbiter_and_never_counts(changes: RunningService) -> None:
    """C8: after two working days; the person sees the arbiter's reason."""
    matrix = await a_sent_matrix(changes)
    await reply(changes, matrix, TESTER)
    path = f"/consents/{matrix['summary']['matrix']}/rows/{row_of(matrix, ENGINEER)}/decide"
    decision = {"revision": 1, "reason": "客户合同里有罚款条款，必须按期"}
    arbiter = changes.client(BOSS, [Role.MANAGER])
    assert (await arbiter.post(path, json=decision)).json()["code"] == "too_early"
    changes.now = given.NOW + timedelta(days=2, minutes=1)
    assert await changes.fire_timers(changes.now) == 2
    kinds = [(one.kind, one.person) for one in await changes.announced(topics.NOTICE_REQUESTS)]
    assert ("consent_reminder", ENGINEER) in kinds
    assert ("consent_overdue", BOSS) in kinds
    assert [one.state for one in await states(changes)][-1] is ConsentState.OPEN
    assert (await arbiter.get("/consents?waiting=true")).json()["matrices"][0]["waits_for_me"]
    settled = (await arbiter.post(path, json=decision)).json()
    assert settled["summary"]["state"] == "settled"
    seen = (await changes.client(ENGINEER, [Role.EMPLOYEE]).get(path.rsplit("/rows", 1)[0])).json()
    assert [row["reason"] for row in seen["rows"] if row["person"] == ENGINEER] == [decision["reason"]]


async def test_stale_wording_shows_the_newer_one(changes: RunningService) -> None:
    """Two windows of one proposer: the second save is refused and carries the state as it is."""
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    path = f"/consents/{made['summary']['matrix']}"
    assert (await client.put(path, json=filled(made))).status_code == 200
    refused = await client.put(path, json=filled(made, title="另一个窗口"))
    assert refused.status_code == 409
    assert refused.json()["state"]["version"] == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"adjustments": [{"task": str(UUID(int=99)), "field": "due_at", "new": "2026-03-27T18:00:00Z"}]},
         "adjustments.0.task"),
        ({"adjustments": [{"task": str(UUID(int=1)), "field": "due_at", "new": "2026-03-27"}]}, "adjustments.0.new"),
        ({"adjustments": [{"task": str(UUID(int=1)), "field": "planned_hours", "new": "-1"}]}, "adjustments.0.new"),
        ({"adjustments": [{"task": str(UUID(int=1)), "field": "planned_hours", "new": "12"}]}, "adjustments.0.new"),
        ({"adjustments": [{"task": str(UUID(int=1)), "field": "owner", "new": "77777"}]}, "adjustments.0.new"),
        ({"adjustments": []}, "adjustments"),
        ({"reason": ""}, "reason"),
    ],
)  # fmt: skip
async def test_bad_proposal_names_its_field(changes: RunningService, body: dict[str, Any], field: str) -> None:
    await a_company(changes)
    refused = await changes.client(LEAD, [Role.PROJECT_LEAD]).post("/consents", json=proposal(**body))
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_matrix_with_an_empty_column_is_not_sent(changes: RunningService) -> None:
    """C7: refused with each empty column named, and affected people can't be left out."""
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    path = f"/consents/{made['summary']['matrix']}"
    refused = await client.post(f"{path}/send", json={"version": 1})
    assert {error["field"] for error in refused.json()["errors"]} == {
        f"rows.{place}.{column}" for place in (0, 1) for column in ("action", "hours", "compensation")
    }
    body = filled(made)
    body["rows"].pop()
    assert (await client.put(path, json=body)).json()["errors"][0]["code"] == "missing_person"
    body = filled(made)
    body["rows"][0]["hours"] = "-1"
    assert (await client.put(path, json=body)).json()["errors"][0]["field"] == "rows.0.hours"


async def test_helper_is_asked_too(changes: RunningService) -> None:
    """C7: help from a person is a row of that person."""
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    body = filled(made)
    body["rows"][0]["compensation"] = {"kind": "help", "amount": "4", "helper": "10999"}
    after = (await client.put(f"/consents/{made['summary']['matrix']}", json=body)).json()
    assert [(row["person"], row["found_by"]) for row in after["rows"]][-1] == ("10999", "helper")
    assert after["rows"][0]["helper_name"] == "外人"


async def test_compensation_is_tracked_until_given(changes: RunningService) -> None:
    """C7: the person confirms; the settled matrix itself stays as it is."""
    matrix = await a_sent_matrix(changes)
    path = f"/consents/{matrix['summary']['matrix']}/rows/{row_of(matrix, ENGINEER)}/received"
    engineer = changes.client(ENGINEER, [Role.EMPLOYEE])
    assert (await engineer.post(path)).json()["code"] == "not_settled"
    await reply(changes, matrix, ENGINEER)
    settled = (await reply(changes, matrix, TESTER)).json()
    assert (await changes.client(TESTER, [Role.EMPLOYEE]).post(path)).status_code == 403
    given_back = (await engineer.post(path)).json()
    assert given_back["version"] == settled["version"]
    assert [row["received_at"] is not None for row in given_back["rows"]] == [True, False]


async def test_words_stay_inside_the_service(changes: RunningService) -> None:
    """Personal words are on the page of those concerned, not on the topic."""
    matrix = await a_sent_matrix(changes)
    await reply(changes, matrix, ENGINEER, answer="rejected", reason="家里有事，不方便说")
    assert "家里有事" not in "".join(one.model_dump_json() for one in await changes.announced())
