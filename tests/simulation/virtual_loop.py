"""An asyncio event loop whose time is a number: when nothing is left to do now, it is the time of the next timer.

No thread, no socket and no clock takes part, and tasks are ordered by their making, so a run is a function of its seed.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class Deadlock(BaseException):
    """Everybody waits and no timer is set: nothing can ever happen again."""


class _NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address. It belongs to whom its maker belongs."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], *, loop: VirtualLoop, **options: Any) -> None:
        loop.tasks_made += 1
        self._number = loop.tasks_made
        self.owner = loop.owner.get(None)
        super().__init__(coroutine, loop=loop, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class _Patience(selectors.BaseSelector):
    """Waiting passes no time but the loop's."""

    def __init__(self) -> None:
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[Any]:
        assert self.loop is not None
        if timeout is None:
            raise Deadlock
        self.loop.now += max(timeout, 0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> dict[Any, selectors.SelectorKey]:
        return {}

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`now` is the loop's time in seconds; it starts at zero. `owner` tells whose code runs."""

    def __init__(self, owner: ContextVar[Any]) -> None:
        self.now = 0.0
        self.owner = owner
        self.tasks_made = 0
        patience = _Patience()
        super().__init__(patience)
        patience.loop = self
        self.set_task_factory(self._make)  # type: ignore[arg-type]

    def time(self) -> float:
        return self.now

    def tasks_of(self, owner: object) -> list[asyncio.Task[Any]]:
        """What an owner has running, in the order of its making."""
        running = [task for task in asyncio.all_tasks(self) if isinstance(task, _NumberedTask) and task.owner is owner]
        return sorted(running, key=hash)

    @staticmethod
    def _make(loop: Any, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
        return _NumberedTask(coroutine, loop=loop, **options)


def run_virtually(main: Coroutine[Any, Any, Answer], loop: VirtualLoop) -> Answer:
    """Run `main` to its end, then drop what is still running. Raises what it raises, and Deadlock."""
    asyncio.set_event_loop(loop)
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        asyncio.set_event_loop(None)
        loop.close()
