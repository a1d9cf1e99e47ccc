"""Evidence frozen as a bundle: each item with its hash, and one hash over all of them (C9)."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

_EPOCH = (1980, 1, 1, 0, 0, 0)
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Item:
    name: str
    content: bytes
    file: UUID | None = None
    """A file that one of the sides has added; None: a record of the system."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def item_of(name: str, value: Any) -> Item:
    """A record as evidence; the same record always gives the same bytes."""
    return Item(name, json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=str).encode())


def file_name(place: int, name: str) -> str:
    """In the bundle: a folder of their own, and two files of one name stay two."""
    return f"files/{place:02d}-{name}"


def manifest(items: Sequence[Item]) -> bytes:
    listed = [{"name": item.name, "sha256": item.sha256, "bytes": len(item.content)} for item in items]
    return json.dumps({"items": listed}, ensure_ascii=False, sort_keys=True, indent=1).encode()


def digest(items: Sequence[Item]) -> str:
    """SHA-256 of the manifest, and so of everything in the bundle."""
    return hashlib.sha256(manifest(items)).hexdigest()


def archive(items: Sequence[Item]) -> bytes:
    """The bundle as a ZIP file, byte for byte the same each time."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as file:
        for item in (*items, Item(MANIFEST, manifest(items))):
            file.writestr(zipfile.ZipInfo(item.name, _EPOCH), item.content, zipfile.ZIP_DEFLATED)
    return kept.getvalue()
