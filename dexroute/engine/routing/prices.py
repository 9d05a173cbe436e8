"""Prices over a whole market at once: what a unit of any mint is worth through the best paths, and which edges lie on such
paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from dexroute.engine.routing.market import offers_exact_out

if TYPE_CHECKING:
    from dexroute.engine.routing.market import Market

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MOST_ROUNDS: Final = 24
_SAME: Final = 1e-13


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Per edge: its mints, the slope its curve starts with (0: takes nothing), and whether its program swaps exact out. Edges are
    sorted by source, so that one `reduceat` finds the best of each mint; `edge` names them in the market's numbering, `place` is
    the way back."""

    mints: int
    edge: Ints
    place: Ints
    source: Ints
    target: Ints
    slope: Floats
    exact_out: Bools
    sources: Ints
    starts: Ints
    to_target: Ints
    targets: Ints
    target_starts: Ints

    @classmethod
    def of(cls, market: Market) -> PriceTable:
        source = np.array(market.source, dtype=np.int64)
        target = np.array(market.target, dtype=np.int64)
        slope = np.zeros(len(source))
        for edge in range(len(source)):
            pieces = market.curve(edge).pieces
            if pieces:
                slope[edge] = pieces[0].slope
        exact_out = np.array([offers_exact_out(pool.venue_id) for pool in market.edge_pool], dtype=np.bool_)
        order = np.argsort(source, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        sources, starts = np.unique(source[order], return_index=True)
        to_target = np.argsort(target[order], kind="stable")
        targets, target_starts = np.unique(target[order][to_target], return_index=True)
        return cls(
            mints=len(market.mints),
            edge=order,
            place=place,
            source=source[order],
            target=target[order],
            slope=slope[order],
            exact_out=exact_out[order],
            sources=sources,
            starts=starts,
            to_target=to_target,
            targets=targets,
            target_starts=target_starts,
        )

    def of_source(self, mint: int) -> Ints:
        """Places of the edges that sell a mint."""
        first = int(np.searchsorted(self.sources, mint))
        if first == len(self.sources) or self.sources[first] != mint:
            return np.empty(0, dtype=np.int64)
        end = self.starts[first + 1] if first + 1 < len(self.starts) else len(self.source)
        return np.arange(self.starts[first], end)

    def worth(self, slope: Floats, output: int, hops: int) -> list[Floats]:
        """For 0 to `hops` hops: how much of mint `output` one unit of each mint fetches at best (0: none), at these slopes."""
        layers = [np.zeros(self.mints)]
        layers[0][output] = 1.0
        for _ in range(hops):
            layer = layers[-1].copy()
            best = np.maximum.reduceat(slope * layers[-1][self.target], self.starts)
            layer[self.sources] = np.maximum(layer[self.sources], best)
            layer[output] = 1.0
            layers.append(layer)
        return layers

    def reach(self, slope: Floats, input: int, hops: int) -> list[Floats]:
        """For 0 to `hops` hops: how much of each mint one unit of mint `input` fetches at best (0: none), at these slopes."""
        layers = [np.zeros(self.mints)]
        layers[0][input] = 1.0
        for _ in range(hops):
            layer = layers[-1].copy()
            best = np.maximum.reduceat((slope * layers[-1][self.source])[self.to_target], self.target_starts)
            layer[self.targets] = np.maximum(layer[self.targets], best)
            layer[input] = 1.0
            layers.append(layer)
        return layers

    def through(self, slope: Floats, input: int, output: int, hops: int) -> Floats:
        """Per edge: what one unit of `input` fetches of `output` on the best path of at most `hops` hops through it."""
        reach, worth = self.reach(slope, input, hops - 1), self.worth(slope, output, hops - 1)
        best = np.zeros(len(slope))
        for before in range(hops):
            np.maximum(best, reach[before][self.source] * worth[hops - 1 - before][self.target], out=best)
        return best * slope

    def extended(self, slope: Floats, prices: Floats, known: Bools) -> Floats:
        """Prices of all mints: the known ones as they are, every other the most that selling it fetches at these slopes, as far as
        that settles."""
        prices = prices.copy()
        free = ~known[self.sources]
        for _ in range(_MOST_ROUNDS):
            best = np.maximum.reduceat(slope * prices[self.target], self.starts)
            before = prices[self.sources]
            after = np.where(free, np.maximum(before, best), before)
            if not (after > before * (1.0 + _SAME)).any():
                break
            prices[self.sources] = after
        return prices
