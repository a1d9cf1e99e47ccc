"""One change is one unit: replays moments apart, duplicates and disorder add nothing to any part of it (C5)."""

import asyncio
from typing import Any

import given_changes as given
import pytest
from test_change_flow import a_company, impacts

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.goals import TaskKind
from changes import store

pytestmark = pytest.mark.flow
_COUNTED = (
    "select (select count(*) from change_orders) as orders, (select count(*) from impact_rows) as rows,"
    " (select count(*) from suspect_causes) as doubts, (select count(*) from document_sections) as sections,"
    " (select count(*) from bom_versions) as versions, (select count(*) from outbox) as announced"
)


async def counted(changes: RunningService) -> dict[str, Any]:
    async with changes.tx() as tx:
        row = await tx.raw.fetchrow(_COUNTED)
    assert row is not None
    return dict(row)


async def test_replays_30_milliseconds_apart_add_nothing(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(topics.TASKS, [given.task(5, TaskKind.DEVELOP, "10231", module="CC-120", item_version="V3.1")])
    await changes.hear(topics.BOM_RELEASES, [given.release(revision=2)])
    once = await counted(changes)
    for _ in range(3):
        await asyncio.sleep(0.03)  # what is tested is the distance itself: an upstream that sends again at once
        await changes.hear(topics.BOM_RELEASES, [given.release(revision=2), given.release(revision=1)])
    assert await counted(changes) == once
    (impact,) = await impacts(changes)
    assert len({row.row for row in impact.rows}) == len(impact.rows)


async def test_replay_of_a_draft_released_here_adds_nothing(changes: RunningService) -> None:
    """The form's direct release and its own announcement meet the same order."""
    await a_company(changes)
    client = changes.client("10500", [Role.PROJECT_LEAD])
    form = {"version": "V2.4", "description": "换型", "modules": ["PM-480"]}
    made = (await client.post("/changes/drafts", json=form)).json()
    await client.post(f"/changes/{made['change']}/steps/release", json={"version": 1})
    once = await counted(changes)
    replay = given.release(change=made["number"], lines=None)
    await changes.hear(topics.BOM_RELEASES, [replay])
    assert await counted(changes) == once


_AS_BEFORE = """
update decision_sets set facts = '[]', subjects = (
    select json_agg(json_build_array(one->0, one->1, facts->((one->>2)::int), one->3))
    from json_array_elements(subjects) as one)
"""


async def test_decisions_of_the_version_before_read_as_those_of_today(changes: RunningService) -> None:
    """C4: they carry their facts, which are kept once by now."""
    await a_company(changes)
    tasks = [given.task(number, TaskKind.DEVELOP, "10231") for number in (5, 6)]
    await changes.hear(topics.TASKS, tasks)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    async with changes.tx() as tx:
        today = await tx.raw.fetch("select * from decisions order by subject")
        assert {row["facts"]["relation"][0] for row in today} == {"direct"}
        await tx.raw.execute(_AS_BEFORE)
        assert await tx.raw.fetch("select * from decisions order by subject") == today


async def test_rows_are_kept_as_they_were_announced(changes: RunningService) -> None:
    """C3, C5: whatever words are in them."""
    await a_company(changes)
    words = '"rows":[] ,"suppliers":[] \\ 中'
    await changes.hear(topics.TASKS, [given.task(5, TaskKind.DEVELOP, "10231", title=words)])
    await changes.hear(topics.BOM_RELEASES, [given.release(reason=words)])
    (impact,) = await impacts(changes)
    async with changes.tx() as tx:
        assert await store.load_rows(tx, impact.change) == impact.rows
        found = await tx.raw.fetch("select row, task, person, action from impact_rows order by position")
    assert [tuple(row) for row in found] == [(row.row, row.task, row.person, row.action) for row in impact.rows]
    assert words in {row.task_title for row in impact.rows}
