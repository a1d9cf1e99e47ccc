"""InvenTree: a before and after of parts and BOM items becomes one release for each assembly that changed (I2)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, Field

from bihuan_contracts.plm import BomLine, BomReleased, ItemKind


class Part(BaseModel):
    """`part.part`, the fields that matter here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(min_length=1)
    IPN: str | None = None
    revision: str | None = None
    assembly: bool = False
    variant_of: int | None = None
    salable: bool = False


class BomItem(BaseModel):
    """`part.bomitem`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    part: int
    sub_part: int
    quantity: Decimal = Field(gt=0)
    reference: str | None = None
    optional: bool = False
    inherited: bool = False
    allow_variants: bool = False
    substitutes: tuple[int, ...] = ()


class BomChange(BaseModel):
    """Two states of the same bills of materials."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parts: dict[int, Part]
    bom_before: dict[str, BomItem] = {}
    bom_after: dict[str, BomItem]
    """Lines by InvenTree's key."""
    change: str | None = None
    """Number of the change order, where the sender has one."""
    released_at: datetime | None = None
    released_by: str | None = None
    reason: str = ""


def releases(change: BomChange, now: datetime) -> list[BomReleased]:
    """First releases of assemblies that are only there before, and a change for each that differs.

    InvenTree has no BOM versions, so a version is the fingerprint of the bill: the same bill is the same version.
    """
    before, after = _by_assembly(change.bom_before.values()), _by_assembly(change.bom_after.values())
    at = change.released_at or now
    found: list[BomReleased] = []
    for assembly in sorted(before.keys() | after.keys()):
        old, new = before.get(assembly, ()), after.get(assembly, ())
        base, version = fingerprint(old), fingerprint(new)
        if base == version or assembly not in change.parts:
            continue
        if old:
            found.append(_release(change, assembly, old, base=None, version=base, at=_earlier(at)))
        found.append(_release(change, assembly, new, base=base if old else None, version=version, at=at))
    return found


def _earlier(at: datetime) -> datetime:
    """The base is older than the change; its true date is not in the pair."""
    return datetime(2000, 1, 1, tzinfo=UTC) if at.year > 2000 else at


def _by_assembly(items: Iterable[BomItem]) -> dict[int, tuple[BomItem, ...]]:
    found: dict[int, list[BomItem]] = {}
    for item in items:
        found.setdefault(item.part, []).append(item)
    return {part: tuple(listed) for part, listed in found.items()}


def fingerprint(items: Sequence[BomItem]) -> str:
    """Twelve hexadecimal digits of the bill's content, whatever the order of its lines."""
    if not items:
        return "empty"
    lines = sorted(json.dumps(item.model_dump(mode="json"), sort_keys=True) for item in items)
    return sha256("\n".join(lines).encode()).hexdigest()[:12]


def item_name(part: int, parts: Mapping[int, Part]) -> str:
    """The internal part number, else InvenTree's key."""
    known = parts.get(part)
    return (known.IPN if known and known.IPN else None) or f"inventree-{part}"


def _release(
    change: BomChange, assembly: int, items: Sequence[BomItem], *, base: str | None, version: str, at: datetime
) -> BomReleased:
    part = change.parts[assembly]
    number = f"{change.change or 'INV'}-{item_name(assembly, change.parts)}-{version}" if base is not None else None
    return BomReleased(
        item=item_name(assembly, change.parts),
        name=part.name,
        kind=ItemKind.PRODUCT if part.salable else ItemKind.MODULE,
        variant_of=item_name(part.variant_of, change.parts) if part.variant_of is not None else None,
        base_version=base,
        version=version,
        change=number,
        reason=change.reason,
        released_by=change.released_by,
        released_at=at,
        lines=tuple(_line(item, change.parts) for item in items),
    )


def _line(item: BomItem, parts: Mapping[int, Part]) -> BomLine:
    known = parts.get(item.sub_part)
    return BomLine(
        item=item_name(item.sub_part, parts),
        name=known.name if known else "",
        quantity=item.quantity,
        kind=ItemKind.ASSEMBLY if known and known.assembly else ItemKind.PART,
        reference=item.reference or None,
        substitutes=tuple(item_name(part, parts) for part in item.substitutes),
        optional=item.optional,
        inherited=item.inherited,
        allow_variants=item.allow_variants,
    )
