"""Finished boards in Redis: read without touching the database, and made anew when anything in them has changed.

A board is kept with the stamp it was made under. The worker raises the stamp after each commit, so a board that was
made from older rows never passes for a new one. When Redis is emptied, both are gone, and the next reader makes the
board from web's own rows.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

_KEPT = 30
"""Seconds: lateness and planned progress move with the clock, names with the directory."""
_STAMPED = 7 * 86_400
COMPANY = "company"
"""The list of all projects, and the stamp of whatever holds several of them: it moves with each."""


def _stamp(board: str) -> str:
    return f"bihuan:board-stamp:{board}"


def _body(board: str) -> str:
    return f"bihuan:board:{board}"


def _true_still(stamp: bytes, kept: bytes | None) -> bytes | None:
    """What was kept, when it was made under this stamp."""
    if kept is None:
        return None
    made_under, _, body = kept.partition(b"\n")
    return bytes(body) if made_under == stamp else None


class BoardCache:
    """The boards of all processes of web."""

    def __init__(self, redis: "Redis") -> None:
        self._redis: Any = redis

    async def read(
        self, board: str, make: Callable[[], Awaitable[bytes | None]], stamped: str | None = None
    ) -> bytes | None:
        """A board's bytes; `make` gives them when they aren't kept or no longer true. None is not kept.

        `stamped` names whose stamp they are kept under when it isn't the board's own.
        """
        stamp, kept = await self._redis.mget(_stamp(stamped or board), _body(board))
        stamp = stamp or b"0"
        if (body := _true_still(stamp, kept)) is not None:
            return body
        made = await make()
        if made is not None:
            await self._redis.set(_body(board), stamp + b"\n" + made, ex=_KEPT)
        return made

    async def read_many(
        self, boards: Sequence[str], make: Callable[[list[str]], Awaitable[dict[str, bytes]]]
    ) -> list[bytes]:
        """The same for several, in their order, without those that there are not; `make` gives what isn't kept."""
        if not boards:
            return []
        read = await self._redis.mget(*map(_stamp, boards), *map(_body, boards))
        stamps = [stamp or b"0" for stamp in read[: len(boards)]]
        kept = dict(zip(boards, map(_true_still, stamps, read[len(boards) :]), strict=True))
        missing = [board for board, body in kept.items() if body is None]
        made = await make(missing) if missing else {}
        if made:
            pipeline = self._redis.pipeline(transaction=False)
            for board, stamp in zip(boards, stamps, strict=True):
                if board in made:
                    pipeline.set(_body(board), stamp + b"\n" + made[board], ex=_KEPT)
            await pipeline.execute()
        return [body for board in boards if (body := kept[board] or made.get(board)) is not None]

    async def outdate(self, projects: Iterable[UUID]) -> None:
        """After a commit that changed these projects or their tasks."""
        pipeline = self._redis.pipeline(transaction=False)
        for board in {COMPANY, *map(str, projects)}:
            # A stamp that ended sooner than the board kept under it could come back to its value.
            pipeline.incr(_stamp(board)).expire(_stamp(board), _STAMPED)
        await pipeline.execute()
