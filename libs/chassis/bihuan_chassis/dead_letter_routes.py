"""Routes that every service with consumers has: what it could not handle, for the integration owner (I3)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field

from bihuan_chassis import dead_letters
from bihuan_chassis.auth import Role
from bihuan_chassis.http import Body, Caller, Conflict, Language, NotFound, Reply, Tx, allow, router
from bihuan_chassis.problems import in_language

routes = router(prefix="/dead-letters", tags=["dead-letters"])
_OWNERS = (Role.INTEGRATOR, Role.ADMINISTRATOR)
_SHOWN = 20_000
_BEGINNING = 400


class DeadLetterState(StrEnum):
    OPEN = "open"
    REPLAYING = "replaying"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class DeadLetterReply(Reply):
    id: UUID
    consumer: str
    topic: str
    key: str | None
    value: str | None
    """As text; in a list its beginning only."""
    code: str
    field: str | None
    reason: str
    attempts: int
    state: DeadLetterState
    first_seen: datetime
    last_seen: datetime
    resolution: str | None
    resolved_by: str | None


class DeadLetterList(Reply):
    letters: list[DeadLetterReply]


class ReplayIn(Body):
    value: str | None = None
    """The record's body after a fix; None handles it as it came."""


class DiscardIn(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@routes.get("", dependencies=[allow(*_OWNERS)])
async def list_dead_letters(
    tx: Tx,
    language: Language,
    state: DeadLetterState = DeadLetterState.OPEN,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> DeadLetterList:
    """Newest first."""
    found = await dead_letters.find(tx.raw, state=state, limit=limit, body_bytes=_BEGINNING)
    return DeadLetterList(letters=[_reply(letter, _BEGINNING, language) for letter in found])


@routes.get("/{id}", dependencies=[allow(*_OWNERS)])
async def read_dead_letter(id: UUID, tx: Tx, language: Language) -> DeadLetterReply:
    return _reply(await _find(tx, id), _SHOWN, language)


@routes.post("/{id}/replay", status_code=202, dependencies=[allow(*_OWNERS)])
async def replay_dead_letter(id: UUID, body: ReplayIn, tx: Tx, caller: Caller, language: Language) -> DeadLetterReply:
    """Let the worker handle it again; it is replayed or open again, with the new reason, a moment later."""
    await _find(tx, id)
    value = body.value.encode() if body.value is not None else None
    if not await dead_letters.request_replay(tx.raw, [id], by=caller.id, value=value):
        raise Conflict("already_done", current=_reply(await _find(tx, id), _SHOWN, language))
    return _reply(await _find(tx, id), _SHOWN, language)


@routes.post("/{id}/discard", dependencies=[allow(*_OWNERS)])
async def discard_dead_letter(id: UUID, body: DiscardIn, tx: Tx, caller: Caller, language: Language) -> DeadLetterReply:
    await _find(tx, id)
    if not await dead_letters.discard(tx.raw, [id], by=caller.id, reason=body.reason):
        raise Conflict("already_done", current=_reply(await _find(tx, id), _SHOWN, language))
    return _reply(await _find(tx, id), _SHOWN, language)


async def _find(tx: Any, id: UUID) -> dead_letters.DeadLetter:
    letter = await dead_letters.get(tx.raw, id)
    if letter is None:
        raise NotFound()
    return letter


def _reply(letter: dead_letters.DeadLetter, most: int, language: str) -> DeadLetterReply:
    assert letter.first_seen is not None
    assert letter.last_seen is not None
    return DeadLetterReply(
        id=letter.id, consumer=letter.consumer, topic=letter.record.topic, key=_text(letter.record.key, most),
        value=_text(letter.record.value, most), code=letter.code, field=letter.field,
        reason=in_language(language, letter.reason),
        attempts=letter.attempts, state=DeadLetterState(letter.state), first_seen=letter.first_seen,
        last_seen=letter.last_seen, resolution=letter.resolution, resolved_by=letter.resolved_by,
    )  # fmt: skip


def _text(raw: bytes | None, most: int) -> str | None:
    return raw[:most].decode(errors="backslashreplace").replace("\0", "\\x00") if raw is not None else None
