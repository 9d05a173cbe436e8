"""A CPMM swap from the user's account to the user's account, transfer fees included.

Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/instructions/swap_base_{input,output}.rs and
utils/token.rs. Checks stand in the program's order, so that a refusal carries the code the program would answer.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import DeferredQuote
from dexroute.fetchers.raydium.cpmm.curve import CurveSwap, swap_exact_in, swap_exact_out
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math.rounding import U64_MAX
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee, FeeKind
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.cpmm.pool import CpmmPool

_REQUIRE_GT_VIOLATED = 2505


def quote_swap(pool: CpmmPool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    if request.mode is SwapMode.EXACT_IN:
        return _exact_in(pool, request.amount, index_in)
    return _exact_out(pool, request.amount, index_in)


def _exact_in(pool: CpmmPool, amount_in: int, index_in: int) -> SwapQuote:
    pool.require_open()
    net_in = amount_after_fee(amount_in, pool.mints[index_in].transfer_fee)
    if net_in == 0:
        raise AmountTooSmall("nothing of the input reaches the pool; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    reserves = pool.reserves()
    on_input = pool.creator_fee_is_on_input(index_in)
    swap = swap_exact_in(net_in, reserves[index_in], reserves[1 - index_in], pool.rates, creator_on_input=on_input)
    received = amount_after_fee(swap.amount_out, pool.mints[1 - index_in].transfer_fee)
    if received == 0:
        raise AmountTooSmall("the output rounds down to nothing; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    return _settle(pool, swap, index_in, amount_in=amount_in, amount_out=received)


def _exact_out(pool: CpmmPool, amount_out: int, index_in: int) -> SwapQuote:
    if amount_out == 0:
        raise AmountTooSmall("a swap for nothing; ask for at least 1", program_error=_REQUIRE_GT_VIOLATED)
    pool.require_open()
    leaving = amount_before_fee(amount_out, pool.mints[1 - index_in].transfer_fee)
    if leaving > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the output would be {leaving}, more than 64 bits; ask for less")
    reserves = pool.reserves()
    on_input = pool.creator_fee_is_on_input(index_in)
    swap = swap_exact_out(leaving, reserves[index_in], reserves[1 - index_in], pool.rates, creator_on_input=on_input)
    if swap.amount_in > U64_MAX:
        raise QuoteOverflow(f"it would take {swap.amount_in} in, more than 64 bits; ask for less")
    if swap.amount_in == 0:
        raise AmountTooSmall("the input rounds to nothing; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    amount_in = amount_before_fee(swap.amount_in, pool.mints[index_in].transfer_fee)
    if amount_in > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the input would be {amount_in}, more than 64 bits; ask for less")
    return _settle(pool, swap, index_in, amount_in=amount_in, amount_out=amount_out)


def _settle(pool: CpmmPool, swap: CurveSwap, index_in: int, *, amount_in: int, amount_out: int) -> SwapQuote:
    vault_in = pool.vault_amounts[index_in] + swap.amount_in
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")
    creator_index = index_in if pool.creator_fee_is_on_input(index_in) else 1 - index_in
    return DeferredQuote(
        amount_in=amount_in,
        amount_out=amount_out,
        fees=_fees(pool, swap, index_in, creator_index, amount_in, amount_out),
        settle=partial(_next_pool, pool, swap, index_in, creator_index),
    )


def _fees(pool: CpmmPool, swap: CurveSwap, index_in: int, creator_index: int, amount_in: int, amount_out: int) -> tuple[Fee, ...]:
    taken = (
        (FeeKind.TRANSFER, index_in, amount_in - swap.amount_in),
        (FeeKind.POOL, index_in, swap.trade_fee),
        (FeeKind.CREATOR, creator_index, swap.creator_fee),
        (FeeKind.TRANSFER, 1 - index_in, swap.amount_out - amount_out),
    )
    return tuple([Fee(kind=kind, mint=pool.mints[index].address, amount=amount) for kind, index, amount in taken if amount])


def _next_pool(pool: CpmmPool, swap: CurveSwap, index_in: int, creator_index: int) -> CpmmPool:
    return replace(
        pool,
        vault_amounts=_added(_added(pool.vault_amounts, index_in, swap.amount_in), 1 - index_in, -swap.amount_out),
        protocol_fees=_added(pool.protocol_fees, index_in, swap.protocol_fee),
        fund_fees=_added(pool.fund_fees, index_in, swap.fund_fee),
        creator_fees=_added(pool.creator_fees, creator_index, swap.creator_fee),
    )


def _added(pair: tuple[int, int], index: int, amount: int) -> tuple[int, int]:
    return (pair[0] + amount, pair[1]) if index == 0 else (pair[0], pair[1] + amount)
