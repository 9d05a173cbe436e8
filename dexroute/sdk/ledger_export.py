"""`dex export`: the orders of a journal with symbols and decimals, as it was when the first was read, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.chain.tokens import TokenList
from dexroute.config import Settings
from dexroute.errors import DatabaseError, DexError
from dexroute.sdk.connection import Connection, connect
from dexroute.sdk.ledger import ledger_mints
from dexroute.sdk.quote import Token
from dexroute.sdk.tokens import TokenBook
from dexroute.storage.snapshot import HistoryFilter, UnreadableOrder
from dexroute.storage.store import read_store
from dexroute.types.orders import OrderHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedOrder:
    """`tokens` lacks the mints whose decimals nobody could tell."""

    history: OrderHistory
    tokens: Mapping[Pubkey, Token]


async def export_orders(
    settings: Settings, wanted: HistoryFilter | None = None, *, limit: int | None = None
) -> AsyncGenerator[ExportedOrder, None]:
    """Oldest order first, at most `limit`. The journal may be held and written by another process meanwhile; no key is needed, and
    the cluster is asked only for decimals no list of the user says. Raises DatabaseError, also for an order that cannot be read:
    none is left out in silence."""
    exported = 0
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(read_store(settings.database_url))
        tokens = _Tokens(settings, stack)
        async with store.snapshot() as journal:
            async for history in journal.histories(wanted, events=False):
                if limit is not None and exported >= limit:
                    return
                if isinstance(history, UnreadableOrder):
                    raise DatabaseError(
                        f"order {history.order_id} cannot be read ({history.reason}), and no order is left out of an export: see "
                        "`dex doctor --invariants`, restore a backup, or export what is before and after it (--since, --until)",
                        order=history.order_id,
                    )
                yield ExportedOrder(history=history, tokens=await tokens.of(history))
                exported += 1


class _Tokens:
    """Symbols and decimals: of the lists of each order's cluster, else of the chain where the settings lead to that cluster."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._lists: dict[str, TokenList] = {}
        self._known: dict[tuple[str, Pubkey], Token | None] = {}
        self._connection: Connection | None = None
        self._asked = False

    async def of(self, history: OrderHistory) -> dict[Pubkey, Token]:
        cluster = history.order.genesis_hash
        found: dict[Pubkey, Token] = {}
        for mint in ledger_mints(history):
            if (cluster, mint) not in self._known:
                self._known[cluster, mint] = await self._find(cluster, mint)
            if (token := self._known[cluster, mint]) is not None:
                found[mint] = token
        return found

    async def _find(self, cluster: str, mint: Pubkey) -> Token | None:
        if cluster not in self._lists:
            self._lists[cluster] = TokenList.open(self._settings.data_dir, cluster)
        listed = self._lists[cluster].of_mint(mint)
        if listed.decimals is not None and listed.source != "verified":  # whose decimals are not for amounts
            return Token(mint=mint, symbol=listed.label, decimals=listed.decimals)
        connection = await self._connected()
        if connection is None or connection.genesis_hash != cluster:
            return None
        try:
            return await TokenBook(self._lists[cluster], connection.client).resolve(mint)
        except DexError:  # closed, or the node has gone
            return None

    async def _connected(self) -> Connection | None:
        if not self._asked:
            self._asked = True
            try:
                self._connection = await self._stack.enter_async_context(connect(self._settings))
            except DexError:
                return None
        return self._connection
