"""Fills every table of a database with made-up rows that its constraints allow, whatever the tables are."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

ROWS = 40
_NOW = datetime(2026, 3, 11, 0, 30, tzinfo=UTC)
_COLUMNS = """
select c.relname as "table", a.attname as name, format_type(a.atttypid, null) as type, a.attnotnull as required,
       a.atttypmod - 4 as length, a.attidentity <> '' or a.attgenerated <> '' as made_by_database
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
      and a.attnum > 0 and not a.attisdropped and c.relname <> 'alembic_version'
order by c.relname, a.attnum
"""
_UNIQUE = """
select i.indrelid::regclass::text as "table", a.attname as name
from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indisunique
"""
_REFERENCES = """
select k.conrelid::regclass::text as "table", a.attname as name, k.confrelid::regclass::text as parent, b.attname as parent_name
from pg_constraint k cross join lateral unnest(k.conkey, k.confkey) as pair(own, theirs)
join pg_attribute a on a.attrelid = k.conrelid and a.attnum = pair.own
join pg_attribute b on b.attrelid = k.confrelid and b.attnum = pair.theirs where k.contype = 'f'
"""
_CHECKS = """
select k.conrelid::regclass::text as "table", a.attname as name, pg_get_constraintdef(k.oid) as definition
from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
where k.contype = 'c' and k.conrelid <> 0 and cardinality(k.conkey) = 1
"""


Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Column:
    table: str
    name: str
    type: str
    required: bool
    length: int
    unique: bool
    parent: tuple[str, str] | None
    words: tuple[str, ...]
    """What a check constraint lets stand there."""

    @property
    def address(self) -> str:
        return f"{self.table}.{self.name}"


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", given: Mapping[str, Any]) -> dict[str, int]:
    """Some rows in every empty table, and how many; `given` says of `table.column` what stands there."""
    tables = await _tables(connection)
    rows: dict[str, Rows] = {}
    for table in _parents_first(tables):
        columns = tables[table]
        rows[table] = [{one.name: _value(one, number, rows, given) for one in columns} for number in range(ROWS)]
        names = ", ".join(f'"{one.name}"' for one in columns)
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        # A table kept by rules (nothing in it is changed or deleted) takes no conflict clause.
        kept = await connection.fetchval("select relhasrules from pg_class where oid = $1::regclass", table)
        statement = f'insert into "{table}" ({names}) values ({places}){"" if kept else " on conflict do nothing"}'
        for tried in _ways_to_agree(columns, rows[table], rows, given):
            with suppress(asyncpg.CheckViolationError):
                await connection.executemany(statement, [list(row.values()) for row in tried])
                rows[table] = tried
                break
        else:
            pytest.fail(f"{table}: which of its columns agree with each other is not known here yet")
    return {table: await connection.fetchval(f'select count(*) from "{table}"') for table in tables}


def _ways_to_agree(
    columns: Sequence[Column], made: Rows, rows: Mapping[str, Rows], given: Mapping[str, Any]
) -> Iterator[Rows]:
    """The rows as they were made; else without all that may be empty; else with one of it, in every row."""
    yield made
    optional = [one for one in columns if not one.required and one.address not in given]
    bare = [row | dict.fromkeys(one.name for one in optional) for row in made]
    yield bare
    for one in optional:
        always = replace(one, required=True)
        yield [row | {one.name: _value(always, number, rows, given)} for number, row in enumerate(bare)]


async def _tables(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, list[Column]]:
    unique = {(row["table"], row["name"]) for row in await connection.fetch(_UNIQUE)}
    parents = {
        (row["table"], row["name"]): (row["parent"], row["parent_name"]) for row in await connection.fetch(_REFERENCES)
    }
    words: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in await connection.fetch(_CHECKS):
        words.setdefault((row["table"], row["name"]), tuple(re.findall(r"'([^']*)'", row["definition"])))
    found: dict[str, list[Column]] = {}
    for row in await connection.fetch(_COLUMNS):
        if row["made_by_database"]:
            continue
        at = (row["table"], row["name"])
        found.setdefault(row["table"], []).append(
            Column(*at, row["type"], row["required"], row["length"], at in unique, parents.get(at), words.get(at, ()))
        )
    return found


def _parents_first(tables: Mapping[str, Sequence[Column]]) -> Iterator[str]:
    left = dict(tables)
    while left:
        ready = [
            table
            for table, columns in left.items()
            if not any(one.parent and one.parent[0] in left and one.parent[0] != table for one in columns)
        ]
        assert ready, f"tables refer to each other: {sorted(left)}"
        yield from ready
        for table in ready:
            del left[table]


def _value(column: Column, number: int, rows: Mapping[str, Rows], given: Mapping[str, Any]) -> Any:
    if column.address in given:
        value = given[column.address]
        return json.dumps(value) if column.type in {"json", "jsonb"} else value
    if not column.required and number % 2:
        return None
    if column.parent is not None:
        table, name = column.parent
        return rows[table][number].get(name) if table in rows else None
    # What need not be unique repeats, as it does in life.
    n = number if column.unique else number % 3
    if column.words:
        return column.words[n % len(column.words)]
    made = _made(column.type.removesuffix("[]"), n, column)
    return [made] if column.type.endswith("[]") else made


def _made(type: str, n: int, column: Column) -> Any:
    values: dict[str, Any] = {
        "uuid": UUID(int=n + 1),
        "smallint": n + 1,
        "integer": n + 1,
        "bigint": n + 1,
        "numeric": Decimal(n + 1),
        "double precision": float(n + 1),
        "real": float(n + 1),
        "boolean": bool(n % 2),
        "timestamp with time zone": _NOW + timedelta(minutes=n),
        "date": date(2026, 3, 11) + timedelta(days=n),
        "interval": timedelta(hours=n + 1),
        "jsonb": json.dumps({"zh": f"字{n}", "en": f"text {n}"}),
        "json": json.dumps({"zh": f"字{n}", "en": f"text {n}"}),
        "bytea": bytes([n % 256]) * 8,
        "text": f"text {n}",
        "character varying": f"t{n}"[: column.length if column.length > 0 else None],
    }
    assert type in values, f"{column.address}: what a {type} looks like is not known here yet"
    return values[type]
