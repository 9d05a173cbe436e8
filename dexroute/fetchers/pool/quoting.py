"""A swap from the user's account to the user's account (programs/pool/README.md, section Swap).

Checks stand in the program's order, so that a refusal carries the code the program would answer. An empty pool needs no check of
its own: nothing comes out (AmountTooSmall), and nothing can be asked of it (InsufficientLiquidity).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, TRANSFER, DeferredQuote, fees_by_kind
from dexroute.fetchers.pool.error_codes import ErrorCode
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math import cpmm
from dexroute.math.fee_rate import fee_inside, gross_for_net
from dexroute.math.rounding import PPM, U64_MAX
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.pool.pool import DexroutePool


def quote_swap(pool: DexroutePool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state at the snapshot's clock. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    pool.require_open()
    if request.amount == 0:
        _too_small("a swap of nothing; ask for at least 1")
    if request.mode is SwapMode.EXACT_IN:
        return _exact_in(pool, request.amount, index_in)
    return _exact_out(pool, request.amount, index_in)


def _exact_in(pool: DexroutePool, amount_in: int, index_in: int) -> SwapQuote:
    reserve_in, reserve_out = pool.reserves[index_in], pool.reserves[1 - index_in]
    net_in = amount_after_fee(amount_in, pool.mints[index_in].transfer_fee)
    fee = fee_inside(net_in, pool.fee_ppm(), PPM)
    less = net_in - fee
    if less == 0:
        _too_small("fees take all of the input; ask for more")
    if reserve_in + less > U64_MAX:
        _overflow(f"the pool would hold {reserve_in + less}, more than 64 bits; ask for less")
    gross_out = cpmm.amount_out(less, reserve_in, reserve_out)
    amount_out = amount_after_fee(gross_out, pool.mints[1 - index_in].transfer_fee)
    if amount_out == 0:
        _too_small("the output rounds down to nothing; ask for more")
    return _settled(pool, index_in, amount_in=amount_in, net_in=net_in, fee=fee, gross_out=gross_out, amount_out=amount_out)


def _exact_out(pool: DexroutePool, amount_out: int, index_in: int) -> SwapQuote:
    reserve_in, reserve_out = pool.reserves[index_in], pool.reserves[1 - index_in]
    gross_out = amount_before_fee(amount_out, pool.mints[1 - index_in].transfer_fee)
    if gross_out >= reserve_out:
        raise ExceedsLiquidity(
            f"{gross_out} base units out would have to leave a reserve of {reserve_out} base units out; ask for less",
            program_error=int(ErrorCode.InsufficientLiquidity),
        )
    less = cpmm.amount_in(gross_out, reserve_in, reserve_out)
    net_in = gross_for_net(less, pool.fee_ppm(), PPM)
    amount_in = amount_before_fee(net_in, pool.mints[index_in].transfer_fee)
    if amount_in > U64_MAX:
        _overflow(f"it would take {amount_in} in, more than 64 bits; ask for less")
    return _settled(
        pool, index_in, amount_in=amount_in, net_in=net_in, fee=net_in - less, gross_out=gross_out, amount_out=amount_out
    )


def _settled(
    pool: DexroutePool, index_in: int, *, amount_in: int, net_in: int, fee: int, gross_out: int, amount_out: int
) -> SwapQuote:
    protocol_fee = pool.terms.protocol_part(fee)
    protocol_fees = _added(pool.protocol_fees, index_in, protocol_fee)
    reserves = _added(_added(pool.reserves, index_in, net_in - protocol_fee), 1 - index_in, -gross_out)
    if max(*reserves, *protocol_fees) > U64_MAX:
        _overflow(f"the pool would hold {reserves[index_in]} and owe {protocol_fees[index_in]}, more than 64 bits; ask for less")
    return DexroutePoolQuote(amount_in, amount_out, (pool, index_in, net_in, fee, gross_out, reserves, protocol_fees))


class DexroutePoolQuote(DeferredQuote):
    """Its facts: pool, index of the input mint, in base units what reaches the pool, the fee in it and what leaves the pool, and
    its reserves and protocol fees afterwards."""

    __slots__ = ()
    _facts: tuple[DexroutePool, int, int, int, int, tuple[int, int], tuple[int, int]]

    def _fees(self) -> tuple[Fee, ...]:
        pool, index_in, net_in, fee, gross_out, _, _ = self._facts
        return fees_by_kind(
            pool.mints,
            (TRANSFER, index_in, self.amount_in - net_in),
            (POOL, index_in, fee),
            (TRANSFER, 1 - index_in, gross_out - self.amount_out),
        )

    def _settled(self) -> DexroutePool:
        pool, *_, reserves, protocol_fees = self._facts
        now = pool.clock.unix_timestamp
        return replace(
            pool,
            reserves=reserves,
            protocol_fees=protocol_fees,
            volatility=pool.volatility.after_swap(now, pool.terms, pool.reserves, reserves),
            sums=pool.sums.extended(now, pool.reserves),
        )


def _added(pair: tuple[int, int], index: int, amount: int) -> tuple[int, int]:
    return (pair[0] + amount, pair[1]) if index == 0 else (pair[0], pair[1] + amount)


def _too_small(why: str) -> NoReturn:
    raise AmountTooSmall(why, program_error=int(ErrorCode.AmountTooSmall))


def _overflow(why: str) -> NoReturn:
    raise QuoteOverflow(why, program_error=int(ErrorCode.MathOverflow))
