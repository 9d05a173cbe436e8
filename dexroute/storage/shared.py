"""One read for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SharedRead(Generic[Answer]):
    """`ask` is called once for all who came since it was called last: everybody's answer is of a moment after he asked."""

    def __init__(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._asked: asyncio.Task[Answer] | None = None
        self._coming: asyncio.Task[Answer] | None = None

    async def answer(self) -> Answer:
        """Raises what `ask` raises."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._ask_after(self._asked))
            self._coming.add_done_callback(_looked_at)
        return await asyncio.shield(self._coming)

    async def _ask_after(self, before: asyncio.Task[Answer] | None) -> Answer:
        if before is not None:
            await asyncio.wait([before])
        self._asked, self._coming = self._coming, None
        return await self._ask()


def _looked_at(task: asyncio.Task[Answer]) -> None:
    """Whoever asked may be gone."""
    if not task.cancelled():
        task.exception()
