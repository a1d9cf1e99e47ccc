"""The technical document of a project: a section for each module, brought to the new version by each change (C11)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from bihuan_contracts.changes import ChangeOrderChanged, Difference, DifferenceKind

INTRODUCTION = "-"
"""Stands for a module in the section that is about none."""
_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Section:
    """One section in one version of the document; `version` is the document's version in which it was written."""

    module: str
    title: str
    body: str
    item_version: str | None
    version: int
    by: str | None = None
    change: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines that two versions share, or that only one of them has."""

    kind: str
    """same, removed, added."""
    text: str


def after_change(section: Section | None, order: ChangeOrderChanged, at: datetime) -> tuple[str, str]:
    """Title and body of the module's section once the change has taken effect: what changed stands on top."""
    body = section.body if section else ""
    title = section.title if section else order.item_name
    note = "\n".join(_note(order, at))
    return title, f"{note}\n\n{body}".rstrip()[:_LONGEST]


def _note(order: ChangeOrderChanged, at: datetime) -> Iterator[str]:
    versions = f"{order.base_version} → {order.new_version}" if order.base_version else order.new_version
    yield f"### {versions}（{order.number}，{at.date().isoformat()}）"
    yield ""
    if order.reason:
        yield _plain(order.reason)
        yield ""
    for one in order.differences:
        yield f"- {_words(one)}"


def _plain(text: str) -> str:
    """A change's words are no Markdown of ours: their signs are shown as they are."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|~" else sign for sign in " ".join(text.split()))


def _words(one: Difference) -> str:
    name = f"{_plain(one.name)} `{one.item}`"
    match one.kind:
        case DifferenceKind.ADDED:
            return f"新增 {name} ×{_number(one.new_quantity)}"
        case DifferenceKind.REMOVED:
            return f"取消 {name}"
        case DifferenceKind.REPLACED:
            return f"换型 {name} → `{one.replaced_by}` ×{_number(one.new_quantity)}"
        case DifferenceKind.QUANTITY:
            return f"数量 {name} ×{_number(one.old_quantity)} → ×{_number(one.new_quantity)}"
        case _:
            return f"标记 {name}"


def _number(value: object) -> str:
    text = f"{value}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def pieces(old: str, new: str) -> tuple[Piece, ...]:
    """The difference by lines, in reading order; a changed line is what it was, then what it is."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Piece("same", "\n".join(before[a:b])))
            continue
        if b > a:
            found.append(Piece("removed", "\n".join(before[a:b])))
        if d > c:
            found.append(Piece("added", "\n".join(after[c:d])))
    return tuple(found)
