"""Hours from similar finished tasks, for a whole matrix, against the bare scan of the same candidates by rapidfuzz (C7)."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median

import asyncpg
from rapidfuzz import fuzz, process

from bench.around import ROUNDS
from bench.rows import Row, ratio
from bihuan_chassis import testing
from bihuan_chassis.identifiers import new_id
from bihuan_chassis.openapi import load
from bihuan_chassis.run import leave_to_stay
from bihuan_tools.instance import Instance
from changes import hours, hours_store
from changes.domain.hours import ALIKE, MOST, Asked, Candidates

FINISHED, MODULES, ASKED = 100_000, 60, 30
_KINDS = ("develop", "test", "document", "process")
_THINGS = [
    "电源模块",
    "主控板",
    "信号调理板",
    "通信单元",
    "敏感模块",
    "流量检测体",
    "主轴箱",
    "液压站",
    "驱动板",
    "控制柜",
    "变送单元",
    "刀库",
]
_WORK = [
    "原理图设计",
    "样机调试",
    "型式试验",
    "传导发射测试",
    "温升测试",
    "可靠性试验",
    "装配工艺",
    "说明书",
    "评审",
    "联调",
    "复核",
    "降额核算",
]
_MANNER = ["第一轮", "第二轮", "补充", "整改", "摸底", "验收", "小批", "量产", "低温", "高温", "振动", "送检"]


async def estimates(instance: Instance) -> list[Row]:
    """Each round asks for other titles, as a matrix of 30 rows does: structure, text and figures in one set."""
    random = Random(7)
    async with testing.running(load("changes"), instance.postgres_url) as changes:
        await _history(changes, random)
        leave_to_stay()  # as the api does
        pairs: list[tuple[float, float]] = []
        for number in range(ROUNDS + 1):
            asked = [_asked(random) for _ in range(ASKED)]
            async with changes.tx() as tx:
                found = await hours_store.candidates(tx, asked)
                bare = _scan(asked, found)
                started = time.perf_counter()
                answers = await hours.estimates(tx, asked)
                ours = time.perf_counter() - started
            assert all(one.enough for one in answers)
            if number:  # the first round warms both sides
                pairs.append((ours, bare))
    compared = sum(len(one.places) for one in found)
    figures = f"{median(o for o, _ in pairs) * 1000:.1f} ms for {ASKED} rows, {compared:,} titles compared, bare {median(b for _, b in pairs) * 1000:.1f} ms"
    return [Row("hours of a matrix over 100,000 tasks / bare scan", ratio(pairs), 2, False, figures)]


async def _history(changes: testing.RunningService, random: Random) -> None:
    connection = await asyncpg.connect(changes.database)
    await connection.copy_records_to_table(
        "finished_tasks",
        columns=(
            "task",
            "code",
            "title",
            "words",
            "kind",
            "module",
            "project",
            "product",
            "role",
            "hours",
            "finished_at",
        ),
        records=[_finished(random, number) for number in range(FINISHED)],
    )
    await connection.execute("vacuum analyze finished_tasks")  # as autovacuum leaves it
    await connection.close()


def _scan(asked: Sequence[Asked], found: Sequence[Candidates]) -> float:
    started = time.perf_counter()
    for one, candidates in zip(asked, found, strict=True):
        process.extract(
            one.words, candidates.words, scorer=fuzz.token_set_ratio, processor=None, limit=MOST, score_cutoff=ALIKE
        )
    return time.perf_counter() - started


def _title(random: Random) -> str:
    return f"{random.choice(_THINGS)} {random.choice(_WORK)} {random.choice(_MANNER)} {random.choice(_WORK)}"


def _finished(random: Random, number: int) -> tuple[object, ...]:
    title = _title(random)
    module = random.randrange(MODULES)
    return (
        new_id(), f"H-{number}", title, hours_store.words(title), random.choice(_KINDS), f"M-{module}", new_id(),
        f"P-{module % 12}", "test_engineer", random.randint(4, 80), datetime.now(UTC) - timedelta(minutes=number),
    )  # fmt: skip


def _asked(random: Random) -> Asked:
    """Two of three on modules with a history; the others are new and fall back to their product family."""
    module = random.randrange(MODULES)
    return Asked(
        new_id(), None, random.choice(_KINDS), hours_store.words(_title(random)),
        f"M-{module}" if random.random() < 0.67 else f"N-{module}", f"P-{module % 12}", "test_engineer",
    )  # fmt: skip
