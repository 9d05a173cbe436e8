"""A CPMM swap from the user's account to the user's account, transfer fees included.

Source: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/instructions/swap_base_{input,output}.rs and
utils/token.rs. Checks stand in the program's order, so that a refusal carries the code the program would answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import CREATOR, POOL, TRANSFER, DeferredQuote, fees_by_kind
from dexroute.fetchers.raydium.cpmm.curve import shares_of, swap_exact_in, swap_exact_out
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math.rounding import U64_MAX
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee
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
    reaching = amount_after_fee(amount_in, pool.mints[index_in].transfer_fee)
    if reaching == 0:
        raise AmountTooSmall("nothing of the input reaches the pool; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    reserves = pool.reserves()
    on_input = pool.creator_fee_is_on_input(index_in)
    leaving, trade_fee, creator_fee = swap_exact_in(
        reaching, reserves[index_in], reserves[1 - index_in], pool.rates, creator_on_input=on_input
    )
    received = amount_after_fee(leaving, pool.mints[1 - index_in].transfer_fee)
    if received == 0:
        raise AmountTooSmall("the output rounds down to nothing; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    _require_vault(pool.vault_amounts[index_in] + reaching)
    return CpmmQuote(amount_in, received, (pool, index_in, reaching, leaving, trade_fee, creator_fee))


def _exact_out(pool: CpmmPool, amount_out: int, index_in: int) -> SwapQuote:
    if amount_out == 0:
        raise AmountTooSmall("a swap for nothing; ask for at least 1", program_error=_REQUIRE_GT_VIOLATED)
    pool.require_open()
    leaving = amount_before_fee(amount_out, pool.mints[1 - index_in].transfer_fee)
    if leaving > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the output would be {leaving}, more than 64 bits; ask for less")
    reserves = pool.reserves()
    on_input = pool.creator_fee_is_on_input(index_in)
    reaching, trade_fee, creator_fee = swap_exact_out(
        leaving, reserves[index_in], reserves[1 - index_in], pool.rates, creator_on_input=on_input
    )
    if reaching > U64_MAX:
        raise QuoteOverflow(f"it would take {reaching} in, more than 64 bits; ask for less")
    if reaching == 0:
        raise AmountTooSmall("the input rounds to nothing; ask for more", program_error=_REQUIRE_GT_VIOLATED)
    amount_in = amount_before_fee(reaching, pool.mints[index_in].transfer_fee)
    if amount_in > U64_MAX:
        raise QuoteOverflow(f"with its transfer fee the input would be {amount_in}, more than 64 bits; ask for less")
    _require_vault(pool.vault_amounts[index_in] + reaching)
    return CpmmQuote(amount_in, amount_out, (pool, index_in, reaching, leaving, trade_fee, creator_fee))


def _require_vault(vault_in: int) -> None:
    if vault_in > U64_MAX:
        raise QuoteOverflow(f"the vault would hold {vault_in}, more than 64 bits and more than any supply; ask for less")


class CpmmQuote(DeferredQuote):
    """Its facts: pool, index of the input mint, and in base units what reaches the one vault, what leaves the other, the trade fee
    (of the input) and the creator's."""

    __slots__ = ()
    _facts: tuple[CpmmPool, int, int, int, int, int]

    def _fees(self) -> tuple[Fee, ...]:
        pool, index_in, reaching, leaving, trade_fee, creator_fee = self._facts
        return fees_by_kind(
            pool.mints,
            (TRANSFER, index_in, self.amount_in - reaching),
            (POOL, index_in, trade_fee),
            (CREATOR, _creator_index(pool, index_in), creator_fee),
            (TRANSFER, 1 - index_in, leaving - self.amount_out),
        )

    def _settled(self) -> CpmmPool:
        pool, index_in, reaching, leaving, trade_fee, creator_fee = self._facts
        protocol_fee, fund_fee = shares_of(trade_fee, pool.rates)
        return replace(
            pool,
            vault_amounts=_added(_added(pool.vault_amounts, index_in, reaching), 1 - index_in, -leaving),
            protocol_fees=_added(pool.protocol_fees, index_in, protocol_fee),
            fund_fees=_added(pool.fund_fees, index_in, fund_fee),
            creator_fees=_added(pool.creator_fees, _creator_index(pool, index_in), creator_fee),
        )


def _creator_index(pool: CpmmPool, index_in: int) -> int:
    return index_in if pool.creator_fee_is_on_input(index_in) else 1 - index_in


def _added(pair: tuple[int, int], index: int, amount: int) -> tuple[int, int]:
    return (pair[0] + amount, pair[1]) if index == 0 else (pair[0], pair[1] + amount)
