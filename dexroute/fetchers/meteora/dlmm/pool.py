"""A DLMM pair as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve, curve_along, room_beside
from dexroute.fetchers.meteora.dlmm.bins import BinArray
from dexroute.fetchers.meteora.dlmm.bitmap import ArrayBitmap
from dexroute.fetchers.meteora.dlmm.fees import FeeTerms, Volatility
from dexroute.fetchers.meteora.dlmm.instruction import swap_instruction
from dexroute.fetchers.meteora.dlmm.liquidity_curve import filled_pieces
from dexroute.fetchers.meteora.dlmm.program_errors import (
    INVALID_ACTIVATION_TYPE,
    INVALID_COLLECT_FEE_MODE,
    INVALID_POOL_TYPE,
    POOL_DISABLED,
    TYPE_CAST_FAILED,
)
from dexroute.fetchers.meteora.dlmm.quoting import quote_swap
from dexroute.fetchers.meteora.dlmm.walk import filled_bins
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.math.bin_price import bin_price_x64
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

_FEE_ON_Y: Final = 1
# Permissioned pairs and launch pools wait for their activation; the others never do.
_TYPES_WITH_ACTIVATION: Final = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DlmmSettings:
    """What swaps do not change. `activation_point` counts slots (type 0) or unix seconds (type 1); `collect_fee_mode`: 0 fees
    on the input, 1 always in Y. `oracle` is only passed on."""

    mints: tuple[Mint, Mint]
    reserves: tuple[Pubkey, Pubkey]
    oracle: Pubkey
    step_bps: int
    min_bin_id: int
    max_bin_id: int
    fees: FeeTerms
    collect_fee_mode: int
    function_type: int
    pair_type: int
    status: int
    activation_type: int
    activation_point: int

    def require_known(self) -> None:
        """Raises PoolNotTradable for settings nobody knows yet."""
        if self.collect_fee_mode <= _FEE_ON_Y and self.pair_type <= 3 and self.activation_type <= 1 and self.function_type <= 2:
            return
        for name, kind, last, code in (
            ("fee collection", self.collect_fee_mode, _FEE_ON_Y, INVALID_COLLECT_FEE_MODE),
            ("pair type", self.pair_type, 3, INVALID_POOL_TYPE),
            ("activation type", self.activation_type, 1, INVALID_ACTIVATION_TYPE),
            ("function type", self.function_type, 2, TYPE_CAST_FAILED),
        ):
            if kind > last:
                raise PoolNotTradable(f"its {name} {kind} is unknown; a newer dexroute may know it", program_error=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class DlmmPool:
    """Pairs are X then Y. `arrays` are the bin arrays that were read, by index: those with liquidity from the active bin on, in
    both directions, up to the first that was not read. A swap that gets there is refused with LiquidityNotLoaded, which
    names it."""

    address: Pubkey
    clock: ChainClock
    settings: DlmmSettings
    bitmap: ArrayBitmap
    reserve_amounts: tuple[int, int]
    active_id: int
    volatility: Volatility
    arrays: Mapping[int, BinArray]

    @property
    def venue_id(self) -> str:
        return "meteora-dlmm"

    @property
    def slot(self) -> int:
        return self.clock.slot

    @property
    def mints(self) -> tuple[Mint, Mint]:
        return self.settings.mints

    def fee_on_input(self, down: bool) -> bool:
        """Whether a swap of X (`down`) or of Y pays its fee out of what it brings."""
        return not (down and self.settings.collect_fee_mode == _FEE_ON_Y)

    def volatility_now(self) -> Volatility:
        """The volatility a swap at the snapshot's clock starts from. Raises QuoteOverflow."""
        return self.settings.fees.before_swap(self.volatility, self.active_id, self.clock.unix_timestamp)

    def tradable(self) -> Tradability:
        """Whether swaps are open at the snapshot's clock and some bin that was read has something to give."""
        try:
            self.require_open()
            self._require_liquidity()
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        return Tradability(ok=True)

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer PoolDisabled, and for settings nobody knows yet."""
        settings = self.settings
        if settings.status != 0:
            raise PoolNotTradable("swaps are switched off in this pair; use another one", program_error=POOL_DISABLED)
        settings.require_known()
        if settings.pair_type in _TYPES_WITH_ACTIVATION:
            point, unit = (self.clock.unix_timestamp, "unix time") if settings.activation_type else (self.clock.slot, "slot")
            if point < settings.activation_point:
                raise PoolNotTradable(
                    f"it opens at {unit} {settings.activation_point}, the cluster's clock says {point}; try again later",
                    program_error=POOL_DISABLED,
                )

    def _require_liquidity(self) -> None:
        try:
            next(filled_bins(self, down=True))
        except QuoteError:
            next(filled_bins(self, down=False))

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            self._require_liquidity()
            try:
                price_x64 = bin_price_x64(self.active_id, self.settings.step_bps)
            except ValueError as error:
                raise ExceedsLiquidity(f"its active bin has no price: {error}; use another pool") from error
            one = 1 << 64
            return Price(numerator=price_x64, denominator=one) if index_in == 0 else Price(numerator=one, denominator=price_x64)

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`."""
        return room_beside(self.reserve_amounts[index_in], self.mints[index_in])

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`."""
        return curve_along(filled_pieces(self, down=index_in == 0), self.mints, index_in, most_in)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
