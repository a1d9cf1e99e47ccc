"""What a change does to a project, and how the loop closes again, on a real database."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

import given_goals as given
import pytest

from bihuan_chassis.http import Role
from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import Adjustment, ConsentChanged, ConsentState, ImpactAction, RuleHit
from bihuan_contracts.goals import CriterionState, TargetField, TaskKind, TaskState
from bihuan_contracts.plm import NewCriterion
from bihuan_contracts.qa import TestReported, Verdict

pytestmark = pytest.mark.flow


async def test_change_locks_makes_cards_and_moves_targets_as_one_unit(goals: RunningService) -> None:
    """C5, G6, G7, G8."""
    after = await given.the_change(goals)
    assert [lock.change_number for lock in after["T-1"].locks] == ["ECN-2026-0187"]
    assert after["T-1"].planned_hours == 12
    assert after["T-4"].locks == ()
    card = after["RT-0187-1"]
    assert (card.kind, card.owner, card.item_version) == (TaskKind.RETEST, given.TESTER, "V2.4")
    assert card.retest is not None
    assert (card.retest.old_criterion, card.deliverables[0].criteria[0].text) == (
        "传导发射余量 ≥ 3 dB",
        "传导发射余量 ≥ 6 dB",
    )
    moved = {one.task_code: one for one in await goals.announced(topics.TARGETS)}
    assert set(moved) == {"T-1", "T-2", "T-3", "RT-0187-1"}
    assert {change.field: (change.old, change.new) for change in moved["T-1"].changes}["planned_hours"] == (
        "10",
        "12.0",
    )


async def test_value_that_another_table_gave_names_its_row(goals: RunningService) -> None:
    """C4, G8: one table locks and says the days, another the hours; each moved target names who said it."""
    found = await given.a_project(goals)
    hits = (
        RuleHit(table="default", version=1, row="lock-direct", effects=("action", "due_days")),
        RuleHit(table="lab", version=2, row="r-3", effects=("hours_factor", "tell")),
    )
    await goals.hear(
        topics.IMPACTS, [given.impact(given.row(found["T-1"], ImpactAction.LOCK, given.ENGINEER, hits=hits))]
    )
    (moved,) = await goals.announced(topics.TARGETS)
    assert moved.rule == "default/lock-direct"
    named = {change.field: change.rule for change in moved.changes}
    assert named == {TargetField.DUE_AT: None, TargetField.PLANNED_HOURS: "lab/r-3", TargetField.STATE: None}
    (kept,) = (await goals.client(given.ENGINEER).get(f"/tasks/{moved.task}")).json()["targets"]
    assert {one["field"]: one["rule"] for one in kept["changes"]}["planned_hours"] == "lab/r-3"


async def test_pass_against_the_old_criterion_becomes_verify_again_and_keeps_its_history(goals: RunningService) -> None:
    """G5: a superseded criterion turns a pass into "verify again"."""
    after = await given.the_change(goals)
    assert after["T-3"].state is TaskState.ACTIVE
    assert after["T-3"].deliverables[0].criteria[0].state is CriterionState.VERIFY_AGAIN
    card = (await goals.client(given.TESTER).get(f"/tasks/{after['T-3'].task}")).json()
    assert [(one["text"], one["state"]) for one in card["criteria_history"]] == [("传导发射余量 ≥ 3 dB", "verified")]


async def test_replay_adds_nothing(goals: RunningService) -> None:
    """C5: the same unit again, also when the inbox is lost."""
    await given.the_change(goals)
    before = len(await goals.announced())
    rows = (given.row((await given.tasks(goals))["T-1"], ImpactAction.LOCK, given.ENGINEER),)
    await goals.forget_inbox()
    await goals.hear(topics.IMPACTS, [given.impact(*rows), given.impact(*rows)])
    assert len(await goals.announced()) == before


async def test_report_against_the_new_criterion_closes_the_card_and_opens_the_locks(goals: RunningService) -> None:
    """G5, G6: upload links itself to its task and moves the project's progress."""
    before = await given.the_change(goals)
    low = (await goals.announced(topics.PROJECTS))[-1].progress
    await goals.hear(topics.TEST_REPORTS, [given.report()])
    after = await given.tasks(goals)
    assert after["RT-0187-1"].state is TaskState.DONE
    assert after["T-3"].state is TaskState.DONE
    assert after["T-1"].locks == ()
    assert (before["T-1"].item_version, after["T-1"].item_version) == ("V2.3", "V2.4")
    assert (await goals.announced(topics.PROJECTS))[-1].progress > low


