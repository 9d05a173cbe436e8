"""The initialized ticks of a pool around its price, as far as they were read: what a swap climbs up or down.

Only an unbroken run counts: behind an array that holds ticks and was not read, nothing is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dexroute.fetchers.raydium.clmm.bitmap import TickArrayBitmap
from dexroute.fetchers.raydium.clmm.limit_orders import LimitOrders


@dataclass(frozen=True, slots=True, kw_only=True)
class TickLadder:
    """`ticks` ascend; `nets` are what their liquidity changes by when the price rises through them. `orders` are the limit
    orders on them, by tick. `unread_below` and `unread_above` number the first array on either side that holds ticks and was
    not read (None: there are no more)."""

    ticks: tuple[int, ...]
    nets: tuple[int, ...]
    orders: Mapping[int, LimitOrders]
    unread_below: int | None
    unread_above: int | None

    def first(self, tick: int, *, down: bool) -> int:
        """Where in `ticks` a swap from this tick starts: at the tick or below it, or above it."""
        above = bisect_right(self.ticks, tick)
        return above - 1 if down else above

    def net_at(self, tick: int) -> int:
        """What the liquidity changes by when the price rises through this initialized tick."""
        return self.nets[bisect_right(self.ticks, tick) - 1]

    def with_orders(self, tick: int, orders: LimitOrders) -> TickLadder:
        """With other orders on a tick. Without orders and positions a tick is no longer initialized, and gone."""
        kept = {at: other for at, other in self.orders.items() if at != tick}
        if orders.unfilled:
            return replace(self, orders=kept | {tick: orders})
        if orders.has_liquidity:
            return replace(self, orders=kept)
        place = bisect_right(self.ticks, tick) - 1
        return replace(
            self,
            orders=kept,
            ticks=self.ticks[:place] + self.ticks[place + 1 :],
            nets=self.nets[:place] + self.nets[place + 1 :],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TickArray:
    """The initialized ticks of one array, ascending."""

    ticks: tuple[int, ...]
    nets: tuple[int, ...]
    orders: Mapping[int, LimitOrders]


def ladder_of(arrays: Mapping[int, TickArray], bitmap: TickArrayBitmap, current: int) -> TickLadder:
    """The run of `arrays` around the array number `current` that the bitmap leads through."""
    lower, unread_below = _run(arrays, bitmap, current, down=True)
    upper, unread_above = _run(arrays, bitmap, current, down=False)
    middle: list[int] = []
    if bitmap.is_set(current):
        if current in arrays:
            middle.append(current)
        else:
            lower, upper, unread_below, unread_above = [], [], current, current
    run = [arrays[number] for number in (*reversed(lower), *middle, *upper)]
    return TickLadder(
        ticks=tuple(tick for array in run for tick in array.ticks),
        nets=tuple(net for array in run for net in array.nets),
        orders={tick: orders for array in run for tick, orders in array.orders.items()},
        unread_below=unread_below,
        unread_above=unread_above,
    )


def _run(arrays: Mapping[int, TickArray], bitmap: TickArrayBitmap, start: int, *, down: bool) -> tuple[list[int], int | None]:
    numbers: list[int] = []
    found = bitmap.next(start, down=down)
    while found is not None and found in arrays:
        numbers.append(found)
        found = bitmap.next(found, down=down)
    return numbers, found
