"""Product structure: modules for the form and the search, and where an item is used."""

from typing import Annotated

from fastapi import Query

from bihuan_chassis.http import EVERYONE, NotFound, Reply, Tx, allow, router
from bihuan_contracts.plm import ItemKind
from changes import store
from changes.domain.structure import where_used

routes = router(tags=["changes"])


class ModuleReply(Reply):
    item: str
    name: str
    kind: ItemKind
    version: str | None


class ModuleList(Reply):
    modules: list[ModuleReply]


class UsedIn(Reply):
    item: str
    name: str
    kind: ItemKind
    depth: int
    path: list[str]


class WhereUsed(Reply):
    item: str
    used_in: list[UsedIn]


@routes.get("/modules", dependencies=[allow(EVERYONE)])
async def list_modules(tx: Tx, q: Annotated[str | None, Query(max_length=100)] = None) -> ModuleList:
    rows = await store.find_modules(tx, q, 200)
    return ModuleList(
        modules=[
            ModuleReply(item=r["item"], name=r["name"], kind=ItemKind(r["kind"]), version=r["version"]) for r in rows
        ]
    )


@routes.get("/items/{item}/where-used", dependencies=[allow(EVERYONE)])
async def read_where_used(item: str, tx: Tx) -> WhereUsed:
    structure = await store.load_structure(tx, [item])
    if item not in structure.items and item not in structure.parents:
        raise NotFound()
    return WhereUsed(
        item=item,
        used_in=[
            UsedIn(
                item=reached.item, name=structure.name(reached.item), kind=structure.kind(reached.item),
                depth=reached.depth, path=list(reached.path),
            )
            for reached in where_used(structure, item)
            if reached.depth > 0
        ],
    )  # fmt: skip
