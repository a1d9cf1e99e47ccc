"""Impact of one large change in a large structure, against the bare recursive query for the same set (C3)."""

import time
from random import Random
from statistics import median

import asyncpg

from bench import world
from bench.around import ROUNDS
from bench.rows import Row, ratio
from bihuan_chassis import testing
from bihuan_chassis.openapi import load
from bihuan_chassis.run import leave_to_stay
from bihuan_contracts.plm import BomReleased
from bihuan_tools.instance import Instance
from changes import impacts, releases
from changes.domain.orders import Verdict

ITEMS, LEVELS, TASKS, LINES = 50_000, 12, 20_000, 200

# Each item of a level is used by two of the level above, as boards and harnesses are.
_STRUCTURE = """
with listed as (select n, n * $2::int / $1::int as level from generate_series(0, $1::int - 1) as n),
places as (select n, level, n - level * $1::int / $2::int as at, $1::int / $2::int as width from listed)
insert into items (item, name, kind, version, released_at, parts)
select 'I-' || n, '件 ' || n, case when level = $2::int - 1 then 'product' when level > 5 then 'module' else 'part' end,
       'V1', now() - interval '1 day',
       case when level = 0 then '{}'::jsonb else jsonb_build_object(
           'I-' || ((level - 1) * width + at % width), 'used', 'I-' || ((level - 1) * width + (at * 7 + 3) % width), 'used')
       end
from places
"""
_TASKS = """
with home as (
    insert into projects (project, code, name, product, lead, state, version)
    values ('0190b3c0-0000-7000-8000-0000000000be', 'BENCH', '测量', 'BENCH', 'B000', 'active', 1))
insert into tasks (task, code, title, kind, state, owner, module, item_version, project, version)
select gen_random_uuid(), 'T-' || n, '任务', 'develop', 'active', 'B' || lpad((n % 30)::text, 3, '0'),
       'I-' || ($3::int + n % ($2::int - $3::int)), 'V1', '0190b3c0-0000-7000-8000-0000000000be', 1
from generate_series(1, $1::int) as n
"""
_BARE = """
with recursive above (item) as (
    select $1::text union select items.item from above join items on items.parts ? above.item)
select tasks.task, tasks.owner, tasks.module from above join tasks on tasks.module = above.item
where tasks.state not in ('cancelled', 'superseded')
"""


async def large_change(instance: Instance) -> list[Row]:
    """A bill of 200 lines low in 12 levels: difference, where-used, tasks, rules and paths, without saving anything."""
    random = Random(11)
    async with testing.running(load("changes"), instance.postgres_url) as changes:
        connection = await asyncpg.connect(changes.database)
        await connection.execute(_STRUCTURE, ITEMS, LEVELS)
        await connection.execute(_TASKS, TASKS, ITEMS, ITEMS // 2)
        await connection.execute("vacuum analyze")
        leave_to_stay()  # as a worker does
        pairs: list[tuple[float, float]] = []
        rows = reached = 0
        for number in range(ROUNDS + 1):
            release = _release(random.randrange(ITEMS // LEVELS))
            started = time.perf_counter()
            found = await connection.fetch(_BARE, release.item)
            bare = time.perf_counter() - started
            async with changes.tx() as tx:
                order, _ = releases.new_order(release, Verdict.APPLY, tx.now, "plm")
                started = time.perf_counter()
                _, assessed = await impacts.foresee(tx, order.order, release)
                ours = time.perf_counter() - started
            reached, rows = len(found), sum(row.task is not None for row in assessed)
            assert rows == reached, (rows, reached)
            if number:  # the first round warms both sides
                pairs.append((ours, bare))
        await connection.close()
    figures = (
        f"{median(o for o, _ in pairs) * 1000:.0f} ms for {rows} tasks of {LINES} lines, bare "
        f"{median(b for _, b in pairs) * 1000:.0f} ms"
    )
    return [Row("impact of 200 lines in 50,000 items / recursive query", ratio(pairs), 3, False, figures)]


def _release(number: int) -> BomReleased:
    lines = [{"item": f"P-{n}", "name": "元件", "quantity": 1 + n % 4} for n in range(LINES)]
    plain = world.release(f"I-{number}", base="V1", version="V2")
    return BomReleased.model_validate(plain.model_dump() | {"lines": lines})
