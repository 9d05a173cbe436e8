"""A DLMM swap from the user's account to the user's account, transfer fees included.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/quote.rs and token_2022.rs; order of the checks as the program answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, QuoteOverflow
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.deferred import POOL, TRANSFER, DeferredQuote, fees_by_kind
from dexroute.fetchers.meteora.dlmm.bins import Bin, BinArray
from dexroute.fetchers.meteora.dlmm.bitmap import array_index
from dexroute.fetchers.meteora.dlmm.compute_units import swap_units
from dexroute.fetchers.meteora.dlmm.fill import filled
from dexroute.fetchers.meteora.dlmm.program_errors import (
    INSUFFICIENT_OUT_AMOUNT,
    INVALID_INPUT,
    MATH_OVERFLOW,
    TOKEN_INSUFFICIENT_FUNDS,
)
from dexroute.fetchers.meteora.dlmm.walk import CoreSwap, swap_exact_in, swap_exact_out
from dexroute.fetchers.refusals import input_index, require_u64
from dexroute.math.rounding import U64_MAX
from dexroute.math.transfer_fee import amount_after_fee, amount_before_fee
from dexroute.types.fees import Fee
from dexroute.types.requests import QuoteRequest, SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.dlmm.pool import DlmmPool


def quote_swap(pool: DlmmPool, request: QuoteRequest) -> SwapQuote:
    """The swap as the program would execute it on this state. Raises QuoteError."""
    index_in = input_index(pool, request)
    require_u64(request.amount)
    mints = pool.settings.mints
    if request.mode is SwapMode.EXACT_OUT:
        # The program adds the output's transfer fee before it looks at the pair (seen on the program).
        _require_payable_output(amount_before_fee(request.amount, mints[1 - index_in].transfer_fee))
    pool.require_open()
    core = core_swap(pool, request, index_in)
    if request.mode is SwapMode.EXACT_IN:
        amount_in, amount_out = request.amount, amount_after_fee(core.given, mints[1 - index_in].transfer_fee)
        if amount_out == 0:
            raise AmountTooSmall("the output's transfer fee takes all of it; ask for more", program_error=INSUFFICIENT_OUT_AMOUNT)
    else:
        amount_in, amount_out = amount_before_fee(core.taken, mints[index_in].transfer_fee), request.amount
        if amount_in > U64_MAX:
            raise QuoteOverflow(f"with its transfer fee the input would be {amount_in}, more than 64 bits; ask for less")
    _require_reserves(pool, core, index_in)
    return DlmmQuote(amount_in, amount_out, (pool, core, index_in, request.mode))


def core_swap(pool: DlmmPool, request: QuoteRequest, index_in: int) -> CoreSwap:
    """What happens between the two token transfers. Raises QuoteError."""
    mints = pool.settings.mints
    fee_in, fee_out = mints[index_in].transfer_fee, mints[1 - index_in].transfer_fee
    if request.mode is SwapMode.EXACT_IN:
        if request.amount == 0:
            raise AmountTooSmall("a swap of nothing; ask for at least 1", program_error=INVALID_INPUT)
        reaching = amount_after_fee(request.amount, fee_in)
        if reaching == 0:
            raise AmountTooSmall("nothing of the input reaches the pair; ask for more", program_error=INSUFFICIENT_OUT_AMOUNT)
        return swap_exact_in(pool, reaching, down=index_in == 0)
    leaving = amount_before_fee(request.amount, fee_out)
    _require_payable_output(leaving)
    return swap_exact_out(pool, leaving, amount_after_fee(U64_MAX, fee_in), down=index_in == 0)


def _require_payable_output(leaving: int) -> None:
    """Raises QuoteOverflow."""
    if leaving > U64_MAX:
        raise QuoteOverflow(
            f"with its transfer fee the output would be {leaving}, more than 64 bits; ask for less", program_error=MATH_OVERFLOW
        )


class DlmmQuote(DeferredQuote):
    """Its facts: pair, swap, index of the input mint, mode."""

    __slots__ = ()
    _facts: tuple[DlmmPool, CoreSwap, int, SwapMode]

    @property
    def compute_units(self) -> int:
        """See `fetchers.base.quoted_units`."""
        pool, core, _, mode = self._facts
        return swap_units(pool, core, mode)

    def _fees(self) -> tuple[Fee, ...]:
        pool, core, index_in, _ = self._facts
        return fees_by_kind(
            pool.mints,
            (TRANSFER, index_in, self.amount_in - core.taken),
            (POOL, index_in if pool.fee_on_input(index_in == 0) else 1 - index_in, core.fee),
            (TRANSFER, 1 - index_in, core.given - self.amount_out),
        )

    def _settled(self) -> DlmmPool:
        """The pair after the swap, as the next one finds it."""
        pool, core, index_in, _ = self._facts
        after_in, after_out = pool.reserve_amounts[index_in] + core.taken, pool.reserve_amounts[1 - index_in] - core.given
        changed = _with_bins(pool, core.offered, down=index_in == 0)
        # Limit orders leave an array as they fill; with the last of them the program takes it off the bitmap (seen on the program).
        emptied = frozenset(index for index, array in changed.items() if not any(array.bins))
        return type(pool)(
            address=pool.address,
            clock=pool.clock,
            settings=pool.settings,
            bitmap=pool.bitmap.without(emptied) if emptied else pool.bitmap,
            reserve_amounts=(after_in, after_out) if index_in == 0 else (after_out, after_in),
            active_id=core.active_id,
            volatility=core.volatility_after(pool),
            arrays={index: array for index, array in {**pool.arrays, **changed}.items() if index not in emptied},
        )


def _require_reserves(pool: DlmmPool, core: CoreSwap, index_in: int) -> None:
    """Raises QuoteError where a reserve cannot follow."""
    reserve_in, reserve_out = pool.reserve_amounts[index_in], pool.reserve_amounts[1 - index_in]
    if core.given > reserve_out:
        raise ExceedsLiquidity(
            f"{core.given} base units out would have to leave a reserve that holds {reserve_out} base units out; ask for less",
            program_error=TOKEN_INSUFFICIENT_FUNDS,
        )
    if reserve_in + core.taken > U64_MAX:
        raise QuoteOverflow(f"the reserve would hold {reserve_in + core.taken}, more than any supply; ask for less")


def _with_bins(pool: DlmmPool, offered: dict[int, int], *, down: bool) -> dict[int, BinArray]:
    """The arrays of these bins, as the bins leave them."""
    by_array: dict[int, dict[int, Bin]] = {}
    for bin_id, net in offered.items():
        array = pool.arrays[array_index(bin_id)]
        entry = array.bins[bin_id - array.first_id]
        assert entry is not None, "a swap comes through bins that hold something"
        by_array.setdefault(array.index, {})[bin_id] = filled(entry, net, down)[2]
    return {index: pool.arrays[index].with_bins(bins) for index, bins in by_array.items()}
