"""Live updates for open pages: one Redis stream that `web` fans out. Losing one is harmless, pages also ask."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bihuan_chassis import metrics

STREAM = "bihuan:live"
_KEPT = 20_000
_LOAD = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Live:
    """Something that open pages should look at again: its kind and id; `to` None means everybody inside."""

    kind: str
    id: str
    to: tuple[str, ...] | None = None
    data: dict[str, Any] = field(default_factory=dict)


class LiveChannel(Protocol):
    async def publish(self, messages: Sequence[Live]) -> None: ...


class RedisLive:
    """Publishes to the Redis stream beside the work; a failure is counted and logged, never waited for or raised."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._waiting: deque[Live] = deque(maxlen=_KEPT)
        self._sending: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[Live]) -> None:
        self._waiting.extend(messages)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        """One sender at a time, so that messages keep their order."""
        while self._waiting:
            load = [self._waiting.popleft() for _ in range(min(_LOAD, len(self._waiting)))]
            try:
                async with self._redis.pipeline(transaction=False) as pipeline:
                    for message in load:
                        pipeline.xadd(STREAM, {"m": encode(message)}, maxlen=_KEPT, approximate=True)
                    await pipeline.execute()
            except (RedisError, OSError) as error:
                metrics.LIVE_LOST.inc(len(load))
                log.warning("live.lost", messages=len(load), error=type(error).__name__)


def encode(message: Live) -> bytes:
    return json.dumps(
        {"kind": message.kind, "id": message.id, "to": message.to, "data": message.data}, ensure_ascii=False
    ).encode()


def decode(body: bytes) -> Live:
    read = json.loads(body)
    to = tuple(read["to"]) if read["to"] is not None else None
    return Live(kind=read["kind"], id=read["id"], to=to, data=read["data"])
