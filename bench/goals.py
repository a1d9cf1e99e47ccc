"""Goals of a company with 20,000 tasks: a report's roll-up, a board, a change that locks, throughput, and the past."""

import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from uuid import UUID, uuid4

import asyncpg
import httpx

from bench import company
from bench.around import ROUNDS, listening, process, scratch
from bench.company import DEEP, PROJECTS, TASKS, bench_id
from bench.racing import Load, Racer, by_inbox, track
from bench.rows import Row, ratio
from bihuan_chassis import testing
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.openapi import load
from bihuan_chassis.run import leave_to_stay
from bihuan_contracts import Text, seal, topics
from bihuan_contracts.changes import ImpactAction, ImpactAssessed, ImpactRow
from bihuan_contracts.envelope import SealedRecord
from bihuan_contracts.qa import Measurement, TestReported, Verdict
from bihuan_tools.instance import Instance
from bihuan_tools.stack import free_port

REPORTS, LOCKED, UPDATES, HISTORY = 60, 500, 5_000, 100
_SINGLE = (
    "update bare_tasks set progress = $2, state = 'done', finished_at = now(), version = version + 1 where task = $1"
)
_MANY = (
    "update bare_tasks as t set locks = new.locks, due_at = t.due_at + interval '2 days', version = t.version + 1"
    " from unnest($1::uuid[], $2::jsonb[]) as new (task, locks) where t.task = new.task"
)
Pairs = list[tuple[float, float]]


async def goals(instance: Instance) -> list[Row]:
    """Each row against its bare statement on a copy of the same rows; then all again with a hundred times the history."""
    async with testing.running(load("goals"), instance.postgres_url) as service:
        leave_to_stay(young=100_000)  # as a worker does
        await company.fill(service.database)
        await company.remember(service.database, 1)
        async with _pages(instance, service.database) as pages:
            first = await _measured(service, pages, salt=0)
            await company.remember(service.database, HISTORY)
            later = await _measured(service, pages, salt=1)
            month = await pages.past(salt=2, ago=timedelta(days=30))
        updates, figures = await _updates(instance, service)
    report, lock, board, past = first
    grown = [ratio(after) / ratio(before) for before, after in zip(first, later, strict=True)]
    return [
        Row("a report's roll-up with its event / bare update, p50", ratio(report), 5, False, _shown(report)),
        Row("locking 500 tasks by one change / bare update", ratio(lock), 5, False, _shown(lock)),
        Row("board of goals, 100 of 20,000 tasks / bare endpoint", ratio(board), 2, False, _shown(board)),
        Row(
            "board as of this morning / board now, not kept",
            ratio(past),
            2,
            False,
            f"{_shown(past)}; a month and 200 acts ago {median(then for then, _ in month):.0f} ms",
        ),
        Row("task updates a second / bare loop", updates, 0.4, True, figures),
        Row("the same with 100x the history / with 1x, the worst", max(grown), 1.2, False, _all(grown)),
    ]


def _shown(pairs: Pairs) -> str:
    ours, bare = (median(side) for side in zip(*pairs, strict=True))
    return f"{ours:.2f} ms, bare {bare:.2f} ms"


def _all(grown: Sequence[float]) -> str:
    return "report {:.2f}, lock {:.2f}, board {:.2f}, past {:.2f}".format(*grown)


async def _measured(service: testing.RunningService, pages: "_Pages", salt: int) -> list[Pairs]:
    connection = await asyncpg.connect(service.database)
    try:
        return [
            await _reports(service, connection, salt),
            await _locks(service, connection, salt),
            await pages.kept(),
            await pages.past(salt, ago=timedelta(hours=15)),
        ]
    finally:
        await connection.close()


