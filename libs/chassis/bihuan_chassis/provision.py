"""Creating topics from the registry, for installations where nothing else does."""

from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from bihuan_contracts import Topic, topics


class TopicError(Exception):
    """A topic can't be created; the message names it and the broker's reason."""


async def create_topics(
    options: dict[str, Any], wanted: Sequence[Topic] = topics.ALL, *, replicas: int = 1
) -> list[str]:
    """Create the topics that are missing; returns their names. `options` are aiokafka's connection options."""
    client = AIOKafkaAdminClient(**options)
    await client.start()
    try:
        known = set(await client.list_topics())
        missing = [topic for topic in wanted if topic.name not in known]
        if missing:
            answer = await client.create_topics([_new_topic(topic, replicas) for topic in missing])
            for name, code, *_ in answer.topic_errors:
                if code and not issubclass(for_code(code), TopicAlreadyExistsError):
                    raise TopicError(f"{name}: {for_code(code).__name__}")
        return [topic.name for topic in missing]
    finally:
        await client.close()


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    retention = int(topic.retention.total_seconds() * 1000) if topic.retention else -1
    return NewTopic(
        topic.name,
        topic.partitions,
        replicas,
        topic_configs={
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": str(retention),
            # What other systems send and is too large for us is taken, to be kept as a dead letter with its reason:
            # refused by the broker, only its sender would know.
            "max.message.bytes": str((2 if topic.owner == "intake" else 1) * 2**20),
        },
    )
