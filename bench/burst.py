"""ERP at its busiest: `python -m bench.burst SERVERS COUNT` says when it is ready, and sends once it is told to.

A process of its own, as ERP is another system: sealing and sending ten thousand events would stop the measuring clock.
"""

import asyncio
import sys
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from bench import world
from bihuan_chassis.identifiers import new_id
from bihuan_contracts import seal, topics


async def send(servers: str, count: int) -> None:
    """As `bihuan_tools.events.publish` sends them: idempotent, acknowledged, in order per key."""
    now = datetime.now(UTC)
    sealed = [
        seal(topics.PURCHASE_ORDERS, order, id=str(new_id()), source="bench/erp", time=now)
        for order in world.burst(1, count)
    ]
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all") as producer:
        await producer.partitions_for(topics.PURCHASE_ORDERS.name)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        sent = [await producer.send(one.topic, one.value, one.key, headers=one.headers) for one in sealed]
        await asyncio.gather(*sent)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], int(sys.argv[2])))
