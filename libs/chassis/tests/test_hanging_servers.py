"""Servers that take connections and answer nothing: nobody waits for them for ever, and nothing is left unheard."""

import asyncio
import gc
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import MessageAccumulator
from given_stores import subscription, until
from pydantic import SecretStr

from bihuan_chassis import Settings, lanes, relay
from bihuan_chassis.lanes import Lane
from bihuan_chassis.relay import Outcome, Relay, SharedProducer

SETTINGS = Settings(service="stores", database=SecretStr("postgresql://nowhere/stores"))
ROW = (7, "erp.receipts.v1", None, "PO-1")


class Hanging:
    """A client of a broker that hangs, until `answers` is set."""

    made: ClassVar[list["Hanging"]] = []
    answers: ClassVar[asyncio.Event]

    def __init__(self, **_: Any) -> None:
        self.stopped = False
        self.client = SimpleNamespace(close=self._close)
        self._message_accumulator = MessageAccumulator(ClusterMetadata(), 16384, 0, 30)
        self.made.append(self)

    def subscribe(self, *_: Any, **__: Any) -> None: ...

    async def start(self) -> None:
        await self.answers.wait()

    async def stop(self) -> None:
        await self.answers.wait()
        self.stopped = True

    async def _close(self) -> None: ...


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> type[Hanging]:
    monkeypatch.setattr(Hanging, "made", [])
    monkeypatch.setattr(Hanging, "answers", asyncio.Event(), raising=False)
    monkeypatch.setattr(lanes, "AIOKafkaConsumer", Hanging)
    monkeypatch.setattr(relay, "AIOKafkaProducer", Hanging)
    monkeypatch.setattr(lanes, "_START_SECONDS", 0.05)
    monkeypatch.setattr(lanes, "_STOP_SECONDS", 0.05)
    monkeypatch.setattr(relay, "_START_SECONDS", 0.05)
    return Hanging


async def test_a_lane_tries_a_new_consumer_and_still_stops_when_asked(hanging: type[Hanging]) -> None:
    """F6: the group is joined, and left, with requests that nobody answers."""

    async def handle(_: Any) -> None: ...

    stop = asyncio.Event()
    running = asyncio.create_task(Lane(subscription(), SETTINGS, handle).run(stop))

    async def tried_again() -> bool:
        return len(hanging.made) >= 2

    await until(tried_again)
    stop.set()
    await asyncio.wait_for(running, 10)
    assert not any(consumer.stopped for consumer in hanging.made)

    hanging.answers.set()

    async def all_stopped() -> bool:
        return all(consumer.stopped for consumer in hanging.made)

    await until(all_stopped)


async def test_a_producer_that_gets_no_id_does_not_keep_the_relays_lanes_in_line(hanging: type[Hanging]) -> None:
    """P14: aiokafka asks for its id for ever, and the lanes share the lock."""
    shared = SharedProducer(SETTINGS)
    answers = await asyncio.gather(shared.get(), shared.get(), return_exceptions=True)
    assert [type(answer) for answer in answers] == [TimeoutError, TimeoutError]
    assert len(hanging.made) == 2

    hanging.answers.set()
    assert await shared.get() is hanging.made[-1]
    await shared.close()
    assert all(producer.stopped for producer in hanging.made)


@pytest.fixture
async def unheard() -> AsyncIterator[list[Any]]:
    """What asyncio says of errors that nobody took."""
    said: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: said.append(context))
    yield said
    loop.set_exception_handler(None)


async def test_nothing_is_said_of_answers_that_come_after_the_patience_was_over(unheard: list[Any]) -> None:
    accumulator = MessageAccumulator(ClusterMetadata(), 16384, 0, 30)
    future = await accumulator.add_message(TopicPartition("erp.receipts.v1", 0), b"PO-1", b"{}", 5)
    outcome = Outcome()
    outcome.read([(ROW, future)])
    assert outcome.failure is not None

    relay._give_up(SimpleNamespace(_message_accumulator=accumulator))
    await asyncio.sleep(0)
    del future, accumulator
    gc.collect()
    assert unheard == []


async def test_nothing_is_said_of_answers_to_a_relay_that_has_ended(
    unheard: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is asked to stop does not wait for a broker that hangs."""
    answers: list[asyncio.Future[Any]] = [asyncio.get_running_loop().create_future()]
    queued = asyncio.Event()

    async def produce(*_: Any) -> "asyncio.Future[Any]":
        queued.set()
        return answers[0]

    monkeypatch.setattr(relay, "_produce", produce)
    lane = Relay(SimpleNamespace(), SETTINGS, SharedProducer(SETTINGS))  # type: ignore[arg-type] # not asked here
    sending = asyncio.create_task(lane._send(SimpleNamespace(), [ROW]))
    await queued.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    answers.pop().set_exception(KafkaError())
    await asyncio.sleep(0)
    del sending  # its error holds the frames that hold the answer
    gc.collect()
    assert unheard == []
