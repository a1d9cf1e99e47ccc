"""The directory of people."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from bihuan_chassis import Transaction


async def find_person(raw: "asyncpg.Connection[asyncpg.Record]", person: str) -> Any | None:
    """The person's row, if active; also outside a request's transaction."""
    return await raw.fetchrow("select * from people where person = $1 and active", person)


_COLLEAGUES = (
    "select people.*, boss.name as manager_name from people left join people boss on boss.person = people.manager"
    " where people.active and people.supplier is null"
)
_GONE = _COLLEAGUES.replace("people.active", "not people.active")


async def find_colleague(tx: Transaction, person: str, *, gone: bool = False) -> Any | None:
    """Somebody inside; `gone` finds who has left too."""
    found = await tx.raw.fetchrow(f"{_COLLEAGUES} and people.person = $1", person)
    if found is None and gone:
        return await tx.raw.fetchrow(f"{_GONE} and people.person = $1", person)
    return found


async def colleagues(tx: Transaction, *, gone: bool = False) -> list[Any]:
    """Everybody inside, by department; or everybody who was."""
    which = _GONE if gone else _COLLEAGUES
    found: list[Any] = await tx.raw.fetch(f"{which} order by department_name nulls last, people.person")
    return found


async def names(tx: Transaction, people: Iterable[str | None]) -> dict[str, str]:
    wanted = sorted({person for person in people if person})
    rows = await tx.raw.fetch("select person, name from people where person = any($1::text[])", wanted)
    return {row["person"]: row["name"] for row in rows}


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
