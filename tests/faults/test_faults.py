"""Breaking processes, servers and messages: nothing acknowledged is lost, nothing takes effect twice, order holds."""

import asyncio
import gc
import random
import signal
import time
from functools import partial

import asyncpg
import pytest
from tests.faults.given_faults import Findings, Plant, judge, message, until
from tests.faults.stores_service import measure, receipt

from bihuan_chassis import dead_letters, relay
from bihuan_chassis.database import engine, hold, release
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.settings import Settings
from bihuan_chassis.transaction import Surroundings, transaction
from bihuan_contracts.erp import GoodsReceived

# Waits are long because a test must not fail for a machine that is busy; on an idle one each takes 5 to 20 s.
pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "after_ack_before_delete", "before_offset_commit"])
async def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(plant: Plant, point: str) -> None:
    """F1, F2, F3: before and after the commit, between acknowledgement and deletion, before the offsets."""
    await plant.send_lines(orders=50, lines=40)
    worker = plant.start(failpoint=f"{point}:kill@2", instance="stores-0")
    await asyncio.to_thread(worker.process.wait, 90)
    assert worker.process.returncode == -9, "the failpoint was not reached"
    last = plant.start(instance="stores-0")
    await plant.settled()

    await plant.assert_clean()
    if point in {"after_ack_before_delete", "before_offset_commit"}:
        await last.until_counted("bihuan_redelivered_events_total", 1)  # or nothing was tested


async def test_random_kills_under_load(plant: Plant) -> None:
    """F4: SIGKILL in busy time; with a stable name the worker is back at once (trap 14)."""
    chance = random.Random(14)
    async with plant.under_load(orders=50, rate=2000):
        plant.start(instance="stores-0", lanes=2)
        await plant.until_first_effect()
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.3, 1.2))
            plant.workers[-1].kill()
            plant.start(instance="stores-0", lanes=2)
            await plant.until_first_effect()
    await plant.settled()
    await plant.assert_clean()


async def test_rebalances_under_load(plant: Plant) -> None:
    """F18: workers join and leave while batches are fetched ahead, which lost some (trap 1)."""
    async with plant.under_load(orders=60, rate=1200):
        plant.start(lanes=2)
        await plant.until_first_effect()
        for _ in range(2):
            guest = plant.start(lanes=2)
            await guest.until_counted("bihuan_rebalances_total", 4)  # two lanes of two topics have joined
            await asyncio.sleep(0.5)
            await guest.stop()
    await plant.settled()
    await plant.assert_clean()


async def test_the_broker_dies_and_comes_back(plant: Plant) -> None:
    """F5: whoever writes to the database goes on writing; the outbox drains once the broker is there."""
    plant.start(lanes=2)
    await plant.send_lines(orders=50, lines=20)
    await plant.until_first_effect()
    await asyncio.to_thread(plant.kafka.process.kill)
    sending = asyncio.create_task(_announce_every(plant, 0.05, seconds=6))
    await asyncio.sleep(4)
    await asyncio.to_thread(plant.kafka.start)
    announced = await sending
    assert announced > 50, "writing stopped with the broker"
    await plant.send_lines(orders=50, lines=20, first=21)

    async def drained() -> bool:
        measures = await plant.read('select "order", line from measures')
        return {(f"API-{number}", 1) for number in range(announced)} <= set(measures)

    await until(drained, 120, lambda: "what was announced during the outage")
    await plant.settled()
    assert [findings.lost for findings in await plant.verdict()] == [0, 0]
    assert [findings.doubled for findings in await plant.verdict()] == [0, 0]
    assert await plant.count("dead_letters") == 0


async def _announce_every(plant: Plant, pause: float, seconds: float) -> int:
    """Write as an api process does: rows and announcements, no broker involved. Returns how many were committed."""
    settings = Settings.load("stores", {"BIHUAN_DATABASE": plant.database})
    source = engine(settings, pool=1)
    connection = await hold(source)
    until_then, number = time.monotonic() + seconds, 0
    while time.monotonic() < until_then:
        async with transaction(connection, Surroundings(settings)) as tx:
            tx.announce(measure(f"API-{number}", 1))
        number += 1
        await asyncio.sleep(pause)
    await release(connection)
    await source.dispose()
    return number


