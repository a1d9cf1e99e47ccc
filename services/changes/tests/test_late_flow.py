"""A task that is heard of after the release joins its impact by the same rules, once, in any order of events (C3, C5)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import given_changes as given
import given_rules
import pytest
from hypothesis import HealthCheck, strategies
from hypothesis import given as for_all
from hypothesis import settings as runs
from test_change_flow import a_company, impacts
from test_rules_flow import in_force

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService, running
from bihuan_chassis.transaction import Received
from bihuan_contracts import Event, Topic, topics
from bihuan_contracts.changes import ChangeState, ImpactAction, ImpactRow
from bihuan_contracts.goals import RetestOf, TaskChanged, TaskKind, TaskState
from changes.app import app
from changes.handlers import on_bom_released, on_task_changed

pytestmark = pytest.mark.flow
BEFORE, RELEASED, AFTER = given.NOW, given.NOW + timedelta(hours=1), given.NOW + timedelta(hours=2)


async def hear(changes: RunningService, at: datetime, topic: Topic, *events: Event) -> None:
    """Events that were written at this moment, whenever they arrive."""
    changes.now = at
    await changes.hear(topic, events)


async def settle(changes: RunningService, at: datetime = AFTER) -> None:
    """Until nothing more joins."""
    at += timedelta(minutes=1)
    while await changes.fire_timers(at=at):
        at += timedelta(minutes=1)


async def a_plant(changes: RunningService) -> None:
    """PM-480 V2.3 is in the cabinet CC-120; nobody works on anything yet."""
    await hear(
        changes, BEFORE, topics.PEOPLE,
        given.person("10231", "周启航"),
        given.person("10306", "林若溪", "test_engineer", modules=("PM-480",)),
        given.person("10500", "陈砚", "project_lead"),
    )  # fmt: skip
    await hear(changes, BEFORE, topics.PROJECTS, given.project())
    await hear(
        changes, BEFORE, topics.BOM_RELEASES,
        given.release(version="V2.3", base=None),
        given.release("CC-120", "V3.1", None, name="控制柜", lines=(given.line("PM-480"),)),
    )  # fmt: skip


async def rows(changes: RunningService) -> list[ImpactRow]:
    """Of the newest version of each impact."""
    return [row for one in {one.change: one for one in await impacts(changes)}.values() for row in one.rows]


@asynccontextmanager
async def another(postgres_server: str) -> AsyncIterator[RunningService]:
    async with running(app, postgres_server) as service:
        yield service


WORK = {
    "development": given.task(1, TaskKind.DEVELOP, "10231"),
    "a draft": given.task(2, TaskKind.DEVELOP, "10231", state=TaskState.DRAFT),
    "a document": given.task(3, TaskKind.DOCUMENT, "10231"),
    "an open test": given.task(4, TaskKind.TEST, "10306"),
    "a passed test": given.task(5, TaskKind.TEST, "10306", state=TaskState.DONE),
    "done development": given.task(6, TaskKind.DEVELOP, "10231", state=TaskState.DONE),
    "cancelled": given.task(7, TaskKind.DEVELOP, "10231", state=TaskState.CANCELLED),
    "a version that nobody has said": given.task(8, TaskKind.DEVELOP, "10231", item_version=None),
    "on the new version": given.task(9, TaskKind.DEVELOP, "10231", item_version="V2.4"),
    "of the lead": given.task(10, TaskKind.DEVELOP, "10500").model_copy(update={"owner": None}),
    "the test of the cabinet": given.task(11, TaskKind.TEST, "10306", module="CC-120", item_version="V3.1"),
    "work on the cabinet": given.task(12, TaskKind.DEVELOP, "10231", module="CC-120", item_version="V3.1"),
    "of another module": given.task(13, TaskKind.DEVELOP, "10231", module="X-1", item_version="V1"),
}


@pytest.mark.parametrize("name", WORK)
async def test_work_of_before_the_release_is_in_its_impact_whichever_comes_first(
    changes: RunningService, postgres_server: str, name: str
) -> None:
    """C3: the same rows with the same ids."""
    async with another(postgres_server) as in_order:
        await a_plant(in_order)
        await hear(in_order, BEFORE, topics.TASKS, WORK[name])
        await hear(in_order, RELEASED, topics.BOM_RELEASES, given.release())
        await settle(in_order)
        expected = await rows(in_order)
        doubts = await in_doubt(in_order)
    await a_plant(changes)
    await hear(changes, RELEASED, topics.BOM_RELEASES, given.release())
    await hear(changes, BEFORE, topics.TASKS, WORK[name])
    await settle(changes)
    assert {row.row: row for row in await rows(changes)} == {row.row: row for row in expected}
    assert await in_doubt(changes) == doubts


async def in_doubt(changes: RunningService) -> set[tuple[str, str]]:
    change = str((await impacts(changes))[-1].change)
    links = (await changes.client("10500", [Role.PROJECT_LEAD]).get(f"/changes/{change}/suspects")).json()["links"]
    return {(one["kind"], one["target"]) for one in links}


CAUGHT = {"development", "a draft", "a document", "an open test", "of the lead"}


@pytest.mark.parametrize("name", WORK)
async def test_after_the_release_only_open_work_on_the_old_version_is_caught(
    changes: RunningService, name: str
) -> None:
    """C3: history that is taken over, a version that nobody has said and the whole above stay as they are."""
    await a_plant(changes)
    await hear(changes, RELEASED, topics.BOM_RELEASES, given.release())
    await hear(changes, AFTER, topics.TASKS, WORK[name])
    await settle(changes)
    assert {row.task_code for row in await rows(changes) if row.task} == (
        {WORK[name].code} if name in CAUGHT else set()
    )


def retest_card() -> TaskChanged:
    card = RetestOf(
        change=UUID(int=77), change_number="ECN-2026-0187", module="PM-480", module_name="电源模块", old_version="V2.2",
        new_version="V2.3", old_criterion=None,
    )  # fmt: skip
    return given.task(20, TaskKind.RETEST, "10306", retest=card)


async def test_a_retest_card_is_replaced_by_the_retest_of_its_test(changes: RunningService) -> None:
    """G7: it is no work of its own."""
    await a_plant(changes)
    await hear(changes, RELEASED, topics.BOM_RELEASES, given.release())
    await hear(changes, BEFORE, topics.TASKS, retest_card())
    await settle(changes)
    assert await rows(changes) == []


async def test_a_project_that_comes_late_gets_all_that_it_would_have_got(changes: RunningService) -> None:
    """C3, C5: the lock, somebody who retests, its lead; in two batches, the project last, and again: once."""
    await a_plant(changes)
    await hear(changes, RELEASED, topics.BOM_RELEASES, given.release())
    place = UUID(int=500)
    late = [given.task(number, TaskKind.DEVELOP, "10231", project=place) for number in (30, 31)]
    for one in late:
        await hear(changes, AFTER, topics.TASKS, one)
    project = given.project().model_copy(update={"project": place, "code": "GX-900"})
    await hear(changes, AFTER, topics.PROJECTS, project)
    for again in range(3):
        await settle(changes, AFTER + timedelta(minutes=again))
        await changes.forget_inbox()
        moved = [one.model_copy(update={"title": f"{again}", "version": again + 1}) for one in late]
        await hear(changes, AFTER, topics.TASKS, *moved)
    newest = (await impacts(changes))[-1]
    found = [(row.action, row.task_code, row.person, row.project) for row in newest.rows]
    assert sorted(found[:2]) + found[2:] == [
        (ImpactAction.LOCK, "T-30", "10231", place),
        (ImpactAction.LOCK, "T-31", "10231", place),
        (ImpactAction.RETEST, None, "10306", place),
        (ImpactAction.INFORM, None, "10500", place),
    ]
    assert newest.version == 2, "both tasks have joined together, and only once"


async def test_work_waits_for_its_project_because_rules_ask_for_it(changes: RunningService) -> None:
    """C4: also at the release itself; who waits in vain is told after a minute by what is known."""
    await a_plant(changes)
    of_product = given_rules.row("migrates", {"action": "migrate"}, task_kind="in develop", product="in GX-900")
    await in_force(changes, "R-90", given_rules.table(of_product, complete=False))
    place, nowhere = UUID(int=500), UUID(int=501)
    placed, lost = (
        given.task(number, TaskKind.DEVELOP, "10231", project=one) for number, one in ((30, place), (31, nowhere))
    )
    await hear(changes, BEFORE, topics.TASKS, placed, lost)
    await hear(changes, RELEASED, topics.BOM_RELEASES, given.release())
    assert await rows(changes) == []
    await hear(
        changes, RELEASED, topics.PROJECTS, given.project().model_copy(update={"project": place, "product": "GX-900"})
    )
    await changes.fire_timers(at=RELEASED + timedelta(seconds=1))
    assert [(row.task_code, row.action) for row in await rows(changes) if row.task] == [("T-30", ImpactAction.MIGRATE)]
    await settle(changes)
    assert {(row.task_code, row.action, row.project) for row in await rows(changes) if row.task} == {
        ("T-30", ImpactAction.MIGRATE, place),
        ("T-31", ImpactAction.LOCK, nowhere),
    }


async def test_several_changes_are_missed_in_their_order_and_going_back_outdates_nothing(
    changes: RunningService,
) -> None:
    """C1, C3"""
    await a_plant(changes)
    chain = [("V2.3", "V2.4"), ("V2.4", "V2.5"), ("V2.5", "V2.4"), ("V2.4", "V2.6")]
    for number, (base, new) in enumerate(chain, 1):
        one = given.release(
            version=new, base=base, change=f"ECN-{number}", released_at=RELEASED + timedelta(hours=number)
        )
        await hear(changes, RELEASED + timedelta(hours=number), topics.BOM_RELEASES, one)
    at = RELEASED + timedelta(days=1)
    versions = ["V2.3", "V2.4", "V2.5", "V2.6", "V9"]
    work = [given.task(40 + n, TaskKind.DEVELOP, "10231", item_version=version) for n, version in enumerate(versions)]
    await hear(changes, at, topics.TASKS, *work)
    await settle(changes, at)
    missed: dict[str | None, list[str]] = {}
    for impact in await impacts(changes):
        for row in impact.rows:
            if row.task and impact.number not in missed.setdefault(row.task_code, []):
                missed[row.task_code].append(impact.number)
    assert missed == {"T-40": ["ECN-1", "ECN-2", "ECN-3", "ECN-4"], "T-41": ["ECN-4"], "T-42": ["ECN-3", "ECN-4"]}


async def test_a_closed_change_opens_again_and_says_what_it_has_replaced(changes: RunningService) -> None:
    """C1, C10: a reader that knows only the newest version of the unit has to know that, too."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release(), given.release(version="V2.5", revision=2)])
    first, second = await impacts(changes)
    client = changes.client("10500", [Role.PROJECT_LEAD, Role.PROCESS_OWNER])
    async with changes.tx() as tx:
        await tx.raw.execute(
            "update change_orders set state = 'closed', orders = orders || '{\"state\": \"closed\"}' where revision = 2"
        )
    await changes.hear(topics.TASKS, [given.task(9, TaskKind.DEVELOP, "10231")])
    await settle(changes, datetime.now(UTC))
    joined = (await impacts(changes))[-1]
    assert (joined.change, joined.version, joined.supersedes) == (second.change, 2, first.change)
    assert {row.task_code for row in joined.rows} - {row.task_code for row in second.rows} == {"T-9"}
    page: Any = (await client.get(f"/changes/{second.change}")).json()
    assert page["summary"]["state"] == ChangeState.RELEASED


