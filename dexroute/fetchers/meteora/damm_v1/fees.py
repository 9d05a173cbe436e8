"""A DAMM v1 pool's fee on the input, and the protocol's part of it.

Source: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/state.rs (`calculate_fee`): rounded down, but at least one.
"""

from __future__ import annotations

from dataclasses import dataclass

from dexroute.errors import QuoteOverflow
from dexroute.fetchers.meteora.damm_v1.program_errors import MATH_OVERFLOW
from dexroute.math.rounding import U64_MAX, ceil_div


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFees:
    """Rates as numerator and denominator; the protocol's is of the trade fee, the partner's of the protocol's."""

    trade: tuple[int, int]
    protocol: tuple[int, int]
    partner_numerator: int

    def split(self, amount: int) -> tuple[int, int]:
        """(what stays in the pool, what the protocol takes) of `amount`. Raises QuoteOverflow."""
        fee = _part(amount, self.trade)
        protocol = _part(fee, self.protocol)
        if protocol * self.partner_numerator > U64_MAX:
            raise QuoteOverflow("its partner's fee overflows 64 bits; ask for less", program_error=MATH_OVERFLOW)
        return fee - protocol, protocol

    def before_protocol(self, amount: int) -> int:
        """At least the largest amount of which no more than `amount` is left when the protocol took its part."""
        whole = self.trade[1] * self.protocol[1]
        kept = whole - self.trade[0] * self.protocol[0]
        return ceil_div((amount + 1) * whole, kept) + 1 if 0 < kept <= whole else U64_MAX


def _part(amount: int, rate: tuple[int, int]) -> int:
    numerator, denominator = rate
    return max(1, amount * numerator // denominator) if amount and numerator else 0
