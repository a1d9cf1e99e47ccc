"""Rules in force, whom they tell, and what they decided about each task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import to_json

from bihuan_chassis import Transaction
from changes.domain.impact import Decided
from changes.domain.rules import RuleBook
from changes.domain.rules_engine import CompiledTable
from changes.domain.rules_table import Table
from changes.domain.rules_versions import BASE
from changes.domain.world import World
from changes.store.world import person_of

TABLE = TypeAdapter(Table)

_compiled: dict[tuple[str, int, str], CompiledTable] = {}
_books: dict[tuple[tuple[str, int, str], ...], RuleBook] = {}
_KEPT = 200

_IN_FORCE = (
    "select name, version, digest from decision_versions join decision_tables using (name)"
    " left join (select names from table_orders where state = 'in_force' and decided_at <= $1"
    "  order by decided_at desc limit 1) as agreed on true"
    " where state = 'published' and effective_from <= $1 and (effective_until is null or $1 < effective_until)"
    " order by name = $2, array_position(agreed.names, name), position, name"
)
"""In the order that was agreed by then; newer tables after those, the base table last."""


async def rules_in_force(tx: Transaction, at: datetime) -> RuleBook:
    """The version of each table that is in force at this moment, now or in the past."""
    wanted = tuple((row["name"], row["version"], row["digest"]) for row in await tx.raw.fetch(_IN_FORCE, at, BASE))
    # A published version never changes, so its compiled form is kept.
    if wanted not in _books:
        if len(_books) >= _KEPT:
            _books.clear()
            _compiled.clear()
        _books[wanted] = RuleBook([await _compile(tx, *one) for one in wanted])
    return _books[wanted]


async def _compile(tx: Transaction, name: str, version: int, digest: str) -> CompiledTable:
    key = (name, version, digest)
    if key not in _compiled:
        content = await tx.raw.fetchval(
            "select content from decision_versions where name = $1 and version = $2", name, version
        )
        _compiled[key] = CompiledTable(name, version, TABLE.validate_python(content))
    return _compiled[key]


async def with_told(tx: Transaction, world: World, targets: Iterable[str]) -> World:
    """The world with everybody in it whom the rules may tell."""
    wanted = set(targets) - {"lead", "module", "tester"}
    if not wanted:
        return world
    parts = [target.partition(":") for target in sorted(wanted)]
    roles, departments, people = (
        [value for kind, _, value in parts if kind == wanted_kind] for wanted_kind in ("role", "department", "person")
    )
    owners = {task.owner for task in world.tasks if task.owner} if "manager" in wanted else set()
    rows = await tx.raw.fetch(
        "select * from people where active and (roles && $1::text[] or person = any($3::text[])"
        " or (department = any($2::text[]) and 'manager' = any(roles))"
        " or person in (select manager from people where person = any($4::text[])))",
        roles, departments, people, list(owners),
    )  # fmt: skip
    found = [person_of(row) for row in rows]
    told: dict[str, list[str]] = {target: [] for target in wanted}
    for one in sorted(found, key=lambda one: one.person):
        for target in (f"person:{one.person}", *(f"role:{role}" for role in one.roles)):
            if target in told:
                told[target].append(one.person)
        if "manager" in one.roles and f"department:{one.department}" in told:
            told[f"department:{one.department}"].append(one.person)
    return replace(world, people={**{one.person: one for one in found}, **world.people}, told=told)


async def save_decisions(tx: Transaction, decided: Mapping[UUID, Sequence[Decided]]) -> None:
    """What the rules said about each task, on which facts, and why: for the trace and for dry runs.

    Many tasks of a change are alike to the rules: facts, what was said and why are kept once for all of them.
    """
    written = [_as_set(listed) for listed in decided.values()]
    await tx.raw.execute(
        "insert into decision_sets (change, kinds, facts, subjects, decided_at)"
        " select c, k::json, f::json, s::json, $5"
        " from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as new (c, k, f, s)"
        " on conflict (change) do nothing",
        list(decided), [kinds for kinds, _, _ in written], [facts for _, facts, _ in written],
        [subjects for _, _, subjects in written], tx.now,
    )  # fmt: skip


def _as_set(decided: Sequence[Decided]) -> tuple[str, str, str]:
    """Kinds, facts, and the subjects with their row and the places of their facts and their kind."""
    decisions = {id(one.decision): one.decision for one in decided}
    asked = {id(one.facts): one.facts for one in decided}
    kinds = {found: place for place, found in enumerate(decisions)}
    facts = {found: place for place, found in enumerate(asked)}
    subjects = [
        (one.subject, one.row.row if one.row else None, facts[id(one.facts)], kinds[id(one.decision)])
        for one in decided
    ]
    said = ",".join(f'{{"said": {one.said}, "trace": {one.trace}}}' for one in decisions.values())
    return f"[{said}]", to_json([one.texts() for one in asked.values()]).decode(), to_json(subjects).decode()


async def add_decisions(tx: Transaction, change: UUID, decided: Sequence[Decided]) -> None:
    """Of tasks that have joined the change later, each by itself."""
    await tx.raw.executemany(
        "insert into rule_decisions (change, subject, row, facts, said, trace, decided_at)"
        " select $1, $2, $3, $4::text::jsonb, $5::text::jsonb, $6::text::jsonb, $7"
        " where not exists (select from decisions where change = $1 and subject = $2)",
        [
            (
                change, one.subject, one.row.row if one.row else None, to_json(one.facts.texts()).decode(),
                one.decision.said, one.decision.trace, tx.now,
            )
            for one in decided
        ],
    )  # fmt: skip
