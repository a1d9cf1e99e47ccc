"""A company's worth of goals: 200 projects with 20,000 tasks, dependencies five deep, and its history."""

import hashlib
from uuid import UUID

import asyncpg

PROJECTS, GOALS, TASKS = 200, 4, 100
DEEP = 5

# Four projects share each module; of its five tasks in a project the last one is a test, and each follows the one before.
_FILL = f"""
insert into people (person, name, roles, modules, active, version)
select 'B' || lpad(n::text, 3, '0'), '量' || n, '{{}}', '{{}}', true, 1 from generate_series(0, 29) as n;
insert into projects (project, code, name, product, lead, state, due_at, goals, progress, planned_progress, version)
select bench_id('p', p, 0), 'P-' || p, '项目 ' || p, 'GX-' || p, 'B000', 'active', now() + interval '90 days',
    (select jsonb_agg(jsonb_build_object('goal', bench_id('g', p, g), 'title', '目标 ' || g) order by g)
     from generate_series(0, {GOALS - 1}) as g), 0, 0, 1
from generate_series(0, {PROJECTS - 1}) as p;
insert into tasks (task, code, project, goal, title, kind, state, owner, module, item_version, deliverables, locks,
    due_at, planned_hours, share, progress, portion, exact, version, depends_on, position)
select bench_id('t', p, n), 'P-' || p || '-' || n, bench_id('p', p, 0), bench_id('g', p, n * {GOALS} / {TASKS}),
    '任务 ' || n, case n % {DEEP} when {DEEP - 1} then 'test' else 'develop' end, 'active',
    'B' || lpad(((p + n) % 30)::text, 3, '0'), 'M-' || p / 4 || '-' || n / {DEEP}, 'V1',
    jsonb_build_array(jsonb_build_object('deliverable', bench_id('d', p, n), 'title', '交付物', 'criteria',
        jsonb_build_array(jsonb_build_object('criterion', bench_id('c', p, n), 'version', 1, 'text', '余量 ≥ 3 dB',
            'metric', '余量', 'unit', 'dB', 'lower', '3', 'state', 'open')), 'weight', null, 'due_at', null)),
    '[]', now() + n * interval '1 day' + interval '2 days', 16, 1, 0, 0.04, 0, 1,
    case n % {DEEP} when 0 then '[]' else jsonb_build_array(bench_id('t', p, n - 1)) end, n
from generate_series(0, {PROJECTS - 1}) as p cross join generate_series(0, {TASKS - 1}) as n order by p, n;
"""
_ID = """
create function bench_id(kind text, p int, n int) returns uuid immutable return md5(kind || '/' || p || '/' || n)::uuid
"""
# Everything as it was taken over; then what edits and reports of each tenth task have left behind, ten each, so many times.
_TAKEN_OVER = """
insert into task_versions (task, version, valid_from, project, owner, whole, derived, state, causes)
select task, -1000000, now() - interval '1 year', project, owner, true, false, to_jsonb(t), '[{"kind": "taken_over"}]'
from tasks as t
"""
_PROJECTS_TAKEN_OVER = """
insert into project_versions (project, version, valid_from, whole, state, causes)
select project, -1000000, now() - interval '1 year', true, to_jsonb(p), '[{"kind": "taken_over"}]' from projects as p
"""
_HISTORY = """
insert into task_versions (task, version, valid_from, project, owner, whole, derived, state, causes)
select task, -$1::int * 10 + n, now() - ($1::int * 10 - n + 10) * interval '1 hour', project, owner, n % 25 = 0, false,
    case n % 25 when 0 then to_jsonb(t) else jsonb_build_object('actual_hours', n, 'version', n) end,
    '[{"kind": "person", "by": "B001"}]'
from tasks as t cross join generate_series(1, $1::int * 10) as n where position % 10 = 0
on conflict do nothing
"""
_PROJECTS = """
insert into project_versions (project, version, valid_from, whole, state, causes)
select project, -$1::int * 10 + n, now() - ($1::int * 10 - n + 10) * interval '1 hour', n % 25 = 0,
    case n % 25 when 0 then to_jsonb(p) else '{"progress": "1"}' end, '[{"kind": "person", "by": "B001"}]'
from projects as p cross join generate_series(1, $1::int * 10) as n
on conflict do nothing
"""
_EVIDENCE = """
insert into evidence (id, task, report, module, module_version, counts, passed, code, reason, measurements, title,
    tested_at, received_at, attachments)
select gen_random_uuid(), task, 'R-' || n, module, 'V1', true, true, 'passed', '{}', '[]', '', now(), now(), '{}'
from tasks cross join generate_series(1, $1::int * 10) as n where position % 10 = 0
"""


async def fill(database: str) -> None:
    """Every task is open and weighs one percent of its project."""
    connection = await asyncpg.connect(database)
    await connection.execute(_ID)
    await connection.execute(_FILL)
    await connection.execute(_TAKEN_OVER)
    await connection.execute(_PROJECTS_TAKEN_OVER)
    await connection.execute("create table bare_tasks (like tasks including all)")
    await connection.execute("insert into bare_tasks select * from tasks order by code")
    await connection.execute("alter table bare_tasks add report text")
    await connection.execute("analyze")
    await connection.close()


async def remember(database: str, times: int) -> None:
    """20,000 versions of tasks, 2,000 of projects and 20,000 reports, so many times."""
    connection = await asyncpg.connect(database, timeout=300)
    for one in (_HISTORY, _PROJECTS, _EVIDENCE):
        await connection.execute(one, times)
    await connection.execute("vacuum analyze")
    await connection.close()


def bench_id(kind: str, project: int, number: int = 0) -> UUID:
    """The same ids as in the database."""
    return UUID(hashlib.md5(f"{kind}/{project}/{number}".encode(), usedforsecurity=False).hexdigest())
