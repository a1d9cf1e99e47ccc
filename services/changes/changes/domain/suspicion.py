"""Suspect links: what hangs on a changed item without getting a new version itself, until somebody has looked (C3).

Two things spread from a change and are kept apart. The new version goes to the changed item and to work on it: locks,
migrations, retests. Above it nothing gets a new version by itself, but what was true of the old one may not be of the
new one: each link from the item to a module, task, criterion or document above it is in doubt until it is cleared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import NAMESPACE_URL, UUID, uuid5

from bihuan_contracts.changes import PathStep
from bihuan_contracts.plm import ItemKind
from changes.domain.impact import Change
from changes.domain.structure import where_used
from changes.domain.world import Task, World

_KINDS = {"test": "criterion", "document": "document"}
_HELD = {ItemKind.MODULE, ItemKind.PRODUCT, ItemKind.ASSEMBLY}


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One link in doubt: from `item` at its baseline to a target above it."""

    change: UUID
    item: str
    baseline: str | None
    """The version that the target was last known to be good with."""
    kind: str
    """module, task, criterion (a test), document."""
    target: str
    name: str
    task: UUID | None
    person: str | None
    """Whose it is; None: whoever reviews changes."""
    path: tuple[PathStep, ...]

    @property
    def link(self) -> UUID:
        return uuid5(NAMESPACE_URL, f"urn:bihuan:suspect:{self.item}|{self.kind}|{self.target}")


def suspicions(change: Change, world: World) -> Iterator[Suspicion]:
    """What the change puts in doubt: each module above it, and the work and results there."""
    structure = world.structure
    found = {reached.item: reached.path for reached in where_used(structure, change.item) if reached.depth}
    found |= {module: (change.item, module) for module in change.named_modules if module not in found}
    for module, items in found.items():
        if structure.kind(module) not in _HELD:
            continue
        path = world.item_steps(items)
        yield _suspicion(change, "module", module, structure.name(module), path)
        for task in world.by_module.get(module, ()):
            if task.kind != "retest" and (task.open or task.kind == "test"):
                kind = _KINDS.get(task.kind, "task")
                step = PathStep(kind="task", key=task.code, name=task.title)
                yield _suspicion(change, kind, task.code, task.title, (*path, step), task)


def _suspicion(
    change: Change, kind: str, target: str, name: str, path: tuple[PathStep, ...], task: Task | None = None
) -> Suspicion:
    return Suspicion(
        change.change, change.item, change.base_version, kind, target, name, task.task if task else None,
        task.owner if task else None, path,
    )  # fmt: skip
