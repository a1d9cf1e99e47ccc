"""The baselines: short programs that do the same work with nothing around it.

python -m bench.baseline worker|updates|one-by-one|chain|board ARGUMENTS
"""

import asyncio
import json
import sys
from typing import Any

import asyncpg
import uvicorn
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from redis.asyncio import Redis
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


async def worker(servers: str, database: str, topic: str, group: str) -> None:
    """aiokafka → one multi-row insert → commit."""
    connection = await asyncpg.connect(database)
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        while True:
            found = await consumer.getmany(timeout_ms=500, max_records=500)
            bodies = [record.value.decode() for records in found.values() for record in records]
            if bodies:
                await connection.execute("insert into bare (body) select unnest($1::text[])", bodies)
                await consumer.commit()


async def updates(servers: str, database: str, topic: str, group: str) -> None:
    """aiokafka → one multi-row update of the tasks that the reports name → commit."""
    connection = await asyncpg.connect(database)
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    ) as consumer:
        while True:
            found = await consumer.getmany(timeout_ms=500, max_records=500)
            bodies = [record.value.decode() for records in found.values() for record in records]
            if bodies:
                await connection.execute(_UPDATE, bodies)
                await consumer.commit()


_UPDATE = """
update bare_tasks as t set report = body->>'report', progress = 100, state = 'done', finished_at = now(),
    version = t.version + 1
from unnest($1::text[]) as sent cross join lateral (select sent::jsonb) as parsed (body)
where t.task = (body->>'task')::uuid
"""


async def one_by_one(servers: str, database: str, topic: str, group: str) -> None:
    """FastStream and SQLAlchemy as their tutorials show: one message, one transaction."""
    broker = KafkaBroker(servers, logger=None)
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://"))
    table = Table("bare", MetaData(), Column("id", Integer, primary_key=True), Column("body", Text))

    @broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(body: dict[str, Any]) -> None:
        async with engine.begin() as connection:
            await connection.execute(insert(table).values(body=json.dumps(body)))

    await FastStream(broker, logger=None).run()


async def chain(servers: str, database: str, redis_url: str, port: str, people: str) -> None:
    """produce → consume → insert → produce → consume → insert → Redis publish → SSE."""
    redis = Redis.from_url(redis_url)
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    queues: list[asyncio.Queue[bytes]] = []

    async def consume(topic: str, handle: Any) -> None:
        connection = await asyncpg.connect(database)
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=servers, group_id=topic, enable_auto_commit=False, auto_offset_reset="latest"
        ) as consumer:
            async for record in consumer:
                await handle(connection, record.value)
                await consumer.commit()

    async def first(connection: Any, value: bytes) -> None:
        await connection.execute("insert into bare (body) values ($1)", value.decode())
        await producer.send_and_wait("bench.two", value)

    async def second(connection: Any, value: bytes) -> None:
        rows = [value.decode()] * int(people)
        await connection.execute("insert into bare (body) select unnest($1::text[])", rows)
        await redis.publish("bench", value)

    async def fan_out() -> None:
        subscription = redis.pubsub()
        await subscription.subscribe("bench")
        async for message in subscription.listen():
            if message["type"] == "message":
                for queue in queues:
                    queue.put_nowait(message["data"])

    async def stream(_: Request) -> StreamingResponse:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.append(queue)

        async def frames() -> Any:
            yield b": open\n\n"
            while True:
                yield b"data: " + await queue.get() + b"\n\n"

        return StreamingResponse(frames(), media_type="text/event-stream")

    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=[Route("/live", stream)]), port=int(port), log_level="error", access_log=False)
    )
    await asyncio.gather(consume("bench.one", first), consume("bench.two", second), fan_out(), server.serve())


async def board(database: str, port: str) -> None:
    """A FastAPI endpoint that returns the board's bytes from the database."""
    pool = await asyncpg.create_pool(database, min_size=2, max_size=8)
    app = FastAPI()

    @app.get("/board")
    async def read() -> Any:
        from starlette.responses import Response

        body = await pool.fetchval("select body from bare_board")
        return Response(body, media_type="application/json")

    await uvicorn.Server(uvicorn.Config(app, port=int(port), log_level="error", access_log=False)).serve()


if __name__ == "__main__":
    programs: dict[str, Any] = {
        "worker": worker,
        "updates": updates,
        "one-by-one": one_by_one,
        "chain": chain,
        "board": board,
    }
    uvloop.run(programs[sys.argv[1]](*sys.argv[2:]))
