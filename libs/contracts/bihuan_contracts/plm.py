"""What the product data system says: released bills of materials (BOM)."""

from decimal import Decimal

from pydantic import AwareDatetime, Field

from bihuan_contracts.event import Choice, Event, Key, Part, Version


class ItemKind(Choice):
    PRODUCT = "product"
    MODULE = "module"
    ASSEMBLY = "assembly"
    PART = "part"
    UNKNOWN = "unknown"


class BomLine(Part):
    """One line of a bill of materials: so many of an item, or of one of its substitutes."""

    item: Key
    name: str = Field(max_length=200)
    quantity: Decimal = Field(gt=0)
    kind: ItemKind = ItemKind.PART
    version: Version | None = None
    """The revision of the child item, where the PLM pins one."""
    reference: str | None = Field(default=None, max_length=400)
    """Position on the drawing or board."""
    substitutes: tuple[Key, ...] = ()
    optional: bool = False
    inherited: bool = False
    """Also part of every variant of the parent."""
    allow_variants: bool = False
    """A variant of the item may be fitted instead."""


class NewCriterion(Part):
    """A verification criterion that the new version must meet (G7)."""

    module: Key
    text: str = Field(min_length=1, max_length=400)
    metric: str | None = Field(default=None, max_length=120)
    unit: str | None = Field(default=None, max_length=20)
    lower: Decimal | None = None
    upper: Decimal | None = None


class BomReleased(Event):
    """A bill of materials has a new released version (C1, C2, I1).

    With `base_version` None and nothing known of the item this is its first release: it builds the product
    structure and affects nobody. `lines` is the whole bill of the new version; None means that the lines are
    not known (four-field form) and only the version moves.
    """

    item: Key
    name: str = Field(min_length=1, max_length=200)
    kind: ItemKind = ItemKind.ASSEMBLY
    variant_of: Key | None = None
    base_version: Version | None = None
    version: Version
    lines: tuple[BomLine, ...] | None = None
    change: Key | None = None
    """Number of the change order (ECN), such as ECN-2026-0187. Derived from item and version when absent."""
    revision: int = Field(default=1, ge=1)
    """Revision of the change order; a newer one supersedes."""
    change_type: str = Field(default="design", max_length=40)
    """Design, supplier, process, document …: a condition of the rules."""
    reason: str = Field(default="", max_length=2000)
    modules: tuple[Key, ...] = ()
    """Modules named by the author as affected, beside those found by where-used."""
    criteria: tuple[NewCriterion, ...] = ()
    released_by: Key | None = None
    approved_by: tuple[Key, ...] = ()
    effective_at: AwareDatetime | None = None
    """None: as soon as possible."""
    expires_at: AwareDatetime | None = None
    """A deviation: at this time the base version is in force again by itself."""
    released_at: AwareDatetime
