"""Opening a journal: one process per SQLite file, one schema, then the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from sqlmodel import col, select

from dexroute.host.lock import hold
from dexroute.storage.database import open_database, writing_engine
from dexroute.storage.location import locate
from dexroute.storage.lookup_tables import SqlTables
from dexroute.storage.orders import SqlOrders
from dexroute.storage.pools import SqlPools
from dexroute.storage.records import SqlRecords
from dexroute.storage.sessions import Sessions
from dexroute.storage.tables import MetaRow


class SqlStore(SqlOrders, SqlPools, SqlRecords, SqlTables):
    """The journal on SQLite or PostgreSQL: dexroute.ports.OrderStore, PoolMemory, PoolRecords and TableMemory. `label` names it
    without credentials."""

    def __init__(self, sessions: Sessions) -> None:
        super().__init__(sessions)
        self.label = sessions.label

    async def note(self, name: str, value: str) -> None:
        """Keep a fact about the journal itself, replacing what was there."""
        async with self._sessions.writing() as session:
            await session.merge(MetaRow(name=name, value=value))

    async def noted(self, name: str) -> str | None:
        async with self._sessions.reading() as session:
            row = (await session.exec(select(MetaRow).where(col(MetaRow.name) == name))).one_or_none()
            return None if row is None else row.value


@asynccontextmanager
async def open_store(database: str | Path) -> AsyncIterator[SqlStore]:
    """The store at a path, `sqlite:///path` or `postgresql://...`, migrated to this code's schema.

    A SQLite journal is held by one process at a time, through a lock beside it. Raises DataDirBusy when another holds it,
    DatabaseError when it is corrupt, newer or not a journal (nothing is overwritten), DatabaseUnavailable, ConfigError.
    """
    location = locate(database)
    with ExitStack() as held:
        if location.file is not None:
            held.enter_context(hold(location.file.parent, location.file.name, what="the journal"))
        async with open_database(location) as engine:
            sessions = Sessions(engine, location.label, writing_engine(location))
            try:
                yield SqlStore(sessions)
            finally:
                await sessions.close()
