"""The one writer of a SQLite journal: many callers' steps in one transaction, and one fsync for all of them.

A disk syncs a few hundred times a second; orders come faster. While one transaction syncs, the steps of other orders gather and
become the next. Each caller hears of its own step only when it is durable, and one that fails takes no neighbour with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from dexroute.errors import DexError

Answer = TypeVar("Answer")
Step = Callable[[Connection], Any]
"""One caller's statements. It may run more than once (what it did before was rolled back), so it acts on the database alone."""

Outcome = tuple[Any, BaseException | None]

_MOST_AT_ONCE: Final = 256


class GroupWriter:
    """Runs steps in the order they come, on one connection in one thread. `turn` is held during a transaction, so that others who
    write through the event loop queue with us. `signed` is called in that thread after every commit, before anybody hears of
    it, with the number of signatures in it."""

    def __init__(self, engine: Engine, turn: asyncio.Semaphore, signed: Callable[[int], None]) -> None:
        self._engine = engine
        self._turn = turn
        self._signed = signed
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._waiting: deque[tuple[Step, bool, asyncio.Future[Any]]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    async def run(self, step: Callable[[Connection], Answer], *, signs: bool = False) -> Answer:
        """What `step` returns, durable; or what it raises, with nothing of it kept."""
        heard: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, signs, heard))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._drain())
        return await heard

    async def close(self) -> None:
        """After the steps under way."""
        if self._work is not None:
            await self._work
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            async with self._turn:
                taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST_AT_ONCE))]
                try:
                    outcomes = await loop.run_in_executor(self._thread, self._transact, [(step, signs) for step, signs, _ in taken])
                except BaseException as error:
                    outcomes = [(None, error)] * len(taken)
            for (_, _, heard), (answer, failure) in zip(taken, outcomes, strict=True):
                if heard.done():  # its caller was cancelled meanwhile; what was written is written
                    continue
                if failure is None:
                    heard.set_result(answer)
                else:
                    heard.set_exception(failure)

    def _transact(self, steps: list[tuple[Step, bool]]) -> list[Outcome]:
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

    def _together(self, steps: list[tuple[Step, bool]], run: Callable[[Connection, Step], Outcome]) -> list[Outcome] | None:
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