@pytest.mark.parametrize(
    ("report", "counts", "code"),
    [
        (given.report("6.5", "V2.3"), False, "old_version"),
        (given.report("6.5", criterion_version=1), False, "old_criterion"),
        (given.report("4.0"), True, "out_of_limits"),
        (given.report("6.5", verdict=Verdict.FAILED), True, "failed"),
        (given.report("6.5", measurements=()), False, "not_measured"),
    ],
)
async def test_report_that_does_not_verify_says_why(
    goals: RunningService, report: TestReported, counts: bool, code: str
) -> None:
    """G5: one against the old version is kept, does not count, and its sender is told."""
    after = await given.the_change(goals)
    card = after["RT-0187-1"]
    await goals.hear(topics.TEST_REPORTS, [report.model_copy(update={"task": card.task})])
    shown = (await goals.client(given.TESTER).get(f"/tasks/{card.task}")).json()
    (evidence,) = shown["evidence"]
    assert (evidence["counts"], evidence["passed"], evidence["code"]) == (counts, False, code)
    assert (await given.tasks(goals))["RT-0187-1"].state is TaskState.ACTIVE
    notices = await goals.announced(topics.NOTICE_REQUESTS)
    assert [notice.person for notice in notices] == ([] if counts else [given.TESTER])
    told = [one.id for one in goals.live_messages if one.kind == "task"]
    assert told == ([] if counts else [str(card.task)])  # open pages list it as well; a task that changes is announced


async def test_no_hours_on_a_locked_task_and_the_way_out_is_said(goals: RunningService) -> None:
    """G6."""
    after = await given.the_change(goals)
    client = goals.client(given.ENGINEER)
    refused = await client.post(f"/tasks/{after['T-1'].task}/progress", json={"hours": "2"})
    assert (refused.status_code, refused.json()["code"]) == (409, "locked")
    assert "ECN-2026-0187" in refused.json()["title"]
    booked = await client.post(f"/tasks/{after['T-4'].task}/progress", json={"hours": "2"})
    assert booked.json()["actual_hours"] == "2"


async def test_second_change_while_locked_keeps_both_causes(goals: RunningService) -> None:
    """G6: each is cleared on its own."""
    after = await given.the_change(goals)
    other = UUID(int=78)
    rows = (given.row(after["T-1"], ImpactAction.LOCK, given.ENGINEER, seed="2"),)
    await goals.hear(topics.IMPACTS, [given.impact(*rows, change=other, number="ECN-2026-0190")])
    locks = (await given.tasks(goals))["T-1"].locks
    assert {lock.change_number for lock in locks} == {"ECN-2026-0187", "ECN-2026-0190"}
    await goals.hear(topics.TEST_REPORTS, [given.report()])
    assert {lock.change_number for lock in (await given.tasks(goals))["T-1"].locks} == {"ECN-2026-0190"}


async def test_concession_opens_the_lock_and_expires(goals: RunningService) -> None:
    """G6: continue as a concession that expires; only the lead may decide."""
    task = (await given.the_change(goals))["T-1"]
    path = f"/tasks/{task.task}/locks/{task.locks[0].lock}/decision"
    until = given.NOW + timedelta(days=5)
    body = {"decision": "concession", "reason": "样机试制先用旧版", "expires_at": until.isoformat()}
    assert (await goals.client(given.ENGINEER).post(path, json=body)).status_code == 403
    lead = goals.client(given.LEAD, [Role.PROJECT_LEAD])
    endless = await lead.post(path, json=body | {"expires_at": None})
    assert [error["field"] for error in endless.json()["errors"]] == ["expires_at"]
    assert (await lead.post(path, json=body)).json()["locks"] == []
    await goals.fire_timers(at=until)
    assert len((await given.tasks(goals))["T-1"].locks) == 1


async def test_newer_revision_retires_the_older_unit(goals: RunningService) -> None:
    """C5: a newer revision supersedes, also when the old one comes late."""
    after = await given.the_change(goals)
    newer = UUID(int=79)
    rows = (given.row(after["T-1"], ImpactAction.LOCK, given.ENGINEER, seed="r2"),)
    await goals.hear(topics.IMPACTS, [given.impact(*rows, change=newer, revision=2, supersedes=given.CHANGE)])
    now = await given.tasks(goals)
    assert [lock.change for lock in now["T-1"].locks] == [newer]
    assert now["T-2"].locks == ()
    assert now["RT-0187-1"].state is TaskState.SUPERSEDED
    await goals.forget_inbox()
    late = given.row(after["T-4"], ImpactAction.LOCK, given.ENGINEER, seed="late")
    await goals.hear(topics.IMPACTS, [given.impact(late, version=2)])
    assert (await given.tasks(goals))["T-4"].locks == ()


