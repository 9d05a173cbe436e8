"""The migrations and the tables say the same, and the fast path knows the newest migration."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect
from sqlmodel import SQLModel

from dexroute.storage import tables
from dexroute.storage.schema import HEAD, MIGRATIONS
from dexroute.storage.store import SqlStore


def test_the_fast_path_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_migrations_build_exactly_the_tables(store: SqlStore) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, SQLModel.metadata))

    def columns(connection: Connection) -> dict[tuple[str, str], tuple[str, bool]]:
        inspector = inspect(connection)
        return {
            (table, column["name"]): (str(column["type"]), column["nullable"])
            for table in inspector.get_table_names()
            if table != "alembic_version"
            for column in inspector.get_columns(table)
        }

    async with store._sessions.reading() as session:
        connection = await session.connection()
        assert await connection.run_sync(differences) == []
        migrated = await connection.run_sync(columns)
        dialect = connection.dialect
    declared = {
        (table.name, column.name): (column.type.compile(dialect), column.nullable)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
    }
    assert migrated == declared and tables.OrderRow.__tablename__ == "orders"
