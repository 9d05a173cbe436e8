"""The dynamic part of a pool's fee, which the program's 2026 source knows and the build of April 2026 does not.

It grows with the square of how many tick spacings the price has moved within a while.
Source: raydium-io/raydium-clmm@03b44b7, programs/amm/src/states/pool_fee.rs and instructions/swap.rs
(`compute_dynamic_fee_rate`, `get_spacing_bounded_price`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from dexroute.math.rounding import ceil_div

MAX_RATE_PPM: Final = 100_000
VOLATILITY_SCALE: Final = 10_000
_REDUCTION_SCALE: Final = 10_000
_CONTROL_SCALE: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicFee:
    """Periods and `last_update` in seconds; `index_reference` counts tick spacings; volatilities are spacings moved times
    10^4; `reduction` in parts of 10^4, `control` in parts of 10^5."""

    filter_period: int
    decay_period: int
    reduction: int
    control: int
    max_volatility: int
    index_reference: int
    volatility_reference: int
    volatility: int
    last_update: int

    def at_start(self, index: int, now: int) -> DynamicFee:
        """Before a swap at unix time `now` from spacing number `index`."""
        age = max(now - self.last_update, 0)
        if age < self.filter_period:
            return self
        kept = self.volatility * self.reduction // _REDUCTION_SCALE if age < self.decay_period else 0
        return replace(self, index_reference=index, volatility_reference=kept & 0xFFFF_FFFF, last_update=now)

    def moved_to(self, index: int) -> DynamicFee:
        volatility = self.volatility_reference + abs(self.index_reference - index) * VOLATILITY_SCALE
        return replace(self, volatility=min(volatility, self.max_volatility))

    @property
    def saturated(self) -> bool:
        return self.volatility == self.max_volatility

    def rate_ppm(self, tick_spacing: int) -> int:
        """The dynamic part alone, at most 10 %."""
        moved = self.volatility * tick_spacing
        return min(ceil_div(self.control * moved * moved, _CONTROL_SCALE * VOLATILITY_SCALE**2), MAX_RATE_PPM)
