"""Processes: `api`, `worker`, `migrate` and `topics`; also several services in one process, for trying out."""

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from bihuan_chassis import logs, tracing
from bihuan_chassis.health import Check, Heartbeat, admin_app, database_check
from bihuan_chassis.lanes import kafka_options
from bihuan_chassis.migrate import migrate
from bihuan_chassis.provision import create_topics
from bihuan_chassis.service import Service
from bihuan_chassis.settings import Settings, SettingsError
from bihuan_chassis.worker import Worker

_GRACE = 20

log = structlog.get_logger()


def main(service: Service, arguments: Sequence[str]) -> int:
    """Run one process of one service; 2 means that the call or a setting is wrong."""
    parser = argparse.ArgumentParser(prog=f"python -m {service.name}")
    parser.add_argument("process", choices=["api", "worker", "migrate", "topics"])
    process = parser.parse_args(arguments).process
    try:
        settings = service.settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    logs.configure(service.name, settings.log_level)
    if process == "migrate":
        heads = uvloop.run(migrate(service.description, settings.database.get_secret_value()))
        log.info("database.migrated", heads=heads)
        return 0
    if process == "topics":
        log.info("topics.created", topics=uvloop.run(create_topics(kafka_options(settings))))
        return 0
    _work(process, [(service, settings)], settings.admin_port)
    return 0


def _work(process: str, services: Sequence[tuple[Service, Settings]], admin_port: int) -> None:
    for _, settings in services:
        tracing.configure(settings)
    work = serve_apis if process == "api" else run_workers
    try:
        uvloop.run(_until_signal(lambda stop: work(services, admin_port, stop)))
    finally:
        tracing.close()


def leave_to_stay(young: int = 10_000) -> None:
    """Take what is loaded by now out of garbage collection: a full one over all modules stops the loop for 0.15 s.

    It looks at young objects once there are `young` more of them than before.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(young, 20, 20)


async def _until_signal(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    leave_to_stay()
    await work(stop)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def] # uvicorn's own signature
        yield


def _server(app: object, host: str, port: int) -> _Server:
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type] # any ASGI application
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=30,
            server_header=False,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )


async def _serve(servers: Sequence[_Server], stop: asyncio.Event) -> None:
    """Serve until `stop` or until one of them can't, then answer what is in hand."""
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks, return_exceptions=True)
    stopping.cancel()
    if not all(server.started for server in servers):
        raise SystemExit(1)


@contextlib.asynccontextmanager
async def _admin_port(app: object, host: str, port: int, stop: asyncio.Event) -> AsyncIterator[None]:
    """Health and metrics, until the last thing in hand is done: who asks meanwhile hears that it is draining."""
    last = asyncio.Event()
    server = _server(app, host, port)
    serving = asyncio.create_task(_serve([server], last))
    serving.add_done_callback(lambda _: stop.set())  # its port is taken
    try:
        yield
    finally:
        last.set()
        await serving


async def serve_apis(services: Sequence[tuple[Service, Settings]], admin_port: int, stop: asyncio.Event) -> None:
    """Serve each service's api on its own port, and one admin port for the process."""
    heartbeat = Heartbeat()
    beating = asyncio.create_task(heartbeat.run())
    apps: list[tuple[FastAPI, Settings]] = [(service.api(settings), settings) for service, settings in services]
    for app, _ in apps:
        app.state.stopping = stop  # answers without an end of their own, such as live updates, end with it
    checks: dict[str, Check] = {
        f"{service.name}.database": database_check(service.description, app.state.engine)
        for (service, _), (app, _) in zip(services, apps, strict=True)
    }
    leave_to_stay()
    admin = admin_app(heartbeat, checks, draining=stop.is_set)
    try:
        async with _admin_port(admin, services[0][1].http_host, admin_port, stop):
            await _serve([_server(app, settings.http_host, settings.http_port) for app, settings in apps], stop)
    finally:
        beating.cancel()


async def run_workers(services: Sequence[tuple[Service, Settings]], admin_port: int, stop: asyncio.Event) -> None:
    """Run each service's worker on this loop, and one admin port for the process."""
    heartbeat = Heartbeat()
    beating = asyncio.create_task(heartbeat.run())
    workers = [(service.name, service.worker(settings)) for service, settings in services]
    # Above the objects of all batches in hand: they go by themselves, and looking through them doubled their cost.
    leave_to_stay(young=100_000)
    checks: dict[str, Check] = {name: _worker_check(worker) for name, worker in workers}
    admin = admin_app(
        heartbeat, checks, lambda: any(worker.status().stuck for _, worker in workers), draining=stop.is_set
    )
    try:
        async with _admin_port(admin, services[0][1].http_host, admin_port, stop):
            tasks = [asyncio.create_task(worker.run(stop)) for _, worker in workers]
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            stopping.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result
    finally:
        beating.cancel()


def _worker_check(worker: Worker) -> Check:
    async def check() -> tuple[bool, object]:
        status = worker.status()
        return status.ready, status.detail

    return check


def host(process: str, services: Sequence[Service], admin_port: int) -> int:
    """All apis or all workers of these services in one process: for trying out, not for production."""
    logs.configure("all", "INFO")
    try:
        pairs = [(service, service.settings()) for service in services]
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _work(process, pairs, admin_port)
    return 0
