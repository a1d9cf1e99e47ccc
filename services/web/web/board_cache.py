"""Finished boards in Redis: read without touching the database, and made anew when anything in them has changed.

A board is kept with the stamp it was made under. The worker raises the stamp after each commit, so a board that was
made from older rows never passes for a new one. When Redis is emptied, both are gone, and the next reader makes the
board from web's own rows.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

_KEPT = 30
"""Seconds: lateness and planned progress move with the clock, names with the directory."""
_STAMPED = 7 * 86_400
COMPANY = "company"
"""The list of all projects."""


def _stamp(board: str) -> str:
    return f"bihuan:board-stamp:{board}"


def _body(board: str) -> str:
    return f"bihuan:board:{board}"


class BoardCache:
    """The boards of all processes of web."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis

    async def read(self, board: str, make: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
        """A board's bytes; `make` gives them when they aren't kept or no longer true. None is not kept."""
        stamp, kept = await self._redis.mget(_stamp(board), _body(board))
        stamp = stamp or b"0"
        if kept is not None:
            made_under, _, body = kept.partition(b"\n")
            if made_under == stamp:
                return bytes(body)
        made = await make()
        if made is not None:
            await self._redis.set(_body(board), stamp + b"\n" + made, ex=_KEPT)
        return made

    async def outdate(self, projects: Iterable[UUID]) -> None:
        """After a commit that changed these projects or their tasks."""
        pipeline = self._redis.pipeline(transaction=False)
        for board in {COMPANY, *map(str, projects)}:
            # A stamp that ended sooner than the board kept under it could come back to its value.
            pipeline.incr(_stamp(board)).expire(_stamp(board), _STAMPED)
        await pipeline.execute()
