"""HTTP endpoints of intake: the gateway, connectors, reports, and what was refused."""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import Field, ValidationError

from bihuan_chassis.http import (
    EVERYONE,
    Body,
    Caller,
    Conflict,
    FieldError,
    Invalid,
    NotFound,
    Reply,
    Role,
    Tx,
    Unauthenticated,
    allow,
    allow_anonymous,
    router,
)
from bihuan_contracts import Key, Opened, Text, Topic, Version
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from intake import store
from intake.domain import inventree
from intake.domain.cloudevents import Bad, Envelope, binary, parse, understand
from intake.domain.signatures import BadSignatureError, verify
from intake.settings import Settings
from intake.store import RefusedPayload

routes = router(tags=["intake"])
_SENDERS = (Role.INTEGRATOR, Role.ADMINISTRATOR)
_MOST_EVENTS = 1000


class Result(Reply):
    """What became of one event."""

    id: str | None
    status: str
    """accepted, duplicate, refused"""
    code: str | None = None
    field: str | None = None
    message: str | None = None


class Results(Reply):
    accepted: int
    duplicates: int
    refused: int
    events: list[Result]


class MeasurementIn(Body):
    metric: Annotated[str, Field(min_length=1, max_length=120)]
    value: Decimal
    unit: Annotated[str | None, Field(max_length=20)] = None


class ReportIn(Body):
    """A person's test report on a task or card."""

    task: UUID
    module: Key
    module_version: Version
    verdict: Verdict
    criterion: UUID | None = None
    criterion_version: Annotated[int | None, Field(ge=1)] = None
    measurements: Annotated[tuple[MeasurementIn, ...], Field(max_length=100)] = ()
    title: Annotated[str, Field(max_length=200)] = ""
    attachments: Annotated[tuple[UUID, ...], Field(max_length=20)] = ()


class Reported(Reply):
    report: str


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
    body: str


class RefusedList(Reply):
    refused: list[RefusedReply]


class ReplayIn(Body):
    body: str | None = None
    """The payload after a fix; None sends it as it came."""


class DiscardIn(Body):
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


# ── the gateway ─────────────────────────────────────────────────────────────────────────────────────────────────────


@routes.post("/events", status_code=202, dependencies=[allow(*_SENDERS)])
async def receive_events(request: Request, tx: Tx, caller: Caller) -> Results:
    """CloudEvents 1.0: structured, batched or binary. Each event is accepted or refused by itself."""
    return await _take(tx, await request.body(), request, sender=caller.id)


@routes.post("/webhooks/{source}", status_code=202, dependencies=[allow_anonymous()])
async def receive_signed(source: str, request: Request, tx: Tx) -> Results:
    """The same, signed with the source's secret (Standard Webhooks) instead of signed in."""
    assert isinstance(tx.settings, Settings)
    body = await request.body()
    try:
        verify(
            tx.settings.secrets_of(source),
            message_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            signature=request.headers.get("webhook-signature", ""),
            body=body,
            now=time.time(),
        )
    except BadSignatureError as error:
        raise Unauthenticated("bad_signature") from error
    return await _take(tx, body, request, sender=f"webhook/{source}")


async def _take(tx: Tx, body: bytes, request: Request, *, sender: str) -> Results:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    pieces = _pieces(media_type, body, request)
    understood: list[tuple[int, Envelope, Topic, Opened]] = []
    refused: list[RefusedPayload] = []
    results: list[Result | None] = [None] * len(pieces)
    for place, (raw, envelope) in enumerate(pieces):
        if isinstance(envelope, Bad):
            refused.append(_refused(tx, raw, envelope, sender, None))
            results[place] = _result(None, envelope)
            continue
        try:
            topic, opened = understand(envelope)
        except Bad as bad:
            refused.append(_refused(tx, raw, bad, sender, envelope))
            results[place] = _result(envelope, bad)
            continue
        understood.append((place, envelope, topic, opened))
    await _announce(tx, understood, results)
    await store.save_refused(tx, refused)
    done = [result for result in results if result is not None]
    return Results(
        accepted=sum(result.status == "accepted" for result in done),
        duplicates=sum(result.status == "duplicate" for result in done),
        refused=len(refused),
        events=done,
    )


