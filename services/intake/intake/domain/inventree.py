"""InvenTree: a before and after of parts and BOM items becomes a release for each assembly that changed (I2)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

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


class Snapshot(BaseModel):
    """All parts and lines as they were at one moment."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parts: dict[int, Part]
    bom: dict[str, BomItem]
    """Lines by InvenTree's key."""


class BomChange(BaseModel):
    """Two states of the same bills: two snapshots, or one list of parts with the lines before and after."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parts: dict[int, Part] = {}
    bom_before: dict[str, BomItem] = {}
    bom_after: dict[str, BomItem] | None = None
    before: Snapshot | None = None
    after: Snapshot | None = None
    change: str | None = Field(default=None, min_length=1, max_length=60)
    """Number of the change order, where the sender has one."""
    revision: int = Field(default=1, ge=1)
    released_at: AwareDatetime | None = None
    released_by: str | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _has_an_after(self) -> "BomChange":
        if self.after is None and self.bom_after is None:
            raise ValueError("either `after`, or `parts` with `bom_after`, is required")
        return self

    def states(self) -> tuple[Snapshot, Snapshot]:
        """Before and after."""
        if self.after is not None:
            return self.before or Snapshot(parts={}, bom={}), self.after
        return Snapshot(parts=self.parts, bom=self.bom_before), Snapshot(parts=self.parts, bom=self.bom_after or {})

    @property
    def has_revisions(self) -> bool:
        """Only snapshots know the revision of a part on both sides."""
        return self.after is not None


class RevisionNotRaisedError(Exception):
    """A bill changed under the same revision."""

    def __init__(self, part: int) -> None:
        super().__init__("the bill of materials changed but the revision of its part did not")
        self.field = f"after.parts.{part}.revision"


def releases(change: BomChange, now: datetime) -> list[BomReleased]:
    """The structure as it was, and a change for each assembly that differs.

    A version is the part's revision; where InvenTree has none, it is the fingerprint of the bill: the same bill is the
    same version. Raises RevisionNotRaisedError.
    """
    before, after = change.states()
    old, new = _by_assembly(before.bom.values()), _by_assembly(after.bom.values())
    found: list[BomReleased] = []
    for assembly in sorted(old.keys() | new.keys()):
        if assembly in old and assembly in before.parts:
            found.append(_release(change, before, assembly, old[assembly], base=None, at=change.released_at or now))
        if old.get(assembly, ()) == new.get(assembly, ()) or assembly not in after.parts:
            continue
        base = _version(change, before, assembly, old[assembly]) if assembly in old else None
        release = _release(change, after, assembly, new.get(assembly, ()), base=base, at=change.released_at or now)
        if release.version == base:
            raise RevisionNotRaisedError(assembly)
        found.append(release)
    return found


def event_id(release: BomReleased, change: BomChange) -> str:
    """The same step of the same bill is the same event, however often it is sent; a date given makes it another."""
    at = change.released_at.isoformat() if change.released_at and release.base_version is not None else ""
    return (
        f"{release.item}@{release.base_version or ''}>{release.version}#{release.change or ''}.{release.revision}{at}"
    )


def _version(change: BomChange, state: Snapshot, assembly: int, items: Sequence[BomItem]) -> str:
    part = state.parts.get(assembly)
    revision = part.revision if part is not None and change.has_revisions else None
    return revision or fingerprint(items)


def _by_assembly(items: Iterable[BomItem]) -> dict[int, tuple[BomItem, ...]]:
    found: dict[int, list[BomItem]] = {}
    for item in items:
        found.setdefault(item.part, []).append(item)
    return {part: tuple(sorted(listed, key=lambda item: item.model_dump_json())) for part, listed in found.items()}


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
    change: BomChange, state: Snapshot, assembly: int, items: Sequence[BomItem], *, base: str | None, at: datetime
) -> BomReleased:
    part, item = state.parts[assembly], item_name(assembly, state.parts)
    version = _version(change, state, assembly, items)
    return BomReleased(
        item=item,
        name=part.name,
        kind=ItemKind.PRODUCT if part.salable else ItemKind.MODULE,
        variant_of=item_name(part.variant_of, state.parts) if part.variant_of is not None else None,
        base_version=base,
        version=version,
        change=_number(change, item, base, version) if base is not None else None,
        revision=change.revision if base is not None else 1,
        reason=change.reason,
        released_by=change.released_by,
        released_at=at,
        lines=tuple(_line(item, state.parts) for item in items),
    )


def _number(change: BomChange, item: str, base: str, version: str) -> str:
    """The sender's number with the assembly, else one that is the same whenever the same step is sent."""
    if change.change:
        return f"{change.change}-{item}"
    at = change.released_at.isoformat() if change.released_at else ""
    return f"INV-{item}-{sha256(f'{base}>{version}{at}'.encode()).hexdigest()[:8]}"


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
