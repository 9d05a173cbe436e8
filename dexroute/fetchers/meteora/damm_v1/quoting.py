"""A DAMM v1 swap from the user's account to the user's account.

Source: MeteoraAg/damm-v1-sdk@02c66a3, dynamic-amm-quote/src/lib.rs (`compute_quote`), with the checks in the order the
program was seen to make them. The program swaps exact inputs only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, ModeNotOffered
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import DeferredQuote, fees_by_kind
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct, StableCurve
from dexroute.fetchers.meteora.damm_v1.program_errors import INVALID_VAULT_LP, MATH_OVERFLOW
from dexroute.fetchers.meteora.damm_v1.vault import VaultSide
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.types.fees import Fee, FeeKind
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreSwap:
    """Base units: `paid` reaches the user; `given_up` is by how much the pool's reserve fell, as the program compares it with the
    least output: shares round, so it can be one unit more than `paid`. `sides` and `curve` are those after the swap."""

    paid: int
    given_up: int
    fee: int
    sides: tuple[VaultSide, VaultSide]
    curve: ConstantProduct | StableCurve


def require_exact_in(request: QuoteRequest) -> None:
    """Raises ModeNotOffered for an exact output."""
    if request.mode is not SwapMode.EXACT_IN:
        raise ModeNotOffered("the program of Meteora DAMM v1 swaps exact inputs only; ask for exact in or another pool")


def quote_swap(pool: DammV1Pool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state; an amount of 0 succeeds and moves nothing. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_exact_in(request)
    require_u64(request.amount)
    pool.require_open()
    if request.amount == 0:
        return SwapQuote(amount_in=0, amount_out=0, fees=(), next_pool=pool)
    core = core_swap(pool, request.amount, index_in)
    return DammV1Quote(request.amount, core.paid, (pool, core, index_in))


class DammV1Quote(DeferredQuote):
    """Its facts: pool, swap, index of the input mint."""

    __slots__ = ()
    _facts: tuple[DammV1Pool, CoreSwap, int]

    def _fees(self) -> tuple[Fee, ...]:
        pool, core, index_in = self._facts
        return fees_by_kind(pool.mints, (FeeKind.POOL, index_in, core.fee))

    def _settled(self) -> DammV1Pool:
        pool, core, _ = self._facts
        return replace(pool, sides=core.sides, curve=core.curve)


def core_swap(pool: DammV1Pool, amount: int, index_in: int) -> CoreSwap:
    """A swap of a positive amount in an open pool. Raises QuoteError."""
    now = pool.clock.unix_timestamp
    curve = pool.curve.at(now)
    side_in, side_out = pool.sides[index_in], pool.sides[1 - index_in]
    reserves = pool.reserves()
    fee, protocol_fee = pool.fees.split(amount)
    deposited = amount - protocol_fee
    if deposited == 0:
        raise AmountTooSmall("the fee takes all of the input; ask for more", program_error=INVALID_VAULT_LP)
    after_in = side_in.with_deposit(deposited, now)
    swapped = after_in.worth(now) - reserves[index_in] - fee
    if swapped < 0:
        raise AmountTooSmall("rounding to vault shares takes more than the input; ask for more", program_error=MATH_OVERFLOW)
    burned, paid = side_out.paid_for(curve.paid(swapped, reserves, index_in), now)
    after_out = side_out.with_withdrawal(burned, paid)
    left = after_out.worth(now) if after_out.supply else 0
    return CoreSwap(
        paid=paid,
        given_up=reserves[1 - index_in] - left,
        fee=fee + protocol_fee,
        sides=(after_in, after_out) if index_in == 0 else (after_out, after_in),
        curve=curve,
    )
