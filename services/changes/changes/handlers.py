"""Every event that changes reacts to: load, decide, save, announce."""

from collections.abc import Sequence

from bihuan_chassis import Transaction
from bihuan_contracts.erp import GoodsReceived, PurchaseOrderChanged
from bihuan_contracts.goals import ProjectChanged, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomReleased
from changes import hours_store, late, record_store, releases, store, supplier_store
from changes.domain.orders import Verdict
from changes.store import suspects


async def on_bom_released(released: Sequence[BomReleased], tx: Transaction) -> None:
    """Structure for all, and for the releases that are changes their impact, as one set."""
    received = [one.received_at for one in tx.received] or [tx.now] * len(released)
    sources = [one.source for one in tx.received] or ["plm"] * len(released)
    await releases.check_bills(tx, released)
    verdicts, numbers_on_record = await releases.judge_all(tx, released)
    plain = [release for release, verdict in zip(released, verdicts, strict=True) if verdict is Verdict.STRUCTURE]
    if plain:
        await store.save_structure(tx, plain, [None] * len(plain))
    changed = [
        releases.new_order(release, verdict, at, source)
        for release, verdict, at, source in zip(released, verdicts, received, sources, strict=True)
        if verdict not in {Verdict.STRUCTURE, Verdict.OUTDATED}
    ]
    for turn in releases.in_turns(changed):
        await releases.record(tx, turn, numbers_on_record)
        numbers_on_record |= {one.order.number for one, _ in turn}


async def on_task_changed(tasks: Sequence[TaskChanged], tx: Transaction) -> None:
    """Keep the projection; catch tasks that have missed a change; close changes whose retests are done."""
    await record_store.save_moves(tx, tasks)
    fresh = await store.save_tasks(tx, tasks)
    await hours_store.save_finished(tx, tasks, fresh)
    await late.catch(tx, tasks, fresh)
    finished = [task.task for task in tasks if task.retest is not None]
    if finished:
        await suspects.clear_retested(tx, finished)
        await releases.close(tx, await store.changes_with_all_retests_done(tx, finished))


async def on_project_changed(projects: Sequence[ProjectChanged], tx: Transaction) -> None:
    await store.save_projects(tx, projects)
    await hours_store.complete_products(tx, projects)


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)
    await hours_store.complete_roles(tx, people)


async def on_purchase_order_changed(orders: Sequence[PurchaseOrderChanged], tx: Transaction) -> None:
    await supplier_store.save_orders(tx, orders)


async def on_goods_received(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
    await supplier_store.save_receipts(tx, receipts)
