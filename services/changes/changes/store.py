"""Tables of changes, and functions between rows and domain values. Everything works on sets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_contracts.changes import ChangeOrderChanged, ImpactRow
from bihuan_contracts.goals import ProjectChanged, TaskChanged
from bihuan_contracts.hr import PersonChanged
from bihuan_contracts.plm import BomLine, BomReleased, ItemKind
from changes.domain.impact import Person, Project, Task, World
from changes.domain.orders import Known
from changes.domain.rules import RuleTable
from changes.domain.structure import Item, Line, Step, Structure

_LINES = TypeAdapter(tuple[BomLine, ...])
_DEFAULT_TABLE = json.loads(files("changes").joinpath("rules/default.json").read_text(encoding="utf-8"))


# ── product structure ───────────────────────────────────────────────────────────────────────────────────────────────


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
    insert into uses (child, parent, by) select * from unnest($13::text[], $14::text[], $15::text[])
    on conflict (child, parent) do update set by = excluded.by where uses.by <> excluded.by),
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
    uses, children = _uses(billed)
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
        list(uses.values()), list(children), [line.name or line.item for line in children.values()],
        [str(line.kind) for line in children.values()],
    )  # fmt: skip


def _uses(releases: Iterable[BomReleased]) -> tuple[dict[tuple[str, str], str], dict[str, BomLine]]:
    """Edges (child, parent) with how the parent uses the child, and the lines that name the children."""
    uses: dict[tuple[str, str], str] = {}
    children: dict[str, BomLine] = {}
    for release in releases:
        if release.variant_of:
            uses[release.variant_of, release.item] = "variant"
        for line in release.lines or ():
            for substitute in line.substitutes:
                uses.setdefault((substitute, release.item), "substitute")
            uses[line.item, release.item] = "used"
            children[line.item] = line
    return uses, children


async def load_lines(tx: Transaction, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[Line, ...]]:
    """The bills of these items and versions; one that is not known is missing from the answer."""
    pairs = list(dict.fromkeys(wanted))
    rows = await tx.raw.fetch(
        "select item, version, lines from bom_versions join unnest($1::text[], $2::text[]) as wanted(i, v)"
        " on item = i and version = v where lines is not null",
        [item for item, _ in pairs], [version for _, version in pairs],
    )  # fmt: skip
    return {(row["item"], row["version"]): tuple(map(line_of, _LINES.validate_python(row["lines"]))) for row in rows}


def line_of(line: BomLine) -> Line:
    return Line(
        line.item, line.name, line.quantity, line.kind, line.reference, line.substitutes, line.optional,
        line.inherited, line.allow_variants,
    )  # fmt: skip


async def load_structure(tx: Transaction, starts: Iterable[str]) -> Structure:
    """Everything above these items. UNION, not UNION ALL: a cycle ends by itself."""
    rows = await tx.raw.fetch(
        "with recursive above (child, parent, by) as ("
        " select null::text, start, null::text from unnest($1::text[]) as start"
        " union select uses.child, uses.parent, uses.by from uses join above on uses.child = above.parent)"
        " select above.*, items.* from above left join items on items.item = above.parent",
        list(starts),
    )
    parents: dict[str, list[Step]] = {}
    for row in rows:
        if row["child"] is not None:
            parents.setdefault(row["child"], []).append(Step(row["parent"], row["by"]))
    return Structure({row["item"]: _item(row) for row in rows if row["item"] is not None}, parents)


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


# ── projections ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def save_tasks(tx: Transaction, tasks: Sequence[TaskChanged]) -> list[UUID]:
    """Keep the highest version of each task; returns those that are new in this version."""
    newest = {task.task: task for task in sorted(tasks, key=lambda task: task.version)}.values()
    rows = await tx.raw.fetch(
        "insert into tasks (task, code, title, kind, state, owner, module, item_version, project, retest_change,"
        " due_at, planned_hours, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::uuid[], $10::uuid[], $11::timestamptz[], $12::numeric[], $13::int[])"
        " on conflict (task) do update set code = excluded.code, title = excluded.title, kind = excluded.kind,"
        " state = excluded.state, owner = excluded.owner, module = excluded.module,"
        " item_version = excluded.item_version, project = excluded.project, retest_change = excluded.retest_change,"
        " due_at = excluded.due_at, planned_hours = excluded.planned_hours,"
        " version = excluded.version where tasks.version < excluded.version returning task",
        [task.task for task in newest], [task.code for task in newest], [task.title for task in newest],
        [str(task.kind) for task in newest], [str(task.state) for task in newest], [task.owner for task in newest],
        [task.module for task in newest], [task.item_version for task in newest], [task.project for task in newest],
        [task.retest.change if task.retest else None for task in newest], [task.due_at for task in newest],
        [task.planned_hours for task in newest], [task.version for task in newest],
    )  # fmt: skip
    return [row["task"] for row in rows]


async def save_projects(tx: Transaction, projects: Sequence[ProjectChanged]) -> None:
    newest = {one.project: one for one in sorted(projects, key=lambda one: one.version)}.values()
    await tx.raw.execute(
        "insert into projects (project, code, name, product, lead, phase, customer, state, version)"
        " select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],"
        "  $8::text[], $9::int[])"
        " on conflict (project) do update set code = excluded.code, name = excluded.name, product = excluded.product,"
        " lead = excluded.lead, phase = excluded.phase, customer = excluded.customer, state = excluded.state,"
        " version = excluded.version where projects.version < excluded.version",
        [one.project for one in newest], [one.code for one in newest], [one.name for one in newest],
        [one.product for one in newest], [one.lead for one in newest], [one.phase for one in newest],
        [one.customer for one in newest], [str(one.state) for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = list({one.person: one for one in sorted(people, key=lambda one: one.version)}.values())
    # Arrays of arrays must be rectangular for unnest, so these two columns travel as JSON.
    await tx.raw.execute(
        "insert into people (person, name, department, roles, modules, manager, active, version)"
        " select p, n, d, array(select jsonb_array_elements_text(r)), array(select jsonb_array_elements_text(m)),"
        "  g, a, v from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[],"
        "  $7::boolean[], $8::int[]) as new(p, n, d, r, m, g, a, v)"
        " on conflict (person) do update set name = excluded.name, department = excluded.department,"
        " roles = excluded.roles, modules = excluded.modules, manager = excluded.manager, active = excluded.active,"
        " version = excluded.version where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.department for one in newest],
        [json.dumps(one.roles) for one in newest], [json.dumps(one.modules) for one in newest],
        [one.manager for one in newest], [one.active for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def load_world(tx: Transaction, structure: Structure, modules: Iterable[str]) -> World:
    """Tasks on these modules, their projects, and everybody who may be concerned."""
    names = list(modules)
    rows = await tx.raw.fetch(
        "select tasks.*, projects.name, projects.lead, projects.product, projects.phase, projects.customer"
        " from tasks left join projects using (project)"
        " where module = any($1::text[]) and tasks.state not in ('cancelled', 'superseded')",
        names,
    )
    tasks = [task_of(row) for row in rows]
    projects = {row["project"]: _project(row) for row in rows if row["lead"] is not None}
    wanted = {task.owner for task in tasks if task.owner} | {project.lead for project in projects.values()}
    people = await tx.raw.fetch(
        "select person, name, roles, modules from people where active and (person = any($1::text[])"
        " or modules && $2::text[])",
        list(wanted), names,
    )  # fmt: skip
    known = {
        row["person"]: Person(row["person"], row["name"], frozenset(row["roles"]), frozenset(row["modules"]))
        for row in people
    }
    return World(structure, tasks, projects, known)


def task_of(row: Any) -> Task:
    return Task(
        row["task"], row["code"], row["title"], row["kind"], row["state"], row["owner"], row["module"],
        row["item_version"], row["project"], row["due_at"], row["planned_hours"],
    )  # fmt: skip


def _project(row: Any) -> Project:
    return Project(
        row["project"], row["name"], row["lead"], row["product"], row["phase"] or "", row["customer"] or ""
    )  # fmt: skip


async def tasks_on_outdated_versions(tx: Transaction, tasks: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Applied changes whose base version these open tasks still work on, without a row of theirs (C3)."""
    rows = await tx.raw.fetch(
        "select orders.change, tasks.task from tasks join change_orders as orders"
        " on orders.item = tasks.module and orders.base_version = tasks.item_version and orders.applied_at is not null"
        " where tasks.task = any($1::uuid[]) and tasks.state in ('draft', 'active') and tasks.kind <> 'retest'"
        " and orders.state in ('released', 'closed')"
        " and not exists (select from impact_rows where impact_rows.task = tasks.task"
        "                 and impact_rows.change = orders.change)",
        list(tasks),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row["change"], []).append(row["task"])
    return found


