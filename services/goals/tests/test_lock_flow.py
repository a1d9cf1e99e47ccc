"""G6–G8: what a change does in every state of a task, and how each lock ends; nothing silently."""
# mypy: disable-error-code="comparison-overlap"
# Decimals are compared with whole numbers, by value.

import asyncio
from datetime import timedelta
from uuid import UUID

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ImpactAction
from bihuan_contracts.goals import TaskChanged, TaskState

# One row for what comes, one column a state: the state after it, with L where it is locked then. Reports are on V2.3,
# which the task works on; a locked task takes nothing until it is open again.
TABLE = """
              draft     active   locked    done       cancelled   superseded
lock          draftL    activeL  activeL   done       cancelled   superseded
migrate       draft     active   activeL   done       cancelled   superseded
retest        draft     active   activeL   active     cancelled   superseded
passed        draft     done     activeL   done       cancelled   superseded
failed        draft     active   activeL   active     cancelled   superseded
hours         409       active   409       409        409         409
decide        409       409      active    409        409         409
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(row[0], state, after) for row in ROWS[1:] for state, after in zip(ROWS[0], row[1:], strict=True)]
LEAD = [Role.PROJECT_LEAD]


async def in_state(goals: RunningService, state: str) -> TaskChanged:
    """A test task in this state, on V2.3."""
    open_ = given.work("T-1", "test")
    done = given.work("T-1", "test", state="done", finished_at="2026-03-01T00:00:00Z",
                      deliverables=[{"title": "报告", "criteria": [given.criterion(verified=True)]}])  # fmt: skip
    body = {"draft": given.work("T-1", "test", state="draft"), "done": done}.get(state, open_)
    found = (await given.a_project(goals, given.tree(body, given.work("T-9"))))["T-1"]
    if state == "locked":
        await change(goals, found, ImpactAction.LOCK, number=1)
    elif state in {"cancelled", "superseded"}:
        # Superseded are retest cards only, which the rules treat by their state alone.
        async with goals.tx() as tx:
            await tx.raw.execute("update tasks set state = $1 where task = $2", state, found.task)
    return found


async def change(goals: RunningService, task: TaskChanged, action: ImpactAction, *, number: int) -> None:
    row = given.row(task, action, given.ENGINEER, seed=str(number))
    await goals.hear(topics.IMPACTS, [given.impact(row, change=UUID(int=number), number=f"ECN-{number}")])


@pytest.mark.parametrize(("what", "state", "after"), CASES)
async def test_whatever_comes_in_whatever_state(goals: RunningService, what: str, state: str, after: str) -> None:
    task = await in_state(goals, state)
    if what in {"lock", "migrate", "retest"}:
        await change(goals, task, ImpactAction(what), number=2)
        answer = None
    elif what in {"passed", "failed"}:
        value = "3.5" if what == "passed" else "1"
        await goals.hear(topics.TEST_REPORTS, [given.report(value, "V2.3", task=task.task)])
        answer = None
    elif what == "hours":
        answer = await goals.client(given.ENGINEER).post(f"/tasks/{task.task}/progress", json={"hours": "2"})
    else:
        lock = await first_lock(goals, task)
        path = f"/tasks/{task.task}/locks/{lock}/decision"
        answer = await goals.client(given.LEAD, LEAD).post(path, json={"decision": "migrate", "reason": "先用新版"})
    card = (await goals.client().get(f"/tasks/{task.task}")).json()["task"]
    if after == "409":
        assert answer is not None
        assert answer.status_code == 409, answer.text
        assert answer.json()["title"]
        return
    assert answer is None or answer.status_code == 200, answer.text
    assert card["state"] + ("L" if card["locks"] else "") == after
    if what == "lock" and state == "locked":
        assert [lock["change_number"] for lock in card["locks"]] == ["ECN-1", "ECN-2"]


async def first_lock(goals: RunningService, task: TaskChanged) -> str:
    locks = (await goals.client().get(f"/tasks/{task.task}")).json()["task"]["locks"]
    return str(locks[0]["lock"]) if locks else str(UUID(int=404))


async def test_a_report_on_a_locked_task_is_kept_and_says_why_it_does_not_count(goals: RunningService) -> None:
    """G5, G6."""
    task = await in_state(goals, "locked")
    await goals.hear(topics.TEST_REPORTS, [given.report("3.5", "V2.3", task=task.task)])
    (evidence,) = (await goals.client().get(f"/tasks/{task.task}")).json()["evidence"]
    assert (evidence["counts"], evidence["code"]) == (False, "locked")
    assert "ECN-1" in evidence["reason"]["zh"]
    told = [notice.person for notice in await goals.announced(topics.NOTICE_REQUESTS)]
    assert set(told) == {given.TESTER, given.ENGINEER}


async def test_each_lock_is_cleared_on_its_own(goals: RunningService) -> None:
    """G6: a second change while locked; the lead decides on one, the other stays with its own cause."""
    task = await in_state(goals, "locked")
    await change(goals, task, ImpactAction.LOCK, number=2)
    first, second = (await given.tasks(goals))["T-1"].locks
    lead = goals.client(given.LEAD, LEAD)
    body = {"decision": "migrate", "reason": "已核对"}
    assert (await lead.post(f"/tasks/{task.task}/locks/{first.lock}/decision", json=body)).status_code == 200
    assert [lock.change_number for lock in (await given.tasks(goals))["T-1"].locks] == ["ECN-2"]
    again = await lead.post(f"/tasks/{task.task}/locks/{first.lock}/decision", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "no_lock")
    assert (await lead.post(f"/tasks/{task.task}/locks/{second.lock}/decision", json=body)).json()["locks"] == []
    history = (await goals.client().get(f"/tasks/{task.task}")).json()["lock_history"]
    assert {(one["change_number"], one["outcome"], one["decided_by"]) for one in history} == {
        ("ECN-1", "migrate", given.LEAD), ("ECN-2", "migrate", given.LEAD),
    }  # fmt: skip


async def conceded(goals: RunningService, task: TaskChanged) -> None:
    lock = (await given.tasks(goals))[task.code].locks[0]
    until = (given.NOW + timedelta(days=5)).isoformat()
    answer = await goals.client(given.LEAD, LEAD).post(
        f"/tasks/{task.task}/locks/{lock.lock}/decision",
        json={"decision": "concession", "reason": "试制先用旧版", "expires_at": until},
    )
    assert answer.json()["locks"] == []


async def test_a_concession_whose_change_was_superseded_does_not_lock_again(goals: RunningService) -> None:
    """G6, C5: the lock of a retired unit would have no way out."""
    task = await in_state(goals, "locked")
    await conceded(goals, task)
    await goals.hear(topics.IMPACTS, [given.impact(change=UUID(int=3), number="ECN-1b", supersedes=UUID(int=1))])
    await goals.fire_timers(at=given.NOW + timedelta(days=5))
    after = (await given.tasks(goals))["T-1"]
    assert (after.locks, after.item_version) == ((), "V2.3")


async def test_a_concession_that_ends_after_the_retest_has_passed_moves_on(goals: RunningService) -> None:
    """G6: nothing would open that lock any more; its owner hears that the task is on the new version."""
    await given.the_change(goals)
    task = (await given.tasks(goals))["T-1"]
    await conceded(goals, task)
    await goals.hear(topics.TEST_REPORTS, [given.report()])
    assert (await given.tasks(goals))["T-2"].item_version == "V2.4"
    assert (await given.tasks(goals))["T-1"].item_version == "V2.3"
    await goals.fire_timers(at=given.NOW + timedelta(days=5))
    after = (await given.tasks(goals))["T-1"]
    assert (after.locks, after.item_version) == ((), "V2.4")
    last = (await goals.announced(topics.NOTICE_REQUESTS))[-1]
    assert (last.person, last.must_confirm) == (given.ENGINEER, False)
    assert "V2.4" in last.title.zh


async def test_a_task_that_is_caught_after_the_retest_says_that_the_lead_decides(goals: RunningService) -> None:
    """C3, G6: "opens when the retest has passed" would be no way out."""
    await given.the_change(goals)
    await goals.hear(topics.TEST_REPORTS, [given.report()])
    late = given.row((await given.tasks(goals))["T-4"], ImpactAction.LOCK, given.ENGINEER, seed="late")
    await goals.hear(topics.IMPACTS, [given.impact(late, version=2)])
    (lock,) = (await given.tasks(goals))["T-4"].locks
    assert "已经通过" in lock.way_out.zh
    assert "already" in lock.way_out.en


async def test_fifty_parallel_decisions_have_one_winner(goals: RunningService) -> None:
    """G6: one is kept, forty-nine hear that the lock is open."""
    task = await in_state(goals, "locked")
    lock = await first_lock(goals, task)
    path, body = f"/tasks/{task.task}/locks/{lock}/decision", {"decision": "migrate", "reason": "已核对"}
    client = goals.client(given.LEAD, LEAD)
    answers = await asyncio.gather(*(client.post(path, json=body) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"no_lock"}
    assert len((await goals.client().get(f"/tasks/{task.task}")).json()["lock_history"]) == 1


async def test_fifty_parallel_bookings_are_all_there(goals: RunningService) -> None:
    """G6: nobody's hours are lost, and each is a version of its own."""
    task = await in_state(goals, "active")
    client = goals.client(given.ENGINEER)
    path = f"/tasks/{task.task}/progress"
    answers = await asyncio.gather(*(client.post(path, json={"hours": "0.5"}) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    after = (await given.tasks(goals))["T-1"]
    assert (after.actual_hours, after.version) == (25, task.version + 50)


async def test_fifty_reports_and_edits_at_once_leave_one_truth(goals: RunningService) -> None:
    """G2, G5: reports load a part, edits the whole tree; figures are as if one had come after the other."""
    tasks = [given.work(f"T-{n}", "test") for n in range(10)]
    found = await given.a_project(goals, given.tree(*tasks))
    client = goals.client(given.LEAD, LEAD)

    async def weighed(n: int) -> None:
        revision = (await client.get(f"/tasks/{found[f'T-{n}'].task}")).json()["task"]["revision"]
        body = {"revision": revision, "weight": str(n)}
        answer = await client.patch(f"/tasks/{found[f'T-{n}'].task}", json=body)
        assert answer.status_code == 200, answer.text

    reports = [
        goals.hear(topics.TEST_REPORTS, [given.report("3.5", "V2.3", task=found[f"T-{n}"].task, report=f"R-{n}")])
        for n in range(5)
    ]
    await asyncio.gather(_one_by_one(reports), *(weighed(n) for n in range(5, 10)))
    after = await given.tasks(goals)
    assert [after[f"T-{n}"].state for n in range(5)] == [TaskState.DONE] * 5
    # 5 to 9 weigh 35 together, so the five that are done share 65.
    assert [after[f"T-{n}"].impact_weight for n in range(10)] == [13] * 5 + [5, 6, 7, 8, 9]
    assert (await goals.announced(topics.PROJECTS))[-1].progress == 65


async def _one_by_one(calls) -> None:  # type: ignore[no-untyped-def] # a worker handles its batches one after another
    for call in calls:
        await call


async def test_the_owner_asks_the_lead_decides_and_both_hear_of_it(goals: RunningService) -> None:
    """G6: a request stands beside its lock until somebody entitled decides; a stranger can do neither."""
    task = await in_state(goals, "locked")
    lock = await first_lock(goals, task)
    path, until = f"/tasks/{task.task}/locks/{lock}", (given.NOW + timedelta(days=5)).isoformat()
    ask = {"decision": "concession", "reason": "试制件已到，先装一台", "expires_at": until}
    owner, lead = goals.client(given.ENGINEER), goals.client(given.LEAD, LEAD)
    assert (await goals.client(given.TESTER).post(f"{path}/request", json=ask)).status_code == 403
    assert (await owner.post(f"{path}/request", json=ask | {"expires_at": None})).json()["errors"][0][
        "field"
    ] == "expires_at"
    assert (await owner.post(f"{path}/request", json=ask)).status_code == 200
    assert (await owner.post(f"{path}/decision", json=ask)).status_code == 403
    (asked,) = (await lead.get(f"/tasks/{task.task}")).json()["lock_requests"]
    assert (asked["person_name"], asked["decision"], asked["reason"]) == ("周启航", "concession", ask["reason"])
    told = (await goals.announced(topics.NOTICE_REQUESTS))[-1]
    assert (told.person, told.kind, told.link) == (given.LEAD, "lock_asked", f"/tasks/{task.task}")

    kept = {"decision": "keep", "reason": "散热风险未排除"}
    assert (await lead.post(f"{path}/decision", json=kept)).json()["locks"] != []
    card = (await owner.get(f"/tasks/{task.task}")).json()
    assert (card["lock_requests"], card["may_ask"]) == ([], True)
    told = (await goals.announced(topics.NOTICE_REQUESTS))[-1]
    assert (told.person, told.kind) == (given.ENGINEER, "lock_decided")
    assert "散热风险未排除" in told.body.zh
    (ended,) = card["lock_history"]
    assert (ended["outcome"], ended["decided_by_name"], ended["module"]) == ("keep", "陈砚", "PM-480")
