"""Every event and timer that feedback reacts to."""

from collections.abc import Sequence
from uuid import UUID

from bihuan_chassis import Timer, Transaction
from bihuan_contracts import Text
from bihuan_contracts.changes import ChangeOrderChanged
from bihuan_contracts.goals import ProjectChanged, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.notify import NoticeRequested
from feedback import store

MATERIAL_DUE = "material-due"


async def on_task_changed(tasks: Sequence[TaskChanged], tx: Transaction) -> None:
    await store.save_cards(tx, tasks)


async def on_project_changed(projects: Sequence[ProjectChanged], tx: Transaction) -> None:
    await store.save_projects(tx, projects)


async def on_order_changed(orders: Sequence[ChangeOrderChanged], tx: Transaction) -> None:
    await store.save_orders(tx, orders)


async def on_person_changed(people: Sequence[PersonChanged], tx: Transaction) -> None:
    await store.save_people(tx, people)


async def on_material_due(timers: Sequence[Timer], tx: Transaction) -> None:
    """Material that was asked for has not come within its time: the project lead hears of it (F1)."""
    for timer in timers:
        card = await store.find_card(tx, UUID(timer.key))
        if card is None or card["lead"] is None or await store.attachments(tx, UUID(timer.key)):
            continue
        tx.announce(
            NoticeRequested(
                person=card["lead"],
                kind="material_overdue",
                dedupe=f"material:{card['task']}",
                title=Text(zh=f"{card['code']} 的资料还没有补充", en=f"Material for {card['code']} is still missing"),
                body=Text(zh=card["title"], en=card["title"]),
                link=f"/tasks/{card['task']}",
                change=card["change"],
                at=tx.now,
            )
        )