async def _announce(
    tx: Tx, understood: Sequence[tuple[int, Envelope, Topic, Opened]], results: list[Result | None]
) -> None:
    new = await store.new_events(tx, [(envelope.source, envelope.id) for _, envelope, _, _ in understood])
    for place, envelope, _, opened in understood:
        key = (envelope.source, envelope.id)
        fresh = key in new
        new.discard(key)
        if fresh:
            tx.announce(opened.event, id=UUID(opened.id), source=envelope.source)
        results[place] = Result(id=envelope.id, status="accepted" if fresh else "duplicate")


def _pieces(media_type: str, body: bytes, request: Request) -> list[tuple[bytes, Envelope | Bad]]:
    """The events of a request, each with its own bytes."""
    if media_type == "application/cloudevents-batch+json":
        listed = _json(body)
        if isinstance(listed, Bad):
            return [(body, listed)]
        if not isinstance(listed, list) or len(listed) > _MOST_EVENTS:
            return [(body, Bad("not_a_batch", None, f"a batch is a list of at most {_MOST_EVENTS} events"))]
        return [(json.dumps(one, ensure_ascii=False).encode(), _try(one)) for one in listed]
    if media_type == "application/cloudevents+json":
        one = _json(body)
        return [(body, one if isinstance(one, Bad) else _try(one))]
    try:
        return [(body, binary(request.headers, body))]
    except Bad as bad:
        return [(body, bad)]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        return Bad("not_json", None, f"not JSON: {error}")


def _try(event: Any) -> Envelope | Bad:
    try:
        return parse(event)
    except Bad as bad:
        return bad


def _refused(tx: Tx, raw: bytes, bad: Bad, sender: str, envelope: Envelope | None) -> RefusedPayload:
    return RefusedPayload(
        tx.new_id(), "cloudevents", raw, bad.code, bad.field, bad.message, sender,
        envelope.source if envelope else None, envelope.type if envelope else None,
        envelope.id if envelope else None,
    )  # fmt: skip


def _result(envelope: Envelope | None, bad: Bad) -> Result:
    return Result(
        id=envelope.id if envelope else None, status="refused", code=bad.code, field=bad.field, message=bad.message
    )


# ── connectors and people ───────────────────────────────────────────────────────────────────────────────────────────


@routes.post("/connectors/inventree/bom-change", status_code=202, dependencies=[allow(*_SENDERS)])
async def receive_inventree(request: Request, tx: Tx, caller: Caller) -> Results:
    """InvenTree: parts and BOM items before and after; the difference becomes releases."""
    body = await request.body()
    try:
        change = inventree.BomChange.model_validate_json(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)[0]
        bad = Bad("wrong_schema", ".".join(map(str, found["loc"])) or None, found["msg"])
        payload = RefusedPayload(tx.new_id(), "inventree", body, bad.code, bad.field, bad.message, caller.id)
        await store.save_refused(tx, [payload])
        return Results(accepted=0, duplicates=0, refused=1, events=[_result(None, bad)])
    releases = inventree.releases(change, tx.now)
    for release in releases:
        tx.announce(release, source="inventree")
    events = [Result(id=f"{one.item}@{one.version}", status="accepted") for one in releases]
    return Results(accepted=len(events), duplicates=0, refused=0, events=events)


@routes.post("/test-reports", status_code=201, dependencies=[allow(EVERYONE)])
async def report_test(body: ReportIn, tx: Tx, caller: Caller) -> Reported:
    """A person's report; it travels the same topic as those of test systems (G5)."""
    if body.verdict is Verdict.UNKNOWN:
        words = Text(zh="请选择通过或不通过", en="Choose passed or failed")
        raise Invalid(errors=[FieldError("verdict", "unknown", words)])
    number = await store.next_report(tx)
    tx.announce(
        TestReported(
            report=number,
            module=body.module,
            module_version=body.module_version,
            verdict=body.verdict,
            task=body.task,
            criterion=body.criterion,
            criterion_version=body.criterion_version,
            measurements=tuple(Measurement(metric=m.metric, value=m.value, unit=m.unit) for m in body.measurements),
            title=body.title,
            tested_by=caller.id,
            tested_at=tx.now,
            attachments=body.attachments,
        )
    )
    return Reported(report=number)


