"""`make bench`: every row against its baseline, alternating, in one run; prints `name value bar ok|short`.

Names of parts as arguments run only those: `python -m bench chain boards`.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench import pages, world
from bench.rows import Row, percentile, ratio
from bihuan_chassis import logs, relay, testing
from bihuan_chassis.database import engine
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.migrate import migrate
from bihuan_chassis.openapi import load
from bihuan_chassis.outbox import part_of
from bihuan_chassis.settings import Settings
from bihuan_contracts import seal, topics
from bihuan_tools.events import publish
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port

ROUNDS = int(os.environ.get("BIHUAN_BENCH_ROUNDS", "5"))
RECORDS = 10_000
EVENTS = 40


@contextlib.contextmanager
def process(*command: str, **environ: str) -> Iterator[None]:
    """A process that ends with the block."""
    started = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environ})
    try:
        yield
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


async def scratch(instance: Instance, name: str) -> str:
    """An empty database for a baseline."""
    admin = await asyncpg.connect(instance.postgres_url)
    await admin.execute(f'create database "{name}"')
    await admin.close()
    url = instance.postgres_url.rsplit("/", 1)[0] + f"/{name}"
    connection = await asyncpg.connect(url)
    await connection.execute("create table bare (id serial primary key, body text not null)")
    await connection.execute("create table bare_board (body text not null)")
    await connection.close()
    return url


# ── workers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def rate(database: str, counting: str, expected: int) -> float:
    """Records a second, from the first tenth to the last one, as the database sees them."""
    connection = await asyncpg.connect(database)
    try:
        started: tuple[float, int] | None = None
        until = time.monotonic() + 120
        base = await connection.fetchval(counting)
        while time.monotonic() < until:
            done = await connection.fetchval(counting) - base
            now = time.perf_counter()
            if started is None and done > 0:
                started = (now, done)
            if done >= expected:
                assert started is not None
                return (done - started[1]) / max(now - started[0], 1e-6)
            await asyncio.sleep(0.005)
        raise RuntimeError(f"only {done} of {expected} arrived")
    finally:
        await connection.close()


async def throughput(instance: Instance) -> list[Row]:
    """BOM releases on the plain projection path, through the worker of `changes` as production runs it."""
    bare_database = await scratch(instance, "bench_bare")
    database = await own_database(instance, "bench_changes")
    environ = instance.environ() | {"BIHUAN_CHANGES_DATABASE": database, "BIHUAN_ADMIN_PORT": str(free_port())}
    pairs: dict[str, list[tuple[float, float]]] = {"one": [], "two": []}
    slow: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        await load_topic(instance, number)
        with process(
            "bench.baseline", "worker", instance.kafka_servers, bare_database, topics.BOM_RELEASES.name, "bench.bare"
        ):
            bare = await rate(bare_database, "select count(*) from bare", RECORDS)
        # The group of the running instance is another one: this worker has its own database and reads the same topic.
        with process("bench.worker", **environ | {"BIHUAN_LANES": "1", "BENCH_GROUP": "one"}):
            one = await rate(database, "select count(*) from inbox where consumer = 1", RECORDS)
        with process("bench.worker", **environ | {"BIHUAN_LANES": "2", "BENCH_GROUP": "two"}):
            two = await rate(database, "select count(*) from inbox where consumer = 2", RECORDS)
        if number:  # the first round warms both sides
            pairs["one"].append((one, bare))
            pairs["two"].append((two, bare))
    with process(
        "bench.baseline", "one-by-one", instance.kafka_servers, bare_database, topics.BOM_RELEASES.name, "bench.slow"
    ):
        single = await rate(bare_database, "select count(*) from bare", 600)
    slow = [(two, single) for two, _ in pairs["two"]]
    figures = f"{median(o for o, _ in pairs['two']):,.0f}/s two lanes, {median(o for o, _ in pairs['one']):,.0f}/s one, bare {median(b for _, b in pairs['two']):,.0f}/s"
    return [
        Row("worker, two lanes / bare loop", ratio(pairs["two"]), 0.6, True, figures),
        Row("worker, one lane / bare loop", ratio(pairs["one"]), 0.45, True, ""),
        Row("worker / one message one transaction", ratio(slow), 80, True, f"{single:,.0f}/s one by one"),
    ]


async def own_database(instance: Instance, name: str) -> str:
    admin = await asyncpg.connect(instance.postgres_url)
    await admin.execute(f'create database "{name}"')
    await admin.close()
    url = instance.postgres_url.rsplit("/", 1)[0] + f"/{name}"
    await migrate(load("changes").description, url)
    return url


async def load_topic(instance: Instance, number: int) -> None:
    events = [world.release(f"L{number}-{n}") for n in range(RECORDS)]
    await publish(instance.kafka_servers, events)


# ── releases that touch people ──────────────────────────────────────────────────────────────────────────────────────

AFFECTED = 500
ROWS_EACH = 20
HISTORY = 100

_MODULES = """
with modules as (
    insert into items (item, name, kind, version, released_at)
    select $1 || n, 'M', 'module', 'V1', now() from generate_series(1, $2::int) as n returning item),
