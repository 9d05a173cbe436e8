"""A flow over edges as paths that carry shares of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from math import inf
from typing import TYPE_CHECKING

from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market

if TYPE_CHECKING:
    from dexroute.engine.routing.network import NetworkFlow, Order

# Parts of a flow below this share of what it pays or costs are a solver's noise.
NOISE = 1e-6
# Many more than ever become legs: only flows that drain everything run along more, and what those carry is hardly any.
_MOST_PATHS = 128
# Beginnings of paths kept at each mint, the widest.
_LABELS = 4


@dataclass(frozen=True, slots=True)
class PathShare:
    """`share` of the order's fixed side, 0 to 1."""

    path: Path
    share: float


def paths_of(market: Market, flow: NetworkFlow, order: Order, max_hops: int) -> tuple[list[PathShare], float]:
    """Simple paths of at most `max_hops` hops that carry the flow, largest share first, and the part of what it pays (exact in) or
    of what it costs or delivers (exact out) that they do not carry.

    Takes the widest path again and again; each empties an edge. Shares are measured where the amount is fixed.
    """
    if not flow.value > 0.0:
        return [], 1.0
    parts = _parts(market, flow, order, max_hops)
    left: dict[int, float] = {}
    gains: dict[int, float] = {}
    for edge, into in flow.flows.items():
        if parts[edge] > NOISE:
            left[edge] = into
            gains[edge] = flow.arrivals[edge] / into
    shares: list[PathShare] = []
    carried = 0.0
    ways = _Ways(market, left, gains, order, max_hops)
    while left and len(shares) < _MOST_PATHS:
        found = ways.widest()
        if found is None:
            break
        path, amount_in = found
        through = amount_in
        for edge in path:
            remaining = left[edge] - through
            if remaining / flow.flows[edge] * parts[edge] > NOISE:
                left[edge] = remaining
            else:
                del left[edge]
                ways.close(edge)
            through *= gains[edge]
        fixed, ranked = (amount_in, through) if order.exact_in else (through, amount_in)
        if ranked > NOISE * flow.value:
            shares.append(PathShare(path, fixed / order.amount))
            carried += ranked / flow.value
    shares.sort(key=lambda one: (-one.share, one.path))
    if not order.exact_in:
        # What circles pay for costs nothing, and no path delivers it.
        carried = min(carried, sum(share.share for share in shares))
    return shares, max(0.0, 1.0 - carried)


def _parts(market: Market, flow: NetworkFlow, order: Order, max_hops: int) -> dict[int, float]:
    """By edge, the part of what the flow pays in all (of what it costs, exact out) that passes through it.

    Not what passes through it at marginal prices: those are nothing where pools are drained, and a millionth of an input may buy
    half of the output.
    """
    near, far = (market.source, market.target) if order.exact_in else (market.target, market.source)
    spent, earned = (flow.flows, flow.arrivals) if order.exact_in else (flow.arrivals, flow.flows)
    total: dict[int, float] = {}
    for edge, amount in spent.items():
        total[near[edge]] = total.get(near[edge], 0.0) + amount
    goal = order.output if order.exact_in else order.input
    worth = {goal: 1.0}
    for _ in range(max_hops):
        brought: dict[int, float] = {}
        for edge, amount in earned.items():
            if near[edge] != goal and far[edge] in worth:
                brought[near[edge]] = brought.get(near[edge], 0.0) + amount * worth[far[edge]]
        worth = {goal: 1.0} | {mint: amount / max(total[mint], 1e-300) for mint, amount in brought.items()}
    return {edge: amount * worth.get(far[edge], 0.0) / flow.value for edge, amount in earned.items()}


class _Ways:
    """Edges that still carry something, by the mint they leave: to the output, or (edge, mint) onward; ascending. And the widest
    path that begins with each edge out of the input, as it was when it was looked for: paths only become narrower."""

    def __init__(self, market: Market, left: dict[int, float], gains: Mapping[int, float], order: Order, max_hops: int) -> None:
        self._market, self._left, self._gains, self._hops = market, left, gains, max_hops
        self._input, self._output = order.input, order.output
        self._ending: dict[int, list[int]] = {}
        self._onward: dict[int, list[tuple[int, int]]] = {}
        self._widest: list[tuple[float, Path]] = []
        for edge in sorted(left):
            source, there = market.source[edge], market.target[edge]
            if source == self._input:
                self._widest.append((-left[edge], (edge,)))
            elif there == self._output:
                self._ending.setdefault(source, []).append(edge)
            elif there != self._input:
                self._onward.setdefault(source, []).append((edge, there))
        heapify(self._widest)

    def widest(self) -> tuple[Path, float] | None:
        """The path that carries most, and its input; None where there is none."""
        while self._widest:
            narrow, path = self._widest[0]
            if self._market.target[path[-1]] == self._output and self._room(path) == -narrow:
                return path, -narrow
            found = self._beginning_with(path[0]) if path[0] in self._left else None
            if found is None:
                heappop(self._widest)
            else:
                heapreplace(self._widest, found)
        return None

    def close(self, edge: int) -> None:
        source, there = self._market.source[edge], self._market.target[edge]
        if source == self._input:
            return
        if there == self._output:
            self._ending[source].remove(edge)
            if not self._ending[source]:
                del self._ending[source]
        elif there != self._input:
            self._onward[source].remove((edge, there))

    def _room(self, path: Path) -> float:
        """How much of the input a path takes."""
        room, gain = inf, 1.0
        for edge in path:
            room = min(room, self._left.get(edge, 0.0) / gain)
            gain *= self._gains[edge]
        return room

    def _beginning_with(self, first: int) -> tuple[float, Path] | None:
        """The simple path that carries most of those that begin with an edge: minus its input, and the path."""
        left, gains, there = self._left, self._gains, self._market.target[first]
        if there == self._output:
            return -left[first], (first,)
        widest, best = 0.0, Path(())
        # By mint, in order: minus the input that a path to it takes (wide ones first), the path, what arrives for one, the mints
        # behind it. Room is counted in input base units, `gain` what one of them is at this mint.
        labels: dict[int, list[tuple[float, Path, float, Path]]] = {}
        labels[there] = [(-left[first], (first,), gains[first], (self._input,))]
        for hop in range(1, self._hops):
            for mint, partial in labels.items():
                ending = self._ending.get(mint, ())
                for narrow, path, gain, _ in partial:
                    room = -narrow
                    if room < widest:
                        break  # what is narrower than the best has nothing to win, nor what follows
                    for edge in ending:
                        wide = left[edge] / gain
                        if wide > room:
                            wide = room
                        if wide > widest or (wide == widest and (*path, edge) < best):
                            widest, best = wide, (*path, edge)
            if hop == self._hops - 1:
                break
            following: dict[int, list[tuple[float, Path, float, Path]]] = {}
            closing = hop == self._hops - 2
            for mint, partial in labels.items():
                for narrow, path, gain, behind in partial:
                    room = -narrow
                    if room < widest:
                        break
                    for edge, there in self._onward.get(mint, ()):
                        wide = left[edge] / gain
                        if wide > room:
                            wide = room
                        if wide >= widest and there not in behind and (not closing or there in self._ending):
                            label = -wide, (*path, edge), gain * gains[edge], (*behind, mint)
                            following.setdefault(there, []).append(label)
            for some in following.values():
                some.sort()
                del some[_LABELS:]
            labels = following
        return (-widest, best) if widest > 0.0 else None
