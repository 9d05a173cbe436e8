"""Concave curves in pieces: what an input buys, as real numbers, never less than the integers of a quote.

A piece is a stretch of a hyperbola, out(x) = slope * x / (1 + bend * x). Constant products, liquidity between two ticks and bins
(bend 0) are such stretches exactly; proportional fees keep them so. Floats throughout: these curves guide a search and bound its
result, and never become an amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

# Slopes that should be equal differ by the rounding of floats.
_SAME: Final = 1e-12
MOST_SWAPS: Final = 8
"""Where a fee by amount makes several swaps cheaper than one, curves count with so many: a route has no more legs."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One concave stretch: out(x) = slope * x / (1 + bend * x) for 0 <= x <= amount_in, base units as real numbers.

    `slope` is the marginal output per input at its start and `bend` >= 0 how it falls (0: a straight line); at x it is
    slope / (1 + bend * x)**2.
    """

    amount_in: float
    slope: float
    bend: float

    def out(self, x: float) -> float:
        """Output for the first `x` of it."""
        return self.slope * x / (1.0 + self.bend * x)

    @property
    def amount_out(self) -> float:
        """Output for all of it."""
        return self.out(self.amount_in)

    @property
    def end_slope(self) -> float:
        """Marginal output per input at its end."""
        growth = 1.0 + self.bend * self.amount_in
        return self.slope / (growth * growth)

    def needed(self, out: float) -> float:
        """Input that buys `out`, at most `amount_out` of it."""
        steepness = self.slope - self.bend * out  # nothing left of it in floats where the piece is all but drained
        return min(out / steepness, self.amount_in) if out < self.amount_out and steepness > 0.0 else self.amount_in

    def head(self, x: float) -> Piece:
        """The first `x` of it."""
        return Piece(x, self.slope, self.bend)

    def tail(self, x: float) -> Piece:
        """What follows the first `x` of it."""
        growth = 1.0 + self.bend * x
        return Piece(self.amount_in - x, self.slope / (growth * growth), self.bend / growth)

    def out_after(self, x: float) -> float:
        """Output for all that follows the first `x`; not a difference of large numbers."""
        return self.slope * (self.amount_in - x) / ((1.0 + self.bend * x) * (1.0 + self.bend * self.amount_in))

    def where(self, slope: float) -> float:
        """The input after which the marginal output is no longer above `slope`."""
        if self.slope <= slope:
            return 0.0
        if not self.bend:
            return self.amount_in
        return min((sqrt(self.slope / slope) - 1.0) / self.bend, self.amount_in) if slope > 0.0 else self.amount_in


def concave(pieces: Iterable[Piece], most_in: float) -> tuple[Piece, ...]:
    """The least concave curve above these pieces laid end to end, up to an input of `most_in`.

    Where a piece starts steeper than the one before ends (a capped transfer fee, a fee that falls on the way), a straight piece
    bridges the dent, touching the curve before and behind it. Takes no more of `pieces` than it needs.
    """
    chain: list[Piece] = []
    left = most_in
    for piece in pieces:
        taken = piece if piece.amount_in <= left else piece.head(left)
        if taken.amount_in <= 0.0:
            continue
        left -= taken.amount_in
        if chain and taken.slope > chain[-1].end_slope:
            _append_steeper(chain, taken)
        else:
            chain.append(taken)
        if left <= 0.0:
            break
    while chain and chain[-1].slope <= 0.0:
        chain.pop()
    return tuple(chain)


def _append_steeper(chain: list[Piece], piece: Piece) -> None:
    end = chain[-1].end_slope
    if piece.slope <= end * (1.0 + _SAME):
        chain.append(Piece(piece.amount_in, end, piece.bend))
        return
    while not piece.bend and not chain[-1].bend:
        before = chain.pop()
        length = before.amount_in + piece.amount_in
        piece = Piece(length, (before.amount_out + piece.amount_out) / length, 0.0)
        if not chain or piece.slope <= chain[-1].end_slope:
            chain.append(piece)
            return
    slope = _bridging_slope(chain, piece)
    x, y, kept, reach = _touch(chain, slope)
    ahead = piece.where(slope)
    del chain[kept:]
    if chain:
        chain[-1] = chain[-1].head(reach)
    steepness = (piece.out(ahead) - y) / (ahead - x)
    line = Piece(ahead - x, min(steepness, chain[-1].end_slope) if chain else steepness, 0.0)
    chain.append(line)
    if ahead < piece.amount_in:
        behind = piece.tail(ahead)
        chain.append(Piece(behind.amount_in, min(behind.slope, line.slope), behind.bend))


def _bridging_slope(chain: list[Piece], piece: Piece) -> float:
    """The slope at which lines that touch the chain and the piece behind it are one line: by regula falsi, every third step halving
    what is left. An estimate that stands is tried a little to either side, since both ends of what is left must meet."""
    low, high = chain[-1].end_slope, piece.slope
    under, over = _between_touching_lines(chain, piece, low), _between_touching_lines(chain, piece, high)
    step, last = 0, inf
    while high - low > _SAME * high:
        step += 1
        halving = step % 3 == 0 or not under < 0.0 < over
        middle = (low + high) / 2.0 if halving else low + (high - low) * (under / (under - over))
        nudge = 0.4 * _SAME * high
        tried = (middle - nudge, middle + nudge) if not halving and abs(middle - last) <= nudge else (middle,)
        last = middle
        for slope in tried:
            if low < slope < high:
                value = _between_touching_lines(chain, piece, slope)
                if value < 0.0:
                    low, under = slope, value
                else:
                    high, over = slope, value
    return (low + high) / 2.0


def _between_touching_lines(chain: list[Piece], piece: Piece, slope: float) -> float:
    """How far the line of this slope that touches the chain lies above the one that touches the piece. Rises with the slope."""
    x, y, _, _ = _touch(chain, slope)
    ahead = piece.where(slope)
    return (y - slope * x) - (piece.out(ahead) - slope * ahead)


def _touch(chain: list[Piece], slope: float) -> tuple[float, float, int, float]:
    """Where a line of this slope touches the chain from above: (x, y) seen from its end, so neither is positive; how many pieces
    lie before that point or hold it, and how far into the last of these it is."""
    x = y = reach = 0.0
    kept = len(chain)
    while kept:
        piece = chain[kept - 1]
        reach = piece.where(slope)
        x -= piece.amount_in - reach
        y -= piece.out_after(reach)
        if reach > 0.0:
            break
        kept -= 1
    return x, y, kept, reach


def less_input_fee(pieces: Iterable[Piece], rate: float, maximum: float) -> Iterator[Piece]:
    """Pieces per gross input, when min(rate * input, maximum) is withheld before the rest buys. May rise in slope at the cap."""
    keep = 1.0 - rate
    if keep <= 0.0:
        yield Piece(maximum, 0.0, 0.0)
        yield from pieces
        return
    left = maximum / rate * keep  # net input until the cap
    for piece in pieces:
        part = piece
        if left > 0.0:
            first = part if part.amount_in <= left else part.head(left)
            yield Piece(first.amount_in / keep, first.slope * keep, first.bend * keep)
            left -= first.amount_in
            if first is part:
                continue
            part, left = part.tail(first.amount_in), 0.0
        yield part


def less_rising_fee(pieces: Iterable[Piece], steps: Iterable[tuple[float, float]]) -> Iterator[Piece]:
    """Pieces per gross input of which a part is kept that falls on the way: (gross input, what is left of one), the last without
    end."""
    coming = iter(steps)
    gross, keep = next(coming)
    for piece in pieces:
        part = piece
        while part.amount_in > gross * keep:
            net = gross * keep
            yield Piece(gross, part.slope * keep, part.bend * keep)
            part = part.tail(net)
            gross, keep = next(coming)
        yield Piece(part.amount_in / keep, part.slope * keep, part.bend * keep)
        gross -= part.amount_in / keep


def less_output_fee(pieces: Iterable[Piece], rate: float, maximum: float) -> Iterator[Piece]:
    """Pieces of what arrives, when min(rate * output, maximum) of the output is withheld. May rise in slope at the cap."""
    keep = 1.0 - rate
    left = maximum / rate  # output until the cap
    for piece in pieces:
        part = piece
        if left > 0.0:
            out = part.amount_out
            first = part if out <= left else part.head(part.needed(left))
            yield Piece(first.amount_in, first.slope * keep, first.bend)
            left -= first.amount_out
            if first is part:
                continue
            part, left = part.tail(first.amount_in), 0.0
        yield part


def until_output(pieces: Iterable[Piece], most_out: float) -> Iterator[Piece]:
    """Pieces until `most_out` came out of them."""
    for piece in pieces:
        out = piece.amount_out
        if out >= most_out:
            yield piece.head(piece.needed(most_out))
            return
        yield piece
        most_out -= out
