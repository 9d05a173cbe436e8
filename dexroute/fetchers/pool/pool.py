"""A pool of the dexroute program as a value."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve, product_curve
from dexroute.fetchers.pool.error_codes import ErrorCode
from dexroute.fetchers.pool.fee import FeeTerms
from dexroute.fetchers.pool.instructions import swap
from dexroute.fetchers.pool.pda import PoolAccounts
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.fetchers.pool.quoting import quote_swap
from dexroute.fetchers.pool.volatility import Volatility
from dexroute.fetchers.refusals import explained, input_index, instruction_direction, refusals_explained
from dexroute.math.rounding import PPM, U64_MAX, ceil_div
from dexroute.math.transfer_fee import amount_before_fee
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

SWAPS_OFF = 1
ADDING_OFF = 2
REMOVING_OFF = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DexroutePool:
    """Pairs are in the order of mints a and b; amounts in base units. `lp_supply` includes the 1,000 units locked forever.

    `reserves` are what belongs to liquidity providers; the vaults also hold `protocol_fees` and what was sent to them uninvited.
    """

    accounts: PoolAccounts
    clock: ChainClock
    mints: tuple[Mint, Mint]
    index: int
    admin: Pubkey
    status: int
    reserves: tuple[int, int]
    protocol_fees: tuple[int, int]
    lp_supply: int
    terms: FeeTerms
    volatility: Volatility
    sums: PriceSums

    @property
    def venue_id(self) -> str:
        return "dexroute-pool"

    @property
    def address(self) -> Pubkey:
        return self.accounts.pool

    @property
    def slot(self) -> int:
        return self.clock.slot

    def held_reserves(self) -> tuple[int, int]:
        """The reserves: the pool's account holds them, so the vaults are not read."""
        return self.reserves

    def tradable(self) -> Tradability:
        """Whether swaps are open and both reserves hold something."""
        try:
            self.require_open()
            self.require_liquidity()
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        return Tradability(ok=True)

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer SwapsDisabled."""
        if self.status & SWAPS_OFF:
            raise PoolNotTradable(
                "swaps are switched off in this pool; use another one", program_error=int(ErrorCode.SwapsDisabled)
            )

    def require_liquidity(self) -> None:
        """Raises ExceedsLiquidity for a pool nobody has put anything into."""
        if 0 in self.reserves:
            raise ExceedsLiquidity("the pool is empty; use another one", program_error=int(ErrorCode.InsufficientLiquidity))

    def fee_ppm(self) -> int:
        """What a swap would be charged at the snapshot's clock, parts per million of what reaches the pool."""
        return self.terms.fee_ppm(self.volatility.at(self.clock.unix_timestamp, self.terms))

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            self.require_liquidity()
            return Price(numerator=self.reserves[1 - index_in], denominator=self.reserves[index_in])

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`. The protocol's part of the fee is not counted among the reserves."""
        kept = PPM**2 - self.terms.fee_ppm(self.terms.max_volatility_bps) * self.terms.protocol_share_ppm
        room = ceil_div((U64_MAX - self.reserves[index_in]) * PPM**2, kept)
        return amount_before_fee(room, self.mints[index_in].transfer_fee)

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`. At the lowest fee that any of several swaps could pay."""
        least_bps = self.volatility.least_at(self.clock.unix_timestamp, self.terms, self.reserves, falling=index_in == 0)
        keep = 1.0 - self.terms.fee_ppm(least_bps) / PPM
        return product_curve(self.reserves, self.mints, index_in, most_in, keep_in=keep)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        index_in = instruction_direction(self, request)
        return swap(
            self.accounts,
            index_in,
            request.quote.mode,
            amount=request.quote.amount,
            limit=request.limit,
            user=request.user,
            source=request.source,
            destination=request.destination,
        )
