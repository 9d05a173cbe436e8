"""Which workers live, as far as PostgreSQL can prove it: each holds an advisory lock for as long as its session lasts.

A process that is killed takes its session with it, within milliseconds, and whoever finds the lock free need not wait for the end
of its leases; where the process was one of this machine, the machine says whether it has ended, and that is that. A session can
also end while its process lives (a restart of the server, an administrator): then the process takes the lock again before it
claims anything more, and others give it a moment for that. Where that moment is too short its orders go to another while it lives,
as they do when a lease ends, and fencing decides as it does there (docs/decisions/dead-workers.md).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, func, literal, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from dexroute.errors import DatabaseUnavailable
from dexroute.host.processes import has_ended
from dexroute.storage.advisory import hold_for_session, is_free_now
from dexroute.storage.database import lone_engine
from dexroute.storage.failures import translated
from dexroute.storage.location import Location
from dexroute.storage.sessions import Sessions
from dexroute.storage.steps import IS_OPEN, NOW_MS, ORDERS

LOCKED: Final = "+lock"
"""Ends the name of an owner that a lock stands for. Of others (a dexroute without locks, one behind a pooler) nothing is known."""

_GRACE_S: Final = 1.0  # a lock must be free for so long: who lost only its session takes it again sooner
_LOOKS: Final = 2  # and was seen free so often before: a machine that stood still for the moment gave nobody any time
_LOOK_S: Final = 0.4
_SHARE: Final = 30  # and while nobody is suspected not sooner than so many times what a look takes: it passes over all open orders
_SELDOM_S: Final = 5.0  # but not later: on a busy machine it is not the server that a look waits for
_BEAT_S: Final = 5.0
_PATIENCE_S: Final = 5.0
_AGAIN_S: Final = 0.1

# a client that vanishes without a word is noticed by the server after 25 s, and the session may idle for as long as it lives
_SETTINGS: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_session_timeout": "0",
}
_SET: Final = text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name")  # older servers lack some
_LEASED: Final = (
    select(ORDERS.c.claimed_by)
    .where(IS_OPEN, ORDERS.c.lease_until_ms > NOW_MS, ORDERS.c.claimed_by.like(f"%{LOCKED}"))
    .distinct()
    .subquery()
)
_OWNERS: Final = select(_LEASED.c.claimed_by, is_free_now(_LEASED.c.claimed_by).label("is_free"))


class Liveness:
    """The locks of this process's workers, all in one session of their own, and what it sees of the others'."""

    def __init__(self, location: Location, sessions: Sessions) -> None:
        self._label = location.label
        self._engine = lone_engine(location)
        self._sessions = sessions
        self._names: set[str] = set()
        self._connection: AsyncConnection | None = None
        self._lost = asyncio.Event()
        self._held = asyncio.Event()
        self._turn = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self._is_pooled = False
        self._look_again_s = 0.0
        self._seen_free: dict[str, tuple[float, int]] = {}  # since when (monotonic), how often

    async def hold(self, owner: str) -> str:
        """The name `owner` claims under, its lock held. Raises DatabaseUnavailable while it is lost and cannot be had again."""
        if self._is_pooled:
            return owner.removesuffix(LOCKED)
        name = owner if owner.endswith(LOCKED) else f"{owner}{LOCKED}"
        if name in self._names and self._held.is_set():
            return name
        try:
            async with asyncio.timeout(_PATIENCE_S):
                async with self._turn:
                    if not await self._add(name):
                        return owner
                await self._held.wait()
        except TimeoutError:
            raise self._unheld() from None
        return name

    async def free_dead(self) -> int:
        """Let go of the leases of owners whose lock is free and whose process, one of this machine, has ended; and of those whose
        lock was found free over a moment in which our own was held. How many orders that freed; 0 too when the last look was just
        now. Raises DatabaseUnavailable, and while our own lock is lost that too."""
        now_s, session = time.monotonic(), self._connection
        if self._keeping is not None and not self._held.is_set():
            raise self._unheld()
        if self._keeping is None or now_s < self._look_again_s:
            return 0
        self._look_again_s = now_s + _LOOK_S
        dead = {owner for owner, (since_s, times) in self._seen_free.items() if now_s - since_s >= _GRACE_S and times >= _LOOKS}
        free, freed, took_s = await self._sessions.write(lambda connection: _free(connection, dead))
        seen_s = time.monotonic()
        if session is self._connection:
            before = {owner: self._seen_free.get(owner, (seen_s, 0)) for owner in free - self._names}
            self._seen_free = {owner: (since_s, times + 1) for owner, (since_s, times) in before.items()}
        if not self._seen_free:
            self._look_again_s = max(self._look_again_s, seen_s + min(_SHARE * took_s, _SELDOM_S))
        return freed

    def _unheld(self) -> DatabaseUnavailable:
        return DatabaseUnavailable(
            f"the journal {self._label} does not answer: the session that says this process lives is lost; no order is taken up "
            "before there is another",
            database=self._label,
        )

    async def close(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._disconnect()
        await self._engine.dispose()

    async def _add(self, name: str) -> bool:
        """False behind a pooler, where no session is ours."""
        if self._keeping is None:
            await self._connect()
            if self._is_pooled:
                return False
            self._keeping = asyncio.create_task(self._keep())
        if name not in self._names:
            if self._connection is not None and self._held.is_set():
                with translated(self._label):
                    await self._connection.execute(select(hold_for_session(literal(name))))
            self._names.add(name)  # and where the session is lost, the next one begins with it
        return True

    async def _keep(self) -> None:
        """Hold the locks; where they are lost, take them again as soon as the server lets us."""
        while not self._is_pooled:
            with suppress(Exception):  # whatever it is, it is tried again, and who would claim is told that there is no lock
                if self._connection is None:
                    async with self._turn:
                        await self._connect()
                if not self._is_pooled:
                    await self._until_lost()
            self._held.clear()
            self._seen_free.clear()  # what was seen before proves nothing: the others may have lost theirs with us
            await self._disconnect()
            await asyncio.sleep(_AGAIN_S)

    async def _until_lost(self) -> None:
        while not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_S):
                    await self._lost.wait()
                return
            async with self._turn, asyncio.timeout(_PATIENCE_S):
                if self._connection is not None:
                    await self._connection.execute(select(1))

    async def _connect(self) -> None:
        """A session with all locks, or `_is_pooled`. Raises DatabaseUnavailable."""
        try:
            with translated(self._label):
                self._connection = await self._engine.connect()
                await self._begin(self._connection)
        finally:
            if not self._held.is_set():
                await self._disconnect()

    async def _begin(self, connection: AsyncConnection) -> None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        self._lost = lost = asyncio.Event()
        driver.add_termination_listener(lambda _: lost.set())
        # a pooler answers with a session of its own choice, and names none that is on the server
        if (await connection.execute(select(func.pg_backend_pid()))).scalar_one() != driver.get_server_pid():
            self._is_pooled = True
            return
        for name, value in _SETTINGS.items():
            await connection.execute(_SET, {"name": name, "value": value})
        for owner in sorted(self._names):
            await connection.execute(select(hold_for_session(literal(owner))))
        self._held.set()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        if connection is not None:
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                await connection.invalidate()
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                await connection.close()


def _free(connection: Connection, dead: Collection[str]) -> tuple[set[str], int, float]:
    """(owners of leased orders whose lock is free, how many orders of those among them were freed that are `dead` or whose process
    has ended, seconds the look took)."""
    began_s = time.monotonic()
    free = {owner for owner, is_free in connection.execute(_OWNERS) if is_free}
    took_s = time.monotonic() - began_s
    if not (gone := {owner for owner in free if owner in dead or has_ended(owner.removesuffix(LOCKED))}):
        return free, 0, took_s
    held = select(ORDERS.c.id).where(IS_OPEN, ORDERS.c.claimed_by.in_(gone), ORDERS.c.lease_until_ms > NOW_MS)
    ids = connection.execute(held.with_for_update(skip_locked=True)).scalars().all()
    connection.execute(update(ORDERS).where(ORDERS.c.id.in_(ids)).values(lease_until_ms=None))
    return free, len(ids), took_s
