"""Evidence of an appeal that the system does not have: files until it is frozen, then the bundle (C9)."""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import Response, UploadFile

from bihuan_chassis.files import hand_out, take
from bihuan_chassis.http import EVERYONE, Caller, Conflict, NotFound, Tx, allow, invalid, router
from bihuan_contracts import Text
from changes import appeal_store, appeals
from changes.api.access import consent_step
from changes.api.appeal_replies import AppealReply, appeal_reply, visible_appeal
from changes.domain import appeal as rules
from changes.domain import bundle

routes = router(tags=["appeals"])


@routes.post("/appeals/{appeal}/files", status_code=201, dependencies=[allow(EVERYONE)])
async def add_file(appeal: UUID, file: UploadFile, tx: Tx, caller: Caller) -> AppealReply:
    """Evidence that the system does not have: both sides and the handler add it until everything is frozen."""
    found = await visible_appeal(tx, appeal, caller)
    consent_step(lambda: rules.may_speak(found, caller.id))
    taken = await take(file, used=await appeal_store.used_bytes(tx, caller.id))
    known = await appeal_store.files(tx, appeal)
    if len(known) >= rules.MOST_FILES or sum(one["size"] for one in known) + len(taken.content) > rules.MOST_FILE_BYTES:
        raise invalid(
            "file", "too_many", "一件申诉最多 20 个文件、共 100 MB", "An appeal takes 20 files, 100 MB in all"
        )
    await appeal_store.add_file(tx, appeal, taken, caller.id)
    await appeal_store.note(tx, appeal, "attached", caller.id, taken.name)
    appeals.touch(tx, found)
    return await appeal_reply(tx, found, caller)


@routes.get("/appeals/{appeal}/files/{file}", dependencies=[allow(EVERYONE)])
async def read_file(appeal: UUID, file: UUID, tx: Tx, caller: Caller) -> Response:
    """For those who see the appeal; only images are shown in the page, all else is a download."""
    await visible_appeal(tx, appeal, caller)
    found = await _file(tx, appeal, file)
    return hand_out(found["name"], found["media_type"], found["content"])


@routes.delete("/appeals/{appeal}/files/{file}", dependencies=[allow(EVERYONE)])
async def remove_file(appeal: UUID, file: UUID, tx: Tx, caller: Caller) -> AppealReply:
    """By who has added it, until the evidence is frozen; that it was there stays on the file."""
    found = await visible_appeal(tx, appeal, caller)
    known = await _file(tx, appeal, file)
    consent_step(lambda: rules.may_remove(found, caller.id, known["person"]))
    await appeal_store.remove_file(tx, appeal, file)
    await appeal_store.note(tx, appeal, "removed", caller.id, known["name"])
    appeals.touch(tx, found)
    return await appeal_reply(tx, found, caller)


@routes.get("/appeals/{appeal}/bundle", dependencies=[allow(EVERYONE)])
async def download_bundle(appeal: UUID, tx: Tx, caller: Caller) -> Response:
    """The frozen evidence as a ZIP file with a manifest of hashes."""
    found = await visible_appeal(tx, appeal, caller)
    items = await appeal_store.evidence(tx, appeal)
    if found.digest is None:
        raise Conflict("not_frozen", Text(zh="证据还没有封存", en="The evidence is not frozen yet"))
    if await asyncio.to_thread(bundle.digest, items) != found.digest:
        raise Conflict("tampered", Text(zh="证据与封存时不一致", en="The evidence differs from what was frozen"))
    headers = {"Content-Disposition": f'attachment; filename="{found.number}.zip"'}
    return Response(await asyncio.to_thread(bundle.archive, items), media_type="application/zip", headers=headers)


async def _file(tx: Tx, appeal: UUID, file: UUID) -> Any:
    found = await appeal_store.file(tx, appeal, file)
    if found is None:
        raise NotFound()
    return found
