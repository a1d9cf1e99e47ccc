"""Items, their released bills, and where each is used."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from changes.domain.structure import Item, Line, Step, Structure

_LINES = TypeAdapter(tuple[BomLine, ...])
_SAVE_STRUCTURE = """
with versions as (
    insert into bom_versions (item, version, lines, released_at, change)
    select * from unnest($7::text[], $8::text[], $9::jsonb[], $10::timestamptz[], $11::uuid[])
    on conflict (item, version) do nothing),
gone as (
    delete from uses using unnest($12::text[]) as released(parent) where uses.parent = released.parent
    and not exists (select from unnest($13::text[], $14::text[]) as kept(child, parent)
                    where kept.child = uses.child and kept.parent = uses.parent)),
kept as (
    insert into uses (child, parent, by, inherited, allow_variants)
    select * from unnest($13::text[], $14::text[], $15::text[], $19::boolean[], $20::boolean[])
    on conflict (child, parent) do update set by = excluded.by, inherited = excluded.inherited,
        allow_variants = excluded.allow_variants
    where (uses.by, uses.inherited, uses.allow_variants)
        is distinct from (excluded.by, excluded.inherited, excluded.allow_variants)),
named as (
    insert into items (item, name, kind) select * from unnest($16::text[], $17::text[], $18::text[])
    on conflict (item) do nothing)
insert into items (item, name, kind, variant_of, version, released_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
on conflict (item) do update set name = excluded.name, kind = excluded.kind, variant_of = excluded.variant_of,
    version = excluded.version, released_at = excluded.released_at
where items.released_at is null or items.released_at <= excluded.released_at
"""
"""One statement, because its parts touch different rows: only edges that a new bill no longer has are removed, and
`named` leaves out the released items."""


async def save_structure(tx: Transaction, releases: Sequence[BomReleased], changes: Sequence[UUID | None]) -> None:
    """Enter released bills: items, their versions, and where they use what. The newest release of an item wins."""
    newest = {release.item: release for release in sorted(releases, key=lambda release: release.released_at)}
    versions = {
        (release.item, release.version): (release, change) for release, change in zip(releases, changes, strict=True)
    }
    billed = [release for release in newest.values() if release.lines is not None]
    uses, children = uses_of(billed)
    children = {item: line for item, line in children.items() if item not in newest}
    await tx.raw.execute(
        _SAVE_STRUCTURE,
        [one.item for one in newest.values()], [one.name for one in newest.values()],
        [str(one.kind) for one in newest.values()], [one.variant_of for one in newest.values()],
        [one.version for one in newest.values()], [one.released_at for one in newest.values()],
        [release.item for release, _ in versions.values()], [release.version for release, _ in versions.values()],
        [
            _LINES.dump_json(release.lines).decode() if release.lines is not None else None
            for release, _ in versions.values()
        ],
        [release.released_at for release, _ in versions.values()], [change for _, change in versions.values()],
        [release.item for release in billed], [child for child, _ in uses], [parent for _, parent in uses],
        [use.by for use in uses.values()], list(children), [line.name or line.item for line in children.values()],
        [str(line.kind) for line in children.values()], [use.inherited for use in uses.values()],
        [use.allow_variants for use in uses.values()],
    )  # fmt: skip


def uses_of(releases: Iterable[BomReleased]) -> tuple[dict[tuple[str, str], Step], dict[str, BomLine]]:
    """How each parent uses each child (by child and parent), and the lines that name the children."""
    uses: dict[tuple[str, str], Step] = {}
    children: dict[str, BomLine] = {}
    for release in releases:
        for line in release.lines or ():
            for substitute in line.substitutes:
                _use(uses, substitute, Step(release.item, "substitute", line.inherited))
            _use(uses, line.item, Step(release.item, "used", line.inherited, line.allow_variants))
            children[line.item] = line
    return uses, children


def _use(uses: dict[tuple[str, str], Step], child: str, step: Step) -> None:
    """Several lines of one bill may name the same item: being a part counts more than standing in for one."""
    known = uses.get((child, step.parent))
    if known is not None:
        by = "used" if "used" in {known.by, step.by} else step.by
        step = Step(step.parent, by, known.inherited or step.inherited, known.allow_variants or step.allow_variants)
    uses[child, step.parent] = step


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


_ABOVE = """
with recursive above (child, parent, by, inherited, allow_variants) as (
    select child, parent, by, inherited, allow_variants from uses where child = any($1::text[])
    union
    select uses.child, uses.parent, uses.by, uses.inherited, uses.allow_variants
    from uses join above on uses.child = above.parent)
select * from above
"""
"""UNION, not UNION ALL: a cycle ends by itself."""


async def load_structure(tx: Transaction, starts: Iterable[str]) -> Structure:
    """Everything that may lie above these items, families of variants included; where_used() is exact."""
    parents: dict[str, list[Step]] = {}
    items: dict[str, Item] = {}
    loaded: set[str] = set()
    wanted = set(starts)
    while wanted:
        # Mostly once: again only for variants and templates that the way up has met.
        rows = await tx.raw.fetch(_ABOVE, list(wanted))
        for child in {row[0] for row in rows}:
            parents[child] = []
        for child, parent, by, inherited, allow_variants in rows:
            parents[child].append(Step(parent, by, inherited, allow_variants))
        fresh = wanted | {row[1] for row in rows}
        found = await tx.raw.fetch(
            "select * from items where item = any($1::text[]) or variant_of = any($1::text[])", list(fresh - loaded)
        )
        items |= {row["item"]: _item(row) for row in found}
        loaded |= fresh
        family = {row["item"] for row in found} | {row["variant_of"] for row in found if row["variant_of"]}
        wanted = family - loaded
    return Structure(items, parents)


async def load_uses_above(tx: Transaction, starts: Iterable[str]) -> dict[str, set[str]]:
    """Parents by child, of everything above these items, by their bills alone: substitutes contain nothing."""
    rows = await tx.raw.fetch(
        "with recursive above (child, parent) as ("
        " select child, parent from uses where by = 'used' and child = any($1::text[])"
        " union select uses.child, uses.parent from uses join above on uses.child = above.parent and uses.by = 'used')"
        " select child, parent from above",
        list(starts),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["child"], set()).add(row["parent"])
    return found


async def load_items(tx: Transaction, names: Iterable[str]) -> dict[str, Item]:
    rows = await tx.raw.fetch("select * from items where item = any($1::text[])", list(names))
    return {row["item"]: _item(row) for row in rows}


def _item(row: Any) -> Item:
    return Item(row["item"], row["name"], ItemKind(row["kind"]), row["variant_of"], row["version"])


async def find_modules(tx: Transaction, query: str | None, limit: int) -> list[Any]:
    """Modules, assemblies and products with a released version, for the form and the search."""
    found: list[Any] = await tx.raw.fetch(
        "select item, name, kind, version from items where version is not null"
        " and ($1::text is null or item ilike '%' || $1 || '%' or name ilike '%' || $1 || '%')"
        " order by kind <> 'module', item limit $2",
        query, limit,
    )  # fmt: skip
    return found
