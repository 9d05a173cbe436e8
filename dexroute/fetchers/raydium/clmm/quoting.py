"""A CLMM swap from the user's account to the user's account, transfer fees included.

Source: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/instructions/swap_v2.rs (`exact_internal_v2`) and util/token.rs;
what its last check compares for an exact output is as @03b44b7 and the executed build have it. Checks stand in the
program's order, so that a refusal carries the code the program would answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, TRANSFER, DeferredQuote, fees_by_kind
from dexroute.fetchers.raydium.clmm.bitmap import TICKS_PER_ARRAY, TickArrayBitmap
from dexroute.fetchers.raydium.clmm.compute_units import swap_units
from dexroute.fetchers.raydium.clmm.program_errors import (
    REQUIRE_EQ_VIOLATED,
    REQUIRE_GT_VIOLATED,
    TOKEN_INSUFFICIENT_FUNDS,
    TOO_SMALL_AMOUNT,
    ZERO_AMOUNT,
)
from dexroute.fetchers.raydium.clmm.walk import Walk, walk
from dexroute.fetchers.raydium.clmm.walk_2026 import fee_on_input, walk_2026
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math.rounding import U64_MAX
from dexroute.math.tick import tick_at_sqrt_price
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.clmm.pool import ClmmPool

_FROZEN = 255


def quote_swap(pool: ClmmPool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    exact_in = request.mode is SwapMode.EXACT_IN
    fee_in, fee_out = pool.mints[index_in].transfer_fee, pool.mints[1 - index_in].transfer_fee
    inside = amount_after_fee(request.amount, fee_in) if exact_in else amount_before_fee(request.amount, fee_out)
    if inside > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the output would be {inside}, more than 64 bits; ask for less")
    pool.require_open()
    if inside == 0 or request.amount == 0:
        raise AmountTooSmall("nothing is left to swap; ask for more", program_error=ZERO_AMOUNT)
    pool.require_enabled()
    down = index_in == 0
    walked = (walk_2026 if pool.has_2026_features else walk)(pool, inside, down=down, exact_in=exact_in)
    swapped = inside - walked.left
    reaching, leaving = (swapped, walked.calculated) if exact_in else (walked.calculated, swapped)
    if reaching == 0 or leaving == 0:
        raise AmountTooSmall("one side of the swap rounds to nothing; ask for more", program_error=TOO_SMALL_AMOUNT)
    amount_in = request.amount if exact_in else amount_before_fee(reaching, fee_in)
    if amount_in > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the input would be {amount_in}, more than 64 bits; ask for less")
    _require_vaults(pool, index_in, reaching, leaving)
    _require_complete(pool, walked, "in" if exact_in else "out")
    return ClmmQuote(amount_in, amount_after_fee(leaving, fee_out), (pool, walked, index_in, reaching, leaving))


def _require_complete(pool: ClmmPool, walked: Walk, side: str) -> None:
    if walked.sqrt_price_x64 == pool.sqrt_price_x64 and not pool.has_2026_features:
        raise AmountTooSmall(
            "it would not move the price, which the program demands; ask for more", program_error=REQUIRE_GT_VIOLATED
        )
    if walked.left:
        raise ExceedsLiquidity(
            f"{walked.left} base units {side} would be left over at the end of all prices; ask for less",
            program_error=REQUIRE_EQ_VIOLATED,
        )


def _require_vaults(pool: ClmmPool, index_in: int, reaching: int, leaving: int) -> None:
    vault_in, vault_out = pool.vault_amounts[index_in] + reaching, pool.vault_amounts[1 - index_in]
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")
    if leaving > vault_out:
        raise ExceedsLiquidity(
            f"{leaving} base units out would have to leave a vault that holds {vault_out} base units out; ask for less",
            program_error=TOKEN_INSUFFICIENT_FUNDS,
        )


class ClmmQuote(DeferredQuote):
    """Its facts: pool, walk, index of the input mint, and in base units what reaches the one vault and what leaves the other."""

    __slots__ = ()
    _facts: tuple[ClmmPool, Walk, int, int, int]

    @property
    def compute_units(self) -> int:
        """See `fetchers.base.quoted_units`."""
        pool, walked, index_in, *_ = self._facts
        return swap_units(pool, walked.steps, down=index_in == 0)

    def _fees(self) -> tuple[Fee, ...]:
        pool, walked, index_in, reaching, leaving = self._facts
        return fees_by_kind(
            pool.mints,
            (TRANSFER, index_in, self.amount_in - reaching),
            (POOL, index_in if fee_on_input(pool.fee_on, index_in) else 1 - index_in, walked.fee),
            (TRANSFER, 1 - index_in, leaving - self.amount_out),
        )

    def _settled(self) -> ClmmPool:
        pool, walked, index_in, reaching, leaving = self._facts
        vault_in, vault_out = pool.vault_amounts[index_in] + reaching, pool.vault_amounts[1 - index_in] - leaving
        # The build of April 2026 freezes a pool whose vault a swap empties.
        emptied = vault_out == 0 and not pool.has_2026_features
        return replace(
            pool,
            vault_amounts=(vault_in, vault_out) if index_in == 0 else (vault_out, vault_in),
            status=_FROZEN if emptied else pool.status,
            liquidity=walked.liquidity,
            sqrt_price_x64=walked.sqrt_price_x64,
            tick_current=tick_at_sqrt_price(walked.sqrt_price_x64) if walked.tick is None else walked.tick,
            bitmap=_bitmap_after(pool, walked),
            ladder=walked.ladder,
            dynamic_fee=walked.dynamic_fee,
        )


def _bitmap_after(pool: ClmmPool, walked: Walk) -> TickArrayBitmap:
    """An array whose last tick held nothing but limit orders, all filled now, is no longer one with ticks."""
    if walked.ladder is pool.ladder or len(walked.ladder.ticks) == len(pool.ladder.ticks):
        return pool.bitmap
    span = TICKS_PER_ARRAY * pool.tick_spacing
    gone = {tick // span for tick in pool.ladder.ticks} - {tick // span for tick in walked.ladder.ticks}
    return pool.bitmap.without(gone)
