"""The company's projects, and one project as a board."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from fastapi import Response
from pydantic import SecretStr

from bihuan_chassis import Transaction
from bihuan_chassis.calendar import Calendar
from bihuan_chassis.http import EVERYONE, NotFound, Reply, Tx, allow, router
from bihuan_contracts.goals import GoalState, TaskKind, TaskState
from goals import store, tree_store
from goals.api.replies import ProjectSummary, TaskReply, counts_in, counts_of, summary, task_reply
from goals.domain.roll_up import settle
from goals.domain.tree import Tree
from goals.domain.week import lateness
from goals.domain.weights import check

routes = router(tags=["goals"])


class ProjectList(Reply):
    projects: list[ProjectSummary]


class GoalReply(Reply):
    goal: UUID
    title: str
    weight: Decimal | None
    share: Decimal
    progress: Decimal | None
    owner: str | None
    owner_name: str | None
    state: GoalState
    cycle_name: str | None
    frozen: bool
    tasks: list[TaskReply]


class HeatCell(Reply):
    """On-time rate of one owner's department or module: n finished or due, percent on time (A2)."""

    node: str
    kind: TaskKind
    n: int
    on_time: Decimal | None


class ProjectBoard(Reply):
    project: ProjectSummary
    goals: list[GoalReply]
    remainder: Decimal
    """Weight that unset goals share."""
    heat: list[HeatCell]


@routes.get("/projects", dependencies=[allow(EVERYONE)])
async def list_projects(tx: Tx) -> ProjectList:
    projects = await store.all_projects(tx)
    counts = await counts_of(tx)
    names = await store.names(tx, [project.lead for project in projects])
    return ProjectList(projects=[summary(project, counts.get(project.project, {}), names) for project in projects])


@routes.get("/projects/{project}", response_model=ProjectBoard, dependencies=[allow(EVERYONE)])
async def read_project(project: UUID, tx: Tx) -> Response:
    version = await store.project_version(tx, project)
    if version is None:
        raise NotFound()
    place = (tx.settings.database, project)
    kept = _boards.get(place)
    if kept is None or kept.version != version or not timedelta(0) <= tx.now - kept.made_at <= _BOARD_KEPT:
        # Read after its version: what is kept is never older than the version that it stands under.
        board = await board_of(tx, (await tree_store.load_trees(tx, [project], lock=False))[project], tx.now)
        kept = _boards[place] = _KeptBoard(version, tx.now, board.model_dump_json().encode())
        if len(_boards) > _MOST_BOARDS:
            del _boards[next(iter(_boards))]
    return Response(kept.body, media_type="application/json")


_BOARD_KEPT = timedelta(seconds=30)
"""Lateness and planned progress move with the clock, names with the directory."""


_MOST_BOARDS = 200


@dataclass(frozen=True)
class _KeptBoard:
    """A board as it was sent: every change of a project, its tasks or locks gives the project a new version."""

    version: int
    made_at: datetime
    body: bytes


_boards: dict[tuple[SecretStr, UUID], _KeptBoard] = {}


async def board_of(tx: Transaction, tree: Tree, now: datetime) -> ProjectBoard:
    """A tree as a board, as it stands at `now`."""
    calendar = await store.calendar(tx)
    names = await store.names(tx, [tree.project.lead, *(task.owner for task in tree.tasks.values()),
                                   *(goal.owner for goal in tree.project.goals)])  # fmt: skip
    figures = settle(tree, now)
    goals = [
        GoalReply(
            goal=figure.goal.goal, title=figure.goal.title, weight=figure.goal.weight, share=figure.share,
            progress=figure.progress, owner=figure.goal.owner, owner_name=names.get(figure.goal.owner or ""),
            state=figure.goal.state, cycle_name=figure.goal.cycle_name, frozen=figure.goal.frozen,
            tasks=[
                task_reply(task, names, now, calendar)
                for task in tree.tasks.values()
                if task.goal == figure.goal.goal and task.state is not TaskState.SUPERSEDED
            ],
        )
        for figure in figures
    ]  # fmt: skip
    return ProjectBoard(
        project=summary(tree.project, counts_in(tree, now), names),
        goals=goals,
        remainder=check([goal.weight for goal in tree.project.goals if goal.counted]),
        heat=_heat(tree, now, calendar),
    )


def _heat(tree: Tree, now: datetime, calendar: Calendar) -> list[HeatCell]:
    """On-time per module and kind of work: finished in time, or not due yet, against late."""
    cells: dict[tuple[str, TaskKind], list[bool]] = {}
    for task in tree.tasks.values():
        if task.counted and task.module and task.state is not TaskState.DRAFT:
            judged = cells.setdefault((task.module, task.kind), [])
            if task.due_at is not None and (task.finished_at is not None or task.due_at < now):
                judged.append(lateness(task, now, calendar) <= 0)
    return [
        HeatCell(
            node=node, kind=kind, n=len(judged),
            on_time=(Decimal(sum(judged)) * 100 / len(judged)).quantize(Decimal("0.1")) if judged else None,
        )
        for (node, kind), judged in sorted(cells.items())
    ]  # fmt: skip
