"""The linear system of a Newton step over the prices of mints, and its solution.

The system is a sum over pieces: each adds r * (m e_t - e_s)(m e_t - e_s)' for its mints s and t, where m is its marginal output per
input and r how far it yields. Most mints of a market meet only a few hubs: those of which no two meet each other are eliminated
first, each by one division, and what is left is small.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# So many unknowns are solved for at once faster than they are looked at one by one.
_MOST_AT_ONCE: Final = 64
_LEAST_DIAGONAL: Final = 1e-14


class NewtonSystem:
    """`source` and `target` by piece, mints by number. `number` gives every mint a new one: first those that meet none of their
    own, then the others, and the reference, whose price is fixed, last. `source` and `target` are in the new numbers."""

    def __init__(self, source: Ints, target: Ints, mints: int, reference: int) -> None:
        self.number, self._apart = _numbered(source, target, mints, reference)
        self.source, self.target = self.number[source], self.number[target]
        self._free = free = mints - 1
        self._rest = rest = free - self._apart
        # The matrix in parts, one after the other: its diagonal, apart x rest, one half of rest x rest, and what nobody asks for.
        self._between = mints
        self._within = mints + self._apart * rest
        self._unasked = self._within + rest * rest
        low, high = np.minimum(self.source, self.target), np.maximum(self.source, self.target)
        place = np.where(low < self._apart, self._between + low * rest, self._within + (low - self._apart) * rest)
        across = np.where(high == free, self._unasked, place + high - self._apart)
        self._places = np.concatenate((self.target, self.source, across))
        self._entries = np.empty(3 * len(source))
        self._diagonal = (np.arange(rest), np.arange(rest))

    def solved(self, marginal: Floats, yielding: Floats, slack: Floats, right: Floats) -> Floats:
        """By new number without the reference: the solution for a right side, with `slack` on the diagonal. Raises LinAlgError."""
        at_target, at_source, across = self._entries.reshape(3, -1)
        np.multiply(marginal, yielding, out=at_source)
        np.multiply(marginal, at_source, out=at_target)
        np.negative(at_source, out=across)
        at_source[:] = yielding
        sums = cast(Floats, np.bincount(self._places, self._entries, self._unasked + 1))
        apart, rest = self._apart, self._rest
        own = sums[: self._free] + slack + _LEAST_DIAGONAL
        half = sums[self._within : self._unasked].reshape(rest, rest)
        left: Floats = half + half.T
        left[self._diagonal] += own[apart:]
        if not apart:
            return cast(Floats, np.linalg.solve(left, right))
        between = sums[self._between : self._within].reshape(apart, rest)
        parted = between / own[:apart, None]
        left -= between.T @ parted
        others = np.linalg.solve(left, right[apart:] - right[:apart] @ parted)
        return np.concatenate((right[:apart] / own[:apart] - parted @ others, others))


def _numbered(source: Ints, target: Ints, mints: int, reference: int) -> tuple[Ints, int]:
    """The new number of each mint, and how many come first: the least connected ones, as long as they do not meet."""
    first: list[int] = []
    if mints - 1 > _MOST_AT_ONCE:
        beside: list[set[int]] = [set() for _ in range(mints)]
        for pair in np.unique(source * mints + target).tolist():
            one, other = divmod(pair, mints)
            beside[one].add(other)
            beside[other].add(one)
        met = {reference}
        for mint in sorted(range(mints), key=lambda mint: len(beside[mint])):
            if mint not in met:
                first.append(mint)
                met |= beside[mint]
    chosen = {*first, reference}
    number = np.empty(mints, dtype=np.int64)
    number[[*first, *(mint for mint in range(mints) if mint not in chosen), reference]] = np.arange(mints)
    return number, len(first)
