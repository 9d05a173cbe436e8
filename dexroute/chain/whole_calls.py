"""Calls over a connection pool, none of which is torn apart.

A task cancelled at the wrong moment inside httpcore (1.0.9) leaves its connection in the pool for good, neither idle nor closed;
some hundred orders later the pool is full of them, and the node is "down" until the process is started again. Orders do drop
questions all the time: the last send when the truth is known, a look that came too late. So a call goes on to its end in a task of
its own, and only its caller stops waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")

MOST_AT_ONCE: Final = 32
"""Calls on their way to one server, each with a connection of its own. Solana's public nodes allow 40 connections per address."""


class WholeCalls:
    """At most `MOST_AT_ONCE` at a time, each bounded by `timeout_s`, the wait for its turn included."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._turn = asyncio.Semaphore(MOST_AT_ONCE)
        self._open: set[asyncio.Task[Any]] = set()

    async def run(self, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """What `call` returns or raises. Raises TimeoutError, and httpx.ReadError when closed meanwhile."""
        async with asyncio.timeout(self._timeout_s):
            await self._turn.acquire()
            task = asyncio.create_task(self._bounded(call))
            self._open.add(task)
            task.add_done_callback(self._ended)
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                me = asyncio.current_task()
                if me is None or me.cancelling():
                    raise
                import httpx

                raise httpx.ReadError("the client was closed") from None

    async def aclose(self) -> None:
        """Drop what is on its way: the connections are closed next."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _bounded(self, call: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        async with asyncio.timeout(self._timeout_s):
            return await call()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._open.discard(task)
        self._turn.release()
        if not task.cancelled():
            task.exception()  # looked at: whoever asked may be gone
