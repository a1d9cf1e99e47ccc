"""Change orders: their identity, and which release of one counts (C1)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import NAMESPACE_URL, UUID, uuid5

from bihuan_contracts.plm import BomReleased


def number_of(release: BomReleased) -> str:
    """The change order's number; one is derived for upstream systems that have none."""
    return release.change or f"{release.item}@{release.version}"


def change_id(number: str, revision: int) -> UUID:
    """The same change order and revision always has the same id, so a replay meets what is already there."""
    return uuid5(NAMESPACE_URL, f"urn:bihuan:change:{number}:{revision}")


class Verdict(StrEnum):
    STRUCTURE = "structure"
    """First release of an item: builds the product structure, affects nobody."""
    APPLY = "apply"
    LATER = "later"
    """Effective at a date to come."""
    STALE_BASE = "stale_base"
    """Another change has replaced the base meanwhile: blocked until rebased."""
    OUTDATED = "outdated"
    """An older revision after a newer one, or the same again: no effect."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record when a release comes in."""

    newest_revision: int | None
    """Of the same change number."""
    current_version: str | None
    """Of the item, before this release."""
    current_is_own: bool = False
    """The current version came from an older revision of this same change order."""


NOTHING_KNOWN = Known(None, None)


def judge(release: BomReleased, known: Known, now: datetime) -> Verdict:
    """What a release means, given what is known."""
    if known.newest_revision is not None and known.newest_revision >= release.revision:
        return Verdict.OUTDATED
    if release.base_version is None and (known.current_version is None or release.change is None):
        return Verdict.STRUCTURE
    if _base_moved(release, known):
        return Verdict.STALE_BASE
    if release.effective_at is not None and release.effective_at > now:
        return Verdict.LATER
    return Verdict.APPLY


def _base_moved(release: BomReleased, known: Known) -> bool:
    return (
        release.base_version is not None
        and known.current_version is not None
        and known.current_version not in {release.base_version, release.version}
        and not known.current_is_own
    )