# ── what was refused ────────────────────────────────────────────────────────────────────────────────────────────────


@routes.get("/refused", dependencies=[allow(*_SENDERS)])
async def list_refused(tx: Tx, state: RefusedState | None = RefusedState.OPEN, limit: int = 100) -> RefusedList:
    rows = await store.find_refused(tx, str(state) if state else None, min(max(limit, 1), 500))
    return RefusedList(refused=[_reply(row) for row in rows])


@routes.get("/refused/{id}", dependencies=[allow(*_SENDERS)])
async def read_refused(id: UUID, tx: Tx) -> RefusedReply:
    return _reply(await _open(tx, id, any_state=True))


@routes.post("/refused/{id}/replay", dependencies=[allow(*_SENDERS)])
async def replay_refused(id: UUID, body: ReplayIn, tx: Tx, caller: Caller) -> RefusedReply:
    """Send it again, after a fix or as it came. Still wrong: it stays, with what is wrong now."""
    row = await _open(tx, id)
    raw = body.body.encode() if body.body is not None else row["body"]
    try:
        await _replay(tx, row, raw)
    except Bad as bad:
        await store.refuse_again(tx, id, code=bad.code, field=bad.field, reason=bad.message)
        words = Text(zh=f"仍然不正确：{bad.message}", en=f"Still wrong: {bad.message}")
        field = FieldError(bad.field or "body", bad.code, words)
        # The new reason is kept, so this is an answer and not a rollback.
        return _reply(await store.get_refused(tx, id), problem=field)
    await store.resolve(tx, id, state="replayed", by=caller.id, resolution="edited" if body.body is not None else None)
    return _reply(await store.get_refused(tx, id))


async def _replay(tx: Tx, row: Any, raw: bytes) -> None:
    parsed = _json(raw)
    if isinstance(parsed, Bad):
        raise parsed
    if row["connector"] == "inventree":
        try:
            change = inventree.BomChange.model_validate(parsed)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)[0]
            raise Bad("wrong_schema", ".".join(map(str, found["loc"])) or None, found["msg"]) from None
        tx.announce(*inventree.releases(change, tx.now))
        return
    envelope = _envelope_of(row, parsed, raw)
    _, opened = understand(envelope)
    tx.announce(opened.event, id=UUID(opened.id), source=envelope.source)


def _envelope_of(row: Any, parsed: Any, raw: bytes) -> Envelope:
    """A structured event carries its attributes; the body of a binary one is held against those it came with."""
    if isinstance(parsed, dict) and "specversion" in parsed:
        return parse(parsed)
    if row["event_type"] is None:
        raise Bad("missing_attribute", "type", "type is required")
    return Envelope(row["event_id"], row["source"], row["event_type"], None, None, raw)


@routes.post("/refused/{id}/discard", dependencies=[allow(*_SENDERS)])
async def discard_refused(id: UUID, body: DiscardIn, tx: Tx, caller: Caller) -> RefusedReply:
    await _open(tx, id)
    await store.resolve(tx, id, state="discarded", by=caller.id, resolution=body.reason)
    return _reply(await store.get_refused(tx, id))


async def _open(tx: Tx, id: UUID, *, any_state: bool = False) -> Any:
    row = await store.get_refused(tx, id)
    if row is None:
        raise NotFound()
    if row["state"] != "open" and not any_state:
        raise Conflict("resolved", Text(zh="已经处理过了", en="This has been dealt with already"))
    return row


def _reply(row: Any, problem: FieldError | None = None) -> RefusedReply:
    values = {name: row[name] for name in RefusedReply.model_fields if name != "body"}
    if problem is not None:
        values |= {"code": problem.code, "field": problem.field}
    return RefusedReply(**values, body=bytes(row["body"]).decode(errors="replace"))
