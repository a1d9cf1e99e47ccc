"""The hot lane on a consumer that rebalances at the worst moments."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from given_stores import subscription
from pydantic import SecretStr

from bihuan_chassis import Settings
from bihuan_chassis.dead_letters import Record
from bihuan_chassis.lanes import Fetched, Lane, consumer_options, record_of

PARTITION = TopicPartition("erp.receipts.v1", 0)
SETTINGS = Settings(service="stores", database=SecretStr("postgresql://nowhere/stores"))


def raw_records(first: int, last: int) -> list[Any]:
    return [
        SimpleNamespace(
            topic=PARTITION.topic, partition=0, offset=offset, key=b"", value=b"", headers=(), timestamp=0
        )
        for offset in range(first, last + 1)
    ]  # fmt: skip


def fetched(lane: Lane) -> Fetched:
    """Ten records of the lane's present assignment."""
    records = raw_records(0, 9)
    return Fetched(lane._epoch, records, [record_of(record) for record in records])


class Rig:
    """A lane with a consumer that is played by the test."""

    def __init__(self, gather: float = 0.0) -> None:
        self.handled: list[int] = []
        self.committed: list[int] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.lane = Lane(replace(subscription(), gather=gather), SETTINGS, self._handle)
        self.lane._consumer = SimpleNamespace(commit=self._commit)

    async def _handle(self, records: Sequence[Record]) -> None:
        await self.may_finish.wait()
        self.handled += [record.offset for record in records]

    async def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.committed.append(offsets[PARTITION])

    async def rebalance(self) -> None:
        await self.lane.on_partitions_revoked([PARTITION])
        await self.lane.on_partitions_assigned([PARTITION])

    async def fetch(self, getmany: Any) -> Fetched:
        return await self.lane._fetch(SimpleNamespace(getmany=getmany))


async def test_records_of_the_new_assignment_are_handled_although_the_fetch_began_under_the_old_one() -> None:
    """Trap 1: dropping them lost 2,765 of 45,000 events."""
    rig = Rig()

    async def spanning(**_: Any) -> dict[TopicPartition, list[Any]]:
        await rig.rebalance()
        return {PARTITION: raw_records(0, 9)}

    await rig.lane._take(await rig.fetch(spanning))
    assert rig.handled == list(range(10))


async def test_records_of_the_old_assignment_are_left_to_their_new_owner() -> None:
    rig = Rig()
    await rig.rebalance()

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        return {PARTITION: raw_records(0, 9)}

    ahead = await rig.fetch(found)
    await rig.rebalance()
    await rig.lane._take(ahead)

    assert rig.handled == []
    await rig.lane._commit(force=True)
    assert rig.committed == []


async def test_a_patient_lane_handles_what_it_gathered_as_one_batch() -> None:
    rig = Rig(gather=0.01)
    answers = iter([raw_records(0, 3), raw_records(4, 9)])

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        return {PARTITION: next(answers)}

    await rig.lane._take(await rig.fetch(found))
    assert rig.handled == list(range(10))


async def test_what_was_gathered_under_an_older_assignment_is_left_to_its_new_owner() -> None:
    """Trap 1 again, between the two reads of one batch: the second is of the new assignment and starts at its offset."""
    rig = Rig(gather=0.01)
    answers = iter([raw_records(0, 3), raw_records(0, 9)])

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        records = next(answers)
        if len(records) > 4:
            await rig.rebalance()
        return {PARTITION: records}

    await rig.lane._take(await rig.fetch(found))
    assert rig.handled == list(range(10))


async def test_partitions_are_given_away_after_the_batch_in_hand_with_its_offsets() -> None:
    """P8: without the drain the same record runs on two workers at once."""
    rig = Rig()
    await rig.rebalance()
    rig.may_finish.clear()
    taking = asyncio.create_task(rig.lane._take(fetched(rig.lane)))
    await asyncio.sleep(0)
    revoking = asyncio.create_task(rig.lane.on_partitions_revoked([PARTITION]))
    await asyncio.sleep(0)
    assert not revoking.done()

    rig.may_finish.set()
    await asyncio.gather(taking, revoking)
    assert rig.handled == list(range(10))
    assert rig.committed == [10]


async def test_offsets_that_could_not_be_committed_are_committed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    await rig.rebalance()
    answers = iter([TimeoutError(), None])

    async def sometimes(offsets: dict[TopicPartition, int]) -> None:
        if (answer := next(answers)) is not None:
            raise answer
        rig.committed.append(offsets[PARTITION])

    rig.lane._consumer = SimpleNamespace(commit=sometimes)
    await rig.lane._take(fetched(rig.lane))
    await rig.lane._commit(force=True)
    assert rig.committed == [10]


def test_a_consumer_loses_nothing_by_its_settings() -> None:
    """P1, P12, P18, P21: the library's defaults lose data."""
    options = consumer_options(SETTINGS, subscription(), 1)
    assert options["enable_auto_commit"] is False
    assert options["auto_offset_reset"] == "earliest"
    assert options["group_id"] == "stores.erp.receipts.v1"
    assert options["max_partition_fetch_bytes"] > 1_048_576
    assert "group_instance_id" not in options

    static = SETTINGS.model_copy(update={"instance": "stores-0"})
    names = {consumer_options(static, subscription(), lane)["group_instance_id"] for lane in range(2)}
    assert len(names) == 2, "two consumers of one name would fence each other"


async def test_the_next_batch_is_opened_while_this_one_is_in_hand() -> None:
    """Reading envelopes costs as much as half a batch in the database: the two overlap."""
    rig = Rig()
    opened = asyncio.Event()

    def open_records(records: Sequence[Record]) -> Sequence[Record]:
        opened.set()
        return records

    rig.lane._open = open_records
    rig.may_finish.clear()
    taking = asyncio.create_task(rig.lane._take(fetched(rig.lane)))

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        return {PARTITION: raw_records(10, 19)}

    following = await rig.fetch(found)
    assert opened.is_set()
    assert rig.handled == []
    rig.may_finish.set()
    await taking
    await rig.lane._take(following)
    assert rig.handled == list(range(20))


async def test_a_full_batch_is_opened_in_turns_with_the_other_lanes() -> None:
    """A burst of one topic keeps nobody waiting who shares the process: a notice takes some forty turns of its loop."""
    rig = Rig()
    turns: list[str] = []

    def open_records(records: Sequence[Record]) -> Sequence[Record]:
        turns.append("opened")
        return records

    async def other_lane() -> None:
        while turns.count("opened") < 20:
            turns.append("other")
            await asyncio.sleep(0)

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        return {PARTITION: raw_records(0, 499)}

    rig.lane._open = open_records
    other = asyncio.create_task(other_lane())
    batch = await rig.fetch(found)
    await other
    assert [record.offset for record in batch.opened] == list(range(500))
    assert "opened opened" not in " ".join(turns)


async def test_what_loses_its_partition_while_it_is_opened_is_left_to_its_new_owner() -> None:
    """Trap 1 once more: opening gives others their turn, a rebalance too."""
    rig = Rig()
    moving: list[asyncio.Task[None]] = []

    def open_records(records: Sequence[Record]) -> Sequence[Record]:
        if not moving:
            moving.append(asyncio.create_task(rig.rebalance()))
        return records

    async def found(**_: Any) -> dict[TopicPartition, list[Any]]:
        return {PARTITION: raw_records(0, 499)}

    rig.lane._open = open_records
    batch = await rig.fetch(found)
    await asyncio.gather(*moving)
    await rig.lane._take(batch)
    assert rig.handled == []
