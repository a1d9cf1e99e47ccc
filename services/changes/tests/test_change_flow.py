"""From a released bill of materials to the announced impact, on a real database (C1, C2, C3, C5, C10)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import given_changes as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ChangeState, ImpactAction, ImpactAssessed
from bihuan_contracts.goals import RetestOf, TaskKind, TaskState
from bihuan_contracts.plm import ItemKind, NewCriterion

pytestmark = pytest.mark.flow


async def a_company(changes: RunningService) -> None:
    await changes.hear(
        topics.PEOPLE,
        [
            given.person("10231", "周启航"),
            given.person("10306", "林若溪", "test_engineer", modules=("PM-480",)),
            given.person("10500", "陈砚", "project_lead"),
        ],
    )
    await changes.hear(topics.PROJECTS, [given.project()])
    await changes.hear(
        topics.BOM_RELEASES,
        [
            given.release(version="V2.3", base=None, lines=(given.line("DCM-2410"), given.line("EC-680", quantity=4))),
            given.release("CC-120", "V3.1", None, name="控制柜", lines=(given.line("PM-480", kind=ItemKind.MODULE),)),
        ],
    )
    await changes.hear(
        topics.TASKS,
        [
            given.task(1, TaskKind.DEVELOP, "10231"),
            given.task(2, TaskKind.TEST, "10306", state=TaskState.DONE),
            given.task(3, TaskKind.DEVELOP, "10231", item_version="V2.4"),
            given.task(4, TaskKind.DEVELOP, "10231", module="X-1", item_version="V1"),
        ],
    )


async def impacts(changes: RunningService) -> list[ImpactAssessed]:
    return list(await changes.announced(topics.IMPACTS))


async def test_release_becomes_one_impact_with_everybody_it_touches(changes: RunningService) -> None:
    """C3, C5: tasks on the old version, by name, with the path that reached them."""
    await a_company(changes)
    criterion = NewCriterion(module="PM-480", text="传导发射余量 ≥ 6 dB", metric="余量", lower=6, unit="dB")
    await changes.hear(topics.BOM_RELEASES, [given.release(criteria=(criterion,))])
    (impact,) = await impacts(changes)
    assert [(row.action, row.task_code, row.person_name) for row in impact.rows] == [
        (ImpactAction.LOCK, "T-1", "周启航"),
        (ImpactAction.RETEST, "T-2", "林若溪"),
        (ImpactAction.INFORM, None, "陈砚"),
    ]
    assert impact.rows[1].criterion == criterion
    assert [step.key for step in impact.rows[0].path] == ["PM-480", "T-1", "10231"]
    assert impact.rows[0].rule == "default/lock-direct"
    assert [row.hours_factor != 1 for row in impact.rows] == [True, False, False], "who is told has no hours of it"
    (order,) = await changes.announced(topics.CHANGE_ORDERS)
    assert [(one.kind, one.item, one.replaced_by) for one in order.differences] == [
        ("replaced", "DCM-2410", "DCM-2412")
    ]


async def test_replay_and_duplicate_add_nothing(changes: RunningService) -> None:
    """C5: the same release again, also under another event id and in the same batch."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release(), given.release()])
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    await changes.forget_inbox()
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    assert len(await impacts(changes)) == 1


async def test_older_revision_after_a_newer_one_has_no_effect(changes: RunningService) -> None:
    """C1: disorder is tolerated, and a newer revision supersedes."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release(revision=2)])
    await changes.hear(topics.BOM_RELEASES, [given.release(revision=1)])
    assert [impact.revision for impact in await impacts(changes)] == [2]
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.5", revision=3)])
    newest = (await impacts(changes))[-1]
    assert newest.supersedes == (await impacts(changes))[0].change
    states = {order.revision: order.state for order in await changes.announced(topics.CHANGE_ORDERS)}
    assert states[2] is ChangeState.SUPERSEDED


async def test_releases_of_one_batch_build_on_each_other(changes: RunningService) -> None:
    """C1, C5: a newer revision supersedes, and the next change has the difference to the one before."""
    await a_company(changes)
    third = given.release(version="V2.6", base="V2.5", change="ECN-2026-0190", lines=(given.line("DCM-2412"),))
    await changes.hear(topics.BOM_RELEASES, [given.release(), given.release(version="V2.5", revision=2), third])
    first, second, last = await impacts(changes)
    assert (second.supersedes, last.supersedes) == (first.change, None)
    orders = {order.change: order for order in await changes.announced(topics.CHANGE_ORDERS)}
    assert orders[first.change].state is ChangeState.SUPERSEDED
    assert [(one.kind, one.item) for one in orders[last.change].differences] == [("removed", "EC-680")]


async def test_second_change_on_one_base_is_blocked_and_says_by_whom(changes: RunningService) -> None:
    """C1: two changes on one base."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    await changes.hear(topics.BOM_RELEASES, [given.release(version="V2.4b", change="ECN-2026-0200")])
    assert len(await impacts(changes)) == 1
    found = (await changes.client().get("/changes", params={"state": "review"})).json()["changes"]
    assert [(one["number"], one["blocked_by"]) for one in found] == [("ECN-2026-0200", "ECN-2026-0187")]
    (notice,) = await changes.announced(topics.NOTICE_REQUESTS)
    assert notice.person == "10500"


