"""Every event that goals reacts to: load, decide, save, announce."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from bihuan_chassis import Live, Timer, Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ConsentChanged, ConsentState, ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.feedback import CardAnswered
from bihuan_contracts.goals import TargetField, TaskLock
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import NoticeRequested
from bihuan_contracts.qa import TestReported
from goals import history_store, proof_store, store, tree_store
from goals.announce import save_and_announce, save_targets
from goals.domain.added_work import with_weights
from goals.domain.causes import Cause, CauseKind
from goals.domain.changes import (
    CardCodes,
    Circumstances,
    Effects,
    Recalculated,
    apply,
    code_prefix,
    lock_again,
    lockable,
    open_locks,
    retire,
)
from goals.domain.consents import apply_settled
from goals.domain.evidence import Candidates, Judgement, judge, record
from goals.domain.hours import Estimate, Finished, estimate
from goals.domain.tree import Task, Tree

CONCESSION_ENDS = "concession-ends"

log = structlog.get_logger()


async def on_impact_assessed(impacts: Sequence[ImpactAssessed], tx: Transaction) -> None:
    """Locks, retest cards and recalculated targets of each change, once for each impact row."""
    newest = {impact.change: impact for impact in sorted(impacts, key=lambda impact: impact.version)}
    gone = await _retire_superseded(tx, list(newest.values()))
    current = [impact for impact in newest.values() if impact.change not in gone]
    fresh = await store.new_rows(
        tx, [(row.row, impact.change, str(row.action), row.task) for impact in current for row in impact.rows]
    )
    wanted: dict[UUID, list[tuple[ImpactAssessed, list[ImpactRow]]]] = defaultdict(list)
    for impact in current:
        by_project: dict[UUID, list[ImpactRow]] = defaultdict(list)
        for row in impact.rows:
            if row.row in fresh and row.project is not None:
                by_project[row.project].append(row)
        for project, rows in by_project.items():
            wanted[project].append((impact, rows))
    if wanted:
        await _apply(tx, wanted)


async def _apply(tx: Transaction, wanted: dict[UUID, list[tuple[ImpactAssessed, list[ImpactRow]]]]) -> None:
    rows = [(project, row) for project, units in wanted.items() for _, listed in units for row in listed]
    # New cards take part of what weighs: those projects are needed whole.
    cards = {project for project, row in rows if row.action is ImpactAction.RETEST}
    places = {row.task: project for project, row in rows if row.task is not None}
    trees = await tree_store.load_some(tx, places, whole=cards)
    history = await store.finished_tasks(tx, ("test", "retest")) if cards else []
    passed = await store.passed_retests(tx, {impact.change for units in wanted.values() for impact, _ in units})
    changed = {impact.number for units in wanted.values() for impact, _ in units}
    codes = CardCodes(await store.highest_numbers(tx, map(code_prefix, changed)) if cards else {})
    given = Circumstances(tx.now, await store.calendar(tx), _estimator(history), codes, passed)
    shares = {task.task: task.share for project in cards & trees.keys() for task in trees[project].tasks.values()}
    done: list[tuple[Tree, Effects]] = []
    for project, units in wanted.items():
        for impact, listed in units:
            if project in trees:
                trees[project].cause = Cause(CauseKind.CHANGE, impact.change, impact.number)
                effects = apply(trees[project], impact, listed, given)
                await store.save_superseded_criteria(tx, impact.change, effects.superseded_criteria)
                done.append((trees[project], effects))
    await save_and_announce(tx, trees.values())
    await save_targets(tx, trees, [moved for tree, effects in done for moved in with_weights(effects, shares, tree)])
    log.info("impact.applied", rows=sum(len(effects.applied) for _, effects in done), projects=len(trees))


def _estimator(history: Sequence[Finished]):  # type: ignore[no-untyped-def] # a closure over the history
    known: dict[tuple[str | None, str], Estimate | None] = {}

    def of(origin: Task | None, row: ImpactRow) -> Estimate | None:
        title = origin.title if origin else row.module_name
        key = (row.module, title)
        if key not in known:
            known[key] = estimate(history, kind="test", module=row.module, title=title)
        return known[key]

    return of


async def _retire_superseded(tx: Transaction, impacts: Sequence[ImpactAssessed]) -> set[UUID]:
    """Units that a newer revision replaces, also when the old one arrives after the new one."""
    superseded = [impact.supersedes for impact in impacts if impact.supersedes is not None]
    fresh = await store.retire_units(tx, superseded) if superseded else set()
    if fresh:
        trees = await tree_store.load_trees(tx, await store.projects_of_changes(tx, fresh))
        for tree in trees.values():
            ended = [(task.task, lock) for task in tree.tasks.values() for lock in task.locks if lock.change in fresh]
            for impact in impacts:
                if impact.supersedes in fresh:
                    tree.cause = Cause(CauseKind.CHANGE, impact.change, impact.number)
                    retire(tree, impact.supersedes)
            await store.end_locks(tx, ended, outcome="superseded")
        await save_and_announce(tx, trees.values())
    return await store.retired_among(tx, [impact.change for impact in impacts])


async def on_test_reported(reports: Sequence[TestReported], tx: Transaction) -> None:
    """Each report verifies, fails, or is kept as not counting with the reason (G5)."""
    received = tx.received
    candidates = Candidates(await store.candidates_for(tx, reports))
    meant = [candidates.find(report) for report in reports]
    trees = await tree_store.load_around(tx, [tasks[0] for tasks in meant if len(tasks) == 1])
    kept: list[store.KeptReport] = []
    doubts: list[tuple[UUID, TestReported, list[UUID]]] = []
    for report, tasks, envelope in zip(reports, meant, received, strict=True):
        if len(tasks) > 1:
            doubts.append((envelope.id, report, [task.task for task in tasks]))
            tx.announce(*_asks_where_it_belongs(envelope.id, report, len(tasks), tx.now))
        judgement, code = None, "in_doubt" if tasks else "no_task"
        if len(tasks) == 1:
            tree = trees[tasks[0].project]
            judgement, code = judge(tree.tasks[tasks[0].task], report), "no_criterion"
            if judgement is not None:
                await enter(tx, tree, judgement, report)
        kept.append((envelope.id, envelope.received_at, report, judgement, code))
    await save_and_announce(tx, trees.values(), before=_save_reports(tx, kept, doubts))


async def _save_reports(
    tx: Transaction, kept: Sequence[store.KeptReport], doubts: Sequence[tuple[UUID, TestReported, list[UUID]]]
) -> None:
    await store.save_evidence(tx, kept)
    if doubts:
        await proof_store.save_doubts(tx, doubts)


async def enter(tx: Transaction, tree: Tree, judgement: Judgement, report: TestReported) -> None:
    """What a report does to its task, and telling its people when it does not count."""
    task = tree.tasks[judgement.task]
    tree.cause = Cause(CauseKind.REPORT, None, report.report, report.tested_by)
    for card in record(tree, judgement, report.tested_at):
        await open_locks_of(tx, tree, card)
    if not judgement.counts:
        tx.live(Live("task", str(task.task)))  # the task stays as it is, but its page and its change's list the report
        tx.announce(*_does_not_count(task, report, judgement, tx.now))


def _asks_where_it_belongs(id: UUID, report: TestReported, tasks: int, at: datetime) -> list[NoticeRequested]:
    if report.tested_by is None:
        return []
    return [
        NoticeRequested(
            person=report.tested_by,
            kind="report_in_doubt",
            dedupe=f"doubt:{id}",
            title=Text(
                zh=f"报告 {report.report} 归到哪一项任务？", en=f"Which task does report {report.report} belong to?"
            ),
            body=Text(
                zh=f"{report.module} {report.module_version} 有 {tasks} 项任务都可能，请选一项",
                en=f"{tasks} tasks on {report.module} {report.module_version} fit: please choose one",
            ),
            link=f"/evidence?report={id}",
            at=at,
        )
    ]


async def open_locks_of(tx: Transaction, tree: Tree, card: Task) -> None:
    """A retest has passed: what waited for it goes on, on the new version."""
    before = {lock.lock: task.task for task in tree.tasks.values() for lock in task.locks}
    opened = open_locks(tree, card)
    await store.end_locks(tx, [(before[lock.lock], lock) for lock in opened], outcome="migrated")


def _does_not_count(task: Task, report: TestReported, judgement: Judgement, at: datetime) -> list[NoticeRequested]:
    people = [person for person in dict.fromkeys((report.tested_by, task.owner)) if person]
    return [
        NoticeRequested(
            person=person,
            kind="report_not_counted",
            dedupe=f"report:{report.report}:{task.task}",
            title=Text(zh=f"{task.code} 的报告不计入进度", en=f"The report on {task.code} does not count"),
            body=judgement.reason,
            link=f"/tasks/{task.task}",
            at=at,
        )
        for person in people
    ]


async def on_card_answered(answers: Sequence[CardAnswered], tx: Transaction) -> None:
    """The card shows its owner's answer (F1)."""
    newest = {answer.task: answer for answer in sorted(answers, key=lambda answer: answer.version)}
    trees = await tree_store.load_some(tx, await store.projects_of_tasks(tx, newest))
    for tree in trees.values():
        for task_id, answer in newest.items():
            task = tree.tasks.get(task_id)
            if task is not None and task.retest is not None:
                tree.cause = Cause(CauseKind.ANSWER, None, str(answer.answer), answer.person)
                tree.change(task_id, retest=task.retest.model_copy(update={"answer": str(answer.answer)}))
    await save_and_announce(tx, trees.values())


