"""Servers for the tests: real ones, started when the first test asks, stopped at the end.

`--stack=embedded` (default) takes them from packages, `--stack=containers` from Docker images.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bihuan_tools.stack import KafkaServer, MailSink, PostgresServer, RedisServer, free_port

SAMPLES = Path(os.environ.get("BIHUAN_SAMPLES", Path(__file__).parent.parent / "shared" / "samples"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", choices=["embedded", "containers"], default="embedded", help="where servers come from")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in the main thread, which no other test could bear."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    # Keycloak is 160 MB and a minute: its tests run where its mark is asked for, and nowhere else.
    if "keycloak" not in config.getoption("-m"):
        left = [item for item in items if item.get_closest_marker("keycloak") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in left])
        items[:] = left


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bihuan-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest, stack_folder: Path) -> Iterator[str]:
    """Address of a PostgreSQL server with superuser rights."""
    if given := os.environ.get("BIHUAN_POSTGRES"):
        yield given
        return
    if request.config.getoption("--stack") == "containers":
        from testcontainers.community.postgres import PostgresContainer

        with PostgresContainer("postgres:18", driver=None) as container:
            yield container.get_connection_url()
        return
    server = PostgresServer(stack_folder / "postgres")
    server.start()
    with contextlib.closing(_Stopping(server)):
        yield server.url()


@pytest.fixture(scope="session")
def kafka_server(request: pytest.FixtureRequest, stack_folder: Path) -> Iterator[str]:
    """Bootstrap address of a Kafka broker."""
    if given := os.environ.get("BIHUAN_KAFKA"):
        yield given
        return
    if request.config.getoption("--stack") == "containers":
        with kafka_container() as servers:
            yield servers
        return
    server = KafkaServer(stack_folder / "kafka")
    server.start()
    with contextlib.closing(_Stopping(server)):
        yield server.servers


@contextlib.contextmanager
def kafka_container() -> Iterator[str]:
    """Apache's own image: the ready-made class of testcontainers knows Confluent's only."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()  # the broker tells its clients this address, so it must be known before it starts
    environ = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
    }
    container = DockerContainer("apache/kafka:4.3.1").with_bind_ports(9092, port).with_envs(**environ)
    with container.waiting_for(LogMessageWaitStrategy("Kafka Server started")):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest, stack_folder: Path) -> Iterator[str]:
    """Address of a Redis server."""
    if given := os.environ.get("BIHUAN_REDIS"):
        yield given
        return
    if request.config.getoption("--stack") == "containers":
        from testcontainers.community.redis import RedisContainer

        with RedisContainer("redis:8") as container:
            yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        return
    server = RedisServer(stack_folder / "redis")
    server.start()
    with contextlib.closing(_Stopping(server)):
        yield server.url


@pytest.fixture
def samples() -> Path:
    """Real data of other projects; tests that need it skip where it is absent."""
    if not SAMPLES.exists():
        pytest.skip(f"no sample data at {SAMPLES}")
    return SAMPLES


class _Stopping:
    def __init__(self, server: PostgresServer | KafkaServer | RedisServer | MailSink) -> None:
        self._server = server

    def close(self) -> None:
        self._server.stop()
