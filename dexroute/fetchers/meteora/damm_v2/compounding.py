"""The product of the stored amounts, into which a part of every fee is compounded.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/liquidity_handler/compounding_liquidity.rs.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from dexroute.errors import ExceedsLiquidity
from dexroute.fetchers.meteora.damm_v2.curve import CurveSwap
from dexroute.fetchers.meteora.damm_v2.program_errors import MATH_OVERFLOW, cast, checked, divided
from dexroute.math import cpmm


@dataclass(frozen=True, slots=True, kw_only=True)
class CompoundingCurve:
    """`amounts` are the reserves of A and B in base units."""

    amounts: tuple[int, int]

    def exact_in(self, amount_in: int, index_in: int) -> CurveSwap:
        reserve_in, reserve_out = self.amounts[index_in], self.amounts[1 - index_in]
        if checked(reserve_in + amount_in, "the reserve") == 0:
            raise ExceedsLiquidity("its reserve is empty; use another pool", program_error=MATH_OVERFLOW)
        return CurveSwap(cpmm.amount_out(amount_in, reserve_in, reserve_out), None)

    def exact_out(self, amount_out: int, index_in: int) -> CurveSwap:
        reserve_in, reserve_out = self.amounts[index_in], self.amounts[1 - index_in]
        if amount_out >= reserve_out:
            raise ExceedsLiquidity(f"its reserve is {reserve_out} base units out; ask for less", program_error=MATH_OVERFLOW)
        return CurveSwap(cast(cpmm.amount_in(amount_out, reserve_in, reserve_out), "the input"), None)

    def sqrt_price_x64(self) -> int:
        """floor(sqrt(floor(b * 2^128 / a))). Raises QuoteError for an empty reserve of A."""
        return isqrt(divided(self.amounts[1] << 128, self.amounts[0], "the price"))
