"""What web itself could not handle, for the integration owner: as every service has it, by web's session (I3)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request

from bihuan_chassis import dead_letter_routes as letters
from bihuan_chassis.auth import Person, Role
from bihuan_chassis.dead_letter_routes import DeadLetterList, DeadLetterReply, DeadLetterState, DiscardIn, ReplayIn
from bihuan_chassis.http import Forbidden, Language, Tx, allow_anonymous, router
from web.resources import require_colleague

routes = router(prefix="/api/web/dead-letters", tags=["dead-letters"])


@routes.get("", dependencies=[allow_anonymous()])
async def list_own_letters(
    request: Request,
    tx: Tx,
    language: Language,
    state: DeadLetterState = DeadLetterState.OPEN,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> DeadLetterList:
    await _require_owner(request)
    return await letters.list_dead_letters(tx, language, state, limit)


@routes.get("/{id}", dependencies=[allow_anonymous()])
async def read_own_letter(id: UUID, request: Request, tx: Tx, language: Language) -> DeadLetterReply:
    await _require_owner(request)
    return await letters.read_dead_letter(id, tx, language)


@routes.post("/{id}/replay", status_code=202, dependencies=[allow_anonymous()])
async def replay_own_letter(id: UUID, body: ReplayIn, request: Request, tx: Tx, language: Language) -> DeadLetterReply:
    return await letters.replay_dead_letter(id, body, tx, await _require_owner(request), language)


@routes.post("/{id}/discard", dependencies=[allow_anonymous()])
async def discard_own_letter(
    id: UUID, body: DiscardIn, request: Request, tx: Tx, language: Language
) -> DeadLetterReply:
    return await letters.discard_dead_letter(id, body, tx, await _require_owner(request), language)


async def _require_owner(request: Request) -> Person:
    person = (await require_colleague(request)).as_person()
    if not person.has(Role.INTEGRATOR, Role.ADMINISTRATOR):
        raise Forbidden()
    return person
