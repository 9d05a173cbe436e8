"""The best shares of paths that are given: for when there are more paths through the edges at hand than legs allowed.

A flow over the edges of a few paths would mix them at every mint where they meet, and fall apart into other paths and more. Here
each path's tokens are kept apart behind every pool, as a tree from the input. A pool that several branches pass is divided between
them in the proportion in which they use it; a concave curve that is so divided pays the same to each of its units, and a few rounds
find the proportion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from dexroute.engine.routing.decomposition import NOISE, PathShare
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market, Steps
from dexroute.engine.routing.network import NetworkFlow, Order, solve_network
from dexroute.engine.routing.newton import Floats, Ints

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
) -> tuple[list[PathShare], NetworkFlow] | None:
    """The shares with which these paths carry the order best, largest first, and the flow they make over their edges. `shares` and
    `flow` are where to start from. None where the paths cannot carry it."""
    tree = _Tree(market, [share.path for share in shares], order)
    amounts = tree.along([share.share for share in shares], flow)
    solved: NetworkFlow | None = None
    for least in rounds:
        changed = tree.divide(amounts, least)
        if solved is not None and changed < _SETTLED:
            break
        solved = solve_network(tree, range(len(tree.edge)), tree.order, tree.worths(amounts), tolerance=tolerance)
        if not solved.solved:
            return None
        amounts = solved.flows
        if not tree.shared:
            break
    assert solved is not None
    return tree.shares(solved), tree.over_edges(solved, flow)


class _Tree:
    """Arcs and nodes by number, in place of edges and mints of a market. The root is node 0, every path's end node 1."""

    def __init__(self, market: Market, paths: Sequence[Path], order: Order) -> None:
        self._market, self._paths = market, paths
        self.edge: list[int] = []
        self.source: list[int] = []
        self.target: list[int] = []
        self.chains: list[tuple[int, ...]] = []
        arcs: dict[tuple[int, int], int] = {}  # by the node an arc leaves and its edge
        nodes_made = 2
        for path in paths:
            node, last, chain = 0, len(path) - 1, []
            for place, edge in enumerate(path):
                arc = arcs.setdefault((node, edge), len(self.edge))
                if arc == len(self.edge):
                    self.edge.append(edge)
                    self.source.append(node)
                    self.target.append(1 if place == last else nodes_made)
                    nodes_made += place < last
                node = self.target[arc]
                chain.append(arc)
            self.chains.append(tuple(chain))
        self.parts = [1.0] * len(self.edge)
        self.shared = len(set(self.edge)) < len(self.edge)
        handicap = {arc: order.handicap[edge] for arc, edge in enumerate(self.edge) if edge in order.handicap}
        self.order = replace(order, input=0, output=1, handicap=handicap)

    def curve(self, arc: int) -> Steps:
        """The curve of the arc's whole pool."""
        return self._market.curve(self.edge[arc])

    def pieces_until(self, edges: Sequence[int], inputs: Floats) -> tuple[Ints, Floats, Floats, Floats, Ints]:
        """The pieces of arcs' whole pools."""
        return self._market.pieces_until([self.edge[arc] for arc in edges], inputs)

    def along(self, shares: Sequence[float], flow: NetworkFlow) -> dict[int, float]:
        """What flows into each arc when paths carry these shares at the average prices of a flow over edges."""
        amounts = dict.fromkeys(range(len(self.edge)), 0.0)
        for share, chain in zip(shares, self.chains, strict=True):
            rates = [flow.arrivals[self.edge[arc]] / flow.flows[self.edge[arc]] for arc in chain]
            amount = share * self.order.amount
            if not self.order.exact_in:
                for rate in rates:
                    amount /= rate
            for arc, rate in zip(chain, rates, strict=True):
                amounts[arc] += amount
                amount *= rate
        return amounts

    def divide(self, amounts: Mapping[int, float], least: float) -> float:
        """Divides pools as their branches use them, each at least so much; returns how much that changed at most."""
        total: dict[int, float] = {}
        for arc, edge in enumerate(self.edge):
            total[edge] = total.get(edge, 0.0) + amounts[arc]
        sharing = Counter(self.edge)
        wanted = [max(amounts[arc], min(least, _MOST_GIVEN / sharing[edge]) * total[edge]) for arc, edge in enumerate(self.edge)]
        sums: dict[int, float] = {}
        for arc, edge in enumerate(self.edge):
            sums[edge] = sums.get(edge, 0.0) + wanted[arc]
        changed = 0.0
        for arc, edge in enumerate(self.edge):
            part = wanted[arc] / sums[edge] if sums[edge] > 0.0 else 1.0
            changed, self.parts[arc] = max(changed, abs(part - self.parts[arc])), part
        return changed

    def worths(self, amounts: Mapping[int, float]) -> dict[int, float]:
        """By node, worths by which what passes through any node is worth the same."""
        passed: dict[int, float] = {0: 0.0, 1: 0.0}
        for arc, node in enumerate(self.source):
            passed[node] = passed.get(node, 0.0) + amounts[arc]
        for arc, node in enumerate(self.target):
            if node == 1:
                part = self.parts[arc]
                passed[1] += part * self.curve(arc).amount_out(amounts[arc] / part)
        passed[0 if self.order.exact_in else 1] = self.order.amount
        return {node: 1.0 / max(amount, 1.0) for node, amount in passed.items()}

    def shares(self, solved: NetworkFlow) -> list[PathShare]:
        """What each path carries: a path has its last arc alone, and of the arcs before that the part that reaches it."""
        shares = []
        least = NOISE * sum(solved.arrivals[chain[-1]] for chain in self.chains)
        for path, chain in zip(self._paths, self.chains, strict=True):
            amount = solved.flows[chain[-1]]
            if self.order.exact_in:
                for arc in reversed(chain[:-1]):
                    amount *= solved.flows[arc] / max(solved.arrivals[arc], 1e-300)
            else:
                amount = solved.arrivals[chain[-1]]
            share = PathShare(path, amount / self.order.amount)
            if share.share > 0.0 and solved.arrivals[chain[-1]] > least:
                shares.append(share)
        return sorted(shares, key=lambda share: (-share.share, share.path))

    def over_edges(self, solved: NetworkFlow, flow: NetworkFlow) -> NetworkFlow:
        flows: dict[int, float] = {}
        arrivals: dict[int, float] = {}
        at: dict[int, tuple[float, float]] = {}
        prices = dict(flow.prices)
        for arc in sorted(range(len(self.edge)), key=lambda arc: solved.flows[arc]):
            edge = self.edge[arc]
            flows[edge] = flows.get(edge, 0.0) + solved.flows[arc]
            arrivals[edge] = arrivals.get(edge, 0.0) + solved.arrivals[arc]
            before, behind = solved.prices[self.source[arc]], solved.prices[self.target[arc]]
            prices[self._market.source[edge]], prices[self._market.target[edge]] = before, behind
            at[edge] = before, behind
        return NetworkFlow(flows=flows, arrivals=arrivals, prices=prices, value=solved.value, solved=True, at=at)