async def on_consent_changed(matrices: Sequence[ConsentChanged], tx: Transaction) -> None:
    """What everybody affected has agreed to takes effect, each matrix once; in no other state (C8)."""
    await history_store.save_consents(tx, matrices)
    ended = [one for one in matrices if one.state in {ConsentState.SETTLED, ConsentState.WITHDRAWN}]
    await store.end_held_targets(tx, ended)
    settled = {one.matrix: one for one in matrices if one.state is ConsentState.SETTLED}
    fresh = await store.settle_matrices(tx, settled) if settled else set()
    agreed = [settled[matrix] for matrix in sorted(fresh)]
    if not agreed:
        return
    moved = [adjustment for one in agreed for adjustment in one.adjustments]
    trees = await tree_store.load_some(
        tx, {one.task: one.project for one in moved},
        whole={one.project for one in moved if one.field is TargetField.WEIGHT},
    )  # fmt: skip
    done: list[Recalculated] = []
    for one in agreed:
        for tree in trees.values():
            tree.cause = Cause(CauseKind.CONSENT, one.matrix, one.number, one.proposer)
            done += apply_settled(tree, one)
    await save_and_announce(tx, trees.values())
    await save_targets(tx, trees, done)
    log.info("consents.applied", matrices=len(agreed), targets=len(done))


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)


