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
# Besides, of those that are best for the whole order, or, where no path carries that, for a part of it.
_SIZED_EDGES: Final = 48
_PARTS: Final = (1.0, 1.0 / 8.0, 1e-3, 1e-6)
# By so little prices may fall when the whole order passes, without a difference to which edges are good.
_HARDLY: Final = 0.02
# Of those that join the two mints, whatever longer paths promise: they cost the least to land and fit where nothing else does.
_DIRECT_EDGES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """`slope` is per place of the table, 0 where the search may not go; hop slippage and handicaps are taken off. `through`: what a
    unit of the input fetches at most on a path of few enough hops through each edge; `sized` about the same for the whole order: a
    market is full of pools that pay well for dust and nothing for more. `worth`: by mint, of the output, for scale. `edges`: those
    that are best by either, and the best that join the two mints, ascending; `whole` says that they are all."""

    table: PriceTable
    order: Order
    max_hops: int
    slope: Floats
    through: Floats
    sized: Floats
    worth: Floats
    edges: list[int]
    whole: bool

    def best_edges(self, most: int) -> list[int]:
        """So many of `edges`, half of them the best for the whole order, the others the best at no flow."""
        places = self.table.place[self.edges]
        sized, through = self.sized[places], self.through[places]
        first = np.lexsort((-through, -sized))[: most // 2]
        left = np.ones(len(places), dtype=np.bool_)
        left[first] = False
        second = [number for number in np.argsort(-through, kind="stable").tolist() if left[number]][: most - len(first)]
        return sorted(self.edges[number] for number in (*first.tolist(), *second))


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
    hops = options.max_hops
    worth = table.worth(slope, goal, hops)
    reach = table.reach(slope, start, hops - 1)
    through = table.between(slope, reach, worth[:hops])
    useful = np.flatnonzero(through > 0.0)
    whole = len(useful) <= _MOST_EDGES
    first = useful if whole else useful[np.argsort(-through[useful], kind="stable")[:_MOST_EDGES]]
    sized, scale, chosen = through, worth[-1], first
    if exact_in:
        taken = order.amount * reach[-1][table.source[first]]
        fallen = np.where(taken < table.capacity[first], table.whole_bend[first] * taken, 1.0)
    else:
        fallen = table.whole_bend[first] * order.amount / (slope[first] * worth[-1][table.target[first]])
    if not (fallen < _HARDLY).all():
        sized, scale = _sized(table, slope, order, hops, worth[-1])
        chosen = np.union1d(first, useful[np.argsort(-sized[useful], kind="stable")[:_SIZED_EDGES]])
    if not whole:
        direct = useful[(table.source[useful] == start) & (table.target[useful] == goal)]
        for rate in (slope, sized):
            chosen = np.union1d(chosen, direct[np.argsort(-rate[direct], kind="stable")[:_DIRECT_EDGES]])
    return Scope(
        table=table,
        order=order,
        max_hops=options.max_hops,
        slope=slope,
        through=through,
        sized=sized,
        worth=np.where(scale > 0.0, scale, worth[-1]),
        edges=sorted(table.edge[chosen].tolist()),
        whole=whole,
    )


def _sized(table: PriceTable, slope: Floats, order: Order, hops: int, most: Floats) -> tuple[Floats, Floats]:
    """`Scope.sized`, and what each mint is worth of the output when as much of it is sold as can be, down to a millionth;
    `most` is that at no flow."""
    sized, scale = np.zeros(len(slope)), np.zeros(table.mints)
    for part in _PARTS:
        rates = table.at_size(
            slope, table.whole_bend, order.input, order.output, order.amount * part, hops, exact_in=order.exact_in
        )
        worth = table.worth(rates, order.output, hops)
        if not scale[order.input] > 0.0:
            sized = table.between(rates, table.reach(rates, order.input, hops - 1), worth[:hops])
        scale = np.where(scale > 0.0, scale, worth[-1])
        if ((scale > 0.0) | (most <= 0.0)).all():
            break
    return sized, scale


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
