"""Routes for machines: the CloudEvents gateway, signed webhooks, and connectors."""

import time
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fastapi import Request
from pydantic import ValidationError

from bihuan_chassis.http import Caller, Language, Role, Tx, Unauthenticated, allow, allow_anonymous, router
from bihuan_contracts import wording
from intake import gateway
from intake.domain import inventree
from intake.domain.cloudevents import Bad, pieces
from intake.domain.signatures import BadSignatureError, verify
from intake.gateway import Arrival, Results
from intake.settings import Settings
from intake.store import RefusedPayload

routes = router(tags=["intake"])
SENDERS = (Role.INTEGRATOR, Role.ADMINISTRATOR)


@routes.post("/events", status_code=202, dependencies=[allow(*SENDERS)])
async def receive_events(request: Request, tx: Tx, caller: Caller, language: Language) -> Results:
    """CloudEvents 1.0: structured, batched or binary. Each event is accepted or refused by itself (I2)."""
    return await gateway.take(tx, await _pieces(request), sender=caller.id, language=language)


@routes.post("/webhooks/{source}", status_code=202, dependencies=[allow_anonymous()])
async def receive_signed(source: str, request: Request, tx: Tx, language: Language) -> Results:
    """The same, signed with the source's secret (Standard Webhooks) instead of signed in."""
    await _verify(source, request, tx)
    return await gateway.take(tx, await _pieces(request), sender=f"webhook/{source}", language=language)


@routes.post("/connectors/inventree/bom-change", status_code=202, dependencies=[allow(*SENDERS)])
async def receive_inventree(request: Request, tx: Tx, caller: Caller, language: Language) -> Results:
    """InvenTree: parts and BOM items before and after; the difference becomes releases (I2)."""
    body = await request.body()
    try:
        arrivals = inventree_arrivals(body, tx)
    except Bad as bad:
        payload = RefusedPayload(tx.new_id(), "inventree", body, bad.code, bad.field, bad.message, caller.id)
        await gateway.keep(tx, [payload])
        return Results.of([gateway.refusal(bad, language)])
    return Results.of(await gateway.accept(tx, arrivals))


def inventree_arrivals(body: bytes, tx: Tx) -> list[Arrival]:
    """Raises Bad naming the field."""
    try:
        change = inventree.BomChange.model_validate_json(body)
        found = [(inventree.event_id(one, change), one) for one in inventree.releases(change, tx.now)]
    except ValidationError as error:
        raise _first_problem(error) from None
    except inventree.RevisionNotRaisedError as error:
        raise Bad("revision_not_raised", error.field, "物料清单变了，版本却没有升", str(error)) from None
    for name, event in found:
        gateway.check_size(event, name)
    return [
        Arrival("inventree", name, uuid5(NAMESPACE_URL, f"urn:bihuan:inventree:{name}"), event) for name, event in found
    ]


def _first_problem(wrong: ValidationError) -> Bad:
    found: Any = wrong.errors(include_url=False, include_input=False, include_context=True)[0]
    if found["type"] == "json_invalid":
        error = found["ctx"]["error"]
        return Bad("not_json", None, f"不是 JSON：{error}", f"not JSON: {error}")
    words = wording.of_error(found["type"], found.get("ctx") or {})
    return Bad("wrong_schema", ".".join(map(str, found["loc"])) or None, words.zh, words.en)


async def _pieces(request: Request) -> Any:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return pieces(media_type, request.headers, await request.body())


async def _verify(source: str, request: Request, tx: Tx) -> None:
    assert isinstance(tx.settings, Settings)
    try:
        verify(
            tx.settings.secrets_of(source),
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signature=request.headers.get("webhook-signature", ""),
            body=await request.body(),
            now=time.time(),
        )
    except BadSignatureError as error:
        raise Unauthenticated("bad_signature") from error
