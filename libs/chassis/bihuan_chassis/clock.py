"""The time of the database: all processes of a service agree on it, whatever the clocks of their machines say (F16)."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import metrics
from bihuan_chassis.database import connected

_ASK_EVERY = 30.0
_ANSWER_SECONDS = 10.0
_WORTH_SAYING = 5.0

log = structlog.get_logger()


def wall() -> datetime:
    """What this machine thinks."""
    return datetime.now(UTC)


class DatabaseClock:
    """Goes on from the database's time by the process' steady clock: reading it costs no statement.

    Until it has been asked, and only then, it is the machine's own clock.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._asked: tuple[datetime, float] | None = None
        self._said = False

    def __call__(self) -> datetime:
        if self._asked is None:
            return wall()
        at, when = self._asked
        return at + timedelta(seconds=time.monotonic() - when)

    async def ask(self, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Set it by the database; half of the way there and back is added."""
        before = time.monotonic()
        at = await raw.fetchval("select clock_timestamp()")
        self._asked = (at, (before + time.monotonic()) / 2)
        skew = (wall() - self()).total_seconds()
        metrics.CLOCK_SKEW.labels(self._service).set(skew)
        if abs(skew) > _WORTH_SAYING and not self._said:
            log.warning("clock.wrong", service=self._service, seconds=round(skew, 1))
        self._said = abs(skew) > _WORTH_SAYING

    async def ask_within(self, seconds: float, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Ask; hang up and raise TimeoutError where the server keeps the connection but does not answer."""
        try:
            async with asyncio.timeout(seconds):
                await self.ask(raw)
        except TimeoutError:
            raw.terminate()
            raise

    async def try_to_ask(self, source: AsyncEngine) -> None:
        """Ask, unless the database is away: then somebody asks again later."""
        try:
            async with connected(source) as connection:
                await self.ask_within(_ANSWER_SECONDS, connection.raw)
        except (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.debug("clock.not_asked", error=type(error).__name__)

    async def keep(self, source: AsyncEngine) -> None:
        """Ask for as long as the process runs."""
        while True:
            await asyncio.sleep(_ASK_EVERY)
            await self.try_to_ask(source)