async def changes_with_all_retests_done(tx: Transaction, tasks: Sequence[UUID]) -> list[UUID]:
    """Released changes that these tasks retest and of which no retest is open any more (C10)."""
    rows = await tx.raw.fetch(
        "select distinct orders.change from change_orders as orders"
        " where orders.state = 'released' and orders.applied_at is not null and orders.change in"
        "  (select retest_change from tasks where task = any($1::uuid[]) and retest_change is not null)"
        " and not exists (select from tasks where retest_change = orders.change"
        "                 and state not in ('done', 'cancelled', 'superseded'))"
        # every retest that the impact asked for must have become a card already
        " and (select count(*) from impact_rows where impact_rows.change = orders.change and action = 'retest')"
        "     <= (select count(*) from tasks where retest_change = orders.change)",
        list(tasks),
    )
    return [row["change"] for row in rows]


# ── change orders and impact ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StoredOrder:
    order: ChangeOrderChanged
    release: BomReleased
    blocked_by: str | None
    impact_version: int


async def load_known(tx: Transaction, releases: Sequence[BomReleased], numbers: Sequence[str]) -> dict[str, Known]:
    """By change number: the newest revision on record and the current version of the item."""
    rows = await tx.raw.fetch(
        "select wanted.number, newest.revision, newest.new_version, items.version"
        " from unnest($1::text[], $2::text[]) as wanted (number, item) left join items on items.item = wanted.item"
        " left join lateral (select revision, new_version from change_orders where change_orders.number = wanted.number"
        "  order by revision desc limit 1) as newest on true",
        list(numbers), [release.item for release in releases],
    )  # fmt: skip
    return {
        row["number"]: Known(
            row["revision"],
            row["version"],
            row["revision"] is not None and row["version"] is not None and row["new_version"] == row["version"],
        )
        for row in rows
    }


