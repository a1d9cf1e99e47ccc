"""The chain: from a release to the notice on the open page of each of thirty people, and pages during a burst."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

import httpx
from aiokafka import AIOKafkaProducer

from bench import world
from bench.around import create_topic, listening, process, scratch
from bench.rows import Row, percentile
from bihuan_chassis.identifiers import new_id
from bihuan_contracts import seal, topics
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port

EVENTS = 40
BURST = 10_000


@dataclass
class Listeners:
    """Thirty open pages; `heard` is set when each has had the next message."""

    count: int
    waiting: int = 0
    done: asyncio.Event = None  # type: ignore[assignment] # made in the loop

    def expect(self) -> None:
        self.waiting, self.done = self.count, asyncio.Event()

    def hear(self) -> None:
        self.waiting -= 1
        if self.waiting == 0:
            self.done.set()


@contextlib.asynccontextmanager
async def open_pages(urls: Sequence[tuple[str, dict[str, str]]], wanted: bytes) -> AsyncIterator[Listeners]:
    """One raw connection a page: the client must cost as little as possible."""
    listeners = Listeners(len(urls))
    tasks = []
    ready = asyncio.Semaphore(0)

    async def listen(url: str, headers: dict[str, str]) -> None:
        parts = httpx.URL(url)
        reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: localhost:{parts.port}\r\n{lines}\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        ready.release()
        while line := await reader.readline():
            if wanted in line:
                listeners.hear()

    for url, headers in urls:
        tasks.append(asyncio.create_task(listen(url, headers)))
    for _ in urls:
        await asyncio.wait_for(ready.acquire(), 20)
    try:
        yield listeners
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def timed(listeners: Listeners, act: Callable[[], Awaitable[object]]) -> float:
    listeners.expect()
    started = time.perf_counter()
    await act()
    await asyncio.wait_for(listeners.done.wait(), 30)
    return (time.perf_counter() - started) * 1000


async def chain(instance: Instance) -> list[Row]:
    """Release → notice on the open page of each of 30 people, idle and during a burst; pages during the burst."""
    modules = [f"C-{n}" for n in range(2 * EVENTS + 12)]
    await world.prepare(instance, modules)
    bare_database = await scratch(instance, "bench_chain")
    await create_topic(instance, "bench.one", "bench.two")
    port = free_port()
    bare_process = process(
        "bench.baseline",
        "chain",
        instance.kafka_servers,
        bare_database,
        instance.redis_url,
        str(port),
        str(world.PEOPLE),
    )
    producer = AIOKafkaProducer(bootstrap_servers=instance.kafka_servers, acks="all", enable_idempotence=True)
    await producer.start()
    cookies = [await _cookie(instance, f"B{n:03}") for n in range(world.PEOPLE)]
    pages = [(f"{instance.address}/live", {"Cookie": cookie}) for cookie in cookies]
    unused = iter(modules)

    async def send_release() -> None:
        release = world.release(next(unused), base="V1", version="V2")
        record = seal(topics.BOM_RELEASES, release, id=str(new_id()), source="bench", time=release.released_at)
        await producer.send(record.topic, record.value, record.key, headers=record.headers)

    async def send_bare() -> None:
        await producer.send("bench.one", b'{"n": 1, "text": "' + b"x" * 300 + b'"}')

    with bare_process:
        await listening(port)
        await asyncio.sleep(4)  # the baseline's consumers start at the end of their topics
        bare_pages: list[tuple[str, dict[str, str]]] = [(f"http://localhost:{port}/live", {})] * world.PEOPLE
        async with open_pages(pages, b"event: notice") as ours, open_pages(bare_pages, b"data:") as theirs:
            for _ in range(5):
                await timed(theirs, send_bare)
                await timed(ours, send_release)
            idle, bare = [], []
            for _ in range(EVENTS):
                bare.append(await timed(theirs, send_bare))
                await asyncio.sleep(0.08)
                idle.append(await timed(ours, send_release))
                await asyncio.sleep(0.08)
            async with signed_in_pages(instance) as client:
                quiet = await request_times(client, 60)
                async with erp_bursts(instance):
                    busy, pages_busy = [], []
                    for _ in range(EVENTS - 5):
                        busy.append(await timed(ours, send_release))
                        pages_busy += await request_times(client, 2)
    await producer.stop()
    return [
        Row("release → page of each of 30, p50 / bare chain", median(idle) / median(bare), 1.6, False,
            f"{median(idle):.1f} ms, bare {median(bare):.1f} ms"),
        Row("release → page of each of 30, p99 / bare chain", percentile(idle, 99) / percentile(bare, 99), 2.5, False,
            f"{percentile(idle, 99):.1f} ms, bare {percentile(bare, 99):.1f} ms"),
        Row("the same during 10,000 ERP events, p99 / idle", percentile(busy, 99) / percentile(idle, 99), 4, False,
            f"{percentile(busy, 99):.1f} ms"),
        Row("pages during that burst, p99 / idle", percentile(pages_busy, 99) / percentile(quiet, 99), 2, False,
            f"{percentile(pages_busy, 99):.1f} ms, idle {percentile(quiet, 99):.1f} ms"),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def erp_bursts(instance: Instance) -> AsyncIterator[None]:
    """The burst begins with the block."""
    erp = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.burst", instance.kafka_servers, str(BURST),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert erp.stdin is not None
    assert erp.stdout is not None
    try:
        assert await asyncio.wait_for(erp.stdout.readline(), 120) == b"ready\n"
        erp.stdin.write(b"\n")
        yield
        assert await asyncio.wait_for(erp.wait(), 120) == 0
    finally:
        if erp.returncode is None:
            erp.kill()
            await erp.wait()


async def _cookie(instance: Instance, person: str) -> str:
    async with world.signed_in(instance, person) as client:
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


@contextlib.asynccontextmanager
async def signed_in_pages(instance: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with world.signed_in(instance, "B001") as client:
        yield client


async def request_times(client: httpx.AsyncClient, count: int) -> list[float]:
    """This week and the list of boards, as pages ask for them."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        answer = await client.get("/api/goals/week" if number % 2 else "/api/boards")
        assert answer.status_code == 200, answer.text
        times.append((time.perf_counter() - started) * 1000)
    return times
