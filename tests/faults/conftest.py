"""Servers for the fault tests only: these are killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.faults.given_faults import Plant

from bihuan_tools.stack import KafkaServer, PostgresServer


@pytest.fixture(scope="session")
def breakable_postgres(stack_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(stack_folder / "faults-postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def breakable_kafka(stack_folder: Path) -> Iterator[KafkaServer]:
    server = KafkaServer(stack_folder / "faults-kafka")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def plant(
    breakable_postgres: PostgresServer, breakable_kafka: KafkaServer, tmp_path: Path
) -> AsyncIterator[Plant]:
    # A test before may have left a server down.
    await asyncio.to_thread(breakable_postgres.start)
    await asyncio.to_thread(breakable_kafka.start)
    plant = await Plant.build(breakable_postgres, breakable_kafka, tmp_path)
    yield plant
    await plant.dismantle()
