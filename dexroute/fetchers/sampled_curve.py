"""A pool's curve from its quotes alone, for venues that do not describe theirs.

What a concave curve is between two samples lies below the chords on either side, drawn on: the polygon of their crossings is an
envelope of it, within a thousandth or so. A sample is a whole number that stands for any real one up to a unit above, and chords
are drawn for the worst of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from solders.pubkey import Pubkey

from dexroute.errors import LiquidityNotLoaded, QuoteError
from dexroute.fetchers.base import Pool
from dexroute.math.concave import Piece
from dexroute.types.requests import QuoteRequest

_SAMPLES: Final = 96
_BLURRED: Final = 1_000  # base units below which whole ones say too little of a price
_PER_DOUBLING: Final = 6  # samples of the last stretch: 96 of them span sixteen doublings


class _Sample(NamedTuple):
    x: float
    low: float
    high: float


def sampled_pieces(pool: Pool, input_mint: Pubkey, output_mint: Pubkey, *, most_in: int) -> tuple[list[Piece], bool]:
    """(straight pieces from 0 on, whether nothing more can come), from about a hundred quotes of a tradable pool."""
    asked = _Asked(pool, input_mint, output_mint)
    top, complete = _most_accepted(asked, most_in)
    samples = [_Sample(0.0, 0.0, 0.0)]
    for step in range(_SAMPLES, -1, -1):
        x = round(top / 2 ** (step / _PER_DOUBLING)) if step else top
        out = asked.out(x) if x > samples[-1].x else None
        if out:
            samples.append(_Sample(float(x), float(out), out + 1.0))
    return _polygon(samples, _steepest(asked, samples[1])) if len(samples) > 1 else [], complete


class _Asked:
    """The pool's outputs by amount; None where it refuses."""

    def __init__(self, pool: Pool, input_mint: Pubkey, output_mint: Pubkey) -> None:
        self._pool, self._input_mint, self._output_mint = pool, input_mint, output_mint
        self.unread = False

    def price(self) -> float | None:
        """Before fees."""
        try:
            price = self._pool.spot_price(self._input_mint, self._output_mint)
        except QuoteError:
            return None
        return price.numerator / price.denominator

    def out(self, amount: int) -> int | None:
        request = QuoteRequest(input_mint=self._input_mint, output_mint=self._output_mint, amount=amount)
        try:
            return self._pool.quote(request).amount_out
        except LiquidityNotLoaded:
            self.unread = True
        except QuoteError:
            pass
        return None


def _most_accepted(asked: _Asked, most_in: int) -> tuple[int, bool]:
    """(the largest amount with a quote, 0 when there is none; whether the pool's liquidity ends there)."""
    if asked.out(most_in) is not None:
        return most_in, False
    accepted, refused = most_in, most_in
    while accepted and asked.out(accepted) is None:
        refused, accepted = accepted, accepted // 2
    while accepted and refused - accepted > 1:
        middle = (accepted + refused) // 2
        if asked.out(middle) is None:
            refused = middle
        else:
            accepted = middle
    asked.unread = False
    asked.out(refused)  # what ends it: the last refusals below were perhaps of dust
    return accepted, not asked.unread


def _steepest(asked: _Asked, least: _Sample) -> float:
    """The price a swap starts at; of a pool that refuses to tell, what ever smaller amounts fetch, whole units allowed for."""
    price = asked.price()
    if price is not None:
        return price
    x, steepest = round(least.x), least.high / least.x
    while x > 1:
        x //= 2
        out = asked.out(x) or 0
        if out < _BLURRED:
            break
        steepest = max(steepest, (out + 1) / x)
    return steepest


def _polygon(samples: list[_Sample], spot: float) -> list[Piece]:
    """The crossings of the chords drawn on, and the hull of those, as straight pieces."""
    rising = [spot] + [(after.high - before.low) / (after.x - before.x) for before, after in pairwise(samples)]
    falling = [(after.low - before.high) / (after.x - before.x) for before, after in pairwise(samples)] + [0.0]
    steepest = spot
    corners = [(0.0, 0.0)]
    for number, (before, after) in enumerate(pairwise(samples)):
        steepest = min(steepest, rising[number])
        onward = max(falling[number + 1], 0.0)
        if max(falling[number], onward) > steepest:
            # Not concave here (a transfer fee reached its cap): all that holds is that more never gives less, nor beats the price.
            corners.append((max(before.x, min(after.high / spot, after.x)), after.high))
            steepest = spot
        else:
            # before.high + steepest * t meets after.high - onward * (span - t)
            span = after.x - before.x
            rise = after.high - before.high - onward * span
            t = min(max(rise / (steepest - onward), 0.0), span) if steepest > onward else span
            corners.append((before.x + t, before.high + steepest * t))
    if len(samples) > 1:
        corners.append((samples[-1].x, samples[-1].high))
    return [Piece(right[0] - left[0], (right[1] - left[1]) / (right[0] - left[0]), 0.0) for left, right in pairwise(_hull(corners))]


def _hull(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the least concave line above all of these, given from left to right; it never falls."""
    kept: list[tuple[float, float]] = []
    for corner in corners:
        if kept and corner[1] <= kept[-1][1]:
            continue
        while len(kept) > 1 and _is_above(corner, *kept[-2:]):
            kept.pop()
        kept.append(corner)
    return kept


def _is_above(point: tuple[float, float], left: tuple[float, float], right: tuple[float, float]) -> bool:
    """Whether the point is on or above the line through the other two, drawn on."""
    return (point[1] - left[1]) * (right[0] - left[0]) >= (right[1] - left[1]) * (point[0] - left[0])
