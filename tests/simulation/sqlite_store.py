"""The real journal on SQLite in a simulated run: every step is waited for in earnest, and no virtual time passes meanwhile.

The store runs on an event loop of its own in a thread of its own. The simulated world stands still during each of its steps, so the
threads cannot make two runs differ.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from dexroute.ports import OrderStore
from dexroute.storage.store import SqlStore, open_store


class _Standstill:
    """The methods of a store, run elsewhere and waited for."""

    def __init__(self, store: SqlStore, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop

    @property
    def leased(self) -> bool:
        return self._store.leased

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._store, name)

        async def call(*values: Any, **named: Any) -> Any:
            return asyncio.run_coroutine_threadsafe(method(*values, **named), self._loop).result()

        return call


@contextmanager
def sqlite_store(file: Path) -> Iterator[OrderStore]:
    """A journal at `file`, open until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="journal of the simulation")
    thread.start()
    try:
        opening = open_store(file)
        store = asyncio.run_coroutine_threadsafe(opening.__aenter__(), loop).result()
        try:
            yield cast(OrderStore, _Standstill(store, loop))
        finally:
            asyncio.run_coroutine_threadsafe(opening.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
