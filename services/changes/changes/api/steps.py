"""The steps of a change order, and what another change on the same base did (C1, C10)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Reply,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text, Version
from bihuan_contracts.changes import ChangeState, Difference
from bihuan_contracts.plm import BomLine
from changes import orders, store
from changes.api.access import actor, found_order, refused
from changes.api.form import PUBLISHERS, approval_needed
from changes.domain.rebasing import Clash
from changes.domain.steps import NEEDS_REASON, Action, StepRefusedError
from changes.store import StoredOrder

routes = router(tags=["changes"])
Step = Literal["submit", "withdraw", "approve", "send_back", "release", "cancel", "close", "revise"]


class StepIn(Body):
    version: int
    """The version of the order that the caller saw."""
    reason: Annotated[str | None, Field(max_length=1000)] = None
    """In the caller's own words; needed to send back and to cancel."""


class StepTaken(Reply):
    change: UUID
    """Of the order that the step led to: a revision is another one."""
    state: ChangeState
    version: int


class RebaseIn(Body):
    version: int
    new_version: Version
    """The version that this change makes, now on top of the current one."""
    keep: dict[Key, Literal["mine", "theirs"]] = Field(default_factory=dict, max_length=500)
    """For each item that both changes have touched: whose line stands."""


class OtherChange(Reply):
    """What happened to the base meanwhile."""

    change: UUID
    number: str
    base_version: str | None
    new_version: str
    reason: str
    released_by_name: str | None
    applied_at: datetime | None
    differences: tuple[Difference, ...]


class ClashReply(Reply):
    item: str
    name: str
    base: BomLine | None
    mine: BomLine | None
    theirs: BomLine | None


class BaseReply(Reply):
    """The base of an order against the version in force."""

    base_version: str | None
    current_version: str | None
    others: list[OtherChange]
    clashes: list[ClashReply]
    """Items that both have touched: a rebase needs a word on each."""


@routes.post("/changes/{change}/steps/{step}", dependencies=[allow(PUBLISHERS)])
async def take_step(change: UUID, step: Step, body: StepIn, tx: Tx, caller: Caller) -> StepTaken:
    """One step of the order; who may take it and when is told by `actions` of the change."""
    action = Action(step)
    reason = body.reason or None
    one = await _locked(tx, change)
    try:
        standing = await orders.standing(tx, one, approval_needed=approval_needed(tx))
        orders.allowed(standing, action, actor(caller))
        _fresh(one, body.version)
        if action in NEEDS_REASON and reason is None:
            raise invalid("reason", "missing", "请写明原因", "Please say why")
        one = await orders.take(tx, one, action, actor(caller), standing, reason)
    except StepRefusedError as error:
        raise refused(error) from error
    return StepTaken(change=one.order.change, state=one.order.state, version=one.order.version)


@routes.get("/changes/{change}/base", dependencies=[allow(EVERYONE)])
async def read_base(change: UUID, tx: Tx) -> BaseReply:
    """What other changes did to the base, and where both have touched the same."""
    one = await store.find_order(tx, change)
    if one is None:
        raise NotFound()
    items = await store.load_items(tx, [one.order.item])
    current = items[one.order.item].version if one.order.item in items else None
    others = await store.changes_since(tx, one.order.item, one.order.base_version or "")
    others = [other for other in others if other.order.change != change]
    names = await store.people_names(tx, {other.order.released_by for other in others if other.order.released_by})
    _, clashes = await orders.rebased_lines(tx, one, current, {}) if current and others else ((), ())
    return BaseReply(
        base_version=one.order.base_version, current_version=current,
        others=[
            OtherChange(
                change=other.order.change, number=other.order.number, base_version=other.order.base_version,
                new_version=other.order.new_version, reason=other.order.reason,
                released_by_name=names.get(other.order.released_by or ""), applied_at=other.order.applied_at,
                differences=other.order.differences,
            )
            for other in others
        ],
        clashes=[_clash(one) for one in clashes],
    )  # fmt: skip


@routes.post("/changes/{change}/rebase", dependencies=[allow(PUBLISHERS)])
async def rebase_change(change: UUID, body: RebaseIn, tx: Tx, caller: Caller) -> StepTaken:
    """Put the order on the version in force; approvals of the old base are void."""
    one = await _locked(tx, change)
    try:
        standing = await orders.standing(tx, one, approval_needed=approval_needed(tx))
        orders.allowed(standing, Action.REBASE, actor(caller))
        _fresh(one, body.version)
        current = await store.lock_item(tx, one.order.item)
        if body.new_version == current:
            raise invalid("new_version", "same_version", "与当前版本相同", "This is the current version already")
        one, clashes = await orders.rebase_on_current(
            tx, one, actor(caller), standing, new_version=body.new_version, keep=body.keep
        )
    except StepRefusedError as error:
        raise refused(error) from error
    if clashes:
        raise Invalid(
            "clashes",
            Text(zh="两个变更改了同一行，请逐行选择", en="Both changes touch the same lines: choose for each"),
            errors=[
                FieldError(
                    f"keep.{clash.item}", "choose",
                    Text(zh=f"{clash.name} 两边都改了，请选择", en=f"{clash.name}: both have changed it, choose one"),
                )
                for clash in clashes
            ],
        )  # fmt: skip
    return StepTaken(change=change, state=one.order.state, version=one.order.version)


async def _locked(tx: Tx, change: UUID) -> StoredOrder:
    """The order after its item, so that of two releases on one base the second sees what the first did."""
    known = await store.find_order(tx, change)
    if known is not None:
        await store.lock_item(tx, known.order.item)
    return await found_order(tx, change)


def _fresh(one: StoredOrder, version: int) -> None:
    if one.order.version != version:
        raise Conflict(state=one.order.model_dump(mode="json"))


def _clash(clash: Clash) -> ClashReply:
    return ClashReply(item=clash.item, name=clash.name, base=clash.base, mine=clash.mine, theirs=clash.theirs)
