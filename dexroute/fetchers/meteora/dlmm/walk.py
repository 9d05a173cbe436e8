"""The way of a swap through the bins, from the active one to where it ends.

Source: MeteoraAg/dlmm-sdk@fb02e51, commons/src/quote.rs (`quote_exact_in`, `quote_exact_out`), corrected by what the
program was seen to do: the pair's own bin limits end the walk, and an exact-out swap has a budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dexroute.errors import AmountTooSmall, ExceedsLiquidity, LiquidityNotLoaded, QuoteOverflow
from dexroute.fetchers.meteora.dlmm.addresses import bin_array_address, bitmap_extension_address
from dexroute.fetchers.meteora.dlmm.bins import Bin
from dexroute.fetchers.meteora.dlmm.bitmap import BINS_PER_ARRAY, array_index
from dexroute.fetchers.meteora.dlmm.fees import Volatility
from dexroute.fetchers.meteora.dlmm.fill import exact_in, exact_out, on_offer
from dexroute.fetchers.meteora.dlmm.program_errors import (
    ACCOUNT_NOT_ENOUGH_KEYS,
    BITMAP_EXTENSION_NOT_PROVIDED,
    INSUFFICIENT_OUT_AMOUNT,
    MATH_OVERFLOW,
    NO_LIQUIDITY_IN_BITMAP,
    NOT_EXACT_AMOUNT_OUT,
    PAIR_INSUFFICIENT_LIQUIDITY,
)
from dexroute.math.rounding import U64_MAX

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.dlmm.pool import DlmmPool

# A transaction's 1.4 million compute units pay for about 250 filled bins (5.3 to 6.3 thousand each): more cannot land.
MAX_FILLED_BINS: Final = 280


@dataclass(frozen=True, slots=True)
class CoreSwap:
    """Base units between the two token transfers; `fee` is contained in the input or the output. `offered` is what every bin on
    the way was offered of the input, after fees; `references` are those its fees followed."""

    taken: int
    given: int
    fee: int
    offered: dict[int, int]
    active_id: int
    references: Volatility

    def volatility_after(self, pool: DlmmPool) -> Volatility:
        """What the swap leaves for the next one's fee."""
        # A swap that ends in the bin it began in does not restart the periods (seen on the program).
        last_update = self.references.last_update if self.active_id == pool.active_id else pool.clock.unix_timestamp
        accumulator = pool.settings.fees.accumulator(self.references, self.active_id)
        return Volatility(accumulator, self.references.reference, self.references.index_reference, last_update)


def filled_bins(pool: DlmmPool, *, down: bool) -> Iterator[tuple[int, Bin]]:
    """Every bin with something to give, in walking order. Ends with the QuoteError of the way's end, never quietly."""
    bin_id, lowest, highest = pool.active_id, pool.settings.min_bin_id, pool.settings.max_bin_id
    while True:
        index = pool.bitmap.at_or_after(array_index(bin_id), down=down)
        if index is None:
            raise _nothing_further(pool)
        array = pool.arrays.get(index)
        if array is None:
            address = bin_array_address(pool.address, index)
            raise LiquidityNotLoaded(
                f"bin array {index} ({address}) was not read, and the swap reaches it; read it too or ask for less",
                program_error=ACCOUNT_NOT_ENOUGH_KEYS,
                missing=[str(address)],
            )
        first = array.first_id
        if not first <= bin_id < first + BINS_PER_ARRAY:
            bin_id = first + BINS_PER_ARRAY - 1 if down else first
        # Every step must end within the pair's limits, also where the walk began outside them.
        end = bin_id
        if lowest <= bin_id <= highest:
            end = max(first, lowest) if down else min(first + BINS_PER_ARRAY - 1, highest)
        bins = array.bins
        for at in range(bin_id, end - 1, -1) if down else range(bin_id, end + 1):
            entry = bins[at - first]
            if entry is not None and on_offer(entry, down):
                yield at, entry
        bin_id = end - 1 if down else end + 1
        if not lowest <= bin_id <= highest:
            raise ExceedsLiquidity(
                f"the swap would pass bin {lowest if down else highest}, the pair's last; ask for less",
                program_error=PAIR_INSUFFICIENT_LIQUIDITY,
            )


def _nothing_further(pool: DlmmPool) -> ExceedsLiquidity:
    if pool.bitmap.extended:
        return ExceedsLiquidity("no bin further on holds liquidity; ask for less", program_error=NO_LIQUIDITY_IN_BITMAP)
    return ExceedsLiquidity(
        f"no bin further on holds liquidity, and the pair has no bitmap extension ({bitmap_extension_address(pool.address)}); "
        "ask for less",
        program_error=BITMAP_EXTENSION_NOT_PROVIDED,
    )


def swap_exact_in(pool: DlmmPool, amount: int, *, down: bool) -> CoreSwap:
    """All of `amount` base units that reached the reserve, or a QuoteError."""
    volatility, fee_on_input, rate_in = pool.volatility_now(), pool.fee_on_input(down), pool.settings.fees.rate_in
    left, given, fee = amount, 0, 0
    offered: dict[int, int] = {}
    for bin_id, entry in filled_bins(pool, down=down):
        consumed, out, charged, offered[bin_id] = exact_in(entry, left, rate_in(volatility, bin_id), down, fee_on_input)
        left, given, fee = left - consumed, given + out, fee + charged
        if given > U64_MAX:
            raise QuoteOverflow(f"{given} would come out, more than 64 bits; ask for less", program_error=MATH_OVERFLOW)
        if not left:
            break
        if len(offered) >= MAX_FILLED_BINS:
            raise _unpayable()
    if not given:
        raise AmountTooSmall("the output rounds down to nothing; ask for more", program_error=INSUFFICIENT_OUT_AMOUNT)
    return CoreSwap(amount, given, fee, offered, bin_id, volatility)


def swap_exact_out(pool: DlmmPool, wanted: int, budget: int, *, down: bool) -> CoreSwap:
    """Exactly `wanted` base units out of the reserve for at most `budget` in, or a QuoteError."""
    if not budget:
        raise AmountTooSmall("the input's transfer fee takes all of it; use another pair", program_error=INSUFFICIENT_OUT_AMOUNT)
    volatility, fee_on_input, rate_in = pool.volatility_now(), pool.fee_on_input(down), pool.settings.fees.rate_in
    left, taken, fee = wanted, 0, 0
    offered: dict[int, int] = {}
    for bin_id, entry in filled_bins(pool, down=down):
        if not wanted:
            raise AmountTooSmall("nothing would come out; ask for at least 1", program_error=INSUFFICIENT_OUT_AMOUNT)
        rate = rate_in(volatility, bin_id)
        consumed, out, charged, offered[bin_id] = exact_out(entry, left, budget - taken, rate, down, fee_on_input)
        left, taken, fee = left - out, taken + consumed, fee + charged
        if not left:
            break
        if taken == budget:
            raise ExceedsLiquidity(
                f"{budget} base units in buy only {wanted - left} base units out of {wanted}; ask for less",
                program_error=NOT_EXACT_AMOUNT_OUT,
            )
        if len(offered) >= MAX_FILLED_BINS:
            raise _unpayable()
    return CoreSwap(taken, wanted, fee, offered, bin_id, volatility)


def _unpayable() -> ExceedsLiquidity:
    return ExceedsLiquidity(
        f"it would fill more than {MAX_FILLED_BINS} bins, more than one transaction can compute; swap in several parts"
    )
