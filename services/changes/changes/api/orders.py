"""Change orders: list, one unit, preview, the four-field form."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, Field

from bihuan_chassis.http import EVERYONE, Body, Caller, NotFound, Reply, Role, Tx, allow, invalid, router
from bihuan_contracts import Key, Version
from bihuan_contracts.changes import ChangeOrderChanged, ChangeState, ImpactRow
from bihuan_contracts.plm import BomReleased, ItemKind, NewCriterion
from changes import releases, store
from changes.domain.orders import Verdict, change_id
from changes.store import StoredOrder

routes = router(tags=["changes"])
_PUBLISHERS = (EVERYONE - {Role.AUDITOR},)


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
    released_by: str | None
    released_by_name: str | None
    released_at: datetime
    received_at: datetime
    applied_at: datetime | None
    closed_at: datetime | None
    effective_at: datetime | None
    blocked_by: str | None
    people: int


class ChangeList(Reply):
    changes: list[ChangeSummary]


class ChangeDetail(Reply):
    """The change as one unit: the order, the difference, and each affected row with its path and rule."""

    summary: ChangeSummary
    order: ChangeOrderChanged
    rows: list[ImpactRow]
    item_kind: ItemKind


class FourFields(Body):
    """The form of source.txt, step 1: version, description, affected modules, effective date (C2)."""

    version: Version
    """New version, such as V2.4."""
    description: Annotated[str, Field(min_length=1, max_length=2000)]
    modules: Annotated[list[Key], Field(min_length=1, max_length=20)]
    """Affected modules; the first one is the one that gets the new version."""
    effective_at: AwareDatetime | None = None
    """None: as soon as possible."""
    criteria: Annotated[tuple[NewCriterion, ...], Field(max_length=20)] = ()
    """New acceptance criteria, where the change brings some."""


class Preview(Reply):
    """What publishing would do."""

    order: ChangeOrderChanged
    rows: list[ImpactRow]
    people: int
    blocked: bool
    """The base has moved meanwhile: publishing would be blocked."""


class Published(Reply):
    number: str
    change: UUID


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
async def read_change(change: UUID, tx: Tx) -> ChangeDetail:
    found = await store.find_order(tx, change)
    if found is None:
        raise NotFound()
    items = await store.load_items(tx, [found.order.item])
    return ChangeDetail(
        summary=(await _summaries(tx, [found]))[0],
        order=found.order,
        rows=list(await store.load_rows(tx, change)),
        item_kind=items[found.order.item].kind if found.order.item in items else ItemKind.UNKNOWN,
    )


@routes.post("/changes/preview", dependencies=[allow(*_PUBLISHERS)])
async def preview_change(form: FourFields, tx: Tx, caller: Caller) -> Preview:
    release = await _release(tx, form, caller.id, number="PREVIEW")
    order, rows, verdict = await releases.preview(tx, release)
    return Preview(
        order=order, rows=list(rows), people=len({row.person for row in rows}), blocked=verdict is Verdict.STALE_BASE
    )


@routes.post("/changes", status_code=201, dependencies=[allow(*_PUBLISHERS)])
async def publish_change(form: FourFields, tx: Tx, caller: Caller) -> Published:
    """Publishing does the same as the PLM's event: it is announced on the same topic and handled by the same code."""
    number = await _next_number(tx)
    release = await _release(tx, form, caller.id, number=number)
    tx.announce(release, source="bihuan/form")
    return Published(number=number, change=change_id(number, 1))


async def _release(tx: Tx, form: FourFields, caller: str, *, number: str) -> BomReleased:
    item = form.modules[0]
    known = await store.load_items(tx, form.modules)
    for place, module in enumerate(form.modules):
        if module not in known or known[module].version is None:
            raise invalid(f"modules.{place}", "unknown_module", f"没有模块 {module}", f"There is no module {module}")
    if known[item].version == form.version:
        raise invalid("version", "same_version", "与当前版本相同", "This is the current version already")
    if form.effective_at is not None and form.effective_at < tx.now.replace(hour=0, minute=0, second=0, microsecond=0):
        raise invalid("effective_at", "in_the_past", "生效日期已过", "The effective date has passed")
    return BomReleased(
        item=item,
        name=known[item].name,
        kind=known[item].kind,
        variant_of=known[item].variant_of,
        base_version=known[item].version,
        version=form.version,
        change=number,
        reason=form.description,
        modules=tuple(form.modules[1:]),
        criteria=form.criteria,
        released_by=caller,
        approved_by=(caller,),
        effective_at=form.effective_at,
        released_at=datetime.now(UTC),
    )


async def _next_number(tx: Tx) -> str:
    """ECN-2026-F0001: the F keeps the form's numbers apart from the PLM's."""
    year = tx.now.year
    count = await tx.raw.fetchval("select nextval('form_numbers')")
    return f"ECN-{year}-F{count:04d}"


async def _summaries(tx: Tx, orders: list[StoredOrder]) -> list[ChangeSummary]:
    people = await store.count_affected(tx, [one.order.change for one in orders])
    names = await store.people_names(tx, {one.order.released_by for one in orders if one.order.released_by})
    return [
        ChangeSummary(
            **{name: getattr(one.order, name) for name in ChangeSummary.model_fields if hasattr(one.order, name)},
            released_by_name=names.get(one.order.released_by or ""),
            blocked_by=one.blocked_by,
            people=people.get(one.order.change, 0),
        )
        for one in orders
    ]
