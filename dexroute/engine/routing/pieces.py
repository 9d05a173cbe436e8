"""The pieces of many curves side by side, so that a flow over some edges gathers theirs in a few calls.

An edge's pieces are laid down when they are first asked for: most edges of a large market never are.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from dexroute.engine.routing.newton import Floats, Ints

if TYPE_CHECKING:
    from dexroute.engine.routing.market import Steps

_ABSENT: Final = -1
_FIRST_ROOM: Final = 4_096
_ROWS: Final = 4


class PieceTable:
    """The pieces of as many curves as are asked for. `curve` gives the curve of an edge, a number below `edges`; may be asked from
    several threads."""

    def __init__(self, edges: int, curve: Callable[[int], Steps]) -> None:
        self._curve = curve
        self._start = np.full(edges, _ABSENT, dtype=np.int64)
        self._count = np.zeros(edges, dtype=np.int64)
        # Amounts in, slopes, bends, and the input before each piece.
        self._laid = np.empty((_ROWS, _FIRST_ROOM))
        self._end = 0
        self._laying = Lock()

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
        starts = self._start[edges]
        if (starts == _ABSENT).any():
            with self._laying:
                for edge in edges[self._start[edges] == _ABSENT].tolist():
                    self._lay(edge)
            starts = self._start[edges]
        counts = self._count[edges]
        ends = np.cumsum(counts)
        owner = np.repeat(np.arange(len(edges)), counts)
        return counts, owner, np.arange(len(owner)) + (starts - ends + counts)[owner]

    def _lay(self, edge: int) -> None:
        if self._start[edge] != _ABSENT:
            return
        steps = self._curve(edge)
        count = len(steps.pieces)
        end = self._end + count
        if end > self._laid.shape[1]:
            # Whoever reads meanwhile reads the old ones, where all is that they know of.
            larger = np.empty((_ROWS, 2 * end))
            larger[:, : self._end] = self._laid[:, : self._end]
            self._laid = larger
        self._laid[:3, self._end : end] = steps.columns
        self._laid[3, self._end : end] = [0.0, *steps.ends_in[:-1]][:count]
        self._count[edge] = count
        self._start[edge] = self._end
        self._end = end
