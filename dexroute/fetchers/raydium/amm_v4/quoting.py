"""An AMM v4 swap from the user's account to the user's account.

Source: raydium-io/raydium-amm@3b087ad (with the order book) and @27f461d (without), program/src/processor.rs
(`process_swap_base_in`, `process_swap_base_out`) and math.rs (`swap_token_amount_base_*`, `CheckedCeilDiv` as it is since
2025-08: a true ceiling). Checks stand in the program's order, so that a refusal carries the code the program would answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, PoolNotTradable, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, DeferredQuote, fees_by_kind
from dexroute.fetchers.raydium.amm_v4.program_errors import (
    INSUFFICIENT_FUNDS,
    INVALID_INPUT,
    MARKET_VAULT_ERROR,
    TOKEN_INSUFFICIENT_FUNDS,
)
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math import cpmm
from dexroute.math.fee_rate import fee_inside, gross_for_net
from dexroute.math.rounding import U64_MAX, U128_MAX
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.raydium.amm_v4.pool import AmmV4Pool


def quote_swap(pool: AmmV4Pool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    pool.require_open()
    reserves = pool.reserves()
    reserve_in, reserve_out = reserves[index_in], reserves[1 - index_in]
    if request.mode is SwapMode.EXACT_IN:
        amount_in = request.amount
        fee = fee_inside(amount_in, pool.fee_numerator, pool.fee_denominator)
        amount_out = _bought(amount_in, amount_in - fee, reserve_in, reserve_out)
    else:
        amount_out = request.amount
        swapped = _needed(amount_out, reserve_in, reserve_out)
        amount_in = _with_fee(pool, swapped)
        fee = amount_in - swapped
    if request.mode is SwapMode.EXACT_OUT and index_in == 1:
        _require_coin_vault(pool, amount_out)
    return _settle(pool, index_in, amount_in, amount_out, fee)


def _bought(amount_in: int, swapped: int, reserve_in: int, reserve_out: int) -> int:
    if reserve_in + swapped == 0:
        raise ExceedsLiquidity("it is empty, and the program divides by its reserve; use another pool")
    amount_out = cpmm.amount_out(swapped, reserve_in, reserve_out)
    if amount_out == 0 or amount_in == 0:
        raise AmountTooSmall("the output rounds down to nothing; ask for more", program_error=INVALID_INPUT)
    if amount_out >= reserve_out:
        raise ExceedsLiquidity("it would pay out a whole reserve; use another pool", program_error=INSUFFICIENT_FUNDS)
    return amount_out


def _needed(amount_out: int, reserve_in: int, reserve_out: int) -> int:
    if amount_out >= reserve_out:
        raise ExceedsLiquidity(
            f"{amount_out} base units out would have to leave a reserve of {reserve_out} base units out; ask for less"
        )
    return cpmm.amount_in(amount_out, reserve_in, reserve_out)


def _with_fee(pool: AmmV4Pool, swapped: int) -> int:
    if pool.fee_numerator == pool.fee_denominator:
        raise PoolNotTradable("its fee takes everything, and the program divides by what is left; use another pool")
    if swapped * pool.fee_denominator > U128_MAX:
        raise QuoteOverflow(f"{swapped} in with its fee overflows the program's arithmetic; ask for less")
    amount_in = gross_for_net(swapped, pool.fee_numerator, pool.fee_denominator)
    if amount_in > U64_MAX:
        raise QuoteOverflow(f"it would take {amount_in} in, more than 64 bits; ask for less")
    if amount_in == 0:
        raise AmountTooSmall("a swap for nothing; ask for at least 1", program_error=INVALID_INPUT)
    return amount_in


def _require_coin_vault(pool: AmmV4Pool, amount_out: int) -> None:
    """Exact out of coin never settles with the market: the program hands it the asks as coin vault, and the market refuses."""
    if pool.open_orders is not None and amount_out > pool.vault_amounts[0]:
        raise ExceedsLiquidity(
            f"{amount_out} base units out is more than the coin vault's {pool.vault_amounts[0]} base units out, and the program "
            "fails to settle; ask for less",
            program_error=MARKET_VAULT_ERROR,
        )


def _settle(pool: AmmV4Pool, index_in: int, amount_in: int, amount_out: int, fee: int) -> SwapQuote:
    after = _with_orders_withdrawn(pool, 1 - index_in, amount_out)
    vault_in, vault_out = after.vault_amounts[index_in] + amount_in, after.vault_amounts[1 - index_in]
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")
    if amount_out > vault_out:
        raise ExceedsLiquidity(
            f"{amount_out} base units out would have to leave a vault that holds {vault_out} base units out; ask for less",
            program_error=TOKEN_INSUFFICIENT_FUNDS,
        )
    return AmmV4Quote(amount_in, amount_out, (after, index_in, vault_in, vault_out - amount_out, fee))


class AmmV4Quote(DeferredQuote):
    """Its facts: the pool with its orders withdrawn, index of the input mint, and in base units what both vaults hold afterwards
    and the fee."""

    __slots__ = ()
    _facts: tuple[AmmV4Pool, int, int, int, int]

    def _fees(self) -> tuple[Fee, ...]:
        pool, index_in, _, _, fee = self._facts
        return fees_by_kind(pool.mints, (POOL, index_in, fee))

    def _settled(self) -> AmmV4Pool:
        pool, index_in, vault_in, vault_out, _ = self._facts
        vault_amounts = (vault_in, vault_out) if index_in == 0 else (vault_out, vault_in)
        return replace(pool, vault_amounts=vault_amounts, status=pool.status_after())


def _with_orders_withdrawn(pool: AmmV4Pool, index_out: int, amount_out: int) -> AmmV4Pool:
    """Builds with an order book cancel the orders that hold the output, and settle once the vault alone is short."""
    if pool.open_orders is None or not any(pool.open_orders.totals):
        return pool
    orders = pool.open_orders.cancelled(index_out)
    if amount_out <= pool.vault_amounts[index_out]:
        return replace(pool, open_orders=orders)
    vaults = pool.vault_amounts[0] + orders.free[0], pool.vault_amounts[1] + orders.free[1]
    return replace(pool, open_orders=orders.settled(), vault_amounts=vaults)
