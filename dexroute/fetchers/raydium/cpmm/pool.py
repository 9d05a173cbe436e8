"""A CPMM pool as a value."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve, product_curve, room_beside
from dexroute.fetchers.raydium.cpmm.curve import FeeRates
from dexroute.fetchers.raydium.cpmm.instruction import swap_instruction
from dexroute.fetchers.raydium.cpmm.quoting import quote_swap
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.math.rounding import PPM, U64_MAX
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

_SWAPS_DISABLED_BIT = 4
_NOT_APPROVED = 6000
_MATH_OVERFLOW = 6011
_INSUFFICIENT_VAULT = 6012
_INVALID_FEE_MODEL = 6013


@dataclass(frozen=True, slots=True, kw_only=True)
class CpmmPool:
    """Pairs are in the order of the pool's mints 0 and 1; amounts in base units, `open_time` in unix seconds.

    `creator_fee_on`: 0 the input mint, 1 always mint 0, 2 always mint 1 (states/pool.rs, CreatorFeeOn).
    """

    address: Pubkey
    clock: ChainClock
    mints: tuple[Mint, Mint]
    vaults: tuple[Pubkey, Pubkey]
    vault_amounts: tuple[int, int]
    protocol_fees: tuple[int, int]
    fund_fees: tuple[int, int]
    creator_fees: tuple[int, int]
    status: int
    open_time: int
    creator_fee_on: int
    config: Pubkey
    rates: FeeRates
    observation: Pubkey

    @property
    def venue_id(self) -> str:
        return "raydium-cpmm"

    @property
    def slot(self) -> int:
        return self.clock.slot

    def tradable(self) -> Tradability:
        """Whether swaps are open. A pool that charges no fee at all is closed: its program divides by the rates."""
        try:
            self.require_open()
            self.reserves()
            if self.creator_fee_is_on_input(0) and self.creator_fee_is_on_input(1) and not self._charges():
                return Tradability(ok=False, reason="its fee rates are all zero, and the program divides by them")
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        return Tradability(ok=True)

    def _charges(self) -> bool:
        return self.rates.trade_ppm + self.rates.creator_ppm > 0

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer NotApproved."""
        if self.status & _SWAPS_DISABLED_BIT:
            raise PoolNotTradable("swaps are switched off in this pool; use another one", program_error=_NOT_APPROVED)
        if self.clock.unix_timestamp < self.open_time:
            raise PoolNotTradable(
                f"it opens at unix time {self.open_time}, the cluster's clock says {self.clock.unix_timestamp}; try again later",
                program_error=_NOT_APPROVED,
            )

    def reserves(self) -> tuple[int, int]:
        """What belongs to liquidity providers: vault balances less fees owed. Raises QuoteError.

        Source: states/pool.rs, `vault_amount_without_fee` and `token_price_x32` (which panics on an empty side).
        """
        protocol, fund, creator = self.protocol_fees, self.fund_fees, self.creator_fees
        owed_0, owed_1 = protocol[0] + fund[0] + creator[0], protocol[1] + fund[1] + creator[1]
        if owed_0 > U64_MAX or owed_1 > U64_MAX:
            raise QuoteOverflow("fees owed overflow 64 bits", program_error=_MATH_OVERFLOW)
        reserve_0, reserve_1 = self.vault_amounts[0] - owed_0, self.vault_amounts[1] - owed_1
        if reserve_0 < 0 or reserve_1 < 0:
            raise PoolNotTradable("it owes more fees than its vaults hold", program_error=_INSUFFICIENT_VAULT)
        if reserve_0 == 0 or reserve_1 == 0:
            raise ExceedsLiquidity("one of its reserves is empty; use another pool")
        return reserve_0, reserve_1

    def creator_fee_is_on_input(self, index_in: int) -> bool:
        """Whether the creator's fee is taken from the input when mint `index_in` comes in. Raises PoolNotTradable."""
        if self.creator_fee_on > 2:
            raise PoolNotTradable(f"its creator fee mode {self.creator_fee_on} is unknown", program_error=_INVALID_FEE_MODEL)
        return self.creator_fee_on in (0, index_in + 1)

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            reserves = self.reserves()
            return Price(numerator=reserves[1 - index_in], denominator=reserves[index_in])

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`."""
        return room_beside(self.vault_amounts[index_in], self.mints[index_in])

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`. No fee comes back into the reserves on the output side: the creator's is owed, not theirs."""
        trade, creator = self.rates.trade_ppm, self.rates.creator_ppm
        keep_in, keep_out = 1.0 - trade / PPM, 1.0 - creator / PPM
        if self.creator_fee_is_on_input(index_in):
            keep_in, keep_out = 1.0 - (trade + creator) / PPM, 1.0
        return product_curve(self.reserves(), self.mints, index_in, most_in, keep_in=keep_in, keep_out=keep_out)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