async def blocking_change(tx: Transaction, item: str) -> str | None:
    """Number of the change that made the item's current version."""
    found: str | None = await tx.raw.fetchval(
        "select number from change_orders where item = $1 and applied_at is not null order by applied_at desc limit 1",
        item,
    )
    return found


async def save_orders(tx: Transaction, orders: Sequence[StoredOrder]) -> None:
    """Enter or update change orders as announced."""
    if not orders:
        return
    await tx.raw.executemany(
        "insert into change_orders (change, number, revision, state, item, base_version, new_version, source, release,"
        " orders, blocked_by, released_at, received_at, applied_at, closed_at, version, impact_version)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        " on conflict (change) do update set state = excluded.state, orders = excluded.orders,"
        " blocked_by = excluded.blocked_by, applied_at = excluded.applied_at, closed_at = excluded.closed_at,"
        " version = excluded.version, impact_version = excluded.impact_version",
        [
            (
                one.order.change, one.order.number, one.order.revision, str(one.order.state), one.order.item,
                one.order.base_version, one.order.new_version, one.order.source, one.release.model_dump_json(),
                one.order.model_dump_json(), one.blocked_by, one.order.released_at, one.order.received_at,
                one.order.applied_at, one.order.closed_at, one.order.version, one.impact_version,
            )
            for one in orders
        ],
    )  # fmt: skip


async def load_orders(tx: Transaction, changes: Iterable[UUID]) -> dict[UUID, StoredOrder]:
    rows = await tx.raw.fetch(
        "select * from change_orders where change = any($1::uuid[]) order by change for update", list(changes)
    )
    return {row["change"]: order_of(row) for row in rows}


