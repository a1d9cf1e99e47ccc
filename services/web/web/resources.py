"""What web's routes work with, opened once a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from fastapi import Request
from redis.asyncio import Redis

from bihuan_chassis import Settings as ChassisSettings
from bihuan_chassis.auth import EVERYONE, roles_named
from bihuan_chassis.http import Forbidden
from web.board_cache import BoardCache
from web.forward import Forwarder
from web.live import Fanout
from web.pages import Pages
from web.sessions import Session, Sessions
from web.settings import Settings


@dataclass(frozen=True)
class Resources:
    settings: Settings
    redis: "Redis"
    sessions: Sessions
    forwarder: Forwarder
    client: httpx.AsyncClient
    fanout: Fanout
    pages: Pages
    boards: BoardCache


@asynccontextmanager
async def resources(settings: ChassisSettings) -> AsyncIterator[Resources]:
    assert isinstance(settings, Settings)
    redis = Redis.from_url(settings.redis.get_secret_value(), socket_connect_timeout=2, socket_timeout=10)
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    timeout = httpx.Timeout(settings.service_timeout, connect=2, pool=2)
    fanout = Fanout(redis)
    async with httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False, trust_env=False) as client:
        try:
            yield Resources(
                settings, redis, Sessions(redis, settings), Forwarder(settings.services, client), client, fanout,
                Pages(settings.static_folder), BoardCache(redis),
            )  # fmt: skip
        finally:
            await fanout.close()
            await redis.aclose()


def resources_of(request: Request) -> Resources:
    found = request.app.state.surroundings.resources
    assert isinstance(found, Resources)
    return found


async def require_colleague(request: Request) -> Session:
    """Whoever is signed in and inside: suppliers see neither who works here nor what on."""
    session = await resources_of(request).sessions.find(request)
    if not roles_named(session.roles) & EVERYONE:
        raise Forbidden()
    return session
