"""Goals that reach no deliverable of this week, for their owners and leads (G4)."""

from datetime import datetime
from uuid import UUID

from bihuan_chassis.http import EVERYONE, Caller, NotFound, Reply, Tx, allow, router
from goals import gap_store, store, tree_store
from goals.domain.gaps import GapReason, reach_of

routes = router(tags=["gaps"])


class GapReply(Reply):
    project: UUID
    project_name: str
    goal: UUID
    goal_title: str
    reason: GapReason
    owner: str
    owner_name: str
    task: UUID | None
    code: str | None
    title: str | None
    next_at: datetime | None
    """Where something comes later: when."""


class Gaps(Reply):
    goals: int
    """Active goals that are not finished."""
    reached: int
    """Those with a deliverable due this week or overdue."""
    gaps: list[GapReply]


@routes.get("/gaps", dependencies=[allow(EVERYONE)])
async def list_gaps(tx: Tx, caller: Caller, project: UUID | None = None) -> Gaps:
    """Of one project; else those that the caller owns, or that are in projects they lead."""
    wanted = [project] if project else await gap_store.projects_around(tx, caller.id)
    trees = await tree_store.load_trees(tx, wanted, lock=False)
    if project and project not in trees:
        raise NotFound()
    found = [(tree, reach_of(tree, tx.now)) for tree in trees.values()]
    mine = [
        (tree, gap)
        for tree, reach in found
        for gap in reach.gaps
        if project is not None or caller.id in {gap.owner, tree.project.lead}
    ]
    names = await store.names(tx, [gap.owner for _, gap in mine])
    return Gaps(
        goals=sum(reach.goals for _, reach in found), reached=sum(reach.reached for _, reach in found),
        gaps=[
            GapReply(
                project=tree.project.project, project_name=tree.project.name, goal=gap.goal, goal_title=gap.goal_title,
                reason=gap.reason, owner=gap.owner, owner_name=names.get(gap.owner, gap.owner),
                task=gap.task.task if gap.task else None, code=gap.task.code if gap.task else None,
                title=gap.task.title if gap.task else None, next_at=gap.next_at,
            )
            for tree, gap in mine
        ],
    )  # fmt: skip
