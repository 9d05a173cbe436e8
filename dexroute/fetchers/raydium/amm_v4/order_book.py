"""The part of a pool's funds that lies in its open orders on an OpenBook market, and which program builds count it.

Until 2026-07 a pool of status 1 trades on what its vaults and its open orders hold together; the source of 2026-07
(raydium-io/raydium-amm@27f461d, "Remove openbook dependency") looks at the vaults alone. Nothing in a pool's accounts tells
which build its cluster runs, so where the two would differ the caller has to say it.
Source of the counting: raydium-io/raydium-amm@3b087ad, program/src/math.rs (`calc_exact_vault_in_serum`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dexroute.fetchers.layout import Reader


class OrderBookRule(StrEnum):
    """What the deployed program does with funds in open orders."""

    COUNTED = "counted"  # builds until 2026-07
    IGNORED = "ignored"  # the source of 2026-07 and later
    UNKNOWN = "unknown"  # quote only where both agree


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrders:
    """Base units, coin then pc. `totals` lie in the market for this pool, `free` of them in no order. `bid_fills` and
    `ask_fills` are (paid, received) of the pool's maker orders whose fills the market has not booked yet."""

    free: tuple[int, int]
    totals: tuple[int, int]
    bid_fills: tuple[int, int] = (0, 0)
    ask_fills: tuple[int, int] = (0, 0)

    @property
    def funds(self) -> tuple[int, int]:
        """What belongs to the pool once all fills are booked. Negative where the accounts contradict each other."""
        return (
            self.totals[0] + self.bid_fills[1] - self.ask_fills[0],
            self.totals[1] - self.bid_fills[0] + self.ask_fills[1],
        )

    def available(self, index_out: int) -> int:
        """What leaves the market when the pool cancels the orders that hold mint `index_out` and settles."""
        unbooked = self.ask_fills[0] if index_out == 0 else self.bid_fills[0]
        return self.totals[index_out] - unbooked

    def cancelled(self, index_out: int) -> OpenOrders:
        """After the pool cancelled its asks (coin goes out, 0) or its bids (pc goes out, 1)."""
        free = self.available(index_out)
        freed = (free, self.free[1]) if index_out == 0 else (self.free[0], free)
        return OpenOrders(free=freed, totals=self.totals, bid_fills=self.bid_fills, ask_fills=self.ask_fills)

    def settled(self) -> OpenOrders:
        """After everything free went to the vaults."""
        totals = (self.totals[0] - self.free[0], self.totals[1] - self.free[1])
        return OpenOrders(free=(0, 0), totals=totals, bid_fills=self.bid_fills, ask_fills=self.ask_fills)


def unbooked_fills(queue: Reader, owner: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """(paid, received) of the bids, then of the asks, that `owner` (an open-orders account) made and a taker filled.

    The event queue is a ring of 88-byte events from byte 37, `count` of them from `head`. Layout: project-serum/serum-dex,
    dex/src/state.rs (`EventQueueHeader`, `Event`, `EventFlag`).
    """
    slots = (len(queue.data) - _EVENTS_AT) // _EVENT_LENGTH
    head, count = queue.u64(13), queue.u64(21)
    bids, asks = [0, 0], [0, 0]
    found = queue.data.find(owner, _EVENTS_AT)
    while found >= 0:
        index, place = divmod(found - _EVENTS_AT, _EVENT_LENGTH)
        if place == _OWNER and index < slots and (index - head) % slots < count:
            event = found - _OWNER
            flags = queue.u8(event)
            if flags & _FILL and flags & _MAKER:
                side = bids if flags & _BID else asks
                side[0] += queue.u64(event + 16)
                side[1] += queue.u64(event + 8)
        found = queue.data.find(owner, found + 1)
    return (bids[0], bids[1]), (asks[0], asks[1])


_EVENTS_AT, _EVENT_LENGTH, _OWNER = 37, 88, 48
_FILL, _BID, _MAKER = 1, 4, 8
