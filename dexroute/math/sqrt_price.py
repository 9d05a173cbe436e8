"""Liquidity over a range of square-root prices: Q64.64 prices of token A in token B, liquidity with 64 fractional bits.

Source of the formulas: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/liquidity_handler/concentrated_liquidity.rs
(`get_next_sqrt_price_from_*`, `get_delta_amount_{a,b}_unsigned`). Prices move against the swapper by at most one unit in
the last place. Results may exceed the widths a program stores; callers check.
"""

from __future__ import annotations

from dexroute.math.rounding import ceil_div, mul_div_ceil, mul_div_floor

_SCALE_BITS = 128


def price_after_a_in(sqrt_price: int, liquidity: int, amount: int) -> int:
    """ceil(L * s / (L + amount * s)): the price falls. Needs positive liquidity."""
    return mul_div_ceil(liquidity, sqrt_price, liquidity + amount * sqrt_price)


def price_after_a_out(sqrt_price: int, liquidity: int, amount: int) -> int:
    """ceil(L * s / (L - amount * s)): the price rises. Raises ValueError when the liquidity holds no such amount."""
    remaining = liquidity - amount * sqrt_price
    if remaining <= 0:
        raise ValueError(f"liquidity {liquidity} holds less than {amount} of token A")
    return mul_div_ceil(liquidity, sqrt_price, remaining)


def price_after_b_in(sqrt_price: int, liquidity: int, amount: int) -> int:
    """s + floor(amount * 2^128 / L): the price rises. Needs positive liquidity."""
    return sqrt_price + (amount << _SCALE_BITS) // liquidity


def price_after_b_out(sqrt_price: int, liquidity: int, amount: int) -> int:
    """s - ceil(amount * 2^128 / L): the price falls. Raises ValueError when it would fall below zero."""
    fall = ceil_div(amount << _SCALE_BITS, liquidity)
    if fall > sqrt_price:
        raise ValueError(f"liquidity {liquidity} holds less than {amount} of token B")
    return sqrt_price - fall


def amount_a_between(lower: int, upper: int, liquidity: int, *, round_up: bool) -> int:
    """Base units of A between two prices: L * (upper - lower) / (lower * upper). Needs 0 < lower <= upper."""
    rounded = mul_div_ceil if round_up else mul_div_floor
    return rounded(liquidity, upper - lower, lower * upper)


def amount_b_between(lower: int, upper: int, liquidity: int, *, round_up: bool) -> int:
    """Base units of B between two prices: L * (upper - lower) / 2^128. Needs lower <= upper."""
    rounded = mul_div_ceil if round_up else mul_div_floor
    return rounded(liquidity, upper - lower, 1 << _SCALE_BITS)
