"""Taking events in: each is accepted, known already, or kept as refused. Gateway, connectors and replays share it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bihuan_chassis import Live, Transaction
from bihuan_chassis.http import Reply
from bihuan_chassis.problems import in_language
from bihuan_contracts import Event
from bihuan_contracts.envelope import MAX_BYTES
from intake import store
from intake.domain.cloudevents import Bad, Envelope, Piece, understand
from intake.store import RefusedPayload

_SLICE = 50
"""Events that are checked before other requests get their turn."""


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

    @classmethod
    def of(cls, events: Sequence[Result]) -> "Results":
        counted = {
            status: sum(one.status == status for one in events) for status in ("accepted", "duplicate", "refused")
        }
        return cls(
            accepted=counted["accepted"],
            duplicates=counted["duplicate"],
            refused=counted["refused"],
            events=list(events),
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that meets its contract, with the sender's own name for it."""

    source: str
    name: str
    id: UUID
    event: Event
    traceparent: str | None = None


def arrival(envelope: Envelope) -> Arrival:
    """Raises Bad where the contract is not met."""
    _, opened = understand(envelope)
    check_size(opened.event, "data")
    return Arrival(envelope.source, envelope.id, UUID(opened.id), opened.event, opened.traceparent)


def check_size(event: Event, field: str | None) -> None:
    """With its defaults written out an event is larger than it came; raises Bad above what a topic takes."""
    size = len(event.__pydantic_serializer__.to_json(event))
    if size > MAX_BYTES:
        words = f"the event has {size} bytes, the limit is {MAX_BYTES}"
        raise Bad("too_large", field, f"事件有 {size} 字节，上限是 {MAX_BYTES}", words)


async def take(tx: Transaction, found: Sequence[Piece], *, sender: str, language: str) -> Results:
    """Accept what is right and keep what is not: one bad event does not hold up the others."""
    results: list[Result | None] = [None] * len(found)
    right: list[tuple[int, Arrival]] = []
    refused: list[RefusedPayload] = []
    for place, piece in enumerate(found):
        if place % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        try:
            if isinstance(piece.found, Bad):
                raise piece.found
            right.append((place, arrival(piece.found)))
        except Bad as bad:
            refused.append(_payload(tx, piece, bad, sender))
            results[place] = refusal(bad, language, piece.found)
    accepted = await accept(tx, [one for _, one in right])
    for (place, _), result in zip(right, accepted, strict=True):
        results[place] = result
    await keep(tx, refused)
    return Results.of([result for result in results if result is not None])


async def accept(tx: Transaction, arrivals: Sequence[Arrival]) -> list[Result]:
    """Announce those that were not taken before: (source, name) is one event, however often it is sent."""
    new = await store.new_events(tx, [(one.source, one.name) for one in arrivals])
    results = []
    for one in arrivals:
        fresh = (one.source, one.name) in new
        new.discard((one.source, one.name))
        if fresh:
            tx.announce(one.event, id=one.id, source=one.source, traceparent=one.traceparent)
        results.append(Result(id=one.name, status="accepted" if fresh else "duplicate"))
    return results


async def keep(tx: Transaction, refused: Sequence[RefusedPayload]) -> None:
    """Nothing that came is lost (I3)."""
    if refused:
        await store.save_refused(tx, refused)
        tx.live(Live("refusal", str(refused[0].id), data={"payloads": len(refused)}))


def refusal(bad: Bad, language: str, found: Envelope | Bad | None = None) -> Result:
    name = found.id if isinstance(found, Envelope) else None
    return Result(id=name, status="refused", code=bad.code, field=bad.field, message=in_language(language, bad.message))


def _payload(tx: Transaction, piece: Piece, bad: Bad, sender: str) -> RefusedPayload:
    envelope = piece.found if isinstance(piece.found, Envelope) else None
    named: Mapping[str, str] = piece.attributes or {}
    return RefusedPayload(
        tx.new_id(), "cloudevents", piece.raw, bad.code, bad.field, bad.message, sender,
        envelope.source if envelope else named.get("source"), envelope.type if envelope else named.get("type"),
        envelope.id if envelope else named.get("id"), piece.attributes,
    )  # fmt: skip
