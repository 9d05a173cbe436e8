"""A DLMM pair as straight pieces: every filled bin gives all it has at one price and one fee.

Swaps that cross bins go on from the references of the first, but dust in the active bin does not restart the periods: while the
references decay, each such swap lets them decay once more. The curve counts with what is left of them then, nothing. Without a
filter period every swap takes its references anew, where it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from dexroute.fetchers.meteora.dlmm.fees import FEE_SCALE
from dexroute.fetchers.meteora.dlmm.fill import on_offer
from dexroute.fetchers.meteora.dlmm.walk import filled_bins
from dexroute.math.concave import Piece

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.dlmm.pool import DlmmPool

_ONE: Final = float(1 << 64)


def filled_pieces(pool: DlmmPool, *, down: bool) -> Iterator[Piece]:
    """Pieces between the two token transfers, in walking order, as far as the reserve pays. Ends with the QuoteError of the way's
    end."""
    fees, on_input = pool.settings.fees, pool.fee_on_input(down)
    least = fees.least_before_swaps(pool.volatility, pool.active_id, pool.clock.unix_timestamp)
    left = float(pool.reserve_amounts[1 if down else 0])
    for bin_id, entry in filled_bins(pool, down=down):
        keep = 1.0 - (fees.rate(0) if least is None else fees.rate_in(least, bin_id)) / FEE_SCALE
        price = entry.price_x64 / _ONE if down else _ONE / entry.price_x64
        offered = on_offer(entry, down)
        net, given = offered / price, offered if on_input else offered * keep
        if given > left:
            net *= left / given
        yield Piece(net / keep if on_input else net, price * keep, 0.0)
        left -= given
        if left <= 0.0:
            return
