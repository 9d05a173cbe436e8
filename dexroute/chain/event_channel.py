"""Committed events on Redis pub/sub, channel `dexroute:1:GENESIS:events`, one JSON object a message.

For other processes, in two ways: a program hears of every step by subscribing to the channel (`seq` counts each order's steps, so
it sees what it missed, and reads that from the journal); and this package's own subscribers take a message as a hint to look
into the journal now. Publishing never waits: events gather while the server is away, the newest some thousands of them.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from dexroute.chain.redis_connection import connect_redis
from dexroute.engine.execution.receipt import event_json
from dexroute.types.orders import OrderEvent

if TYPE_CHECKING:
    from redis.asyncio import Redis

_KEPT: Final = 10_000
_PAUSE_S: Final = 1.0
_LAST_WORDS_S: Final = 0.5
_PATIENCE_S: Final = 5.0


class EventChannel:
    """Both ends of the channel of one cluster."""

    def __init__(self, redis: Redis, genesis_hash: str) -> None:
        self.name = f"dexroute:1:{genesis_hash}:events"
        self._redis = redis
        self._waiting: deque[OrderEvent] = deque(maxlen=_KEPT)
        self._publishing: asyncio.Task[None] | None = None

    def publish(self, event: OrderEvent) -> None:
        """Soon, in the order of the calls. Never raises, never waits."""
        self._waiting.append(event)
        if self._publishing is None or self._publishing.done():
            self._publishing = asyncio.create_task(self._publish())

    async def listen(self, hear: Callable[[str], None]) -> None:
        """Call `hear` with the order of every message, until cancelled; a server that is away is waited for."""
        from redis.exceptions import RedisError

        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self.name)
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=_PATIENCE_S)
                        if message is not None and (order_id := _order_of(message["data"])) is not None:
                            hear(order_id)
            except (RedisError, OSError):
                await asyncio.sleep(_PAUSE_S)

    async def close(self) -> None:
        """What is still waiting gets a moment."""
        if self._publishing is not None:
            await asyncio.wait([self._publishing], timeout=_LAST_WORDS_S)
            self._publishing.cancel()
            await asyncio.gather(self._publishing, return_exceptions=True)

    async def _publish(self) -> None:
        from redis.exceptions import RedisError

        while self._waiting:
            event = self._waiting[0]
            try:
                await self._redis.publish(self.name, json.dumps(event_json(event)))
            except (RedisError, OSError):
                await asyncio.sleep(_PAUSE_S)
                continue
            with suppress(IndexError):
                if self._waiting[0] is event:  # else the deque was full, and dropped it
                    self._waiting.popleft()


@asynccontextmanager
async def open_channel(url: str, genesis_hash: str) -> AsyncIterator[EventChannel]:
    """The channel at `url`, open while the block lasts; it connects when first used. Raises ConfigError."""
    async with connect_redis(url) as redis:
        channel = EventChannel(redis, genesis_hash)
        try:
            yield channel
        finally:
            await channel.close()


def _order_of(message: bytes) -> str | None:
    """Whatever else comes over the channel is not ours."""
    try:
        order_id = json.loads(message)["order"]
    except (ValueError, KeyError, TypeError):
        return None
    return order_id if isinstance(order_id, str) else None
