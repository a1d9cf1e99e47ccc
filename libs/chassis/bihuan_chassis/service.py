"""`service(…)`: one call makes a service from what it hears, answers and plans."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from redis.asyncio import Redis

from bihuan_chassis import dead_letter_routes, http, metrics
from bihuan_chassis.auth import Authenticator, Keys
from bihuan_chassis.clock import DatabaseClock
from bihuan_chassis.database import engine, say_goodbye
from bihuan_chassis.description import Handler, Lifespan, Middleware, ServiceDescription, Subscription, TimerHandler
from bihuan_chassis.live import RedisLive
from bihuan_chassis.relay import Notifier
from bihuan_chassis.settings import Settings
from bihuan_chassis.transaction import Surroundings
from bihuan_chassis.worker import Worker
from bihuan_contracts import Topic


class Service:
    """A service: what it says about itself, and how to make its processes."""

    def __init__(self, description: ServiceDescription) -> None:
        self.description = description

    @property
    def name(self) -> str:
        return self.description.name

    def settings(self) -> Settings:
        """From the environment; raises SettingsError naming what is missing."""
        return self.description.settings.load(self.name)

    def worker(self, settings: Settings) -> Worker:
        return Worker(self.description, settings)

    def api(self, settings: Settings) -> FastAPI:
        """The HTTP application of this service."""
        database = engine(settings, pool=settings.database_pool)
        notifier, clock = Notifier(database), DatabaseClock(self.name)
        redis = Redis.from_url(settings.redis.get_secret_value(), socket_timeout=2, socket_connect_timeout=2)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                stack.push_async_callback(say_goodbye, database)
                stack.push_async_callback(redis.aclose)
                resources = None
                if self.description.lifespan is not None:
                    resources = await stack.enter_async_context(self.description.lifespan(settings))
                app.state.surroundings = Surroundings(settings, RedisLive(redis), notifier, resources, clock)
                app.state.redis = redis
                await clock.try_to_ask(database)
                beside = [asyncio.create_task(notifier.run()), asyncio.create_task(clock.keep(database))]
                try:
                    yield
                finally:
                    for task in beside:
                        task.cancel()
                    await asyncio.gather(*beside, return_exceptions=True)

        app = FastAPI(
            title=f"Bihuan {self.name}", version=build_version(), lifespan=lifespan, docs_url=None, redoc_url=None,
            openapi_url=None,
        )  # fmt: skip
        keys = Keys(settings.auth_jwks)
        authenticator = Authenticator(keys, issuer=settings.auth_issuer, audience=settings.auth_audience)
        http.install(
            app, service=self.name, engine=database, authenticator=authenticator,
            surroundings=Surroundings(settings), limit=settings.request_limit,
        )  # fmt: skip
        for middleware, options in self.description.middleware:
            app.add_middleware(middleware, **options(settings))
        self.include_routes(app)
        metrics.BUILD_INFO.labels(self.name, app.version).set(1)
        return app

    @property
    def api_routes(self) -> tuple[APIRouter, ...]:
        """What it answers under `/api/<name>`; who hears topics also shows what it could not handle."""
        own = tuple(self.description.api)
        return (*own, dead_letter_routes.routes) if own and self.description.subscriptions else own

    def include_routes(self, app: FastAPI) -> None:
        for routes in self.api_routes:
            app.include_router(routes, prefix=f"/api/{self.name}")
        for routes in self.description.public_routes:
            app.include_router(routes)

    def run(self) -> None:
        """`python -m <service> api|worker|migrate`."""
        from bihuan_chassis.run import main  # noqa: PLC0415 - servers are needed by processes only

        sys.exit(main(self, sys.argv[1:]))


def service(
    name: str,
    *,
    settings: type[Settings] = Settings,
    hears: Mapping[Topic | tuple[Topic, ...], Handler] | None = None,
    api: Sequence[APIRouter] = (),
    timers: Mapping[str, TimerHandler] | None = None,
    lifespan: Lifespan | None = None,
    public_routes: Sequence[APIRouter] = (),
    middleware: Sequence[Middleware] = (),
    package: str | None = None,
    gather: float = 0.0,
) -> Service:
    """Describe a service.

    Each key of `hears` has its own consumer; topics named together share one. Routes of `api` get the prefix
    `/api/<name>`. `timers` maps kinds to handlers. `package` is where the migrations are, if not `name`. A service
    that nobody waits for gathers records for `gather` seconds: fewer, fuller batches, and out of the others' way.
    """
    subscriptions = tuple(
        Subscription(name, key if isinstance(key, tuple) else (key,), handler, gather)
        for key, handler in (hears or {}).items()
    )
    heard = [topic for subscription in subscriptions for topic in subscription.topics]
    if len(heard) != len(set(heard)):
        raise ValueError(f"{name} hears a topic twice")
    if len({subscription.name for subscription in subscriptions}) != len(subscriptions):
        raise ValueError(f"{name} names topics together twice: both would share one consumer group")
    return Service(
        ServiceDescription(
            name,
            settings,
            subscriptions,
            api,
            timers or {},
            lifespan,
            _migrations(package or name),
            public_routes,
            middleware,
        )
    )


def _migrations(package: str) -> Path:
    """Inside the package in a wheel, beside it in the source tree."""
    module: Any = sys.modules.get(package)
    folder = Path(module.__file__).parent if module is not None and module.__file__ else Path()
    inside = folder / "migrations"
    return inside if inside.exists() else folder.parent / "migrations"


def build_version() -> str:
    try:
        return version("bihuan-chassis")
    except PackageNotFoundError:
        return "0"
