"""Route for the integration owner: every topic, what it holds, and how far each reader has come (I1)."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bihuan_chassis import Settings
from bihuan_chassis.http import Reply, Tx, Unavailable, allow, router
from bihuan_chassis.lanes import kafka_options
from bihuan_contracts import topics
from intake.api import SENDERS

routes = router(tags=["streams"])
_TRUE_FOR = 2.0
_PATIENCE = 5.0


class Reader(Reply):
    group: str
    lag: int
    """Records that it has not handled yet."""


class Stream(Reply):
    """One topic of the contracts."""

    name: str
    type: str
    owner: str
    """The service that writes it; `intake` for what upstream systems write too."""
    description: str
    compacted: bool
    partitions: int
    records: int
    """Places taken in the log; compaction and retention leave fewer."""
    readers: list[Reader]


class Streams(Reply):
    streams: list[Stream]


@dataclass
class Watch:
    """Asks the broker at most every two seconds, however many pages are open."""

    settings: Settings
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: list[Stream] = field(default_factory=list)
    _found_at: float = -_TRUE_FOR

    async def look(self) -> list[Stream]:
        async with self._asking:
            if time.monotonic() - self._found_at >= _TRUE_FOR:
                try:
                    self._found = await asyncio.wait_for(_ask(self.settings), _PATIENCE)
                except (KafkaError, OSError, TimeoutError) as error:
                    raise Unavailable("broker_away", headers={"Retry-After": "5"}) from error
                self._found_at = time.monotonic()
            return self._found


@asynccontextmanager
async def watch(settings: Settings) -> AsyncIterator[Watch]:
    """Lifespan of the service."""
    yield Watch(settings)


@routes.get("/streams", dependencies=[allow(*SENDERS)])
async def list_streams(tx: Tx) -> Streams:
    found = tx.resources
    assert isinstance(found, Watch)
    return Streams(streams=await found.look())


async def _ask(settings: Settings) -> list[Stream]:
    admin = AIOKafkaAdminClient(**kafka_options(settings), client_id="bihuan-streams")
    reader = AIOKafkaConsumer(**kafka_options(settings), client_id="bihuan-streams", enable_auto_commit=False)
    try:
        await admin.start()
        await reader.start()
        described = await admin.describe_topics([topic.name for topic in topics.ALL])
        places = [
            TopicPartition(one["topic"], partition["partition"]) for one in described for partition in one["partitions"]
        ]
        # what a reader is given it knows the leaders of; asked about others, it waits out a pause for each topic
        reader.assign(places)
        reader.pause(*places)
        ends: Mapping[TopicPartition, int] = await reader.end_offsets(places)
        starts: Mapping[TopicPartition, int] = await reader.beginning_offsets(places)
        groups = sorted({group for group, _ in await admin.list_consumer_groups()})
        done = await asyncio.gather(*(admin.list_consumer_group_offsets(group) for group in groups))
    finally:
        await admin.close()
        await reader.stop()
    lags: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for group, committed in zip(groups, done, strict=True):
        for place, at in committed.items():
            if place in ends and at.offset >= 0:
                lags[place.topic][group] += max(0, ends[place] - at.offset)
    return [
        Stream(
            name=topic.name, type=topic.type, owner=topic.owner, description=topic.description,
            compacted=topic.compacted, partitions=sum(place.topic == topic.name for place in places),
            records=sum(ends[place] - starts[place] for place in places if place.topic == topic.name),
            readers=[Reader(group=group, lag=lag) for group, lag in sorted(lags[topic.name].items())],
        )
        for topic in topics.ALL
    ]  # fmt: skip
