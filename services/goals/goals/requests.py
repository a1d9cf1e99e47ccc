"""Urgent requests as they come from the customer system, and booking one as an ad-hoc task (G10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bihuan_chassis import Transaction
from bihuan_contracts import Text
from bihuan_contracts.crm import CustomerOrderChanged, CustomerOrderStatus
from bihuan_contracts.notify import NoticeRequested
from goals import own_store, request_store, store, tree_store
from goals.announce import save_and_announce
from goals.domain.causes import Cause, CauseKind
from goals.domain.requests import WITHIN_DAYS, Request, ad_hoc_task, candidates, owner_for
from goals.domain.tree import Project, Task, Tree


async def on_customer_orders(orders: Sequence[CustomerOrderChanged], tx: Transaction) -> None:
    """What an order asks for beside the plan is booked, each wording once; delivery and payment are kept (G9)."""
    await own_store.save_orders(tx, orders)
    urgent = {
        (order.number, order.urgent_request): order
        for order in sorted(orders, key=lambda one: one.version)
        if order.urgent_request and order.status is not CustomerOrderStatus.CANCELLED
    }
    known = await request_store.known(tx, {number for number, _ in urgent}) if urgent else set()
    fresh = [order for key, order in urgent.items() if key not in known]
    projects = await store.all_projects(tx) if fresh else []
    await book(tx, [_wanted(order, projects) for order in fresh])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be booked: for whom, in which project it may belong, and where it comes from."""

    what: str
    customer: str
    found: Sequence[Project]
    by: str | None = None
    order: str | None = None


def _wanted(order: CustomerOrderChanged, projects: Sequence[Project]) -> Wanted:
    assert order.urgent_request is not None
    named = [one for one in projects if one.code == order.project and one.state == "active"]
    found = named or candidates(order.urgent_request, order.customer_name, projects)
    return Wanted(order.urgent_request, order.customer_name, found, order=order.number)


async def book(tx: Transaction, wanted: Sequence[Wanted]) -> list[Request]:
    """Enter requests. With one project each becomes a task at once, otherwise it waits until somebody chooses."""
    if not wanted:
        return []
    numbers = await request_store.next_numbers(tx, len(wanted))
    requests = [
        Request(tx.new_id(), number, one.what, one.customer) for number, one in zip(numbers, wanted, strict=True)
    ]
    booked = list(zip(requests, wanted, strict=True))
    places = [(request, one.found[0].project, one.by) for request, one in booked if len(one.found) == 1]
    trees = await tree_store.load_trees(tx, [project for _, project, _ in places])
    tasks = await add_tasks(tx, trees, places)
    await request_store.save(tx, [(request, one.by, one.order, tasks.get(request.request)) for request, one in booked])
    waiting = [(request, one) for request, one in booked if request.request not in tasks]
    everywhere = await store.all_projects(tx) if any(not one.found for _, one in waiting) else []
    for request, one in waiting:
        tx.announce(*_asked(tx, request, one.found or everywhere))
    return requests


async def add_tasks(
    tx: Transaction, trees: Mapping[UUID, Tree], places: Sequence[tuple[Request, UUID, str | None]]
) -> dict[UUID, Task]:
    """The task of each request in its project's tree; with whoever has booked it."""
    if not places:
        return {}
    due_at = (await store.calendar(tx)).add(tx.now, WITHIN_DAYS)
    tasks: dict[UUID, Task] = {}
    for request, project, booked_by in places:
        tree = trees[project]
        tree.cause = Cause(CauseKind.REQUEST, request.request, request.number, tx.actor)
        tasks[request.request] = ad_hoc_task(
            request, tree, owner_for(tree, booked_by), ids=(tx.new_id(), tx.new_id(), tx.new_id()), starts_at=tx.now,
            due_at=due_at,
        )  # fmt: skip
        tree.put(tasks[request.request])
    await save_and_announce(tx, trees.values())
    for request, project, _ in places:
        tx.announce(*_told(tx, trees[project], tasks[request.request], request))
    return tasks


def _told(tx: Transaction, tree: Tree, task: Task, request: Request) -> list[NoticeRequested]:
    """Its owner and the lead, whoever of them did not book it."""
    weight = f"{task.weight.normalize():f}%" if task.weight else "0"
    body = Text(
        zh=f"{request.customer}：{task.code} 计入 {tree.project.name}，占所在目标 {weight}",
        en=f"{request.customer}: {task.code} counts in {tree.project.name}, {weight} of its goal",
    )
    return [
        NoticeRequested(
            person=person, kind="urgent_request", dedupe=f"request:{request.request}",
            title=Text(zh=f"客户加急：{task.title}", en=f"Urgent request: {task.title}"), body=body,
            link=f"/tasks/{task.task}", mentioned_by=tx.actor, at=tx.now,
        )
        for person in sorted({task.owner or "", tree.project.lead} - {"", tx.actor})
    ]  # fmt: skip


def _asked(tx: Transaction, request: Request, projects: Sequence[Project]) -> list[NoticeRequested]:
    """The leads who may take it over."""
    leads = {one.lead for one in projects if one.state == "active"}
    return [
        NoticeRequested(
            person=lead, kind="urgent_request", dedupe=f"request:{request.request}",
            title=Text(zh=f"客户加急待认领：{request.what}", en=f"Urgent request without a project: {request.what}"),
            body=Text(
                zh=f"{request.customer}：还不知道属于哪个项目，请认领",
                en=f"{request.customer}: please choose its project",
            ),
            link="/requests", mentioned_by=tx.actor, at=tx.now,
        )
        for lead in sorted(leads - {tx.actor})
    ]  # fmt: skip
