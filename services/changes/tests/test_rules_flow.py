"""Rules in force decide what a change does, as of its moment, and each effect keeps its trace (C4)."""

import json
from datetime import datetime, timedelta

import given_changes as given
import given_rules
import pytest
from test_change_flow import a_company, impacts

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ImpactAction
from bihuan_contracts.goals import TaskKind
from changes.domain.rules_table import Table
from changes.store.rules import TABLE

pytestmark = pytest.mark.flow


async def in_force(
    changes: RunningService,
    name: str,
    table: Table,
    *,
    since: datetime = given.NOW,
    until: datetime | None = None,
    version: int = 1,
) -> None:
    async with changes.tx() as tx:
        await tx.raw.execute(
            'insert into decision_tables (name, position, title) values ($1, 10, \'{"zh": "", "en": ""}\')'
            " on conflict do nothing",
            name,
        )
        await tx.raw.execute(
            "insert into decision_versions (name, version, state, content, effective_from, effective_until, drafted_at)"
            " values ($1, $2, 'published', $3, $4, $5, $4)",
            name, version, TABLE.dump_json(table).decode(), since, until,
        )  # fmt: skip


async def test_all_effects_of_a_rule_act(changes: RunningService) -> None:
    """Who is told gets a notice row, hours grow by the factor, consent is asked for above the limit."""
    await a_company(changes)
    await changes.hear(
        topics.PEOPLE,
        [
            given.person("10004", "何岚", "manager").model_copy(update={"department": "PU"}),
            given.person("10001", "方志诚", "director"),
        ],
    )
    row = given_rules.row(
        "power",
        {"hours_factor": "1.5", "tell": "department:PU,role:director,lead", "consent": "over:8", "due_days": "4"},
        module="starts PM-", task_kind="in develop",
    )  # fmt: skip
    changes.now = given.NOW
    await in_force(changes, "R-02", given_rules.table(row, complete=False))
    await changes.hear(topics.TASKS, [given.task(1, TaskKind.DEVELOP, "10231", planned_hours="40", version=2)])
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (impact,) = await impacts(changes)
    locked = next(row for row in impact.rows if row.action is ImpactAction.LOCK)
    assert (str(locked.hours_factor), locked.due_within_days, locked.needs_consent) == ("1.5", 4, True)
    assert [(hit.table, hit.row) for hit in locked.hits] == [("R-02", "power"), ("default", "lock-direct")]
    informed = {row.person: row.rule for row in impact.rows if row.action is ImpactAction.INFORM}
    assert informed == {"10001": "R-02/power", "10004": "R-02/power", "10500": "R-02/power"}
    assert [row.needs_consent for row in impact.rows if row.action is not ImpactAction.LOCK] == [False] * 4


async def test_late_task_is_decided_by_the_rules_of_the_change_not_of_today(changes: RunningService) -> None:
    """As-of: a version that ended since still decides what belongs to the change."""
    changes.now = given.NOW
    await a_company(changes)
    until = given.NOW + timedelta(days=1)
    strict = given_rules.table(given_rules.row("old", {"hours_factor": "2"}, task_kind="in develop"), complete=False)
    loose = given_rules.table(given_rules.row("new", {"hours_factor": "1"}, task_kind="in develop"), complete=False)
    await in_force(changes, "R-02", strict, until=until)
    await in_force(changes, "R-02", loose, since=until, version=2)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    changes.now = given.NOW + timedelta(days=2)
    await changes.hear(topics.TASKS, [given.task(9, TaskKind.DEVELOP, "10231")])
    await changes.fire_timers(at=changes.now + timedelta(seconds=2))
    late = next(row for row in (await impacts(changes))[-1].rows if row.task_code == "T-9")
    assert (late.hits[0].table, late.hits[0].version, late.hits[0].row) == ("R-02", 1, "old")
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.5", base="V2.4", change="ECN-2026-0300")])
    newest = (await impacts(changes))[-1]
    assert {(hit.version, hit.row) for row in newest.rows for hit in row.hits if hit.table == "R-02"} == {(2, "new")}


async def test_each_decision_is_kept_with_facts_and_trace(changes: RunningService) -> None:
    """Also where nothing happens to somebody: dry runs need every case."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    async with changes.tx() as tx:
        rows = await tx.raw.fetch("select * from decisions order by subject")
    assert [row["subject"][-1] for row in rows] == ["1", "2"]
    assert rows[0]["facts"]["task_kind"] == ["develop"]
    assert rows[0]["facts"]["differences"] == ["replaced"]
    assert rows[0]["trace"][0]["hits"] == ["lock-direct"]
    assert rows[0]["trace"][0]["stopped"]["flags"] == "flags_only"
    assert json.loads(json.dumps(rows[0]["said"]))["action"] == ["lock"]


async def test_nobody_approves_what_he_has_written_not_even_by_sql(changes: RunningService) -> None:
    """C4: the database itself refuses an author as approver."""
    with pytest.raises(Exception, match="check constraint"):
        async with changes.tx() as tx:
            await tx.raw.execute("update decision_versions set authors = '{10003}', approver = '10003'")
