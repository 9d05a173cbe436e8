"""A DAMM v2 pool as a value."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve as LiquidityCurve
from dexroute.fetchers.curve import curve_along, room_beside
from dexroute.fetchers.meteora.damm_v2.base_fee import FeeMoment
from dexroute.fetchers.meteora.damm_v2.compounding import CompoundingCurve
from dexroute.fetchers.meteora.damm_v2.concentrated import ConcentratedCurve
from dexroute.fetchers.meteora.damm_v2.curve import Curve
from dexroute.fetchers.meteora.damm_v2.fees import PoolFees
from dexroute.fetchers.meteora.damm_v2.instruction import swap_instruction
from dexroute.fetchers.meteora.damm_v2.liquidity_curve import stretches
from dexroute.fetchers.meteora.damm_v2.program_errors import INVALID_ACTIVATION_TYPE, POOL_DISABLED, TYPE_CAST_FAILED
from dexroute.fetchers.meteora.damm_v2.quoting import quote_swap
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.math.concave import until_output
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

COMPOUNDING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DammV2Pool:
    """Pairs are A then B. `amounts` are the reserves the program tracks, `vault_amounts` what the vaults hold, fees
    included; `activation_point` counts slots (type 0) or unix seconds (type 1). `collect_fee_mode`: 0 fees on the
    output, 1 always in B, 2 always in B and partly compounded into the reserves, which then replace the price range.

    While a rate limiter lasts, the program takes only one swap of a pool per transaction that ends in a buy of A: a
    second one through `next_pool` is quoted as the next transaction would execute it.
    """

    address: Pubkey
    clock: ChainClock
    mints: tuple[Mint, Mint]
    vaults: tuple[Pubkey, Pubkey]
    vault_amounts: tuple[int, int]
    amounts: tuple[int, int]
    protocol_fees: tuple[int, int]
    protocol_fees_ever: tuple[int, int]
    liquidity: int
    sqrt_price_x64: int
    sqrt_min_x64: int
    sqrt_max_x64: int
    init_sqrt_price_x64: int
    fees: PoolFees
    collect_fee_mode: int
    activation_type: int
    activation_point: int
    status: int
    layout_version: int

    @property
    def venue_id(self) -> str:
        return "meteora-damm-v2"

    @property
    def slot(self) -> int:
        return self.clock.slot

    @property
    def compounds(self) -> bool:
        return self.collect_fee_mode == COMPOUNDING

    def tradable(self) -> Tradability:
        """Whether swaps are open at the snapshot's clock and the pool's settings are ones the program knows."""
        try:
            self.require_open()
            self.require_known_modes()
            self.fees.max_rate()
            for index_in in (0, 1):
                self.fees.rate_inside(1, self.moment(index_in))
            if self.liquidity == 0 or (self.sqrt_price_x64 == 0 and not self.compounds):
                raise ExceedsLiquidity("it holds no liquidity; use another pool")
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        return Tradability(ok=True)

    def point(self) -> int:
        """The clock as this pool counts it: slot or unix seconds. Raises PoolNotTradable."""
        if self.activation_type > 1:
            raise PoolNotTradable(f"its activation type {self.activation_type} is unknown", program_error=INVALID_ACTIVATION_TYPE)
        return self.clock.unix_timestamp if self.activation_type else self.clock.slot

    def must_come_first(self, input_mint: Pubkey) -> bool:
        """A buy of A while the rate limiter lasts: behind another swap of the pool the program answers 6049."""
        base = self.fees.base
        return isinstance(base, RateLimiter) and input_mint == self.mints[1].address and base.applies(self.moment(1))

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer PoolDisabled."""
        point = self.point()
        if self.status != 0:
            raise PoolNotTradable("swaps are switched off in this pool; use another one", program_error=POOL_DISABLED)
        if point < self.activation_point:
            unit = "unix time" if self.activation_type else "slot"
            raise PoolNotTradable(
                f"it opens at {unit} {self.activation_point}, the cluster's clock says {point}; try again later",
                program_error=POOL_DISABLED,
            )

    def require_known_modes(self) -> None:
        """Raises PoolNotTradable for a layout or a fee collection this program version does not know."""
        if self.layout_version > 1:
            raise PoolNotTradable(f"its layout version {self.layout_version} is unknown", program_error=TYPE_CAST_FAILED)
        if self.collect_fee_mode > COMPOUNDING:
            raise PoolNotTradable(f"its fee collection {self.collect_fee_mode} is unknown", program_error=TYPE_CAST_FAILED)

    def moment(self, index_in: int) -> FeeMoment:
        return FeeMoment(self.point(), self.activation_point, index_in == 1, self.init_sqrt_price_x64, self.sqrt_price_x64)

    def concentrated(self) -> ConcentratedCurve:
        return ConcentratedCurve(
            liquidity=self.liquidity,
            sqrt_price_x64=self.sqrt_price_x64,
            sqrt_min_x64=self.sqrt_min_x64,
            sqrt_max_x64=self.sqrt_max_x64,
        )

    def curve(self) -> Curve:
        return CompoundingCurve(amounts=self.amounts) if self.compounds else self.concentrated()

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            a, b = self.amounts if self.compounds else (1 << 128, self.sqrt_price_x64**2)
            if a == 0 or b == 0:
                raise ExceedsLiquidity("it holds no liquidity, so it has no price")
            return Price(numerator=b, denominator=a) if index_in == 0 else Price(numerator=a, denominator=b)

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`."""
        return room_beside(self.vault_amounts[index_in], self.mints[index_in])

    def liquidity_curve(self, index_in: int, most_in: int) -> LiquidityCurve:
        """See `fetchers.curve`."""
        pieces = until_output(stretches(self, index_in), float(self.vault_amounts[1 - index_in]))
        return curve_along(pieces, self.mints, index_in, most_in)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