bills as (
    insert into bom_versions (item, version, lines, released_at) select item, 'V1', '[]', now() from modules)
insert into tasks (task, code, title, kind, state, owner, module, item_version, project, version)
select gen_random_uuid(), item || '-' || n, 'T', 'develop', $3, 'B' || lpad((n % 30)::text, 3, '0'), item, 'V1',
       '0190b3c0-0000-7000-8000-0000000000be', 1
from modules cross join generate_series(1, $4::int) as n
"""


async def affected(instance: Instance) -> list[Row]:
    """Releases with 20 affected rows each through the worker, counted in rows."""
    bare_database, database = await scratch(instance, "bench_rows_bare"), await own_database(instance, "bench_rows")
    connection = await asyncpg.connect(database)
    environ = instance.environ() | {
        "BIHUAN_CHANGES_DATABASE": database, "BIHUAN_ADMIN_PORT": str(free_port()), "BIHUAN_LANES": "2",
        "BENCH_GROUP": "rows",
    }  # fmt: skip
    pairs = []
    await create_topic(instance, "bench.rows")
    for number in range(ROUNDS + 1):
        await _produce_bare(instance, "bench.rows")
        with process("bench.baseline", "worker", instance.kafka_servers, bare_database, "bench.rows", "bench.rows"):
            bare = await rate(bare_database, "select count(*) from bare", RECORDS)
        await connection.execute(_MODULES, f"A{number}-", AFFECTED, "active", ROWS_EACH)
        await publish(
            instance.kafka_servers,
            [world.release(f"A{number}-{n}", base="V1", version="V2") for n in range(1, AFFECTED + 1)],
        )
        with process("bench.worker", **environ):
            ours = await rate(database, "select count(*) from impact_rows", AFFECTED * ROWS_EACH)
        if number:
            pairs.append((ours, bare))
    await connection.close()
    figures = f"{median(o for o, _ in pairs):,.0f} rows/s, bare {median(b for _, b in pairs):,.0f}/s"
    return [Row("releases with 20 affected rows each, rows / bare loop", ratio(pairs), 0.4, True, figures)]


async def _produce_bare(instance: Instance, topic: str) -> None:
    records = [world.release(f"P-{n}").model_dump_json().encode() for n in range(RECORDS)]
    async with AIOKafkaProducer(bootstrap_servers=instance.kafka_servers, acks="all") as producer:
        for record in records:
            await producer.send(topic, record)


async def history(instance: Instance) -> list[Row]:
    """What one release costs `changes`, before and after a hundred times as many finished tasks and bills are there."""
    async with testing.running(load("changes"), instance.postgres_url) as changes:
        connection = await asyncpg.connect(changes.database)
        await connection.execute(_MODULES, "B-", 2 * EVENTS, "active", ROWS_EACH)
        await connection.execute(_MODULES, "H-", AFFECTED, "done", ROWS_EACH)
        before = await _costs(changes, [f"B-{n}" for n in range(1, EVENTS + 1)])
        await connection.execute(_MODULES, "HH-", AFFECTED * HISTORY, "done", ROWS_EACH)
        await connection.execute("analyze")
        after = await _costs(changes, [f"B-{n}" for n in range(EVENTS + 1, 2 * EVENTS + 1)])
        await connection.close()
    figures = f"{median(before):.1f} ms, then {median(after):.1f} ms"
    return [Row("a release with 100x the history / with 1x", median(after) / median(before), 1.2, False, figures)]


async def _costs(changes: testing.RunningService, modules: Sequence[str]) -> list[float]:
    times = []
    for module in modules:
        release = world.release(module, base="V1", version="V2")
        started = time.perf_counter()
        await changes.hear(topics.BOM_RELEASES, [release])
        times.append((time.perf_counter() - started) * 1000)
    return times[5:]


# ── relay ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def relays(instance: Instance) -> list[Row]:
    """The outbox, filled and emptied by two lanes, against a bare produce loop of the same bytes."""
    database = await own_database(instance, "bench_relay")
    settings = Settings.load("changes", {"BIHUAN_DATABASE": database, "BIHUAN_KAFKA": instance.kafka_servers})
    records = [
        seal(topics.PEOPLE, one, id=str(new_id()), source="bench", time=world.release("x").released_at)
        for one in world.people() * (RECORDS // world.PEOPLE)
    ]
    pairs = []
    for number in range(ROUNDS + 1):
        bare = await _bare_produce(instance, records)
        ours = await _relay(settings, database, records)
        if number:
            pairs.append((ours, bare))
    figures = f"{median(o for o, _ in pairs):,.0f}/s, bare {median(b for _, b in pairs):,.0f}/s"
    return [Row("relay, two lanes / bare produce", ratio(pairs), 0.7, True, figures)]


async def _bare_produce(instance: Instance, records: Sequence[Any]) -> float:
    async with AIOKafkaProducer(
        bootstrap_servers=instance.kafka_servers, acks="all", enable_idempotence=True, linger_ms=0
    ) as producer:
        started = time.perf_counter()
        for start in range(0, len(records), 500):
            sent = [
                await producer.send(one.topic, one.value, one.key, headers=one.headers)
                for one in records[start : start + 500]
            ]
            await asyncio.gather(*sent)
        return len(records) / (time.perf_counter() - started)


async def _relay(settings: Settings, database: str, records: Sequence[Any]) -> float:
    connection = await asyncpg.connect(database)
    await connection.copy_records_to_table(
        "outbox",
        records=[
            (
                part_of(one.key.decode()),
                one.topic,
                new_id(),
                one.key.decode(),
                one.value,
                world.release("x").released_at,
            )
            for one in records
        ],
        columns=("part", "topic", "event_id", "key", "body", "time"),
    )
    source = engine(settings, pool=4)
    producer = relay.SharedProducer(settings)
    await producer.get()
    stop = asyncio.Event()
    lanes = [relay.Relay(source, settings, producer, number) for number in range(relay.LANES)]
    started = time.perf_counter()
    running = [asyncio.create_task(lane.run(stop)) for lane in lanes]
    while await connection.fetchval("select exists (select from outbox)"):
        await asyncio.sleep(0.005)
    took = time.perf_counter() - started
    stop.set()
    for lane in lanes:
        lane.hint.set()
    await asyncio.gather(*running)
    await producer.close()
    await source.dispose()
    await connection.close()
    return len(records) / took


# ── the chain ───────────────────────────────────────────────────────────────────────────────────────────────────────


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
        await _listening(port)
        await asyncio.sleep(4)  # the baseline's consumers start at the end of their topics
        bare_pages = [(f"http://localhost:{port}/live", {})] * world.PEOPLE
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
                load = asyncio.create_task(publish(instance.kafka_servers, world.burst(1, 10_000)))
                busy, pages_busy = [], []
                for _ in range(EVENTS - 5):
                    busy.append(await timed(ours, send_release))
                    pages_busy += await request_times(client, 2)
                await load
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


async def create_topic(instance: Instance, *names: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=instance.kafka_servers)
    await client.start()
    await client.create_topics([NewTopic(name, 1, 1) for name in names])
    await client.close()


async def _listening(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)


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


# ── boards ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def boards(instance: Instance) -> list[Row]:
    """A board of 120 tasks as its page asks for it, against an endpoint that returns the same bytes."""
    token = instance.token("B000", frozenset({"administrator"}))
    goals = f"http://127.0.0.1:{instance.ports['goals']}/api/goals"
    tree = {
        "code": "BOARD", "name": "测量", "product": "X", "lead": "B000",
        "goals": [
            {
                "title": f"目标 {g}",
                "tasks": [
                    {
                        "code": f"G{g}-{n}", "title": "任务", "kind": "develop", "owner": f"B{n:03}", "module": "M",
                        "deliverables": [{"title": "交付物", "criteria": [{"text": "标准"}]}],
                    }
                    for n in range(30)
                ],
            }
            for g in range(4)
        ],
    }  # fmt: skip
    database = await scratch(instance, "bench_board")
    port = free_port()
    await publish(instance.kafka_servers, world.people())
    async with world.signed_in(instance, "B000") as client:
        made = await client.post(f"{goals}/projects", json=tree, headers={"Authorization": f"Bearer {token}"})
        url = f"/api/boards/{made.json()['project']}"
        while (body := (await client.get(url)).text).count('"code":"G') < 120:
            await asyncio.sleep(0.1)
        connection = await asyncpg.connect(database)
        await connection.execute("insert into bare_board values ($1)", body)
        await connection.close()
        with process("bench.baseline", "board", database, str(port)):
            await _listening(port)
            ours, bare = [], []
            for number in range(120):
                for target, times in ((f"http://127.0.0.1:{port}/board", bare), (url, ours)):
                    started = time.perf_counter()
                    await client.get(target)
                    if number >= 20:
                        times.append((time.perf_counter() - started) * 1000)
    figures = f"{median(ours):.1f} ms, bare {median(bare):.1f} ms, {len(body) // 1000} kB"
    return [Row("board of 120 tasks, p50 / bare endpoint", median(ours) / median(bare), 2, False, figures)]


async def in_browser(instance: Instance) -> list[Row]:
    return await pages.pages(instance, ROUNDS)


PARTS = (chain, boards, in_browser, relays, throughput, affected, history)


async def measure(instance: Instance, wanted: Sequence[str]) -> list[Row]:
    found: list[Row] = []
    for part in PARTS:
        if wanted and part.__name__ not in wanted:
            continue
        try:
            rows = await part(instance)
        except Exception as error:
            print(f"{part.__name__}: {error!r}")
            continue
        for row in rows:
            print(row, flush=True)
        found += rows
    return found


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    logs.configure("bench", "WARNING")
    os.environ["BIHUAN_REQUESTS_PER_MINUTE"] = "1000000"  # one session stands for many
    with world.running() as instance:
        rows = asyncio.run(measure(instance, sys.argv[1:]))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
