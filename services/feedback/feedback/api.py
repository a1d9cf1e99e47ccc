"""HTTP endpoints of feedback: answers on retest cards, their documents and files (F1, F7)."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, UploadFile
from pydantic import Field, field_validator

from bihuan_chassis import Live
from bihuan_chassis.files import hand_out, shown_inline, take
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
    router,
)
from bihuan_contracts import Text
from bihuan_contracts.feedback import CardAnswer, CardAnswered, FileAttached
from bihuan_contracts.notify import NoticeRequested
from feedback import store
from feedback.handlers import MATERIAL_DUE

routes = router(tags=["feedback"])
_MATERIAL_WITHIN = timedelta(hours=24)
_OVER = {"done", "cancelled", "superseded"}
_ORDER_OVER = {"closed", "cancelled", "superseded"}


class AnswerIn(Body):
    answer: CardAnswer
    comment: Annotated[str | None, Field(max_length=2000)] = None

    @field_validator("answer")
    @classmethod
    def _known(cls, value: CardAnswer) -> CardAnswer:
        if value is CardAnswer.UNKNOWN:
            raise ValueError("unknown answer")
        return value


class Answer(Reply):
    version: int
    person: str
    person_name: str | None
    answer: CardAnswer
    comment: str | None
    at: datetime


class Answers(Reply):
    """Newest first; `may_answer` is whether the caller owns the open card."""

    answers: list[Answer]
    may_answer: bool
    document: UUID | None


class DocumentIn(Body):
    body: Annotated[str, Field(max_length=100_000)]
    version: int
    """The version that the writer started from; 0 for the first one."""


class DocumentVersion(Reply):
    version: int
    body: str
    person: str
    person_name: str | None
    at: datetime


class Document(Reply):
    document: UUID | None
    version: int
    body: str
    people: list[str]
    """Names of those it is for."""
    versions: list[DocumentVersion]


class Attachment(Reply):
    id: UUID
    name: str
    media_type: str
    size: int
    inline: bool
    person: str
    person_name: str | None
    at: datetime


class Attachments(Reply):
    attachments: list[Attachment]


@routes.get("/cards/{task}/answers", dependencies=[allow(EVERYONE)])
async def read_answers(task: UUID, tx: Tx, caller: Caller) -> Answers:
    card = await _card(tx, task)
    return await _answers(tx, card, caller)


@routes.post("/cards/{task}/answers", dependencies=[allow(EVERYONE)])
async def answer_card(task: UUID, body: AnswerIn, tx: Tx, caller: Caller) -> Answers:
    """The owner answers; another answer later replaces it until the card is done, and all are kept."""
    card = await _card(tx, task, lock=True)
    if not card["retest"]:
        raise Conflict("no_retest_card", Text(zh="这不是重测卡", en="This is not a retest card"))
    if card["owner"] != caller.id:
        raise Forbidden(text=Text(zh="只有卡片负责人可以答复", en="Only the card's owner may answer"))
    if card["state"] in _OVER:
        raise Conflict("card_closed", Text(zh="卡片已经结束", en="The card is closed already"))
    known = await store.answers(tx, task)
    version = (known[0]["version"] if known else 0) + 1
    await store.save_answer(tx, task, version, caller.id, str(body.answer), body.comment)
    document = await _follow_up(tx, card, body.answer, caller)
    tx.announce(
        CardAnswered(
            task=task, change=card["change"], person=caller.id, answer=body.answer, document=document,
            attachments=len(await store.attachments(tx, task)), at=tx.now, version=version,
        )
    )  # fmt: skip
    return await _answers(tx, card, caller)


async def _follow_up(tx: Tx, card: Any, answer: CardAnswer, caller: Caller) -> UUID | None:
    """Each answer has its own way on, with its own clock."""
    tx.cancel_timer(MATERIAL_DUE, str(card["task"]))
    if answer is CardAnswer.NEEDS_MATERIAL:
        tx.set_timer(MATERIAL_DUE, str(card["task"]), tx.now + _MATERIAL_WITHIN)
        _tell(
            tx, card, caller, "material_needed", must_confirm=True,
            title=Text(zh=f"{card['code']} 需补充资料", en=f"{card['code']} needs more material"),
        )  # fmt: skip
    if answer is CardAnswer.MISUNDERSTANDING:
        known = await store.document(tx, card["task"])
        document: UUID = known["document"] if known else tx.new_id()
        if known is None:
            body = f"# {card['title']}\n\n{card['change_number']}：{card['module']} {card['new_version']}\n\n"
            await store.save_document(tx, card["task"], 1, document, body, caller.id)
        _tell(
            tx, card, caller, "misunderstanding", must_confirm=False,
            title=Text(zh=f"{card['code']} 存在理解偏差，请一起对齐", en=f"{card['code']} needs aligning"),
        )  # fmt: skip
        return document
    return None


def _tell(tx: Tx, card: Any, caller: Caller, kind: str, *, title: Text, must_confirm: bool) -> None:
    """The change's author and the project lead."""
    for person in sorted({card["released_by"], card["lead"]} - {None, caller.id}):
        tx.announce(
            NoticeRequested(
                person=person, kind=kind, dedupe=f"{kind}:{card['task']}", title=title,
                body=Text(zh=card["title"], en=card["title"]), link=f"/tasks/{card['task']}",
                must_confirm=must_confirm, mentioned_by=caller.id, change=card["change"], at=tx.now,
            )
        )  # fmt: skip


