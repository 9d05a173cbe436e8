"""The fee rate: a base, and a part that grows with the bins crossed since the pair was last at rest.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/extensions/lb_pair.rs (`update_references`,
`update_volatility_accumulator`, `get_total_fee`). Rates are parts of 10^9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.errors import QuoteOverflow
from dexroute.fetchers.meteora.dlmm.program_errors import MATH_OVERFLOW
from dexroute.math.rounding import BPS, U32_MAX

FEE_SCALE: Final = 10**9
MAX_RATE: Final = 10**8
_VARIABLE_SCALE: Final = 10**11


@dataclass(frozen=True, slots=True)
class Volatility:
    """What swaps leave behind for the next one's fee. `last_update` is unix seconds."""

    accumulator: int
    reference: int
    index_reference: int
    last_update: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTerms:
    """The pair's fee parameters. `base_rate` is parts of 10^9; periods are seconds."""

    base_rate: int
    step_bps: int
    variable_control: int
    max_accumulator: int
    filter_period: int
    decay_period: int
    reduction_bps: int
    protocol_share_bps: int

    def rate(self, accumulator: int) -> int:
        """The whole rate while the accumulator stands there, at most a tenth."""
        if not self.variable_control:
            return min(self.base_rate, MAX_RATE)
        squared = (accumulator * self.step_bps) ** 2 * self.variable_control
        return min(self.base_rate - -squared // _VARIABLE_SCALE, MAX_RATE)

    def rate_in(self, volatility: Volatility, bin_id: int) -> int:
        """The whole rate of a swap that starts from these references, in bin `bin_id`."""
        if not self.variable_control:
            return min(self.base_rate, MAX_RATE)
        return self.rate(min(volatility.reference + abs(volatility.index_reference - bin_id) * BPS, self.max_accumulator))

    def accumulator(self, volatility: Volatility, bin_id: int) -> int:
        """Where the accumulator stands when a swap fills bin `bin_id`."""
        return min(volatility.reference + abs(volatility.index_reference - bin_id) * BPS, self.max_accumulator)

    def before_swap(self, volatility: Volatility, active_id: int, now: int) -> Volatility:
        """The references a swap at unix time `now` starts from: kept within the filter period, decayed after it, forgotten
        after the decay period. Raises QuoteOverflow."""
        elapsed = now - volatility.last_update
        if elapsed < self.filter_period:
            return volatility
        reference = 0
        if elapsed < self.decay_period:
            product = volatility.accumulator * self.reduction_bps
            if product > U32_MAX:
                raise QuoteOverflow("its volatility overflows 32 bits", program_error=MATH_OVERFLOW)
            reference = product // BPS
        return Volatility(volatility.accumulator, reference, active_id, volatility.last_update)

    def least_before_swaps(self, volatility: Volatility, active_id: int, now: int) -> Volatility | None:
        """The references of the cheapest of several swaps at unix time `now`, for all of their bins; None where each takes its own.
        Raises QuoteOverflow."""
        if self.filter_period <= 0:
            return None
        found = self.before_swap(volatility, active_id, now)
        return found if found is volatility else Volatility(found.accumulator, 0, found.index_reference, found.last_update)
