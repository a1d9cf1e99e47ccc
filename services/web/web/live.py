"""Live updates to open pages: one reader of the Redis stream a process, one bounded queue a page (N5)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bihuan_chassis.live import STREAM, Live, decode

_QUEUE = 500
_PAGES_PER_PERSON = 20
_HEARTBEAT = 15.0
_RESUME = 2_000
_START = 2.0
_FIRST = b"retry: 2000\n\n"
_STILL_HERE = b": still here\n\n"

Id = tuple[int, int]
"""Place in the stream: milliseconds and number."""

log = structlog.get_logger()


@dataclass(eq=False)
class _Page:
    person: str
    inside: bool
    queue: "asyncio.Queue[tuple[Id, bytes] | None]" = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    seen: Id = (0, 0)

    def let_go(self) -> None:
        """End its stream; its browser comes back and resumes."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)

    async def next(self, within: float) -> list[tuple[Id, bytes] | None]:
        """All that waits, at least one; raises TimeoutError."""
        found = [await asyncio.wait_for(self.queue.get(), within)]
        while not self.queue.empty():
            found.append(self.queue.get_nowait())
        return found


class Fanout:
    """Reads the stream once and hands each message to the pages that may see it."""

    def __init__(self, redis: "Redis", *, heartbeat: float = _HEARTBEAT) -> None:
        self._redis: Any = redis  # its stream replies are typed as everything they could ever be
        self._heartbeat = heartbeat
        self._pages: dict[_Page, None] = {}
        self._reading: asyncio.Task[None] | None = None
        self._placed = asyncio.Event()

    async def _follow(self) -> None:
        """Start reading with the first page: a process that serves none, as the worker, need not read."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_for_ever())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._placed.wait(), _START)

    async def _read_for_ever(self) -> None:
        """A Redis that is away is waited for."""
        last: str | None = None
        while True:
            try:
                # "$" at each call would miss what comes between two calls.
                last = last or await self._newest()
                self._placed.set()
                for id, fields in _entries(await self._redis.xread({STREAM: last}, count=500, block=5_000)):
                    last = id.decode()
                    self._hand_out(last, fields)
            except (RedisError, OSError) as error:
                log.warning("live.waits", error=type(error).__name__)
                await asyncio.sleep(1)

    async def _newest(self) -> str:
        found = await self._redis.xrevrange(STREAM, count=1)
        return found[0][0].decode() if found else "0-0"

    def _hand_out(self, id: str, fields: dict[bytes, bytes]) -> None:
        messages = [(message, _frame(message)) for message in _read(fields)]
        for page in list(self._pages):
            if frames := [frame for message, frame in messages if _may_see(page, message)]:
                try:
                    page.queue.put_nowait((_place(id), _chunk(id, frames)))
                except asyncio.QueueFull:
                    self._drop(page)

    def _drop(self, page: _Page) -> None:
        self._pages.pop(page, None)
        page.let_go()

    def end_streams(self) -> None:
        """So that a server that stops need not wait for open pages."""
        for page in list(self._pages):
            self._drop(page)

    async def close(self) -> None:
        self.end_streams()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def stream(
        self, person: str, *, inside: bool, after: str | None, signed_in: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """The events of one page; `after` is the last one it has seen. Ends when the session has ended."""
        await self._follow()
        page = self._open(person, inside)
        try:
            yield _FIRST
            async for frame in self._missed(page, after):
                yield frame
            due = asyncio.get_running_loop().time() + self._heartbeat
            while True:
                try:
                    waiting = await page.next(due - asyncio.get_running_loop().time())
                except TimeoutError:
                    if not await signed_in():
                        return
                    due = asyncio.get_running_loop().time() + self._heartbeat
                    yield _STILL_HERE
                    continue
                # What came while the missed ones were read is in both.
                if frames := b"".join(one[1] for one in waiting if one is not None and one[0] > page.seen):
                    yield frames
                if None in waiting:
                    return
        finally:
            self._pages.pop(page, None)

    def _open(self, person: str, inside: bool) -> _Page:
        own = [page for page in self._pages if page.person == person]
        if len(own) >= _PAGES_PER_PERSON:
            self._drop(own[0])
        page = _Page(person, inside)
        self._pages[page] = None
        return page

    async def _missed(self, page: _Page, after: str | None) -> AsyncIterator[bytes]:
        if after is None or _place(after) == (0, 0):
            return
        try:
            entries = await self._redis.xrange(STREAM, min=f"({after}", count=_RESUME)
        except (RedisError, OSError):
            return
        for id, fields in entries:
            page.seen = _place(id.decode())
            if frames := [_frame(message) for message in _read(fields) if _may_see(page, message)]:
                yield _chunk(id.decode(), frames)

    @property
    def open_pages(self) -> int:
        return len(self._pages)


def _entries(reply: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The entries of the one stream that was asked for, in either version of the protocol."""
    if not reply:
        return []
    entries: Any = next(iter(reply.values())) if isinstance(reply, dict) else reply[0][1]
    while entries and isinstance(entries[0], list):
        entries = entries[0]
    return list(entries)


def _read(fields: dict[bytes, bytes]) -> list[Live]:
    try:
        return decode(fields[b"m"])
    except (KeyError, ValueError, TypeError):
        log.warning("live.unreadable")
        return []


def _place(id: str) -> Id:
    """(0, 0) for what is no id of a stream."""
    first, _, second = id.partition("-")
    valid = first.isascii() and first.isdigit() and len(first) < 20 and (second.isascii() and second.isdigit())
    return (int(first), int(second)) if valid and len(second) < 20 else (0, 0)


def _may_see(page: _Page, message: Live) -> bool:
    return page.person in message.to if message.to is not None else page.inside


def _frame(message: Live) -> bytes:
    body = json.dumps({"kind": message.kind, "id": message.id, "data": message.data}, ensure_ascii=False)
    return f"event: {message.kind}\ndata: {body}\n\n".encode()


def _chunk(id: str, frames: Sequence[bytes]) -> bytes:
    """What one entry of the stream has for one page; only its last frame moves the place to resume from."""
    return b"".join(frames[:-1]) + b"id: " + id.encode() + b"\n" + frames[-1]
