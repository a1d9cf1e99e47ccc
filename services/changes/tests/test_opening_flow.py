"""Technical changes open impact matrices where goals holds targets back for consent (C5, C7, C8)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import given_changes as given
import pytest
from test_consent_flow import BOSS, ENGINEER, LEAD, REST, TESTER, a_company, reply, states

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ConsentState
from bihuan_contracts.goals import TargetChange, TargetField, TargetsRecalculated
from changes.domain.orders import change_id

pytestmark = pytest.mark.flow


def held(change: UUID, *, task: int = 1, hours: str = "20") -> TargetsRecalculated:
    changes = (
        TargetChange(field=TargetField.DUE_AT, old="2026-03-16T00:30:00+00:00", new="2026-03-20T08:30:00+08:00"),
        TargetChange(field=TargetField.PLANNED_HOURS, old="12.0", new=hours),
    )
    return TargetsRecalculated(
        task=UUID(int=task), task_code=f"T-{task}", task_title=f"任务 {task}", project=given.PROJECT, person=ENGINEER,
        changes=changes, change=change, change_number="ECN-2026-0187", rule="default/lock-direct", held=True,
        at=given.NOW,
    )  # fmt: skip


async def a_change(changes: RunningService, **more: Any) -> UUID:
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.3", base=None)])
    await changes.hear(topics.BOM_RELEASES, [given.release(released_by=LEAD, **more)])
    return change_id("ECN-2026-0187", 1)


async def test_a_change_opens_a_matrix_with_everybody_found(changes: RunningService) -> None:
    """C7: linked to the change, extra hours known, compensation left to people; a replay adds nothing."""
    change = await a_change(changes)
    await changes.hear(topics.TARGETS, [held(change)])
    await changes.hear(topics.TARGETS, [held(change)])
    lead = changes.client(LEAD, [Role.PROJECT_LEAD])
    (listed,) = (await lead.get(f"/consents?change={change}")).json()["matrices"]
    found = (await lead.get(f"/consents/{listed['matrix']}")).json()
    assert (listed["state"], listed["waits_for_me"]) == ("draft", True)
    assert (found["change_number"], found["arbiter_name"]) == ("ECN-2026-0187", "何经理")
    rows = [(row["person"], row["hours"], row["compensation"] is None) for row in found["rows"]]
    assert rows == [(ENGINEER, "8", True), (TESTER, "0", False)]
    assert [(one["field"], one["new"]) for one in found["adjustments"]] == [
        ("due_at", "2026-03-20T00:30:00+00:00"),
        ("planned_hours", "20"),
    ]
    refused = await lead.post(f"/consents/{listed['matrix']}/send", json={"version": found["version"]})
    assert [error["field"] for error in refused.json()["errors"]] == ["rows.0.compensation"]


async def test_sent_and_agreed_it_is_settled_for_the_change(changes: RunningService) -> None:
    """C8: goals hears which change it belongs to."""
    change = await a_change(changes)
    await changes.hear(topics.TARGETS, [held(change)])
    lead = changes.client(LEAD, [Role.PROJECT_LEAD])
    (listed,) = (await lead.get("/consents")).json()["matrices"]
    path = f"/consents/{listed['matrix']}"
    found = (await lead.get(path)).json()
    rows = [
        {key: row[key] for key in ("person", "task", "action", "hours")}
        | {"compensation": REST if row["hours"] != "0" else {"kind": "none"}}
        for row in found["rows"]
    ]
    adjustments = [{key: one[key] for key in ("task", "field", "new")} for one in found["adjustments"]]
    body = {"version": found["version"], "title": listed["title"], "reason": found["reason"], "change": str(change),
            "adjustments": adjustments, "rows": rows}  # fmt: skip
    worded = await lead.put(path, json=body)
    assert worded.status_code == 200, worded.text
    sent = (await lead.post(f"{path}/send", json={"version": worded.json()["version"]})).json()
    for person in (ENGINEER, TESTER):
        await reply(changes, sent, person)
    last = (await states(changes))[-1]
    assert (last.state, last.change) == (ConsentState.SETTLED, change)
    opened = [one for one in await changes.announced(topics.NOTICE_REQUESTS) if one.kind == "consent_opened"]
    assert [(one.person, one.must_confirm, one.settled) for one in opened[:2]] == [
        (LEAD, True, False),
        (LEAD, False, True),
    ]
    assert len({one.dedupe for one in opened[:2]}) == 1


async def test_late_targets_join_and_everybody_is_asked_again(changes: RunningService) -> None:
    """C5: one change, one matrix in a project; a newer figure takes the place of the older one."""
    change = await a_change(changes)
    await changes.hear(topics.TARGETS, [held(change)])
    later = held(change, hours="24").model_copy(update={"at": given.NOW + timedelta(hours=1)})
    await changes.hear(topics.TARGETS, [later, held(change, task=3)])
    lead = changes.client(LEAD, [Role.PROJECT_LEAD])
    (listed,) = (await lead.get("/consents")).json()["matrices"]
    found = (await lead.get(f"/consents/{listed['matrix']}")).json()
    assert sorted(
        (one["task_code"], one["new"]) for one in found["adjustments"] if one["field"] == "planned_hours"
    ) == [
        ("T-1", "24"),
        ("T-3", "20"),
    ]


async def test_a_superseded_change_takes_its_matrix_along(changes: RunningService) -> None:
    """C5: nobody has to answer for what a newer revision has replaced; the old revision opens nothing any more."""
    change = await a_change(changes)
    await changes.hear(topics.TARGETS, [held(change)])
    second = given.release(version="V2.5", base="V2.3", revision=2, released_by=LEAD)
    await changes.hear(topics.BOM_RELEASES, [second])
    assert (await states(changes))[-1].state is ConsentState.WITHDRAWN
    await changes.hear(topics.TARGETS, [held(change, task=3)])
    assert len((await changes.client(LEAD, [Role.PROJECT_LEAD]).get("/consents")).json()["matrices"]) == 1


async def test_a_matrix_that_nobody_sends_is_not_forgotten(changes: RunningService) -> None:
    """C8: the proposer after a working day, the manager too after another."""
    change = await a_change(changes)
    await changes.hear(topics.TARGETS, [held(change)])
    for days in (1, 2):
        changes.now = given.NOW + timedelta(days=days, minutes=days)
        assert await changes.fire_timers(changes.now) == 1
    told = [(one.kind, one.person) for one in await changes.announced(topics.NOTICE_REQUESTS)]
    assert told.count(("consent_unsent", LEAD)) == 2
    assert told.count(("consent_unsent", BOSS)) == 1
    assert ("consent_opened", LEAD) in told
