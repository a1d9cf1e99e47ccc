"""A fresh database with the chassis' tables, and a tiny consumer to try the messaging on."""

import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from given_stores import Broker
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, logs
from bihuan_chassis.database import Connection, engine, hold, release
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.tables import metadata
from bihuan_contracts import Topic, topics

EFFECTS = """
create table effects (id bigserial primary key, "order" text, line int, item text, note jsonb)
"""


@pytest.fixture
async def settings(postgres_server: str) -> AsyncIterator[Settings]:
    """Settings of a service whose database was made for this test."""
    name = f"chassis_{uuid4().hex[:12]}"
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {name}")
    url = f"{postgres_server.rsplit('/', 1)[0]}/{name}"
    settings = Settings(service="stores", database=SecretStr(url))
    source = engine(settings, pool=1)
    async with source.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.exec_driver_sql(EFFECTS)
    await source.dispose()
    yield settings
    await server.execute(f"drop database {name} with (force)")
    await server.close()


@pytest.fixture
async def source(settings: Settings) -> AsyncIterator[AsyncEngine]:
    made = engine(settings, pool=8)
    yield made
    await made.dispose()


@pytest.fixture
async def connection(source: AsyncEngine) -> AsyncIterator[Connection]:
    held = await hold(source)
    yield held
    await release(held)


@pytest.fixture
async def broker(kafka_server: str) -> AsyncIterator[Broker]:
    broker = Broker(kafka_server, [])
    yield broker
    if broker.made:
        await broker.delete_topics()


@pytest.fixture
def receipts(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A topic of goods receipts of this test's own."""
    return _own(topics.RECEIPTS, monkeypatch)


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Topic:
    """A topic of measures of this test's own, which announced measures go to."""
    return _own(topics.METRICS, monkeypatch)


def _own(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> Topic:
    own = replace(topic, name=f"{topic.name.removesuffix('.v1')}-{uuid4().hex[:8]}.v1")
    monkeypatch.setitem(topics._BY_NAME, own.name, own)
    monkeypatch.setitem(topics._BY_EVENT, own.event, own)
    return own


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Reads what was logged since the last time."""
    root, out = logging.getLogger(), io.StringIO()
    monkeypatch.setattr(root, "handlers", root.handlers)
    monkeypatch.setattr(root, "level", root.level)
    with redirect_stdout(out):
        logs.configure("stores", "INFO")

    def read() -> list[dict[str, Any]]:
        written = out.getvalue().splitlines()
        out.truncate(0)
        out.seek(0)
        return [json.loads(line) for line in written]

    yield read
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def description() -> Callable[[str], ServiceDescription]:
    """A service that hears and answers nothing: its worker relays, and keeps house."""
    return lambda name: ServiceDescription(name, Settings, (), (), {}, None, Path("migrations"))
