"""The queue in numbers: how many orders stand where, and how long the oldest open one has waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solders.pubkey import Pubkey

from dexroute.ports import OrderStore
from dexroute.types.orders import OPEN_STATES, OrderState, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """`states` counts all orders, `waiting` the open ones by priority, `not_final` those that landed and a fork may still undo.
    `oldest_open_ms` is the oldest open order's age by this host's time, `promised` what this wallet's open orders may spend."""

    states: Mapping[OrderState, int]
    waiting: Mapping[Priority, int]
    not_final: int
    oldest_open_ms: int | None
    promised: Mapping[Pubkey, int]

    def json(self) -> dict[str, Any]:
        return {
            "states": {str(state): self.states.get(state, 0) for state in OrderState},
            "open": {str(priority): self.waiting.get(priority, 0) for priority in Priority},
            "not_final": self.not_final,
            "oldest_open_ms": self.oldest_open_ms,
            "promised": [{"mint": str(mint), "amount": str(amount)} for mint, amount in self.promised.items()],
        }


async def read_stats(store: OrderStore, promised: Mapping[Pubkey, int], *, now_ms: int) -> QueueStats:
    """Counted by the database."""
    states: Counter[OrderState] = Counter()
    waiting: Counter[Priority] = Counter()
    not_final = 0
    for state, priority, settled, count in await store.counts():
        states[state] += count
        if state in OPEN_STATES:
            waiting[priority] += count
        elif not settled:
            not_final += count
    oldest = await store.oldest_open()
    return QueueStats(
        states=states,
        waiting=waiting,
        not_final=not_final,
        oldest_open_ms=None if oldest is None else max(0, now_ms - oldest.created_ms),
        promised={mint: amount for mint, amount in promised.items() if amount},
    )
