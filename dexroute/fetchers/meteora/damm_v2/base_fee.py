"""The base fee of a pool: what every kind of it must answer.

Rates are parts of 10^9 (`FEE_SCALE`). Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/base_fee/mod.rs and state/fee.rs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from dexroute.errors import PoolNotTradable
from dexroute.fetchers.meteora.damm_v2.program_errors import INVALID_BASE_FEE_MODE, MATH_OVERFLOW, cast, checked
from dexroute.math.fee_rate import fee_inside, gross_for_net

FEE_SCALE: Final = 1_000_000_000
_BPS_RATE: Final = FEE_SCALE // 10_000


class FeeMoment(NamedTuple):  # one for every quote, and a tuple is made in a third of the time
    """When and where a swap happens. `point` and `activation_point` are slots or unix seconds, as the pool counts."""

    point: int
    activation_point: int
    b_comes_in: bool
    init_sqrt_price_x64: int
    sqrt_price_x64: int


class BaseFee(Protocol):
    """Rates for an amount with the fee inside it, or for an amount the fee comes on top of. Both raise QuoteError."""

    def rate_inside(self, gross: int, moment: FeeMoment) -> int: ...

    def rate_on_top(self, net: int, moment: FeeMoment) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownBaseFee:
    """A kind of base fee this program version has no rule for: every swap is refused, as the program does."""

    kind: int

    def rate_inside(self, gross: int, moment: FeeMoment) -> int:
        raise PoolNotTradable(f"its base fee is of unknown kind {self.kind}", program_error=INVALID_BASE_FEE_MODE)

    def rate_on_top(self, net: int, moment: FeeMoment) -> int:
        return self.rate_inside(net, moment)


def rate_of_bps(bps: int) -> int:
    return bps * _BPS_RATE


def net_of(gross: int, rate: int) -> int:
    """What the fee leaves of `gross`: the fee rounds up. Raises QuoteError."""
    return checked(gross - cast(fee_inside(gross, rate, FEE_SCALE), "the fee"), "the amount left by the fee")


def gross_of(net: int, rate: int) -> int:
    """The amount of which the fee leaves `net`, rounded up. Raises QuoteError."""
    if rate >= FEE_SCALE:
        raise PoolNotTradable("its fee takes everything", program_error=MATH_OVERFLOW)
    return cast(gross_for_net(net, rate, FEE_SCALE), "the amount with its fee")
