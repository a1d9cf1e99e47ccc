"""A batch of records: one transaction, duplicates dropped, refused and failing ones kept apart."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import pytest
from given_cable import cabled, server_message
from given_stores import on_goods_received, receipt, record, records, subscription
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bihuan_chassis import Settings, Transaction, dead_letters
from bihuan_chassis.batch import Batches, PermanentError
from bihuan_chassis.database import Connection, engine, hold, release
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.transaction import Surroundings, transaction
from bihuan_chassis.worker import Held
from bihuan_contracts import Text
from bihuan_contracts.erp import GoodsReceived

pytestmark = pytest.mark.flow

UNKNOWN_ORDER = Text(zh="没有这张订单", en="the order is not known")

Hear = Callable[..., Awaitable[None]]


@pytest.fixture
def hear(settings: Settings, connection: Connection) -> Hear:
    """Hears records through the real batch path."""

    async def hearing(given: Sequence[dead_letters.Record], handler: object = on_goods_received) -> None:
        async def connect() -> Connection:
            return connection

        await Batches(subscription(handler), Surroundings(settings), connect).handle(given)

    return hearing


async def effects(connection: Connection) -> list[tuple[str, int]]:
    rows = await connection.raw.fetch('select "order", line from effects order by id')
    return [(row[0], row[1]) for row in rows]


async def announced(connection: Connection) -> int:
    return int(await connection.raw.fetchval("select count(*) from outbox"))


async def test_a_batch_saves_its_rows_and_announces_them_together(hear: Hear, connection: Connection) -> None:
    await hear(records(receipt(line=line) for line in range(1, 501)))

    assert await effects(connection) == [("PO-1", line) for line in range(1, 501)]
    versions = await connection.raw.fetch(
        "select convert_from(body, 'utf8')::jsonb->>'version' from outbox order by id"
    )
    assert [int(row[0]) for row in versions] == list(range(1, 501))


async def test_every_event_delivered_three_times_has_one_effect(hear: Hear, connection: Connection) -> None:
    """F11: duplicates over several batches."""
    batch = records(receipt(line=line) for line in range(1, 101))
    for _ in range(3):
        await hear(batch)

    assert len(await effects(connection)) == 100
    assert await announced(connection) == 100


async def test_the_same_id_twice_in_one_batch_has_one_effect_the_first(hear: Hear, connection: Connection) -> None:
    """Trap 8: RETURNING names the id once, but both records match it."""
    twice = new_id()
    await hear([record(receipt(line=1), id=twice), record(receipt(line=2), id=twice), record(receipt(line=3))])

    assert await effects(connection) == [("PO-1", 1), ("PO-1", 3)]


async def test_poison_records_are_kept_with_their_reason_and_the_others_are_handled(
    hear: Hear, connection: Connection
) -> None:
    """F13: bad JSON, wrong schema, null value, NUL text, header that is not UTF-8, header without value, a bug."""
    good = [record(receipt(line=line)) for line in range(1, 95)]
    poison = [
        record(b"{"),
        record(b'{"receipt": "no more fields"}'),
        record(None),
        record(receipt().model_dump_json().replace("PM-480", "PM\\u0000").encode()),
        record(receipt().model_dump_json().encode(), headers=[("ce_id", b"\xff\xfe")]),
        record(receipt().model_dump_json().encode(), headers=[("ce_type", None)]),
        record(receipt(item="bug")),
        record(receipt().model_dump_json().encode() + b"," + receipt(line=2).model_dump_json().encode()),
    ]
    await hear(good[:50] + poison + good[50:])

    assert await effects(connection) == [("PO-1", line) for line in range(1, 95)]
    kept = await dead_letters.find(connection.raw)
    assert sorted(letter.code for letter in kept) == sorted(
        ["not_json", "wrong_schema", "empty", "bad_text", "bad_header", "bad_header", "handler_failed", "not_json"]
    )
    by_value = {letter.record.offset: letter for letter in kept}
    for sent in poison:
        assert by_value[sent.offset].record.value == sent.value
        assert list(by_value[sent.offset].record.headers) == list(sent.headers)


async def test_a_poison_record_delivered_again_is_one_dead_letter(hear: Hear, connection: Connection) -> None:
    poison = [record(b"{"), record(receipt(item="bug"))]
    for _ in range(3):
        await hear(poison)

    kept = await dead_letters.find(connection.raw)
    assert len(kept) == 2
    assert {letter.attempts for letter in kept} == {1}


async def test_halving_finds_the_culprit_in_few_transactions(hear: Hear, connection: Connection) -> None:
    """Trap 15: about 2 log2(500) attempts for one poison record, not 500."""
    attempts = 0

    async def counting(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await on_goods_received(receipts, tx)

    given = records(receipt(line=line) for line in range(1, 501))
    given[321] = record(receipt(line=322, item="bug"))
    await hear(given, counting)

    assert len(await effects(connection)) == 499
    assert attempts <= 20


async def test_what_a_handler_did_before_it_failed_is_rolled_back(hear: Hear, connection: Connection) -> None:
    """Trap 3: rows written by either way, announcements and timers, vanish together."""

    async def half_done(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        await tx.connection.execute(text("""insert into effects ("order", line) values ('SQLAlchemy', 1)"""))
        await tx.raw.execute("""insert into effects ("order", line) values ('asyncpg', 1)""")
        tx.announce()
        tx.set_timer("late", "PO-1", tx.now)
        raise PermanentError("no_such_order", UNKNOWN_ORDER, "order")

    await hear([record(receipt())], half_done)

    assert await effects(connection) == []
    assert await connection.raw.fetchval("select count(*) from timers") == 0
    [letter] = await dead_letters.find(connection.raw)
    assert (letter.code, letter.field, letter.reason) == ("no_such_order", "order", UNKNOWN_ORDER)


async def test_both_ways_of_writing_commit_together(settings: Settings, connection: Connection) -> None:
    async with transaction(connection, Surroundings(settings)) as tx:
        await tx.raw.execute("""insert into effects ("order", line) values ('asyncpg', 1)""")
        seen = await tx.connection.execute(text("select count(*) from effects"))
        assert seen.scalar_one() == 1
        await tx.connection.execute(text("""insert into effects ("order", line) values ('SQLAlchemy', 1)"""))
    assert len(await effects(connection)) == 2


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(FileNotFoundError("template"), id="a file is missing"),
        pytest.param(TimeoutError(), id="something in the handler timed out"),
        pytest.param(ConnectionRefusedError(), id="another system is away"),
        pytest.param(asyncpg.InterfaceError("wrong argument count"), id="trap 6"),
    ],
)
async def test_a_handlers_own_failure_is_no_outage(hear: Hear, connection: Connection, failing: Exception) -> None:
    """Trap 6: retrying what can never succeed would stop the partition for ever."""

    async def fails(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        raise failing

    await hear([record(receipt())], fails)

    [letter] = await dead_letters.find(connection.raw)
    assert letter.code == "handler_failed"


async def test_wrong_use_of_the_driver_is_no_outage(hear: Hear, connection: Connection) -> None:
    """Trap 6, with the real driver: wrong argument count, wrong COPY type, a value the database refuses."""

    async def wrong_arguments(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        await tx.raw.execute("select $1::int", 1, 2)

    async def wrong_copy(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        await tx.raw.copy_records_to_table("effects", records=[("PO", "not a number")], columns=("order", "line"))

    async def nul_text(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        await tx.raw.execute("""insert into effects (note) values ($1::jsonb)""", '{"a": "\\u0000"}')

    for line, handler in enumerate((wrong_arguments, wrong_copy, nul_text), start=1):
        await hear([record(receipt(line=line))], handler)
    assert len(await dead_letters.find(connection.raw)) == 3


async def test_an_outage_is_waited_out_and_dead_letters_nothing(
    settings: Settings, source: AsyncEngine, connection: Connection
) -> None:
    """F8: the connection is cut twice in the middle of a batch."""
    cuts = 2
    held: list[Connection] = []

    async def connect() -> Connection:
        if not held or held[-1].closed:
            made = await source.connect()
            raw = (await made.get_raw_connection()).driver_connection
            held.append(Connection(made, raw))  # type: ignore[arg-type]
        return held[-1]

    async def cut_off(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        nonlocal cuts
        await on_goods_received(receipts, tx)
        if cuts:
            cuts -= 1
            await connection.raw.execute("select pg_terminate_backend($1)", tx.raw.get_server_pid())

    await Batches(subscription(cut_off), Surroundings(settings), connect).handle(
        records(receipt(line=line) for line in range(1, 101))
    )
    for one in held:
        if one.closed:
            await one.sqlalchemy.invalidate()
        await one.sqlalchemy.close()

    assert len(await effects(connection)) == 100
    assert await dead_letters.find(connection.raw, state=None) == []


@pytest.mark.parametrize("when", ["in the middle of a batch", "between two batches"])
async def test_a_server_that_takes_its_leave_between_two_statements_is_an_outage(
    settings: Settings, connection: Connection, when: str
) -> None:
    """F8: it has said that it ends, and has not hung up yet. Until then the driver refuses even the rollback."""

    async def leave(raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        understood = asyncio.Event()
        raw.add_log_listener(lambda *_: understood.set())
        cable.say(
            server_message(b"E", S="FATAL", V="FATAL", C="57P02", M="because of a crash"),
            server_message(b"N", S="NOTICE", V="NOTICE", C="00000", M="the error before is understood"),
        )
        await understood.wait()

    async def handler(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        if when == "in the middle of a batch" and receipts[0].line == 101 and not left:
            left.append(True)
            await leave(tx.raw)
        await on_goods_received(receipts, tx)

    left: list[bool] = []
    async with cabled(settings) as (far, cable):
        source = engine(far, pool=1)
        held = Held(source)
        batches = Batches(subscription(handler), Surroundings(far), held.get)
        await batches.handle(records(receipt(line=line) for line in range(1, 101)))
        if when == "between two batches":
            await leave((await held.get()).raw)
        await batches.handle([record(receipt(line=101))])
        await held.drop()
        await source.dispose()

    assert await effects(connection) == [("PO-1", line) for line in range(1, 102)]
    assert await dead_letters.find(connection.raw, state=None) == []


async def test_a_connection_given_back_in_a_transaction_is_thrown_away(source: AsyncEngine) -> None:
    """Whoever takes it next would work in somebody else's transaction."""
    held = await hold(source)
    await held.raw.execute("begin")
    await release(held)
    following = await hold(source)
    assert following.raw is not held.raw
    assert not following.raw.is_in_transaction()
    await release(following)


