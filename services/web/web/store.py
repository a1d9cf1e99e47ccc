"""The directory of people."""

import json
from collections.abc import Sequence
from typing import Any

import asyncpg

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


async def find_person(raw: "asyncpg.Connection[asyncpg.Record]", person: str) -> Any | None:
    """The person's row, if active; also outside a request's transaction."""
    return await raw.fetchrow("select * from people where person = $1 and active", person)


_COLLEAGUES = (
    "select people.*, boss.name as manager_name from people left join people boss on boss.person = people.manager"
    " where people.active and people.supplier is null"
)


async def find_colleague(tx: Transaction, person: str) -> Any | None:
    return await tx.raw.fetchrow(f"{_COLLEAGUES} and people.person = $1", person)


async def colleagues(tx: Transaction) -> list[Any]:
    """Everybody inside, by department."""
    found: list[Any] = await tx.raw.fetch(f"{_COLLEAGUES} order by department_name nulls last, people.person")
    return found


async def search(tx: Transaction, query: str, limit: int) -> list[Any]:
    """Colleagues; a number or a name that begins with the words comes first."""
    found: list[Any] = await tx.raw.fetch(
        f"select * from (select found.*, lower($1) as words from ({_COLLEAGUES}) as found) as people"  # noqa: S608 - constants
        " where person = $1 or strpos(lower(name), words) > 0 or strpos(lower(coalesce(name_latin, '')), words) > 0"
        "  or strpos(lower(coalesce(title, '')), words) > 0 or strpos(lower(coalesce(department_name, '')), words) > 0"
        " order by person = $1 desc,"
        "  starts_with(lower(name), words) or starts_with(lower(coalesce(name_latin, '')), words) desc, person limit $2",
        query, limit,
    )  # fmt: skip
    return found


async def personas(tx: Transaction, roles: Sequence[str]) -> list[Any]:
    """One person for each role, two employees: those with the fewest other roles, so that each shows one view."""
    found: list[Any] = await tx.raw.fetch(
        "select * from (select people.*, role, row_number() over (partition by role order by cardinality(roles), person) as place"
        "  from people, unnest($1::text[]) as role where active and role = any(roles)) as ranked"
        " where place <= case role when 'employee' then 2 else 1 end order by array_position($1::text[], role), place",
        list(roles),
    )
    return found
