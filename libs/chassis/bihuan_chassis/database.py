"""Connections to the service's own database, and which failures are outages that pass by themselves."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import asyncpg
import structlog
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bihuan_chassis.settings import Settings

REQUEST_SECONDS = 60.0
"""Twice as long as web waits for an answer: nobody hears what comes later."""
_CONNECT_SECONDS = 10
_POOL_SECONDS = 5
_GET_SECONDS = _POOL_SECONDS + _CONNECT_SECONDS
_CUT_AFTER = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}
_ANSWER_SECONDS = 5
_UNREACHABLE = (OSError, asyncio.TimeoutError)
_OF_THE_CLIENT = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg says of itself: a wrong call, or a server that has taken its leave between two statements."""
_OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.DiskFullError,
)
_CONFLICTS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

log = structlog.get_logger()


def engine(settings: Settings, *, pool: int) -> AsyncEngine:
    """An engine without implicit BEGIN: SQLAlchemy's own would make `raw` statements run outside the transaction."""
    made = create_async_engine(
        sqlalchemy_url(settings.database.get_secret_value()),
        isolation_level="AUTOCOMMIT",
        pool_size=pool,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "server_settings": {"application_name": f"bihuan-{settings.service}", "jit": "off"},
        },
    )
    event.listen(made.sync_engine, "connect", lambda adapted, _: _notice_a_cut(adapted.driver_connection))
    return made


def sqlalchemy_url(url: str) -> str:
    """`postgresql://…` in SQLAlchemy's spelling."""
    return "postgresql+asyncpg://" + url.split("://", 1)[1]


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


@dataclass
class Connection:
    """One connection in both of its faces: SQLAlchemy for reading, asyncpg for sets."""

    sqlalchemy: AsyncConnection
    raw: "asyncpg.Connection[asyncpg.Record]"

    @property
    def closed(self) -> bool:
        return bool(self.raw.is_closed())


@asynccontextmanager
async def connected(source: AsyncEngine, *, at_most: float = REQUEST_SECONDS) -> AsyncIterator[Connection]:
    """A connection from the pool, given back at the end; hung up on after `at_most` seconds.

    A database that keeps its connections and answers nobody would else keep the places of the pool for ever, long
    after the callers have gone, and the service would call itself busy when another database has taken over.
    """
    async with AsyncExitStack() as stack:
        connection = await _take(source)
        stack.push_async_exit(connection)
        raw = await _raw(connection)
        stack.callback(asyncio.get_running_loop().call_later(at_most, _hang_up, raw).cancel)
        yield Connection(connection, raw)


async def hold(source: AsyncEngine, *, plan_once: bool = False) -> Connection:
    """A connection for as long as the caller lives: giving it back to the pool each time costs a round trip.

    `plan_once` is for handlers: their statements look up the keys that they are given, and PostgreSQL, which takes
    arrays of unknown length for long ones, would plan them anew each time, for longer than they run.
    """
    connection = await _take(source)
    try:
        raw = await _raw(connection)
        if plan_once:
            await raw.execute("set plan_cache_mode = force_generic_plan")
        return Connection(connection, raw)
    except BaseException:
        await connection.close()  # or its place in the pool would be lost
        raise


async def release(connection: Connection) -> None:
    """Give a held connection back; a broken one is thrown away, and its place in the pool is free either way."""
    broken = (DBAPIError, *_UNREACHABLE, *_OUTAGES, *_OF_THE_CLIENT)
    if connection.closed or connection.raw.is_in_transaction():
        with suppress(*broken):
            await connection.sqlalchemy.invalidate()
    with suppress(*broken):
        await connection.sqlalchemy.close()


async def say_goodbye(source: AsyncEngine) -> None:
    """Give back all of the pool's connections; a server that does not take its leave is not waited for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            await source.dispose()


async def cut_if_broken(connection: Connection) -> None:
    """After a failure: close a connection that can't do the simplest statement any more, or is left in a transaction.

    A server that ends says so and then hangs up. In between, asyncpg calls the connection open and refuses all work
    on it, the rollback too: whoever kept it would fail for ever.
    """
    if connection.closed:
        return
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await connection.raw.execute("select")
        broken = connection.raw.is_in_transaction()
    except (asyncpg.PostgresError, *_UNREACHABLE, *_OF_THE_CLIENT):
        broken = True
    if broken:
        connection.raw.terminate()


async def _take(source: AsyncEngine) -> AsyncConnection:
    """From the pool, which asks whether a connection is alive before it gives it away, and waits for the answer."""
    async with asyncio.timeout(_GET_SECONDS):
        return await source.connect()


async def _raw(connection: AsyncConnection) -> "asyncpg.Connection[asyncpg.Record]":
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)
    return driver


def _hang_up(raw: "asyncpg.Connection[asyncpg.Record]") -> None:
    log.warning("request.hung_up_on_database")
    raw.terminate()


def _notice_a_cut(driver: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Where a network is cut without a word, fail within half a minute: the kernel alone waits a quarter of an hour.

    A limit on each statement would not do: it could not tell a slow handler from a lost server.
    """
    transport = cast("asyncio.Transport", driver._transport)  # type: ignore[attr-defined] # asyncpg offers no other way
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as own:
        if own.family == socket.AF_UNIX:
            return
        own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _CUT_AFTER.items():
            if hasattr(socket, name):  # Linux has all of them
                own.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def is_outage(error: BaseException, connection: Connection | None) -> bool:
    """Whether the database is away, so that the same work succeeds later. `connection` is None while connecting.

    On a living connection a timeout or a network error is the handler's own, and asyncpg's InterfaceError a wrong
    call: retrying either would stop the partition for ever.
    """
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig
        return error.connection_invalidated or is_outage(cause, connection)
    if isinstance(error, (*_UNREACHABLE, SQLAlchemyTimeoutError)) and connection is None:
        return True
    return isinstance(error, _OUTAGES) or (
        connection is not None
        and connection.closed
        and isinstance(error, (*_UNREACHABLE, *_OF_THE_CLIENT, InterfaceError))
    )


def is_conflict(error: BaseException) -> bool:
    """Whether two transactions got in each other's way: the same work succeeds when tried again."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return is_conflict(error.orig.__cause__ or error.orig)
    return isinstance(error, _CONFLICTS)