async def test_effects_of_a_change_are_one_answer(goals: RunningService) -> None:
    """C5: locks, cards and targets of one change."""
    await given.the_change(goals)
    effects = (await goals.client().get(f"/changes/{given.CHANGE}/effects")).json()
    assert [(lock["code"], lock["open"]) for lock in effects["locks"]] == [("T-1", True), ("T-2", True)]
    assert [card["code"] for card in effects["cards"]] == ["RT-0187-1"]
    assert {target["code"] for target in effects["targets"]} == {"T-1", "T-2", "T-3", "RT-0187-1"}


async def test_cards_of_one_change_have_codes_of_their_own_in_every_project(goals: RunningService) -> None:
    """G7: a report and a person name a card by its code alone; nobody's own code is given out again either."""
    one = await given.a_project(goals)
    two = await given.a_project(
        goals, given.tree(given.work("S-1", "test"), given.work("RT-0187-4"), given.work("RT-0187-x"), code="GX-600")
    )
    retest = partial(given.row, action=ImpactAction.RETEST, person=given.TESTER)
    rows = [retest(one["T-1"]), retest(one["T-3"]), retest(two["S-1"])]
    await goals.hear(topics.IMPACTS, [given.impact(*rows[:2])])
    await goals.hear(topics.IMPACTS, [given.impact(*rows, version=2)])
    other = given.impact(retest(two["S-1"], seed="other"), change=UUID(int=78), number="ECN-2027-0187")
    await goals.hear(topics.IMPACTS, [other])
    cards = [task for task in (await given.tasks(goals)).values() if task.retest is not None]
    assert sorted(card.code for card in cards) == ["RT-0187-5", "RT-0187-6", "RT-0187-7", "RT-0187-8"]
    by_project = {card.code: card.project for card in cards}
    assert by_project["RT-0187-7"] == by_project["RT-0187-8"] == two["S-1"].project


async def test_a_week_without_work_names_what_comes_next(goals: RunningService) -> None:
    """G4: an empty page is no dead end."""
    await given.a_project(
        goals,
        given.tree(
            given.work("T-1", due_at="2026-04-10T10:00:00Z"),
            given.work("T-2", due_at="2026-03-27T10:00:00Z"),
            given.work("T-3", due_at="2026-03-20T10:00:00Z", state="done", finished_at="2026-03-01T00:00:00Z"),
        ),
    )
    week = (await goals.client(given.ENGINEER).get("/week")).json()
    assert week["deliverables"] == []
    assert (week["next"]["code"], week["next"]["due_at"]) == ("T-2", "2026-03-27T10:00:00Z")
    assert week["next"]["project_name"] == "GX-500 五轴磨床"
    assert (await goals.client(given.TESTER).get("/week")).json()["next"] is None


async def test_week_shows_deliverables_cards_and_what_my_part_weighs(goals: RunningService) -> None:
    """G3, G4."""
    await given.the_change(goals)
    week = (await goals.client(given.ENGINEER).get("/week")).json()
    assert {one["code"] for one in week["deliverables"]} >= {"T-1", "T-2", "T-4"}
    assert Decimal(week["weights"][0]["total"]) == 75
    assert Decimal(week["weights"][0]["lateness"][0]["points"]) == 0
    assert [card["code"] for card in (await goals.client(given.TESTER).get("/week")).json()["retest_cards"]] == [
        "RT-0187-1"
    ]
    assert (await goals.client(given.ENGINEER).get("/week", params={"person": given.TESTER})).status_code == 403


async def test_import_names_every_wrong_place_and_imports_nothing(goals: RunningService) -> None:
    """G1, G2: gaps, weights over 100, a code used twice."""
    goals.now = given.NOW
    body = given.tree(
        given.work("T-1", weight="70"), given.work("T-1", weight="50"), given.work("T-2", deliverables=[]),
        given.work("T-3", deliverables=[{"title": "报告"}]), given.work("T-4", state="draft", deliverables=[]),
    )  # fmt: skip
    refused = await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post("/projects", json=body)
    assert {(error["field"], error["code"]) for error in refused.json()["errors"]} == {
        ("goals.0.tasks", "overweight"),
        ("goals.0.tasks.1.code", "duplicate"),
        ("goals.0.tasks.2.deliverables", "gap"),
        ("goals.0.tasks.3.deliverables.0.criteria", "gap"),
    }
    assert await goals.announced() == []