async def on_concession_ends(timers: Sequence[Timer], tx: Transaction) -> None:
    """A concession expires: the lock it had opened is back (G6), unless its change has been superseded meanwhile."""
    locks = {UUID(timer.key): TaskLock.model_validate(timer.payload["lock"]) for timer in timers}
    tasks = {UUID(timer.key): UUID(timer.payload["task"]) for timer in timers}
    gone = await store.retired_among(tx, [lock.change for lock in locks.values()])
    trees = await tree_store.load_trees(tx, (await store.projects_of_tasks(tx, tasks.values())).values())
    for tree in trees.values():
        for key, lock in locks.items():
            task = tree.tasks.get(tasks[key])
            if task is None or lock.change in gone or not lockable(task) or task.item_version != lock.old_version:
                continue
            tree.cause = Cause(CauseKind.CONCESSION_OVER, lock.change, lock.change_number)
            tx.announce(*_concession_over(task, lock, lock_again(tree, task, lock), tx.now))
    await save_and_announce(tx, trees.values())


def _concession_over(task: Task, lock: TaskLock, locked: bool, at: datetime) -> list[NoticeRequested]:
    """To its owner: locked again with the way out, or on the new version, whose retest has passed already."""
    if task.owner is None:
        return []
    if locked:
        title = Text(
            zh=f"{task.code} 的让步已到期，重新锁定", en=f"The concession on {task.code} is over: locked again"
        )
        body = lock.way_out
    else:
        title = Text(
            zh=f"{task.code} 的让步已到期，转到 {lock.new_version}",
            en=f"The concession on {task.code} is over: it goes on with {lock.new_version}",
        )
        body = Text(
            zh=f"{lock.module} {lock.new_version} 的重测已经通过",
            en=f"{lock.module} {lock.new_version} has passed its retest",
        )
    return [
        NoticeRequested(
            person=task.owner, kind="concession_over", dedupe=f"concession:{lock.lock}", title=title, body=body,
            link=f"/tasks/{task.task}", must_confirm=locked, change=lock.change, at=at,
        )
    ]  # fmt: skip
