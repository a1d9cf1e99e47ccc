"""Every older revision of every service, with rows in all of its tables, comes to the newest one and keeps its rows.

New migrations are found by themselves. One that reads what stands in a column (the words of a state, the shape of a
JSON body) says in `BEFORE = {"table.column": value}` what it finds there; one that empties a table names it in
`FORGETS = ("table",)`.
"""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic import command
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine
from tests.given_rows import fill

from bihuan_chassis.database import sqlalchemy_url
from bihuan_chassis.migrate import alembic_config, migrate
from bihuan_chassis.openapi import load
from bihuan_chassis.testing import with_database
from bihuan_tools.instance import SERVICES

pytestmark = pytest.mark.flow


def scripts(service: str) -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config(load(service).description.migrations))


def older_revisions() -> list[tuple[str, str]]:
    return [
        (service, script.revision)
        for service in SERVICES
        for script in scripts(service).walk_revisions()
        if script.revision not in scripts(service).get_heads()
    ]


def later(service: str, revision: str) -> list[Script]:
    """The revisions between this one and the head of its branch."""
    directory = scripts(service)
    return [
        script
        for script in directory.walk_revisions()
        if script.revision != revision
        and revision in {one.revision for one in directory.iterate_revisions(script.revision, "base")}
    ]


async def bring_to(database: str, service: str, revision: str) -> None:
    """The service's branch at `revision`, the other one at its head."""
    config = alembic_config(load(service).description.migrations)
    branch = (scripts(service).get_revision(revision)).branch_labels

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        others = [
            head
            for head in scripts(service).get_heads()
            if not branch & scripts(service).get_revision(head).branch_labels
        ]
        for wanted in (*others, revision):
            command.upgrade(config, wanted)

    engine = create_async_engine(sqlalchemy_url(database), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


@pytest.mark.parametrize(("service", "revision"), older_revisions())
async def test_a_filled_database_comes_to_the_newest_revision(
    postgres_server: str, service: str, revision: str
) -> None:
    name = f"migrated_{uuid4().hex[:10]}"
    server = await asyncpg.connect(postgres_server)
    await server.execute(f"create database {name}")
    database = with_database(postgres_server, name)
    given: dict[str, Any] = {}
    forgotten: set[str] = set()
    for script in later(service, revision):
        given |= getattr(script.module, "BEFORE", {})
        forgotten |= set(getattr(script.module, "FORGETS", ()))
    try:
        await bring_to(database, service, revision)
        connection = await asyncpg.connect(database)
        before = await fill(connection, given)
        assert all(count > 1 for count in before.values()), before
        await connection.close()

        await migrate(load(service).description, database)

        connection = await asyncpg.connect(database)
        for table, count in before.items():
            if table not in forgotten and await connection.fetchval("select to_regclass($1)", table):
                assert await connection.fetchval(f'select count(*) from "{table}"') >= count, table
        await connection.close()
    finally:
        await server.execute(f"drop database {name} with (force)")
        await server.close()


@pytest.mark.parametrize("service", SERVICES)
def test_revisions_of_a_service_form_one_chain(service: str) -> None:
    """Two heads of one branch would leave it open which one a database is brought to."""
    heads = [scripts(service).get_revision(head) for head in scripts(service).get_heads()]
    assert sorted(label for head in heads for label in head.branch_labels) == sorted(["chassis", service])
