"""How much a pool takes before its price has moved by so much. The curve says where about that is, quotes say what it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import LiquidityNotLoaded, QuoteError
from dexroute.fetchers.base import Pool
from dexroute.fetchers.curve import curve_of
from dexroute.math.rounding import BPS
from dexroute.types.requests import QuoteRequest

_LAST_PART: Final = 1_000
_TELLING_UNITS: Final = 100_000  # a part that pays fewer tells of rounding, not of price
_PRECISION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthLevel:
    """A pool takes `amount_in` and pays `amount_out`, base units, all fees included, until its price is `bps` from the mid price:
    the last thousandth of it still got that price (or the last 100,000 units of either side, where that is more), and more of it,
    to a millionth, would not. An exact quote, or zeros."""

    bps: int
    amount_in: int
    amount_out: int


def depth_levels(
    pool: Pool, input_mint: Pubkey, output_mint: Pubkey, *, worst: Sequence[tuple[int, Fraction]], most_in: int
) -> tuple[DepthLevel, ...]:
    """One level for each (bps, least output per input) of `worst`, over inputs of at most `most_in` base units.

    Raises LiquidityNotLoaded when the pool goes on, within the last of these prices, in accounts that were not read."""
    curve = curve_of(pool, input_mint, output_mint, most_in=most_in)
    if curve.pieces and not curve.complete and curve.pieces[-1].end_slope > min(float(price) for _, price in worst):
        _read_on(pool, input_mint, output_mint, most_in)
    side = _Side(pool, input_mint, output_mint)
    found = []
    for bps, price in worst:
        guess = int(sum(piece.where(float(price)) for piece in curve.pieces))
        amount = side.largest(price, guess, most_in)
        found.append(DepthLevel(bps=bps, amount_in=amount, amount_out=side.out(amount) or 0))
    return tuple(found)


def worst_prices(mid: Fraction, levels_bps: Sequence[int], *, selling: bool) -> tuple[tuple[int, Fraction], ...]:
    """For each level the least output per input: selling the base token below its mid price, or buying it above (the output is then
    the base token, the input the quote token). `mid` is quote units per base unit."""
    if selling:
        return tuple((bps, mid * Fraction(BPS - bps, BPS)) for bps in levels_bps)
    return tuple((bps, 1 / (mid * Fraction(BPS + bps, BPS))) for bps in levels_bps)


class _Side:
    """A pool from one side, its quotes kept."""

    def __init__(self, pool: Pool, input_mint: Pubkey, output_mint: Pubkey) -> None:
        self._pool, self._input_mint, self._output_mint = pool, input_mint, output_mint
        self._known: dict[int, int | None] = {0: 0}

    def out(self, amount: int) -> int | None:
        """What all of `amount` pays; None where the pool does not take it whole."""
        if amount not in self._known:
            request = QuoteRequest(input_mint=self._input_mint, output_mint=self._output_mint, amount=amount)
            try:
                quote = self._pool.quote(request)
                self._known[amount] = quote.amount_out if quote.amount_in == amount else None
            except QuoteError:
                self._known[amount] = None
        return self._known[amount]

    def largest(self, price: Fraction, guess: int, most_in: int) -> int:
        """The largest amount whose last thousandth still gets `price`, to a millionth."""
        low, high = 0, max(1, guess)
        if guess and self._gets(guess, price):
            step = guess // _LAST_PART + 1
            low, high = guess, min(guess + step, most_in)
            while high < most_in and self._gets(high, price):
                step *= 2
                low, high = high, min(high + step, most_in)
            if high == most_in and self._gets(high, price):
                return high
        while high - low > 1 + low // _PRECISION:
            middle = (low + high) // 2
            if self._gets(middle, price):
                low = middle
            else:
                high = middle
        return low

    def _gets(self, amount: int, price: Fraction) -> bool:
        last = min(amount, max(amount // _LAST_PART, _TELLING_UNITS, int(_TELLING_UNITS / price)) + 1)
        whole, before = self.out(amount), self.out(amount - last)
        if whole is None:
            return False
        return (whole - (before or 0)) * price.denominator >= last * price.numerator


def _read_on(pool: Pool, input_mint: Pubkey, output_mint: Pubkey, most_in: int) -> None:
    try:
        pool.quote(QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=most_in))
    except LiquidityNotLoaded:
        raise
    except QuoteError:
        return
