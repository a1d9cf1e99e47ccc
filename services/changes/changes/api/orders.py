"""Change orders: the list, and one of them as a unit."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from bihuan_chassis.http import EVERYONE, Caller, NotFound, Reply, Tx, allow, router
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactRow, SupplierRow
from bihuan_contracts.plm import ItemKind, NewCriterion
from changes import impacts, orders, store
from changes.api.access import actor
from changes.api.form import approval_needed
from changes.domain.steps import Action, WayOut, possible, way_out
from changes.store import StoredOrder

routes = router(tags=["changes"])


class ChangeSummary(Reply):
    """One line of the change list."""

    change: UUID
    number: str
    revision: int
    state: ChangeState
    item: str
    item_name: str
    base_version: str | None
    new_version: str
    reason: str
    source: str
    change_type: str
    author: str | None
    author_name: str | None
    released_by: str | None
    released_by_name: str | None
    released_at: datetime
    received_at: datetime
    applied_at: datetime | None
    closed_at: datetime | None
    effective_at: datetime | None
    expires_at: datetime | None
    blocked_by: str | None
    people: int


class ChangeList(Reply):
    changes: list[ChangeSummary]


class StepLine(Reply):
    """Who did what with the order, and why."""

    action: str
    by: str | None
    by_name: str | None
    reason: str | None
    at: datetime


class Approver(Reply):
    person: str
    name: str
    at: datetime | None
    """None: approved upstream, before the release came in."""


class OpenRetest(Reply):
    """A retest without a report against the new criterion: it keeps the change open (C10)."""

    task: UUID | None
    """None: its card has not been made yet."""
    code: str | None
    title: str | None
    person: str | None
    person_name: str | None


class ChangeDetail(Reply):
    """The change as one unit: the order, the difference, and each affected row with its path and rule."""

    summary: ChangeSummary
    order: ChangeOrderChanged
    rows: list[ImpactRow]
    item_kind: ItemKind
    base_known: bool
    """False: the item came in with this change, so what its base held was never told and nothing can be compared."""
    foreseen: bool
    """The rows are what the change would do: it has not taken effect."""
    modules: list[str]
    criteria: list[NewCriterion]
    approvals: list[Approver]
    steps: list[StepLine]
    actions: list[Action]
    """What the caller can do with it now."""
    way_out: WayOut
    """What the order waits for."""
    open_retests: list[OpenRetest]
    suppliers: list[SupplierRow]
    """Whose open orders the change reaches, as the orders stand now."""


@routes.get("/changes", dependencies=[allow(EVERYONE)])
async def list_changes(
    tx: Tx,
    state: ChangeState | None = None,
    item: str | None = None,
    q: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ChangeList:
    found = await store.find_orders(tx, state=str(state) if state else None, item=item, query=q, limit=limit)
    return ChangeList(changes=await _summaries(tx, found))


@routes.get("/changes/{change}", dependencies=[allow(EVERYONE)])
async def read_change(change: UUID, tx: Tx, caller: Caller) -> ChangeDetail:
    found = await store.find_order(tx, change)
    if found is None:
        raise NotFound()
    order, rows = found.order, await store.load_rows(tx, change)
    foreseen = order.applied_at is None and order.state in _COMING
    if foreseen:
        order, rows = await impacts.foresee(tx, order, found.release)
    items = await store.load_items(tx, [order.item])
    base = [(order.item, order.base_version)] if order.base_version is not None else []
    standing = await orders.standing(tx, found, approval_needed=approval_needed(tx))
    steps = await store.load_steps(tx, change)
    retests = await store.retests_without_report(tx, change) if standing.open_retests else []
    names = await store.people_names(
        tx,
        {*order.approved_by, *(step["by"] for step in steps if step["by"]), *(one["person"] for one in retests)}
        - {None},
    )
    return ChangeDetail(
        summary=(await _summaries(tx, [found]))[0],
        order=order,
        rows=list(rows),
        item_kind=items[order.item].kind if order.item in items else ItemKind.UNKNOWN,
        base_known=len(await store.versions_on_record(tx, base)) == len(base),
        foreseen=foreseen,
        modules=[order.item, *order.modules],
        criteria=list(found.release.criteria),
        approvals=[_approver(person, steps, names) for person in order.approved_by],
        steps=[
            StepLine(
                action=one["action"], by=one["by"], by_name=names.get(one["by"]), reason=one["reason"], at=one["at"],
            )
            for one in steps
        ],
        actions=list(possible(standing, actor(caller))),
        way_out=way_out(standing),
        open_retests=[
            OpenRetest(
                task=one["task"], code=one["code"], title=one["title"], person=one["person"],
                person_name=names.get(one["person"], one["person"]),
            )
            for one in retests
        ],
        suppliers=list((await impacts.suppliers_of(tx, [order]))[change]),
    )  # fmt: skip


_COMING = {ChangeState.DRAFT, ChangeState.REVIEW, ChangeState.RELEASED}


def _approver(person: str, steps: list[Any], names: dict[str, str]) -> Approver:
    at = next((one["at"] for one in reversed(steps) if one["action"] == "approved" and one["by"] == person), None)
    return Approver(person=person, name=names.get(person, person), at=at)


async def _summaries(tx: Tx, found: list[StoredOrder]) -> list[ChangeSummary]:
    people = await store.count_affected(tx, [one.order.change for one in found])
    named = {person for one in found for person in (one.order.released_by, one.order.author) if person}
    names = await store.people_names(tx, named)
    return [
        ChangeSummary(
            **{name: getattr(one.order, name) for name in ChangeSummary.model_fields if hasattr(one.order, name)},
            released_by_name=names.get(one.order.released_by or ""),
            author_name=names.get(one.order.author or ""),
            blocked_by=one.blocked_by,
            people=people.get(one.order.change, 0),
        )
        for one in found
    ]
