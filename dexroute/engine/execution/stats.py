"""The queue in numbers: how many orders stand where, and how long the oldest open one has waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from solders.pubkey import Pubkey

from dexroute.ports import OrderStore
from dexroute.types.orders import OPEN_STATES, EventKind, Holder, OrderState, Priority

_ENDS: Final = (EventKind.CONFIRMED, EventKind.FAILED, EventKind.CANCELLED)
NEWEST_STEPS: Final = 5_000
_MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """`states` counts all orders, `waiting` the open ones by priority, `not_final` those that landed and a fork may still undo.
    `oldest_open_ms` is the oldest open order's age by this host's time, `promised` what this wallet's open orders may spend.
    `running` counts the open ones somebody has begun with, `ended` how many came to their end in the last minute, and `retries` why
    orders were routed or signed anew, by error code or proof of death; both among the newest steps only. `holders` are the workers
    that have open orders in hand."""

    states: Mapping[OrderState, int]
    waiting: Mapping[Priority, int]
    not_final: int
    oldest_open_ms: int | None
    promised: Mapping[Pubkey, int]
    running: int = 0
    ended: int = 0
    retries: Mapping[str, int] = field(default_factory=dict)
    holders: tuple[Holder, ...] = ()

    def json(self) -> dict[str, Any]:
        return {
            "states": {str(state): self.states.get(state, 0) for state in OrderState},
            "open": {str(priority): self.waiting.get(priority, 0) for priority in Priority},
            "running": self.running,
            "workers": [
                {
                    "worker": holder.owner,
                    "orders": holder.orders,
                    "since_ms": holder.since_ms,
                    "lease_left_ms": holder.lease_left_ms,
                }
                for holder in self.holders
            ],
            "ended_last_minute": self.ended,
            "retries": dict(self.retries),
            "not_final": self.not_final,
            "oldest_open_ms": self.oldest_open_ms,
            "promised": [{"mint": str(mint), "amount": str(amount)} for mint, amount in self.promised.items()],
        }


async def read_stats(store: OrderStore, promised: Mapping[Pubkey, int], *, now_ms: int, newest: int = NEWEST_STEPS) -> QueueStats:
    """Counted by the database, but for `ended` and `retries`: of the `newest` steps that tell of them."""
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
    ended, retries = await _newest(store, now_ms, newest)
    return QueueStats(
        states=states,
        waiting=waiting,
        not_final=not_final,
        oldest_open_ms=None if oldest is None else max(0, now_ms - oldest.created_ms),
        promised={mint: amount for mint, amount in promised.items() if amount},
        running=sum(count for state, count in states.items() if state in OPEN_STATES and state is not OrderState.PENDING),
        ended=ended,
        retries=dict(retries.most_common()),
        holders=await store.holders(),
    )


async def _newest(store: OrderStore, now_ms: int, newest: int) -> tuple[int, Counter[str]]:
    """How many orders ended in the last minute, and what others were tried again for."""
    ended, retries = 0, Counter[str]()
    for event in await store.newest_steps((*_ENDS, EventKind.ROUTING, EventKind.ATTEMPT_DEAD), limit=newest):
        if event.kind in _ENDS:
            ended += event.at_ms > now_ms - _MINUTE_MS
        elif (cause := event.facts.get("cause") or event.facts.get("proof")) is not None:
            retries[str(cause)] += 1
    return ended, retries
