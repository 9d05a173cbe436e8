"""Asking several nodes at once without waiting for the slowest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class InFlight(Generic[Answer]):
    """At most one unanswered question for each key. A node that is slow to answer is not asked again until it did, keeps nobody
    else waiting, and its answer counts whenever it comes. Close it, or questions outlive their asker."""

    def __init__(self) -> None:
        self._open: dict[Hashable, asyncio.Task[Answer]] = {}

    def ask(self, key: Hashable, question: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
        """Ask in the background, unless the last question for `key` is still open."""
        if key not in self._open:
            self._open[key] = asyncio.create_task(question())

    async def answers(self, patience_ms: int, *, enough: Callable[[Answer], bool] = lambda answer: False) -> dict[Hashable, Answer]:
        """What was answered since the last look. Waits for all open questions, but no longer than `patience_ms`, and not once one
        answer is `enough`. Raises what a question raised."""
        if not self._open:
            return {}
        if not patience_ms:  # asked twice with every look at every order: a timer for each would cost as much as the look
            await asyncio.sleep(0)
            return {key: self._open.pop(key).result() for key in [key for key, task in self._open.items() if task.done()]}
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_ms / 1000
        found: dict[Hashable, Answer] = {}
        while self._open and not any(map(enough, found.values())):
            done, _ = await asyncio.wait(
                self._open.values(), timeout=max(until - loop.time(), 0), return_when=asyncio.FIRST_COMPLETED
            )
            for key in [key for key, task in self._open.items() if task in done]:
                found[key] = self._open.pop(key).result()
            if not done:
                break
        return found

    async def aclose(self, patience_ms: int = 0) -> None:
        """Give what is still open `patience_ms` to end, then drop it."""
        if not self._open:
            return
        tasks = list(self._open.values())
        self._open.clear()
        _, late = await asyncio.wait(tasks, timeout=patience_ms / 1000)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask_all(questions: list[Awaitable[Answer]]) -> list[Answer]:
    """The answers in the order of the questions, asked at once. Raises the first failure after all have ended."""
    found = await asyncio.gather(*questions, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if not isinstance(one, BaseException)]
