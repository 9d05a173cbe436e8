"""Where a `Dex` keeps accounts between quotes: the stream where there is one, its own memory, and Redis where it is shared."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dexroute.chain.cache import MemoryCache
from dexroute.config import Settings, websocket_url
from dexroute.errors import UsageError
from dexroute.ports import AccountCache, Clock
from dexroute.sdk.connection import Connection
from dexroute.sdk.terms import Strategy
from dexroute.types.chain import Commitment

if TYPE_CHECKING:
    from dexroute.chain.stream import AccountStream


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCaches:
    """`in_order` is how they are asked."""

    in_order: tuple[AccountCache, ...]
    stream: AccountStream | None
    cache_slots: int

    def allowed_slots(self, strategy: Strategy) -> int:
        """How old accounts may be for a quote that says nothing of it: `cache_slots` for speed, or with a stream, which
        makes it likely that what is kept is what is; else they are read."""
        return self.cache_slots if self.stream or strategy is Strategy.SPEED else 0


async def open_caches(
    settings: Settings, connection: Connection, clock: Clock, stack: AsyncExitStack, *, stream: bool
) -> AccountCaches:
    """The caches of these settings, open as long as `stack`. Raises UsageError for a stream of what is only processed."""
    followed = None
    if stream and Commitment(settings.commitment) is Commitment.PROCESSED:
        raise UsageError("a stream follows confirmed or finalized accounts; choose another commitment than processed")
    # The embedded cluster is in this process: there is no round trip that a stream could save.
    if stream and (settings.ws_url or not settings.is_embedded):
        from dexroute.chain.stream import AccountStream

        followed = await stack.enter_async_context(
            AccountStream(
                [settings.ws_url or websocket_url(settings.rpc_url), *map(websocket_url, settings.rpc_urls)],
                connection.client,
                clock,
                commitment=Commitment(settings.commitment),
            )
        )
    caches: list[AccountCache] = [followed] if followed else []
    caches.append(MemoryCache(clock))
    if settings.redis_url:
        from dexroute.chain.cache.redis import open_redis

        shared = open_redis(
            settings.redis_url, clock, genesis_hash=connection.genesis_hash, commitment=Commitment(settings.commitment)
        )
        caches.append(await stack.enter_async_context(shared))
    return AccountCaches(
        in_order=tuple(caches),
        stream=followed,
        cache_slots=settings.cache_slots,
    )
