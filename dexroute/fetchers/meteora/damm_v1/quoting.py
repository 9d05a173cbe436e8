"""A DAMM v1 swap from the user's account to the user's account.

Source: MeteoraAg/damm-v1-sdk@02c66a3, dynamic-amm-quote/src/lib.rs (`compute_quote`), with the checks in the order the
program was seen to make them. The program swaps exact inputs only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dexroute.errors import AmountTooSmall, ModeNotOffered
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, DeferredQuote, fees_by_kind
from dexroute.fetchers.meteora.damm_v1.program_errors import INVALID_VAULT_LP, MATH_OVERFLOW
from dexroute.fetchers.meteora.damm_v1.vault import VaultSide
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool


class CoreSwap(NamedTuple):
    """Base units: `paid` reaches the user, who pays `fee` in all; `deposited` enters the one vault for `minted` shares, `burned`
    shares of the other are paid out. `index_in` is the mint that comes in."""

    index_in: int
    paid: int
    fee: int
    deposited: int
    minted: int
    burned: int

    def sides_of(self, pool: DammV1Pool) -> tuple[VaultSide, VaultSide]:
        """Both vaults after the swap."""
        after_in = pool.sides[self.index_in].with_deposit(self.deposited, self.minted)
        after_out = pool.sides[1 - self.index_in].with_withdrawal(self.burned, self.paid)
        return (after_in, after_out) if self.index_in == 0 else (after_out, after_in)

    def given_up_by(self, pool: DammV1Pool) -> int:
        """By how much the pool's reserve falls, as the program compares it with the least output: shares round, so it can be one
        unit more than `paid`."""
        now, index_out = pool.clock.unix_timestamp, 1 - self.index_in
        after = self.sides_of(pool)[index_out]
        return pool.sides[index_out].worth(now) - (after.worth(now) if after.supply else 0)


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
    return DammV1Quote(request.amount, core.paid, (pool, core))


class DammV1Quote(DeferredQuote):
    """Its facts: pool and swap."""

    __slots__ = ()
    _facts: tuple[DammV1Pool, CoreSwap]

    def _fees(self) -> tuple[Fee, ...]:
        pool, core = self._facts
        return fees_by_kind(pool.mints, (POOL, core.index_in, core.fee))

    def _settled(self) -> DammV1Pool:
        pool, core = self._facts
        return replace(pool, sides=core.sides_of(pool), curve=pool.curve.at(pool.clock.unix_timestamp))


def core_swap(pool: DammV1Pool, amount: int, index_in: int) -> CoreSwap:
    """A swap of a positive amount in an open pool. Raises QuoteError."""
    now = pool.clock.unix_timestamp
    curve = pool.curve.at(now)
    values = pool.sides[0].valued(now), pool.sides[1].valued(now)
    (free_in, reserve_in), (free_out, reserve_out) = values[index_in], values[1 - index_in]
    side_in, side_out = pool.sides[index_in], pool.sides[1 - index_in]
    fee, protocol_fee = pool.fees.split(amount)
    deposited = amount - protocol_fee
    if deposited == 0:
        raise AmountTooSmall("the fee takes all of the input; ask for more", program_error=INVALID_VAULT_LP)
    minted = side_in.minted_for(deposited, free_in)
    swapped = side_in.worth_after(deposited, minted, free_in) - reserve_in - fee
    if swapped < 0:
        raise AmountTooSmall("rounding to vault shares takes more than the input; ask for more", program_error=MATH_OVERFLOW)
    reserves = (reserve_in, reserve_out) if index_in == 0 else (reserve_out, reserve_in)
    burned, paid = side_out.paid_for(curve.paid(swapped, reserves, index_in), free_out)
    side_out.require_payable(burned, paid)
    core = CoreSwap(index_in, paid, fee + protocol_fee, deposited, minted, burned)
    if side_out.share > side_out.supply:  # accounts that contradict each other: what is left may overflow
        core.given_up_by(pool)
    return core
