"""A DAMM v2 swap from the user's account to the user's account, transfer fees included.

Source: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/instructions/swap/{ix_p_swap,swap_exact_in,swap_exact_out}.rs,
state/pool.rs (`get_swap_result_from_exact_*`) and utils/token.rs. Checks stand in the program's order, so that a refusal
carries the code the program would answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, TRANSFER, DeferredQuote, fees_by_kind
from dexroute.fetchers.meteora.damm_v2.base_fee import gross_of, net_of
from dexroute.fetchers.meteora.damm_v2.program_errors import AMOUNT_IS_ZERO, checked
from dexroute.fetchers.meteora.damm_v2.settlement import CoreSwap, Settlement, settlement
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool


def quote_swap(pool: DammV2Pool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    pool.require_open()
    pool.require_known_modes()
    pool = _with_tracked_amounts(pool)
    if request.amount == 0:
        raise AmountTooSmall("a swap of nothing; ask for at least 1", program_error=AMOUNT_IS_ZERO)
    dynamic = pool.fees.dynamic
    if dynamic is not None:  # what it changes counts after the swap only: the rate depends on the volatility stored before
        dynamic = dynamic.before_swap(pool.sqrt_price_x64, pool.clock.unix_timestamp)
    swap_by_mode = _exact_in if request.mode is SwapMode.EXACT_IN else _exact_out
    swap = swap_by_mode(pool, request.amount, index_in)
    return DammV2Quote(swap.amount_in, swap.amount_out, (pool, swap, index_in, settlement(pool, swap, index_in, dynamic)))


class DammV2Quote(DeferredQuote):
    """Its facts: pool, swap, index of the input mint, settlement."""

    __slots__ = ()
    _facts: tuple[DammV2Pool, CoreSwap, int, Settlement]

    def _fees(self) -> tuple[Fee, ...]:
        pool, swap, index_in, _ = self._facts
        return fees_by_kind(
            pool.mints,
            (TRANSFER, index_in, swap.amount_in - swap.reaching),
            (POOL, index_in if swap.fee_on_input else 1 - index_in, swap.fee),
            (TRANSFER, 1 - index_in, swap.leaving - swap.amount_out),
        )

    def _settled(self) -> DammV2Pool:
        pool, swap, index_in, settled = self._facts
        return settled.pool_after(pool, swap, index_in)


def _with_tracked_amounts(pool: DammV2Pool) -> DammV2Pool:
    """Layout 0 did not store the reserves; the first swap computes them (`update_layout_version_if_needed`)."""
    if pool.layout_version > 0:
        return pool
    amounts = pool.amounts if pool.compounds else pool.concentrated().reserves()
    return replace(pool, amounts=amounts, layout_version=1)


def _fee_on_input(pool: DammV2Pool, index_in: int) -> bool:
    return pool.collect_fee_mode != 0 and index_in == 1


def _exact_in(pool: DammV2Pool, amount_in: int, index_in: int) -> CoreSwap:
    reaching = amount_after_fee(amount_in, pool.mints[index_in].transfer_fee)
    if reaching == 0:
        raise AmountTooSmall("nothing of the input reaches the pool; ask for more", program_error=AMOUNT_IS_ZERO)
    rate = pool.fees.rate_inside(reaching, pool.moment(index_in))
    fee_on_input = _fee_on_input(pool, index_in)
    if fee_on_input:
        swapped = net_of(reaching, rate)
        curve = pool.curve().exact_in(swapped, index_in)
        leaving, fee = curve.amount, reaching - swapped
    else:
        swapped = reaching
        curve = pool.curve().exact_in(swapped, index_in)
        leaving = net_of(curve.amount, rate)
        fee = curve.amount - leaving
    amount_out = amount_after_fee(leaving, pool.mints[1 - index_in].transfer_fee)
    return CoreSwap(amount_in, reaching, swapped, leaving, amount_out, fee, fee_on_input, curve.sqrt_price_x64)


def _exact_out(pool: DammV2Pool, amount_out: int, index_in: int) -> CoreSwap:
    leaving = checked(amount_before_fee(amount_out, pool.mints[1 - index_in].transfer_fee), "the output with its transfer fee")
    pool.fees.max_rate()  # the program refuses an unknown fee version before it asks the curve
    fee_on_input = _fee_on_input(pool, index_in)
    if fee_on_input:
        curve = pool.curve().exact_out(leaving, index_in)
        reaching = gross_of(curve.amount, pool.fees.rate_on_top(curve.amount, pool.moment(index_in)))
        fee = reaching - curve.amount
    else:
        gross = gross_of(leaving, pool.fees.rate_on_top(leaving, pool.moment(index_in)))
        curve = pool.curve().exact_out(gross, index_in)
        reaching, fee = curve.amount, gross - leaving
    amount_in = checked(amount_before_fee(reaching, pool.mints[index_in].transfer_fee), "the input with its transfer fee")
    return CoreSwap(amount_in, reaching, curve.amount, leaving, amount_out, fee, fee_on_input, curve.sqrt_price_x64)