async def older_revisions(tx: Transaction, numbers: Sequence[str]) -> dict[str, list[StoredOrder]]:
    """Units of these change orders that are in force; a newer revision will supersede them."""
    rows = await tx.raw.fetch(
        "select * from change_orders where number = any($1::text[]) and state in ('released', 'review', 'closed')"
        " order by revision for update",
        list(numbers),
    )
    found: dict[str, list[StoredOrder]] = {}
    for row in rows:
        found.setdefault(row["number"], []).append(order_of(row))
    return found


def order_of(row: Any) -> StoredOrder:
    return StoredOrder(
        ChangeOrderChanged.model_validate(row["orders"]),
        BomReleased.model_validate(row["release"]),
        row["blocked_by"],
        row["impact_version"],
    )


async def save_rows(tx: Transaction, rows: Mapping[UUID, Sequence[ImpactRow]]) -> None:
    """Impact rows of changes; one that is there already stays as it was."""
    flat = [(change, place, row) for change, listed in rows.items() for place, row in enumerate(listed)]
    if not flat:
        return
    await tx.raw.execute(
        "insert into impact_rows (row, change, position, task, person, action, body)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::jsonb[])"
        " on conflict (row) do nothing",
        [row.row for _, _, row in flat], [change for change, _, _ in flat], [place for _, place, _ in flat],
        [row.task for _, _, row in flat], [row.person for _, _, row in flat],
        [str(row.action) for _, _, row in flat],
        [row.__pydantic_serializer__.to_json(row).decode() for _, _, row in flat],
    )  # fmt: skip


async def load_rows(tx: Transaction, change: UUID) -> tuple[ImpactRow, ...]:
    rows = await tx.raw.fetch("select body from impact_rows where change = $1 order by position, row", change)
    return tuple(ImpactRow.model_validate(row["body"]) for row in rows)


async def find_orders(
    tx: Transaction, *, state: str | None, item: str | None, query: str | None, limit: int
) -> list[StoredOrder]:
    rows = await tx.raw.fetch(
        "select * from change_orders where ($1::text is null or state = $1) and ($2::text is null or item = $2)"
        " and ($3::text is null or number ilike '%' || $3 || '%' or orders->>'item_name' ilike '%' || $3 || '%'"
        "  or orders->>'reason' ilike '%' || $3 || '%' or item ilike '%' || $3 || '%')"
        " order by released_at desc limit $4",
        state, item, query, limit,
    )  # fmt: skip
    return [order_of(row) for row in rows]


async def find_order(tx: Transaction, change: UUID) -> StoredOrder | None:
    row = await tx.raw.fetchrow("select * from change_orders where change = $1", change)
    return order_of(row) if row else None


async def count_affected(tx: Transaction, changes: Sequence[UUID]) -> dict[UUID, int]:
    rows = await tx.raw.fetch(
        "select change, count(distinct person) as people from impact_rows where change = any($1::uuid[])"
        " group by change",
        list(changes),
    )
    return {row["change"]: row["people"] for row in rows}


async def people_names(tx: Transaction, people: Iterable[str]) -> dict[str, str]:
    rows = await tx.raw.fetch("select person, name from people where person = any($1::text[])", list(people))
    return {row["person"]: row["name"] for row in rows}


# ── rules ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_tables: dict[tuple[str, int], RuleTable] = {}


async def rules_in_force(tx: Transaction, at: datetime) -> RuleTable:
    """The newest version of the default table that is effective; the one in the package until somebody edits it."""
    version: int | None = await tx.raw.fetchval(
        "select max(version) from rule_tables where name = 'default' and effective_from <= $1", at
    )
    # A version never changes, so its compiled form is kept.
    if ("default", version or 1) not in _tables:
        model = _DEFAULT_TABLE if version is None else await _model(tx, version)
        _tables["default", version or 1] = RuleTable("default", version or 1, model)
    return _tables["default", version or 1]


async def _model(tx: Transaction, version: int) -> Any:
    return await tx.raw.fetchval("select model from rule_tables where name = 'default' and version = $1", version)
