"""Dead letters: listed, replayed through the same handler once, or discarded with a reason."""

import asyncio
from collections.abc import Sequence

import pytest
from given_stores import on_goods_received, receipt, record, subscription
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, Transaction, dead_letters
from bihuan_chassis.batch import Batches
from bihuan_chassis.database import Connection, hold, release
from bihuan_chassis.transaction import Surroundings
from bihuan_contracts.erp import GoodsReceived

pytestmark = pytest.mark.flow


def batches(settings: Settings, connection: Connection, handler: object = on_goods_received) -> Batches:
    async def connect() -> Connection:
        return connection

    return Batches(subscription(handler), Surroundings(settings), connect)


async def effects(connection: Connection) -> int:
    return int(await connection.raw.fetchval("select count(*) from effects"))


async def test_a_dead_letter_is_replayed_once_the_bug_is_mended(settings: Settings, connection: Connection) -> None:
    mended = False

    async def buggy(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        await on_goods_received(receipts, tx)
        if not mended:
            raise KeyError("bug")

    stores = batches(settings, connection, buggy)
    await stores.handle([record(receipt())])
    [letter] = await dead_letters.find(connection.raw)

    await dead_letters.request_replay(connection.raw, [letter.id], by="10001")
    await stores.replay(connection)
    [still] = await dead_letters.find(connection.raw)
    assert (still.state, still.attempts, await effects(connection)) == ("open", 2, 0)

    mended = True
    await dead_letters.request_replay(connection.raw, [letter.id], by="10001")
    await stores.replay(connection)
    [done] = await dead_letters.find(connection.raw, state=None)
    assert (done.state, done.resolved_by, await effects(connection)) == ("replayed", "10001", 1)


async def test_a_mended_body_is_handled(settings: Settings, connection: Connection) -> None:
    stores = batches(settings, connection)
    await stores.handle([record(b"{")])
    [letter] = await dead_letters.find(connection.raw)

    await dead_letters.request_replay(
        connection.raw, [letter.id], by="10001", value=receipt().model_dump_json().encode()
    )
    await stores.replay(connection)

    assert await effects(connection) == 1
    assert await dead_letters.find(connection.raw) == []


async def test_two_workers_replay_a_letter_once(settings: Settings, source: AsyncEngine) -> None:
    both_started = asyncio.Barrier(2)
    calls = 0

    async def slow(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise KeyError("bug")
        await on_goods_received(receipts, tx)
        await asyncio.sleep(0.1)

    one, two = await hold(source), await hold(source)
    workers = [batches(settings, connection, slow) for connection in (one, two)]
    await workers[0].handle([record(receipt())])
    [letter] = await dead_letters.find(one.raw)
    await dead_letters.request_replay(one.raw, [letter.id], by="10001")

    async def replay(worker: Batches, connection: Connection) -> int:
        await both_started.wait()
        return await worker.replay(connection)

    looked_at = await asyncio.gather(replay(workers[0], one), replay(workers[1], two))
    assert sum(looked_at) == 1
    assert await effects(one) == 1
    await release(one)
    await release(two)


async def test_a_discarded_letter_keeps_record_and_reason(settings: Settings, connection: Connection) -> None:
    await batches(settings, connection).handle([record(b"{")])
    [letter] = await dead_letters.find(connection.raw)

    assert await dead_letters.discard(connection.raw, [letter.id], by="10001", reason="sent twice") == 1
    assert await dead_letters.request_replay(connection.raw, [letter.id], by="10001") == 0

    kept = await dead_letters.get(connection.raw, letter.id)
    assert kept is not None
    assert (kept.state, kept.resolution, kept.record.value) == ("discarded", "sent twice", b"{")


async def test_a_reason_from_before_reasons_had_two_languages_is_still_read(
    settings: Settings, connection: Connection
) -> None:
    """F15: workers of the last version go on writing plain words."""
    await batches(settings, connection).handle([record(b"{")])
    await connection.raw.execute("update dead_letters set reason = 'not valid JSON'")
    [letter] = await dead_letters.find(connection.raw)
    assert (letter.reason.zh, letter.reason.en) == ("not valid JSON", "not valid JSON")
