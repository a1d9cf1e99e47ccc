"""Running a service in a test: its own migrated database, its real batch path, its api, without Kafka.

async with running(app, postgres_server) as goals:
    await goals.hear(topics.IMPACTS, [impact])
    assert await goals.announced(topics.TASKS)
"""

import itertools
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from bihuan_chassis import dead_letters
from bihuan_chassis.auth import Authenticator, Keys, Person, Role, TokenMinter
from bihuan_chassis.batch import Batches
from bihuan_chassis.database import Connection, connected, engine, hold, release
from bihuan_chassis.dead_letters import DeadLetter, Record
from bihuan_chassis.description import Subscription
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.live import Live
from bihuan_chassis.migrate import migrate
from bihuan_chassis.service import Service
from bihuan_chassis.timers import Timer
from bihuan_chassis.transaction import Surroundings, Transaction, transaction
from bihuan_chassis.worker import fire_due
from bihuan_contracts import Event, Topic, seal, topics

_KEY = TokenMinter.new_key()
_MINTER = TokenMinter(_KEY)
_NUMBERS = itertools.count(1)
_TEMPLATES: dict[tuple[str, str], str] = {}


class _StaticKeys(Keys):
    def __init__(self) -> None:
        super().__init__(None)
        from joserfc.jwk import KeySet  # noqa: PLC0415 - tests only

        self._keys = KeySet.import_key_set(_MINTER.jwks())  # type: ignore[arg-type] # plain JSON


class _Recorder:
    def __init__(self) -> None:
        self.messages: list[Live] = []

    async def publish(self, messages: Sequence[Live]) -> None:
        self.messages.extend(messages)


class RunningService:
    """A service under test."""

    def __init__(self, service: Service, database: str, environ: Mapping[str, str] | None = None) -> None:
        self.service = service
        self.database = database
        self.now: datetime | None = None
        """The clock of every transaction; None is the real one."""
        self._live = _Recorder()
        self._offsets = itertools.count()
        self._batches: dict[Topic, Batches] = {}
        self._clients: list[httpx.AsyncClient] = []
        self._connection: Connection | None = None
        self._resources: Any = None
        self.settings = service.description.settings.load(
            service.name,
            {
                "BIHUAN_DATABASE": database,
                "BIHUAN_ENVIRONMENT": "development",
                "BIHUAN_DATABASE_POOL": "20",
                **(environ or {}),
            },
        )
        self._engine = engine(self.settings, pool=30)

    @property
    def live_messages(self) -> list[Live]:
        return self._live.messages

    @property
    def surroundings(self) -> Surroundings:
        clock = lambda: self.now or datetime.now(UTC)  # noqa: E731 - read at each call
        return Surroundings(self.settings, self._live, None, self._resources, clock)

    async def _held(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await hold(self._engine, plan_once=True)
        return self._connection

    def _subscription(self, topic: Topic) -> Subscription:
        for subscription in self.service.description.subscriptions:
            if topic in subscription.topics:
                return subscription
        raise LookupError(f"{self.service.name} does not hear {topic}")

    async def hear(
        self, topic: Topic, events: Sequence[Event], *, ids: Sequence[str] | None = None, source: str = "test"
    ) -> None:
        """Handle events as the worker does: sealed, opened, inbox, handler, outbox."""
        time = self.now or datetime.now(UTC)
        names = ids or [str(new_id()) for _ in events]
        sealed = [seal(topic, event, id=id, source=source, time=time) for id, event in zip(names, events, strict=True)]
        await self.hear_raw(topic, [(record.key, record.value, record.headers) for record in sealed])

    async def hear_raw(
        self, topic: Topic, records: Sequence[tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]]
    ) -> None:
        """Handle raw records, broken ones too."""
        time = self.now or datetime.now(UTC)
        if topic not in self._batches:
            self._batches[topic] = Batches(self._subscription(topic), self.surroundings, self._held)
        await self._batches[topic].handle(
            [Record(topic.name, 0, next(self._offsets), key, value, headers, time) for key, value, headers in records]
        )

    async def announced(self, topic: Topic | None = None) -> list[Any]:
        """Events in the outbox, oldest first."""
        async with connected(self._engine) as connection:
            rows = await connection.raw.fetch("select topic, body from outbox order by id")
        return [
            topics.named(row["topic"]).event.model_validate_json(row["body"])
            for row in rows
            if topic is None or row["topic"] == topic.name
        ]

    async def clear_outbox(self) -> None:
        async with connected(self._engine) as connection:
            await connection.raw.execute("delete from outbox")

    async def dead_letters(self, state: str | None = "open") -> list[DeadLetter]:
        async with connected(self._engine) as connection:
            return await dead_letters.find(connection.raw, state=state)

    async def replay_dead_letters(self) -> None:
        """What the worker does after `bihuan dlq replay`."""
        connection = await self._held()
        for subscription in self.service.description.subscriptions:
            await Batches(subscription, self.surroundings, self._held).replay(connection)

    async def forget_inbox(self) -> None:
        """As if the consumer group had been reset and the inbox lost: only the handlers' own guards are left."""
        async with connected(self._engine) as connection:
            await connection.raw.execute("delete from inbox")

    async def timers(self) -> list[Timer]:
        async with connected(self._engine) as connection:
            rows = await connection.raw.fetch("select kind, key, due_at from timers order by due_at")
        return [Timer(row["kind"], row["key"], row["due_at"]) for row in rows]

    async def fire_timers(self, at: datetime | None = None) -> int:
        """Fire what is due at `at`."""
        before = self.now
        self.now = at or before
        try:
            return await fire_due(self.service.description, self.surroundings, await self._held())
        finally:
            self.now = before

    @asynccontextmanager
    async def tx(self, actor: str | None = None) -> AsyncIterator[Transaction]:
        async with (
            connected(self._engine) as connection,
            transaction(connection, self.surroundings, actor=actor) as tx,
        ):
            yield tx

    def client(
        self,
        person: str | None = "10231",
        roles: Iterable[Role] = (Role.EMPLOYEE,),
        *,
        name: str = "周启航",
        supplier: str | None = None,
        language: str = "zh",
    ) -> httpx.AsyncClient:
        """An HTTP client signed in as this person, or as nobody."""
        app = self.service.api(self.settings)
        app.state.engine = self._engine
        app.state.surroundings = self.surroundings
        app.state.authenticator = Authenticator(_StaticKeys(), issuer="bihuan-web", audience="bihuan")
        app.state.running = self
        headers = {"Accept-Language": language}
        if person is not None:
            token = _MINTER.mint(Person(person, name, frozenset(roles), supplier))
            headers["Authorization"] = f"Bearer {token}"
        client = httpx.AsyncClient(
            transport=_ClockedTransport(self, app),
            base_url=f"http://test/api/{self.service.name}" if self.service.description.api else "http://test",
            headers=headers,
        )
        self._clients.append(client)
        return client

    async def __aenter__(self) -> Self:
        lifespan = self.service.description.lifespan
        self._lifespan = lifespan(self.settings) if lifespan else None
        if self._lifespan is not None:
            self._resources = await self._lifespan.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            await client.aclose()
        if self._lifespan is not None:
            await self._lifespan.__aexit__(kind, error, trace)
        if self._connection is not None:
            await release(self._connection)
        await self._engine.dispose()


