"""Connections to one server, each an HTTP client of its own.

With many connections in one pool httpcore (1.0.9) looks at every one of them, its socket included, at the beginning and the end of
every call, and for each at all of them once more: with the two dozen that a busy worker has, that took longer than the calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import httpx

KEPT_S: Final = 10.0
"""After a burst, connections that were not needed for so long are closed, one with each call."""


class Connections:
    """As many clients as there are calls at once, made by `connect`; what was used last is used next. With `are_one` a single one
    makes all calls: its transport is the caller's, and knows no connections."""

    def __init__(self, connect: Callable[[], httpx.AsyncClient], *, are_one: bool) -> None:
        self._connect = connect
        self._are_one = are_one
        self._all = [connect()]
        self._free = deque([(self._all[0], monotonic())])

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpx.AsyncClient]:
        """Nobody else's until the block ends."""
        if self._are_one:
            yield self._all[0]
            return
        if self._free:
            client, _ = self._free.pop()
        else:
            client = self._connect()
            self._all.append(client)
        try:
            yield client
        finally:
            now = monotonic()
            self._free.append((client, now))
            oldest, used_s = self._free[0]
            if now - used_s > KEPT_S:
                self._free.popleft()
                self._all.remove(oldest)
                await oldest.aclose()

    async def aclose(self) -> None:
        for client in self._all:
            await client.aclose()
