"""A swap from tick to tick, as the program of April 2026 makes it.

Source: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/instructions/swap.rs (`swap_internal`). Its search for the next
initialized tick, array by array, finds what the ladder of all ticks holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dexroute.errors import ExceedsLiquidity, LiquidityNotLoaded, QuoteError, QuoteOverflow
from dexroute.fetchers.raydium.clmm.addresses import bitmap_extension_address, tick_array_address
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY
from dexroute.fetchers.raydium.clmm.dynamic_fee import DynamicFee
from dexroute.fetchers.raydium.clmm.ladder import TickLadder
from dexroute.fetchers.raydium.clmm.program_errors import (
    CALCULATE_OVERFLOW,
    LIQUIDITY_INSUFFICIENT,
    MISSING_BITMAP_EXTENSION,
    NOT_ENOUGH_TICK_ARRAYS,
    NOTHING_IN_THIS_DIRECTION,
    SQRT_PRICE_LIMIT_OVERFLOW,
)
from dexroute.fetchers.raydium.clmm.steps import step_in, step_out
from dexroute.math.rounding import U64_MAX, U128_MAX
from dexroute.math.tick import MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64, sqrt_price_at_tick

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.clmm.pool import ClmmPool

LOWEST_SQRT_PRICE_X64 = MIN_SQRT_PRICE_X64 + 1
HIGHEST_SQRT_PRICE_X64 = MAX_SQRT_PRICE_X64 - 1


class Walk(NamedTuple):
    """Where a swap ended. `left` of the asked amount was not swapped: only at the outermost price. `fee` is in the input
    unless the pool takes it off the output; `ladder` and `dynamic_fee` change with limit orders and dynamic fees only.
    `tick` is None where it is the price's own. `steps` is how many times the program goes around."""

    left: int
    calculated: int
    fee: int
    sqrt_price_x64: int
    tick: int | None
    liquidity: int
    ladder: TickLadder
    steps: int
    dynamic_fee: DynamicFee | None = None


def walk(pool: ClmmPool, amount: int, *, down: bool, exact_in: bool) -> Walk:
    """Swap `amount` (positive) through the ticks. Raises QuoteError."""
    limit = outermost_price(pool, down=down)
    ladder, rate = pool.ladder, pool.trade_fee_ppm
    ticks, nets = ladder.ticks, ladder.nets
    price, liquidity = pool.sqrt_price_x64, pool.liquidity
    tick: int | None = pool.tick_current
    step_by_mode = step_in if exact_in else step_out
    left, calculated, fee, steps = amount, 0, 0, 0
    index, onward = ladder.first(pool.tick_current, down=down), -1 if down else 1
    while left and price != limit:
        if not 0 <= index < len(ticks):
            raise way_end(pool, down=down)
        steps += 1
        at_tick = sqrt_price_at_tick(ticks[index])
        target = max(at_tick, limit) if down else min(at_tick, limit)
        if liquidity:
            step = step_by_mode(price, target, liquidity, left, rate, down)
            after, charged = step.sqrt_price_x64, step.amount_in + step.fee
            fee += step.fee
            left -= charged if exact_in else step.amount_out
            calculated += step.amount_out if exact_in else charged
            if left < 0 or step.fee < 0:
                raise QuoteOverflow("a step would take more than is left, and the program panics; ask for another amount")
            if calculated > U64_MAX or charged > U64_MAX:
                raise calculated_overflow(exact_in=exact_in)
        else:
            after = target
        if after == at_tick:
            liquidity = crossed(liquidity, -nets[index] if down else nets[index])
            tick = ticks[index] - 1 if down else ticks[index]
            index += onward
        elif after != price:
            tick = None
        price = after
    return Walk(
        left=left,
        calculated=calculated,
        fee=fee,
        sqrt_price_x64=price,
        tick=tick,
        liquidity=liquidity,
        ladder=ladder,
        steps=steps,
    )


def outermost_price(pool: ClmmPool, *, down: bool) -> int:
    """Where a swap without a price limit stops. Raises ExceedsLiquidity for a pool that is there already."""
    limit = LOWEST_SQRT_PRICE_X64 if down else HIGHEST_SQRT_PRICE_X64
    if pool.sqrt_price_x64 <= limit if down else pool.sqrt_price_x64 >= limit:
        raise ExceedsLiquidity("its price is at the end of all prices; use another pool", program_error=SQRT_PRICE_LIMIT_OVERFLOW)
    return limit


def crossed(liquidity: int, net: int) -> int:
    """The liquidity behind a tick. Raises QuoteOverflow where positions contradict the pool: the program panics."""
    after = liquidity + net
    if not 0 <= after <= U128_MAX:
        raise QuoteOverflow(f"its ticks contradict its liquidity ({liquidity} {net:+}); use another pool")
    return after


def calculated_overflow(*, exact_in: bool) -> QuoteOverflow:
    """The program panics for outputs, and has a code for inputs."""
    code = None if exact_in else CALCULATE_OVERFLOW
    return QuoteOverflow("the swap would move more than 64 bits of a token; ask for less", program_error=code)


def way_end(pool: ClmmPool, *, down: bool) -> QuoteError:
    """Why the ladder does not go on: unread arrays, or no liquidity any more."""
    unread = pool.ladder.unread_below if down else pool.ladder.unread_above
    missing = [] if pool.bitmap.extended else [str(bitmap_extension_address(pool.address))]
    if unread is not None:
        missing.insert(0, str(tick_array_address(pool.address, unread * TICKS_PER_ARRAY * pool.tick_spacing)))
        lowest, highest = pool.known_ticks()
        return LiquidityNotLoaded(
            f"the swap reaches tick array {unread}, which was not read (ticks {lowest} to {highest} were); "
            f"read {' and '.join(missing)} too or ask for less",
            program_error=NOT_ENOUGH_TICK_ARRAYS,
            missing=missing,
        )
    if missing:
        return LiquidityNotLoaded(
            f"the swap leaves the pool's own bitmap, and its extension {missing[0]} was not read or does not exist; "
            "read it too or ask for less",
            program_error=MISSING_BITMAP_EXTENSION,
            missing=missing,
        )
    here = pool.bitmap.is_set(pool.current_array())
    further = pool.bitmap.next(pool.current_array(), down=down) is not None
    if here or further:
        return ExceedsLiquidity("its liquidity in this direction is used up; ask for less", program_error=LIQUIDITY_INSUFFICIENT)
    return ExceedsLiquidity("it has no liquidity in this direction; use another pool", program_error=NOTHING_IN_THIS_DIRECTION)
