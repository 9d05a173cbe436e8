"""Events after their commit: to subscribers of this process, and over Redis where one is configured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from dexroute.engine.execution.events import EventFeed
from dexroute.ports import EventSource
from dexroute.types.orders import OrderEvent

if TYPE_CHECKING:
    from dexroute.chain.event_channel import EventChannel


class OrderEvents:
    """One journal's events. With a channel, what others publish there is looked at at once; listening begins with the first
    subscriber."""

    def __init__(self, feed: EventFeed, channel: EventChannel | None) -> None:
        self._feed = feed
        self._channel = channel
        self._listening: asyncio.Task[None] | None = None

    async def follow(self, order_id: str | None = None, *, after: int = 0, live: bool = True) -> AsyncIterator[OrderEvent]:
        """See `EventFeed.follow`."""
        if live and self._channel is not None and self._listening is None:
            self._listening = asyncio.create_task(self._channel.listen(self._feed.wake))
        async for event in self._feed.follow(order_id, after=after, live=live):
            yield event

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


@asynccontextmanager
async def open_events(source: EventSource, redis_url: str | None, genesis_hash: str) -> AsyncIterator[OrderEvents]:
    """The events of `source`; what it commits is published at `redis_url`, where there is one. Raises ConfigError."""
    async with AsyncExitStack() as stack:
        channel: EventChannel | None = None
        if redis_url is not None:
            from dexroute.chain.event_channel import open_channel

            channel = await stack.enter_async_context(open_channel(redis_url, genesis_hash))
            source.on_commit(channel.publish)
        events = OrderEvents(EventFeed(source), channel)
        stack.push_async_callback(events.close)
        yield events