@routes.get("/cards/{task}/document", dependencies=[allow(EVERYONE)])
async def read_document(task: UUID, tx: Tx) -> Document:
    return await _document(tx, await _card(tx, task))


@routes.put("/cards/{task}/document", dependencies=[allow(EVERYONE)])
async def write_document(task: UUID, body: DocumentIn, tx: Tx, caller: Caller) -> Document:
    """Write the next version; one that started from an older version is refused with the newest."""
    card = await _card(tx, task, lock=True)
    involved = {card["owner"], card["lead"], card["released_by"]}
    if caller.id not in involved and not caller.has(Role.PROCESS_OWNER, Role.ADMINISTRATOR):
        raise Forbidden(text=Text(zh="只有相关人员可以编辑", en="Only those involved may edit"))
    known = await store.document(tx, task)
    current = known["version"] if known else 0
    if body.version != current:
        raise Conflict("stale", current=await _document(tx, card))
    document = known["document"] if known else tx.new_id()
    await store.save_document(tx, task, current + 1, document, body.body, caller.id)
    tx.live(Live("document", str(task)))
    return await _document(tx, card)


@routes.get("/cards/{task}/attachments", dependencies=[allow(EVERYONE)])
async def list_attachments(task: UUID, tx: Tx) -> Attachments:
    await _card(tx, task)
    return await _attachments(tx, task)


@routes.post("/cards/{task}/attachments", status_code=201, dependencies=[allow(EVERYONE)])
async def upload_attachment(
    task: UUID, file: UploadFile, tx: Tx, caller: Caller, criterion: UUID | None = None
) -> Attachments:
    """Add a file to a task or card; `criterion` is what it is evidence for, where the uploader says so (G5)."""
    card = await _card(tx, task, lock=True)
    taken = await take(file, used=await store.used_bytes(tx, caller.id))
    id = tx.new_id()
    await store.save_attachment(tx, taken, id=id, task=task, person=caller.id)
    tx.announce(
        FileAttached(
            attachment=id, task=task, name=taken.name, media_type=taken.media_type, size=len(taken.content),
            digest=sha256(taken.content).hexdigest(), criterion=criterion, person=caller.id, at=tx.now,
        )
    )  # fmt: skip
    tx.cancel_timer(MATERIAL_DUE, str(card["task"]))
    return await _attachments(tx, task)


@routes.get("/attachments/{id}", dependencies=[allow(EVERYONE)])
async def download_attachment(id: UUID, tx: Tx) -> Response:
    """The file itself. Only images are shown in the page, all else is a download."""
    row = await store.attachment(tx, id)
    if row is None:
        raise NotFound()
    return hand_out(row["name"], row["media_type"], row["content"])


