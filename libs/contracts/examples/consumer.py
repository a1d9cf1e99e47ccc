"""A consumer of another application: who is affected by which change, in about thirty lines.

pip install bihuan-contracts aiokafka
BIHUAN_KAFKA=localhost:19092 python consumer.py
"""

import asyncio
import os
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer

from bihuan_contracts import Opened, open_record, topics
from bihuan_contracts.changes import ImpactAssessed


async def impacts(servers: str, group: str) -> AsyncIterator[ImpactAssessed]:
    """Every assessed change in its newest state. Delivery is at least once, so older states are passed over."""
    consumer = AIOKafkaConsumer(
        topics.IMPACTS.name, bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest"
    )
    newest: dict[object, int] = {}
    async with consumer:
        async for record in consumer:
            opened = open_record(topics.IMPACTS, record.key, record.value, record.headers, record.timestamp)
            if not isinstance(opened, Opened) or not isinstance(opened.event, ImpactAssessed):
                continue  # keep refused records somewhere: `opened.code` and `opened.field` say what is wrong
            if newest.get(opened.event.change, 0) < opened.event.version:
                newest[opened.event.change] = opened.event.version
                yield opened.event


async def main() -> None:
    group = os.environ.get("GROUP", "example-application")  # each group reads on where it was
    async for impact in impacts(os.environ["BIHUAN_KAFKA"], group):
        people = sorted({row.person_name for row in impact.rows})
        print(impact.number, impact.item, impact.base_version, "→", impact.new_version, "、".join(people))


if __name__ == "__main__":
    asyncio.run(main())
