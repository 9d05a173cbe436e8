"""The pieces of many curves side by side, so that a flow over some edges gathers theirs in a few calls.

An edge's pieces are laid down when they are first asked for: most edges of a large market never are.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

import numpy as np

from dexroute.engine.routing.newton import Floats, Ints

_ABSENT: Final = -1
_FIRST_ROOM: Final = 4_096
_ROWS: Final = 4


class PieceTable:
    """The pieces of as many curves as are asked for. `columns` gives those of an edge, a number below `edges`, as `Steps.columns`
    does; may be asked from several threads."""

    def __init__(self, edges: int, columns: Callable[[int], Floats]) -> None:
        self._columns = columns
        self._start = np.full(edges, _ABSENT, dtype=np.int64)
        self._count = np.zeros(edges, dtype=np.int64)
        # Amounts in, slopes, bends, and the input before each piece.
        self._laid = np.empty((_ROWS, _FIRST_ROOM))
        self._end = 0
        self._laying = Lock()

    def count(self, edges: Ints) -> int:
        """How many pieces these edges have in all."""
        self._lay_down(edges)
        return int(self._count[edges].sum())

    def of(self, edges: Ints) -> tuple[Ints, Floats, Floats, Floats]:
        """The pieces of these edges, one after the other: the place of each one's edge among `edges`, amounts in, slopes, bends."""
        _, owner, places = self._places(edges)
        amounts, slopes, bends, _ = self._laid.take(places, axis=1)
        return owner, amounts, slopes, bends

    def until(self, edges: Ints, inputs: Floats) -> tuple[Ints, Floats, Floats, Floats, Ints]:
        """The same of the pieces that hold the first so much of each edge's input, and the places of edges that have more."""
        counts, owner, places = self._places(edges)
        amounts, slopes, bends, before = self._laid.take(places, axis=1)
        begun = before < inputs[owner]
        some = np.flatnonzero(counts)
        ends = np.cumsum(counts)[some]
        begun[ends - counts[some]] = True
        more = some[~begun[ends - 1]]
        if not len(more):
            return owner, amounts, slopes, bends, more
        kept = np.flatnonzero(begun)
        return owner[kept], amounts[kept], slopes[kept], bends[kept], more

    def _places(self, edges: Ints) -> tuple[Ints, Ints, Ints]:
        """By edge how many pieces it has; by piece the place of its edge, and where it lies."""
        starts = self._lay_down(edges)
        counts = self._count[edges]
        ends = np.cumsum(counts)
        owner = np.repeat(np.arange(len(edges)), counts)
        return counts, owner, np.arange(len(owner)) + (starts - ends + counts)[owner]

    def _lay_down(self, edges: Ints) -> Ints:
        """Makes sure that these edges are there, and returns where each one starts."""
        starts = self._start[edges]
        if (starts == _ABSENT).any():
            with self._laying:
                for edge in edges[self._start[edges] == _ABSENT].tolist():
                    self._lay(edge)
            starts = self._start[edges]
        return starts

    def _lay(self, edge: int) -> None:
        if self._start[edge] != _ABSENT:
            return
        columns = self._columns(edge)
        count = columns.shape[1]
        end = self._end + count
        if end > self._laid.shape[1]:
            # Whoever reads meanwhile reads the old ones, where all is that they know of.
            larger = np.empty((_ROWS, 2 * end))
            larger[:, : self._end] = self._laid[:, : self._end]
            self._laid = larger
        self._laid[:3, self._end : end] = columns
        self._laid[3, self._end : end] = np.cumsum(columns[0]) - columns[0]
        self._count[edge] = count
        self._start[edge] = self._end
        self._end = end


def merged(columns: Floats, within: float) -> Floats:
    """A curve's pieces, those next to each other made one as long as the price falls by no more than so much over them: it starts
    with their slope and takes and gives what they do in all. Bins and ticks are many and close; the curve they make is hardly to be
    told from a smooth one, which is solved for in a fraction of the time."""
    amounts, slopes, bends = columns
    if len(amounts) <= 1:
        return columns
    ends = (slopes / np.square(1.0 + bends * amounts)).tolist()
    starts, lowest = [0], float(slopes[0]) * (1.0 - within)
    for place, slope in enumerate(slopes.tolist()):
        if place and ends[place] < lowest:
            starts.append(place)
            lowest = slope * (1.0 - within)
    if len(starts) == len(amounts):
        return columns
    taken = np.add.reduceat(amounts, starts)
    given = np.add.reduceat(slopes * amounts / (1.0 + bends * amounts), starts)
    slopes = slopes[starts]
    return np.array((taken, slopes, np.maximum(slopes / given - 1.0 / taken, 0.0)))
