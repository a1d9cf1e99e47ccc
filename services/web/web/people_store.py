"""People's records: HR's fields, the own entries over them, and who has entered what."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import TypeAdapter

from bihuan_chassis import Transaction
from bihuan_chassis.calendar import ZONE
from bihuan_contracts.directory import PersonListed
from bihuan_contracts.hr import PersonChanged
from web.person import Record

LEAVES = "person-leaves"
_OWN: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def today(tx: Transaction) -> date:
    return tx.now.astimezone(ZONE).date()


async def load(tx: Transaction, people: Iterable[str]) -> dict[str, Record]:
    """The records of these people, held until the end of the transaction."""
    rows = await tx.raw.fetch(
        "select person, hr, hr_version, own, edits from people where person = any($1::text[])"
        " order by person for update",
        sorted(set(people)),
    )
    return {row["person"]: _record(row) for row in rows}


async def save(tx: Transaction, records: Sequence[Record]) -> list[PersonListed]:
    """Keep records and what is in effect by them, announce it, and plan the day after the last one."""
    listed = [one.listed(today(tx)) for one in records]
    await tx.raw.execute(
        "insert into people (person, name, name_latin, department, department_name, title, manager, roles, supplier,"
        "  active, version, email, modules, leaves_on, hr, hr_version, own, edits)"
        " select p, n, l, d, dn, t, m, array(select jsonb_array_elements_text(r)), s, a, v, e,"
        "  array(select jsonb_array_elements_text(mo)), lo, h, hv, o, ed"
        " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[],"
        "  $9::text[], $10::boolean[], $11::int[], $12::text[], $13::jsonb[], $14::date[], $15::jsonb[], $16::int[],"
        "  $17::jsonb[], $18::int[]) as new(p, n, l, d, dn, t, m, r, s, a, v, e, mo, lo, h, hv, o, ed)"
        " on conflict (person) do update set name = excluded.name, name_latin = excluded.name_latin,"
        "  department = excluded.department, department_name = excluded.department_name, title = excluded.title,"
        "  manager = excluded.manager, roles = excluded.roles, supplier = excluded.supplier, active = excluded.active,"
        "  version = excluded.version, email = excluded.email, modules = excluded.modules,"
        "  leaves_on = excluded.leaves_on, hr = excluded.hr, hr_version = excluded.hr_version, own = excluded.own,"
        "  edits = excluded.edits",
        [one.person for one in listed], [one.name for one in listed], [one.name_latin for one in listed],
        [one.department for one in listed], [one.department_name for one in listed], [one.title for one in listed],
        [one.manager for one in listed], [json.dumps(one.roles) for one in listed], [one.supplier for one in listed],
        [one.active for one in listed], [one.version for one in listed], [one.email for one in listed],
        [json.dumps(one.modules) for one in listed], [one.leaves_on for one in listed],
        [one.hr.model_dump_json() if one.hr else None for one in records], [one.hr_version for one in records],
        [_OWN.dump_json(dict(one.own)).decode() for one in records], [one.edits for one in records],
    )  # fmt: skip
    tx.announce(*listed)
    for one in listed:
        if one.leaves_on is not None and one.active:
            tx.set_timer(LEAVES, one.person, datetime.combine(one.leaves_on + timedelta(days=1), time(), ZONE))
    return listed


async def save_edit(tx: Transaction, person: str, by: str, by_name: str, changes: Sequence[Mapping[str, Any]]) -> None:
    await tx.raw.execute(
        "insert into person_edits (id, person, at, by, by_name, changes) values ($1, $2, $3, $4, $5, $6)",
        tx.new_id(), person, tx.now, by, by_name, json.dumps(list(changes), ensure_ascii=False),
    )  # fmt: skip


async def edits_of(tx: Transaction, person: str) -> list[Any]:
    """Newest first."""
    found: list[Any] = await tx.raw.fetch(
        "select at, by, by_name, changes from person_edits where person = $1 order by at desc, id desc limit 100",
        person,
    )
    return found


async def managers(tx: Transaction) -> dict[str, str | None]:
    """Active people inside, and whom each reports to."""
    rows = await tx.raw.fetch("select person, manager from people where active and supplier is null")
    return {row["person"]: row["manager"] for row in rows}


async def other_administrators(tx: Transaction, person: str) -> int:
    """Held, so that two administrators do not take each other's place away at the same time."""
    rows = await tx.raw.fetch(
        "select person from people where active and 'administrator' = any(roles) and leaves_on is null"
        " order by person for update"
    )
    return sum(1 for row in rows if row["person"] != person)


async def department_code(tx: Transaction, name: str) -> str:
    """The code that colleagues of this department have; a new department is its own."""
    found: str | None = await tx.raw.fetchval(
        "select department from people where department_name = $1 and department is not null"
        " group by department order by count(*) desc limit 1",
        name,
    )
    return found or name


def _record(row: Any) -> Record:
    hr = PersonChanged.model_validate(row["hr"]) if row["hr"] is not None else None
    own = dict(row["own"])
    for name in {"roles", "modules"} & own.keys():
        own[name] = tuple(own[name])
    if own.get("leaves_on"):
        own["leaves_on"] = date.fromisoformat(own["leaves_on"])
    return Record(row["person"], hr, own, row["edits"], row["hr_version"])
