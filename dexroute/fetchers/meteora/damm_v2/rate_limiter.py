"""The rate limiter: while it lasts, buying A costs more the more one buys.

The input is cut into pieces of `reference_amount` (x0); the first pays the cliff rate c, each further one `increment` (i)
more, until the highest rate; the swap pays the average. Source: MeteoraAg/damm-v2@a3d3827,
programs/cp-amm/src/base_fee/fee_rate_limiter.rs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from dexroute.errors import PoolNotTradable, QuoteOverflow
from dexroute.fetchers.meteora.damm_v2.base_fee import FEE_SCALE, FeeMoment, gross_of, net_of, rate_of_bps
from dexroute.fetchers.meteora.damm_v2.program_errors import (
    MATH_OVERFLOW,
    UNDETERMINED_ERROR,
    cast,
    checked,
    divided,
)
from dexroute.math.rounding import U64_MAX, ceil_div, mul_div_ceil


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimiter:
    """`cliff_rate` in parts of 10^9, `reference_amount` in base units of B, `duration` in slots or seconds."""

    cliff_rate: int
    increment_bps: int
    max_fee_bps: int
    duration: int
    reference_amount: int

    def applies(self, moment: FeeMoment) -> bool:
        """Whether a swap at this moment is limited: buys of A only, from activation through the last point of the duration."""
        if not (self.reference_amount or self.duration or self.max_fee_bps or self.increment_bps):
            return False
        return moment.b_comes_in and 0 <= moment.point - moment.activation_point <= self.duration

    def rate_inside(self, gross: int, moment: FeeMoment) -> int:
        return self._average_inside(gross) if self.applies(moment) else self.cliff_rate

    def rate_on_top(self, net: int, moment: FeeMoment) -> int:
        return self._average_on_top(net) if self.applies(moment) else self.cliff_rate

    @property
    def _increment(self) -> int:
        return rate_of_bps(self.increment_bps)

    @property
    def _max_rate(self) -> int:
        return rate_of_bps(self.max_fee_bps)

    def _last_step(self) -> int:
        """How many increments fit below the highest rate."""
        return divided(checked(self._max_rate - self.cliff_rate, "the limiter's range"), self._increment, "the limiter's range")

    def steps(self) -> Iterator[tuple[int, int]]:
        """(base units of input, parts of 10^9 that each of them pays), one after the other, while it applies; the last without
        end. Raises QuoteError."""
        if self.reference_amount:
            for step in range(self._last_step() + 1):
                yield self.reference_amount, self.cliff_rate + self._increment * step
        yield U64_MAX, self._max_rate

    def _average_inside(self, gross: int) -> int:
        if gross <= self.reference_amount:
            return self.cliff_rate
        if self.reference_amount == 0:
            raise PoolNotTradable("its rate limiter has a reference amount of zero")
        steps, rest = divmod(gross - self.reference_amount, self.reference_amount)
        last = self._last_step()
        whole = min(steps, last)
        pieces = self.cliff_rate * (1 + whole) + self._increment * whole * (whole + 1) // 2
        if steps < last:
            remainder = rest * (self.cliff_rate + self._increment * (steps + 1))
        else:
            remainder = ((steps - last) * self.reference_amount + rest) * self._max_rate
        fee = cast(ceil_div(self.reference_amount * pieces + remainder, FEE_SCALE), "the limiter's fee")
        return cast(mul_div_ceil(fee, FEE_SCALE, gross), "the limiter's rate")

    def _average_on_top(self, net: int) -> int:
        if net <= self._net(self.reference_amount):
            return self.cliff_rate
        at_last_step = (self._last_step() + 1) * self.reference_amount
        bounded = min(at_last_step, U64_MAX)
        net_at_last_step = self._net(bounded)
        if net == net_at_last_step:
            return self._average_inside(bounded)
        if net < net_at_last_step:
            gross = self._gross_below_last_step(net)
        elif at_last_step > U64_MAX:
            raise QuoteOverflow("no 64-bit input buys this much through the rate limiter", program_error=MATH_OVERFLOW)
        else:
            gross = checked(bounded + gross_of(net - net_at_last_step, self._max_rate), "the limiter's input")
        fee = checked(gross - net, "the limiter's fee")
        rate = cast(ceil_div(fee * FEE_SCALE, gross), "the limiter's rate")
        if rate < self.cliff_rate:
            raise PoolNotTradable("its rate limiter contradicts itself", program_error=UNDETERMINED_ERROR)
        return rate

    def _net(self, gross: int) -> int:
        return net_of(gross, self._average_inside(gross))

    def _gross_below_last_step(self, net: int) -> int:
        """The input of which the rising rates leave `net`: i*g^2 - y*g + z = 0 up to a whole piece, the rest at its rate.

        y = (2*10^9 + i - 2*c) * x0 and z = 2 * net * 10^9 * x0 (the source derives them from the sum of the pieces).
        """
        x0 = self.reference_amount
        y = checked((2 * FEE_SCALE + self._increment - 2 * self.cliff_rate) * x0, "the limiter's equation", maximum=2**256 - 1)
        z = 2 * net * FEE_SCALE * x0
        square = checked(y * y - 4 * self._increment * z, "the limiter's equation", maximum=2**256 - 1)
        whole = cast((y - isqrt(square)) // (2 * self._increment), "the limiter's input")
        left = checked(net - self._net(whole), "the limiter's remainder")
        rate = cast(self.cliff_rate + self._increment * (whole // x0), "the limiter's rate")
        return cast(whole + gross_of(left, rate), "the limiter's input")
