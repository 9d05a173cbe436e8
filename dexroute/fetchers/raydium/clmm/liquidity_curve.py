"""A CLMM pool as stretches of hyperbolae: one from tick to tick, one per tick spacing where the fee moves along.

Fees and what orders have been paid stay out of the liquidity, and a second swap goes on from the fee references of the first, so
that swaps one after the other give what one of their sum gives, roundings apart. Only a dynamic fee without a filter period takes
its references anew in every swap: its dynamic part then counts as nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dexroute.fetchers.raydium.clmm.limit_orders import price_of_orders
from dexroute.fetchers.raydium.clmm.walk import crossed, outermost_price, way_end
from dexroute.fetchers.raydium.clmm.walk_2026 import MOST_STEPS, fee_on_input, total_rate_ppm
from dexroute.math.concave import Piece
from dexroute.math.rounding import PPM
from dexroute.math.tick import MAX_TICK, MIN_TICK, sqrt_price_at_tick

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.clmm.pool import ClmmPool

_ONE: Final = float(1 << 64)


def stretches(pool: ClmmPool, *, down: bool) -> Iterator[Piece]:
    """Pieces between the two token transfers, in walking order. Ends with the QuoteError of the way's end."""
    fees = _Fees(pool, down)
    limit, ladder = outermost_price(pool, down=down), pool.ladder
    price, liquidity = pool.sqrt_price_x64, pool.liquidity
    index, onward = ladder.first(pool.tick_current, down=down), -1 if down else 1
    while price != limit:
        if not 0 <= index < len(ladder.ticks):
            raise way_end(pool, down=down)
        tick = ladder.ticks[index]
        at_tick = sqrt_price_at_tick(tick)
        target = max(at_tick, limit) if down else min(at_tick, limit)
        if liquidity and target != price:
            yield from fees.stretches(price, target, liquidity)
        price = target
        if price == at_tick:
            orders = ladder.orders.get(tick)
            if orders is not None:
                yield fees.orders(orders.unfilled, price_of_orders(price, down=down))
            liquidity = crossed(liquidity, -ladder.nets[index] if down else ladder.nets[index])
            index += onward
            fees.index = tick // pool.tick_spacing - 1 if down else tick // pool.tick_spacing


class _Fees:
    """What the pool charges on the way."""

    def __init__(self, pool: ClmmPool, down: bool) -> None:
        self.down, self.spacing, self.base = down, pool.tick_spacing, pool.trade_fee_ppm
        self.base_keep = 1.0 - self.base / PPM
        self.on_input = fee_on_input(pool.fee_on, 0 if down else 1)
        self.index = pool.tick_current // pool.tick_spacing
        self.steps = 0
        self.dynamic = None
        if pool.dynamic_fee is not None and pool.dynamic_fee.filter_period > 0:
            self.dynamic = pool.dynamic_fee.at_start(self.index, pool.clock.unix_timestamp)

    def _keep(self) -> float:
        """What the fee leaves of one while the price is within spacing `index`."""
        if self.dynamic is None:
            return self.base_keep
        return 1.0 - total_rate_ppm(self.base, self.dynamic.moved_to(self.index), self.spacing) / PPM

    def stretches(self, price: int, target: int, liquidity: int) -> Iterator[Piece]:
        dynamic = self.dynamic
        while dynamic is not None and price != target:
            leaving = dynamic.index_reference >= self.index if self.down else dynamic.index_reference <= self.index
            self.steps += 1
            if leaving and (self.steps > MOST_STEPS or dynamic.moved_to(self.index).saturated):
                break  # it gets no cheaper from here
            if self.steps > MOST_STEPS:
                self.index = dynamic.index_reference  # nor cheaper than there
                break
            edge = sqrt_price_at_tick(min(max((self.index if self.down else self.index + 1) * self.spacing, MIN_TICK), MAX_TICK))
            if target > edge if self.down else target < edge:
                edge = target
            if edge != price:
                yield self._piece(price, edge, liquidity, self._keep())
            price = edge
            if price != target:
                self.index += -1 if self.down else 1
        if price != target:
            yield self._piece(price, target, liquidity, self._keep())

    def _piece(self, price: int, target: int, liquidity: int, keep: float) -> Piece:
        root = price / _ONE
        if self.down:
            net, slope, bend = liquidity * (price - target) / target / root, root * root, root / liquidity
        else:
            net, slope, bend = liquidity * (target - price) / _ONE, 1.0 / (root * root), 1.0 / (root * liquidity)
        return Piece(net / keep, slope * keep, bend * keep) if self.on_input else Piece(net, slope * keep, bend)

    def orders(self, unfilled: int, price_x64: int) -> Piece:
        """Limit orders: one price for all of them, at the fee of the spacing they are reached from."""
        keep = self._keep()
        slope = price_x64 / _ONE if self.down else _ONE / price_x64
        return Piece(unfilled / slope / keep if self.on_input else unfilled / slope, slope * keep, 0.0)
