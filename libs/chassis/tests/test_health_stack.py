"""`/livez` and `/readyz` of whole processes: ready, without their database, draining, stuck."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from given_cable import cabled
from given_stores import Broker, on_goods_received, receipt, records, until

from bihuan_chassis import Settings, Transaction, http, lanes, run, service
from bihuan_chassis.database import Connection
from bihuan_chassis.health import Heartbeat, admin_app
from bihuan_chassis.service import Service
from bihuan_contracts import Topic
from bihuan_contracts.erp import GoodsReceived
from bihuan_tools.stack import free_port

pytestmark = pytest.mark.stack

Serve = Callable[[Sequence[tuple[Service, Settings]], int, asyncio.Event], Awaitable[None]]

routes = http.router()
asked, answer_now = asyncio.Event(), asyncio.Event()


@routes.get("/slow", dependencies=[http.allow_anonymous()])
async def slow() -> str:
    asked.set()
    await answer_now.wait()
    return "done"


class Process:
    """A process of a service, on this loop."""

    def __init__(self, admin_port: int, stop: asyncio.Event, running: "asyncio.Task[None]") -> None:
        self._admin = f"http://127.0.0.1:{admin_port}"
        self.stop, self.running = stop, running

    async def ask(self, path: str) -> tuple[int, dict[str, Any]]:
        async with httpx.AsyncClient() as client:
            answer = await client.get(self._admin + path)
            return answer.status_code, answer.json()

    async def until_status(self, path: str, status: int) -> dict[str, Any]:
        said: dict[str, Any] = {}

        async def is_so() -> bool:
            nonlocal said
            try:
                found, said = await self.ask(path)
            except httpx.TransportError:
                return False  # not listening yet
            return found == status

        await until(is_so)
        return said


@asynccontextmanager
async def process(
    serve: Serve, app: Service, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Process]:
    monkeypatch.setattr(run, "leave_to_stay", lambda **_: None)  # this process is not the service's own
    stop, port = asyncio.Event(), free_port()
    running = asyncio.ensure_future(serve([(app, settings)], port, stop))
    assert isinstance(running, asyncio.Task)
    try:
        yield Process(port, stop, running)
    finally:
        stop.set()
        await running


@pytest.fixture
def migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of these tests are made without migrations."""

    async def at_head(*_: object) -> bool:
        return True

    monkeypatch.setattr("bihuan_chassis.health.at_head", at_head)


@pytest.mark.usefixtures("migrated")
async def test_an_api_is_ready_while_its_database_answers(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        cabled(settings.model_copy(update={"http_port": free_port()})) as (far, cable),
        process(run.serve_apis, service("stores", api=[routes]), far, monkeypatch) as api,
    ):
        said = await api.until_status("/readyz", 200)
        assert said["checks"] == {"stores.database": {"ok": True, "detail": "migrated"}}
        await cable.cut()
        said = await api.until_status("/readyz", 503)
        assert not said["checks"]["stores.database"]["ok"]
        assert await api.ask("/livez") == (200, {"alive": True}), "a restart would not bring the database back"
        await cable.mend()
        await api.until_status("/readyz", 200)


async def test_an_api_that_is_not_migrated_is_not_ready(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings.model_copy(update={"http_port": free_port()})
    async with process(run.serve_apis, service("stores", api=[routes]), settings, monkeypatch) as api:
        said = await api.until_status("/readyz", 503)
        assert said["checks"]["stores.database"] == {"ok": False, "detail": "run the migrations"}


@pytest.mark.usefixtures("migrated")
async def test_a_draining_api_answers_what_it_has_begun_and_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F19: no new caller is sent to it, and nobody takes it for dead."""
    asked.clear()
    answer_now.clear()
    settings = settings.model_copy(update={"http_port": free_port()})
    async with (
        process(run.serve_apis, service("stores", api=[routes]), settings, monkeypatch) as api,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}") as client,
    ):
        await api.until_status("/readyz", 200)
        waiting = asyncio.create_task(client.get("/api/stores/slow"))
        await asked.wait()
        api.stop.set()
        said = await api.until_status("/readyz", 503)
        assert said["draining"]
        assert all(check["ok"] for check in said["checks"].values())
        assert (await api.ask("/livez"))[0] == 200
        answer_now.set()
        assert (await waiting).json() == "done"
        await api.running


async def test_a_worker_without_its_database_is_alive_but_not_ready(
    settings: Settings,
    kafka_server: str,
    broker: Broker,
    receipts: Topic,
    metrics: Topic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await broker.create(receipts)
    await broker.create(metrics)
    hearing = service("stores", hears={receipts: on_goods_received})
    async with (
        cabled(settings.model_copy(update={"kafka": kafka_server})) as (far, cable),
        process(run.run_workers, hearing, far, monkeypatch) as worker,
    ):
        await worker.until_status("/readyz", 200)
        await cable.cut()
        said = await worker.until_status("/readyz", 503)
        assert not said["checks"]["stores"]["detail"]["relay"]
        assert (await worker.ask("/livez"))[0] == 200
        await cable.mend()
        await worker.until_status("/readyz", 200)


async def test_a_worker_that_drains_says_so_until_its_batch_is_done(
    settings: Settings, kafka_server: str, broker: Broker, receipts: Topic, metrics: Topic,
    connection: Connection, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    await broker.create(receipts)
    await broker.create(metrics)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def gated(events: Sequence[GoodsReceived], tx: Transaction) -> None:
        begun.set()
        await go_on.wait()
        await on_goods_received(events, tx)

    hearing = service("stores", hears={receipts: gated})
    await broker.send(receipts, records([receipt()]))
    async with process(
        run.run_workers, hearing, settings.model_copy(update={"kafka": kafka_server}), monkeypatch
    ) as worker:
        await begun.wait()
        worker.stop.set()
        assert (await worker.until_status("/readyz", 503))["draining"]
        assert (await worker.ask("/livez"))[0] == 200
        go_on.set()
        await worker.running
    assert await connection.raw.fetchval("select count(*) from effects") == 1


async def test_a_stuck_worker_is_to_be_started_again(
    settings: Settings,
    kafka_server: str,
    broker: Broker,
    receipts: Topic,
    metrics: Topic,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F25, P13: records wait, nothing fails, and new consumers don't help either."""
    await broker.create(receipts)
    await broker.create(metrics)
    monkeypatch.setattr(lanes, "_WATCH_EVERY", 0.1)
    monkeypatch.setattr(lanes, "_STUCK_AFTER", 1.0)

    async def fetch_nothing(self: lanes.Lane, _: object) -> lanes.Fetched:
        await asyncio.sleep(0.1)
        return lanes.Fetched(self._epoch, [], [])

    monkeypatch.setattr(lanes.Lane, "_fetch", fetch_nothing)
    await broker.send(receipts, records([receipt()]))
    hearing = service("stores", hears={receipts: on_goods_received})
    async with process(
        run.run_workers, hearing, settings.model_copy(update={"kafka": kafka_server}), monkeypatch
    ) as worker:
        assert await worker.until_status("/livez", 503) == {"alive": False}


async def test_a_loop_that_has_hung_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """F25: the answer comes once the loop is free again, and tells that it was not."""
    heartbeat = Heartbeat()
    transport = httpx.ASGITransport(admin_app(heartbeat, {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        assert (await client.get("/livez")).status_code == 200
        heartbeat._beat_at -= 31
        assert (await client.get("/livez")).status_code == 503
