"""Where evidence belongs that names no task: candidates for an upload, and reports in doubt (G5)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query

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
from bihuan_contracts.goals import CriterionKind
from goals import proof_store, store, tree_store
from goals.announce import save_and_announce
from goals.api.access import load_task
from goals.domain.evidence import judge, kind_of
from goals.domain.proofs import Hint, places, sure
from goals.handlers import enter

routes = router(tags=["evidence"])
_MOST = 20


class PlaceReply(Reply):
    task: UUID
    code: str
    title: str
    project: UUID
    project_name: str
    product: str
    module: str | None
    item_version: str | None
    owner: str | None
    owner_name: str | None
    criterion: UUID | None
    criterion_text: str | None
    kind: CriterionKind | None


class Places(Reply):
    """Best first; `sure` where one fits better than every other."""

    places: list[PlaceReply]
    sure: bool


class DoubtfulReport(Reply):
    id: UUID
    report: str
    title: str
    module: str
    module_version: str
    product: str | None
    tested_by: str | None
    tested_by_name: str | None
    tested_at: datetime
    candidates: list[PlaceReply]


class Doubts(Reply):
    reports: list[DoubtfulReport]


class ChosenTask(Body):
    task: UUID


Words = Annotated[str, Query(max_length=200)]


@routes.get("/evidence/places", dependencies=[allow(EVERYONE)])
async def find_places(
    tx: Tx, caller: Caller, words: Words = "", product: Words = "", module: Words = "", version: Words = ""
) -> Places:
    """Open work that a file with this name, product, module and version may be evidence for."""
    hint = Hint(product or None, module or None, version or None, words, caller.id)
    trees = await tree_store.load_trees(tx, await proof_store.projects_with_open_work(tx), lock=False)
    found = places([(task, tree.project.product) for tree in trees.values() for task in tree.tasks.values()], hint)
    shown = found[:_MOST]
    names = await store.names(tx, [place.task.owner for _, place in shown])
    replies = []
    for _, place in shown:
        project, task = trees[place.task.project].project, place.task
        replies.append(
            PlaceReply(
                task=task.task, code=task.code, title=task.title, project=project.project, project_name=project.name,
                product=project.product, module=task.module, item_version=task.item_version, owner=task.owner,
                owner_name=names.get(task.owner or ""), criterion=place.criterion.criterion,
                criterion_text=place.criterion.text, kind=kind_of(place.criterion),
            )
        )  # fmt: skip
    return Places(places=replies, sure=sure(found) is not None)


@routes.get("/evidence/reports", dependencies=[allow(EVERYONE)])
async def list_doubts(tx: Tx, caller: Caller) -> Doubts:
    """Reports that may belong to several tasks and that the caller may place."""
    rows = await proof_store.doubts_of(tx, caller.id)
    projects = await store.projects_of_tasks(tx, {task for row in rows for task in row["candidates"]})
    trees = await tree_store.load_trees(tx, projects.values(), lock=False)
    names = await store.names(
        tx, [*(row["tested_by"] for row in rows), *(t.owner for tree in trees.values() for t in tree.tasks.values())]
    )
    reports = []
    for row in rows:
        body = row["body"]
        candidates = []
        for task_id in row["candidates"]:
            if task_id in projects:
                tree = trees[projects[task_id]]
                task, project = tree.tasks[task_id], tree.project
                candidates.append(
                    PlaceReply(
                        task=task_id, code=task.code, title=task.title, project=project.project,
                        project_name=project.name, product=project.product, module=task.module,
                        item_version=task.item_version, owner=task.owner, owner_name=names.get(task.owner or ""),
                        criterion=None, criterion_text=None, kind=None,
                    )
                )  # fmt: skip
        reports.append(
            DoubtfulReport(
                id=row["id"], report=row["report"], title=body["title"], module=body["module"],
                module_version=body["module_version"], product=body["product"], tested_by=row["tested_by"],
                tested_by_name=names.get(row["tested_by"] or ""), tested_at=body["tested_at"], candidates=candidates,
            )
        )  # fmt: skip
    return Doubts(reports=reports)


@routes.post("/evidence/reports/{report}/task", dependencies=[allow(EVERYONE)])
async def choose_task(report: UUID, body: ChosenTask, tx: Tx, caller: Caller) -> Doubts:
    """Whoever sent the report, or the owner or lead of a candidate, chooses; then it is judged like any other."""
    found = await proof_store.doubt(tx, report)
    if found is None:
        raise NotFound()
    row, sent = found
    if row["settled_at"] is not None:
        raise Conflict("placed", Text(zh="这份报告已有归处", en="This report has its place already"), task=row["task"])
    if body.task not in row["candidates"]:
        raise invalid("task", "unknown", "不是候选的任务", "Not one of the candidates")
    tree, task = await load_task(tx, body.task)
    if caller.id not in {sent.tested_by, task.owner, tree.project.lead} and not caller.has(Role.ADMINISTRATOR):
        raise Forbidden()
    judgement = judge(task, sent)
    await proof_store.settle_doubt(tx, report, body.task, caller.id)
    await store.save_evidence(tx, [(report, row["received_at"], sent, judgement, "no_criterion")])
    if judgement is not None:
        await enter(tx, tree, judgement, sent)
    await save_and_announce(tx, [tree])
    return await list_doubts(tx, caller)
