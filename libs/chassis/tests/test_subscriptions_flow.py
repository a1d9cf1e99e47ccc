"""Subscriptions in FastStream: safe settings on each, documented, and the same handling as in the worker."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TestKafkaBroker
from given_stores import on_goods_received, receipt

from bihuan_chassis import Settings, Transaction, dead_letters
from bihuan_chassis.batch import Batches
from bihuan_chassis.database import Connection
from bihuan_chassis.description import ServiceDescription, Subscription
from bihuan_chassis.subscriptions import declare, document
from bihuan_chassis.transaction import Surroundings
from bihuan_contracts import topics
from bihuan_contracts.erp import GoodsReceived
from bihuan_contracts.goals import ProjectChanged, TaskChanged


async def on_board(events: Sequence[TaskChanged | ProjectChanged], tx: Transaction) -> None:
    """Not called: only what is declared is looked at."""


STORES = ServiceDescription(
    "stores",
    Settings,
    (
        Subscription("stores", (topics.RECEIPTS,), on_goods_received),
        Subscription("stores", (topics.TASKS, topics.PROJECTS), on_board),
    ),
    (),
    {},
    None,
    Path("migrations"),
)


def by_group(broker: KafkaBroker) -> dict[str, Any]:
    subscribers: list[Any] = list(broker.subscribers)
    return {subscriber.group_id: subscriber for subscriber in subscribers}


def test_every_subscriber_is_declared_with_settings_that_lose_nothing() -> None:
    """P1, P2, P10, P12, P19: each of FastStream's defaults would lose or leak records."""
    subscribers = by_group(declare(STORES))
    assert len(subscribers) == len(STORES.subscriptions)
    for subscription in STORES.subscriptions:
        subscriber = subscribers[subscription.name]
        assert subscriber.topic_names == [topic.name for topic in subscription.topics]
        assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
        assert subscriber._no_reply
        assert subscriber._connection_args["auto_offset_reset"] == "earliest"
        assert not subscriber._connection_args.get("enable_auto_commit")
        assert subscriber.specification.name.startswith(subscription.name)


def test_the_document_names_each_topic_with_the_fields_of_its_event() -> None:
    read = document(STORES, "1.0")
    assert {channel["address"] for channel in read["channels"].values()} == {
        "erp.receipts.v1", "goals.tasks.v1", "goals.projects.v1",
    }  # fmt: skip
    assert all(operation["action"] == "receive" for operation in read["operations"].values())
    assert set(GoodsReceived.model_fields) == set(read["components"]["schemas"]["GoodsReceived"]["properties"])
    json.dumps(read)


@pytest.mark.flow
async def test_a_record_with_a_header_that_is_no_text_reaches_the_dead_letters(
    settings: Settings, connection: Connection
) -> None:
    """P5: with FastStream's own parser such a record vanishes without a word."""

    async def connect() -> Connection:
        return connection

    def handle(subscription: Subscription) -> Any:
        return Batches(subscription, Surroundings(settings), connect).handle

    broker = declare(STORES, handle)
    subscriber = by_group(broker)["stores.erp.receipts.v1"]
    async with TestKafkaBroker(broker) as published:
        await published.publish(receipt().model_dump_json().encode(), "erp.receipts.v1", key=b"PO-1")
        await subscriber.process_message((_broken_header(),))

    assert await connection.raw.fetchval("select count(*) from effects") == 1
    [letter] = await dead_letters.find(connection.raw)
    assert (letter.code, list(letter.record.headers)) == ("bad_header", [("ce_id", b"\xff"), ("ce_type", None)])


def _broken_header() -> ConsumerRecord:
    value = receipt().model_dump_json().encode()
    return ConsumerRecord(
        topic="erp.receipts.v1", partition=0, offset=7, timestamp=0, timestamp_type=0, key=b"PO-1", value=value,
        checksum=None, serialized_key_size=4, serialized_value_size=len(value),
        headers=(("ce_id", b"\xff"), ("ce_type", None)),
    )  # fmt: skip
