"""A swap from tick to tick with what the program's 2026 source added: fees on the output, dynamic fees, limit orders.

Source: raydium-io/raydium-clmm@03b44b7, programs/amm/src/instructions/swap.rs (`swap_internal`, `SwapState`) and
libraries/swap_math.rs (`compute_swap`). The build that mainnet ran in April 2026 has none of it: pools with such settings or
orders tell by their bytes that a later one runs. Refusals here carry no code: later builds number theirs anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dexroute.errors import QuoteOverflow
from dexroute.fetchers.raydium.clmm.dynamic_fee import MAX_RATE_PPM, DynamicFee
from dexroute.fetchers.raydium.clmm.limit_orders import fill
from dexroute.fetchers.raydium.clmm.steps import Step, amount_in_between, amount_out_between, fee_on_top
from dexroute.fetchers.raydium.clmm.walk import Walk, crossed, outermost_price, way_end
from dexroute.math.rounding import PPM, U64_MAX, ceil_div, mul_div_ceil
from dexroute.math.sqrt_price import price_after_a_in, price_after_a_out, price_after_b_in, price_after_b_out
from dexroute.math.tick import MAX_TICK, MIN_TICK, sqrt_price_at_tick, tick_at_sqrt_price

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.clmm.pool import ClmmPool

# A step costs the program some 17 000 compute units of the 1.4 million a transaction has. Dynamic fees make one of every tick
# spacing, so that a pool's settings alone could keep a quote busy for ever.
MOST_STEPS: Final = 1_000


def fee_on_input(fee_on: int, index_in: int) -> bool:
    """Whether the pool takes its fee from the input when mint `index_in` comes in."""
    return fee_on in (0, index_in + 1)


def total_rate_ppm(base_ppm: int, dynamic: DynamicFee, tick_spacing: int) -> int:
    """Parts per million that a swap pays where the dynamic fee stands now."""
    return min(base_ppm + dynamic.rate_ppm(tick_spacing), MAX_RATE_PPM)


def walk_2026(pool: ClmmPool, amount: int, *, down: bool, exact_in: bool) -> Walk:
    """Swap `amount` (positive) through the ticks. Raises QuoteError."""
    state = _State(pool, amount, down, exact_in)
    limit = outermost_price(pool, down=down)
    while state.left and state.price != limit:
        ticks = state.ladder.ticks
        index = state.ladder.first(state.tick, down=down)
        if not 0 <= index < len(ticks):
            raise way_end(pool, down=down)
        state.walk_to(ticks[index], limit)
    return Walk(
        left=state.left,
        calculated=state.calculated,
        fee=state.fee,
        sqrt_price_x64=state.price,
        tick=state.tick,
        liquidity=state.liquidity,
        ladder=state.ladder,
        steps=state.steps,
        dynamic_fee=state.dynamic,
    )


class _State:
    """What a swap changes on its way."""

    def __init__(self, pool: ClmmPool, amount: int, down: bool, exact_in: bool) -> None:
        self.down, self.exact_in = down, exact_in
        self.on_input = fee_on_input(pool.fee_on, 0 if down else 1)
        self.base_rate, self.spacing = pool.trade_fee_ppm, pool.tick_spacing
        self.price, self.tick, self.liquidity = pool.sqrt_price_x64, pool.tick_current, pool.liquidity
        self.ladder = pool.ladder
        self.left, self.calculated, self.fee = amount, 0, 0
        self.index = self.tick // self.spacing
        self.steps = 0
        self.dynamic: DynamicFee | None = None
        if pool.dynamic_fee is not None:
            self.dynamic = pool.dynamic_fee.at_start(self.index, pool.clock.unix_timestamp)

    def walk_to(self, tick: int, limit: int) -> None:
        """To this initialized tick, its orders and through it, or as far as the amount carries."""
        at_tick = sqrt_price_at_tick(tick)
        target = max(at_tick, limit) if self.down else min(at_tick, limit)
        liquidity_after = self.liquidity
        while True:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise QuoteOverflow(
                    f"it would take more than {MOST_STEPS} steps, far more than a transaction can compute; ask for less"
                )
            if self.dynamic is not None:
                self.dynamic = self.dynamic.moved_to(self.index)
            rate = self._rate()
            skipping, bound, bound_tick = self._bound(target)
            after = bound
            if self.price != bound:
                step = self._step(bound, rate)
                self._apply(step.amount_in, step.amount_out, step.fee)
                after = step.sqrt_price_x64
            if after == at_tick:
                liquidity_after = self._arrive(tick, at_tick, rate)
            elif after != self.price:
                self.tick = bound_tick if bound_tick is not None and after == bound else tick_at_sqrt_price(after)
            self.price = after
            self._follow(tick, at_tick, skipping)
            if not self.left or self.price == target:
                break
        self.liquidity = liquidity_after

    def _rate(self) -> int:
        if self.dynamic is None:
            return self.base_rate
        return total_rate_ppm(self.base_rate, self.dynamic, self.spacing)

    def _bound(self, target: int) -> tuple[bool, int, int | None]:
        """(whether spacings are skipped, where this step ends at the latest, and that tick when it is a spacing's edge)."""
        if self.dynamic is None or self.liquidity == 0 or self.dynamic.saturated:
            return True, target, None
        edge = (self.index if self.down else self.index + 1) * self.spacing
        edge = min(max(edge, MIN_TICK), MAX_TICK)
        price = sqrt_price_at_tick(edge)
        if target > price if self.down else target < price:
            return False, target, None
        return False, price, edge

    def _follow(self, tick: int, at_tick: int, skipping: bool) -> None:
        """Count the spacings along with the price."""
        if self.dynamic is None:
            return
        if skipping:
            reached = tick if self.price == at_tick else self.tick
            self.index = reached // self.spacing
            if not self.down and reached % self.spacing == 0:
                self.index -= 1
            if not self.dynamic.saturated:
                self.dynamic = self.dynamic.moved_to(self.index)
        self.index += -1 if self.down else 1

    def _arrive(self, tick: int, at_tick: int, rate: int) -> int:
        """Fill the orders on the tick; without orders left, cross it. The liquidity behind it."""
        orders = self.ladder.orders.get(tick)
        if orders is not None and self.left:
            filled = fill(orders, self.left, at_tick, rate, down=self.down, exact_in=self.exact_in, on_input=self.on_input)
            self._apply(filled.amount_in, filled.amount_out, filled.fee)
            orders = orders.after(filled.taken)
            net = self.ladder.net_at(tick)
            self.ladder = self.ladder.with_orders(tick, orders)
            if orders.unfilled:
                self.tick = tick if self.down else tick - 1
                return self.liquidity
        elif orders is not None:
            self.tick = tick if self.down else tick - 1
            return self.liquidity
        else:
            net = self.ladder.net_at(tick)
        self.tick = tick - 1 if self.down else tick
        return crossed(self.liquidity, -net if self.down else net)

    def _apply(self, amount_in: int, amount_out: int, fee: int) -> None:
        charged = amount_in + fee if self.on_input else amount_in
        self.left -= charged if self.exact_in else amount_out
        self.calculated += amount_out if self.exact_in else charged
        self.fee += fee
        if self.left < 0 or amount_out < 0 or max(self.calculated, charged) > U64_MAX:
            raise QuoteOverflow("a step would move more than 64 bits or more than is left; ask for another amount")

    def _step(self, target: int, rate: int) -> Step:
        driving = self._driving(rate)
        liquidity_x64 = self.liquidity << 64
        all_in = amount_in_between(self.price, target, liquidity_x64, self.down)
        all_out = amount_out_between(self.price, target, liquidity_x64, self.down)
        if max(all_in, all_out) <= U64_MAX and driving >= (all_in if self.exact_in else all_out):
            return self._charged(target, all_in, all_out, rate, target)
        after = self._price_after(liquidity_x64, driving)
        amount_in = amount_in_between(self.price, after, liquidity_x64, self.down)
        amount_out = amount_out_between(self.price, after, liquidity_x64, self.down)
        if max(amount_in, amount_out) > U64_MAX:
            raise QuoteOverflow("a step would move more than 64 bits of a token; ask for less")
        return self._charged(after, amount_in, amount_out, rate, target)

    def _driving(self, rate: int) -> int:
        """The amount that moves the price: without a fee on the input, with a fee on the output."""
        if self.exact_in:
            return self.left * (PPM - rate) // PPM if self.on_input else self.left
        if self.on_input:
            return self.left
        gross = ceil_div(self.left * PPM, PPM - rate)
        if gross > U64_MAX:
            raise QuoteOverflow(f"{self.left} out would be {gross} with its fee, more than 64 bits; ask for less")
        return gross

    def _price_after(self, liquidity_x64: int, driving: int) -> int:
        if self.exact_in:
            moved = price_after_a_in if self.down else price_after_b_in
        else:
            moved = price_after_b_out if self.down else price_after_a_out
        try:
            return moved(self.price, liquidity_x64, driving)
        except (ValueError, ZeroDivisionError) as error:
            raise QuoteOverflow("a step asks for more than its liquidity holds; ask for less") from error

    def _charged(self, after: int, amount_in: int, amount_out: int, rate: int, target: int) -> Step:
        partial = after != target
        if self.on_input:
            if self.exact_in:
                fee = self.left - amount_in if partial else fee_on_top(amount_in, rate)
                if fee < 0:
                    raise QuoteOverflow("a step would take more than is left; ask for another amount")
                return Step(after, amount_in, amount_out, fee)
            return Step(after, amount_in, min(amount_out, self.left), fee_on_top(amount_in, rate))
        fee = mul_div_ceil(amount_out, rate, PPM)
        net = amount_out - fee
        if self.exact_in:
            return Step(after, self.left if partial else amount_in, net, fee)
        if net > self.left:
            return Step(after, amount_in, self.left, amount_out - self.left)
        return Step(after, amount_in, net, fee)