async def test_change_at_a_date_waits_for_it_and_gives_notice(changes: RunningService) -> None:
    """C1, C3: a change effective at a future date acts then, with notice before."""
    await a_company(changes)
    changes.now = given.NOW
    at = given.NOW + timedelta(days=3)
    await changes.hear(topics.BOM_RELEASES, [given.release(effective_at=at)])
    assert await impacts(changes) == []
    assert {notice.person for notice in await changes.announced(topics.NOTICE_REQUESTS)} == {"10231", "10306", "10500"}
    await changes.fire_timers(at=at)
    (impact,) = await impacts(changes)
    assert impact.applied_at == at
    await changes.fire_timers(at=at + timedelta(days=1))
    assert len(await impacts(changes)) == 1


async def test_module_that_nobody_works_on_has_an_impact_without_rows(changes: RunningService) -> None:
    await changes.hear(topics.BOM_RELEASES, [given.release("ZZ-9", "V2", "V1", change="ECN-2026-0300")])
    (impact,) = await impacts(changes)
    assert impact.rows == ()
    assert await changes.dead_letters() == []


async def test_change_closes_when_every_retest_has_its_report(changes: RunningService) -> None:
    """C10."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (impact,) = await impacts(changes)
    card = RetestOf(
        change=impact.change, change_number=impact.number, module="PM-480", module_name="电源模块",
        old_version="V2.3", new_version="V2.4", old_criterion=None,
    )  # fmt: skip
    await changes.hear(topics.TASKS, [given.task(20, TaskKind.RETEST, "10306", retest=card, item_version="V2.4")])
    assert (await changes.announced(topics.CHANGE_ORDERS))[-1].state is ChangeState.RELEASED
    await changes.hear(
        topics.TASKS,
        [given.task(20, TaskKind.RETEST, "10306", retest=card, state=TaskState.DONE, version=2, item_version="V2.4")],
    )
    assert (await changes.announced(topics.CHANGE_ORDERS))[-1].state is ChangeState.RELEASED, "done without a report"
    page = (await changes.client().get(f"/changes/{impact.change}")).json()
    assert [one["code"] for one in page["open_retests"]] == ["T-20"]
    reported = given.task(
        20, TaskKind.RETEST, "10306", retest=card, state=TaskState.DONE, version=3, item_version="V2.4",
        deliverables=(given.verified_deliverable(),),
    )  # fmt: skip
    await changes.hear(topics.TASKS, [reported])
    assert (await changes.announced(topics.CHANGE_ORDERS))[-1].state is ChangeState.CLOSED


async def test_four_field_form_does_the_same_as_the_plm_event(changes: RunningService) -> None:
    """C2: preview without effect, then publish; the announced release goes through the same handler."""
    await a_company(changes)
    await changes.clear_outbox()
    form = {"version": "V2.4", "description": "DC-DC 变换器停产换型", "modules": ["PM-480"]}
    client = changes.client("10500", [Role.EMPLOYEE, Role.PROJECT_LEAD])
    shown = (await client.post("/changes/preview", json=form)).json()
    assert shown["people"] == 3
    assert await changes.announced() == []
    published = await client.post("/changes", json=form)
    assert published.status_code == 201
    (release,) = await changes.announced(topics.BOM_RELEASES)
    await changes.hear(topics.BOM_RELEASES, [release])
    (impact,) = await impacts(changes)
    assert {row.person for row in impact.rows} == {"10231", "10306", "10500"}
    assert str(impact.change) == published.json()["change"]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"version": "V2.4", "description": "x", "modules": ["NOPE"]}, "modules.0"),
        ({"version": "V2.3", "description": "x", "modules": ["PM-480"]}, "version"),
        ({"version": "", "description": "x", "modules": ["PM-480"]}, "version"),
        ({"version": "V2.4", "description": "", "modules": ["PM-480"]}, "description"),
        ({"version": "V2.4", "description": "x", "modules": []}, "modules"),
        (
            {"version": "V2.4", "description": "x", "modules": ["PM-480"], "effective_at": "2001-01-01T00:00:00Z"},
            "effective_at",
        ),
    ],
)
async def test_form_names_the_wrong_field(changes: RunningService, form: dict[str, Any], field: str) -> None:
    await a_company(changes)
    refused = await changes.client().post("/changes", json=form)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_where_used_goes_over_several_levels_and_cycles_end(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(
        topics.BOM_RELEASES,
        [
            given.release("GX-500", "V1", None, kind=ItemKind.PRODUCT, lines=(given.line("CC-120"),)),
            # A substitute that contains the whole: no bill contains itself, and yet the way up is a circle.
            given.release(
                "DCM-2410", "V1", None, kind=ItemKind.ASSEMBLY, lines=(given.line("SCR-1", substitutes=("GX-500",)),)
            ),
        ],
    )
    found = (await changes.client().get("/items/DCM-2410/where-used")).json()["used_in"]
    assert [(one["item"], one["depth"]) for one in found] == [("PM-480", 1), ("CC-120", 2), ("GX-500", 3)]


async def test_a_part_that_was_never_released_is_known_by_the_bills_that_use_it(changes: RunningService) -> None:
    """C3"""
    await a_company(changes)
    lines = (given.line("R-10K", "采样电阻"), given.line("C-1U", substitutes=("C-2U2",)))
    await changes.hear(topics.BOM_RELEASES, [given.release("CC-999", "V1", None, name="控制板", lines=lines)])
    for part in ("R-10K", "C-2U2"):
        found = (await changes.client().get(f"/items/{part}/where-used")).json()["used_in"]
        assert [(one["item"], one["name"]) for one in found] == [("CC-999", "控制板")]
    assert (await changes.client().get("/items/NOBODY/where-used")).status_code == 404


async def test_a_bill_that_comes_late_does_not_undo_a_newer_one(changes: RunningService) -> None:
    """C3, I1: in a batch of its own or together, the newest release says what an item uses."""
    for item, together in (("CC-998", False), ("CC-999", True)):
        lines = {version: (given.line(f"{item}-{version}"),) for version in ("V1", "V2")}
        new = given.release(item, "V2", None, lines=lines["V2"])
        old = given.release(item, "V1", None, lines=lines["V1"], released_at=given.NOW - timedelta(days=1))
        for load in [[new, old]] if together else [[new], [old]]:
            await changes.hear(topics.BOM_RELEASES, load)
        for version, status in (("V1", 404), ("V2", 200)):
            assert (await changes.client().get(f"/items/{item}-{version}/where-used")).status_code == status


async def test_change_page_has_the_whole_unit(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release()])
    (impact,) = await impacts(changes)
    page = (await changes.client().get(f"/changes/{impact.change}")).json()
    assert page["summary"]["people"] == 3
    assert len(page["rows"]) == 3
    assert (await changes.client().get(f"/changes/{UUID(int=5)}")).status_code == 404


async def test_a_change_of_an_item_never_seen_is_taken_and_says_that_its_base_is_not_on_record(
    changes: RunningService,
) -> None:
    """C1, I3: first imports begin in the middle of a history; a base that is missing from a known one is refused."""
    await a_company(changes)
    await changes.hear(topics.BOM_RELEASES, [given.release("MB-9", "V5.0", "V4.2", change="ECN-2026-0300")])
    (first,) = await impacts(changes)
    assert (await changes.client().get(f"/changes/{first.change}")).json()["base_known"] is False
    await changes.hear(topics.BOM_RELEASES, [given.release("MB-9", "V5.1", "V5.0", change="ECN-2026-0301")])
    assert (await changes.client().get(f"/changes/{(await impacts(changes))[-1].change}")).json()["base_known"] is True
    await changes.hear(topics.BOM_RELEASES, [given.release("MB-9", "V6.0", "V4.9", change="ECN-2026-0302")])
    (letter,) = await changes.dead_letters()
    assert (letter.field, letter.reason.en) == ("base_version", "MB-9 has no version V4.9")
