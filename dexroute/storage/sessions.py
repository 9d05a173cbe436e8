"""One transaction at a time: what every group of statements of the store runs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql import Executable
from sqlmodel.ext.asyncio.session import AsyncSession

from dexroute.errors import DatabaseError
from dexroute.storage.advances import Advance
from dexroute.storage.database import READS, SINGLE
from dexroute.storage.failures import translated
from dexroute.storage.groups import StepGroups
from dexroute.storage.pooled import PooledGroups
from dexroute.storage.writer import GroupWriter

Answer = TypeVar("Answer")


class Sessions:
    """Opens sessions on one engine and translates what goes wrong in them. `writer` is SQLite's engine for grouped commits;
    `signed` hears in its thread how many of the steps committed at once were signatures."""

    def __init__(
        self,
        engine: AsyncEngine,
        label: str,
        writer: Engine | None = None,
        signed: Callable[[int], None] = lambda signatures: None,
    ) -> None:
        self.label = label
        self.dialect = engine.dialect.name
        self._writer = engine
        self._reader = engine.execution_options(**READS)
        # SQLite has one writer; queueing here is fair and quick where its busy handler would sleep and retry
        self._turn = asyncio.Semaphore(1 if self.dialect == "sqlite" else 64)
        self._threads = writer
        self._single = engine.execution_options(**SINGLE[self.dialect])
        self._single_in_thread = None if writer is None else writer.execution_options(**SINGLE[self.dialect])
        self._group: StepGroups | None = None if writer is None else GroupWriter(writer, self._turn, signed)
        self._ends: StepGroups | None = None
        if self.dialect == "postgresql":
            self._group, self._ends = PooledGroups(engine), PooledGroups(engine, lanes=1)
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="journal-read")

    async def close(self) -> None:
        for group in (self._group, self._ends):
            if group is not None:
                await group.close()
        self._readers.shutdown()
        if self._threads is not None:
            self._threads.dispose()

    async def write(self, step: Callable[[Connection], Answer], *, signs: bool = False) -> Answer:
        """What `step` returns, once what it wrote is durable; what it raises leaves nothing behind. On SQLite, steps that come at
        once share a transaction; on PostgreSQL those that join (storage/advances.py). A step may be run again after a rollback: it
        must act on the database alone."""
        with translated(self.label), self.parsing():
            if (group := self._group_of(step)) is not None:
                return await group.run(step, signs=signs)
            async with self._turn, self._writer.begin() as connection:
                return await connection.run_sync(step)

    def _group_of(self, step: Callable[[Connection], Any]) -> StepGroups | None:
        if self.dialect != "postgresql":
            return self._group
        joins = isinstance(step, Advance) and step.joins
        return (self._ends if step.ends else self._group) if joins else None  # type: ignore[attr-defined]

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is durable when the block ends, and rolled back when it raises."""
        with translated(self.label):
            async with self._turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                yield session

    async def rows(self, wanted: Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """The rows of one statement."""
        with translated(self.label):
            if (engine := self._single_in_thread) is not None:
                return await asyncio.get_running_loop().run_in_executor(self._readers, _read, engine, wanted, parameters)
            async with self._single.connect() as connection:
                return (await connection.execute(wanted, parameters)).all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent view. Stored values that do not parse are DatabaseError."""
        with translated(self.label), self.parsing():
            async with AsyncSession(self._reader) as session:
                yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view for many statements, however long they take, beside those who write."""
        view = self._reader.execution_options(isolation_level="REPEATABLE READ") if self.dialect == "postgresql" else self._reader
        with translated(self.label):
            async with view.connect() as connection:
                yield connection

    def parsing(self) -> _Parsing:
        """Around the making of values from rows: what does not parse is DatabaseError."""
        return _Parsing(self.label)


def _read(engine: Engine, wanted: Executable, parameters: Mapping[str, Any] | None) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(wanted, parameters).all()


class _Parsing:
    def __init__(self, label: str) -> None:
        self._label = label

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, KeyError, TypeError)):
            raise DatabaseError(
                f"the journal {self._label} holds something this dexroute cannot read ({error}); restore a backup",
                database=self._label,
            ) from error
