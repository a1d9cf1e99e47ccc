"""The four-field form: preview, publish, or a draft that goes through review (C2)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Key, Text, Version
from bihuan_contracts.changes import ChangeOrderChanged, ImpactRow
from bihuan_contracts.plm import BomReleased, NewCriterion
from changes import orders, releases, store
from changes.api.access import actor, found_order, refused
from changes.domain.orders import Verdict, change_id
from changes.domain.steps import Action, StepRefusedError, after
from changes.settings import Settings
from changes.store import StoredOrder

routes = router(tags=["changes"])
PUBLISHERS = EVERYONE - {Role.AUDITOR}
_DEVIATION = "deviation"


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
    change_type: Literal["design", "supplier", "process", "document", "deviation"] = "design"
    expires_at: AwareDatetime | None = None
    """A deviation ends then, and only a deviation does."""


class Edit(FourFields):
    order_version: int
    """The version of the order that the author saw."""


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


class FormSettings(Reply):
    publishes: Literal["directly", "after_approval"]


def approval_needed(tx: Tx) -> bool:
    settings = tx.settings
    assert isinstance(settings, Settings)
    return settings.form_publishes == "after_approval"


@routes.get("/form", dependencies=[allow(EVERYONE)])
async def read_form_settings(tx: Tx) -> FormSettings:
    """Whether this company lets the form publish by itself."""
    return FormSettings(publishes="after_approval" if approval_needed(tx) else "directly")


@routes.post("/changes/preview", dependencies=[allow(PUBLISHERS)])
async def preview_change(form: FourFields, tx: Tx, caller: Caller) -> Preview:
    release = await _release(tx, form, caller.id, number="PREVIEW")
    order, rows, verdict = await releases.preview(tx, release)
    return Preview(
        order=order, rows=list(rows), people=len({row.person for row in rows}), blocked=verdict is Verdict.STALE_BASE
    )


@routes.post("/changes", status_code=201, dependencies=[allow(PUBLISHERS)])
async def publish_change(form: FourFields, tx: Tx, caller: Caller) -> Published:
    """Publishing does the same as the PLM's event: it is announced on the same topic and handled by the same code."""
    if approval_needed(tx):
        raise Forbidden(
            "approval_needed",
            Text(
                zh="本公司的变更要先由他人审批：请提交审批",
                en="Somebody else approves a change first: submit it",
            ),
        )
    number = await _next_number(tx)
    release = await _release(tx, form, caller.id, number=number)
    tx.announce(release, source="bihuan/form")
    return Published(number=number, change=change_id(number, 1))


@routes.post("/changes/drafts", status_code=201, dependencies=[allow(PUBLISHERS)])
async def draft_change(form: FourFields, tx: Tx, caller: Caller) -> Published:
    """A draft: it affects nobody until it is released."""
    number = await _next_number(tx)
    one = await orders.draft(tx, await _release(tx, form, caller.id, number=number), caller.id)
    return Published(number=number, change=one.order.change)


@routes.put("/changes/{change}", dependencies=[allow(PUBLISHERS)])
async def edit_change(change: UUID, form: Edit, tx: Tx, caller: Caller) -> Published:
    """New content of a draft, by its author; a stale edit is refused with the newest state."""
    one = await found_order(tx, change)
    by = actor(caller)
    try:
        after(await orders.standing(tx, one, approval_needed=approval_needed(tx)), Action.EDIT, by)
    except StepRefusedError as error:
        raise refused(error) from error
    if one.order.version != form.order_version:
        raise Conflict(state=one.order.model_dump(mode="json"))
    release = await _release(tx, form, caller.id, number=one.order.number, known=one)
    one = await orders.edit(tx, one, release, by)
    return Published(number=one.order.number, change=change)


async def _release(
    tx: Tx, form: FourFields, caller: str, *, number: str, known: StoredOrder | None = None
) -> BomReleased:
    item = form.modules[0]
    items = await store.load_items(tx, form.modules)
    for place, module in enumerate(form.modules):
        if module not in items or items[module].version is None:
            raise invalid(f"modules.{place}", "unknown_module", f"没有模块 {module}", f"There is no module {module}")
        if module in form.modules[:place]:
            raise invalid(f"modules.{place}", "twice", f"模块 {module} 填了两次", f"Module {module} is named twice")
    if items[item].version == form.version:
        raise invalid("version", "same_version", "与当前版本相同", "This is the current version already")
    _check_dates(form, tx.now)
    _check_criteria(form)
    # A draft keeps the base it was written on: whoever replaces it meanwhile blocks the draft, it never moves silently.
    same_item = known is not None and known.order.item == item
    return BomReleased(
        item=item,
        name=items[item].name,
        kind=items[item].kind,
        variant_of=items[item].variant_of,
        base_version=known.order.base_version if known is not None and same_item else items[item].version,
        version=form.version,
        lines=known.release.lines if known is not None and same_item else None,
        change=number,
        revision=known.order.revision if known is not None else 1,
        change_type=form.change_type,
        reason=form.description,
        modules=tuple(form.modules[1:]),
        criteria=form.criteria,
        released_by=caller,
        approved_by=(caller,),
        effective_at=form.effective_at,
        expires_at=form.expires_at,
        released_at=tx.now,
    )


def _check_dates(form: FourFields, now: datetime) -> None:
    if form.effective_at is not None and form.effective_at < now.replace(hour=0, minute=0, second=0, microsecond=0):
        raise invalid("effective_at", "in_the_past", "生效日期已过", "The effective date has passed")
    if (form.change_type == _DEVIATION) != (form.expires_at is not None):
        raise invalid(
            "expires_at",
            "deviation_ends",
            "偏差必须有到期时间，其他变更没有",
            "Deviations have an end, others none",
        )
    if form.expires_at is not None and form.expires_at <= max(now, form.effective_at or now):
        raise invalid("expires_at", "before_start", "到期时间应晚于生效时间", "It should end after it takes effect")


def _check_criteria(form: FourFields) -> None:
    for place, one in enumerate(form.criteria):
        if one.module not in form.modules:
            raise invalid(
                f"criteria.{place}.module",
                "not_affected",
                "标准所属模块不受影响",
                "This module is not affected",
            )
        if one.lower is not None and one.upper is not None and one.lower > one.upper:
            raise invalid(
                f"criteria.{place}.upper", "below_lower", "上限小于下限", "The upper is below the lower limit"
            )


async def _next_number(tx: Tx) -> str:
    """ECN-2026-F0001: the F keeps the form's numbers apart from the PLM's."""
    year = tx.now.year
    count = await tx.raw.fetchval("select nextval('form_numbers')")
    return f"ECN-{year}-F{count:04d}"