@routes.get("/changes/{change}/attachments", dependencies=[allow(EVERYONE)])
async def list_change_files(change: UUID, tx: Tx) -> Attachments:
    """The files of a change order (C2)."""
    return await _listed(tx, await store.attachments_of_change(tx, change))


@routes.post("/changes/{change}/attachments", status_code=201, dependencies=[allow(EVERYONE)])
async def upload_change_file(change: UUID, file: UploadFile, tx: Tx, caller: Caller) -> Attachments:
    """Add a file to a change order, by its author while its content is open."""
    await _open_order(tx, change, caller)
    taken = await take(file, used=await store.used_bytes(tx, caller.id))
    await store.save_attachment(tx, taken, id=tx.new_id(), change=change, person=caller.id)
    return await _listed(tx, await store.attachments_of_change(tx, change))


@routes.delete("/changes/{change}/attachments/{id}", dependencies=[allow(EVERYONE)])
async def remove_change_file(change: UUID, id: UUID, tx: Tx, caller: Caller) -> Attachments:
    """Take a file away again while the order is a draft: what others have looked at stays."""
    order = await _open_order(tx, change, caller)
    if order["state"] != "draft":
        raise Conflict("content_locked", Text(zh="只有草稿的附件可以删除", en="Only a draft's files can be removed"))
    if not await store.remove_attachment(tx, change, id):
        raise NotFound()
    return await _listed(tx, await store.attachments_of_change(tx, change))


async def _open_order(tx: Tx, change: UUID, caller: Any) -> Any:
    order = await store.lock_order(tx, change)
    if order is None:
        raise NotFound()
    mine = caller.id in {order["author"], order["released_by"]}
    if not mine and not caller.has(Role.PROCESS_OWNER, Role.ADMINISTRATOR):
        raise Forbidden(text=Text(zh="只有变更的作者可以加附件", en="Only the author of the change may add files"))
    if order["state"] in _ORDER_OVER:
        raise Conflict("content_locked", Text(zh="变更已经结束，内容已锁定", en="The change is over: it is locked"))
    return order


async def _card(tx: Tx, task: UUID, *, lock: bool = False) -> Any:
    card = await store.find_card(tx, task, lock=lock)
    if card is None:
        raise NotFound()
    return card


async def _answers(tx: Tx, card: Any, caller: Caller) -> Answers:
    rows = await store.answers(tx, card["task"])
    names = await store.names(tx, [row["person"] for row in rows])
    known = await store.document(tx, card["task"])
    return Answers(
        answers=[
            Answer(
                version=row["version"], person=row["person"], person_name=names.get(row["person"]),
                answer=CardAnswer(row["answer"]), comment=row["comment"], at=row["at"],
            )
            for row in rows
        ],
        may_answer=card["retest"] and card["owner"] == caller.id and card["state"] not in _OVER,
        document=known["document"] if known else None,
    )  # fmt: skip


async def _document(tx: Tx, card: Any) -> Document:
    versions = await store.document_versions(tx, card["task"])
    involved = [person for person in dict.fromkeys((card["owner"], card["lead"], card["released_by"])) if person]
    names = await store.names(tx, [*involved, *(row["person"] for row in versions)])
    newest = versions[0] if versions else None
    return Document(
        document=newest["document"] if newest else None,
        version=newest["version"] if newest else 0,
        body=newest["body"] if newest else "",
        people=[names.get(person, person) for person in involved],
        versions=[
            DocumentVersion(
                version=row["version"], body=row["body"], person=row["person"],
                person_name=names.get(row["person"]), at=row["at"],
            )
            for row in versions
        ],
    )  # fmt: skip


async def _attachments(tx: Tx, task: UUID) -> Attachments:
    return await _listed(tx, await store.attachments(tx, task))


async def _listed(tx: Tx, rows: list[Any]) -> Attachments:
    names = await store.names(tx, [row["person"] for row in rows])
    return Attachments(
        attachments=[
            Attachment(
                id=row["id"], name=row["name"], media_type=row["media_type"], size=row["size"],
                inline=shown_inline(row["media_type"]), person=row["person"], person_name=names.get(row["person"]),
                at=row["at"],
            )
            for row in rows
        ]
    )  # fmt: skip
