"""A DAMM v1 pool's curve: a constant product, or the stable curve in hyperbolae that keep within a millionth above it.

The fee that liquidity providers get stays with the input and makes what follows dearer; shares of the vaults round down. What
leaves is bounded by the cash its vault has not lent out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from dexroute.errors import ExceedsLiquidity
from dexroute.fetchers.meteora.damm_v1.curves import ConstantProduct, StableCurve
from dexroute.math import stable_swap
from dexroute.math.concave import MOST_SWAPS, Piece, until_output

if TYPE_CHECKING:
    from dexroute.fetchers.meteora.damm_v1.pool import DammV1Pool

_PRECISION: Final = 4e-7
_COARSE: Final = 1e-4  # where only tangents are sure to be above: far from balance
_BELOW: Final = 1e-11  # rounding of doubles
_FINE: Final = 32  # fractional bits of the reserves that pieces are fitted through
_UNIT: Final = float(1 << _FINE)


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
        # What would leave less than a unit of the output in the pool is refused.
        most = min(float(most_in), reserve_in * (reserve_out - 1) / keep + 1.0) if keep > 0.0 else float(most_in)
        pieces: Iterator[Piece] = iter((Piece(most, keep * reserve_out / reserve_in, keep / reserve_in),))
    else:
        pieces = _stable(curve, reserves, index_in, most_in, keep)
    return until_output(pieces, float(pool.sides[1 - index_in].cash))


def _stable(curve: StableCurve, reserves: tuple[int, int], index_in: int, most_in: int, keep: float) -> Iterator[Piece]:
    """Between knots the hyperbola through both, where it is above the curve, else the tangents at both, which always are."""
    scales = curve.scales()
    scale_in, scale_out = scales[index_in], scales[1 - index_in]
    way = _StableWay(reserves[index_in] * scale_in, reserves[1 - index_in] * scale_out, curve.amp)
    per_gross = keep * scale_in
    done, here, out = 0, way.at(0), 0.0
    if way.rounding_gain > scale_out:
        # The invariant is a whole number, and far from balance one unit of it is worth many of the output to each who comes:
        # a step at the start, beside what the first unit buys anyway.
        out = min(MOST_SWAPS * way.rounding_gain, float(way.y)) + here.slope * per_gross
        yield Piece(1.0, out / scale_out, 0.0)
    most = int(most_in * scale_in * keep) + scale_in
    step = max(way.total // 16, 1)
    while done < most and here.slope:
        step = min(step, most - done)
        there = way.at(done + step)
        pieces = _between(way, done, step, here, there, out, scale_in * 64)
        if pieces is None:
            step //= 2
            continue
        for piece in pieces:
            yield Piece(piece.amount_in / per_gross, piece.slope * per_gross / scale_out, piece.bend * per_gross)
        done, out, here = done + step, out + (here.y - there.y) / _UNIT, there
        step *= 2


class _Point(NamedTuple):
    """The other reserve with 32 fractional bits, and what one unit more is worth in it."""

    y: int
    slope: float


def _between(
    way: _StableWay, done: int, step: int, here: _Point, there: _Point, out: float, smallest: int
) -> tuple[Piece, ...] | None:
    """Pieces above the curve over the next `step`, in scaled units; None where a shorter step comes closer to it.
    `out` came out before; steps of up to `smallest` need not come as close."""
    gained = (here.y - there.y) / _UNIT
    chord = gained / step
    if chord and there.slope:
        start = max(here.slope, chord * chord / there.slope)
        piece = Piece(float(step), start, max(start / chord - 1.0, 0.0) / step)
        close = abs(here.slope * there.slope / (chord * chord) - 1.0) * gained <= 4.0 * _PRECISION * (out + gained)
        if close and all(
            piece.out(float(x)) * (1.0 + _BELOW) >= (here.y - way.at(done + x).y) / _UNIT
            for x in (step // 4, step // 2, step * 3 // 4)
        ):
            return (piece,)
    # A concave curve is below its tangents. They meet where both are farthest above it.
    fall = here.slope - there.slope
    ahead = min(max((gained - there.slope * step) / fall, 0.0), float(step)) if fall > 0.0 else float(step)
    tolerance = _COARSE if step <= smallest else _PRECISION
    if (here.slope - chord) * ahead > tolerance * (out + gained) and step > 1:
        return None
    steep = Piece(ahead, here.slope, 0.0)
    return (steep, Piece(step - ahead, max(there.slope, 0.0), 0.0)) if ahead < step else (steep,)


class _StableWay:
    """Points of the stable curve at the invariant that a swap computes, in scaled units: never above what a swap leaves.

    Newton's method ends at most one below the root of y^2 + (x + D / Ann - D) y = c, the program pays one less than it leaves,
    and its c is D^3 / (4 Ann x) less what two divisions round off: at most D / (2 Ann) + 1.
    """

    def __init__(self, x: int, y: int, amp: int) -> None:
        self.x, self.y, self.total = x, y, x + y
        try:
            self.d = stable_swap.invariant(x, y, amp)
        except (ValueError, OverflowError) as error:
            raise ExceedsLiquidity(f"{error}; use another pool") from error
        self.leverage = 2 * amp
        self.cube = self.d**3
        self.rounded_off = 2 * (self.d + 2 * self.leverage)
        self.rounding_gain = max(y - self.at(0).y / _UNIT, 0.0)

    def at(self, moved: int) -> _Point:
        """After `moved` came in."""
        x = self.x + moved
        half = ((self.d - x) * self.leverage - self.d << _FINE) // self.leverage
        rest = (max(self.cube - self.rounded_off * x, 0) << 2 * _FINE) // (self.leverage * x)
        root = isqrt(half * half + rest)
        y = half + root >> 1
        if not rest:
            return _Point(max(y, 0), 1.0 if y > 0 else 0.0)
        return _Point(y, (y + (self.cube << _FINE) // (4 * self.leverage * x * x)) / root)
