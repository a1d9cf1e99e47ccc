"""History of hours, candidates by structure, and estimates with what came of them (C7)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import rjieba

from bihuan_chassis import Transaction
from bihuan_contracts.goals import ProjectChanged, TaskChanged, TaskKind, TaskState
from bihuan_contracts.hr import PersonChanged
from changes.domain.consent import Matrix
from changes.domain.hours import ENOUGH, Asked, Basis, Candidates, Estimate, words_of

LOOKED_AT = 3000
"""Finished tasks of the same structure that are compared by text, the newest ones."""


def words(title: str) -> str:
    return words_of(title, rjieba.cut)


def kind_of(kind: str) -> str:
    """A retest is a test, as far as hours go."""
    return "test" if kind == TaskKind.RETEST else kind


async def save_finished(tx: Transaction, tasks: Sequence[TaskChanged], fresh: Iterable[UUID]) -> None:
    """Tasks that are done with their hours join the history, reopened ones leave it; estimates learn what happened."""
    wanted = set(fresh)
    newest = {one.task: one for one in sorted(tasks, key=lambda one: one.version) if one.task in wanted}
    if not newest:
        return
    done = [one for one in newest.values() if one.state is TaskState.DONE and one.actual_hours]
    reopened = [one.task for one in newest.values() if one.state in {TaskState.ACTIVE, TaskState.DRAFT}]
    if reopened:
        await tx.raw.execute("delete from finished_tasks where task = any($1::uuid[])", reopened)
    if not done:
        return
    await tx.raw.execute(
        "insert into finished_tasks (task, code, title, words, kind, module, project, product, owner, role, hours,"
        " finished_at)"
        " select t, c, title, w, k, m, p, projects.product, o,"
        "  main_role(people.roles), h, f from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],"
        "  $6::text[], $7::uuid[], $8::text[], $9::numeric[], $10::timestamptz[])"
        "  as new (t, c, title, w, k, m, p, o, h, f)"
        " left join projects on projects.project = p left join people on people.person = o"
        " on conflict (task) do update set code = excluded.code, title = excluded.title, words = excluded.words,"
        " kind = excluded.kind, module = excluded.module, owner = excluded.owner, role = excluded.role,"
        " hours = excluded.hours, finished_at = excluded.finished_at",
        [one.task for one in done], [one.code for one in done], [one.title for one in done],
        [words(one.title) for one in done], [kind_of(str(one.kind)) for one in done], [one.module for one in done],
        [one.project for one in done], [one.owner for one in done], [one.actual_hours for one in done],
        [one.finished_at or tx.now for one in done],
    )  # fmt: skip
    await tx.raw.execute(
        "update hour_estimates set actual = h, scored_at = coalesce(scored_at, $3)"
        " from unnest($1::uuid[], $2::numeric[]) as done (t, h) where task = t",
        [one.task for one in done], [one.actual_hours for one in done], tx.now,
    )  # fmt: skip


async def complete_products(tx: Transaction, projects: Sequence[ProjectChanged]) -> None:
    """Finished tasks that came before their project."""
    await tx.raw.execute(
        "update finished_tasks set product = p from unnest($1::uuid[], $2::text[]) as known (id, p)"
        " where project = id and product is null",
        [one.project for one in projects], [one.product for one in projects],
    )  # fmt: skip


async def complete_roles(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    """Finished tasks that came before who has done them. A role that changes later changes no history."""
    await tx.raw.execute(
        "update finished_tasks set role = main_role(people.roles) from people"
        " where owner = people.person and people.person = any($1::text[]) and role is null",
        [one.person for one in people],
    )


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────────


async def load_asked(tx: Transaction, tasks: Sequence[UUID], people: Sequence[str | None]) -> list[Asked]:
    """These tasks, done by these people (None: by their owners); unknown ones are left out."""
    rows = await tx.raw.fetch(
        "select tasks.task, coalesce(who, tasks.owner) as person, tasks.kind, tasks.title, tasks.module,"
        " tasks.planned_hours, projects.product, main_role(people.roles) as role"
        " from unnest($1::uuid[], $2::text[]) with ordinality as wanted (t, who, at)"
        " join tasks on tasks.task = t left join projects using (project)"
        " left join people on people.person = coalesce(who, tasks.owner) order by at",
        list(tasks), list(people),
    )  # fmt: skip
    return [
        Asked(
            row["task"], row["person"], kind_of(row["kind"]), words(row["title"]), row["module"], row["product"],
            row["role"], row["planned_hours"],
        )
        for row in rows
    ]  # fmt: skip


# The count of each level stops at five: which one is taken costs a few index lookups.
_LEVELS = f"""
select case
    when {ENOUGH} = (select count(*) from (select from finished_tasks as f where f.kind = asked.kind
        and f.module = asked.module limit {ENOUGH}) as five) then 'module'
    when {ENOUGH} = (select count(*) from (select from unnest(family_of(asked.product)) as member cross join lateral (
        select from finished_tasks as f where f.kind = asked.kind and f.product = member limit {ENOUGH}) as some_of_it
        limit {ENOUGH}) as five) then 'product'
    when {ENOUGH} = (select count(*) from (select from finished_tasks as f where f.kind = asked.kind
        and f.role = asked.role limit {ENOUGH}) as five) then 'role'
    else 'kind' end as basis
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) with ordinality as asked (kind, module, product, role, at)
order by at
"""  # noqa: S608 - a constant
# A product without variants is read in the index's order; only a family of several has to be sorted.
_CANDIDATES = f"""
select array_agg(place) as places, string_agg(words, E'\n') as words
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as asked (basis, kind, key, at)
cross join lateral (select case when asked.basis = 'product' then family_of(asked.key) end as members) as family
left join lateral (
    (select place, words from finished_tasks as f where asked.basis = 'module' and f.kind = asked.kind
        and f.module = asked.key order by finished_at desc limit {LOOKED_AT})
    union all
    (select place, words from finished_tasks as f where cardinality(members) = 1 and f.kind = asked.kind
        and f.product = members[1] order by finished_at desc limit {LOOKED_AT})
    union all
    (select place, words from unnest(members) as member cross join lateral (
        select place, words, finished_at from finished_tasks as f where f.kind = asked.kind
        and f.product = member order by finished_at desc limit {LOOKED_AT}) as of_it
        where cardinality(members) > 1 order by finished_at desc limit {LOOKED_AT})
    union all
    (select place, words from finished_tasks as f where asked.basis = 'role' and f.kind = asked.kind
        and f.role = asked.key order by finished_at desc limit {LOOKED_AT})
    union all
    (select place, words from finished_tasks as f where asked.basis = 'kind' and f.kind = asked.kind
        order by finished_at desc limit {LOOKED_AT})
) as found on true group by at order by at
"""  # noqa: S608 - a constant


async def candidates(tx: Transaction, asked: Sequence[Asked]) -> list[Candidates]:
    """What the structure leaves for each; the same structure is fetched once, as two values: titles are many."""
    levels = await tx.raw.fetch(
        _LEVELS, [one.kind for one in asked], [one.module for one in asked], [one.product for one in asked],
        [one.role for one in asked],
    )  # fmt: skip
    keys = [_key(one, Basis(row["basis"])) for one, row in zip(asked, levels, strict=True)]
    wanted = list(dict.fromkeys(keys))
    rows = await tx.raw.fetch(
        _CANDIDATES, [str(basis) for basis, _, _ in wanted], [kind for _, kind, _ in wanted],
        [key for _, _, key in wanted],
    )  # fmt: skip
    found = {
        key: Candidates(key[0], row["places"], row["words"].split("\n"))
        if row["words"] is not None
        else Candidates(key[0], (), ())
        for key, row in zip(wanted, rows, strict=True)
    }
    return [found[key] for key in keys]


def _key(asked: Asked, basis: Basis) -> tuple[Basis, str, str | None]:
    own = {Basis.MODULE: asked.module, Basis.PRODUCT: asked.product, Basis.ROLE: asked.role, Basis.KIND: None}
    return basis, asked.kind, own[basis]


async def load_finished(
    tx: Transaction, places: Iterable[int]
) -> Mapping[int, tuple[UUID, str, str, Decimal, datetime]]:
    """By place: task, code, title, hours and end, as `Similar` begins."""
    rows = await tx.raw.fetch(
        "select place, task, code, title, hours, finished_at from finished_tasks where place = any($1::bigint[])",
        list(places),
    )
    return {place: (task, code, title, hours, at) for place, task, code, title, hours, at in rows}


# ── estimates that were given ───────────────────────────────────────────────────────────────────────────────────────


async def keep(tx: Transaction, matrix: Matrix, estimates: Mapping[UUID, Estimate]) -> None:
    """The estimate of each row, by row, as it stood when this revision was sent."""
    rows = [row for row in matrix.rows if row.row in estimates]
    found = [estimates[row.row] for row in rows]
    await tx.raw.execute(
        "insert into hour_estimates (row, revision, matrix, task, person, basis, n, p20, p50, p80, planned, asked, at)"
        " select r, $2, $3, t, p, b, n, low, middle, high, plan, a, $4 from unnest($1::uuid[], $5::uuid[], $6::text[],"
        "  $7::text[], $8::int[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[])"
        "  as new (r, t, p, b, n, low, middle, high, plan, a) on conflict do nothing",
        [row.row for row in rows], matrix.revision, matrix.matrix, tx.now, [one.task for one in found],
        [row.person for row in rows], [str(one.basis) for one in found], [one.n for one in found],
        [one.p20 for one in found], [one.p50 for one in found], [one.p80 for one in found],
        [one.planned for one in found], [row.hours for row in rows],
    )  # fmt: skip


async def given_between(tx: Transaction, start: datetime, end: datetime, limit: int) -> list[Any]:
    """Estimates of this time, one for each task of a matrix: the one of its newest revision."""
    found: list[Any] = await tx.raw.fetch(
        "select * from (select distinct on (e.matrix, e.task) e.*, m.number, tasks.code, tasks.title, tasks.state"
        "  from hour_estimates as e join matrices as m using (matrix) left join tasks on tasks.task = e.task"
        "  where e.at >= $1 and e.at < $2 order by e.matrix, e.task, e.revision desc, e.row) as newest"
        " order by scored_at desc nulls last, at desc, row limit $3",
        start, end, limit,
    )  # fmt: skip
    return found