async def test_the_database_crashes_twice(plant: Plant) -> None:
    """F8: as `-m immediate`, then its postmaster is killed. The batch waits and goes on; nothing becomes a dead letter."""
    worker = plant.start(lanes=2)
    async with plant.under_load(orders=50, rate=2000):
        await plant.until_first_effect()
        for crash in (partial(plant.postgres.process.stop, how=signal.SIGQUIT), plant.postgres.process.kill):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(crash)
            await asyncio.sleep(1.5)
            await asyncio.to_thread(plant.postgres.start)
    await plant.settled()
    await plant.assert_clean()
    assert worker.running, "the worker waited for the database"


async def test_the_database_starts_although_a_backend_of_the_killed_one_works_on(plant: Plant) -> None:
    """F8: in the middle of a statement nothing tells it that its server is gone; it holds the shared memory."""
    busy = await asyncpg.connect(plant.database)
    statement = asyncio.create_task(busy.execute("select count(*) from generate_series(1, 100000000000) as n"))

    async def at_work() -> bool:
        working = "select '', count(*) from pg_stat_activity where state = 'active' and query like '%generate_series%'"
        return (await plant.read(f"{working} and pid <> pg_backend_pid()")) == [("", 1)]

    await until(at_work, 20, lambda: "a statement that runs")
    await asyncio.to_thread(plant.postgres.process.kill)
    await asyncio.to_thread(plant.postgres.start)
    assert await plant.count("effects") == 0
    with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await statement


async def test_everything_is_delivered_three_times_and_once_more_from_the_start(plant: Plant) -> None:
    """F11: the state after a full replay is the state before it."""
    given = [(f"PO-{order}", line) for line in range(1, 41) for order in range(25)]
    messages = [message(receipt(*one)) for one in given]
    plant.acked = given
    await plant.send([one for one in messages for _ in range(3)])
    worker = plant.start(lanes=2)
    await plant.settled()
    await plant.assert_clean()

    await worker.stop()
    await plant.rewind()
    again = plant.start(lanes=2)
    await again.until_counted("bihuan_redelivered_events_total", 3 * len(given))
    await plant.assert_clean()


async def test_disorder_ends_in_the_state_of_the_ordered_run(plant: Plant) -> None:
    """F12: the records of a state topic come shuffled within a window of twenty."""
    chance = random.Random(12)
    given = [(f"PO-{order}", line) for line in range(1, 101) for order in range(10)]
    shuffled = [one for first in range(0, 1000, 20) for one in chance.sample(given[first : first + 20], 20)]
    plant.acked = given
    await plant.send([message(receipt(*one)) for one in shuffled])
    plant.start(lanes=2)
    await plant.settled()
    assert {version for _, version in await plant.read("select metric, version from newest")} == {100}
    assert [(findings.lost, findings.doubled) for findings in await plant.verdict()] == [(0, 0), (0, 0)]


async def test_poison_does_not_stop_its_partition(plant: Plant) -> None:
    """F13, F14: good records behind poison are handled at once, each poison record is kept once with its reason."""
    good = [(f"PO-{order}", line) for line in range(1, 61) for order in range(50)]
    body = receipt("PO-1", 999).model_dump_json().encode()
    poison = {
        "not_json": (b"PO-1", b"{", []),
        "wrong_schema": (b"PO-1", b'{"order": 1}', []),
        "empty": (b"PO-1", None, []),
        "bad_text": (b"PO-1", body.replace(b"PM-480", b"PM\\u0000"), []),
        "bad_header": (b"PO-1", body, [("ce_id", b"\xff\xfe")]),
        "unknown_type": (b"PO-1", body, [("ce_type", b"bihuan.erp.goods-received.v2")]),
        "too_large": (b"PO-1", body.replace(b"PM-480", b"x" * 1_500_000), []),
        "handler_failed": message(receipt("PO-1", 999, item="bug")),
    }
    mixed = [message(receipt(*one)) for one in good]
    for number, one in enumerate(poison.values()):
        mixed.insert((number + 1) * 300, one)
    plant.start(lanes=2)
    plant.acked = [("PO-0", 1)]
    await plant.send([mixed[0]])
    await plant.settled()  # started

    plant.acked = good
    await plant.send(mixed[1:])
    assert await plant.settled() < 20
    for findings in await plant.verdict():
        assert findings.clean
    kept = await _dead_letters(plant)
    assert sorted(letter.code for letter in kept) == sorted(poison)
    assert {(letter.record.topic, letter.attempts) for letter in kept} == {(plant.heard.name, 1)}
    assert {letter.code: letter.record.value for letter in kept} == {code: one[1] for code, one in poison.items()}