async def test_a_release_and_a_task_at_the_same_moment_see_each_other(changes: RunningService) -> None:
    """C3: neither is committed when the other one looks."""
    await a_plant(changes)
    changes.now = None
    task = given.task(1, TaskKind.DEVELOP, "10231")
    async with changes.tx() as writing:
        writing.received = [_envelope(writing.now)]
        await on_task_changed([task], writing)
        release = asyncio.create_task(changes.hear(topics.BOM_RELEASES, [given.release()]))
        await _one_waits(changes)
    await release
    assert {row.task_code for row in await rows(changes)} >= {"T-1"}

    second = given.release(version="V2.5", base="V2.4", change="ECN-2026-0190")
    async with changes.tx() as releasing:
        await on_bom_released([second], releasing)
        heard = asyncio.create_task(changes.hear(topics.TASKS, [given.task(2, TaskKind.DEVELOP, "10231")]))
        await _one_waits(changes)
    await heard
    await settle(changes, datetime.now(UTC))
    last = {one.number: one for one in await impacts(changes)}
    assert {row.task_code for row in last["ECN-2026-0190"].rows if row.task} == {"T-1", "T-2"}
    assert len({row.row for row in await rows(changes)}) == len(await rows(changes))


async def test_changes_at_the_same_moment_do_not_wait_for_each_other(changes: RunningService) -> None:
    """C3: only tasks that are being written and changes keep each other out."""
    await a_plant(changes)
    changes.now = None
    async with asyncio.timeout(60), changes.tx() as one, changes.tx() as other:
        await on_bom_released([given.release()], one)
        await on_bom_released([given.release("CC-120", "V3.2", "V3.1", change="ECN-2026-0191")], other)
    assert {order.number for order in await impacts(changes)} == {"ECN-2026-0187", "ECN-2026-0191"}