async def _reports(service: testing.RunningService, bare: "asyncpg.Connection[asyncpg.Record]", salt: int) -> Pairs:
    """A report that names module and product only: it finds its test, whose project moves."""
    chosen = random.Random(salt)
    pairs: Pairs = []
    for number in range(REPORTS + 10):
        project, chain = (salt * 100 + number) % PROJECTS, chosen.randrange(TASKS // DEEP)
        sent = _sealed(_report(project, chain * DEEP + DEEP - 1, named=False))
        ours = await _ms(service.hear_raw(topics.TEST_REPORTS, [sent]))
        task = bench_id("t", project, chain * DEEP + DEEP - 1)
        single = await _ms(bare.execute(_SINGLE, task, Decimal(100)))
        if number >= 10:
            pairs.append((ours, single))
    moved = await bare.fetchval("select count(*) from tasks where progress = 100")
    assert moved >= REPORTS, f"only {moved} tasks have moved"
    return pairs


def _report(
    project: int, number: int, *, named: bool = True, name: str = "R", verdict: Verdict = Verdict.PASSED
) -> TestReported:
    return TestReported(
        report=name, module=f"M-{project // 4}-{number // DEEP}", module_version="V1", verdict=verdict,
        product=f"GX-{project}", task=bench_id("t", project, number) if named else None,
        measurements=(Measurement(metric="余量", value=Decimal(4), unit="dB"),), tested_by="B001",
        tested_at=datetime.now(UTC),
    )  # fmt: skip


def _sealed(report: TestReported) -> tuple[bytes, bytes, Sequence[tuple[str, bytes | None]]]:
    one = seal(topics.TEST_REPORTS, report, id=str(new_id()), source="bench", time=datetime.now(UTC))
    return one.key, one.value, one.headers


async def _locks(service: testing.RunningService, bare: "asyncpg.Connection[asyncpg.Record]", salt: int) -> Pairs:
    """A change that ten tasks of each of fifty projects stand on."""
    pairs: Pairs = []
    for number in range(ROUNDS + 1):
        tasks = [(p, n) for p in range(salt * 50, salt * 50 + 50) for n in range(0, TASKS, TASKS * 50 // LOCKED)]
        impact = _impact(f"ECN-{salt}-{number}", tasks)
        sealed = seal(topics.IMPACTS, impact, id=str(new_id()), source="bench", time=datetime.now(UTC))
        record = (sealed.key, sealed.value, sealed.headers)
        ours = await _ms(service.hear_raw(topics.IMPACTS, [record]))
        ids = [bench_id("t", *task) for task in tasks]
        locks = [_lock(number)] * len(ids)
        many = await _ms(bare.execute(_MANY, ids, locks))
        if number:  # the first round warms both sides
            pairs.append((ours, many))
    locked = await bare.fetchval("select count(*) from tasks where jsonb_array_length(locks) > $1", ROUNDS)
    assert locked >= LOCKED, f"only {locked} tasks are locked"
    return pairs


def _lock(number: int) -> str:
    one = {
        "lock": str(uuid4()), "change": str(uuid4()), "change_number": f"ECN-{number}", "module": "M", "old_version": "V1",
        "new_version": "V2", "since": datetime.now(UTC).isoformat(),
        "way_out": {"zh": "重测通过后自动解锁；或由项目负责人决定", "en": "Opens when the retest has passed; or the lead decides"},
    }  # fmt: skip
    return json.dumps([one], ensure_ascii=False)


def _impact(number: str, tasks: Sequence[tuple[int, int]]) -> ImpactAssessed:
    now = datetime.now(UTC)
    rows = tuple(
        ImpactRow(
            row=uuid4(), action=ImpactAction.LOCK, person="B001", person_name="量1", module="M", module_name="模块",
            old_version="V1", new_version="V2", project=bench_id("p", project), task=bench_id("t", project, n),
            due_within_days=2, rule="default/1", rule_version=1, explanation=Text(zh="锁定", en="locked"),
        )
        for project, n in tasks
    )  # fmt: skip
    return ImpactAssessed(
        change=uuid4(), number=number, revision=1, item="M", item_name="模块", base_version="V1", new_version="V2",
        reason="换型", rows=rows, released_by="B000", released_at=now, received_at=now, applied_at=now, version=1,
    )  # fmt: skip


@dataclass
class _Pages:
    """The service's own api, and a bare endpoint that returns the bytes of one of its boards."""

    client: httpx.AsyncClient
    api: str
    bare: str

    async def kept(self) -> Pairs:
        """A board that nobody has changed since it was last asked for."""
        board = f"{self.api}/projects/{bench_id('p', 199)}"
        pairs = [(await _ms(self.client.get(board)), await _ms(self.client.get(self.bare))) for _ in range(100)]
        return pairs[20:]

    async def past(self, salt: int, ago: timedelta) -> Pairs:
        """A project each: none of them is kept yet. The past one tells every later change too."""
        asked = {"as_of": (datetime.now(UTC) - ago).isoformat()}
        pairs = []
        for number in range(25):
            project = bench_id("p", 101 + salt * 25 + number)
            then = await _ms(self.client.get(f"{self.api}/history/projects/{project}", params=asked))
            pairs.append((then, await _ms(self.client.get(f"{self.api}/projects/{project}"))))
        return pairs[5:]


@asynccontextmanager
async def _pages(instance: Instance, database: str) -> AsyncIterator[_Pages]:
    ports = free_port(), free_port()
    environ = instance.environ() | {
        "BIHUAN_GOALS_DATABASE": database, "BIHUAN_GOALS_HTTP_PORT": str(ports[0]), "BIHUAN_LOG_LEVEL": "WARNING",
        "BIHUAN_ADMIN_PORT": str(free_port()),
    }  # fmt: skip
    bare_database = await scratch(instance, "bench_goals_board")
    token = instance.token("B000", frozenset({"administrator"}))
    api, bare = f"http://127.0.0.1:{ports[0]}/api/goals", f"http://127.0.0.1:{ports[1]}/board"
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        with process("goals", "api", **environ), process("bench.baseline", "board", bare_database, str(ports[1])):
            for port in ports:
                await listening(port)
            answer = await client.get(f"{api}/projects/{bench_id('p', 199)}")
            answer.raise_for_status()
            connection = await asyncpg.connect(bare_database)
            await connection.execute("insert into bare_board values ($1)", answer.text)
            await connection.close()
            yield _Pages(client, api, bare)


async def _ms(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    answer = await work
    took = (time.perf_counter() - started) * 1000
    if isinstance(answer, httpx.Response):
        answer.raise_for_status()
    return took


# ── throughput ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _updates(instance: Instance, service: testing.RunningService) -> tuple[float, str]:
    """Reports on tasks all over the company through the worker, against a loop that updates the same rows."""
    topic = topics.TEST_REPORTS
    known: dict[UUID, tuple[UUID, str]] = {}

    async def updated(connection: "asyncpg.Connection[asyncpg.Record]", load: Load) -> bool:
        tasks, (name, *_) = zip(*(known[one] for one in load.last), strict=True)
        found: int = await connection.fetchval(
            "select count(*) from bare_tasks where task = any($1::uuid[]) and report = $2", list(tasks), name
        )
        return found == len(tasks)

    environ = instance.environ() | {
        "BIHUAN_GOALS_DATABASE": service.database, "BIHUAN_ADMIN_PORT": str(free_port()),
        "BIHUAN_LOG_LEVEL": "WARNING", "BENCH_GROUP": "bench.goals", "BENCH_SERVICE": "goals", "BENCH_TOPIC": topic.name,
    }  # fmt: skip
    ours = Racer(topic.name, "bench.goals", topic.partitions, 1, service.database, by_inbox, ("bench.worker",), environ)
    command = ("bench.baseline", "updates", instance.kafka_servers, service.database, topic.name, "bench.goals.bare")
    bare = Racer(topic.name, "bench.goals.bare", topic.partitions, 1, service.database, updated, command)
    shuffled = [(p, n) for p in range(PROJECTS) for n in range(TASKS)]
    random.Random(2).shuffle(shuffled)
    rounds: Pairs = []
    async with track(instance, bare, ours) as racing:
        for number in range(ROUNDS + 1):
            verdict = Verdict.FAILED if number % 2 else Verdict.PASSED  # so that each round moves each task
            records: list[SealedRecord] = []
            for project, n in shuffled[:UPDATES]:
                report, id = _report(project, n, name=f"R-{number}", verdict=verdict), new_id()
                known[id] = bench_id("t", project, n), report.report
                records.append(seal(topic, report, id=str(id), source="bench", time=report.tested_at))
            rounds.append(tuple(reversed(await racing.race(records))))  # type: ignore[arg-type] # a pair
    figures = f"{median(o for o, _ in rounds[1:]):,.0f}/s, bare {median(b for _, b in rounds[1:]):,.0f}/s"
    return ratio(rounds[1:]), figures
