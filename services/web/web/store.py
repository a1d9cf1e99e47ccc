"""The directory of people."""

import json
from collections.abc import Sequence
from typing import Any

from bihuan_chassis import Transaction
from bihuan_contracts.hr import PersonChanged


async def save_people(tx: Transaction, people: Sequence[PersonChanged]) -> None:
    newest = list({one.person: one for one in sorted(people, key=lambda one: one.version)}.values())
    await tx.raw.execute(
        "insert into people (person, name, name_latin, department, department_name, title, manager, roles, supplier, active, version)"
        " select p, n, l, d, dn, t, m, array(select jsonb_array_elements_text(r)), s, a, v"
        " from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[],"
        "  $9::text[], $10::boolean[], $11::int[]) as new(p, n, l, d, dn, t, m, r, s, a, v)"
        " on conflict (person) do update set name = excluded.name, name_latin = excluded.name_latin,"
        "  department = excluded.department, department_name = excluded.department_name, title = excluded.title,"
        "  manager = excluded.manager, roles = excluded.roles, supplier = excluded.supplier, active = excluded.active,"
        "  version = excluded.version where people.version < excluded.version",
        [one.person for one in newest], [one.name for one in newest], [one.name_latin for one in newest],
        [one.department for one in newest], [one.department_name for one in newest], [one.title for one in newest],
        [one.manager for one in newest], [json.dumps(one.roles) for one in newest], [one.supplier for one in newest],
        [one.active for one in newest], [one.version for one in newest],
    )  # fmt: skip


async def find_person(tx: Transaction, person: str) -> Any | None:
    return await tx.raw.fetchrow("select * from people where person = $1 and active", person)


async def search(tx: Transaction, query: str, limit: int) -> list[Any]:
    found: list[Any] = await tx.raw.fetch(
        "select * from people where active and supplier is null and (name ilike '%' || $1 || '%'"
        " or name_latin ilike '%' || $1 || '%' or person = $1 or title ilike '%' || $1 || '%') order by person limit $2",
        query, limit,
    )  # fmt: skip
    return found


async def personas(tx: Transaction, roles: Sequence[str], each: int) -> list[Any]:
    """A few people for each role: those with the fewest other roles first, so that each shows one view."""
    found: list[Any] = await tx.raw.fetch(
        "select * from (select people.*, role, row_number() over (partition by role order by cardinality(roles), person) as place"
        "  from people, unnest($1::text[]) as role where active and role = any(roles)) as ranked"
        " where place <= $2 order by array_position($1::text[], role), place",
        list(roles), each,
    )  # fmt: skip
    return found