def _envelope(at: datetime) -> Received:
    return Received(UUID(int=1), topics.TASKS.name, "1", at, "test", None, at)


async def _one_waits(changes: RunningService) -> None:
    while True:
        async with changes.tx() as tx:
            if await tx.raw.fetchval(
                "select exists (select from pg_locks join pg_database on pg_database.oid = database"
                " where not granted and locktype = 'relation' and datname = current_database())"
            ):
                return
        await asyncio.sleep(0.01)


STORY: Sequence[tuple[datetime, Topic, Event]] = [
    (BEFORE, topics.PROJECTS, given.project()),
    (BEFORE, topics.TASKS, WORK["development"]),
    (BEFORE, topics.TASKS, WORK["an open test"]),
    (BEFORE, topics.TASKS, WORK["the test of the cabinet"]),
    (RELEASED, topics.BOM_RELEASES, given.release()),
    (AFTER, topics.TASKS, given.task(21, TaskKind.DEVELOP, "10231")),
    (AFTER, topics.TASKS, given.task(21, TaskKind.DEVELOP, "10231", title="again", version=2)),
]


@runs(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(
    strategies.permutations(range(len(STORY))), strategies.lists(strategies.integers(0, len(STORY) - 1), max_size=3)
)
def test_any_order_and_any_replay_end_alike(postgres_server: str, order: list[int], replays: list[int]) -> None:
    """C3, C5"""
    assert asyncio.run(_told(postgres_server, [*order, *replays])) == {
        ("lock", "T-1", "10231"), ("retest", "T-4", "10306"), ("retest", "T-11", "10306"), ("lock", "T-21", "10231"),
    }  # fmt: skip


async def _told(postgres_server: str, order: Sequence[int]) -> set[tuple[str, str | None, str]]:
    async with another(postgres_server) as changes:
        await a_plant(changes)
        async with changes.tx() as tx:
            await tx.raw.execute("delete from projects")
        for number in order:
            await hear(changes, *STORY[number])
        await settle(changes)
        found = [(str(row.action), row.task_code, row.person) for row in await rows(changes) if row.task]
        assert len(found) == len(set(found))
        assert await changes.dead_letters() == []
        return set(found)
