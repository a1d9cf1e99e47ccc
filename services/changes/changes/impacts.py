"""What a change does: the structure moves, its impact is assessed and announced; previews (C2, C3)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from bihuan_chassis import Transaction, writing
from bihuan_contracts.changes import (
    ChangeOrderChanged,
    ChangeState,
    Difference,
    ImpactAssessed,
    ImpactRow,
    PathStep,
    SupplierRow,
)
from bihuan_contracts.plm import BomReleased, ItemKind
from changes import documents, opening, store, supplier_store
from changes.domain.impact import Assessment, Change, assess
from changes.domain.rules import RuleBook
from changes.domain.structure import Line, Structure, differences, where_used
from changes.domain.suppliers import OpenLine, parts_of, supplier_rows
from changes.domain.suspicion import suspicions
from changes.domain.world import World
from changes.store import StoredOrder, suspects

LATE = "late-task"
BREATH = timedelta(seconds=1)
"""The tasks of one project come in several batches, before and after the project itself: they join together."""

_TOGETHER = 50
"""So many changes are saved at once, while the next ones are assessed and put into words."""

log = structlog.get_logger()


async def apply(tx: Transaction, orders: Sequence[StoredOrder], older: dict[str, list[StoredOrder]]) -> None:
    """The change takes effect: new structure, differences, impact, and the announcement of both."""
    lines = await store.load_lines(tx, _pairs([one.order for one in orders]))
    await store.save_structure(tx, [one.release for one in orders], [one.order.change for one in orders])
    structure = await store.load_structure(
        tx, {one.order.item for one in orders} | {module for one in orders for module in one.release.modules}
    )
    reached = {one.order.change: [r.item for r in where_used(structure, one.order.item)] for one in orders}
    modules = {item for items in reached.values() for item in items} | {
        module for one in orders for module in one.release.modules
    }
    rules = await store.rules_in_force(tx, tx.now)
    world, homeless = (await load_world(tx, structure, modules, rules)).by_known_projects()
    units = [_taking_effect(one, tx.now, lines, structure, reached[one.order.change]) for one in orders]
    for one in units:
        within = {*reached[one.order.change], *one.release.modules}
        expect(tx, ((one.order.change, task.task) for task in homeless if task.module in within))
    reached_suppliers = await suppliers_of(tx, [one.order for one in units])
    superseded = _superseded(units, older)
    projects: dict[UUID, Sequence[UUID]] = {}
    rows = 0
    async with writing() as begin:
        await begin(store.save_orders(tx, superseded))
        tx.announce(*(one.order for one in superseded))
        for start in range(0, len(units), _TOGETHER):
            found: list[_Unit] = []
            for one in units[start : start + _TOGETHER]:
                previous = older.get(one.order.number, ())
                supersedes = previous[-1].order.change if previous else None
                change = as_change(one.order, one.release)
                said = assess(change, world, rules)
                tx.announce(one.order, assessed(one, said.rows, supersedes, reached_suppliers[one.order.change]))
                found.append(_Unit(one, change, said, _rows_within(tx.announced[-1].body)))
                projects[one.order.change] = documents.projects_of(said.rows)
                rows += len(said.rows)
                await asyncio.sleep(0)  # the write before this one goes on
            await begin(_save(tx, found, world))
    await documents.update(tx, units, projects)
    if superseded:
        await suspects.clear_superseded(tx, [one.order.change for one in superseded], "superseded")
        await opening.withdraw_superseded(tx, [one.order.change for one in superseded])
    log.info("change.applied", changes=len(units), rows=rows)


def _taking_effect(
    one: StoredOrder,
    now: datetime,
    lines: Mapping[tuple[str, str], tuple[Line, ...]],
    structure: Structure,
    reached: Sequence[str],
) -> StoredOrder:
    update = {
        "differences": _differences(one.release, lines),
        "applied_at": now,
        "state": ChangeState.RELEASED,
        "version": one.order.version + (1 if one.order.effective_at else 0),
        "products": tuple(item for item in reached if structure.kind(item) is ItemKind.PRODUCT),
    }
    return StoredOrder(one.order.model_copy(update=update), one.release, None, 1)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A change that is assessed and announced, to be saved."""

    stored: StoredOrder
    change: Change
    said: Assessment
    rows: str
    """JSON, in the words of the announcement."""


def _rows_within(impact: bytes) -> str:
    # No text can look like these names of fields: its quotes are written \".
    return impact[impact.index(b'"rows":') + 7 : impact.index(b',"suppliers":')].decode()


