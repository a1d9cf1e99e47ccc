"""Announcing: an event is a row written in the transaction of the state change."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

import asyncpg

from bihuan_chassis.tables import PARTS
from bihuan_contracts import Event, Topic, topics
from bihuan_contracts.envelope import MAX_BYTES

CHANNEL = "bihuan_outbox"
_COLUMNS = ("part", "topic", "event_id", "key", "body", "time", "traceparent", "source")


class EventTooLargeError(Exception):
    """An announced event is larger than a topic takes; the state change that made it fails with it."""

    def __init__(self, topic: str, size: int) -> None:
        super().__init__(f"an event of {size} bytes for {topic} is over the limit of {MAX_BYTES}")


class Outgoing(NamedTuple):
    topic: Topic
    id: UUID
    key: str
    body: bytes
    time: datetime
    traceparent: str | None
    source: str | None


def outgoing(
    event: Event, *, id: UUID, time: datetime, traceparent: str | None = None, source: str | None = None
) -> Outgoing:
    """Seal an event for the outbox; topic and key come from the registry."""
    topic = topics.of_event(type(event))
    body = event.__pydantic_serializer__.to_json(event)
    if len(body) > MAX_BYTES:
        raise EventTooLargeError(topic.name, len(body))
    return Outgoing(topic, id, topic.key(event), body, time, traceparent, source)


def part_of(key: str) -> int:
    """Which part of the outbox a key belongs to: the same in every process and release."""
    return crc32(key.encode()) % PARTS


async def save(raw: "asyncpg.Connection[asyncpg.Record]", events: Sequence[Outgoing]) -> None:
    """Write in one COPY: nothing conflicts, and it keeps the order of `events`."""
    await raw.copy_records_to_table(
        "outbox",
        records=[
            (part_of(event.key), event.topic.name, event.id, event.key, event.body, event.time, event.traceparent,
             event.source)
            for event in events
        ],
        columns=_COLUMNS,
    )  # fmt: skip
