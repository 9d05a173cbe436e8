"""A DAMM v1 pool as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError
from dexroute.fetchers.base import Pool, SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import NOTHING, Curve, curve_along
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct, StableCurve
from dexroute.fetchers.meteora.damm_v1.fees import PoolFees
from dexroute.fetchers.meteora.damm_v1.instruction import LIMIT_SLACK, swap_instruction
from dexroute.fetchers.meteora.damm_v1.liquidity_curve import stretches
from dexroute.fetchers.meteora.damm_v1.program_errors import POOL_DISABLED, VAULT_DISABLED, ZERO_TRADING_TOKENS
from dexroute.fetchers.meteora.damm_v1.quoting import quote_swap
from dexroute.fetchers.meteora.damm_v1.vault import VaultSide
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

_BY_TIME: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DammV1Pool:
    """Pairs are A then B. The pool's tokens lie in two vaults that other pools use too: a swap through one of those moves share
    prices by the rounding of a share, and with it what this one pays by a unit (`beside`).

    `activation_point` counts slots (type 0) or unix seconds (type 1).
    """

    limit_slack: ClassVar[int] = LIMIT_SLACK

    address: Pubkey
    clock: ChainClock
    mints: tuple[Mint, Mint]
    sides: tuple[VaultSide, VaultSide]
    enabled: bool
    activation_type: int
    activation_point: int
    fees: PoolFees
    curve: ConstantProduct | StableCurve

    @property
    def venue_id(self) -> str:
        return "meteora-damm-v1"

    @property
    def slot(self) -> int:
        return self.clock.slot

    @property
    def vaults(self) -> tuple[Pubkey, Pubkey]:
        return self.sides[0].accounts.vault, self.sides[1].accounts.vault

    def reserves(self) -> tuple[int, int]:
        """What the pool's shares are worth at the snapshot's clock, base units. Raises QuoteError."""
        now = self.clock.unix_timestamp
        return self.sides[0].worth(now), self.sides[1].worth(now)

    def held_reserves(self) -> tuple[int, int]:
        """The pool's share of the vaults, which other pools use too; zeros when it cannot be told."""
        try:
            return self.reserves()
        except QuoteError:
            return 0, 0

    def beside(self, before: Pool, after: Pool) -> DammV1Pool:
        """See `fetchers.base.SharesAccounts`."""
        if not (isinstance(before, DammV1Pool) and isinstance(after, DammV1Pool)):
            return self
        first, second = self.sides
        for old, new in zip(before.sides, after.sides, strict=True):
            first, second = first.beside(old, new), second.beside(old, new)
        return self if (first, second) == self.sides else replace(self, sides=(first, second))

    def tradable(self) -> Tradability:
        """Whether swaps are open at the snapshot's clock, in at least one direction."""
        try:
            self.require_open()
            self.curve.at(self.clock.unix_timestamp)
            self._require_liquidity()
            if not self.sides[0].enabled and not self.sides[1].enabled:
                raise PoolNotTradable("neither of its vaults takes deposits; use another pool", program_error=VAULT_DISABLED)
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        return Tradability(ok=True)

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer PoolDisabled."""
        if not self.enabled:
            raise PoolNotTradable("swaps are switched off in this pool; use another one", program_error=POOL_DISABLED)
        if self.activation_type > _BY_TIME:
            raise PoolNotTradable(f"its activation type {self.activation_type} is unknown; a newer dexroute may know it")
        by_time = self.activation_type == _BY_TIME
        point, unit = (self.clock.unix_timestamp, "unix time") if by_time else (self.clock.slot, "slot")
        if point < self.activation_point:
            raise PoolNotTradable(
                f"it opens at {unit} {self.activation_point}, the cluster's clock says {point}; try again later",
                program_error=POOL_DISABLED,
            )

    def _require_liquidity(self) -> tuple[int, int]:
        reserves = self.reserves()
        if 0 in reserves:
            raise ExceedsLiquidity("one of its reserves is empty; use another pool", program_error=ZERO_TRADING_TOKENS)
        return reserves

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            b, a = self.curve.at(self.clock.unix_timestamp).slope(self._require_liquidity())
            return Price(numerator=b, denominator=a) if index_in == 0 else Price(numerator=a, denominator=b)

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`. The protocol's part of the fee does not enter the vault."""
        return self.fees.before_protocol(self.sides[index_in].room(self.clock.unix_timestamp))

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`. The fee is rounded down, which is a favour of less than a unit after it; the stable curve's
        invariant is a whole number too, which is one of the output."""
        try:
            curve = curve_along(stretches(self, index_in, most_in), self.mints, index_in, most_in)
        except QuoteError:
            return NOTHING
        numerator, denominator = self.fees.trade
        keeps = denominator - numerator
        favour_in = denominator / keeps if numerator and keeps > 0 else 0.0
        return Curve(curve.pieces, curve.complete, favour_in, 0.0 if isinstance(self.curve, ConstantProduct) else 1.0)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
