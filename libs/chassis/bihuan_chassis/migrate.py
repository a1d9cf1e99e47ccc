"""Bringing a service's database to the newest version: its own branch and the chassis' one, forward only."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bihuan_chassis.database import sqlalchemy_url
from bihuan_chassis.description import ServiceDescription

_ENV = Path(__file__).parent / "migrations"
_LOCK = 0x6268_6D69  # "bhmi": one migration at a time


def alembic_config(migrations: Path) -> Config:
    """Alembic over two branches: `chassis` (outbox, inbox …) and the service's own."""
    config = Config()
    config.set_main_option("script_location", str(_ENV))
    config.set_main_option("path_separator", "os")
    folders = [_ENV / "versions", migrations / "versions"]
    config.set_main_option("version_locations", ":".join(str(folder) for folder in folders if folder.exists()))
    return config


async def migrate(description: ServiceDescription, database: str) -> list[str]:
    """Upgrade to the heads of both branches and return them. Waits for another migration that is under way."""
    engine = create_async_engine(sqlalchemy_url(database), poolclass=pool.NullPool)
    config = alembic_config(description.migrations)
    try:
        async with engine.connect() as connection:
            await connection.execute(text("set lock_timeout = '10s'"))
            await connection.execute(text(f"select pg_advisory_lock({_LOCK})"))
            await connection.commit()
            await connection.run_sync(_upgrade, config)
            await connection.commit()
            return list(await heads(connection))
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")


async def heads(connection: AsyncConnection) -> tuple[str, ...]:
    def read(sync: Connection) -> tuple[str, ...]:
        return MigrationContext.configure(sync).get_current_heads()

    return await connection.run_sync(read)


async def at_head(description: ServiceDescription, connection: AsyncConnection) -> bool:
    """Whether the database is as this build wants it (or newer: a rolling upgrade)."""
    script = ScriptDirectory.from_config(alembic_config(description.migrations))
    wanted, found = set(script.get_heads()), set(await heads(connection))
    known: set[str] = {revision.revision for revision in script.walk_revisions()}
    return wanted <= found or bool(found - known)
