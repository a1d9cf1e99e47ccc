"""Suspicion spreads apart from versions: raised by a change, kept with the earliest baseline, cleared with a reason (C3)."""

from typing import Any
from uuid import UUID

import given_changes as given
import httpx
import pytest
from test_change_flow import a_company, impacts

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.goals import RetestOf, TaskKind, TaskState

pytestmark = pytest.mark.flow


async def a_change(changes: RunningService, **more: Any) -> str:
    await changes.hear(topics.BOM_RELEASES, [given.release(**more)])
    return str((await impacts(changes))[-1].change)


async def a_company_with_a_cabinet(changes: RunningService) -> None:
    """PM-480 is in the cabinet CC-120, whose thermal design is 10231's and whose test 10306's."""
    await a_company(changes)
    await changes.hear(
        topics.TASKS,
        [
            given.task(5, TaskKind.DEVELOP, "10231", module="CC-120", item_version="V3.1"),
            given.task(6, TaskKind.TEST, "10306", module="CC-120", item_version="V3.1", state=TaskState.DONE),
        ],
    )


async def suspects(client: httpx.AsyncClient, change: str) -> dict[str, Any]:
    return {one["target"]: one for one in (await client.get(f"/changes/{change}/suspects")).json()["links"]}


async def test_only_the_changed_item_gets_a_version_what_is_above_is_in_doubt(changes: RunningService) -> None:
    await a_company_with_a_cabinet(changes)
    change = await a_change(changes)
    modules = (await changes.client().get("/modules")).json()["modules"]
    assert {one["item"]: one["version"] for one in modules} == {"PM-480": "V2.4", "CC-120": "V3.1"}
    found = await suspects(changes.client("10500", [Role.PROJECT_LEAD]), change)
    assert {target: (one["kind"], one["baseline"], one["current_version"]) for target, one in found.items()} == {
        "CC-120": ("module", "V2.3", "V2.4"),
        "T-5": ("task", "V2.3", "V2.4"),
        "T-6": ("criterion", "V2.3", "V2.4"),
    }
    assert [step["key"] for step in found["CC-120"]["path"]] == ["PM-480", "CC-120"]


async def test_second_change_keeps_the_earliest_good_baseline_and_each_cause_is_cleared_by_itself(
    changes: RunningService,
) -> None:
    await a_company_with_a_cabinet(changes)
    first = await a_change(changes)
    second = await a_change(changes, version="V2.5", base="V2.4", change="ECN-2026-0190")
    client = changes.client("10500", [Role.PROJECT_LEAD])
    cabinet = (await suspects(client, second))["CC-120"]
    assert (cabinet["baseline"], cabinet["also"]) == ("V2.3", ["ECN-2026-0187"])
    cleared = await client.post(
        f"/changes/{first}/suspects/clear", json={"links": [cabinet["link"]], "reason": "接口尺寸没有变"}
    )
    assert cleared.status_code == 200, cleared.text
    assert (await suspects(client, first))["CC-120"]["reason"] == "接口尺寸没有变"
    still = (await suspects(client, second))["CC-120"]
    assert (still["cleared_at"], still["also"], still["baseline"]) == (None, [], "V2.3")
    await client.post(f"/changes/{second}/suspects/clear", json={"links": [cabinet["link"]], "reason": "已复核温升"})
    third = await a_change(changes, version="V2.6", base="V2.5", change="ECN-2026-0191")
    assert (await suspects(client, third))["CC-120"]["baseline"] == "V2.5"


async def test_bulk_clearing_is_one_record_with_its_count(changes: RunningService) -> None:
    await a_company_with_a_cabinet(changes)
    change = await a_change(changes)
    client = changes.client("10500", [Role.PROJECT_LEAD], name="陈砚")
    links = [one["link"] for one in (await suspects(client, change)).values()]
    empty = await client.post(f"/changes/{change}/suspects/clear", json={"links": links, "reason": " "})
    assert [error["field"] for error in empty.json()["errors"]] == ["reason"]
    after = (
        await client.post(f"/changes/{change}/suspects/clear", json={"links": links, "reason": "评审会确认"})
    ).json()
    assert after["open"] == 0
    assert {(one["cleared_by_name"], one["cleared_together"]) for one in after["links"]} == {("陈砚", 3)}
    again = await client.post(f"/changes/{change}/suspects/clear", json={"links": links, "reason": "再来一次"})
    assert (again.status_code, again.json()["code"]) == (409, "cleared_already")


async def test_people_clear_only_the_links_of_their_own_work(changes: RunningService) -> None:
    await a_company_with_a_cabinet(changes)
    change = await a_change(changes)
    engineer = changes.client("10231", [Role.EMPLOYEE])
    found = await suspects(engineer, change)
    assert {target for target, one in found.items() if one["may_clear"]} == {"T-5"}
    path = f"/changes/{change}/suspects/clear"
    foreign = await engineer.post(path, json={"links": [found["T-5"]["link"], found["T-6"]["link"]], "reason": "可以"})
    assert foreign.status_code == 403
    own = await engineer.post(path, json={"links": [found["T-5"]["link"]], "reason": "已核对热设计余量"})
    assert own.json()["open"] == 2


async def test_newer_revision_ends_the_doubts_of_the_older_one(changes: RunningService) -> None:
    await a_company_with_a_cabinet(changes)
    old = await a_change(changes)
    new = await a_change(changes, version="V2.5", revision=2)
    client = changes.client("10500", [Role.PROJECT_LEAD])
    assert (await client.get(f"/changes/{old}/suspects")).json()["open"] == 0
    assert (await suspects(client, new))["CC-120"]["also"] == []


async def test_a_passed_retest_clears_what_it_has_verified_and_nothing_else(changes: RunningService) -> None:
    """C3, C10: by the system, with the card; the module only when no retest of it is open any more."""
    await a_company_with_a_cabinet(changes)
    change = await a_change(changes)
    retest = RetestOf(
        change=UUID(change), change_number="ECN-2026-0187", module="CC-120", module_name="控制柜", old_version="V3.1",
        new_version="V3.1", old_criterion=None,
    )  # fmt: skip
    card = given.task(
        90, TaskKind.RETEST, "10306", module="CC-120", item_version="V3.1", retest=retest, state=TaskState.DONE,
        deliverables=(given.verified_deliverable(),),
    )  # fmt: skip
    open_one = given.task(91, TaskKind.RETEST, "10306", module="CC-120", item_version="V3.1", retest=retest)
    await changes.hear(topics.TASKS, [open_one])
    await changes.hear(topics.TASKS, [card])
    client = changes.client("10500", [Role.PROJECT_LEAD])
    found = await suspects(client, change)
    assert (found["T-6"]["reason"], found["T-6"]["cleared_by_name"]) == ("retested T-90", None)
    assert (found["CC-120"]["cleared_at"], found["T-5"]["cleared_at"]) == (None, None)
    done = {"state": TaskState.DONE, "deliverables": (given.verified_deliverable(),), "version": 2}
    await changes.hear(topics.TASKS, [open_one.model_copy(update=done)])
    assert (await suspects(client, change))["CC-120"]["reason"] == "retested T-91"
