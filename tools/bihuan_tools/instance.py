"""One running Bihuan on this machine: servers, databases, topics, processes, each with its port and folder."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bihuan_chassis import provision
from bihuan_chassis.auth import TokenMinter
from bihuan_chassis.migrate import migrate
from bihuan_chassis.openapi import load
from bihuan_tools.stack import KafkaServer, MailSink, PostgresServer, RedisServer, StackError, free_port
from bihuan_tools.stack.process import RecordedProcess, require_memory, require_port

SERVICES = ("goals", "changes", "notify", "feedback", "analytics", "intake", "web")
DEFAULT = "default"
NEEDED_MB = 1500
"""Free memory that all of it together wants to start with."""
_ADMIN = ("api_admin", "worker_admin")
_PORTS = {
    "web": 8000, "goals": 8001, "changes": 8002, "notify": 8003, "feedback": 8004, "analytics": 8005, "intake": 8006,
    "api_admin": 8100, "worker_admin": 8101, "kafka": 19092, "postgres": 15432, "redis": 16379, "mail": 11025,
}  # fmt: skip


def home() -> Path:
    """Where instances live: `.bihuan` in the current folder, or BIHUAN_HOME."""
    return Path(os.environ.get("BIHUAN_HOME", Path.cwd() / ".bihuan"))


@dataclass(frozen=True)
class Step:
    """Something that `up` does, in both languages, for the progress display."""

    zh: str
    en: str
    run: Callable[[], None]


class Instance:
    """An instance by name. The default one has the well-known ports, others take free ones and keep them."""

    def __init__(self, name: str = DEFAULT, folder: Path | None = None) -> None:
        self.name = name
        self.folder = (folder or home() / name).resolve()
        self._file = self.folder / "instance.json"
        self.state: dict[str, Any] = self._load()

    def _load(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            ports = dict(_PORTS) if self.name == DEFAULT else {name: free_port() for name in _PORTS}
            state = {"ports": ports, "signing_key": TokenMinter.new_key(), "separate": False}
        return state

    def _save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(self.state), encoding="utf-8")
        keys = TokenMinter(self.state["signing_key"]).jwks()
        self.jwks.write_text(json.dumps(keys), encoding="utf-8")

    @property
    def jwks(self) -> Path:
        return self.folder / "keys.json"

    @property
    def ports(self) -> dict[str, int]:
        ports: dict[str, int] = self.state["ports"]
        return ports

    @property
    def address(self) -> str:
        return f"http://localhost:{self.ports['web']}"

    # ── servers ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def postgres(self) -> PostgresServer | None:
        given = os.environ.get("BIHUAN_POSTGRES")
        return None if given else PostgresServer(self.folder / "postgres", self.ports["postgres"])

    @property
    def kafka(self) -> KafkaServer | None:
        return None if os.environ.get("BIHUAN_KAFKA") else KafkaServer(self.folder / "kafka", self.ports["kafka"])

    @property
    def redis(self) -> RedisServer | None:
        return None if os.environ.get("BIHUAN_REDIS") else RedisServer(self.folder / "redis", self.ports["redis"])

    @property
    def mail(self) -> MailSink:
        return MailSink(self.folder / "mail", self.ports["mail"])

    @property
    def postgres_url(self) -> str:
        given = os.environ.get("BIHUAN_POSTGRES")
        return given or f"postgresql://postgres:bihuan@127.0.0.1:{self.ports['postgres']}/postgres"

    @property
    def kafka_servers(self) -> str:
        return os.environ.get("BIHUAN_KAFKA") or f"127.0.0.1:{self.ports['kafka']}"

    @property
    def redis_url(self) -> str:
        return os.environ.get("BIHUAN_REDIS") or f"redis://127.0.0.1:{self.ports['redis']}/0"

    def database(self, service: str) -> str:
        """Address of a service's own database, as its own role."""
        place = self.postgres_url.split("@", 1)[1].rsplit("/", 1)[0]
        return f"postgresql://bihuan_{service}:{_password(service)}@{place}/bihuan_{service}"

    # ── processes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def environ(self) -> dict[str, str]:
        """The environment of every process of this instance."""
        ports = self.ports
        values = {
            "BIHUAN_ENVIRONMENT": "development",
            "BIHUAN_KAFKA": self.kafka_servers,
            "BIHUAN_REDIS": self.redis_url,
            "BIHUAN_AUTH_JWKS": str(self.jwks),
            "BIHUAN_WEB_SIGNING_KEY": self.state["signing_key"],
            "BIHUAN_NOTIFY_SMTP_HOST": "127.0.0.1",
            "BIHUAN_NOTIFY_SMTP_PORT": str(ports["mail"]),
            "BIHUAN_PUBLIC_URL": self.address,
            "BIHUAN_DATABASE_POOL": "4",
        }
        for service in SERVICES:
            values[f"BIHUAN_{service.upper()}_DATABASE"] = self.database(service)
            values[f"BIHUAN_{service.upper()}_HTTP_PORT"] = str(ports[service])
            values[f"BIHUAN_WEB_{service.upper()}_URL"] = f"http://127.0.0.1:{ports[service]}"
        return {**os.environ, **values}

    def processes(self) -> list[RecordedProcess]:
        names = (
            [f"{service}-{kind}" for service in SERVICES for kind in ("worker", "api")]
            if self.state["separate"]
            else ["workers", "apis"]
        )
        return [RecordedProcess(self.folder / "processes", name) for name in names]

    @property
    def supervisor(self) -> RecordedProcess:
        """Starts again what crashes."""
        return RecordedProcess(self.folder / "processes", "supervisor")

    def _start_supervisor(self) -> None:
        watched = self._servers() + self.processes()
        if self.supervisor.find() is None:
            self.supervisor.start(
                [sys.executable, "-m", "bihuan_tools.supervisor", self.name, str(self.folder),
                 *(str(process.folder / process.name) for process in watched)],
                environ={**os.environ},
            )  # fmt: skip

    def start_again(self, name: str) -> None:
        """Start one crashed process or server; StackError when it doesn't come up."""
        for server in (self.postgres, self.kafka, self.redis, self.mail):
            if server is not None and server.process.name == name:
                server.start()
                return
        for process in self.processes():
            if process.name == name:
                self._start_process(process)

    def _start_process(self, process: RecordedProcess) -> None:
        if process.find() is not None:
            return
        if process.name in {"workers", "apis"}:
            kind = process.name.removesuffix("s")
            admin = self.ports["worker_admin" if kind == "worker" else "api_admin"]
            process.start([sys.executable, "-m", "bihuan_tools.host", kind, str(admin)], environ=self.environ())
            return
        service, kind = process.name.split("-")
        # Admin ports of separate processes are the operator's business: any free one serves here.
        environ = self.environ() | {"BIHUAN_ADMIN_PORT": str(free_port())}
        process.start([sys.executable, "-m", service, kind], environ=environ)

    # ── up and down ─────────────────────────────────────────────────────────────────────────────────────────────────

    def up(self, *, separate: bool = False) -> Iterator[Step]:
        """The steps that bring everything up; each is done when the caller runs it."""
        self.state["separate"] = separate
        self._require_room()
        self._save()
        if (postgres := self.postgres) is not None:
            yield Step("启动 PostgreSQL", "Start PostgreSQL", postgres.start)
        if (kafka := self.kafka) is not None:
            yield Step("启动 Kafka", "Start Kafka", kafka.start)
        if (redis := self.redis) is not None:
            yield Step("启动 Redis", "Start Redis", redis.start)
        yield Step("启动邮件服务", "Start the mail sink", self.mail.start)
        yield Step("建立数据库与主题", "Create databases and topics", self.provision)
        yield Step("启动服务", "Start the services", self._start_services)
        yield Step("等待就绪", "Wait until all is ready", self.wait_ready)
        yield Step("看护进程", "Watch over the processes", self._start_supervisor)

    def _require_room(self) -> None:
        """Ports and memory, before anything is started: nothing stays half-way up for want of one of them."""
        if not any(process.find() for process in self.processes()):
            own = ("web", *SERVICES[:-1]) if self.state["separate"] else ("web", *SERVICES[:-1], *_ADMIN)
            for name in own:
                require_port(self.ports[name], name)
            if self.kafka is not None and self.kafka.process.find() is None:
                require_memory(NEEDED_MB, "Bihuan")
        for server in (self.postgres, self.kafka, self.redis, self.mail):
            if server is not None and server.process.find() is None:
                require_port(server.port, server.process.name)

    def provision(self) -> None:
        asyncio.run(self._provision())

    async def _provision(self) -> None:
        await asyncio.gather(self._databases(), create_topics(self.kafka_servers))

    async def _databases(self) -> None:
        admin = await asyncpg.connect(self.postgres_url)
        try:
            for service in SERVICES:
                await _own_database(admin, service)
        finally:
            await admin.close()
        for service in SERVICES:
            await migrate(load(service).description, self.database(service))

    def _start_services(self) -> None:
        for process in self.processes():
            self._start_process(process)

    def wait_ready(self) -> None:
        for process in self.processes():
            ready = partial(self._ready, process)
            process.wait_ready(ready, 120, f"{process.name} 没有就绪", f"{process.name} is not ready")

    def _ready(self, process: RecordedProcess) -> bool:
        if process.name == "workers":
            return _answers(f"http://127.0.0.1:{self.ports['worker_admin']}/readyz")
        if process.name.endswith("-worker"):
            return process.find() is not None
        return _answers(f"{self.address}/auth/personas")

    def down(self) -> Iterator[Step]:
        """The steps that stop everything; no process is left."""
        # First of all, or it would start again what ends.
        if self.supervisor.find() is not None:
            yield Step("停止看护", "Stop the watch", self.supervisor.stop)
        for process in reversed(self.processes()):
            if process.find() is not None:
                yield Step(f"停止 {process.name}", f"Stop {process.name}", process.stop)
        servers = (self.mail, self.redis, self.kafka, self.postgres)
        for server in servers:
            if server is not None and server.process.find() is not None:
                yield Step(f"停止 {server.process.name}", f"Stop {server.process.name}", server.stop)

    def everything(self) -> list[RecordedProcess]:
        """Every process that belongs to this instance."""
        return [*self._servers(), *self.processes(), self.supervisor]

    def _servers(self) -> list[RecordedProcess]:
        return [server.process for server in (self.postgres, self.kafka, self.redis, self.mail) if server is not None]

    def token(self, person: str, roles: frozenset[Any], name: str = "") -> str:
        """An access token of this instance, for the command line."""
        from bihuan_chassis.auth import Person  # noqa: PLC0415 - the one place that signs

        return TokenMinter(self.state["signing_key"]).mint(Person(person, name or person, roles))


def _password(service: str) -> str:
    return f"bihuan-{service}"


async def _own_database(admin: "asyncpg.Connection[asyncpg.Record]", service: str) -> None:
    """A role and a database for each service, and nobody else in it."""
    name = f"bihuan_{service}"
    if not await admin.fetchval("select true from pg_roles where rolname = $1", name):
        await admin.execute(f"create role {name} login password '{_password(service)}'")
    if not await admin.fetchval("select true from pg_database where datname = $1", name):
        await admin.execute(f"create database {name} owner {name}")
        await admin.execute(f"revoke all on database {name} from public")


async def create_topics(servers: str) -> list[str]:
    """Create what is missing on the broker; StackError names the topic that can't be."""
    try:
        return await provision.create_topics({"bootstrap_servers": servers})
    except provision.TopicError as error:
        raise StackError(f"主题建不起来：{error}", f"A topic can't be created: {error}") from error


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
