"""Product structure: how two bills of materials differ, and where an item is used (C3)."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from bihuan_contracts.changes import Difference, DifferenceKind
from bihuan_contracts.plm import ItemKind


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill of materials."""

    item: str
    name: str
    quantity: Decimal
    kind: ItemKind = ItemKind.PART
    reference: str | None = None
    substitutes: tuple[str, ...] = ()
    optional: bool = False
    inherited: bool = False
    allow_variants: bool = False

    @property
    def flags(self) -> dict[str, object]:
        return {
            "reference": self.reference,
            "substitutes": tuple(sorted(self.substitutes)),
            "optional": self.optional,
            "inherited": self.inherited,
            "allow_variants": self.allow_variants,
        }


class Item(NamedTuple):
    item: str
    name: str
    kind: ItemKind
    variant_of: str | None = None
    version: str | None = None


class Step(NamedTuple):
    """One way from a child up to a parent: how the parent's bill names the child."""

    parent: str
    by: str
    """used or substitute."""
    inherited: bool = False
    """The line is also part of every variant of the parent."""
    allow_variants: bool = False
    """A variant of the child may be fitted instead."""


@dataclass(frozen=True)
class Structure:
    """The part of the product structure that a set of changes can reach."""

    items: Mapping[str, Item] = field(default_factory=dict)
    parents: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    _reached: dict[str, list["Reached"]] = field(init=False, default_factory=dict, repr=False, compare=False)
    """What has been asked before: several rules go up from the same item."""

    def name(self, item: str) -> str:
        found = self.items.get(item)
        return found.name if found else item

    def kind(self, item: str) -> ItemKind:
        found = self.items.get(item)
        return found.kind if found else ItemKind.UNKNOWN

    def template(self, item: str) -> str | None:
        found = self.items.get(item)
        return found.variant_of if found else None

    @cached_property
    def variants(self) -> Mapping[str, Sequence[str]]:
        """By what they are a variant of."""
        found: dict[str, list[str]] = {}
        for item in self.items.values():
            if item.variant_of is not None:
                found.setdefault(item.variant_of, []).append(item.item)
        return found


class Reached(NamedTuple):
    """An item that a change reaches: by which path, and how many levels up. Depth 0 is the changed item itself."""

    item: str
    depth: int
    path: tuple[str, ...]


def where_used(structure: Structure, start: str) -> list[Reached]:
    """Everything above `start`, each item once by its shortest path, nearest first; cycles end by themselves.

    Above an item are the bills that name it or take it as a substitute, the bills that take any variant of what it
    is a variant of, and the variants that inherit such a line. The variants of the changed item itself are too.
    """
    if start not in structure._reached:
        structure._reached[start] = _where_used(structure, start)
    return structure._reached[start]


def _where_used(structure: Structure, start: str) -> list[Reached]:
    variants = structure.variants
    reached = {start: Reached(start, 0, (start,))}
    waiting = deque(reached.values())
    while waiting:
        item, depth, path = waiting.popleft()
        found = {parent for parent in _parents(structure, variants, item) if parent not in reached}
        if depth == 0:
            found |= {one for one in _all_variants(variants, start) if one not in reached}
        for parent in sorted(found):
            one = reached[parent] = Reached(parent, depth + 1, (*path, parent))
            waiting.append(one)
    return list(reached.values())


