"""The journal as a process sees it: commits that are lost, commits whose outcome nobody hears, and a database that is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Final

from dexroute.errors import DatabaseUnavailable
from dexroute.ports import OrderStore
from dexroute.types.orders import Attempt, Order, OrderEvent
from tests.simulation.process import Process
from tests.simulation.trace import Trace
from tests.simulation.weather import Weather

_WRITES: Final = frozenset({"place", "claim", "take", "renew", "let_go", "free_dead", "advance", "finalize"})


class Journal:
    """The database itself, shared by all processes. `committed` are the wire bytes that may be sent."""

    def __init__(self, store: OrderStore, weather: Weather, random: Random, trace: Trace) -> None:
        self.store = store
        self.weather = weather
        self.random = random
        self.trace = trace
        self.troubled = True
        self.committed: set[bytes] = set()

    def happens(self, fault: str) -> bool:
        chance = self.weather.chance(fault)
        if self.troubled and chance > 0 and self.random.random() < chance:
            self.trace.fault(fault)
            return True
        return False

    def keep(self, step: object, attempt: Attempt | None) -> None:
        """What a commit made known."""
        if attempt is not None and attempt.wire is not None:
            self.committed.add(attempt.wire)
        if isinstance(step, tuple) and len(step) == 2 and isinstance(step[1], OrderEvent):
            step = (step,)
        for order, event in [one for one in step if isinstance(one, tuple)] if isinstance(step, tuple) else ():
            assert isinstance(order, Order)
            self.trace.steps[f"{event.before}->{event.after}"] += 1
            self.trace.steps[f"event {event.kind}"] += 1
            self.trace.note("order %s: %s, %s -> %s %s", order.key, event.kind, event.before, event.after, event.facts)


class JournalPort:
    """dexroute.ports.OrderStore, used by one process: every method of the store behind it, with the weather in between."""

    def __init__(self, journal: Journal, process: Process) -> None:
        self._journal = journal
        self._process = process
        self._doors: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {}

    @property
    def leased(self) -> bool:
        return self._journal.store.leased

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        door = self._doors.get(name)
        if door is None:
            method = getattr(self._journal.store, name)
            door = self._doors[name] = self._writing(method) if name in _WRITES else self._reading(method)
        return door

    def _reading(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def read(*values: Any, **named: Any) -> Any:
            await self._process.gate()
            if self._journal.happens("journal_unreadable"):
                raise DatabaseUnavailable("simulated: connection refused")
            found = await method(*values, **named)
            await asyncio.sleep(0)
            self._process.check()
            return found

        return read

    def _writing(self, method: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def write(*values: Any, **named: Any) -> Any:
            journal, process = self._journal, self._process
            await process.gate()
            before_s = 0.001
            if journal.happens("journal_slow"):
                before_s = journal.random.random() * 4
            await asyncio.sleep(before_s)
            await process.gate()
            if journal.happens("commit_lost"):
                raise DatabaseUnavailable("simulated: the connection broke before the commit")
            stored = await method(*values, **named)
            journal.keep(stored, named.get("attempt"))
            if journal.random.random() < 0.5:
                await asyncio.sleep(0.004)
            await process.gate()
            if journal.happens("commit_unknown"):
                raise DatabaseUnavailable("simulated: the connection broke, the commit may have happened")
            return stored

        return write
