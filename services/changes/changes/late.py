"""Tasks that are heard of after a release which they should have been in: they join its impact, once (C3, C5)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from bihuan_chassis import Timer, Transaction
from bihuan_contracts.changes import ChangeState
from bihuan_contracts.goals import TaskChanged, TaskKind
from changes import documents, impacts, store
from changes.domain.impact import assess
from changes.domain.late import joining
from changes.domain.structure import where_used
from changes.domain.suspicion import suspicions
from changes.store import Recent, StoredOrder, suspects

_MOST_TRIES = 6
"""A project that is not known by then (a minute) is waited for no longer."""

log = structlog.get_logger()


async def catch(tx: Transaction, tasks: Sequence[TaskChanged], fresh: Sequence[UUID]) -> None:
    """Find what these tasks have missed. They were there before a change was applied and are heard of only now; or
    they are younger, and work on a version that has been replaced."""
    if not fresh:
        return
    wanted = set(fresh)
    newest = {one.task: one for one in sorted(tasks, key=lambda one: one.version) if one.task in wanted}
    written = _written(tasks, tx)
    outdated, recent = await store.missed_changes(tx, fresh, min(written[task] for task in newest))
    impacts.expect(tx, outdated)
    if recent:
        reached = await _reached(tx, recent)
        impacts.expect(
            tx,
            (
                (change.change, one.task)
                for change in recent
                for one in newest.values()
                if written[one.task] < change.applied_at
                and one.module in reached[change.change]
                and one.kind is not TaskKind.RETEST
            ),
        )


def _written(tasks: Sequence[TaskChanged], tx: Transaction) -> Mapping[UUID, datetime]:
    """When goals first wrote of each task, as far as this batch knows."""
    found: dict[UUID, datetime] = {}
    for task, envelope in zip(tasks, tx.received, strict=True):
        found[task.task] = min(envelope.time, found.get(task.task, envelope.time))
    return found


async def _reached(tx: Transaction, changes: Sequence[Recent]) -> Mapping[UUID, set[str]]:
    structure = await store.load_structure(tx, {one.item for one in changes})
    return {one.change: {r.item for r in where_used(structure, one.item)} | set(one.modules) for one in changes}


async def on_late(timers: Sequence[Timer], tx: Transaction) -> None:
    """Each task joins the oldest change that it has missed; the next one has its turn a moment later."""
    tries = {_pair(timer): int(timer.payload.get("tries", 0)) for timer in timers}
    missing = await store.without_a_row(tx, list(tries))
    orders = await store.load_orders(tx, {change for change, _ in missing})
    missed: dict[UUID, list[StoredOrder]] = defaultdict(list)
    for change, task in missing:
        if orders[change].order.state in {ChangeState.RELEASED, ChangeState.CLOSED}:
            missed[task].append(orders[change])
    turns: dict[UUID, set[UUID]] = defaultdict(set)
    for task, listed in missed.items():
        first, *others = sorted(listed, key=lambda one: (one.order.applied_at or tx.now, one.order.revision))
        change, tried = first.order.change, tries[first.order.change, task]
        if missing[change, task] or tried >= _MOST_TRIES:
            turns[change].add(task)
        else:
            tx.set_timer(impacts.LATE, f"{change}:{task}", tx.now + impacts.BREATH * 2**tried, {"tries": tried + 1})
        impacts.expect(tx, ((one.order.change, task) for one in others))
    for change in sorted(turns, key=lambda change: (orders[change].order.applied_at or tx.now, change)):
        await _join(tx, orders[change], turns[change])


def _pair(timer: Timer) -> tuple[UUID, UUID]:
    change, _, task = timer.key.partition(":")
    return UUID(change), UUID(task)


async def _join(tx: Transaction, one: StoredOrder, tasks: set[UUID]) -> None:
    """The same unit, a version higher: what the rules said when the change took effect holds for its late tasks too."""
    change = impacts.as_change(one.order, one.release)
    structure = await store.load_structure(tx, {one.order.item, *one.release.modules})
    modules = {reached.item for reached in where_used(structure, one.order.item)} | set(one.release.modules)
    rules = await store.rules_in_force(tx, one.order.applied_at or tx.now)
    world = await impacts.load_world(tx, structure, modules, rules)
    found = assess(change, world, rules)
    await suspects.raise_suspicions(tx, [doubt for doubt in suspicions(change, world) if doubt.task in tasks])
    before = await store.load_rows(tx, change.change)
    joined = joining(found.rows, before, [task for task in world.tasks if task.task in tasks])
    if not joined:
        return
    rows = (*before, *joined)
    await store.save_rows(tx, {change.change: rows})
    ids = {row.row for row in joined}
    await store.add_decisions(tx, change.change, [said for said in found.decided if said.row and said.row.row in ids])
    if structure.items[one.order.item].version == one.order.new_version:
        known = {row.project for row in before}
        new = documents.projects_of(row for row in joined if row.project not in known)
        await documents.update(tx, [one], {change.change: new})
    one = replace(one, impact_version=one.impact_version + 1)
    if one.order.state is ChangeState.CLOSED:
        update = {"state": ChangeState.RELEASED, "closed_at": None, "version": one.order.version + 1}
        one = replace(one, order=one.order.model_copy(update=update))
        tx.announce(one.order)
    await store.save_orders(tx, [one])
    suppliers = await impacts.suppliers_of(tx, [one.order])
    superseded = await store.revision_before(tx, one.order)
    tx.announce(impacts.assessed(one, rows, superseded, suppliers[change.change]))
    log.info("change.joined", change=one.order.number, tasks=len(tasks), rows=len(joined))
