"""The one writer of a SQLite journal: many callers' steps in one transaction, and one fsync for all of them.

A disk syncs a few hundred times a second; orders come faster. While one transaction syncs, the steps of other orders gather and
become the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection, Engine

from dexroute.errors import DexError
from dexroute.storage.groups import Outcome, Step, StepGroups


class GroupWriter(StepGroups):
    """Runs steps on one connection in one thread. `turn` is held during a transaction, so that others who write through the event
    loop queue with us. `signed` is called in that thread after every commit, before anybody hears of it, with the number of
    signatures in it."""

    def __init__(self, engine: Engine, turn: asyncio.Semaphore, signed: Callable[[int], None]) -> None:
        super().__init__(lanes=1)
        self._engine = engine
        self._turn = turn
        self._signed = signed
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._connection: Connection | None = None

    async def close(self) -> None:
        await super().close()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _run_waiting(self) -> None:
        async with self._turn:
            await super()._run_waiting()

    async def _transact(self, steps: Sequence[tuple[Step, bool]]) -> Sequence[Outcome]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, steps)

    def _commit(self, steps: Sequence[tuple[Step, bool]]) -> list[Outcome]:
        """All steps in one transaction. Where one of them fails they run again, each behind a savepoint, and where that fails as a
        whole, each in a transaction of its own: so that only the guilty one fails."""
        outcomes = self._together(steps, _plainly)
        if outcomes is None:
            outcomes = self._together(steps, _within)
        if outcomes is None:
            outcomes = [outcome for step in steps for outcome in self._together([step], _plainly) or ()]
        signs = [signed and failure is None for (_, signed), (_, failure) in zip(steps, outcomes, strict=True)]
        try:
            self._signed(sum(signs))
        except OSError as error:  # committed, but not counted: its caller must not send what it signed, and reads again
            return [(None, error) if signed else outcome for signed, outcome in zip(signs, outcomes, strict=True)]
        return outcomes

    def _together(self, steps: Sequence[tuple[Step, bool]], run: Callable[[Connection, Step], Outcome]) -> list[Outcome] | None:
        """One transaction; None when it failed as a whole and there is more than one step to blame."""
        try:
            connection = self._connected()
            with connection.begin():
                outcomes = [run(connection, step) for step, _ in steps]
        except Exception as error:
            if not isinstance(error, DexError):
                self._disconnect()
            return [(None, error)] if len(steps) == 1 else None
        return outcomes

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.invalidate()
            connection.close()


def _plainly(connection: Connection, step: Step) -> Outcome:
    """Whatever it raises undoes the transaction."""
    return step(connection), None


def _within(connection: Connection, step: Step) -> Outcome:
    """A step that, if it fails, takes nothing with it but its own statements. Raises what ended the whole transaction."""
    connection.exec_driver_sql("SAVEPOINT step")
    try:
        outcome: Outcome = (step(connection), None)
    except Exception as error:
        if not getattr(connection.connection.dbapi_connection, "in_transaction", False):
            raise  # SQLite rolled everything back (disk full, I/O error): no neighbour's step is left either
        connection.exec_driver_sql("ROLLBACK TO step")
        outcome = (None, error)
    connection.exec_driver_sql("RELEASE step")
    return outcome
