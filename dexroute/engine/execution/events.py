"""Following the journal: everything from a number on, then whatever is committed, without a gap and without a double.

SQL is what is read, always; a committed event of this process, or a message of another, only says that reading is worth while now.
So a hint that is late, doubled, lost or wrong costs at most the time until the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

from dexroute.errors import DatabaseUnavailable
from dexroute.ports import EventSource
from dexroute.types.orders import OrderEvent

_AT_ONCE: Final = 500
_LOOK_MS: Final = 1_000


class EventFeed:
    """The events of one journal, for any number of subscribers of this event loop. They look every `look_ms`, and when `wake` is
    called: `source` does for what this process commits."""

    def __init__(self, source: EventSource, *, look_ms: int = _LOOK_MS) -> None:
        self._source = source
        self._look_ms = look_ms
        self._bells: dict[asyncio.Event, str | None] = {}
        source.on_commit(lambda event: self.wake(event.order_id))

    def wake(self, order_id: str) -> None:
        """There may be news of this order."""
        for bell, wanted in self._bells.items():
            if wanted in (None, order_id):
                bell.set()

    async def follow(self, order_id: str | None = None, *, after: int = 0, live: bool = True) -> AsyncIterator[OrderEvent]:
        """Events of one order numbered above `after` by `seq`, or of all orders by `position`. With `live` the iterator waits for
        more: of one order until nothing can happen to it any more, of all until it is closed; a database that does not answer
        meanwhile is waited for. Raises OrderNotFound, DatabaseUnavailable (at the first look)."""
        bell = asyncio.Event()
        self._bells[bell] = order_id
        looked = False
        try:
            while True:
                bell.clear()
                found: Sequence[OrderEvent] = ()
                ended = not live
                try:
                    if order_id is None:
                        found = await self._source.journal_events(after=after, limit=_AT_ONCE)
                    else:
                        ended = ended or (await self._source.order(order_id)).settled  # asked first: its last event is read after
                        found = await self._source.events(order_id, after_seq=after)
                    looked = True
                except DatabaseUnavailable:
                    if not looked:
                        raise
                    ended = False
                for event in found:
                    after = event.seq if order_id is not None else event.position or after
                    yield event
                if found and order_id is None:
                    continue
                if ended:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_ms / 1_000):
                        await bell.wait()
        finally:
            del self._bells[bell]
