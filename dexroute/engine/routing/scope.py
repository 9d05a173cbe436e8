"""What one search may use of a market, and where in it good paths run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import Order
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.prices import Floats, PriceTable
from dexroute.math.rounding import BPS, PPM
from dexroute.types.requests import QuoteRequest, SwapMode

_MOST_EDGES: Final = 96
# Of those that join the two mints, whatever longer paths promise: they cost the least to land and fit where nothing else does.
_DIRECT_EDGES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`slope` is per place of the table, 0 where the search may not go; hop slippage and handicaps are taken off. `through`: what a
    unit of the input fetches at most on a path of few enough hops through each edge. `worth`: by mint, of the output at no flow.
    `edges`: those with the best `through` and the best that join the two mints, ascending; `whole` says that they are all."""

    table: PriceTable
    order: Order
    max_hops: int
    slope: Floats
    through: Floats
    worth: Floats
    edges: list[int]
    whole: bool

    def rate(self, edge: int) -> float:
        return float(self.through[self.table.place[edge]])


def scope_of(market: Market, request: QuoteRequest, options: RouteOptions) -> Scope:
    """The part of a market that a request with these options may use. Both mints are in the market."""
    table = market.prices
    exact_in = request.mode is SwapMode.EXACT_IN
    start, goal = market.number_of[request.input_mint], market.number_of[request.output_mint]
    keep = (BPS - options.kept_back_bps) / BPS if exact_in else BPS / (BPS + options.kept_back_bps)
    slope = table.usable(exact_in=exact_in).copy()
    # No mint twice: nothing flows back into the input mint or out of the output mint.
    slope[(table.target == start) | (table.source == goal)] = 0.0
    handicap = _restrict(market, table, slope, request, options)
    if keep != 1.0:
        slope[table.source != start] *= keep
    order = Order(
        input=start,
        output=goal,
        amount=float(request.amount),
        exact_in=exact_in,
        keep=keep,
        handicap=handicap,
    )
    through = table.through(slope, start, goal, options.max_hops)
    useful = np.flatnonzero(through > 0.0)
    whole = len(useful) <= _MOST_EDGES
    chosen = useful
    if not whole:
        best = useful[np.argsort(-through[useful], kind="stable")[:_MOST_EDGES]]
        direct = useful[(table.source[useful] == start) & (table.target[useful] == goal)]
        chosen = np.union1d(best, direct[np.argsort(-slope[direct], kind="stable")[:_DIRECT_EDGES]])
    worth = table.worth(slope, goal, options.max_hops)[-1]
    return Scope(
        table=table,
        order=order,
        max_hops=options.max_hops,
        slope=slope,
        through=through,
        worth=worth,
        edges=sorted(table.edge[chosen].tolist()),
        whole=whole,
    )


def _restrict(
    market: Market, table: PriceTable, slope: Floats, request: QuoteRequest, options: RouteOptions
) -> Mapping[int, float]:
    """Takes out of `slope` what the options leave out; gives the handicap factors by edge."""
    if options.restricts_pools:
        allowed = {pool.address: options.refusal(pool.venue_id, pool.address) is None for pool in market}
        left_out = [edge for edge, pool in enumerate(market.edge_pool) if not allowed[pool.address]]
        slope[table.place[left_out]] = 0.0
    if options.intermediate_mints is not None:
        between = np.zeros(table.mints, dtype=np.bool_)
        ends = {request.input_mint, request.output_mint}
        for mint in options.intermediate_mints | ends:
            if mint in market.number_of:
                between[market.number_of[mint]] = True
        slope[~between[table.source] | ~between[table.target]] = 0.0
    handicap: dict[int, float] = {}
    if options.pool_penalty_ppm:
        for edge, pool in enumerate(market.edge_pool):
            if ppm := options.pool_penalty_ppm.get(pool.address, 0):
                handicap[edge] = (PPM - ppm) / PPM
                slope[table.place[edge]] *= handicap[edge]
    return handicap
