"""Opening a database the way a journal of money needs it: durable commits, one writer, foreign keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dexroute.errors import ConfigError
from dexroute.storage.failures import translated
from dexroute.storage.inspection import prepare_file
from dexroute.storage.location import Location
from dexroute.storage.schema import migrate, postgres_version

BEGIN: Final = "dexroute_begin"
"""Execution option: how a transaction begins on SQLite. Reads begin deferred and do not wait for the writer; a read of one
statement (SINGLE, by dialect) is a transaction of its own."""
READS: Final = {BEGIN: "BEGIN"}
SINGLE: Final[Mapping[str, Mapping[str, Any]]] = {"sqlite": {BEGIN: None}, "postgresql": {"isolation_level": "AUTOCOMMIT"}}

_BUSY_TIMEOUT_MS: Final = 5_000
_CONNECTIONS: Final = 8
_IDLE_S: Final = 0.25
_USED_S: Final = "dexroute_used_s"
_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", f"busy_timeout = {_BUSY_TIMEOUT_MS}")


@asynccontextmanager
async def open_database(location: Location) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database. Raises DatabaseError (corrupt, newer, foreign, read-only) or DatabaseUnavailable."""
    engine: AsyncEngine | None = None
    try:
        with translated(location.label):
            if location.file is not None:
                version = prepare_file(location.file)
                engine = _sqlite_engine(location)
            else:
                engine = _postgres_engine(location)
                version = await postgres_version(engine)
            await migrate(engine, version, location.label)
        yield engine
    finally:
        if engine is not None:
            await engine.dispose()


@asynccontextmanager
async def open_read_only(location: Location) -> AsyncIterator[AsyncEngine]:
    """An engine on a SQLite file of this code's schema that cannot write to it, whoever else does."""
    assert location.file is not None
    query = {"uri": "true", "mode": "ro"}
    engine = create_async_engine(location.url.set(database=f"file:{quote(str(location.file))}", query=query), pool_size=2)
    _configured(engine.sync_engine, ("foreign_keys = ON", f"busy_timeout = {_BUSY_TIMEOUT_MS}"))
    try:
        yield engine
    finally:
        await engine.dispose()


def writing_engine(location: Location) -> Engine | None:
    """SQLite's engine for threads of our own: of the one writer, and of short reads, which through the event loop would cost a
    thread's turn for each part of a statement. None on PostgreSQL."""
    if location.file is None:
        return None
    return _configured(create_engine(location.url.set(drivername="sqlite+pysqlite"), pool_size=4, max_overflow=0))


def _sqlite_engine(location: Location) -> AsyncEngine:
    engine = create_async_engine(location.url, pool_size=4, max_overflow=0)
    _configured(engine.sync_engine)
    return engine


def _configured(engine: Engine, pragmas: Sequence[str] = _PRAGMAS) -> Engine:
    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that may write takes the lock at its start, so it can never fail half-way for it
        how = connection.get_execution_options().get(BEGIN, "BEGIN IMMEDIATE")
        if how is not None:
            connection.exec_driver_sql(how)

    return engine


def lone_engine(location: Location) -> AsyncEngine:
    """An engine for connections nobody shares, without transactions: what they hold, the session holds."""
    return _postgres(location, poolclass=NullPool, isolation_level="AUTOCOMMIT")


def _postgres_engine(location: Location) -> AsyncEngine:
    engine = _postgres(
        location,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_use_lifo=True,  # few at work are few in use
        connect_args={"server_settings": {"synchronous_commit": "on"}},
    )
    _pinged(engine.sync_engine)
    return engine


def _postgres(location: Location, **options: Any) -> AsyncEngine:
    try:
        return create_async_engine(location.url, **options)
    except ModuleNotFoundError:
        raise ConfigError("a PostgreSQL journal needs the driver asyncpg: pip install 'dexroute[postgres]'") from None


def _pinged(engine: Engine) -> None:
    """Ask a connection whether it still is one before it is used, but not the ones in use all the time: a ping takes as long as a
    step's own statements."""

    @event.listens_for(engine, "checkin")
    def used(_connection: Any, record: Any) -> None:
        record.info[_USED_S] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get(_USED_S, monotonic()) > _IDLE_S:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise InvalidatePoolError("the server went away") from error
