"""A plant to break: its own servers, worker processes that are killed by their id, and an oracle that counts."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from tests.faults.stores_service import NOW, TABLES, own_topic, receipt

from bihuan_chassis.description import ServiceDescription
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.migrate import migrate
from bihuan_chassis.settings import Settings
from bihuan_contracts import Event, Topic, seal, topics
from bihuan_tools.stack import KafkaServer, PostgresServer
from bihuan_tools.stack.process import free_port

_SERVICE = Path(__file__).with_name("stores_service.py")
Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]


async def until(condition: Callable[[], Awaitable[bool]], within: float, what: Callable[[], str]) -> float:
    """Wait for what other processes do; returns the seconds it took."""
    started = time.monotonic()
    while not await condition():
        assert time.monotonic() - started < within, f"not within {within} s: {what()}"
        await asyncio.sleep(0.05)
    return time.monotonic() - started


def message(event: Event, id: UUID | None = None) -> Message:
    topic = topics.of_event(type(event))
    sealed = seal(topic, event, id=str(id or new_id()), source="test", time=NOW)
    return sealed.key, sealed.value, sealed.headers


@dataclass
class Findings:
    """What the oracle counts: nothing of it may happen."""

    lost: int
    doubled: int
    disordered: int

    @property
    def clean(self) -> bool:
        return self.lost == self.doubled == self.disordered == 0


def judge(acked: Iterable[tuple[str, int]], effects: Sequence[tuple[str, int]]) -> Findings:
    """Compare what was acknowledged with the effects in the order in which they were written."""
    counted = Counter(effects)
    last: dict[str, int] = {}
    disordered = 0
    for order, line in effects:
        disordered += line < last.get(order, 0)
        last[order] = max(line, last.get(order, 0))
    return Findings(
        lost=sum(1 for one in set(acked) if one not in counted),
        doubled=sum(1 for times in counted.values() if times > 1),
        disordered=disordered,
    )


@dataclass
class WorkerProcess:
    """One worker in a process of its own."""

    process: "subprocess.Popen[bytes]"
    admin_port: int
    log: Path

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __str__(self) -> str:
        """How it is, with the end of its log: what a test that waits in vain says of it."""
        end = self.process.poll()
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        return "\n".join([f"{self.log.name}: " + ("runs" if end is None else f"has ended with {end}"), *lines])

    async def stop(self, within: float = 60) -> float:
        """Ask it to end; returns the seconds it took."""
        started = time.monotonic()
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait, within)
        return time.monotonic() - started

    async def until_counted(self, metric: str, least: float, within: float = 90) -> None:
        """Wait until the sum of a metric of this process is at least `least`."""

        async def counted() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    text = (await client.get(f"http://127.0.0.1:{self.admin_port}/metrics")).text
            except httpx.TransportError:
                return False  # still starting
            lines = [line for line in text.splitlines() if line.startswith(metric)]
            return sum(float(line.rsplit(" ", 1)[1]) for line in lines) >= least

        await until(counted, within, lambda: f"{metric} of {least}")


@dataclass
class Plant:
    """Database, topics and workers of one test."""

    postgres: PostgresServer
    kafka: KafkaServer
    folder: Path
    database: str
    heard: Topic
    announced: Topic
    workers: list[WorkerProcess] = field(default_factory=list)
    acked: list[tuple[str, int]] = field(default_factory=list)

    @classmethod
    async def build(cls, postgres: PostgresServer, kafka: KafkaServer, folder: Path) -> "Plant":
        name = f"stores_{uuid4().hex[:8]}"
        plant = cls(
            postgres, kafka, folder, postgres.url(name),
            own_topic(topics.RECEIPTS, f"erp.{name}.v1"), own_topic(topics.METRICS, f"performance.{name}.v1"),
        )  # fmt: skip
        server = await asyncpg.connect(postgres.url())
        await server.execute(f"create database {name}")
        await server.close()
        await migrate(ServiceDescription("stores", Settings, (), (), {}, None, Path("none")), plant.database)
        connection = await asyncpg.connect(plant.database)
        await connection.execute(TABLES)
        await connection.close()
        large = {"max.message.bytes": str(2 * 2**20)}  # as provisioning gives the topics that other systems write
        heard, announced = NewTopic(plant.heard.name, 6, 1, topic_configs=large), NewTopic(plant.announced.name, 6, 1)
        await plant._topics("create_topics", [heard, announced])
        return plant

    async def dismantle(self) -> None:
        for worker in self.workers:
            if worker.running:
                worker.kill()
        await self._topics("delete_topics", [self.heard.name, self.announced.name])
        server = await asyncpg.connect(self.postgres.url())
        await server.execute(f"drop database {self.database.rsplit('/', 1)[1]} with (force)")
        await server.close()

    async def _topics(self, call: str, given: Sequence[object]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.servers)
        await admin.start()
        try:
            await getattr(admin, call)(given)
        finally:
            await admin.close()

    def start(self, *, failpoint: str = "", instance: str = "", slow: float = 0, lanes: int = 1) -> WorkerProcess:
        """Start a worker process; more of them share the partitions."""
        port = free_port()
        environ = {
            **os.environ,
            "BIHUAN_DATABASE": self.database,
            "BIHUAN_KAFKA": self.kafka.servers,
            "BIHUAN_REDIS": "redis://127.0.0.1:1/0",
            "BIHUAN_ADMIN_PORT": str(port),
            "BIHUAN_LANES": str(lanes),
            "BIHUAN_INSTANCE": instance,
            "BIHUAN_FAILPOINT": failpoint,
            "STORES_TOPICS": f"{self.heard.name},{self.announced.name}",
            "STORES_SLOW": str(slow),
            "PYTHONPATH": str(_SERVICE.parents[2]),
        }
        log = self.folder / f"worker-{len(self.workers)}.log"
        with log.open("wb") as out:
            process = subprocess.Popen([sys.executable, _SERVICE, "worker"], env=environ, stdout=out, stderr=out)
        self.workers.append(WorkerProcess(process, port, log))
        return self.workers[-1]

    async def send(self, messages: Iterable[Message], *, rate: float | None = None) -> None:
        """Send with acknowledgement, again where the broker was away; at most `rate` a second."""
        messages = list(messages)
        async with AIOKafkaProducer(
            bootstrap_servers=self.kafka.servers, enable_idempotence=True, linger_ms=5, max_request_size=2_000_000
        ) as producer:
            chunk = max(1, int((rate or 50_000) / 20))
            for first in range(0, len(messages), chunk):
                sent = [await self._queue(producer, one) for one in messages[first : first + chunk]]
                await asyncio.gather(*sent)
                if rate:
                    await asyncio.sleep(0.05)

    async def _queue(self, producer: AIOKafkaProducer, one: Message) -> "asyncio.Future[object]":
        key, value, headers = one
        while True:
            try:
                future: asyncio.Future[object] = await producer.send(self.heard.name, value, key, headers=headers)
            except KafkaError:
                await asyncio.sleep(0.2)
            else:
                return future

    async def send_lines(self, orders: int, lines: int, *, first: int = 1, rate: float | None = None) -> None:
        """`lines` receipts for each of `orders` orders, interleaved, and remembered as acknowledged."""
        given = [(f"PO-{order}", line) for line in range(first, first + lines) for order in range(orders)]
        await self.send([message(receipt(*one)) for one in given], rate=rate)
        self.acked += given

    @asynccontextmanager
    async def under_load(self, orders: int, rate: float) -> AsyncIterator[None]:
        """Send lines for `orders` orders, `rate` a second, for as long as the block runs."""
        done = asyncio.Event()

        async def sending() -> None:
            line = 1
            while not done.is_set():
                await self.send_lines(orders, 20, first=line, rate=rate)
                line += 20

        task = asyncio.create_task(sending())
        try:
            yield
        finally:
            done.set()
            await task

    async def read(self, sql: str) -> list[tuple[str, int]]:
        connection = await asyncpg.connect(self.database)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def count(self, table: str) -> int:
        [(_, number)] = await self.read(f"select '', count(*) from {table}")
        return number

    async def settled(self, within: float = 120, *, expected: int | None = None) -> float:
        """Wait until all that was acknowledged had its effect, here and one topic further."""
        expected = len(set(self.acked)) if expected is None else expected

        counts: dict[str, int] = {}

        async def done() -> bool:
            try:
                counts.update({table: await self.count(table) for table in ("effects", "measures", "outbox")})
            except (OSError, asyncpg.PostgresError):
                return False
            return counts["effects"] >= expected and counts["measures"] >= expected and counts["outbox"] == 0

        def missing() -> str:
            return "\n".join([f"{expected} effects, there are {counts}", *map(str, self.workers)])

        took = await until(done, within, missing)
        await asyncio.sleep(0.5)  # what would come twice comes now
        return took

    async def verdict(self) -> list[Findings]:
        """For the effects of what was heard, and for those of what was announced because of it."""
        tables = ("effects", "measures")
        return [
            judge(self.acked, await self.read(f'select "order", line from {table} order by id')) for table in tables
        ]

    async def assert_clean(self) -> None:
        for findings in await self.verdict():
            assert findings.clean, f"{findings} of {len(self.acked)}"
        assert await self.count("dead_letters") == 0

    async def until_first_effect(self, within: float = 90) -> float:
        before = await self.count("effects")

        async def more() -> bool:
            return await self.count("effects") > before

        return await until(more, within, lambda: "another effect")

    async def rewind(self) -> None:
        """Set the stopped group's offsets to the beginning."""
        partitions = [TopicPartition(self.heard.name, number) for number in range(6)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.kafka.servers, group_id=f"stores.{self.heard.name}", enable_auto_commit=False
        ) as consumer:
            consumer.assign(partitions)
            await consumer.commit(dict.fromkeys(partitions, 0))
