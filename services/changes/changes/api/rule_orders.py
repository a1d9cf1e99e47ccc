"""The order in which the decision tables are asked: checked, proposed, approved by a second person (C4)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import Field

from bihuan_chassis.auth import Person
from bihuan_chassis.http import Body, Caller, Conflict, NotFound, Reply, Tx, allow, router
from bihuan_chassis.live import Live
from bihuan_contracts import Key, Text
from bihuan_contracts.notify import NoticeRequested
from changes import rule_steps
from changes.api.rule_replies import APPROVERS, EDITORS
from changes.domain import rules_order
from changes.domain.rules_checks import TooManyStepsError
from changes.domain.rules_order import TableOrder
from changes.domain.rules_shadows import shadows
from changes.domain.rules_versions import BASE
from changes.store import people_names, rules_in_force, table_orders
from changes.store import versions as tables

routes = router(tags=["rules"])


class OrderIn(Body):
    names: Annotated[list[Key], Field(min_length=1, max_length=200)]
    """All tables but the base table, in the order in which they are to be asked."""


class ShadowReply(Reply):
    """A row that would never decide this effect: the tables above say it in each of its cases."""

    table: str
    row: str
    place: int
    effect: str


class OrderCheck(Reply):
    shadows: list[ShadowReply]
    too_intricate: bool


class OrderReply(Reply):
    """An order of the tables that waits for a second person, or the one in force."""

    number: int
    names: list[str]
    author_name: str
    proposed_at: datetime
    decided_by_name: str | None
    decided_at: datetime | None
    may_approve: bool
    may_withdraw: bool
    check: OrderCheck | None
    """Of one that waits."""


class OrdersReply(Reply):
    open: OrderReply | None
    in_force: OrderReply | None
    """None: as the tables were created."""


async def orders_of(tx: Tx, caller: Person) -> OrdersReply:
    open_one, active = await table_orders.in_review(tx), await table_orders.in_force(tx)
    people = {by for one in (open_one, active) if one for by in (one.author, one.decided_by) if by}
    names = await people_names(tx, people)
    return OrdersReply(
        open=_reply(open_one, names, caller, await _check(tx, open_one.names)) if open_one else None,
        in_force=_reply(active, names, caller, None) if active else None,
    )


def _reply(one: TableOrder, names: dict[str, str], caller: Person, check: OrderCheck | None) -> OrderReply:
    open_one, own = check is not None, caller.id == one.author
    return OrderReply(
        number=one.number, names=list(one.names), author_name=names.get(one.author, one.author),
        proposed_at=one.proposed_at, decided_by_name=names.get(one.decided_by or "", one.decided_by),
        decided_at=one.decided_at, may_approve=open_one and not own and any(caller.has(role) for role in APPROVERS),
        may_withdraw=open_one and own, check=check,
    )  # fmt: skip


async def _check(tx: Tx, names: tuple[str, ...]) -> OrderCheck:
    """What the versions in force would say in this order."""
    places = {name: place for place, name in enumerate((*names, BASE))}
    asked = [(one.name, one.table) for one in (await rules_in_force(tx, tx.now)).tables]
    asked.sort(key=lambda one: places.get(one[0], len(names) - 0.5))  # newer ones just before the base table
    try:
        found = shadows(asked)
    except TooManyStepsError:
        return OrderCheck(shadows=[], too_intricate=True)
    return OrderCheck(
        shadows=[ShadowReply(table=one.table, row=one.row, place=one.place, effect=one.effect) for one in found],
        too_intricate=False,
    )


@routes.post("/rule-orders/check", dependencies=[allow(*EDITORS)])
async def check_order(body: OrderIn, tx: Tx) -> OrderCheck:
    """Which rows of the versions in force would be left without a say; nothing is saved."""
    return await _check(tx, tuple(body.names))


@routes.post("/rule-orders", status_code=201, dependencies=[allow(*EDITORS)])
async def propose_order(body: OrderIn, tx: Tx, caller: Caller) -> OrdersReply:
    """Ask a second person; everybody who may approve it is told."""
    number = await table_orders.next_number(tx)
    if await table_orders.in_review(tx) is not None:
        raise Conflict("open_order", Text(zh="已有一个顺序等待批准", en="Another order waits for approval"))
    asked = [one.name for one in await tables.heads(tx)]
    one = rule_steps.stepped(lambda: rules_order.propose(number, body.names, asked, caller.id, tx.now))
    await table_orders.save(tx, one)
    title = Text(zh="规则的判断顺序等你批准", en="A new order of the rules waits for your approval")
    _tell(
        tx, [person for person in await tables.approvers(tx) if person != caller.id], "rule_review", one, title, caller
    )
    return await orders_of(tx, caller)


@routes.post("/rule-orders/{number}/approve", dependencies=[allow(*APPROVERS)])
async def approve_order(number: int, tx: Tx, caller: Caller) -> OrdersReply:
    """In force from now on; changes before keep the order of their time."""
    one = await _decided(tx, number, lambda order: rules_order.approve(order, caller.id, tx.now))
    title = Text(zh="规则的新判断顺序已批准", en="The new order of the rules is approved")
    _tell(tx, [one.author], "rule_approved", one, title, caller)
    return await orders_of(tx, caller)


@routes.post("/rule-orders/{number}/refuse", dependencies=[allow(*EDITORS, *APPROVERS)])
async def refuse_order(number: int, tx: Tx, caller: Caller) -> OrdersReply:
    """By the second person, or withdrawn by who has proposed it."""
    one = await _decided(tx, number, lambda order: rules_order.refuse(order, caller.id, tx.now))
    if one.author != caller.id:
        title = Text(zh="规则的新判断顺序没有批准", en="The new order of the rules was not approved")
        _tell(tx, [one.author], "rule_sent_back", one, title, caller)
    return await orders_of(tx, caller)


async def _decided(tx: Tx, number: int, step: Callable[[TableOrder], TableOrder]) -> TableOrder:
    before = await table_orders.load(tx, number)
    if before is None:
        raise NotFound()
    after = rule_steps.stepped(lambda: step(before))
    await table_orders.save(tx, after)
    return after


def _tell(tx: Tx, people: list[str], kind: str, one: TableOrder, title: Text, by: Person) -> None:
    tx.live(Live("rule", "order"))
    body = Text(zh=" → ".join(one.names), en=" → ".join(one.names))
    for person in people:
        tx.announce(
            NoticeRequested(
                person=person, kind=kind, dedupe=f"{kind}:order:{one.number}", title=title, body=body, link="/rules",
                mentioned_by=by.id, at=tx.now,
            )
        )  # fmt: skip
