"""Live updates for open pages: one Redis stream that `web` fans out. Losing one is harmless, pages also ask."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bihuan_chassis import metrics

STREAM = "bihuan:live"
_KEPT = 20_000
_LOAD = 200

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
                await self._redis.xadd(STREAM, {"m": encode(load)}, maxlen=_KEPT, approximate=True)
            except (RedisError, OSError) as error:
                metrics.LIVE_LOST.inc(len(load))
                log.warning("live.lost", messages=len(load), error=type(error).__name__)


def encode(messages: Iterable[Live]) -> bytes:
    """One entry of the stream: what happened together travels together."""
    listed = [{"kind": one.kind, "id": one.id, "to": one.to, "data": one.data} for one in messages]
    return json.dumps(listed, ensure_ascii=False).encode()


def decode(body: bytes) -> list[Live]:
    """Raises ValueError, KeyError or TypeError for what `encode` has not written."""
    return [
        Live(one["kind"], one["id"], tuple(one["to"]) if one["to"] is not None else None, one["data"])
        for one in json.loads(body)
    ]
