"""Items, their released bills, and where each is used."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json

from bihuan_chassis import Transaction
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from changes.domain.structure import Item, Line, Step, Structure

_LINES = TypeAdapter(tuple[BomLine, ...])
_KINDS = {one.value: one for one in ItemKind}
_SAVE_STRUCTURE = """
with released as materialized (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                         $8::text[], $9::uuid[])
        with ordinality as one (item, name, kind, version, released_at, lines, parts, variant_of, change, place)),
versions as (
    insert into bom_versions (item, version, lines, released_at, change)
    select item, version, lines::jsonb, released_at, change from released
    on conflict (item, version) do nothing)
insert into items (item, name, kind, variant_of, version, released_at, parts)
select item, name, kind, variant_of, version, released_at, parts::jsonb from released where place <= $10
on conflict (item) do update set name = excluded.name, kind = excluded.kind, variant_of = excluded.variant_of,
    version = excluded.version, released_at = excluded.released_at, parts = coalesce(excluded.parts, items.parts)
where items.released_at <= excluded.released_at
"""
"""Two rows a release. JSON travels as text: asyncpg would call Python for each element of a jsonb[]. An array that is
shorter than the others ends in nulls."""


async def save_structure(tx: Transaction, releases: Sequence[BomReleased], changes: Sequence[UUID | None]) -> None:
    """Enter released bills: items with their parts, and their versions. The newest release of an item wins."""
    change_of: dict[int, UUID | None] = dict(zip(map(id, releases), changes, strict=True))
    in_time = sorted(releases, key=_released_at)
    newest = {release.item: release for release in in_time}
    older = {
        (release.item, release.version): release
        for release in in_time
        if release.version != newest[release.item].version
    }
    found = [*newest.values(), *older.values()]
    variants, of_change = [one.variant_of for one in found], [change_of[id(one)] for one in found]
    await tx.raw.execute(
        _SAVE_STRUCTURE,
        [one.item for one in found], [one.name for one in found], [one.kind for one in found],
        [one.version for one in found], [one.released_at for one in found],
        [None if one.lines is None else _LINES.dump_json(one.lines).decode() for one in found],
        [None if one.lines is None else to_json(parts_of(one)).decode() for one in found],
        variants if any(variants) else [], of_change if any(of_change) else [], len(newest),
    )  # fmt: skip


_released_at = attrgetter("released_at")


def parts_of(release: BomReleased) -> dict[str, str]:
    """How the bill names each part, in words that step_of() reads; a part counts more than a stand-in."""
    parts: dict[str, str] = {}
    for line in release.lines or ():
        inherited = " inherited" if line.inherited else ""
        for substitute in line.substitutes:
            _add(parts, substitute, f"substitute{inherited}")
        _add(parts, line.item, f"used{inherited}{' allow_variants' if line.allow_variants else ''}")
    return parts


def _add(parts: dict[str, str], part: str, how: str) -> None:
    """Several lines of one bill may name the same part: then all that they say holds."""
    if part in parts:
        said = {*parts[part].split(), *how.split()}
        by = "used" if "used" in said else "substitute"
        how = " ".join([by, *sorted(said - {"used", "substitute"})])
    parts[part] = how


def step_of(parent: str, how: str) -> Step:
    return Step(parent, *_said(how))


@cache
def _said(how: str) -> tuple[str, bool, bool]:
    by, *flags = how.split()
    return by, "inherited" in flags, "allow_variants" in flags


async def load_lines(tx: Transaction, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Line, ...]]:
    """As load_bills(), as domain values."""
    return {pair: tuple(map(line_of, bill)) for pair, bill in (await load_bills(tx, wanted)).items()}


async def load_bills(tx: Transaction, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[BomLine, ...]]:
    """The bills of these items and versions; one that is not known is missing from the answer."""
    pairs = list(dict.fromkeys(wanted))
    rows = await tx.raw.fetch(
        "select item, version, lines from bom_versions join unnest($1::text[], $2::text[]) as wanted(i, v)"
        " on item = i and version = v where lines is not null",
        [item for item, _ in pairs], [version for _, version in pairs],
    )  # fmt: skip
    return {(row["item"], row["version"]): _LINES.validate_python(row["lines"]) for row in rows}


async def versions_on_record(tx: Transaction, wanted: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these items and versions have been released."""
    pairs = list(dict.fromkeys(wanted))
    rows = await tx.raw.fetch(
        "select item, version from bom_versions join unnest($1::text[], $2::text[]) as wanted(i, v)"
        " on item = i and version = v",
        [item for item, _ in pairs], [version for _, version in pairs],
    )  # fmt: skip
    return {(row["item"], row["version"]) for row in rows}