def _all_variants(variants: Mapping[str, Sequence[str]], template: str) -> set[str]:
    found: set[str] = set()
    waiting = list(variants.get(template, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += variants.get(one, ())
    return found


def _parents(structure: Structure, variants: Mapping[str, Sequence[str]], item: str) -> Iterable[str]:
    steps = structure.parents.get(item, ())
    if not variants:
        return [step.parent for step in steps]
    return _with_families(structure, variants, item, [*steps])


def _with_families(
    structure: Structure, variants: Mapping[str, Sequence[str]], item: str, steps: list[Step]
) -> Iterator[str]:
    seen = {item}
    template = structure.template(item)
    while template is not None and template not in seen:
        seen.add(template)
        steps += [step for step in structure.parents.get(template, ()) if step.allow_variants and step.by == "used"]
        template = structure.template(template)
    for step in steps:
        yield step.parent
        if step.inherited:
            yield from _all_variants(variants, step.parent)


def first_inside_itself(parents: Mapping[str, Iterable[str]], item: str, children: Sequence[str]) -> int | None:
    """Place of the first child that `item` is a part of already, so that it would contain itself; None when fine."""
    above = {item}
    waiting = [item]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in above:
                above.add(parent)
                waiting.append(parent)
    return next((place for place, child in enumerate(children) if child in above), None)


def differences(base: Sequence[Line], new: Sequence[Line]) -> tuple[Difference, ...]:
    """What a reader calls the difference of two bills: added, removed, replaced, quantity, or only flags.

    Lines with the same item are compared together, since position and order mean nothing to them. An item
    that took the place (reference) of another one is a replacement, as is one removed where one was added.
    """
    before, after = _by_item(base), _by_item(new)
    removed = [item for item in before if item not in after]
    added = [item for item in after if item not in before]
    found: list[Difference] = []
    for old, by in _replacements([before[item] for item in removed], [after[item] for item in added]):
        removed.remove(old.item)
        added.remove(by.item)
        found.append(
            Difference(
                kind=DifferenceKind.REPLACED, item=old.item, name=old.name, replaced_by=by.item,
                old_quantity=old.quantity, new_quantity=by.quantity,
            )
        )  # fmt: skip
    found += [_one(DifferenceKind.REMOVED, before[item], before[item].quantity, None) for item in removed]
    found += [_one(DifferenceKind.ADDED, after[item], None, after[item].quantity) for item in added]
    found += _changed(before, after)
    return tuple(sorted(found, key=lambda one: (_ORDER[one.kind], one.item)))


_ORDER = {kind: place for place, kind in enumerate(DifferenceKind)}


def _by_item(lines: Iterable[Line]) -> dict[str, Line]:
    merged: dict[str, Line] = {}
    for line in lines:
        known = merged.get(line.item)
        merged[line.item] = line if known is None else _together(known, line)
    return merged


def _together(one: Line, other: Line) -> Line:
    references = ",".join(sorted({text for text in (one.reference, other.reference) if text}))
    return Line(
        one.item, one.name, one.quantity + other.quantity, one.kind, references or None,
        tuple(sorted({*one.substitutes, *other.substitutes})), one.optional and other.optional,
        one.inherited or other.inherited, one.allow_variants or other.allow_variants,
    )  # fmt: skip


def _replacements(removed: Sequence[Line], added: Sequence[Line]) -> list[tuple[Line, Line]]:
    """Pairs by the same position; one removed and one added line without positions are a pair too."""
    by_place = {line.reference: line for line in added if line.reference}
    pairs = [(line, by_place[line.reference]) for line in removed if line.reference in by_place]
    unplaced = [line for line in removed if not line.reference], [line for line in added if not line.reference]
    if not pairs and len(unplaced[0]) == len(unplaced[1]) == 1:
        pairs.append((unplaced[0][0], unplaced[1][0]))
    taken: set[str] = set()
    return [pair for pair in pairs if not (pair[1].item in taken or taken.add(pair[1].item))]  # type: ignore[func-returns-value]


def _changed(before: Mapping[str, Line], after: Mapping[str, Line]) -> list[Difference]:
    found = []
    for item in before.keys() & after.keys():
        old, new = before[item], after[item]
        flags = tuple(name for name, value in old.flags.items() if new.flags[name] != value)
        if old.quantity != new.quantity:
            found.append(_one(DifferenceKind.QUANTITY, new, old.quantity, new.quantity, flags))
        elif flags:
            found.append(_one(DifferenceKind.FLAGS, new, old.quantity, new.quantity, flags))
    return found


def _one(
    kind: DifferenceKind, line: Line, old: Decimal | None, new: Decimal | None, flags: tuple[str, ...] = ()
) -> Difference:
    return Difference(kind=kind, item=line.item, name=line.name, old_quantity=old, new_quantity=new, flags=flags)


def only_flags(found: Sequence[Difference]) -> bool:
    """Whether nothing physical changed: positions, options and substitutes only."""
    return bool(found) and all(one.kind is DifferenceKind.FLAGS for one in found)
