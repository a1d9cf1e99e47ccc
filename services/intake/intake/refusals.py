"""Routes for the integration owner: what was refused and why, sent again after a fix or set aside (I3)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from bihuan_chassis import Live, reasons
from bihuan_chassis.http import Body, Caller, Conflict, Language, NotFound, Reply, Tx, allow, router
from bihuan_chassis.problems import in_language
from bihuan_contracts import Text
from intake import gateway, store
from intake.api import SENDERS, inventree_arrivals
from intake.domain.cloudevents import Bad, again
from intake.gateway import Arrival

routes = router(tags=["refusals"])


class RefusedState(StrEnum):
    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class RefusedReply(Reply):
    id: UUID
    connector: str
    source: str | None
    event_type: str | None
    event_id: str | None
    code: str
    field: str | None
    reason: str
    sender: str | None
    received_at: datetime
    state: RefusedState
    attempts: int
    resolution: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    attributes: dict[str, str] | None
    """Of an event in binary mode: what came as headers."""
    body: str
    """In a list its beginning only."""


class RefusedList(Reply):
    refused: list[RefusedReply]


class ReplayIn(Body):
    body: str | None = None
    """The payload after a fix; None sends it as it came."""


class DiscardIn(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@routes.get("/refused", dependencies=[allow(*SENDERS)])
async def list_refused(
    tx: Tx,
    language: Language,
    state: RefusedState | None = RefusedState.OPEN,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> RefusedList:
    """Newest first."""
    rows = await store.find_refused(tx, str(state) if state else None, limit)
    return RefusedList(refused=[_reply(row, language) for row in rows])


@routes.get("/refused/{id}", dependencies=[allow(*SENDERS)])
async def read_refused(id: UUID, tx: Tx, language: Language) -> RefusedReply:
    return await _read(tx, id, language)


@routes.post("/refused/{id}/replay", dependencies=[allow(*SENDERS)])
async def replay_refused(id: UUID, body: ReplayIn, tx: Tx, caller: Caller, language: Language) -> RefusedReply:
    """Send it again, mended or as it came. Still wrong: it stays open and says what is wrong now."""
    row = await _open(tx, id, language)
    raw = body.body.encode(errors="replace") if body.body is not None else bytes(row["body"])
    try:
        arrivals = _arrivals(tx, row, raw)
    except Bad as bad:
        await store.refuse_again(tx, id, code=bad.code, field=bad.field, reason=bad.message)
        return await _read(tx, id, language)
    results = await gateway.accept(tx, arrivals)
    words = "edited" if body.body is not None else "as it came"
    if all(one.status == "duplicate" for one in results):
        words += ", known already"
    await store.resolve(tx, id, state="replayed", by=caller.id, resolution=words)
    tx.live(Live("refusal", str(id)))
    return await _read(tx, id, language)


@routes.post("/refused/{id}/discard", dependencies=[allow(*SENDERS)])
async def discard_refused(id: UUID, body: DiscardIn, tx: Tx, caller: Caller, language: Language) -> RefusedReply:
    """Set aside for good, with the reason; the payload is kept."""
    await _open(tx, id, language)
    await store.resolve(tx, id, state="discarded", by=caller.id, resolution=body.reason)
    tx.live(Live("refusal", str(id)))
    return await _read(tx, id, language)


def _arrivals(tx: Tx, row: Any, raw: bytes) -> list[Arrival]:
    if row["connector"] == "inventree":
        return inventree_arrivals(raw, tx)
    return [gateway.arrival(envelope) for envelope in again(row["attributes"], raw)]


async def _open(tx: Tx, id: UUID, language: str) -> Any:
    row = await store.get_refused(tx, id, lock=True)
    if row is None:
        raise NotFound()
    if row["state"] != "open":
        words = Text(zh="已经处理过了", en="This has been dealt with already")
        raise Conflict("resolved", words, state=_reply(row, language).model_dump(mode="json"))
    return row


async def _read(tx: Tx, id: UUID, language: str) -> RefusedReply:
    row = await store.get_refused(tx, id)
    if row is None:
        raise NotFound()
    return _reply(row, language)


def _reply(row: Any, language: str) -> RefusedReply:
    plain = {name: row[name] for name in RefusedReply.model_fields if name not in {"body", "reason"}}
    reason = in_language(language, reasons.from_column(row["reason"]))
    return RefusedReply(**plain, reason=reason, body=bytes(row["body"]).decode(errors="replace"))
