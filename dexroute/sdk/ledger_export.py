"""`dex export`: the orders of a journal with symbols and decimals, as it was when the first was read, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from solders.pubkey import Pubkey

from dexroute.config import Settings
from dexroute.errors import DatabaseError
from dexroute.sdk.ledger import ledger_mints
from dexroute.sdk.ledger_tokens import LedgerTokens
from dexroute.sdk.token import Token
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
        tokens = LedgerTokens(settings, stack)
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
                yield ExportedOrder(history=history, tokens=await tokens.of(history.order.genesis_hash, ledger_mints(history)))
                exported += 1
