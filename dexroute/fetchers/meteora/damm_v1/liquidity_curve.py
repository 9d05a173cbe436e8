"""A DAMM v1 pool's curve: a constant product, or the stable curve in hyperbolae that keep within a millionth above it.

The fee that liquidity providers get stays with the input and makes what follows dearer; shares of the vaults round down. What
leaves is bounded by the cash its vault has not lent out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import TYPE_CHECKING, Final

from dexroute.errors import ExceedsLiquidity
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct, StableCurve
from dexroute.math import stable_swap
from dexroute.math.concave import Piece, until_output

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool

_PRECISION: Final = 4e-7
_FINE: Final = 32  # fractional bits of the reserves that pieces are fitted through


def stretches(pool: DammV1Pool, index_in: int, most_in: int) -> Iterator[Piece]:
    """Pieces from the user's account to the user's account. Raises QuoteError where the pool has no curve."""
    if not pool.sides[index_in].enabled:
        return iter(())
    reserves = pool.reserves()
    numerator, denominator = pool.fees.trade
    keep = 1.0 - numerator / denominator
    curve = pool.curve.at(pool.clock.unix_timestamp)
    if isinstance(curve, ConstantProduct):
        reserve_in, reserve_out = reserves[index_in], reserves[1 - index_in]
        pieces: Iterator[Piece] = iter((Piece(float(most_in), keep * reserve_out / reserve_in, keep / reserve_in),))
    else:
        pieces = _stable(curve, reserves, index_in, most_in, keep)
    return until_output(pieces, float(pool.sides[1 - index_in].cash))


def _stable(curve: StableCurve, reserves: tuple[int, int], index_in: int, most_in: int, keep: float) -> Iterator[Piece]:
    """Between knots the hyperbola through both, at least as steep at its start as the curve is there."""
    scales = curve.scales()
    scale_in, scale_out = scales[index_in], scales[1 - index_in]
    way = _StableWay(reserves[index_in] * scale_in, reserves[1 - index_in] * scale_out, curve.amp)
    per_gross = keep * scale_in
    if way.rounding_gain > scale_out:
        # The invariant is a whole number, and far from balance one unit of it is worth many of the output to whoever comes first.
        yield Piece(1.0, way.rounding_gain / scale_out, 0.0)
    most = int(most_in * scale_in * keep) + scale_in
    step = max(way.total // 16, 1)
    done, out = 0, 0.0
    y, slope = way.at(0)
    while done < most:
        step = min(step, most - done)
        next_y, next_slope = way.at(done + step)
        gained = (y - next_y) / (1 << _FINE)
        chord = gained / step
        if not (chord and next_slope):
            # All that the pool holds left within this step: nothing more is to be had for any amount.
            if step > scale_in * 64 and chord:
                step //= 2
                continue
            if chord:
                yield Piece(step / per_gross, max(slope, chord) * per_gross / scale_out, 0.0)
            return
        start = max(slope, chord * chord / next_slope)
        out_of_true = abs(slope * next_slope / (chord * chord) - 1.0) * gained
        if out_of_true > 4.0 * _PRECISION * (out + gained) and step > scale_in * 64:
            step //= 2
            continue
        yield Piece(step / per_gross, start * per_gross / scale_out, (start / chord - 1.0) / step * per_gross)
        done, out, y, slope = done + step, out + gained, next_y, next_slope
        step *= 2


class _StableWay:
    """Points of the stable curve at the invariant that a swap computes, in scaled units."""

    def __init__(self, x: int, y: int, amp: int) -> None:
        self.x, self.total, self.amp = x, x + y, amp
        try:
            self.d = stable_swap.invariant(x, y, amp)
        except (ValueError, OverflowError) as error:
            raise ExceedsLiquidity(f"{error}; use another pool") from error
        self.leverage = 2 * amp
        self.rounding_gain = max(y - self.at(0)[0] / (1 << _FINE), 0.0)

    def at(self, moved: int) -> tuple[int, float]:
        """(the other reserve with 32 fractional bits, what one unit more is worth in it) after `moved` came in."""
        x = self.x + moved
        # y^2 + (x + D / Ann - D) y = D^3 / (4 Ann x)
        half = ((self.d - x) * self.leverage - self.d << _FINE) // self.leverage
        rest = (self.d**3 << 2 * _FINE) // (self.leverage * x)
        y = half + isqrt(half * half + rest) >> 1
        straight = 4 * self.leverage * x * x * y * y
        bent = self.d**3 << _FINE
        return y, (straight + bent * y) / (straight + (bent * x << _FINE))
