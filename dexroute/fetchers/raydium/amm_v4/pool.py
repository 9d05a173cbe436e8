"""An AMM v4 pool as a value."""

from __future__ import annotations

from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import ExceedsLiquidity, PoolNotTradable, QuoteError, QuoteOverflow
from dexroute.fetchers.base import SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.curve import Curve, product_curve, room_beside
from dexroute.fetchers.raydium.amm_v4.instruction import SwapForm, swap_instruction
from dexroute.fetchers.raydium.amm_v4.market import Market
from dexroute.fetchers.raydium.amm_v4.order_book import OpenOrders, OrderBookRule
from dexroute.fetchers.raydium.amm_v4.program_errors import CHECKED_ADD_OVERFLOW, CHECKED_SUB_OVERFLOW, INVALID_STATUS
from dexroute.fetchers.raydium.amm_v4.quoting import quote_swap
from dexroute.fetchers.raydium.amm_v4.status import CLOSED, MARKET_MAKING, ORDER_BOOK_ONLY, WAITING
from dexroute.fetchers.refusals import explained, input_index, refusals_explained
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import ChainClock
from dexroute.types.mints import Mint
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest

_BUILDS_DISAGREE = (
    "part of its funds lies in open orders, which program builds until 2026-07 count and later ones do not; "
    "say which one your cluster runs (RaydiumAmmV4(order_book=...)) or use another pool"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AmmV4Pool:
    """Pairs are coin then pc; amounts in base units, times in unix seconds. `need_take_pnl` lies in the vaults and belongs to
    Raydium. `open_orders` and `market` are None where no build that `rule` allows for looks at them."""

    address: Pubkey
    clock: ChainClock
    mints: tuple[Mint, Mint]
    vaults: tuple[Pubkey, Pubkey]
    vault_amounts: tuple[int, int]
    need_take_pnl: tuple[int, int]
    status: int
    pool_open_time: int
    orderbook_to_init_time: int
    fee_numerator: int
    fee_denominator: int
    authority: Pubkey
    open_orders_address: Pubkey
    open_orders: OpenOrders | None
    market: Market | None
    rule: OrderBookRule
    form: SwapForm

    @property
    def venue_id(self) -> str:
        return "raydium-amm-v4"

    @property
    def slot(self) -> int:
        return self.clock.slot

    def tradable(self) -> Tradability:
        """Whether swaps are open at the snapshot's clock."""
        try:
            self.require_open()
            if 0 in self.reserves():
                return Tradability(ok=False, reason="one of its reserves is empty; use another pool")
        except QuoteError as refusal:
            return Tradability(ok=False, reason=refusal.message)
        if self.fee_numerator == self.fee_denominator:
            return Tradability(ok=False, reason="its fee takes everything; use another pool")
        return Tradability(ok=True)

    def require_open(self) -> None:
        """Raises PoolNotTradable while the program would answer InvalidStatus, and where its builds differ."""
        now, status = self.clock.unix_timestamp, self.status
        if status == WAITING and now < self.pool_open_time:
            raise PoolNotTradable(
                f"it opens at unix time {self.pool_open_time}, the cluster's clock says {now}; try again later",
                program_error=INVALID_STATUS,
            )
        if status == ORDER_BOOK_ONLY and now >= self.orderbook_to_init_time and self.rule is not OrderBookRule.IGNORED:
            if self.rule is OrderBookRule.UNKNOWN:
                raise PoolNotTradable(_BUILDS_DISAGREE)
        elif status in CLOSED:
            raise PoolNotTradable(f"{CLOSED[status]} (status {status}); use another pool", program_error=INVALID_STATUS)
        if self.open_orders is not None and self.rule is OrderBookRule.UNKNOWN and any(self.open_orders.totals):
            raise PoolNotTradable(_BUILDS_DISAGREE)

    def status_after(self) -> int:
        """The status a first swap leaves: waiting pools open, order-book pools become ordinary ones."""
        return {WAITING: 6, ORDER_BOOK_ONLY: MARKET_MAKING}.get(self.status, self.status)

    def reserves(self) -> tuple[int, int]:
        """What the curve runs on: vaults, and open orders where they count, less what Raydium has yet to take.

        Raises QuoteError. Source: program/src/math.rs (`calc_total_without_take_pnl`, `..._no_orderbook`).
        """
        funds = (0, 0) if self.open_orders is None else self.open_orders.funds
        coin, pc = self.vault_amounts[0] + funds[0], self.vault_amounts[1] + funds[1]
        if max(coin, pc) > U64_MAX:
            raise QuoteOverflow("its vaults and open orders overflow 64 bits", program_error=CHECKED_ADD_OVERFLOW)
        coin, pc = coin - self.need_take_pnl[0], pc - self.need_take_pnl[1]
        if min(coin, pc) < 0:
            raise PoolNotTradable("it owes Raydium more than it holds; use another pool", program_error=CHECKED_SUB_OVERFLOW)
        return coin, pc

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        request = QuoteRequest(input_mint=input_mint, output_mint=output_mint, amount=0)
        with refusals_explained(self, request):
            index_in = input_index(self, request)
            reserves = self.reserves()
            if 0 in reserves:
                raise ExceedsLiquidity("one of its reserves is empty, so it has no price; use another pool")
            return Price(numerator=reserves[1 - index_in], denominator=reserves[index_in])

    def room_in(self, index_in: int) -> int:
        """See `fetchers.curve`."""
        return room_beside(self.vault_amounts[index_in], self.mints[index_in])

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        """See `fetchers.curve`. The fee, of the input, stays in the reserves."""
        keep = 1.0 - self.fee_numerator / self.fee_denominator
        return product_curve(self.reserves(), self.mints, index_in, most_in, keep_in=keep)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        try:
            return quote_swap(self, request)
        except QuoteError as refusal:
            raise explained(refusal, self, request) from refusal

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return swap_instruction(self, request)
