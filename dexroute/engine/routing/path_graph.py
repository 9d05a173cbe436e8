"""Some paths as one graph through which nothing leads but these paths: where they begin alike they have their arcs in common, and
where they go on alike they meet. (The minimal acyclic automaton of the paths as words over a market's edges.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Final

from dexroute.engine.routing.legs import Path

if TYPE_CHECKING:
    from dexroute.engine.routing.network import NetworkFlow, Order

START: Final = 0
END: Final = 1
FREE: Final = -1
"""In place of an edge: an arc that leads to a pool which others come to as well, at no cost."""


class PathGraph:
    """Arcs and nodes by number, in place of edges and mints of a market: `edge` by arc, `source` and `target` its nodes. A node
    stands for the ways in which paths go on from it. `chains`: the arcs of each path. An edge is several arcs only where paths come
    to its pool differently and go on differently behind it."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.edge: list[int] = []
        self.source: list[int] = []
        self.target: list[int] = []
        self._nodes: dict[frozenset[Path], int] = {frozenset(((),)): END}
        self._arcs: dict[tuple[int, int], int] = {}  # by the node an arc leaves and its edge
        self._lay(START, frozenset(paths))
        self.nodes = len(self._nodes) + 1
        self._join()
        self.chains = [self._chain(path) for path in paths]

    def __len__(self) -> int:
        """How many arcs there are."""
        return len(self.edge)

    def along(self, shares: Sequence[float], flow: NetworkFlow, order: Order) -> list[float]:
        """What flows into each arc when paths carry these shares of an order at the average prices of a flow over edges."""
        amounts = [0.0] * len(self)
        for share, chain in zip(shares, self.chains, strict=True):
            edges = [self.edge[arc] for arc in chain]
            rates = [flow.arrivals[edge] / flow.flows[edge] if edge != FREE else 1.0 for edge in edges]
            amount = share * order.amount
            if not order.exact_in:
                for rate in rates:
                    amount /= rate
            for arc, rate in zip(chain, rates, strict=True):
                amounts[arc] += amount
                amount *= rate
        return amounts

    def carried(self, flows: Sequence[float], arrivals: Sequence[float]) -> list[tuple[float, float]]:
        """What of a flow over arcs goes into each path and arrives at its end. The widest path is served first, and what is left of
        its arcs goes to the others; each empties an arc, so that some may be left with nothing."""
        left = list(flows)
        gains = [arriving / max(into, 1e-300) for into, arriving in zip(flows, arrivals, strict=True)]
        found = [(0.0, 0.0)] * len(self.chains)
        queue = [(-inf, place) for place in range(len(self.chains))]
        while queue:
            _, place = heappop(queue)
            # The input of which all arcs still carry all; others can only have made it less.
            wide, gain = inf, 1.0
            for arc in self.chains[place]:
                wide = min(wide, left[arc] / max(gain, 1e-300))
                gain *= gains[arc]
            if queue and -wide > queue[0][0]:
                heappush(queue, (-wide, place))
                continue
            amount = wide
            for arc in self.chains[place]:
                left[arc] = max(left[arc] - amount, 0.0)
                amount *= gains[arc]
            found[place] = wide, amount
        return found

    def _lay(self, node: int, onward: frozenset[Path]) -> None:
        behind: dict[int, list[Path]] = {}
        for path in sorted(onward):
            behind.setdefault(path[0], []).append(path[1:])
        for edge, rest in behind.items():
            paths = frozenset(rest)
            known = paths in self._nodes
            there = self._nodes.setdefault(paths, len(self._nodes) + 1)
            self._add(node, edge, there)
            if not known:
                self._lay(there, paths)

    def _join(self) -> None:
        """Lets arcs of one edge to one node be one, with a node of its own before it, to which its old beginnings lead freely."""
        alike: dict[tuple[int, int], list[int]] = {}
        for arc, edge in enumerate(self.edge):
            alike.setdefault((edge, self.target[arc]), []).append(arc)
        leaving = Counter(self.source)
        for (edge, there), arcs in alike.items():
            if len(arcs) > 1:
                ready = next((arc for arc in arcs if leaving[self.source[arc]] == 1), None)
                before = self.nodes if ready is None else self.source[ready]
                if ready is None:
                    self.nodes += 1
                    self._add(before, edge, there)
                for arc in arcs:
                    if arc != ready:
                        self.edge[arc], self.target[arc] = FREE, before

    def _add(self, node: int, edge: int, there: int) -> None:
        self._arcs[node, edge] = len(self.edge)
        self.edge.append(edge)
        self.source.append(node)
        self.target.append(there)

    def _chain(self, path: Path) -> tuple[int, ...]:
        node, chain = START, []
        for edge in path:
            arc = self._arcs[node, edge]
            chain.append(arc)
            if self.edge[arc] == FREE:
                arc = self._arcs[self.target[arc], edge]
                chain.append(arc)
            node = self.target[arc]
        return tuple(chain)
