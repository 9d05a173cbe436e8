"""The price a pegged stable pool follows: what a staking program pays for one of its tokens.

Source: MeteoraAg/damm-v1-sdk@02c66a3, dynamic-amm-quote/src/depeg/*.rs. The pool keeps the price for ten minutes; later
swaps read the staking program's account anew and keep what they found. Prices are millionths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import PoolNotTradable, QuoteOverflow
from dexroute.fetchers.meteora.damm_v1.program_errors import MATH_OVERFLOW
from dexroute.math.rounding import U64_MAX

PRICE_SCALE: Final = 10**6
CACHE_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Peg:
    """`cached_price` millionths as of unix time `cached_at`; `value` over `units` is what the staking account says now."""

    staking_account: Pubkey
    cached_price: int
    cached_at: int
    value: int
    units: int

    def at(self, now: int) -> Peg:
        """As a swap at unix time `now` uses and leaves it. Raises QuoteError when the account has no price."""
        if self.cached_at > U64_MAX - CACHE_S:
            raise QuoteOverflow("the time of its cached price overflows", program_error=MATH_OVERFLOW)
        price, since = self.cached_price, self.cached_at
        if now > self.cached_at + CACHE_S:
            price, since = self.value * PRICE_SCALE // self.units if self.units else 0, now
        if not 0 < price <= U64_MAX:
            raise PoolNotTradable(f"its staking account {self.staking_account} has no price", program_error=MATH_OVERFLOW)
        return Peg(staking_account=self.staking_account, cached_price=price, cached_at=since, value=self.value, units=self.units)
