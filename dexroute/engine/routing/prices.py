"""Prices over a whole market at once: what a unit of any mint is worth through the best paths, and which edges lie on such
paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
from numpy.typing import NDArray

from dexroute.engine.routing.market import offers_exact_out
from dexroute.math.concave import Piece

if TYPE_CHECKING:
    from dexroute.engine.routing.market import Market

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MOST_ROUNDS: Final = 24
_SAME: Final = 1e-13
# Of all mints, those that became dearer are fewer than one of so many: looked at one by one.
_FEW: Final = 8
_NO_PIECE: Final = Piece(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Per edge: its mints, the first piece of its curve (`slope` 0: takes nothing; `exact_out_slope` also where its program has no
    exact-out swap), the slope of the second (0: there is none), what the whole curve takes (`capacity`) and how it falls on the way
    as if it were one piece (`whole_bend`), and by how much of either mint a swap may beat the curve (`Curve.favour_in`,
    `favour_out`; `favouring`: the places where any may). Edges are sorted by source, so that one `reduceat` finds the best of each
    mint; `edge` names them in the market's numbering, `place` is the way back."""

    mints: int
    edge: Ints
    place: Ints
    source: Ints
    target: Ints
    slope: Floats
    exact_out_slope: Floats
    first_in: Floats
    bend: Floats
    second_slope: Floats
    capacity: Floats
    whole_bend: Floats
    favour_in: Floats
    favour_out: Floats
    favouring: Ints
    sources: Ints
    starts: Ints
    to_target: Ints
    targets: Ints
    target_starts: Ints

    @classmethod
    def of(cls, market: Market) -> PriceTable:
        source = np.array(market.source, dtype=np.int64)
        target = np.array(market.target, dtype=np.int64)
        steps = [market.curve(edge) for edge in range(len(source))]
        curves = [curve.pieces for curve in steps]
        firsts = [pieces[0] if pieces else _NO_PIECE for pieces in curves]
        slope = np.array([piece.slope for piece in firsts])
        first_in = np.array([piece.amount_in for piece in firsts])
        bend = np.array([piece.bend for piece in firsts])
        second_slope = np.array([pieces[1].slope if len(pieces) > 1 else 0.0 for pieces in curves])
        capacity = np.array([curve.capacity_in for curve in steps])
        capacity_out = np.array([curve.capacity_out for curve in steps])
        taking = capacity_out > 0.0
        whole_bend = np.zeros(len(steps))
        whole_bend[taking] = np.maximum(slope[taking] / capacity_out[taking] - 1.0 / capacity[taking], 0.0)
        exact_out = np.array([offers_exact_out(pool.venue_id) for pool in market.edge_pool], dtype=np.bool_)
        favour_in = np.array([curve.favour_in for curve in steps], dtype=np.float64)
        favour_out = np.array([curve.favour_out for curve in steps], dtype=np.float64)
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
            exact_out_slope=np.where(exact_out, slope, 0.0)[order],
            first_in=first_in[order],
            bend=bend[order],
            second_slope=second_slope[order],
            capacity=capacity[order],
            whole_bend=whole_bend[order],
            favour_in=favour_in[order],
            favour_out=favour_out[order],
            favouring=np.flatnonzero(((favour_in > 0.0) | (favour_out > 0.0))[order]),
            sources=sources,
            starts=starts,
            to_target=to_target,
            targets=targets,
            target_starts=target_starts,
        )

    def usable(self, *, exact_in: bool) -> Floats:
        """The slopes of what orders of a mode can use."""
        return self.slope if exact_in else self.exact_out_slope

    def best_sales(self, slope: Floats, prices: Floats) -> dict[int, int]:
        """By mint, the place of the edge that fetches most for it at these slopes and prices; the first of equals."""
        fetched = slope * prices[self.target]
        counts = np.diff(np.append(self.starts, len(fetched)))
        best = np.flatnonzero(fetched == np.repeat(np.maximum.reduceat(fetched, self.starts), counts))
        _, first = np.unique(self.source[best], return_index=True)
        return dict(zip(self.source[best[first]].tolist(), best[first].tolist(), strict=True))

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
        return self.between(slope, self.reach(slope, input, hops - 1), self.worth(slope, output, hops - 1))

    def between(self, slope: Floats, reach: Sequence[Floats], worth: Sequence[Floats]) -> Floats:
        """The same of what is known already before and behind the edges: 0 to as many hops as are left."""
        hops = len(reach)
        best = np.zeros(len(slope))
        for before in range(hops):
            np.maximum(best, reach[before][self.source] * worth[hops - 1 - before][self.target], out=best)
        return best * slope

    def at_size(self, slope: Floats, bend: Floats, start: int, goal: int, amount: float, hops: int, *, exact_in: bool) -> Floats:
        """Per edge: output per input when so much of mint `start` comes there on the best path (exact out: when `goal` is to get so
        much); 0 where it cannot pass. Curves count as one piece of all they take, so about; `bend` is `whole_bend`, or 0 for edges
        whose price is to stay."""
        if not exact_in:
            return self._at_size_backward(slope, bend, goal, amount, hops)
        held = np.zeros(self.mints)
        held[start] = amount
        if hops > 1:
            # The first hop leaves the start, and nothing else.
            out = self.out_of(start)
            through = np.minimum(amount, self.capacity[out])
            np.maximum.at(held, self.target[out], slope[out] * through / (1.0 + bend[out] * through))
            held[held < 1.0] = 0.0
            held[start] = amount
        for hop in range(min(hops - 1, 1), hops):
            through = np.minimum(held[self.source], self.capacity)
            arriving = slope * through / (1.0 + bend * through)
            if hop < hops - 1:
                best = np.maximum.reduceat(arriving[self.to_target], self.target_starts)
                # Nobody brings less than a unit.
                held[self.targets] = np.maximum(held[self.targets], np.where(best < 1.0, 0.0, best))
                held[start] = amount
        left = held[self.source]
        return np.divide(arriving, left, out=np.zeros(len(slope)), where=left > 0.0)

    def _at_size_backward(self, slope: Floats, bend: Floats, goal: int, amount: float, hops: int) -> Floats:
        needed = np.full(self.mints, np.inf)
        needed[goal] = amount
        most = slope * self.capacity / (1.0 + bend * self.capacity)
        if hops > 1:
            # The last hop gets to the goal, and nowhere else.
            into = self.into(goal)
            into = into[amount < most[into]]
            np.minimum.at(needed, self.source[into], np.maximum(amount / (slope[into] - bend[into] * amount), 1.0))
            needed[goal] = amount
        for hop in range(min(hops - 1, 1), hops):
            asked = needed[self.target]
            average = np.where(asked < most, slope - bend * np.minimum(asked, most), 0.0)
            passing = average > 0.0
            spent = np.full(len(slope), np.inf)
            spent[passing] = np.maximum(asked[passing] / average[passing], 1.0)
            if hop < hops - 1:
                best = np.minimum.reduceat(spent, self.starts)
                needed[self.sources] = np.minimum(needed[self.sources], best)
                needed[goal] = amount
        rates: Floats = np.where(passing, asked, 0.0) / spent
        return rates

    def out_of(self, mint: int) -> slice:
        """The places of a mint's edges."""
        at = int(np.searchsorted(self.sources, mint))
        return slice(int(self.starts[at]), int(self.starts[at + 1]) if at + 1 < len(self.starts) else len(self.source))

    def into(self, mint: int) -> Ints:
        """The places of the edges into a mint, ascending."""
        at = int(np.searchsorted(self.targets, mint))
        end = int(self.target_starts[at + 1]) if at + 1 < len(self.target_starts) else len(self.source)
        return self.to_target[self.target_starts[at] : end]

    def extended(self, slope: Floats, prices: Floats, known: Bools) -> Floats:
        """Prices of all mints: the known ones as they are, every other the most that selling it fetches at these slopes, as far as
        that settles."""
        prices = prices.copy()
        free = ~known[self.sources]
        dearer: Ints = self.sources
        for _ in range(_MOST_ROUNDS):
            before = prices
            if len(dearer) * _FEW > self.mints:
                held = before[self.sources]
                best = np.maximum.reduceat(slope * before[self.target], self.starts)
                prices = before.copy()
                prices[self.sources] = np.where(free, np.maximum(held, best), held)
            else:
                # What became dearer is all that makes dearer what is sold for it.
                into = self._into_all(dearer)
                into = into[~known[self.source[into]]]
                prices = before.copy()
                np.maximum.at(prices, self.source[into], slope[into] * before[self.target[into]])
            dearer = np.flatnonzero(prices > before)
            if not (prices[dearer] > before[dearer] * (1.0 + _SAME)).any():
                return before
        return prices

    def _into_all(self, mints: Ints) -> Ints:
        """The places of the edges into any of these mints."""
        at = np.searchsorted(self.targets, mints)
        starts = self.target_starts[at]
        counts = np.append(self.target_starts, len(self.source))[at + 1] - starts
        before = np.cumsum(counts) - counts
        return cast(Ints, self.to_target[np.arange(counts.sum()) + np.repeat(starts - before, counts)])
