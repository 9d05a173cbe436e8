"""Paths by how much they carry at most, whatever it costs.

A search from the side whose amount is open, as `promised_paths` is one from the side whose amount is fixed.
"""

from __future__ import annotations

from math import inf
from typing import Final

import numpy as np

from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import Order
from dexroute.engine.routing.scope import Scope
from dexroute.math.rounding import U64_MAX

_SMALL_MARKET: Final = 40
_WIDTH: Final = 4
_MOST_EDGES: Final = 256
_MOST_PATHS: Final = 256


def widest_paths(market: Market, scope: Scope) -> list[tuple[float, Path]]:
    """Paths with the most that each alone could carry, by curves, those that carry most first: a search from the side whose amount
    is open, as `promised_paths` is one from the other."""
    order = scope.order
    forward = not order.exact_in
    start, goal = (order.input, order.output) if forward else (order.output, order.input)
    near, far = (market.source, market.target) if forward else (market.target, market.source)
    width = len(scope.edges) ** 2 if scope.whole and len(scope.edges) <= _SMALL_MARKET else _WIDTH
    onward: dict[int, list[int]] = {}
    for edge in scope.edges if scope.whole else _widest_edges(scope):
        onward.setdefault(near[edge], []).append(edge)
    found: list[tuple[float, Path]] = []
    labels: dict[int, list[tuple[float, Path]]] = {start: [(float(U64_MAX), ())]}
    for _ in range(scope.max_hops):
        following: dict[int, list[tuple[float, Path]]] = {}
        for mint, partial in labels.items():
            for edge in onward.get(mint, ()):
                there, pool = far[edge], market.edge_pool[edge].address
                for amount, chain in partial:
                    if there == start or any(near[past] == there or market.edge_pool[past].address == pool for past in chain):
                        continue
                    carried = carried_at_most(market, order, edge, 0.0, amount)
                    if carried > 0.0:
                        following.setdefault(there, []).append((carried, (*chain, edge)))
        found += [(most, chain if forward else chain[::-1]) for most, chain in following.pop(goal, ())]
        labels = {mint: sorted(many, key=_widest)[:width] for mint, many in following.items()}
    return sorted(found, key=_widest)[:_MOST_PATHS]


def _widest_edges(scope: Scope) -> list[int]:
    """The edges of a large market on paths that take most, and those of its scope. About: a path takes what its narrowest edge
    does, amounts counted in the mint that is fixed at the prices of no flow."""
    table, order, hops = scope.table, scope.order, scope.max_hops
    if order.exact_in:
        unit = table.reach(scope.slope, order.input, hops - 1)[-1][table.source]
        width = np.divide(table.capacity, unit, out=np.zeros(len(unit)), where=unit > 0.0)
    else:
        most = scope.slope * table.capacity / (1.0 + table.whole_bend * table.capacity)
        width = most * table.worth(scope.slope, order.output, hops - 1)[-1][table.target]
    width[scope.through <= 0.0] = 0.0
    ahead, behind = [np.zeros(table.mints)], [np.zeros(table.mints)]
    ahead[0][order.input] = behind[0][order.output] = np.inf
    for _ in range(hops - 1):
        arriving = np.minimum(ahead[-1][table.source], width)[table.to_target]
        leaving = np.minimum(behind[-1][table.target], width)
        ahead.append(ahead[-1].copy())
        behind.append(behind[-1].copy())
        ahead[-1][table.targets] = np.maximum(ahead[-2][table.targets], np.maximum.reduceat(arriving, table.target_starts))
        behind[-1][table.sources] = np.maximum(behind[-2][table.sources], np.maximum.reduceat(leaving, table.starts))
    through = np.zeros(len(width))
    for before in range(hops):
        passing = np.minimum(ahead[before][table.source], behind[hops - 1 - before][table.target])
        through = np.maximum(through, np.minimum(passing, width))
    places = np.flatnonzero(through > 0.0)
    widest = places[np.lexsort((-scope.through[places], -through[places]))[:_MOST_EDGES]]
    return sorted({*table.edge[widest].tolist(), *scope.edges})


def _widest(entry: tuple[float, Path]) -> tuple[float, int, Path]:
    return -entry[0], len(entry[1]), entry[1]


def carried_at_most(market: Market, order: Order, edge: int, before: float, amount: float) -> float:
    """Exact out: what arrives at most behind an edge for `amount` before it. Exact in: what can come in at most if `amount` can
    go on behind it. `before` is what already went in."""
    curve, keep = market.curve(edge), 1.0 if market.source[edge] == order.input else order.keep
    arrived = curve.amount_out(before)
    if not order.exact_in:
        return curve.amount_out(before + amount * keep) - arrived
    reached = curve.amount_in(arrived + amount)
    return max((reached if reached < inf else curve.capacity_in) - before, 0.0) / keep