async def test_importing_the_same_project_twice_changes_nothing(goals: RunningService) -> None:
    await given.a_project(goals)
    again = await goals.client(given.LEAD, [Role.PROJECT_LEAD]).post("/projects", json=given.tree())
    assert again.json()["created"] is False
    assert (await goals.client().post("/projects", json=given.tree())).status_code == 403


async def test_board_shows_the_tree_with_shares_that_add_up(goals: RunningService) -> None:
    after = await given.the_change(goals)
    board = (await goals.client().get(f"/projects/{after['T-1'].project}")).json()
    tasks = board["goals"][0]["tasks"]
    assert sum(Decimal(task["impact_weight"]) for task in tasks) == 100
    assert board["project"]["locked"] == 2
    assert {cell["node"] for cell in board["heat"]} == {"PM-480", "X-1"}


async def test_board_that_was_kept_shows_the_next_change_at_once(goals: RunningService) -> None:
    """G3, C5: a board that was read before the change does not hide its locks."""
    before = await given.a_project(goals)
    url = f"/projects/{before['T-1'].project}"
    assert (await goals.client().get(url)).json()["project"]["locked"] == 0
    await goals.hear(
        topics.IMPACTS,
        [given.impact(*(given.row(before[code], ImpactAction.LOCK, given.ENGINEER) for code in ("T-1", "T-2")))],
    )
    assert (await goals.client().get(url)).json()["project"]["locked"] == 2


@pytest.mark.parametrize(("lower", "metric"), [(None, None), (Decimal(6), "传导发射余量")])
async def test_new_words_alone_are_no_measurement(
    goals: RunningService, lower: Decimal | None, metric: str | None
) -> None:
    """G7: limits without a metric are for the one in force; a criterion in words alone has none."""
    before = await given.a_project(goals)
    new = NewCriterion(module="PM-480", text="外壳无裂纹", lower=lower)
    asked = given.row(before["T-3"], ImpactAction.RETEST, given.TESTER, criterion=new, due_within_days=3)
    await goals.hear(topics.IMPACTS, [given.impact(asked)])
    card = (await given.tasks(goals))["RT-0187-1"]
    assert card.deliverables[0].criteria[0].metric == metric


async def test_settled_matrix_moves_targets_once_and_only_then(goals: RunningService) -> None:
    """C8, G8: due date, hours and owner, old and new on record with the matrix; a replay adds nothing."""
    before = await given.a_project(goals)
    task = before["T-1"]
    adjustments = [
        Adjustment(task=task.task, task_code="T-1", task_title="", project=task.project, field=field, old=None, new=new)
        for field, new in (
            (TargetField.DUE_AT, "2026-03-20T10:00:00+00:00"),
            (TargetField.PLANNED_HOURS, "14.5"),
            (TargetField.OWNER, given.TESTER),
        )
    ]
    consent = ConsentChanged(
        matrix=UUID(int=5), number="GCM-2026-0001", title="延期", state=ConsentState.OPEN, revision=1,
        proposer=given.LEAD, arbiter=None, adjustments=tuple(adjustments), rows=(), proposed_at=given.NOW,
        sent_at=given.NOW, settled_at=None, version=2,
    )  # fmt: skip
    await goals.hear(topics.CONSENTS, [consent])
    assert (await given.tasks(goals))["T-1"] == task
    settled = consent.model_copy(update={"state": ConsentState.SETTLED, "settled_at": given.NOW, "version": 3})
    await goals.hear(topics.CONSENTS, [settled])
    await goals.forget_inbox()
    await goals.hear(topics.CONSENTS, [settled, settled])
    after = (await given.tasks(goals))["T-1"]
    assert (after.owner, after.planned_hours, after.version) == (given.TESTER, Decimal("14.5"), task.version + 1)
    assert after.due_at is not None
    assert after.due_at.isoformat() == "2026-03-20T10:00:00+00:00"
    (moved,) = await goals.announced(topics.TARGETS)
    assert (moved.matrix, moved.change_number, moved.rule) == (UUID(int=5), "GCM-2026-0001", None)
    assert [(one.field, one.old) for one in moved.changes] == [
        (TargetField.DUE_AT, "2026-03-13T10:00:00+00:00"),
        (TargetField.PLANNED_HOURS, "10"),
        (TargetField.OWNER, given.ENGINEER),
    ]
    card = (await goals.client(given.TESTER).get(f"/tasks/{task.task}")).json()
    assert card["targets"][0]["matrix"] == str(UUID(int=5))
