"""Opening a journal: one process per SQLite file, one schema, then the store."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from dexroute.host.lock import hold, holder_process
from dexroute.storage.database import open_database, open_read_only, writing_engine
from dexroute.storage.failures import translated
from dexroute.storage.high_water import HighWater
from dexroute.storage.holders import read_holders
from dexroute.storage.inspection import prepare_file
from dexroute.storage.last_signed import LastSigned
from dexroute.storage.learned import SqlLearned
from dexroute.storage.liveness import Liveness
from dexroute.storage.location import locate
from dexroute.storage.lookup_tables import SqlTables
from dexroute.storage.orders import COUNT_SIGNED, SqlOrders
from dexroute.storage.pools import SqlPools
from dexroute.storage.positions import SqlPositions
from dexroute.storage.records import SqlRecords
from dexroute.storage.schema import HEAD
from dexroute.storage.sessions import Sessions
from dexroute.storage.shared import SharedRead
from dexroute.storage.snapshot import JournalSnapshot
from dexroute.storage.tables import MetaRow, table_of
from dexroute.types.orders import Holder

_RESTORED = "restored"
_NOTED = select(MetaRow.value).where(col(MetaRow.name) == bindparam("on_name"))
_NAME = "journal"  # under which it keeps a name of its own


class SqlStore(SqlOrders, SqlPositions, SqlPools, SqlLearned, SqlRecords, SqlTables):
    """The journal on SQLite or PostgreSQL: dexroute.ports.OrderStore, EventSource, PoolMemory, LearnedMemory, PoolRecords and
    TableMemory. `label` names it without credentials."""

    def __init__(
        self,
        sessions: Sessions,
        high_water: HighWater | None = None,
        liveness: Liveness | None = None,
        process: Callable[[], int | None] = os.getpid,
    ) -> None:
        """`process` tells who holds the lock of a SQLite file."""
        super().__init__(sessions)
        self._process = process
        self.label = sessions.label
        self._high_water = high_water
        self._liveness = liveness
        self._last_signed: LastSigned | None = None
        self._notes: dict[str, SharedRead[str | None]] = {}

    async def alive_as(self, owner: str) -> str:
        return owner if self._liveness is None else await self._liveness.hold(owner)

    async def free_dead(self) -> int:
        return 0 if self._liveness is None else await self._liveness.free_dead()

    async def holders(self) -> tuple[Holder, ...]:
        return await read_holders(self._sessions, self._process())

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[JournalSnapshot]:
        """The whole journal as it is now, to read through in pages while others write."""
        async with self._sessions.snapshot() as connection:
            yield JournalSnapshot(connection)

    async def note(self, name: str, value: str) -> None:
        """Keep a fact about the journal itself, replacing what was there."""
        async with self._sessions.writing() as session:
            await session.merge(MetaRow(name=name, value=value))

    async def replace_note(self, name: str, before: str | None, value: str) -> bool:
        meta = table_of(MetaRow)

        def step(connection: Connection) -> bool:
            if before is None:
                adding = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(meta)
                changed = connection.execute(adding.values(name=name, value=value).on_conflict_do_nothing())
            else:
                found = (meta.c.name == name) & (meta.c.value == before)
                changed = connection.execute(update(meta).where(found).values(value=value))
            return changed.rowcount == 1

        return await self._sessions.write(step)

    async def noted(self, name: str) -> str | None:
        async def read() -> str | None:
            rows = await self._sessions.rows(_NOTED, {"on_name": name})
            return str(rows[0].value) if rows else None

        return await self._notes.setdefault(name, SharedRead(read)).answer()  # every order asks for one before it is signed

    async def watch_signatures(self, folder: Path) -> None:
        """Note it when the journal does not know the signature this machine committed to it last, as `folder` has it; and keep
        the next ones there."""
        if (name := await self.noted(_NAME)) is None:
            await self.replace_note(_NAME, None, secrets.token_hex(16))  # unless another process was faster
            name = await self.noted(_NAME)
        self._last_signed = LastSigned(folder, str(name), self.label)
        last = self._last_signed.read()
        if last is not None and not await self.known_signatures([last]):
            await self.note_lost(1, last)
        self.on_commit(self._last_signed.hear)

    async def note_lost(self, signatures: int, last: str | None = None) -> None:
        """So many signatures, or more, are missing, `last` among them. The note stays until a person accepts that; it begins anew
        with a loss that is not the one it knows."""
        known = json.loads(await self.noted(_RESTORED) or "{}")
        missing = max(known.get("missing", 0), signatures)
        if known.get("missing") != missing or last not in (None, known.get("last")):
            await self.note(_RESTORED, json.dumps({"missing": missing, "last": last}))

    async def accept_lost(self) -> None:
        def step(connection: Connection) -> None:
            connection.execute(delete(table_of(MetaRow)).where(col(MetaRow.name) == _RESTORED))
            if self._high_water is not None:
                self._high_water.set(int(connection.execute(COUNT_SIGNED).scalar_one()))
            if self._last_signed is not None:
                self._last_signed.forget()

        await self._sessions.write(step)


@asynccontextmanager
async def open_store(database: str | Path, *, elsewhere: Path | None = None) -> AsyncIterator[SqlStore]:
    """The store at a path, `sqlite:///path` or `postgresql://...`, migrated to this code's schema.

    A SQLite journal is held by one process at a time, through a lock beside it. `elsewhere` is a folder that no backup of the
    journal holds: what is kept there tells whether the journal was restored from one (LastSigned). Raises DataDirBusy when another
    holds it, DatabaseError when it is corrupt, newer or not a journal (nothing is overwritten), DatabaseUnavailable, ConfigError.
    """
    location = locate(database)
    with ExitStack() as held:
        if location.file is not None:
            held.enter_context(hold(location.file.parent, location.file.name, what="the journal"))
        # a journal somebody moved aside to start anew was not restored
        is_new = location.file is None or not location.file.exists() or not location.file.stat().st_size
        async with open_database(location) as engine:
            high_water = None if location.file is None else HighWater(location.file)
            if high_water is not None:
                held.callback(high_water.close)
            sessions = Sessions(engine, location.label, writing_engine(location), high_water.add if high_water else _nothing)
            liveness = Liveness(location, sessions) if location.file is None else None
            try:
                store = SqlStore(sessions, high_water, liveness)
                if high_water is not None:
                    await _compare(store, high_water, is_new=is_new)
                if elsewhere is not None:
                    await store.watch_signatures(elsewhere)
                yield store
            finally:
                if liveness is not None:
                    await liveness.close()
                await sessions.close()


@asynccontextmanager
async def read_store(database: str | Path) -> AsyncIterator[SqlStore]:
    """The store to read from only, also while another process holds the journal and writes. A journal that is missing or older
    is made or migrated first, for which nobody may hold it. Raises as `open_store` does."""
    location = locate(database)
    with translated(location.label):
        file = location.file
        is_current = file is not None and file.exists() and prepare_file(file) == HEAD
    if file is None or not is_current:
        async with open_store(database) as store:
            yield store
        return
    async with open_read_only(location) as engine:
        sessions = Sessions(engine, location.label)
        try:
            yield SqlStore(sessions, process=partial(holder_process, file.parent, file.name))
        finally:
            await sessions.close()


async def _compare(store: SqlStore, high_water: HighWater, *, is_new: bool) -> None:
    """Note it when the journal holds fewer signatures than it ever did. The count stays until a person accepts the loss: the same
    backup may be restored again."""
    signed, kept = await store.signed(), high_water.read()
    if kept is None or is_new or signed > kept:
        high_water.set(signed)
        return
    high_water.count = kept
    if signed < kept:
        await store.note_lost(kept - signed)


def _nothing(signatures: int) -> None:
    """PostgreSQL keeps no count beside itself."""
