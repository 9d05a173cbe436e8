"""A process that can die at any await: whatever it still tries after that reaches nobody, as after SIGKILL."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from random import Random
from typing import Any, Final

from dexroute.errors import DexError
from tests.simulation.trace import Trace
from tests.simulation.virtual_loop import VirtualLoop

RUNNING: Final[ContextVar[Process | None]] = ContextVar("process", default=None)


class Died(BaseException):
    """No code of ours catches it: the process is gone."""


class Host:
    """The machine's calendar, which somebody may set."""

    def __init__(self) -> None:
        self.offset_ms = 0


class Process:
    """dexroute.ports.Clock, and the life of one executor. `pause_until` stops it as a hypervisor would; `kill` ends it."""

    def __init__(self, name: str, loop: VirtualLoop, host: Host, trace: Trace, random: Random) -> None:
        self.name = name
        self._loop = loop
        self._host = host
        self._trace = trace
        self._random = random
        self._ids = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self.dead = asyncio.Event()
        self.paused_until = 0.0
        self.armed: dict[str, int] = {}  # failpoint: passings until death; "*" counts them all
        self.bugs: list[BaseException] = []

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in this process."""
        context = copy_context()
        context.run(RUNNING.set, self)
        task = context.run(self._loop.create_task, self._watched(work))
        task.add_done_callback(lambda _: work.close())  # one that was cancelled before it began
        self._tasks.append(task)
        return task

    async def _watched(self, work: Coroutine[Any, Any, Any]) -> Any:
        """An error of the tree is the caller's business; anything else is a bug."""
        try:
            return await work
        except (DexError, asyncio.CancelledError, Died):
            raise
        except BaseException as bug:
            self.bugs.append(bug)
            raise

    def kill(self, why: str) -> None:
        if self.dead.is_set():
            return
        self._trace.note("%s dies: %s", self.name, why)
        self.dead.set()
        for task in self._loop.tasks_of(self):
            task.cancel()

    async def gate(self) -> None:
        """Where a process leaves itself: nothing of a dead one gets through, and a paused one waits."""
        self.check()
        while self._loop.now < self.paused_until:
            await asyncio.sleep(self.paused_until - self._loop.now)
            self.check()

    def check(self) -> None:
        if self.dead.is_set():
            raise Died

    def reached(self, place: str) -> None:
        """A failpoint."""
        self.check()
        for name in (place, "*"):
            if name in self.armed:
                self.armed[name] -= 1
                if self.armed[name] <= 0:
                    self._trace.fault("crash_at_failpoint", "%s at %s", self.name, place)
                    self.kill(f"at {place}")
                    raise Died

    def now_ms(self) -> int:
        return 1_700_000_000_000 + self._host.offset_ms + int(self._loop.now * 1_000)

    def monotonic_ms(self) -> int:
        return int(self._loop.now * 1_000)

    async def sleep_ms(self, duration_ms: int) -> None:
        await self.gate()
        await asyncio.sleep(duration_ms / 1_000)
        await self.gate()


def reached(place: str) -> None:
    """In the place of dexroute.engine.execution.failpoints._reached."""
    process = RUNNING.get()
    if process is not None:
        process.reached(place)