async def _save(tx: Transaction, units: Sequence[_Unit], world: World) -> None:
    await store.save_orders(tx, [one.stored for one in units])
    await store.save_rows(tx, {one.change.change: one.said.rows for one in units}, [one.rows for one in units])
    await store.save_decisions(tx, {one.change.change: one.said.decided for one in units})
    # The other thing that spreads: what lies above gets no new version, it is in doubt.
    await suspects.raise_suspicions(tx, [doubt for one in units for doubt in suspicions(one.change, world)])


async def suppliers_of(tx: Transaction, orders: Sequence[ChangeOrderChanged]) -> dict[UUID, tuple[SupplierRow, ...]]:
    """By change, the suppliers whose open orders it reaches now."""
    parts = {part for one in orders for part in parts_of(one.item, one.differences)}
    by_item: dict[str, list[OpenLine]] = {}
    for line in await supplier_store.open_lines(tx, parts):
        by_item.setdefault(line.item, []).append(line)
    return {
        one.change: tuple(
            supplier_rows(
                PathStep(kind="item", key=one.item, name=one.item_name), one.differences,
                [line for part in parts_of(one.item, one.differences) for line in by_item.get(part, ())],
            )
        )
        for one in orders
    }  # fmt: skip


def expect(tx: Transaction, pairs: Iterable[tuple[UUID, UUID]]) -> None:
    """Changes and tasks that are looked at together in a moment (changes.late)."""
    for change, task in pairs:
        tx.set_timer(LATE, f"{change}:{task}", tx.now + BREATH)


def _pairs(orders: Iterable[ChangeOrderChanged]) -> list[tuple[str, str]]:
    return [(one.item, one.base_version) for one in orders if one.base_version is not None]


def _differences(release: BomReleased, lines: Mapping[tuple[str, str], tuple[Line, ...]]) -> tuple[Difference, ...]:
    base = lines.get((release.item, release.base_version or ""))
    if base is None or release.lines is None:
        return ()  # the four-field form names no lines: the version alone moves
    return differences(base, [store.line_of(line) for line in release.lines])


def _superseded(saved: Sequence[StoredOrder], older: dict[str, list[StoredOrder]]) -> list[StoredOrder]:
    found = []
    for number in {one.order.number for one in saved}:
        for one in older.get(number, ()):
            update = {"state": ChangeState.SUPERSEDED, "version": one.order.version + 1}
            found.append(replace(one, order=one.order.model_copy(update=update)))
    return found


def as_change(order: ChangeOrderChanged, release: BomReleased) -> Change:
    return Change(
        order.change, order.number, order.revision, order.item, order.item_name, order.base_version,
        order.new_version, order.change_type, release.modules, release.criteria, order.differences,
        order.released_by, order.released_at, order.received_at, order.source, order.applied_at,
    )  # fmt: skip


def assessed(
    one: StoredOrder, rows: Sequence[ImpactRow], supersedes: UUID | None, suppliers: Sequence[SupplierRow] = ()
) -> ImpactAssessed:
    order = one.order
    assert order.applied_at is not None
    return ImpactAssessed(
        change=order.change, number=order.number, revision=order.revision, item=order.item,
        item_name=order.item_name, base_version=order.base_version, new_version=order.new_version,
        reason=order.reason, rows=tuple(rows), suppliers=tuple(suppliers), supersedes=supersedes,
        released_by=order.released_by, released_at=order.released_at, received_at=order.received_at,
        applied_at=order.applied_at,
        version=one.impact_version,
    )  # fmt: skip


async def foresee(
    tx: Transaction, order: ChangeOrderChanged, release: BomReleased
) -> tuple[ChangeOrderChanged, tuple[ImpactRow, ...]]:
    """The difference and the rows that a change would have, without doing anything (C2)."""
    lines = await store.load_lines(tx, _pairs([order]))
    structure = await store.load_structure(tx, {release.item, *release.modules})
    rules = await store.rules_in_force(tx, tx.now)
    world = await load_world(tx, structure, {*_reached(structure, release.item), *release.modules}, rules)
    order = order.model_copy(update={"differences": _differences(release, lines)})
    return order, assess(as_change(order, release), world, rules).rows


async def load_world(tx: Transaction, structure: Structure, modules: Iterable[str], rules: RuleBook) -> World:
    world = await store.load_world(tx, structure, modules)
    return await store.with_told(tx, world, rules.targets)


def _reached(structure: Structure, item: str) -> set[str]:
    return {reached.item for reached in where_used(structure, item)}
