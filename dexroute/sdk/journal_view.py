"""Reading a journal and nothing else: beside whoever holds and writes it, without a key, and without a cluster that answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from solders.pubkey import Pubkey

from dexroute.config import Settings
from dexroute.engine.execution.receipt import Receipt, read_receipt
from dexroute.engine.execution.restored import read_restored
from dexroute.engine.execution.stats import QueueStats, read_stats
from dexroute.errors import UsageError
from dexroute.host.clock import HostClock
from dexroute.sdk.events import open_events
from dexroute.sdk.ledger_tokens import LedgerTokens
from dexroute.sdk.token import Token
from dexroute.storage.store import SqlStore, read_store
from dexroute.types.orders import OrderEvent, OrderState


class JournalView:
    """The orders of a journal as they are now. Every question is one short read; nothing is kept between them."""

    def __init__(self, settings: Settings, store: SqlStore, tokens: LedgerTokens) -> None:
        self._settings = settings
        self._store = store
        self._tokens = tokens

    async def list(self, *, states: Collection[OrderState] | None = None, limit: int | None = None) -> tuple[Receipt, ...]:
        """Newest first."""
        return tuple([await read_receipt(self._store, order.id) for order in await self._store.orders(states=states, limit=limit)])

    async def receipt(self, order_id: str) -> Receipt:
        """One order with its attempts, its fill and its journal. Raises OrderNotFound."""
        return await read_receipt(self._store, order_id, with_events=True)

    async def stats(self, wallet: Pubkey | None) -> tuple[QueueStats, Mapping[Pubkey, Token]]:
        """How many orders stand where, what the open ones of `wallet` promise, and the tokens of that. Raises UsageError when they
        promise coins of several clusters and none of these answers."""
        async with self._store.snapshot() as journal:
            everything = await journal.promised()
        clusters = {cluster for cluster, owner, _ in everything if owner == wallet}
        cluster = clusters.pop() if len(clusters) == 1 else await self._one_of(clusters)
        promised = {mint: amount for (of, owner, mint), amount in everything.items() if (of, owner) == (cluster, wallet)}
        found = await read_stats(self._store, promised, now_ms=HostClock().now_ms())
        return found, await self._tokens.of(cluster, promised)

    async def restored(self) -> Mapping[str, Any] | None:
        """What is known of a restore of this journal from a backup that nobody accepted yet; None when there was none."""
        return await read_restored(self._store)

    async def events(self, order_id: str | None = None, *, after: int = 0, live: bool = True) -> AsyncIterator[OrderEvent]:
        """See `Dex.events`. What another process commits is found by looking, and over Redis where that is configured."""
        connection = await self._tokens.connection() if live and self._settings.redis_url else None
        redis_url = self._settings.redis_url if connection else None
        async with open_events(self._store, redis_url, connection.genesis_hash if connection else "") as events:
            async for event in events.follow(order_id, after=after, live=live):
                yield event

    async def tokens(self, receipts: Iterable[Receipt]) -> Mapping[Pubkey, Token]:
        """By mint. One that is not the same on all clusters these orders are of is left out, and shown in base units."""
        named: dict[Pubkey, set[Token | None]] = {}
        for receipt in receipts:
            mints = set(receipt.mints)
            found = await self._tokens.of(receipt.order.genesis_hash, mints)
            for mint in mints:
                named.setdefault(mint, set()).add(found.get(mint))
        certain = {mint: found for mint, (found, *others) in ((mint, [*all_]) for mint, all_ in named.items()) if not others}
        return {mint: token for mint, token in certain.items() if token is not None}

    async def _one_of(self, clusters: Collection[str]) -> str:
        if not clusters:
            return ""
        connection = await self._tokens.connection()
        if connection is None:
            raise UsageError(
                f"open orders of this wallet promise coins on {len(clusters)} clusters: name one that answers with -u",
                clusters=sorted(clusters),
            )
        return connection.genesis_hash


@asynccontextmanager
async def open_journal_view(settings: Settings) -> AsyncIterator[JournalView]:
    """The journal of `settings`, to read. Another process may hold it and write meanwhile; neither waits for the other. One that is
    missing or older is made or migrated first. Raises DatabaseError, DatabaseUnavailable, DataDirBusy (an older one in use)."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(read_store(settings.database_url))
        yield JournalView(settings, store, LedgerTokens(settings, stack))
