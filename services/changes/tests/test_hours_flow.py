"""Estimates from the history of finished tasks, kept with the matrix and scored later, on a real database (C7)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import given_changes as given
import pytest
from test_consent_flow import ENGINEER, LEAD, TESTER, a_company, filled, proposal

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.goals import TaskKind, TaskState

pytestmark = pytest.mark.flow


def done(number: int, hours: str, kind: TaskKind = TaskKind.DEVELOP, **more: Any) -> Any:
    values: dict[str, Any] = {
        "state": TaskState.DONE, "actual_hours": hours, "finished_at": given.NOW - timedelta(days=number),
        "title": f"电源模块原理图设计 第{number}版",
    }  # fmt: skip
    return given.task(1000 + number, kind, more.pop("owner", ENGINEER), **(values | more))


async def estimate_of(changes: RunningService, task: int, **query: str) -> dict[str, Any]:
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    answer = await client.get("/estimates", params={"task": str(UUID(int=task)), **query})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["estimates"][0]
    return found


async def a_history(changes: RunningService) -> None:
    await a_company(changes)
    await changes.hear(topics.TASKS, [done(n, str(10 + n)) for n in range(6)])


async def test_structure_first_the_narrowest_that_has_five(changes: RunningService) -> None:
    """C7: module, else product family, else role, else kind; other kinds never count."""
    await a_company(changes)
    await changes.hear(topics.TASKS, [done(n, "20", module="X-1", project=UUID(int=77)) for n in range(5)])
    await changes.hear(topics.TASKS, [done(50 + n, "99", TaskKind.TEST) for n in range(9)])
    assert (await estimate_of(changes, 1))["basis"] == "role"
    await changes.hear(topics.TASKS, [done(10 + n, "30", module="X-2") for n in range(5)])
    assert (await estimate_of(changes, 1))["basis"] == "product"
    await changes.hear(topics.TASKS, [done(20 + n, "40") for n in range(5)])
    found = await estimate_of(changes, 1)
    assert (found["basis"], found["p50"], found["n"]) == ("module", "40", 5)
    assert found["similar"][0]["code"].startswith("T-10")


async def test_variants_are_one_product_family(changes: RunningService) -> None:
    """C7: what was learnt on GX-500 counts for its variant GX-500-H."""
    await a_company(changes)
    await changes.hear(
        topics.BOM_RELEASES,
        [
            given.release("GX-500", "V1", None, kind="product", lines=()),
            given.release("GX-500-H", "V1", None, kind="product", variant_of="GX-500", lines=()),
        ],
    )
    other = given.project(LEAD).model_copy(update={"project": UUID(int=77), "product": "GX-500-H", "code": "GX-H"})
    # the project comes after its tasks: they are completed then
    await changes.hear(topics.TASKS, [done(n, "20", module="X-1", project=UUID(int=77)) for n in range(5)])
    await changes.hear(topics.PROJECTS, [other])
    assert (await estimate_of(changes, 1))["basis"] == "product"


async def test_too_few_says_how_many(changes: RunningService) -> None:
    """C7: 样本不足 under five; a reopened task leaves the history."""
    await a_company(changes)
    await changes.hear(topics.TASKS, [done(n, "20") for n in range(5)])
    assert (await estimate_of(changes, 1))["enough"]
    await changes.hear(topics.TASKS, [done(0, "20", state=TaskState.ACTIVE, finished_at=None, version=2)])
    found = await estimate_of(changes, 1)
    assert (found["enough"], found["n"], found["p50"]) == (False, 4, None)


async def test_estimate_is_kept_with_the_revision_and_scored_when_the_task_is_done(changes: RunningService) -> None:
    """C7: coverage of P20 to P80; a later revision's estimate takes the place of the earlier one."""
    await a_history(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    made = (await client.post("/consents", json=proposal())).json()
    path = f"/consents/{made['summary']['matrix']}"
    for _ in range(2):
        worded = (await client.put(path, json=filled(made))).json()
        made = (await client.post(f"{path}/send", json={"version": worded["version"]})).json()
    waiting = (await client.get("/estimates/score")).json()
    assert [(one["task_code"], one["outcome"]) for one in waiting["lines"]] == [("T-1", None), ("T-2", None)]
    assert (waiting["given"], waiting["too_few"], waiting["coverage"]) == (2, 1, None)
    assert waiting["lines"][0]["asked"] == "6"
    finished = given.task(1, TaskKind.DEVELOP, ENGINEER, state=TaskState.DONE, actual_hours="12.5", version=2)
    await changes.hear(topics.TASKS, [finished])
    scored = (await client.get("/estimates/score")).json()
    assert (scored["scored"], scored["within"], scored["coverage"]) == (1, 1, "100.0")
    assert Decimal(scored["lines"][0]["actual"]) == Decimal("12.5")
    own = (await changes.client(TESTER, [Role.EMPLOYEE]).get("/estimates/score")).json()
    assert [one["task_code"] for one in own["lines"]] == ["T-2"]


async def test_unknown_tasks_and_empty_questions(changes: RunningService) -> None:
    await a_company(changes)
    client = changes.client(LEAD, [Role.PROJECT_LEAD])
    assert (await client.get("/estimates", params={"task": str(UUID(int=404))})).json() == {"estimates": []}
    refused = await client.get("/estimates")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "task")
