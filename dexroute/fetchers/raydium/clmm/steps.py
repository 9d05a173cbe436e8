"""One step of a swap: through liquidity that stays the same, up to a price or as far as the amount carries.

Source: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/libraries/swap_math.rs (`compute_swap_step`). The formulas are those
of math/sqrt_price.py for liquidity shifted by 64 bits: nested divisions of the source round as one does.
"""

from __future__ import annotations

from typing import NamedTuple

from dexroute.errors import QuoteOverflow
from dexroute.fetchers.raydium.clmm.program_errors import MAX_TOKEN_OVERFLOW
from dexroute.math.rounding import PPM, U64_MAX, mul_div_ceil
from dexroute.math.sqrt_price import (
    amount_a_between,
    amount_b_between,
    price_after_a_in,
    price_after_a_out,
    price_after_b_in,
    price_after_b_out,
)


class Step(NamedTuple):
    """Base units and the Q64.64 price after; `fee` comes on top of `amount_in`."""

    sqrt_price_x64: int
    amount_in: int
    amount_out: int
    fee: int


def step_in(price: int, target: int, liquidity: int, left: int, rate: int, down: bool) -> Step:
    """Towards `target` with at most `left` base units of input, fee included. Raises QuoteError."""
    liquidity_x64 = liquidity << 64
    less = left * (PPM - rate) // PPM
    needed = amount_in_between(price, target, liquidity_x64, down)
    fits = needed <= U64_MAX
    if fits and less >= needed:
        after = target
    elif down:
        after = price_after_a_in(price, liquidity_x64, less)
    else:
        after = price_after_b_in(price, liquidity_x64, less)
    amount_out = _fitting(amount_out_between(price, after, liquidity_x64, down))
    if after == target:
        # The source keeps what it computed for the whole way, and nothing where that did not fit.
        amount_in = needed if fits else 0
        return Step(after, amount_in, amount_out, fee_on_top(amount_in, rate))
    amount_in = _fitting(amount_in_between(price, after, liquidity_x64, down))
    return Step(after, amount_in, amount_out, left - amount_in)


def step_out(price: int, target: int, liquidity: int, left: int, rate: int, down: bool) -> Step:
    """Towards `target` for at most `left` base units of output. Raises QuoteError."""
    liquidity_x64 = liquidity << 64
    offered = amount_out_between(price, target, liquidity_x64, down)
    fits = offered <= U64_MAX
    if fits and left >= offered:
        after = target
    elif down:
        after = price_after_b_out(price, liquidity_x64, left)
    else:
        after = price_after_a_out(price, liquidity_x64, left)
    amount_in = _fitting(amount_in_between(price, after, liquidity_x64, down))
    if after != target:
        offered = _fitting(amount_out_between(price, after, liquidity_x64, down))
    elif not fits:
        offered = 0
    return Step(after, amount_in, min(offered, left), fee_on_top(amount_in, rate))


def amount_in_between(price: int, after: int, liquidity_x64: int, down: bool) -> int:
    """Base units in, rounded up: token 0 when the price falls, token 1 when it rises."""
    if down:
        return amount_a_between(after, price, liquidity_x64, round_up=True)
    return amount_b_between(price, after, liquidity_x64, round_up=True)


def amount_out_between(price: int, after: int, liquidity_x64: int, down: bool) -> int:
    """Base units out, rounded down: token 1 when the price falls, token 0 when it rises."""
    if down:
        return amount_b_between(after, price, liquidity_x64, round_up=False)
    return amount_a_between(price, after, liquidity_x64, round_up=False)


def fee_on_top(amount_in: int, rate: int) -> int:
    """ceil(in * rate / (10^6 - rate)). Raises QuoteOverflow where it does not fit 64 bits: the program panics."""
    fee = mul_div_ceil(amount_in, rate, PPM - rate)
    if fee > U64_MAX:
        raise QuoteOverflow(f"the fee on {amount_in} would be {fee}, more than 64 bits; ask for less")
    return fee


def _fitting(amount: int) -> int:
    if amount > U64_MAX:
        raise QuoteOverflow(f"a step would move {amount}, more than 64 bits; ask for less", program_error=MAX_TOKEN_OVERFLOW)
    return amount
