"""Requests while the database is away or busy, and requests that are sent more than once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from given_cable import cabled
from given_stores import measure_of, receipt, until
from sqlalchemy.pool import QueuePool

from bihuan_chassis import Settings, database, http, service
from bihuan_chassis.database import Connection
from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.problems import Invalid
from bihuan_chassis.worker import Worker

pytestmark = pytest.mark.flow

routes = http.router()
everybody = [http.allow_anonymous()]


class Order(http.Body):
    order: str


class Effect(http.Reply):
    id: int


@routes.post("/effects", status_code=201, dependencies=everybody)
async def add(order: Order, tx: http.Tx) -> Effect:
    if order.order == "refused":
        raise Invalid("refused")
    tx.announce(measure_of(receipt(order.order)))
    return Effect(
        id=await tx.raw.fetchval('insert into effects ("order", line) values ($1, 1) returning id', order.order)
    )


@routes.get("/effects", dependencies=everybody)
async def count(tx: http.Tx) -> int:
    return int(await tx.raw.fetchval("select count(*) from effects"))


@asynccontextmanager
async def answering(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, FastAPI]]:
    app = service("stores", api=[routes]).api(settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://stores/api/stores", timeout=30) as client,
    ):
        yield client, app


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with answering(settings) as (client, _):
        yield client


def assert_asks_to_come_back(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0


async def test_while_the_database_is_gone_callers_are_asked_to_come_back(settings: Settings) -> None:
    """F8: 503 and Retry-After, neither 500 nor waiting; the pool heals by itself."""
    async with cabled(settings) as (far, cable), answering(far) as (client, _):
        assert (await client.post("/effects", json={"order": "PO-1"})).status_code == 201
        await cable.cut()
        async with asyncio.timeout(10):
            for _ in range(2):  # by a connection that was open, and by one that can't be opened
                assert_asks_to_come_back(await client.get("/effects"), "database_away")
                assert_asks_to_come_back(await client.post("/effects", json={"order": "PO-2"}), "database_away")
        await cable.mend()
        assert (await client.post("/effects", json={"order": "PO-3"})).status_code == 201
        assert (await client.get("/effects")).json() == 2


async def test_requests_do_not_wait_for_a_database_that_answers_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F8: hung up on, in a statement and when taken from the pool; whoever comes then is served by a new connection."""
    few = settings.model_copy(update={"database_pool": 2})  # one is held by who wakes the relays
    async with cabled(few) as (far, cable), answering(far) as (client, app):
        assert (await client.post("/effects", json={"order": "PO-1"})).status_code == 201
        monkeypatch.setattr(database, "_GET_SECONDS", 1)
        monkeypatch.setattr(database, "_ANSWER_SECONDS", 1)
        cable.hang()
        async with asyncio.timeout(10):
            assert_asks_to_come_back(await client.get("/effects"), "database_away")
        assert (await client.get("/effects")).json() == 1

        async with asyncio.timeout(10):
            async with database.connected(app.state.engine, at_most=0.2) as connection:
                cable.hang()
                with pytest.raises(asyncpg.PostgresConnectionError):
                    await connection.raw.fetchval("select 1")
        assert (await client.get("/effects")).json() == 1


async def test_when_all_connections_are_in_use_callers_are_asked_to_come_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F9: the wait for a connection ends, also when its holders never do."""
    few = settings.model_copy(update={"database_pool": 1})
    async with answering(few) as (client, app):
        pool = app.state.engine.sync_engine.pool
        assert isinstance(pool, QueuePool)
        monkeypatch.setattr(pool, "_timeout", 0.2)
        async with app.state.engine.connect():
            assert_asks_to_come_back(await client.get("/effects"), "busy")
        assert (await client.get("/effects")).status_code == 200


async def test_fifty_requests_at_once_with_one_key_have_one_effect_and_one_answer(
    client: httpx.AsyncClient, connection: Connection
) -> None:
    sent = [
        client.post("/effects", json={"order": "PO-1"}, headers={"Idempotency-Key": "once"}) for _ in range(50)
    ]  # fmt: skip
    answers = await asyncio.gather(*sent)
    assert Counter((answer.status_code, answer.content) for answer in answers) == {(201, answers[0].content): 50}
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert await connection.raw.fetchval("select count(*) from effects") == 1
    assert await connection.raw.fetchval("select count(*) from outbox") == 1


async def test_a_key_belongs_to_one_request(client: httpx.AsyncClient) -> None:
    """The same key with another body is a mistake of the caller; one whose request was refused is free again."""
    key = {"Idempotency-Key": "once"}
    assert (await client.post("/effects", json={"order": "refused"}, headers=key)).status_code == 422
    assert (await client.post("/effects", json={"order": "PO-1"}, headers=key)).status_code == 201
    other = await client.post("/effects", json={"order": "PO-2"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    long = await client.post("/effects", json={"order": "PO-2"}, headers={"Idempotency-Key": "k" * 201})
    assert (long.status_code, long.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert (await client.get("/effects")).json() == 1


async def test_keys_are_forgotten_after_a_day(
    client: httpx.AsyncClient,
    settings: Settings,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    description: Callable[..., ServiceDescription],
) -> None:
    for key in ("yesterday", "today"):
        await client.post("/effects", json={"order": key}, headers={"Idempotency-Key": key})
    await connection.raw.execute(
        "update idempotency_keys set at = now() - interval '24 hours 1 second' where key = 'yesterday'"
    )
    monkeypatch.setattr("bihuan_chassis.worker._PRUNE_EVERY", 0)
    monkeypatch.setattr("bihuan_chassis.worker._HOUSEKEEPING", 0.05)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(description("stores"), settings).run(stop))

    async def forgotten() -> bool:
        rows: list[Any] = await connection.raw.fetch("select key from idempotency_keys")
        return [row["key"] for row in rows] == ["today"]

    await until(forgotten)
    stop.set()
    await working
    again = await client.post("/effects", json={"order": "yesterday"}, headers={"Idempotency-Key": "yesterday"})
    assert (again.status_code, again.json()["id"]) == (201, 3)
