"""Base fees that fall from a cliff in periods: of time, or of price.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/base_fee/fee_time_scheduler.rs, fee_market_cap_scheduler.rs and
math/fee_math.rs. They do not look at the amount.
"""

from __future__ import annotations

from dataclasses import dataclass

from dexroute.errors import QuoteOverflow
from dexroute.fetchers.meteora.damm_v2.base_fee import FeeMoment
from dexroute.fetchers.meteora.damm_v2.program_errors import MATH_OVERFLOW, checked, divided
from dexroute.math.q64 import ONE_X64, pow_below_one_x64
from dexroute.math.rounding import BPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cliff:
    """The highest rate and how it falls: by `reduction` (parts of 10^9) a period, or by `reduction` bps of itself."""

    rate: int
    reduction: int
    periods: int
    exponential: bool

    def after(self, periods: int) -> int:
        """The rate after so many periods, at most all of them. Raises QuoteError."""
        passed = min(periods, self.periods)
        if not self.exponential:
            return checked(self.rate - checked(self.reduction * passed, "the fee reduction"), "the base fee")
        if self.reduction == 0:
            return self.rate
        base_x64 = checked(ONE_X64 - self.reduction * ONE_X64 // BPS, "what a period leaves of the fee")
        left_x64 = pow_below_one_x64(base_x64, passed)
        if left_x64 == 0:
            raise QuoteOverflow("the base fee has shrunk below what the program can compute", program_error=MATH_OVERFLOW)
        return left_x64 * self.rate >> 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeScheduler:
    """Falls with every `period` points (slots or seconds) since activation; 0 keeps the cliff for ever."""

    cliff: Cliff
    period: int

    def rate_inside(self, gross: int, moment: FeeMoment) -> int:
        if self.period == 0:
            return self.cliff.rate
        if moment.point < moment.activation_point:
            return self.cliff.after(self.cliff.periods)
        return self.cliff.after((moment.point - moment.activation_point) // self.period)

    def rate_on_top(self, net: int, moment: FeeMoment) -> int:
        return self.rate_inside(net, moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketCapScheduler:
    """Falls with every `price_step_bps` the square-root price has risen above the first one; all of it once expired."""

    cliff: Cliff
    price_step_bps: int
    lifetime: int

    def rate_inside(self, gross: int, moment: FeeMoment) -> int:
        return self.cliff.after(self.periods_risen(moment) if self.follows_price(moment) else self.cliff.periods)

    def follows_price(self, moment: FeeMoment) -> bool:
        """Whether the schedule has not expired. Raises QuoteError."""
        expiry = checked(moment.activation_point + self.lifetime, "the fee schedule's end")
        return moment.activation_point <= moment.point <= expiry

    def periods_risen(self, moment: FeeMoment) -> int:
        """How many steps the price stands above the first one. Raises QuoteError."""
        risen = moment.sqrt_price_x64 - moment.init_sqrt_price_x64
        if risen <= 0:
            return 0
        risen_bps = divided(risen * BPS, moment.init_sqrt_price_x64, "the rise of the price")
        return divided(risen_bps, self.price_step_bps, "the rise of the price")

    def rate_on_top(self, net: int, moment: FeeMoment) -> int:
        return self.rate_inside(net, moment)
