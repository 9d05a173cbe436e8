"""Liquidity over the pool's one price range.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/liquidity_handler/concentrated_liquidity.rs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dexroute.errors import ExceedsLiquidity, PoolNotTradable
from dexroute.fetchers.meteora.damm_v2.curve import CurveSwap
from dexroute.fetchers.meteora.damm_v2.program_errors import MATH_OVERFLOW, PRICE_RANGE_VIOLATION, cast, checked
from dexroute.math import sqrt_price as prices
from dexroute.math.rounding import U128_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentratedCurve:
    """Square-root prices of A in B as Q64.64; liquidity with 64 fractional bits."""

    liquidity: int
    sqrt_price_x64: int
    sqrt_min_x64: int
    sqrt_max_x64: int

    def exact_in(self, amount_in: int, index_in: int) -> CurveSwap:
        self._require_liquidity()
        move = prices.price_after_a_in if index_in == 0 else prices.price_after_b_in
        after = self._within(cast(move(self.sqrt_price_x64, self.liquidity, amount_in), "the price", maximum=U128_MAX), index_in)
        return CurveSwap(self._between(after, side=1 - index_in, round_up=False), after)

    def exact_out(self, amount_out: int, index_in: int) -> CurveSwap:
        self._require_liquidity()
        move = prices.price_after_b_out if index_in == 0 else prices.price_after_a_out
        after = self._within(cast(self._moved_out(move, amount_out), "the price", maximum=U128_MAX), index_in)
        return CurveSwap(self._between(after, side=index_in, round_up=True), after)

    def reserves(self) -> tuple[int, int]:
        """Base units of A and B that the range holds, rounded up. Raises QuoteError."""
        return (
            self._amount(prices.amount_a_between, self.sqrt_price_x64, self.sqrt_max_x64, round_up=True),
            self._amount(prices.amount_b_between, self.sqrt_min_x64, self.sqrt_price_x64, round_up=True),
        )

    def _require_liquidity(self) -> None:
        if self.liquidity == 0 or self.sqrt_price_x64 == 0:
            raise ExceedsLiquidity("it holds no liquidity; use another pool")

    def _moved_out(self, move: Callable[[int, int, int], int], amount_out: int) -> int:
        try:
            return move(self.sqrt_price_x64, self.liquidity, amount_out)
        except ValueError:
            raise ExceedsLiquidity(
                f"its liquidity ends before {amount_out} base units out; ask for less", program_error=MATH_OVERFLOW
            ) from None

    def _within(self, after: int, index_in: int) -> int:
        """Only the border the price moves towards is looked at, as the program does."""
        if after < self.sqrt_min_x64 if index_in == 0 else after > self.sqrt_max_x64:
            raise ExceedsLiquidity("the price would leave the pool's range; ask for less", program_error=PRICE_RANGE_VIOLATION)
        return after

    def _between(self, after: int, *, side: int, round_up: bool) -> int:
        amount_between = prices.amount_a_between if side == 0 else prices.amount_b_between
        lower, upper = min(after, self.sqrt_price_x64), max(after, self.sqrt_price_x64)
        return self._amount(amount_between, lower, upper, round_up=round_up)

    def _amount(self, between: Callable[..., int], lower: int, upper: int, *, round_up: bool) -> int:
        if between is prices.amount_a_between and not 0 < lower <= upper:
            raise PoolNotTradable(f"its prices {lower} and {upper} cannot bound a range")
        checked(upper - lower, "the width of the price range", maximum=U128_MAX)
        return checked(between(lower, upper, self.liquidity, round_up=round_up), "an amount over the price range")