async def test_a_deadlock_victim_is_tried_again(hear: Hear, connection: Connection) -> None:
    """F22: a conflict between two transactions passes by itself."""
    victims = 2

    async def deadlocked(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        nonlocal victims
        await on_goods_received(receipts, tx)
        if victims:
            victims -= 1
            raise asyncpg.DeadlockDetectedError("deadlock detected")

    await hear([record(receipt())], deadlocked)
    assert await effects(connection) == [("PO-1", 1)]


async def test_envelopes_come_in_the_order_of_their_events(hear: Hear, connection: Connection) -> None:
    seen: list[tuple[int, str, str]] = []

    async def looking(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        seen.extend(
            (received.line, envelope.key, envelope.topic)
            for received, envelope in zip(receipts, tx.received, strict=True)
        )

    await hear([record(receipt(line=1)), record(b"{"), record(receipt(order="PO-2", line=2))], looking)
    assert seen == [(1, "PO-1", "erp.receipts.v1"), (2, "PO-2", "erp.receipts.v1")]


async def test_a_record_with_nul_everywhere_is_still_kept(hear: Hear, connection: Connection) -> None:
    """PostgreSQL takes NUL in no text: neither in a header's name, nor in the key, nor in a reason."""
    body = receipt().model_dump_json().encode()

    async def fails(receipts: Sequence[GoodsReceived], tx: Transaction) -> None:
        raise PermanentError("no\0", Text(zh="坏\0", en="bad\0"), "field\0")

    await hear(
        [
            record(body, headers=[("x\0", b"\0")]),
            record(body, headers=[("traceparent", b"00-\0")]),
            record(body)._replace(key=b"PO\0"),
            record(receipt(line=2)),
        ],
        fails,
    )
    kept = await dead_letters.find(connection.raw)
    assert sorted(letter.code for letter in kept) == ["bad_header", "bad_header", "bad_text", "no"]
