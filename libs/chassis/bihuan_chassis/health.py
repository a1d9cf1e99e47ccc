"""Health and metrics on a port of their own: `/livez` process only, `/readyz` what it needs, `/metrics`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bihuan_chassis import metrics
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.migrate import at_head

_HUNG_AFTER = 30.0
_BEAT = 1.0

Check = Callable[[], Awaitable[tuple[bool, Any]]]


class Heartbeat:
    """Notices when the event loop hangs: the answer then comes from the same loop, so a probe times out or reads it."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()

    async def run(self) -> None:
        while True:
            expected = time.monotonic() + _BEAT
            await asyncio.sleep(_BEAT)
            now = time.monotonic()
            metrics.LOOP_LAG.set(max(0.0, now - expected))
            self._beat_at = now

    @property
    def alive(self) -> bool:
        return time.monotonic() - self._beat_at < _HUNG_AFTER


def admin_app(
    heartbeat: Heartbeat,
    checks: Mapping[str, Check],
    stuck: Callable[[], bool] = lambda: False,
    *,
    draining: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The application on the admin port.

    A process that is `draining` takes nothing new but lives until it is done. One that is `stuck`, or whose loop hangs,
    is better started again.
    """

    async def livez(_: Request) -> Response:
        alive = heartbeat.alive and not stuck()
        return JSONResponse({"alive": alive}, 200 if alive else 503)

    async def readyz(_: Request) -> Response:
        results = {name: await check() for name, check in checks.items()}
        leaving = draining()
        ready = all(passed for passed, _ in results.values()) and not leaving
        body = {
            "ready": ready,
            "draining": leaving,
            "checks": {name: {"ok": ok, "detail": detail} for name, (ok, detail) in results.items()},
        }
        return JSONResponse(body, 200 if ready else 503)

    async def read_metrics(_: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", read_metrics)])


def database_check(description: ServiceDescription, engine: AsyncEngine) -> Check:
    """Whether the database answers and is migrated."""

    async def check() -> tuple[bool, Any]:
        try:
            async with asyncio.timeout(2), engine.connect() as connection:
                migrated = await at_head(description, connection)
        except (OSError, SQLAlchemyError, TimeoutError) as error:
            return False, type(error).__name__
        return migrated, "migrated" if migrated else "run the migrations"

    return check
