"""Differences and where-used against an independent reading of the same bills: random ones, and InvenTree's own (C3)."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan_contracts.changes import Difference, DifferenceKind
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from changes.domain.structure import (
    Item,
    Line,
    Structure,
    differences,
    first_inside_itself,
    only_flags,
    where_used,
)
from changes.store.structure import line_of, parts_of, step_of

ITEMS = [f"I{n}" for n in range(9)]
Bills = dict[str, list[BomLine]]
Templates = dict[str, str]


# ── the oracle: a bill is read as it is written, no edges, no search ────────────────────────────────────────────────


def templates_of(item: str, templates: Templates) -> list[str]:
    found: list[str] = []
    while item in templates and templates[item] not in found:
        item = templates[item]
        found.append(item)
    return found


def effective(parent: str, bills: Bills, templates: Templates) -> list[BomLine]:
    """Its own lines, and what it inherits."""
    inherited = [line for up in templates_of(parent, templates) for line in bills.get(up, []) if line.inherited]
    return [*bills.get(parent, []), *inherited]


def contains(parent: str, item: str, bills: Bills, templates: Templates) -> bool:
    return any(
        line.item == item
        or item in line.substitutes
        or (line.allow_variants and line.item in templates_of(item, templates))
        for line in effective(parent, bills, templates)
    )


def above(start: str, bills: Bills, templates: Templates) -> dict[str, int]:
    """Levels up of everything above `start`: parent by parent until nothing is added."""
    depths = {start: 0}
    for level in range(1, len(ITEMS) + 1):
        below = [item for item, depth in depths.items() if depth == level - 1]
        found = {p for p in ITEMS if p not in depths and any(contains(p, one, bills, templates) for one in below)}
        if level == 1:
            found |= {v for v in ITEMS if v not in depths and start in templates_of(v, templates)}
        depths |= dict.fromkeys(found, level)
    return depths


# ── random structures, circles and all ──────────────────────────────────────────────────────────────────────────────

items = st.sampled_from(ITEMS)
lines = st.builds(
    BomLine,
    item=items,
    name=st.just("x"),
    quantity=st.integers(1, 4).map(Decimal),
    reference=st.none() | st.sampled_from("ABC"),
    substitutes=st.lists(items, max_size=2).map(tuple),
    inherited=st.booleans(),
    allow_variants=st.booleans(),
)
bills = st.dictionaries(items, st.lists(lines, max_size=4), max_size=len(ITEMS))
templates = st.dictionaries(items, items, max_size=5).map(
    lambda found: {one: up for one, up in found.items() if one > up}
)


def structure_of(bills: Bills, templates: Templates) -> Structure:
    releases = [
        BomReleased(item=item, name=item, version="1", lines=tuple(found), released_at="2026-01-01T00:00:00Z")
        for item, found in bills.items()
    ]
    parents: dict[str, list[Any]] = {}
    for release in releases:
        for child, how in parts_of(release).items():
            parents.setdefault(child, []).append(step_of(release.item, how))
    return Structure({i: Item(i, i, ItemKind.PART, templates.get(i)) for i in ITEMS}, parents)


@settings(max_examples=150, deadline=None)
@given(bills, templates, items)
def test_where_used_is_what_the_bills_say(bills: Bills, templates: Templates, start: str) -> None:
    """C3: any depth, circles, substitutes, variants, inherited lines; each by a shortest path that is really there."""
    found = where_used(structure_of(bills, templates), start)
    assert {one.item: one.depth for one in found} == above(start, bills, templates)
    for one in found:
        assert (one.path[0], one.path[-1], len(one.path)) == (start, one.item, one.depth + 1)
        for child, parent in zip(one.path, one.path[1:], strict=False):
            own_variant = child == start and start in templates_of(parent, templates)
            assert contains(parent, child, bills, templates) or own_variant


@settings(max_examples=80, deadline=None)
@given(bills)
def test_a_bill_that_closes_a_circle_is_found_before_it_is_taken(bills: Bills) -> None:
    taken: Bills = {}
    parents: dict[str, set[str]] = {}
    for item, found in bills.items():
        children = [line.item for line in found]
        place = first_inside_itself(parents, item, children)
        inside = {i for i in ITEMS if _inside(i, item, taken)} | {item}
        assert (place is None) == (not inside & set(children))
        if place is None:
            taken[item] = found
            for child in children:
                parents.setdefault(child, set()).add(item)


def _inside(container: str, part: str, bills: Bills) -> bool:
    """Whether `container` has `part` somewhere below it; the bills taken so far have no circle."""
    return any(line.item == part or _inside(line.item, part, bills) for line in bills.get(container, []))


# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────────


def applied(base: list[Line], found: tuple[Difference, ...]) -> dict[str, Decimal]:
    """Quantities by item after carrying out the differences on the base."""
    after = Counter[str]()
    for line in base:
        after[line.item] += line.quantity  # type: ignore[assignment]
    for one in found:
        if one.kind in {DifferenceKind.REMOVED, DifferenceKind.REPLACED}:
            del after[one.item]
        if one.kind in {DifferenceKind.ADDED, DifferenceKind.QUANTITY}:
            after[one.item] = one.new_quantity  # type: ignore[assignment]
        if one.kind is DifferenceKind.REPLACED:
            assert one.replaced_by is not None
            after[one.replaced_by] = one.new_quantity  # type: ignore[assignment]
    return {item: Decimal(quantity) for item, quantity in after.items()}


def quantities(found: list[Line]) -> dict[str, Decimal]:
    return applied(found, ())


@settings(max_examples=120, deadline=None)
@given(st.lists(lines, max_size=6), st.lists(lines, max_size=6))
def test_differences_carried_out_on_the_base_give_the_new_bill(old: list[BomLine], new: list[BomLine]) -> None:
    base, after = [line_of(one) for one in old], [line_of(one) for one in new]
    found = differences(base, after)
    assert applied(base, found) == quantities(after)
    assert differences(base, base) == ()
    if only_flags(found):
        assert quantities(base) == quantities(after)


@pytest.mark.parametrize("number", range(4))
def test_real_edits_of_inventree_are_read_as_their_lines_say(number: int, samples: Path) -> None:
    """C3 on bills that people have edited: what is added, removed and changed, counted from the raw lines."""
    path = sorted((samples / "inventree").glob("bom-change-*.json"))[number]
    pair = json.loads(path.read_text(encoding="utf-8"))
    changed = 0
    for part in {line["part"] for state in ("bom_before", "bom_after") for line in pair[state].values()}:
        old, new = (
            [one for one in pair[state].values() if one["part"] == part] for state in ("bom_before", "bom_after")
        )
        found = differences(*([line_of(_line(one)) for one in listed] for listed in (old, new)))
        kinds = Counter(str(one.kind) for one in found)
        before, after = {one["sub_part"] for one in old}, {one["sub_part"] for one in new}
        assert kinds["added"] + kinds["replaced"] == len(after - before)
        assert kinds["removed"] + kinds["replaced"] == len(before - after)
        amounts = {
            sub
            for sub in before & after
            if sum(Decimal(o["quantity"]) for o in old if o["sub_part"] == sub)
            != sum(Decimal(n["quantity"]) for n in new if n["sub_part"] == sub)
        }
        assert kinds["quantity"] == len(amounts)
        flags = ("reference", "optional", "inherited", "allow_variants")
        others = {
            sub
            for sub in (before & after) - amounts
            if {tuple(o[f] for f in flags) for o in old if o["sub_part"] == sub}
            != {tuple(n[f] for f in flags) for n in new if n["sub_part"] == sub}
        }
        assert kinds["flags"] == len(others)
        changed += len(found)
    assert changed


def _line(raw: dict[str, Any]) -> BomLine:
    return BomLine(
        item=f"P{raw['sub_part']}", name="x", quantity=raw["quantity"], reference=raw["reference"] or None,
        optional=raw["optional"], inherited=raw["inherited"], allow_variants=raw["allow_variants"],
    )  # fmt: skip
