"""Bringing a journal to this code's schema. Alembic is imported only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from dexroute.errors import DatabaseError
from dexroute.storage.advisory import MIGRATION, one_at_a_time

HEAD: Final = "0010"
"""The newest revision in migrations/versions (a test holds this to be true)."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"


async def migrate(engine: AsyncEngine, version: str | None, label: str) -> None:
    """Upgrade from `version` (None: an empty database) to HEAD in one transaction. Raises DatabaseError for a newer database."""
    if version == HEAD:
        return
    async with engine.begin() as connection:
        await connection.run_sync(one_at_a_time, MIGRATION)
        await connection.run_sync(_upgrade, label)


async def postgres_version(engine: AsyncEngine) -> str | None:
    """The schema version of a PostgreSQL journal, None when it has none yet."""
    async with engine.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def _upgrade(connection: Connection, label: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise DatabaseError(
            f"the journal {label} has schema {current}, newer than this dexroute knows (up to {HEAD}): "
            "upgrade dexroute, or choose another --data-dir. Nothing was changed in it",
            database=label,
            schema=current,
            known=HEAD,
        )
    command.upgrade(config, "head")
