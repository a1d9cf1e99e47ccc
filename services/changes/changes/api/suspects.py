"""Suspect links of a change: what is in doubt above it, and clearing it with a reason (C3)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bihuan_chassis.auth import Person
from bihuan_chassis.http import EVERYONE, Body, Caller, Conflict, Forbidden, NotFound, Reply, Tx, allow, router
from bihuan_contracts import Text
from bihuan_contracts.changes import PathStep
from changes import store
from changes.api.access import actor
from changes.api.form import PUBLISHERS
from changes.store import suspects

routes = router(tags=["changes"])


class Suspect(Reply):
    link: UUID
    kind: str
    """module, task, criterion, document."""
    target: str
    name: str
    task: UUID | None
    person: str | None
    person_name: str | None
    baseline: str | None
    """The earliest version of the item that it was known to be good with."""
    current_version: str | None
    path: list[PathStep]
    raised_at: datetime
    also: list[str]
    """Other changes that hold the same link in doubt; each is cleared by itself."""
    cleared_at: datetime | None
    cleared_by_name: str | None
    reason: str | None
    cleared_together: int | None
    """Links that were cleared in one go with this one."""
    may_clear: bool


class Suspects(Reply):
    item: str
    links: list[Suspect]
    open: int


class Clearing(Body):
    links: Annotated[list[UUID], Field(min_length=1, max_length=10_000)]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """Why the old result still holds; kept with each of the links."""


@routes.get("/changes/{change}/suspects", dependencies=[allow(EVERYONE)])
async def list_suspects(change: UUID, tx: Tx, caller: Caller) -> Suspects:
    found = await store.find_order(tx, change)
    if found is None:
        raise NotFound()
    rows = await suspects.load_suspects(tx, change)
    names = await store.people_names(tx, {row[key] for row in rows for key in ("person", "cleared_by") if row[key]})
    return Suspects(
        item=found.order.item,
        links=[_suspect(row, names, caller) for row in rows],
        open=sum(row["clearing"] is None for row in rows),
    )


@routes.post("/changes/{change}/suspects/clear", dependencies=[allow(PUBLISHERS)])
async def clear_suspects(change: UUID, body: Clearing, tx: Tx, caller: Caller) -> Suspects:
    """Clear this change as a cause of doubt, by whom the work belongs to or who reviews changes."""
    rows = await suspects.lock_open(tx, change, body.links)
    if len(rows) != len(set(body.links)):
        raise Conflict("cleared_already", Text(zh="有的已经解除了", en="Some have been cleared meanwhile"))
    if not all(_may_clear(row["person"], caller) for row in rows):
        raise Forbidden(text=Text(zh="只能解除自己负责的关联", en="You can clear only links of your own work"))
    await suspects.clear(tx, change, [row["link"] for row in rows], caller.id, body.reason)
    return await list_suspects(change, tx, caller)


def _may_clear(person: str | None, caller: Person) -> bool:
    by = actor(caller)
    return by.reviews or by.oversees or person == caller.id


def _suspect(row: Any, names: dict[str, str], caller: Person) -> Suspect:
    return Suspect(
        **{name: row[name] for name in _PLAIN},
        person_name=names.get(row["person"] or ""),
        cleared_by_name=names.get(row["cleared_by"] or ""),
        may_clear=row["clearing"] is None and _may_clear(row["person"], caller),
    )


_PLAIN = (
    "link", "kind", "target", "name", "task", "person", "baseline", "current_version", "path", "raised_at", "also",
    "cleared_at", "reason", "cleared_together",
)  # fmt: skip
