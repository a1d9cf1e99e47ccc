"""G2, G3: what the database adds up is what the rules add up, and a report moves a project without loading it."""

from decimal import Decimal
from uuid import UUID

import given_goals as given

from bihuan_chassis.testing import RunningService
from bihuan_contracts import topics
from bihuan_contracts.changes import ImpactAction
from bihuan_contracts.goals import TaskChanged
from goals import tree_store
from goals.domain.roll_up import settle, sums_of
from goals.domain.tree import Tree


def a_tree() -> dict[str, object]:
    """Weights of all sorts: thirds, explicit ones, zero; drafts, finished and cancelled work; late and not yet due."""
    two = [{"title": "报告", "weight": "30", "criteria": [given.criterion(verified=True), given.criterion("目检")]},
           {"title": "文件", "criteria": [given.criterion(), given.criterion(), given.criterion(verified=True)]}]  # fmt: skip
    first = [
        given.work("A-1", "test", weight="33.3", deliverables=two), given.work("A-2", weight="0"),
        given.work("A-3", "test", due_at="2026-03-01T00:00:00Z", deliverables=two), given.work("A-4"),
        given.work("A-5", state="draft", deliverables=[]), given.work("A-6", state="cancelled"),
    ]  # fmt: skip
    second = [given.work(f"B-{n}", "test", deliverables=two[n % 2 :]) for n in range(3)]
    done = given.work("C-1", "test", state="done", finished_at="2026-03-02T00:00:00Z",
                      deliverables=[{"title": "报告", "criteria": [given.criterion(verified=True)]}])  # fmt: skip
    goals = [
        {"title": "一", "weight": "50", "tasks": first}, {"title": "二", "tasks": second},
        {"title": "三", "tasks": [done]}, {"title": "四", "tasks": []},
    ]  # fmt: skip
    return given.tree(given.work("X")) | {"goals": goals}


async def loaded(goals: RunningService, project: UUID) -> Tree:
    async with goals.tx() as tx:
        return (await tree_store.load_trees(tx, [project], lock=False))[project]


async def test_the_database_adds_up_what_the_rules_add_up(goals: RunningService) -> None:
    found = await given.a_project(goals, a_tree())
    project = found["A-1"].project
    tree = await loaded(goals, project)
    for task in tree.tasks.values():
        async with goals.tx() as tx:
            part = (await tree_store.load_some(tx, {task.task: project}))[project]
        assert list(part.tasks) == [task.task]
        others = [one for one in tree.tasks.values() if one.task != task.task]
        for goal in tree.project.goals:
            expected = sums_of([one for one in others if one.goal == goal.goal], given.NOW)
            assert part.rest.get(goal.goal, sums_of([], given.NOW)) == expected
        assert settle(part, given.NOW) == settle(tree, given.NOW)
        assert part.project == tree.project


async def test_a_report_moves_the_project_as_if_all_of_it_were_loaded(goals: RunningService) -> None:
    """G5: task by task until everything is verified; each time the whole tree agrees with what was announced."""
    found = await given.a_project(goals, a_tree())
    project = found["A-1"].project
    for code in ("A-1", "A-3", "B-0", "B-2", "A-4"):
        await goals.hear(topics.TEST_REPORTS, [given.report("3.5", "V2.3", task_code=code, report=f"R-{code}")])
        tree = await loaded(goals, project)
        announced = (await goals.announced(topics.PROJECTS))[-1]
        assert announced.progress == tree.project.progress
        assert announced.version == tree.project.version
        settle(tree, given.NOW)
        assert not tree.touched
        assert not tree.refigured
        assert tree.project == tree.stored


async def test_a_report_announces_its_task_and_its_project_and_nothing_else(goals: RunningService) -> None:
    await given.a_project(goals, a_tree())
    await goals.clear_outbox()
    await goals.hear(topics.TEST_REPORTS, [given.report("3.5", "V2.3", task_code="B-1")])
    assert [task.code for task in await goals.announced(topics.TASKS)] == ["B-1"]
    assert len(await goals.announced(topics.PROJECTS)) == 1


async def test_rows_from_before_the_sums_are_worked_out_by_the_first_act(goals: RunningService) -> None:
    """After the migration the figures behind the rounding are empty: nobody hears that they are filled."""
    found = await given.a_project(goals, a_tree())
    before = (await goals.announced(topics.PROJECTS))[-1]
    async with goals.tx() as tx:
        await tx.raw.execute("update tasks set portion = null, exact = null")
    await goals.clear_outbox()
    await goals.hear(topics.TEST_REPORTS, [given.report("3.5", "V2.3", task_code="B-1")])
    assert [task.code for task in await goals.announced(topics.TASKS)] == ["B-1"]
    after = (await goals.announced(topics.PROJECTS))[-1]
    assert before.progress is not None
    assert after.progress is not None
    assert after.progress > before.progress
    async with goals.tx() as tx:
        assert await tx.raw.fetchval("select count(*) from tasks where portion is null") == 0
        part = (await tree_store.load_some(tx, {found["B-1"].task: found["B-1"].project}))[found["B-1"].project]
    assert not part.whole


async def test_a_retest_counts_and_says_what_it_takes_from_whom(goals: RunningService) -> None:
    """G8: the card and the test that it repeats have half each; shown old → new with the change; others keep theirs."""
    before = await given.a_project(goals)
    await goals.hear(
        topics.IMPACTS, [given.impact(given.row(before["T-3"], ImpactAction.RETEST, given.TESTER, due_within_days=3))]
    )
    after: dict[str, TaskChanged] = await given.tasks(goals)
    shares = {code: task.impact_weight for code, task in after.items()}
    assert shares == {"T-1": 25, "T-2": 25, "T-3": Decimal("12.5"), "T-4": 25, "RT-0187-1": Decimal("12.5")}
    moved = {
        one.task_code: [(c.old, c.new) for c in one.changes if c.field == "weight"]
        for one in await goals.announced(topics.TARGETS)
    }
    assert moved == {"T-3": [("25", "12.5")], "RT-0187-1": [(None, "12.5")]}
    assert (await goals.announced(topics.PROJECTS))[-1].progress == 0
    await goals.hear(topics.TEST_REPORTS, [given.report("6.5", task=after["RT-0187-1"].task)])
    assert (await goals.announced(topics.PROJECTS))[-1].progress == 25


async def test_a_retest_of_a_module_without_a_test_is_new_work(goals: RunningService) -> None:
    """G8: it shares what explicit weights leave with those that have none."""
    before = await given.a_project(goals)
    alone = given.row(None, ImpactAction.RETEST, given.TESTER, project=before["T-1"].project)
    await goals.hear(topics.IMPACTS, [given.impact(alone)])
    after = await given.tasks(goals)
    assert {task.impact_weight for task in after.values()} == {20}
