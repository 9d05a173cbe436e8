"""All that a pool charges, and who gets it.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/state/fee.rs (PoolFeesStruct) and constants.rs (fee).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dexroute.errors import PoolNotTradable
from dexroute.fetchers.meteora.damm_v2.base_fee import BaseFee, FeeMoment
from dexroute.fetchers.meteora.damm_v2.dynamic_fee import DynamicFee
from dexroute.fetchers.meteora.damm_v2.program_errors import INVALID_POOL_VERSION, cast, checked
from dexroute.math.rounding import BPS

_MAX_RATE_BY_VERSION: Final = {0: 500_000_000, 1: 990_000_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFees:
    """`dynamic` is None where it is switched off. `version` decides the highest total rate."""

    base: BaseFee
    dynamic: DynamicFee | None
    protocol_percent: int
    compounding_bps: int
    version: int

    def rate_inside(self, gross: int, moment: FeeMoment) -> int:
        """Parts of 10^9 of `gross`, at most the version's maximum. Raises QuoteError."""
        maximum = self.max_rate()
        return min(self._with_dynamic(self.base.rate_inside(gross, moment)), maximum)

    def rate_on_top(self, net: int, moment: FeeMoment) -> int:
        """Parts of 10^9 of the amount that leaves `net`, at most the version's maximum. Raises QuoteError."""
        maximum = self.max_rate()
        return min(self._with_dynamic(self.base.rate_on_top(net, moment)), maximum)

    def max_rate(self) -> int:
        try:
            return _MAX_RATE_BY_VERSION[self.version]
        except KeyError:
            raise PoolNotTradable(f"its fee version {self.version} is unknown", program_error=INVALID_POOL_VERSION) from None

    def _with_dynamic(self, base_rate: int) -> int:
        return cast(base_rate + (self.dynamic.rate() if self.dynamic else 0), "the fee rate")

    def split(self, fee: int) -> tuple[int, int]:
        """(the protocol's part of `fee`, the part that compounds into the reserves), base units: both round down, the rest can be
        claimed. Raises QuoteError."""
        protocol = fee * self.protocol_percent // 100
        trading = checked(fee - protocol, "the fee left by the protocol")
        compounding = trading * self.compounding_bps // BPS
        checked(trading - compounding, "the fee left to claim")
        return protocol, compounding
