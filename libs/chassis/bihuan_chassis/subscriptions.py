"""What a service hears, declared in FastStream: documented as AsyncAPI, tried in memory, checked for safe settings.

Workers fetch by their own loop (lanes.py): docs/adr/0002-hot-lane.md says why.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from operator import or_
from typing import Any

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.message import StreamMessage
from faststream.specification import AsyncAPI

from bihuan_chassis.dead_letters import Record
from bihuan_chassis.description import ServiceDescription, Subscription
from bihuan_chassis.lanes import BATCH, Handle, record_of
from bihuan_contracts import Topic

Records = tuple[ConsumerRecord, ...]


async def _ignore(_: Sequence[Record]) -> None:
    """A subscription that is only documented."""


def declare(
    description: ServiceDescription,
    handle: Callable[[Subscription], Handle] = lambda _: _ignore,
    servers: str = "localhost:9092",
) -> KafkaBroker:
    """A broker with one subscriber for each of the service's subscriptions; `handle` gives what each does."""
    broker = KafkaBroker(
        servers,
        client_id=f"bihuan-{description.name}",
        apply_types=False,
        allow_auto_create_topics=False,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    for subscription in description.subscriptions:
        _subscribe(broker, subscription, handle(subscription))
    return broker


def _subscribe(broker: KafkaBroker, subscription: Subscription, handle: Handle) -> None:
    async def parse(records: Records, _: Callable[..., Awaitable[Any]]) -> StreamMessage[Records]:
        """Decode nothing: the envelope is opened by the batch, which keeps what it can't open as a dead letter."""
        first, last = records[0], records[-1]
        return KafkaAckableMessage(
            raw_message=records,
            body=b"",
            message_id=f"{first.offset}-{last.offset}-{first.timestamp}",
            consumer=subscriber.parser._consumer,
        )

    async def consume(records: Any) -> None:
        await handle([record_of(record) for record in records])

    consume.__annotations__["records"] = list[_payload(subscription.topics)]  # type: ignore[misc] # for the document
    # Its defaults would commit before handling, start at the latest record, answer to any address that a header
    # names, and skip a record with a broken header without a word.
    subscriber = broker.subscriber(
        *(topic.name for topic in subscription.topics),
        group_id=subscription.name,
        batch=True,
        max_records=BATCH,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        no_reply=True,
        title=subscription.name,
        description=" ".join(topic.description for topic in subscription.topics),
        parser=parse,
        decoder=_decode,
    )
    subscriber(consume)


async def _decode(message: StreamMessage[Records], _: Callable[..., Awaitable[Any]]) -> Records:
    return message.raw_message


def _payload(topics: Sequence[Topic]) -> Any:
    return reduce(or_, (topic.event for topic in topics))


def document(description: ServiceDescription, version: str) -> dict[str, Any]:
    """What the service hears, as AsyncAPI 3."""
    specification = AsyncAPI(declare(description), title=f"Bihuan {description.name}", version=version)
    read: dict[str, Any] = specification.to_specification().to_jsonable()
    return read
