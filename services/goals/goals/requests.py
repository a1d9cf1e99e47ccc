"""Urgent requests as they come from the customer system, and booking one as an ad-hoc task (G10)."""

from collections.abc import Sequence

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
    for order in fresh:
        assert order.urgent_request is not None
        named = [one for one in projects if one.code == order.project and one.state == "active"]
        found = named or candidates(order.urgent_request, order.customer_name, projects)
        await book(tx, order.urgent_request, order.customer_name, found, order=order.number)


async def book(
    tx: Transaction, what: str, customer: str, found: Sequence[Project], *, by: str | None = None,
    order: str | None = None,
) -> Request:  # fmt: skip
    """Enter a request. With one project it becomes a task at once, otherwise it waits until somebody chooses."""
    request = Request(tx.new_id(), await request_store.next_number(tx), what, customer)
    if len(found) == 1:
        tree = (await tree_store.load_trees(tx, [found[0].project]))[found[0].project]
        task = await add_task(tx, tree, request, by)
        await request_store.save(tx, request, by, order, task.project, task.task)
    else:
        await request_store.save(tx, request, by, order, None, None)
        tx.announce(*_asked(tx, request, found or await store.all_projects(tx)))
    return request


async def add_task(tx: Transaction, tree: Tree, request: Request, booked_by: str | None) -> Task:
    task = ad_hoc_task(
        request, tree, owner_for(tree, booked_by), ids=(tx.new_id(), tx.new_id(), tx.new_id()), starts_at=tx.now,
        due_at=(await store.calendar(tx)).add(tx.now, WITHIN_DAYS),
    )  # fmt: skip
    tree.cause = Cause(CauseKind.REQUEST, request.request, request.number, tx.actor)
    tree.put(task)
    await save_and_announce(tx, [tree])
    tx.announce(*_told(tx, tree, task, request))
    return task


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
