"""A flow over edges as paths that carry shares of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    ways = _Ways(market, left, order)
    while left and len(shares) < _MOST_PATHS:
        found = _widest(ways, left, gains, order, max_hops)
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
    """Edges that still carry something, by the mint they leave: to the output, or (edge, mint) onward; ascending."""

    def __init__(self, market: Market, edges: Iterable[int], order: Order) -> None:
        self._market, self._output = market, order.output
        self.ending: dict[int, list[int]] = {}
        self.onward: dict[int, list[tuple[int, int]]] = {}
        for edge in sorted(edges):
            source, there = market.source[edge], market.target[edge]
            if there == order.output:
                self.ending.setdefault(source, []).append(edge)
            elif there != order.input:
                self.onward.setdefault(source, []).append((edge, there))

    def close(self, edge: int) -> None:
        source, there = self._market.source[edge], self._market.target[edge]
        if there == self._output:
            self.ending[source].remove(edge)
            if not self.ending[source]:
                del self.ending[source]
        elif (edge, there) in self.onward.get(source, ()):
            self.onward[source].remove((edge, there))


def _widest(
    ways: _Ways, left: Mapping[int, float], gains: Mapping[int, float], order: Order, max_hops: int
) -> tuple[Path, float] | None:
    """The simple path that carries most, and its input."""
    widest, best = 0.0, Path(())
    # By mint, in order: minus the input that a path to it takes (wide ones first), the path, what arrives for one, mints behind it.
    # Room is counted in input base units, `gain` what one of them is at this mint.
    labels: dict[int, list[tuple[float, Path, float, Path]]] = {order.input: [(-inf, (), 1.0, ())]}
    for hop in range(max_hops):
        for mint, partial in labels.items():
            ending = ways.ending.get(mint, ())
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
        if hop == max_hops - 1:
            break
        following: dict[int, list[tuple[float, Path, float, Path]]] = {}
        closing = hop == max_hops - 2
        for mint, partial in labels.items():
            if -partial[0][0] < widest:
                continue
            onward = [
                (edge, there, left[edge], gains[edge])
                for edge, there in ways.onward.get(mint, ())
                if not closing or there in ways.ending
            ]
            for narrow, path, gain, behind in partial:
                room = -narrow
                if room < widest:
                    break
                behind_it = (*behind, mint)
                for edge, there, remaining, rate in onward:
                    wide = remaining / gain
                    if wide > room:
                        wide = room
                    if wide >= widest and there not in behind:
                        some = following.get(there)
                        if some is None:
                            some = following[there] = []
                        some.append((-wide, (*path, edge), gain * rate, behind_it))
        for some in following.values():
            some.sort()
            del some[_LABELS:]
        labels = following
    return (best, widest) if widest > 0.0 else None
