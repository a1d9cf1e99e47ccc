"""What a service says about itself: the table of contents that workers, apis, tests and documents are made from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from bihuan_chassis.settings import Settings
from bihuan_contracts import Topic

Handler = Callable[[Any, Any], Awaitable[None]]
"""`async def on_x(events: Sequence[X], tx: Transaction) -> None`"""

TimerHandler = Callable[[Any, Any], Awaitable[None]]
"""`async def on_timer(timers: Sequence[Timer], tx: Transaction) -> None`"""

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Opens what the service needs besides the database, given its settings; handlers find it as `tx.resources`."""

Middleware = tuple[Any, Callable[[Any], dict[str, Any]]]
"""An ASGI middleware around the whole api, and its options given the settings."""


@dataclass(frozen=True)
class Subscription:
    """Topics that one consumer reads with one handler."""

    service: str
    topics: tuple[Topic, ...]
    handler: Handler
    gather: float = 0.0
    """Seconds to wait for more records before a batch that is not full is handled."""

    @property
    def name(self) -> str:
        """Consumer group and inbox name: `goals.changes.impacts.v1`, or `analytics.all` for many topics."""
        return f"{self.service}.{self.topics[0].name if len(self.topics) == 1 else 'all'}"


@dataclass(frozen=True)
class ServiceDescription:
    name: str
    settings: type[Settings]
    subscriptions: tuple[Subscription, ...]
    api: Sequence[APIRouter]
    timers: Mapping[str, TimerHandler]
    lifespan: Lifespan | None
    migrations: Path
    public_routes: Sequence[APIRouter] = ()
    """Routers without the `/api/<name>` prefix: only `web` has some."""
    middleware: Sequence[Middleware] = ()
