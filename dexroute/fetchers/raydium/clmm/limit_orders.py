"""Limit orders on a tick, which the program's 2026 source knows and the build of April 2026 does not.

They give one token at the tick's price and take the other. Source: raydium-io/raydium-clmm@03b44b7,
programs/amm/src/states/tick_array.rs (`match_limit_order_with_sqrt_price`) and libraries/tick_math.rs (`get_price_at_tick`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dexroute.errors import QuoteOverflow
from dexroute.math.rounding import PPM, U64_MAX, U128_MAX, ceil_div, mul_div_ceil, mul_div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrders:
    """Base units of the token on offer: `part_filled` belongs to orders some swap has begun to fill and goes first, `waiting`
    to those none has. `has_liquidity`: the tick also bounds positions, and stays initialized without orders."""

    waiting: int
    part_filled: int
    has_liquidity: bool

    @property
    def unfilled(self) -> int:
        return self.waiting + self.part_filled

    def after(self, taken: int) -> LimitOrders:
        """What is left when `taken` base units were filled: what remains of a begun group counts as part filled."""
        if taken <= self.part_filled:
            return replace(self, part_filled=self.part_filled - taken)
        return replace(self, waiting=0, part_filled=self.waiting - (taken - self.part_filled))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFill:
    """`amount_in` without a fee on the input, `amount_out` after a fee on the output; `taken` left the orders."""

    amount_in: int
    amount_out: int
    fee: int
    taken: int


def fill(
    orders: LimitOrders, amount: int, sqrt_price_x64: int, rate: int, *, down: bool, exact_in: bool, on_input: bool
) -> OrderFill:
    """What of `amount` (input or net output still to swap) the orders take at the price. Raises QuoteError."""
    price_x64 = price_of_orders(sqrt_price_x64, down=down)
    if price_x64 > U128_MAX:
        raise QuoteOverflow("the price of its limit orders overflows the program's arithmetic")
    fee = 0
    if exact_in:
        if on_input:
            fee = mul_div_ceil(amount, rate, PPM)
        amount_in, taken = amount - fee, _bought(amount - fee, price_x64, down=down)
        if taken > orders.unfilled:
            taken = orders.unfilled
            amount_in = _cost(taken, price_x64, down=down)
            if on_input:
                fee = _checked(mul_div_ceil(amount_in, rate, PPM - rate))
    else:
        taken = min(amount, orders.unfilled)
        if not on_input:
            taken = min(_checked(ceil_div(taken * PPM, PPM - rate)), orders.unfilled)
        amount_in = _cost(taken, price_x64, down=down)
        if on_input:
            fee = _checked(mul_div_ceil(amount_in, rate, PPM - rate))
    if not on_input:
        fee = mul_div_ceil(taken, rate, PPM)
    return OrderFill(amount_in=amount_in, amount_out=taken if on_input else taken - fee, fee=fee, taken=taken)


def price_of_orders(sqrt_price_x64: int, *, down: bool) -> int:
    """Token 1 per token 0, Q64.64, rounded against the swapper: down for token 0 coming in, up for token 1."""
    square = sqrt_price_x64 * sqrt_price_x64
    return square >> 64 if down else -(-square >> 64)


def _bought(amount_in: int, price_x64: int, *, down: bool) -> int:
    if down:
        return amount_in * price_x64 >> 64
    if price_x64 == 0:
        raise QuoteOverflow("the price of its limit orders is too small for the program's arithmetic")
    return mul_div_floor(amount_in, 1 << 64, price_x64)


def _cost(amount_out: int, price_x64: int, *, down: bool) -> int:
    if not down:
        return _checked(mul_div_ceil(amount_out, price_x64, 1 << 64))
    if price_x64 == 0:
        raise QuoteOverflow("the price of its limit orders is too small for the program's arithmetic")
    return _checked(mul_div_ceil(amount_out, 1 << 64, price_x64))


def _checked(amount: int) -> int:
    if amount > U64_MAX:
        raise QuoteOverflow(f"filling its limit orders would take {amount}, more than 64 bits; ask for less")
    return amount
