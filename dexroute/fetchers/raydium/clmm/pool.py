"""A CLMM pool as a value."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import PoolNotTradable, QuoteError
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve, curve_along, room_beside
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY, TickArrayBitmap
from dexroute.fetchers.raydium.clmm.dynamic_fee import DynamicFee
from dexroute.fetchers.raydium.clmm.instruction import swap_instruction
from dexroute.fetchers.raydium.clmm.ladder import TickLadder
from dexroute.fetchers.raydium.clmm.liquidity_curve import stretches
from dexroute.fetchers.raydium.clmm.program_errors import NOT_APPROVED, REQUIRE_GT_VIOLATED
from dexroute.fetchers.raydium.clmm.quoting import quote_swap
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.math.concave import until_output
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

SWAPS_DISABLED_BIT = 16
FROZEN = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ClmmPool:
    """Pairs are in the order of the pool's mints 0 and 1. `sqrt_price_x64` is the Q64.64 root of token 1 per token 0,
    `liquidity` what is in range at `tick_current`. `fee_on`: 0 the input, 1 always token 0, 2 always token 1.

    `ladder` holds the ticks that were read; a swap beyond them is LiquidityNotLoaded.
    """

    address: Pubkey
    clock: ChainClock
    mints: tuple[Mint, Mint]
    vaults: tuple[Pubkey, Pubkey]
    vault_amounts: tuple[int, int]
    status: int
    open_time: int
    config: Pubkey
    observation: Pubkey
    trade_fee_ppm: int
    tick_spacing: int
    liquidity: int
    sqrt_price_x64: int
    tick_current: int
    bitmap: TickArrayBitmap
    ladder: TickLadder
    fee_on: int
    dynamic_fee: DynamicFee | None

    @property
    def venue_id(self) -> str:
        return "raydium-clmm"

    @property
    def slot(self) -> int:
        return self.clock.slot

    def tradable(self) -> Tradability:
        """Whether swaps are open and there is any liquidity that was read."""
        try:
            self.require_open()
            self.require_enabled()
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        if not self.ladder.ticks:
            return Tradability(ok=False, reason="it has no liquidity that was read; use another pool")
        return Tradability(ok=True)

    def require_open(self) -> None:
        """Raises PoolNotTradable until the second after `open_time`."""
        if self.clock.unix_timestamp <= self.open_time:
            raise PoolNotTradable(
                f"it opens after unix time {self.open_time}, the cluster's clock says {self.clock.unix_timestamp}; try again later",
                program_error=REQUIRE_GT_VIOLATED,
            )

    def require_enabled(self) -> None:
        """Raises PoolNotTradable where the program would answer NotApproved."""
        if self.status & SWAPS_DISABLED_BIT:
            raise PoolNotTradable("swaps are switched off in this pool; use another one", program_error=NOT_APPROVED)

    @property
    def has_2026_features(self) -> bool:
        """Whether only the program's 2026 source can execute swaps here: fees on the output, dynamic fees, limit orders."""
        return self.fee_on != 0 or self.dynamic_fee is not None or bool(self.ladder.orders)

    def current_array(self) -> int:
        """The number of the tick array around the price."""
        return self.tick_current // (TICKS_PER_ARRAY * self.tick_spacing)

    def known_ticks(self) -> tuple[int, int]:
        """How far the read liquidity reaches: the lowest and the highest tick a swap may come to before it needs an array that
        was not read. All ticks of the way where nothing lies unread on that side."""
        span = TICKS_PER_ARRAY * self.tick_spacing
        below, above = self.ladder.unread_below, self.ladder.unread_above
        lowest = -443_636 if below is None else min((below + 1) * span, self.tick_current)
        highest = 443_636 if above is None else max(above * span, self.tick_current)
        return lowest, highest

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            square, scale = self.sqrt_price_x64**2, 1 << 128
            if input_index(self, request) == 0:
                return Price(numerator=square, denominator=scale)
            return Price(numerator=scale, denominator=square)

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`."""
        return room_beside(self.vault_amounts[index_in], self.mints[index_in])

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`."""
        pieces = until_output(stretches(self, down=index_in == 0), float(self.vault_amounts[1 - index_in]))
        return curve_along(pieces, self.mints, index_in, most_in)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
