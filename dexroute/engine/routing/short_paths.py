"""The best flow over paths of few enough hops, where the best flow of all takes longer ones.

Paths are added as they pay: at the prices of the best shares of the paths at hand, every path that would fetch more than the
order's marginal price makes them better, and where there is none they are the best there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.fixed_paths import FINAL, GROWING, solve_paths
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, many_pieces
from dexroute.engine.routing.prices import Floats, PriceTable
from dexroute.engine.routing.scope import Scope
from dexroute.engine.routing.unlimited import slopes_beside

# Rounds that are always made, and how many are made at most: while one of the last few (`_PATIENCE`) made the flow better by
# `_WORTH_A_ROUND` of it.
_ROUNDS: Final = 5
_MOST_ROUNDS: Final = 14
_PATIENCE: Final = 3
_WORTH_A_ROUND: Final = 3e-5
_MOST_NEW: Final = 12
_ENOUGH_NEW: Final = 3
_MOST_LOOKED_AT: Final = 240
_MOST_PATHS: Final = 40
_BETTER: Final = 1.0 + 3e-6
_FIRST_SHARE: Final = 1e-2
_LEAST_PART: Final = 1e-4  # of the order, for which a path has to pay better
_USED: Final = 1e-5
# Of what a path's share changed by in the last round, how much further it is taken; and what is left of it at least.
_ONWARD: Final = 0.7
_LEAST_LEFT: Final = 0.1
_NOTHING_MORE: Final = 1e-6
_ROUGHLY: Final = 1e-4  # of flows over merged pieces


def best_short_paths(
    market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare], *, most: float | None, tolerance: float
) -> tuple[list[PathShare], NetworkFlow] | None:
    """The best shares of paths of at most `scope.max_hops` hops, from `shares` on, whose paths may be new to the flow; `most`
    is what paths of any hops fetch, where that is known. None where those cannot carry the order."""
    best: tuple[list[PathShare], NetworkFlow] | None = None
    last_gain = 0
    before: dict[Path, float] = {}
    seen: dict[frozenset[Path], float] = {}
    flow = with_edges(market, flow, [share.path for share in shares])
    rough = many_pieces(market, {edge for share in shares for edge in share.path})
    for number in range(_MOST_ROUNDS):
        if number >= max(_ROUNDS, last_gain + _PATIENCE):
            break
        rounds = GROWING if number else FINAL[:1]
        solved = solve_paths(market, shares, flow, scope.order, tolerance=tolerance, rounds=rounds, rough=rough)
        if solved is None:
            break
        found, flow = solved
        if best is None or (flow.value > best[1].value) is scope.order.exact_in:
            if best is None or abs(flow.value - best[1].value) > _WORTH_A_ROUND * best[1].value:
                last_gain = number
            best = solved
        if most is not None and abs(best[1].value - most) <= (_ROUGHLY if rough else _NOTHING_MORE) * most:
            break
        paths = frozenset(share.path for share in shares)
        if abs(seen.get(paths, 0.0) - flow.value) <= _NOTHING_MORE * flow.value:
            break  # round in a circle
        seen[paths] = flow.value
        better = better_paths(market, scope, flow)
        if not better:
            break
        now = {share.path: share.share for share in found if share.share > _USED}
        # Pools that paths share are divided as they were used last, which holds every path where it is: on, then, where it goes.
        carried = {
            path: max(share + _ONWARD * (share - before.get(path, share)), _LEAST_LEFT * share) for path, share in now.items()
        }
        before = now
        grown = {path: max(carried.pop(path, 0.0), _FIRST_SHARE) for path in better}
        shares = [PathShare(path, share) for path, share in (*list(carried.items())[: _MOST_PATHS - len(grown)], *grown.items())]
        flow = with_edges(market, flow, better)
    if best is not None and rough:
        best = solve_paths(market, *best, scope.order, tolerance=tolerance, rounds=GROWING) or best
    return best


def better_paths(market: Market, scope: Scope, flow: NetworkFlow) -> list[Path]:
    """Paths that fetch more than the marginal price of the flow, best first, one through each edge that promises that."""
    table, order = scope.table, scope.order
    slope = slopes_beside(market, scope, flow, list(flow.at), _LEAST_PART)
    marginal = flow.prices[order.input] / max(flow.prices[order.output], 1e-300)
    reach = table.reach(slope, order.input, scope.max_hops - 1)
    worth = table.worth(slope, order.output, scope.max_hops - 1)
    best = _BestSteps(table, slope, reach, worth)
    found: dict[Path, None] = {}
    # Where circles pay, the best path of many hops through an edge goes round one first; that of fewer hops may not.
    for hops in range(scope.max_hops, 0, -1):
        through = table.between(slope, reach[:hops], worth[:hops])
        better = np.flatnonzero(through > marginal * _BETTER)
        for place in better[np.argsort(-through[better], kind="stable")][:_MOST_LOOKED_AT].tolist():
            path = _path_through(scope, best, place, hops)
            mints = [order.input, *(market.target[edge] for edge in path)]
            pools = {market.edge_pool[edge].address for edge in path}
            if len(set(mints)) == len(mints) and len(pools) == len(path):
                found[path] = None
                if len(found) == _MOST_NEW:
                    break
        if len(found) >= _ENOUGH_NEW or not len(better):
            break
    return list(found)


class _BestSteps:
    """The best way to a mint, and on from it, in so many hops at most; each is looked up once."""

    def __init__(self, table: PriceTable, slope: Floats, reach: list[Floats], worth: list[Floats]) -> None:
        self.table, self.reach, self.worth = table, reach, worth
        self._slope = slope
        self._known: dict[tuple[bool, int, int], int] = {}

    def before(self, mint: int, hops: int) -> int:
        """The place of the edge into the mint, the last of so many hops."""
        key = True, mint, hops
        if key not in self._known:
            into = self.table.into(mint)
            self._known[key] = int(into[int(np.argmax(self._slope[into] * self.reach[hops - 1][self.table.source[into]]))])
        return self._known[key]

    def behind(self, mint: int, hops: int) -> int:
        """The place of the edge out of the mint, the first of so many hops."""
        key = False, mint, hops
        if key not in self._known:
            out = self.table.out_of(mint)
            fetched = self._slope[out] * self.worth[hops - 1][self.table.target[out]]
            self._known[key] = out.start + int(np.argmax(fetched))
        return self._known[key]


def _path_through(scope: Scope, best: _BestSteps, place: int, hops: int) -> Path:
    """The best path of at most so many hops through an edge, by its place in the table."""
    table = scope.table
    source, target = int(table.source[place]), int(table.target[place])
    before = max(range(hops), key=lambda hop: (best.reach[hop][source] * best.worth[hops - 1 - hop][target], -hop))
    path = [place]
    mint = source
    for hop in range(before, 0, -1):
        if mint == scope.order.input:
            break
        path.insert(0, best.before(mint, hop))
        mint = int(table.source[path[0]])
    mint = target
    for hop in range(hops - 1 - before, 0, -1):
        if mint == scope.order.output:
            break
        path.append(best.behind(mint, hop))
        mint = int(table.target[path[-1]])
    return tuple(int(table.edge[step]) for step in path)


def with_edges(market: Market, flow: NetworkFlow, paths: Sequence[Path]) -> NetworkFlow:
    """The flow with a first guess for edges it has not used."""
    flows, arrivals = dict(flow.flows), dict(flow.arrivals)
    for path in paths:
        for edge in path:
            if not flows.get(edge, 0.0) > 0.0 or not arrivals[edge] > 0.0:
                flows[edge], arrivals[edge] = 1.0, market.curve(edge).pieces[0].slope
    return NetworkFlow(flows=flows, arrivals=arrivals, prices=flow.prices, value=flow.value, solved=True)