class _ClockedTransport(httpx.ASGITransport):
    """Gives each request the clock that the test has set."""

    def __init__(self, running: RunningService, app: Any) -> None:
        super().__init__(app=app, raise_app_exceptions=False)
        self._running, self._application = running, app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._application.state.surroundings = replace(self._running.surroundings)
        return await super().handle_async_request(request)


@asynccontextmanager
async def running(
    service: Service, postgres_server: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[RunningService]:
    """The service on a database of its own, copied from one that was migrated once; `environ` has more settings."""
    database = await new_database(service, postgres_server)
    try:
        async with RunningService(service, database, environ) as under_test:
            yield under_test
    finally:
        await _drop(postgres_server, urlsplit(database).path.lstrip("/"))


async def new_database(service: Service, postgres_server: str) -> str:
    """Address of a fresh, migrated database for one test."""
    template = await _template(service, postgres_server)
    name = f"t_{service.name}_{next(_NUMBERS)}_{new_id().hex[-6:]}"
    admin = await asyncpg.connect(postgres_server)
    try:
        await admin.execute(f'create database "{name}" template "{template}"')
    finally:
        await admin.close()
    return with_database(postgres_server, name)


async def _template(service: Service, postgres_server: str) -> str:
    known = _TEMPLATES.get((service.name, postgres_server))
    if known is not None:
        return known
    name = f"template_{service.name}_{new_id().hex[-8:]}"
    admin = await asyncpg.connect(postgres_server)
    try:
        await admin.execute(f'create database "{name}"')
    finally:
        await admin.close()
    await migrate(service.description, with_database(postgres_server, name))
    _TEMPLATES[service.name, postgres_server] = name
    return name


async def _drop(postgres_server: str, name: str) -> None:
    admin = await asyncpg.connect(postgres_server)
    try:
        await admin.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await admin.close()


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))
