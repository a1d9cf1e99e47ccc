"""Goal cycles: quarters of the company and phases of a project, and freezing them (G1, C8)."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    Forbidden,
    NotFound,
    Reply,
    Role,
    Tx,
    allow,
    invalid,
    router,
)
from bihuan_contracts import Text
from goals import cycle_store, store, tree_store
from goals.announce import save_and_announce
from goals.api.tree_replies import CycleReply, cycle_reply
from goals.domain.cycles import Cycle, CycleKind, freeze
from goals.edit_store import Edit, save_edits

routes = router(tags=["cycles"])
_COMPANY = (Role.PROCESS_OWNER, Role.HR, Role.DIRECTOR, Role.ADMINISTRATOR)


class CycleList(Reply):
    cycles: list[CycleReply]
    may_create: bool
    """Whether the caller may make and freeze the company's quarters."""


class NewCycle(Body):
    kind: CycleKind
    name: Annotated[str, Field(min_length=1, max_length=60)]
    project: UUID | None = None
    """A phase names its project."""
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class Freeze(Body):
    version: int


@routes.get("/cycles", dependencies=[allow(EVERYONE)])
async def list_cycles(tx: Tx, caller: Caller, project: UUID | None = None) -> CycleList:
    found = await cycle_store.cycles(tx, project)
    counts = await cycle_store.goals_in_cycles(tx)
    names = await store.names(tx, [one.frozen_by for one in found])
    return CycleList(
        cycles=[
            cycle_reply(one, goals=counts.get(one.cycle, 0), frozen_by_name=names.get(one.frozen_by or ""))
            for one in found
        ],
        may_create=caller.has(*_COMPANY),
    )


@routes.post("/cycles", status_code=201, dependencies=[allow(EVERYONE)])
async def create_cycle(body: NewCycle, tx: Tx, caller: Caller) -> CycleReply:
    """Quarters by process owners, HR, directors and administrators; phases also by the project's lead."""
    if (body.kind is CycleKind.PHASE) != (body.project is not None):
        raise invalid(
            "project", "kind", "阶段属于一个项目，季度属于全公司", "A phase belongs to a project, a quarter to all"
        )
    await _require_right(tx, body.project, caller)
    if body.ends_at <= body.starts_at:
        raise invalid("ends_at", "before_start", "结束不能早于开始", "The end is not after the start")
    if await cycle_store.name_taken(tx, body.name, body.project):
        raise invalid("name", "duplicate", f"已经有「{body.name}」了", f"There is a cycle “{body.name}” already")
    cycle = Cycle(tx.new_id(), body.kind, body.name, body.project, body.starts_at, body.ends_at)
    await cycle_store.save_cycle(tx, cycle)
    return cycle_reply(cycle)


@routes.post("/cycles/{cycle}/freeze", dependencies=[allow(EVERYONE)])
async def freeze_cycle(cycle: UUID, body: Freeze, tx: Tx, caller: Caller) -> CycleReply:
    """For good: from now on dates, weights and owners of its goals move by impact matrices only."""
    found = await cycle_store.find_cycle(tx, cycle)
    if found is None:
        raise NotFound()
    await _require_right(tx, found.project, caller)
    if body.version != found.version:
        raise Conflict("stale", current=cycle_reply(found))
    if found.frozen_at is not None:
        raise Conflict("frozen", Text(zh=f"{found.name} 已经冻结", en=f"{found.name} is frozen already"))
    frozen = replace(found, frozen_at=tx.now, frozen_by=caller.id, version=found.version + 1)
    await cycle_store.save_cycle(tx, frozen)
    projects = (await cycle_store.projects_in_cycles(tx, [cycle])).get(cycle, [])
    trees = await tree_store.load_trees(tx, projects)
    goals = sum(freeze(tree, cycle) for tree in trees.values())
    await save_and_announce(tx, trees.values())
    await save_edits(tx, [Edit(project, None, None, frozen.name, "cycle_frozen") for project in sorted(trees)])
    return cycle_reply(frozen, goals=goals)


async def _require_right(tx: Tx, project: UUID | None, caller: Caller) -> None:
    if caller.has(*_COMPANY):
        return
    if project is not None:
        tree = (await tree_store.load_trees(tx, [project], lock=False)).get(project)
        if tree is None:
            raise NotFound()
        if tree.project.lead == caller.id:
            return
    raise Forbidden()
