"""The best shares of paths that are given: for when there are more paths through the edges at hand than legs allowed.

A flow over the edges of a few paths would mix them at every mint where they meet, and fall apart into other paths and more. Here
paths are kept apart where they go on differently. A pool that is passed in several places is divided between them in the proportion
in which they use it; a concave curve that is so divided pays the same to each of its units, and a few rounds find the proportion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dexroute.engine.routing.decomposition import NOISE, PathShare
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, Order, solve_network
from dexroute.engine.routing.newton import Floats, Ints
from dexroute.engine.routing.path_graph import END, FREE, START, PathGraph

# Of a pool, by round, for a branch that hardly uses it: from nothing it could not grow.
GROWING: Final = (3e-2,)
FINAL: Final = (1e-3, 1e-4)
_SETTLED: Final = 1e-3
# Of a pool, for all branches that hardly use it.
_MOST_GIVEN: Final = 0.1


def solve_paths(
    market: Market,
    shares: Sequence[PathShare],
    flow: NetworkFlow,
    order: Order,
    *,
    tolerance: float,
    rounds: Sequence[float] = FINAL,
    rough: bool = False,
) -> tuple[list[PathShare], NetworkFlow] | None:
    """The shares with which these paths carry the order best, largest first, and the flow they make over their edges. `shares` and
    `flow` are where to start from; `rough` as in `solve_network`. None where the paths cannot carry it."""
    ways = _DividedPools(market, [share.path for share in shares], order)
    amounts = ways.along([share.share for share in shares], flow, order)
    solved: NetworkFlow | None = None
    for least in rounds:
        changed = ways.divide(amounts, least)
        if solved is not None and changed < _SETTLED:
            break
        solved = solve_network(ways, range(len(ways)), ways.order, ways.worths(amounts), tolerance=tolerance, rough=rough)
        if not solved.solved:
            return None
        amounts = [solved.flows[arc] for arc in range(len(ways))]
        if not ways.shared:
            break
    assert solved is not None
    return ways.shares(solved), ways.over_edges(solved, flow)


class _DividedPools(PathGraph):
    """The graph of some paths as a network of its own, with a part of its pool for each arc."""

    def __init__(self, market: Market, paths: Sequence[Path], order: Order) -> None:
        super().__init__(paths)
        self._market = market
        self.parts = [1.0] * len(self)
        self._pools = [arc for arc, edge in enumerate(self.edge) if edge != FREE]
        self.shared = len({self.edge[arc] for arc in self._pools}) < len(self._pools)
        handicap = {arc: order.handicap[self.edge[arc]] for arc in self._pools if self.edge[arc] in order.handicap}
        self.order = replace(order, input=START, output=END, handicap=handicap)

    def pieces_until(
        self, edges: Sequence[int], inputs: Floats, *, rough: bool = False
    ) -> tuple[Ints, Floats, Floats, Floats, Ints]:
        """The pieces of all arcs, which `edges` are, those of whole pools."""
        pools = np.array(self._pools, dtype=np.int64)
        through = [self.edge[arc] for arc in self._pools]
        owner, amounts, slopes, bends, more = self._market.pieces_until(through, inputs[pools], rough=rough)
        free = np.flatnonzero(np.array(self.edge) == FREE)
        if not len(free):
            return owner, amounts, slopes, bends, more
        # A flow keeps a part of what comes to any place but the first; that is for the next pool to do.
        ends = np.full(len(free), np.inf), np.full(len(free), 1.0 / self.order.keep), np.zeros(len(free))
        amounts, slopes, bends = (np.concatenate(both) for both in zip((amounts, slopes, bends), ends, strict=True))
        return np.concatenate((pools[owner], free)), amounts, slopes, bends, pools[more]

    def divide(self, amounts: Sequence[float], least: float) -> float:
        """Divides pools as their branches use them, each at least so much; returns how much that changed at most."""
        sharing: dict[int, list[int]] = {}
        for arc in self._pools:
            sharing.setdefault(self.edge[arc], []).append(arc)
        changed = 0.0
        for arcs in sharing.values():
            if len(arcs) > 1:
                total = sum(amounts[arc] for arc in arcs)
                wanted = [max(amounts[arc], min(least, _MOST_GIVEN / len(arcs)) * total) for arc in arcs]
                whole = sum(wanted)
                for arc, amount in zip(arcs, wanted, strict=True):
                    part = amount / whole if whole > 0.0 else 1.0 / len(arcs)
                    changed, self.parts[arc] = max(changed, abs(part - self.parts[arc])), part
        return changed

    def worths(self, amounts: Sequence[float]) -> dict[int, float]:
        """By node, worths by which what passes through any node is worth the same."""
        passed: dict[int, float] = {START: 0.0, END: 0.0}
        for arc, node in enumerate(self.source):
            passed[node] = passed.get(node, 0.0) + amounts[arc]
        for arc, node in enumerate(self.target):
            if node == END:
                part, curve = self.parts[arc], self._market.curve(self.edge[arc])
                passed[END] += part * curve.amount_out(amounts[arc] / part)
        passed[START if self.order.exact_in else END] = self.order.amount
        return {node: 1.0 / max(amount, 1.0) for node, amount in passed.items()}

    def shares(self, solved: NetworkFlow) -> list[PathShare]:
        """What each path carries, largest share first, without the solver's noise."""
        least = NOISE * solved.value
        shares = []
        flows, arrivals = ([of[arc] for arc in range(len(self))] for of in (solved.flows, solved.arrivals))
        for path, (into, arriving) in zip(self.paths, self.carried(flows, arrivals), strict=True):
            fixed, ranked = (into, arriving) if self.order.exact_in else (arriving, into)
            if ranked > least:
                shares.append(PathShare(path, fixed / self.order.amount))
        return sorted(shares, key=lambda share: (-share.share, share.path))

    def over_edges(self, solved: NetworkFlow, flow: NetworkFlow) -> NetworkFlow:
        flows: dict[int, float] = {}
        arrivals: dict[int, float] = {}
        at: dict[int, tuple[float, float]] = {}
        prices = dict(flow.prices)
        for arc in sorted(self._pools, key=lambda arc: solved.flows[arc]):
            edge = self.edge[arc]
            flows[edge] = flows.get(edge, 0.0) + solved.flows[arc]
            arrivals[edge] = arrivals.get(edge, 0.0) + solved.arrivals[arc]
            before, behind = solved.prices[self.source[arc]], solved.prices[self.target[arc]]
            prices[self._market.source[edge]], prices[self._market.target[edge]] = before, behind
            at[edge] = before, behind
        return replace(solved, flows=flows, arrivals=arrivals, prices=prices, at=at)
