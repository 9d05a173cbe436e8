"""What a pool charges: a base fee, and a dynamic one that grows with the square of volatility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.math.rounding import BPS, PPM, U32_MAX, mul_div_ceil

MAX_FEE_PPM: Final = 100_000
MAX_PROTOCOL_SHARE_PPM: Final = 500_000
MAX_VOLATILITY_BPS: Final = BPS
_QUADRATIC_SCALE: Final = 10_000  # 100 bps squared: there the dynamic fee is exactly `dynamic_fee_ppm`


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTerms:
    """Fee settings of a pool, fixed when it is opened. Rates in parts per million, volatility in basis points, periods in seconds.

    `dynamic_fee_ppm` is what is added at 100 bps of volatility (0 switches it off), `protocol_share_ppm` the part of every fee
    that is the protocol's.
    """

    base_fee_ppm: int
    protocol_share_ppm: int = 0
    dynamic_fee_ppm: int = 0
    max_volatility_bps: int = 0
    filter_period_s: int = 0
    decay_period_s: int = 0

    def fault(self) -> str | None:
        """Why the program would refuse these settings (InvalidFee), or None."""
        limits = (
            ("base_fee_ppm", self.base_fee_ppm, MAX_FEE_PPM),
            ("protocol_share_ppm", self.protocol_share_ppm, MAX_PROTOCOL_SHARE_PPM),
            ("dynamic_fee_ppm", self.dynamic_fee_ppm, MAX_FEE_PPM),
            ("max_volatility_bps", self.max_volatility_bps, MAX_VOLATILITY_BPS),
            ("filter_period_s", self.filter_period_s, U32_MAX),
            ("decay_period_s", self.decay_period_s, U32_MAX),
        )
        for name, value, limit in limits:
            if not 0 <= value <= limit:
                return f"{name} is {value}, allowed are 0 to {limit}"
        static = self.dynamic_fee_ppm == 0 and self.filter_period_s == self.decay_period_s == 0
        if self.decay_period_s <= self.filter_period_s and not static:
            return f"decay_period_s {self.decay_period_s} is not longer than filter_period_s {self.filter_period_s}"
        return None

    def fee_ppm(self, volatility_bps: int) -> int:
        """The whole fee at this volatility: base plus ceil(dynamic * v^2 / 10_000), at most 100_000 ppm."""
        dynamic_ppm = mul_div_ceil(self.dynamic_fee_ppm, volatility_bps * volatility_bps, _QUADRATIC_SCALE)
        return min(self.base_fee_ppm + dynamic_ppm, MAX_FEE_PPM)

    def protocol_part(self, fee: int) -> int:
        """Base units of `fee` that are the protocol's, rounded down."""
        return fee * self.protocol_share_ppm // PPM