def line_of(line: BomLine) -> Line:
    return Line(
        line.item, line.name, line.quantity, line.kind, line.reference, line.substitutes, line.optional,
        line.inherited, line.allow_variants,
    )  # fmt: skip


_USED_IN = "select child, parent, how, name, kind, variant_of, version from used_in($1::text[])"
_OWN_OR_VARIANTS = (
    "select item, name, kind, variant_of, version"
    " from items_or_variants($1::text[], array(select json_array_elements_text($2::json)))"
)
_ABOVE = "select child, parent from uses_above($1::text[], false)"
"""Functions of the database, planned at each call (migrations 0014 and 0018). A cycle ends by itself."""


async def load_structure(tx: Transaction, starts: Iterable[str]) -> Structure:
    """Everything that may lie above these items, families of variants included; where_used() is exact."""
    parents: dict[str, list[Step]] = {}
    items: dict[str, Item] = {}
    loaded: set[str] = set()
    wanted = given = set(starts)
    while wanted:
        # Mostly once: again only for variants and templates that the way up has met.
        rows = await tx.raw.fetch(_USED_IN, list(wanted))
        for child in {row[0] for row in rows}:
            parents[child] = []
        met = wanted | {row[1] for row in rows}
        asked = asyncio.create_task(tx.raw.fetch(_OWN_OR_VARIANTS, list(wanted), as_json(met - loaded)))
        await asyncio.sleep(0)  # meanwhile the database looks
        for child, parent, how, name, kind, variant_of, version in rows:
            parents[child].append(step_of(parent, how))
            if parent not in items:
                items[parent] = Item(parent, name, _KINDS[kind], variant_of, version)
        found = await asked
        items |= {row[0]: _item(*row) for row in found}
        loaded |= met
        family = {row[0] for row in found}
        family |= {template for item in met | family if item in items and (template := items[item].variant_of)}
        wanted = family - loaded
    unreleased = [one for one in given if one in parents and one not in items]
    return Structure({**items, **(await _named_in_bills(tx, unreleased) if unreleased else {})}, parents)


def as_json(names: Iterable[str]) -> str:
    """Thousands of names as one text: asyncpg would call Python for each element of an array."""
    return to_json([*names]).decode()


async def load_uses_above(tx: Transaction, starts: Iterable[str]) -> dict[str, set[str]]:
    """Parents by child, of everything above these items, by their bills alone: substitutes contain nothing."""
    found: dict[str, set[str]] = {}
    for child, parent in await tx.raw.fetch(_ABOVE, list(starts)):
        found.setdefault(child, set()).add(parent)
    return found


async def _named_in_bills(tx: Transaction, parts: Sequence[str]) -> dict[str, Item]:
    """Parts without a release of their own, as the bills that use them call them."""
    rows = await tx.raw.fetch(
        "select distinct on (part) part as item, coalesce(nullif(line->>'name', ''), part) as name,"
        " coalesce(line->>'kind', 'part') as kind, null as variant_of, null as version"
        " from unnest($1::text[]) as part join items on items.parts ? part"
        " join bom_versions using (item, version) cross join jsonb_array_elements(bom_versions.lines) as line"
        " where line->>'item' = part order by part, bom_versions.released_at desc",
        list(parts),
    )
    return {row[0]: _item(*row) for row in rows}


async def load_items(tx: Transaction, names: Iterable[str]) -> dict[str, Item]:
    rows = await tx.raw.fetch(
        "select item, name, kind, variant_of, version from items where item = any($1::text[])", list(names)
    )
    return {row[0]: _item(*row) for row in rows}


def _item(item: str, name: str, kind: str, variant_of: str | None, version: str | None) -> Item:
    return Item(item, name, _KINDS[kind], variant_of, version)


async def find_modules(tx: Transaction, query: str | None, limit: int) -> list[Any]:
    """Modules, assemblies and products with a released version, for the form and the search."""
    found: list[Any] = await tx.raw.fetch(
        "select item, name, kind, version from items where version is not null"
        " and ($1::text is null or item ilike '%' || $1 || '%' or name ilike '%' || $1 || '%')"
        " order by kind <> 'module', item limit $2",
        query, limit,
    )  # fmt: skip
    return found
