"""The dynamic fee: a rate that grows with the square of how far the price has lately moved.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/state/fee.rs (DynamicFeeStruct). A swap pays for the volatility
stored by the swaps before it; time changes only what it stores for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from dexroute.fetchers.meteora.damm_v2.program_errors import cast, checked_u128, divided
from dexroute.math.q64 import ONE_X64
from dexroute.math.rounding import BPS, U128_MAX, ceil_div

_RATE_DIVISOR = 100_000_000_000
_MOST_STEPS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicFee:
    """Volatility in units of 1/10_000 bin; periods in seconds, `last_update` in unix seconds."""

    max_volatility: int
    control: int
    bin_step_bps: int
    filter_period: int
    decay_period: int
    reduction_bps: int
    last_update: int
    bin_step_x64: int
    sqrt_reference_x64: int
    volatility: int
    volatility_reference: int

    def rate(self) -> int:
        """Parts of 10^9, rounded up: control * (volatility * bin step)^2 / 10^11. Raises QuoteError."""
        return self._rate_at(self.volatility)

    def least_rates(self, sqrt_price_x64: int, now: int, *, rising: bool) -> list[tuple[float, int]]:
        """The least any of several swaps at `now` could pay that all move the price one way: (square-root price up to which, parts
        of 10^9), the last without an end (infinity, or 0 for a falling price). Raises QuoteError.

        The first swap pays for the volatility stored; each later one for the references, and how far the price is from theirs when
        it begins. Swaps within one bin leave the clock alone, so that references due for renewal decay with each, in the end to
        nothing.
        """
        end = inf if rising else 0.0
        if max(0, now - self.last_update) >= self.filter_period:
            return [(end, 0)]
        bins = self._bins_between(sqrt_price_x64, self.sqrt_reference_x64)
        coming_back = sqrt_price_x64 < self.sqrt_reference_x64 if rising else sqrt_price_x64 > self.sqrt_reference_x64
        if not coming_back:
            return [(end, self._rate_with(bins))]
        reference, half_bin = self.sqrt_reference_x64 / ONE_X64, self.bin_step_x64 / ONE_X64 / 2.0
        # Up to the volatility stored, distance makes no difference.
        bins = min(bins, ceil_div(max(min(self.volatility, self.max_volatility) - self.volatility_reference, 0), BPS))
        nearer = range(bins, 0, -ceil_div(bins, _MOST_STEPS)) if bins else range(0)
        lowest = [max(passed + nearer.step + 1, 1) for passed in nearer]  # what of a stride is left in its last bin
        distances = [1.0 + distance * half_bin for distance in lowest]
        ends = [reference / distance if rising else reference * distance for distance in distances]
        return [*zip(ends, map(self._rate_with, lowest), strict=True), (end, self._rate_with(0))]

    def _rate_with(self, bins: int) -> int:
        """What a swap pays at most, that finds the price so many bins from the reference."""
        return self._rate_at(min(self.volatility, self.volatility_reference + bins * BPS, self.max_volatility))

    def _rate_at(self, volatility: int) -> int:
        moved = checked_u128(volatility * self.bin_step_bps, "the volatility")
        squared = cast(moved * moved, "the squared volatility", maximum=U128_MAX)
        return ceil_div(checked_u128(squared * self.control, "the dynamic fee"), _RATE_DIVISOR)

    def before_swap(self, sqrt_price_x64: int, now: int) -> DynamicFee:
        """References as a swap finds them: renewed after the filter period, forgotten after the decay period."""
        elapsed = max(0, now - self.last_update)
        if elapsed < self.filter_period:
            return self
        decaying = elapsed < self.decay_period
        inherited = checked_u128(self.volatility * self.reduction_bps, "the volatility") // BPS if decaying else 0
        return replace(self, sqrt_reference_x64=sqrt_price_x64, volatility_reference=inherited)

    def stored_after(self, old_sqrt_price_x64: int, sqrt_price_x64: int, now: int) -> tuple[int, int]:
        """(volatility, last update) as a swap leaves them; the clock is set only when the price left its bin. Raises QuoteError."""
        moved = checked_u128(self._bins_between(sqrt_price_x64, self.sqrt_reference_x64) * BPS, "the volatility")
        volatility = checked_u128(self.volatility_reference + moved, "the volatility")
        crossed = self._bins_between(old_sqrt_price_x64, sqrt_price_x64) > 0
        return min(volatility, self.max_volatility), now if crossed else self.last_update

    def _bins_between(self, one_x64: int, other_x64: int) -> int:
        lower, upper = min(one_x64, other_x64), max(one_x64, other_x64)
        ratio_x64 = checked_u128(divided(upper << 64, lower, "the price ratio"), "the price ratio")
        return checked_u128(2 * divided(ratio_x64 - ONE_X64, self.bin_step_x64, "the price ratio"), "the bins crossed")