async def _dead_letters(plant: Plant) -> list[dead_letters.DeadLetter]:
    raw = await asyncpg.connect(plant.database)
    try:
        return await dead_letters.find(raw)
    finally:
        await raw.close()


async def test_newer_minor_versions_are_taken_and_newer_majors_kept_aside(plant: Plant) -> None:
    """F15: new fields and a new minor type are welcome; another major is not understood."""
    key, value, headers = message(receipt("PO-1", 1))
    assert value is not None
    wider = value[:-1] + b', "carrier": {"name": "later"}, "pallets": [1, 2]}'
    named = dict(headers)
    minor = {**named, "ce_type": named["ce_type"] + b".3", "ce_id": str(new_id()).encode()}
    major = {**named, "ce_type": b"bihuan.erp.goods-received.v2", "ce_id": str(new_id()).encode()}
    await plant.send([(key, wider, list(one.items())) for one in (minor, major)])
    plant.acked = [("PO-1", 1)]
    plant.start()
    await plant.settled()
    assert GoodsReceived.model_validate_json(wider).line == 1
    assert [letter.code for letter in await _dead_letters(plant)] == ["unknown_type"]


async def test_a_worker_asked_to_stop_finishes_its_batch_and_leaves_the_rest(plant: Plant) -> None:
    """F19: SIGTERM in the middle of slow batches; the process ends by itself, in time and without loss."""
    plant.start(slow=1.0, lanes=2)
    await plant.send_lines(orders=50, lines=60)
    await plant.until_first_effect()
    worker = plant.workers[-1]
    assert await worker.stop() < 25
    assert worker.process.returncode == 0
    plant.start(lanes=2)
    await plant.settled()
    await plant.assert_clean()


def test_the_oracle_sees_loss_doubling_and_disorder() -> None:
    acked = [("PO-1", 1), ("PO-1", 2), ("PO-1", 3), ("PO-2", 1)]
    assert judge(acked, acked).clean
    assert judge(acked, acked[:-1]) == Findings(lost=1, doubled=0, disordered=0)
    assert judge(acked, [*acked, acked[-1]]) == Findings(lost=0, doubled=1, disordered=0)
    assert judge(acked, [acked[1], acked[0], *acked[2:]]) == Findings(lost=0, doubled=0, disordered=1)


async def test_the_broker_hangs_longer_than_anybody_waits(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6, P14: a broker that is stopped, not gone. What was sent has an unknown outcome; a new producer sends it again."""
    monkeypatch.setattr(relay, "_ACK_SECONDS", 1.5)
    settings = Settings.load("stores", {"BIHUAN_DATABASE": plant.database, "BIHUAN_KAFKA": plant.kafka.servers})
    source, stop, shared = engine(settings, pool=relay.LANES + 1), asyncio.Event(), relay.SharedProducer(settings)
    lanes = [relay.Relay(source, settings, shared, number) for number in range(relay.LANES)]
    relaying = [asyncio.create_task(lane.run(stop)) for lane in lanes]
    first = await shared.get()
    await first.partitions_for(plant.announced.name)  # a topic that it had to look for first would only be away
    broker = plant.kafka.process.find()
    assert broker is not None
    plant.start()  # it hears the measures
    broker.suspend()
    try:
        connection = await hold(source)
        for line in (1, 2, 3):
            async with transaction(connection, Surroundings(settings)) as tx:
                tx.announce(*(measure(f"PO-{order}", line) for order in range(30)))

        async def replaced() -> bool:
            return shared._producer is not first

        await until(replaced, 60, lambda: "a new producer")
        assert await plant.count("outbox") == 90, "nothing counts as sent that nobody has acknowledged"
    finally:
        broker.resume()
    plant.acked = [(f"PO-{order}", line) for order in range(30) for line in (1, 2, 3)]

    async def heard() -> bool:
        return await plant.count("measures") >= 90 and await plant.count("outbox") == 0

    await until(heard, 120, lambda: "all measures")
    findings = judge(plant.acked, await plant.read('select "order", line from measures order by id'))
    stop.set()
    await asyncio.gather(*relaying)
    await release(connection)
    await shared.close()
    await source.dispose()
    gc.collect()  # a producer that was left with open connections would warn now
    assert findings.clean
