"""What a DAMM v1 curve pays for an input, between reserves in base units; index 0 is token A.

Sources: MeteoraAg/damm-v1-sdk@02c66a3, dynamic-amm-quote/src/math/{constant_product,stable_swap}.rs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from dexroute.errors import ExceedsLiquidity
from dexroute.fetchers.meteora.damm_v1.peg import PRICE_SCALE, Peg
from dexroute.fetchers.meteora.damm_v1.program_errors import ZERO_TRADING_TOKENS
from dexroute.math import stable_swap
from dexroute.math.rounding import ceil_div


class Curve(Protocol):
    def at(self, now: int) -> Curve:
        """The curve as a swap at unix time `now` uses and leaves it. Raises QuoteError."""
        ...

    def paid(self, amount: int, reserves: tuple[int, int], index_in: int) -> int:
        """Base units out for `amount` in, rounded down. Raises ExceedsLiquidity."""
        ...

    def slope(self, reserves: tuple[int, int]) -> tuple[int, int]:
        """Base units of B per base unit of A, as (numerator, denominator), for positive reserves."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantProduct:
    """x * y = k."""

    def at(self, now: int) -> ConstantProduct:
        return self

    def paid(self, amount: int, reserves: tuple[int, int], index_in: int) -> int:
        reserve_in, reserve_out = reserves[index_in], reserves[1 - index_in]
        product, after_in = reserve_in * reserve_out, reserve_in + amount
        if after_in == 0 or product < after_in:
            raise ExceedsLiquidity(
                f"{amount} base units in against reserves of {reserve_in} base units in and {reserve_out} base units out would "
                "empty it; ask for less",
                program_error=ZERO_TRADING_TOKENS,
            )
        paid = reserve_out - ceil_div(product, after_in)
        if paid == 0:
            raise ExceedsLiquidity("the output rounds down to nothing; ask for more", program_error=ZERO_TRADING_TOKENS)
        return paid

    def slope(self, reserves: tuple[int, int]) -> tuple[int, int]:
        return reserves[1], reserves[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class StableCurve:
    """`multipliers` bring both tokens to the same decimals; a peg makes token B worth its price more."""

    amp: int
    multipliers: tuple[int, int]
    peg: Peg | None

    def at(self, now: int) -> StableCurve:
        return self if self.peg is None else replace(self, peg=self.peg.at(now))

    def paid(self, amount: int, reserves: tuple[int, int], index_in: int) -> int:
        scales = self.scales()
        reserve_in, reserve_out = reserves[index_in] * scales[index_in], reserves[1 - index_in] * scales[1 - index_in]
        if reserve_in == 0 or reserve_out == 0:
            raise ExceedsLiquidity("one of its reserves is empty; use another pool", program_error=ZERO_TRADING_TOKENS)
        with _refusing():
            d = stable_swap.invariant(reserve_in, reserve_out, self.amp)
            left = stable_swap.reserve_for(reserve_in + amount * scales[index_in], d, self.amp)
        paid = reserve_out - left - 1
        if paid < 0:
            raise ExceedsLiquidity("the curve pays nothing for it; ask for another amount", program_error=ZERO_TRADING_TOKENS)
        return paid // self.multipliers[1 - index_in] // (scales[1 - index_in] // self.multipliers[1 - index_in])

    def slope(self, reserves: tuple[int, int]) -> tuple[int, int]:
        a, b = self.scales()
        with _refusing():
            numerator, denominator = stable_swap.slope(reserves[0] * a, reserves[1] * b, self.amp)
        return numerator * a, denominator * b

    def scales(self) -> tuple[int, int]:
        """What a base unit of either token counts on the curve."""
        a, b = self.multipliers
        return (a, b) if self.peg is None else (a * PRICE_SCALE, b * self.peg.cached_price)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turns what the curve cannot compute into what the program answers: it overflows, or runs out of compute units."""
    try:
        yield
    except OverflowError as error:
        raise ExceedsLiquidity(f"{error}; ask for less or use another pool", program_error=ZERO_TRADING_TOKENS) from error
    except ValueError as error:
        raise ExceedsLiquidity(f"{error}, and the program runs out of compute units; use another pool") from error
