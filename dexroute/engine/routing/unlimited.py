"""The best flow with any number of hops and legs, over the few edges that matter: solved over some, and again with those that its
prices would rather use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dexroute.engine.routing.decomposition import NOISE
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, Order, many_pieces, solve_network
from dexroute.engine.routing.prices import Floats
from dexroute.engine.routing.scope import Scope

# Of the amount, how exactly a search solves its flows.
TOLERANCE: Final = 1e-7
_FIRST_EDGES: Final = 48
_MORE_EDGES: Final = 32
_MOST_EDGES: Final = 1_000
# Of a flow over merged pieces, by which one more round has to better it for another.
_HARDLY_MORE: Final = 1e-5
_BETTER: Final = 1.0 + 1e-8
_MORE_THAN_ALL: Final = 1.0 + 1e-6
# Of the order, parts that edges pay better for: those for the larger are looked at first, and for less than the smaller none.
_FIRST_PART: Final = 1e-3
_LEAST_PART: Final = 1e-7


@dataclass(frozen=True, slots=True)
class UnlimitedFlow:
    """The flow, the edges it was solved over, in how many rounds, and whether no other edge promises more."""

    flow: NetworkFlow
    edges: list[int]
    rounds: int
    settled: bool


def unlimited_flows(market: Market, scope: Scope, also: Collection[int], *, few: int, most: int) -> list[UnlimitedFlow | None]:
    """The best flow after `few` rounds and after `most` rounds at most; the latter alone where it takes no more than `few`. `also`
    are edges to be looked at whatever their price. None when no flow satisfies the order."""
    found: list[UnlimitedFlow | None] = []
    edges = sorted({*scope.best_edges(_FIRST_EDGES), *also})
    worth = RoughWorth(scope)
    flow: NetworkFlow | None = None
    made, settled = 0, False
    last: float | None = None
    while made < most:
        if made == few:
            found.append(_found(flow, edges, made, settled=False))
        made += 1
        flow = None
        if not _asks_too_much(market, scope.order, edges):
            # Which edges to look at next a rough solution tells as well.
            rough = made < most and many_pieces(market, edges)
            flow = solve_network(market, edges, scope.order, worth, tolerance=TOLERANCE, rough=rough)
            if rough and not flow.solved:
                flow = solve_network(market, edges, scope.order, worth, tolerance=TOLERANCE)
        if flow is None or not flow.solved:
            if scope.whole and len(edges) == len(scope.edges):
                return [*found, None]
            known = set(edges)
            more = [edge for edge in scope.edges if edge not in known] or _all_edges(scope)
            if known.issuperset(more):
                return [*found, None]  # the same again
        else:
            more = _preferred(market, scope, flow, edges)
            # Of many edges the last add next to nothing, and what limits on hops and legs cost is a hundred times that.
            hardly = flow.rough and last is not None and abs(flow.value - last) <= _HARDLY_MORE * flow.value
            if flow.rough and (hardly or not more):
                exact = solve_network(market, edges, scope.order, worth, tolerance=TOLERANCE)
                flow = exact if exact.solved else flow
                if hardly:
                    break
                more = _preferred(market, scope, flow, edges)
            last = flow.value if flow.rough else None
        if not more:
            settled = True
            break
        edges = sorted({*edges, *more})
    return [*found, _found(flow, edges, made, settled=settled)]


def _found(flow: NetworkFlow | None, edges: list[int], made: int, *, settled: bool) -> UnlimitedFlow | None:
    return UnlimitedFlow(flow, edges, made, settled) if flow is not None and flow.solved else None


def _asks_too_much(market: Market, order: Order, edges: Sequence[int]) -> bool:
    """Whether an order wants more out of these edges than there is."""
    if order.exact_in:
        return False
    most = sum(market.curve(edge).capacity_out for edge in edges if market.target[edge] == order.output)
    return most * _MORE_THAN_ALL < order.amount


class RoughWorth(dict[int, float]):
    """By mint, what the output is worth in it before any flow, 1 where it cannot get there: scales for a solver."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self._worth = scope.worth

    def __missing__(self, mint: int) -> float:
        value = float(self._worth[mint]) or 1.0
        self[mint] = value
        return value


def _all_edges(scope: Scope) -> list[int]:
    useful = np.flatnonzero(scope.through > 0.0)
    best = useful[np.lexsort((-scope.through[useful], -scope.sized[useful]))[:_MOST_EDGES]]
    return [int(edge) for edge in scope.table.edge[best]]


def _preferred(market: Market, scope: Scope, flow: NetworkFlow, edges: Sequence[int]) -> list[int]:
    """Edges on paths that would beat the flow's marginal price, those first that do so for more than dust; none when the flow is
    the best there is."""
    table, order = scope.table, scope.order
    known = np.zeros(len(table.edge), dtype=np.bool_)
    known[table.place[list(edges)]] = True
    marginal = flow.prices[order.input] / max(flow.prices[order.output], 1e-300)

    def better(part: float) -> Floats:
        """What edges fetch on such paths, 0 for others."""
        slope = slopes_beside(market, scope, flow, edges, part)
        through = table.through(slope, order.input, order.output, scope.max_hops)
        through[known | (through <= marginal * _BETTER)] = 0.0
        return through

    through = better(0.0)
    found = np.flatnonzero(through)
    if len(found) > _MORE_EDGES:
        sized = better(_FIRST_PART)
        if not sized.any():
            sized = through = better(_LEAST_PART)
            found = np.flatnonzero(through)
        found = found[np.lexsort((-through[found], -sized[found]))[:_MORE_EDGES]]
    return [int(edge) for edge in table.edge[found]]


def slopes_beside(market: Market, scope: Scope, flow: NetworkFlow, edges: Sequence[int], part: float) -> Floats:
    """What edges fetch beside a flow: those it uses at its prices, others of so small a part of the order, at no flow for none."""
    table, order = scope.table, scope.order
    slope, places = scope.slope.copy(), table.place[list(edges)]
    at = [flow.at.get(edge) or (flow.prices[market.source[edge]], flow.prices[market.target[edge]]) for edge in edges]
    before, behind = np.array(at).reshape(-1, 2).T
    # Prices beside what hardly carries anything are anywhere between what it costs and what it fetches.
    least = NOISE * order.amount * flow.prices[order.input if order.exact_in else order.output]
    used = np.array([flow.flows[edge] for edge in edges]) * before > least
    slope[places[used]] = np.minimum(slope[places], before / np.maximum(behind, 1e-300))[used]
    if not part:
        return slope
    bend = table.whole_bend.copy()
    bend[places[used]] = 0.0
    return table.at_size(slope, bend, order.input, order.output, order.amount * part, scope.max_hops, exact_in=order.exact_in)
