"""Live updates to open pages: one reader of the Redis stream a process, one bounded queue a page (N5)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bihuan_chassis.live import STREAM, Live, decode, encode

_QUEUE = 500
_HEARTBEAT = 15.0
_RESUME = 2_000
_FIRST = b"retry: 2000\n\n"

log = structlog.get_logger()


@dataclass(eq=False)
class _Page:
    person: str
    inside: bool
    queue: "asyncio.Queue[bytes | None]" = field(default_factory=lambda: asyncio.Queue(_QUEUE))


class Fanout:
    """Reads the stream once and hands each message to the pages that may see it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis  # its stream replies are typed as everything they could ever be
        self._pages: set[_Page] = set()

    async def run(self) -> None:
        """Read for ever; a Redis that is away is waited for."""
        last = "$"
        while True:
            try:
                found = await self._redis.xread({STREAM: last}, count=500, block=5_000)
                for _, entries in found or ():
                    for id, fields in entries:
                        last = id.decode()
                        self._hand_out(last, decode(fields[b"m"]))
            except (RedisError, OSError) as error:
                log.warning("live.waits", error=type(error).__name__)
                await asyncio.sleep(1)

    def _hand_out(self, id: str, message: Live) -> None:
        frame = _frame(id, message)
        for page in list(self._pages):
            if _may_see(page, message):
                self._offer(page, frame)

    def _offer(self, page: _Page, frame: bytes) -> None:
        try:
            page.queue.put_nowait(frame)
        except asyncio.QueueFull:
            # A page that can't keep up is let go; its browser comes back and resumes.
            self._pages.discard(page)
            while not page.queue.empty():
                page.queue.get_nowait()
            page.queue.put_nowait(None)

    async def stream(self, person: str, *, inside: bool, after: str | None) -> AsyncIterator[bytes]:
        """The events of one page; `after` is the last one it has seen."""
        page = _Page(person, inside)
        self._pages.add(page)
        try:
            yield _FIRST
            async for frame in self._missed(page, after):
                yield frame
            while True:
                try:
                    async with asyncio.timeout(_HEARTBEAT):
                        heard = await page.queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if heard is None:
                    return
                yield heard
        finally:
            self._pages.discard(page)

    async def _missed(self, page: _Page, after: str | None) -> AsyncIterator[bytes]:
        if after is None or not all(part.isdigit() for part in after.split("-")):
            return
        entries = await self._redis.xrange(STREAM, min=f"({after}", count=_RESUME)
        for id, fields in entries:
            message = decode(fields[b"m"])
            if _may_see(page, message):
                yield _frame(id.decode(), message)

    @property
    def open_pages(self) -> int:
        return len(self._pages)


def _may_see(page: _Page, message: Live) -> bool:
    return page.person in message.to if message.to is not None else page.inside


def _frame(id: str, message: Live) -> bytes:
    body = encode(Live(message.kind, message.id, None, message.data))
    return b"id: " + id.encode() + b"\nevent: " + message.kind.encode() + b"\ndata: " + body + b"\n\n"
