"""One transaction at a time: what every group of statements of the store runs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

from dexroute.errors import DatabaseError
from dexroute.storage.database import READ_ONLY
from dexroute.storage.failures import translated


class Sessions:
    """Opens sessions on one engine and translates what goes wrong in them."""

    def __init__(self, engine: AsyncEngine, label: str) -> None:
        self.label = label
        self.dialect = engine.dialect.name
        self._writer = engine
        self._reader = engine.execution_options(**{READ_ONLY: True})
        # SQLite has one writer; queueing here is fair and quick where its busy handler would sleep and retry
        self._turn = asyncio.Semaphore(1 if self.dialect == "sqlite" else 64)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is durable when the block ends, and rolled back when it raises."""
        with translated(self.label):
            async with self._turn, AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One consistent view. Stored values that do not parse are DatabaseError."""
        with translated(self.label):
            try:
                async with AsyncSession(self._reader) as session:
                    yield session
            except (ValueError, KeyError, TypeError) as error:
                raise DatabaseError(
                    f"the journal {self.label} holds something this dexroute cannot read ({error}); restore a backup",
                    database=self.label,
                ) from error
