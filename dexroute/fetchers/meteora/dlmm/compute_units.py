"""What a swap costs the program to compute: it goes from bin to bin, and each one takes its part.

Measured over 3,432 swaps of recorded and made pairs by the program: 46 (exact in) or 50 thousand units to begin with, 5,300 or
6,400 for a filled bin, 650 more where it holds limit orders, 250 for an empty one looked at, 8,000 for a Token-2022 mint. What
is here is above all of them (by a fifth in the middle), and above what the older token program takes for its transfers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dexroute.fetchers.meteora.dlmm.bitmap import BINS_PER_ARRAY, array_index
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID
from dexroute.types.requests import SwapMode

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
    from dexroute.fetchers.meteora.dlmm.walk import CoreSwap

_SWAP: Final = 60_000
_FILLED: Final = {SwapMode.EXACT_IN: 6_200, SwapMode.EXACT_OUT: 7_500}
_WITH_ORDERS: Final = 2_000
_EMPTY: Final = 270
_ARRAY: Final = 2_500
_TOKEN_2022: Final = 10_000
SHORTEST_SWAP: Final = _SWAP + _FILLED[SwapMode.EXACT_IN] + _ARRAY
"""Through one bin."""


def swap_units(pool: DlmmPool, core: CoreSwap, mode: SwapMode) -> int:
    """About the most compute units of this swap."""
    touched = {array_index(bin_id) for bin_id in core.offered}
    ordered = 0
    for bin_id in core.offered:
        array = pool.arrays[array_index(bin_id)]
        entry = array.bins[bin_id - array.first_id]
        ordered += entry is not None and bool(entry.open_orders or entry.partly_filled)
    empty = _looked_at(pool, core, touched | {array_index(pool.active_id)} & pool.arrays.keys()) - len(core.offered)
    extended = sum(mint.token_program == TOKEN_2022_PROGRAM_ID for mint in pool.mints)
    bins = _FILLED[mode] * len(core.offered) + _WITH_ORDERS * ordered + _EMPTY * empty
    return _SWAP + bins + _ARRAY * len(touched) + _TOKEN_2022 * extended


def _looked_at(pool: DlmmPool, core: CoreSwap, arrays: set[int]) -> int:
    """Bins of these arrays between where the swap begins and ends."""
    low, high = sorted((pool.active_id, core.active_id))
    starts = (index * BINS_PER_ARRAY for index in arrays)
    return sum(max(0, min(high, start + BINS_PER_ARRAY - 1) - max(low, start) + 1) for start in starts)
