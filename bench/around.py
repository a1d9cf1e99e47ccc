"""What several parts need around them: processes that end with their block, databases, topics, open ports."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bihuan_chassis.migrate import migrate
from bihuan_chassis.openapi import load
from bihuan_tools.instance import Instance

ROUNDS = int(os.environ.get("BIHUAN_BENCH_ROUNDS", "5"))
RECORDS = 10_000


@contextlib.contextmanager
def process(*command: str, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that ends with the block."""
    started = subprocess.Popen([sys.executable, "-m", *command], env={**os.environ, **environ})
    try:
        yield started
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


async def own_database(instance: Instance, service: str, name: str) -> str:
    """An empty database with the tables of a service."""
    admin = await asyncpg.connect(instance.postgres_url)
    await admin.execute(f'create database "{name}"')
    await admin.close()
    url = instance.postgres_url.rsplit("/", 1)[0] + f"/{name}"
    await migrate(load(service).description, url)
    return url


async def create_topic(instance: Instance, *names: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=instance.kafka_servers)
    await client.start()
    await client.create_topics([NewTopic(name, 1, 1) for name in names])
    await client.close()


async def listening(port: int) -> None:
    """Until a server of this machine answers on the port; a busy machine takes long to start one."""
    for _ in range(1800):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
