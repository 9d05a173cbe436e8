"""The proof beside a route: the tightest bound its search can give, and where the distance to it comes from."""

from __future__ import annotations

from collections.abc import Container, Mapping
from collections.abc import Set as AbstractSet
from math import ceil, inf, isfinite
from typing import Final

import numpy as np

from dexroute.engine.routing.bound import Bound, Sales, all_prices, bound_of, dual_bound, favours
from dexroute.engine.routing.in_turn import carried_in_turn
from dexroute.engine.routing.legs import QuotedRoute
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow, Order, many_pieces, solve_network
from dexroute.engine.routing.prices import Floats
from dexroute.engine.routing.scope import Scope
from dexroute.engine.routing.solution import Certificate
from dexroute.engine.routing.split import SplitFound
from dexroute.math.rounding import BPS, ceil_div
from dexroute.types.requests import QuoteRequest, SwapMode

_CENTI_BPS: Final = 100 * BPS
_MOST_GAP: Final = 2e-7  # of the amount; below that the bound is tight enough
_NEGLIGIBLE: Final = 1e-7  # of it, what edges not solved over could bring the bound nearer by
# Of the distance to the bound, what bringing it nearer has to promise; distances beyond such a part of the amount count as that.
_HARDLY: Final = 0.02
_FAR_OFF: Final = 1e-2
_PASSING: Final = 1e-5
_ROUNDS: Final = 8
_MORE_EDGES: Final = 96
# A market full of arbitrage has no end of edges that pay for themselves; any prices give a bound, better ones a tighter one.
_MOST_EDGES: Final = 640
# Over so many such edges solving gets nowhere.
_MANY_EDGES: Final = 400
_TOLERANCE: Final = 3e-8
_FAR: Final = 2
# Arbitrage before the order that is worth so many times the order.
_HOPELESS: Final = 10
_NAMED: Final = 0.1


def certify(market: Market, scope: Scope, request: QuoteRequest, route: QuotedRoute, split: SplitFound | None) -> Certificate:
    """The certificate of a route. `split` is what the search for splits found, None where the best single path left nothing to
    search for."""
    exact_in = request.mode is SwapMode.EXACT_IN
    reached = route.amount_out if exact_in else route.amount_in
    plain = Order(
        input=scope.order.input,
        output=scope.order.output,
        amount=scope.order.amount,
        exact_in=exact_in,
        keep=1.0,
        handicap={},
    )
    resting = _at_rest(market, request, plain)
    if resting is not None and _hopeless(resting[0], reached):
        tightest, prices = resting
    else:
        tightest, prices = _solved_for(market, scope, request, plain, route, split)
        if resting is not None:
            tightest = _tighter(tightest, resting[0], exact_in)
    arbitrage = 0
    if market.at_rest is not None:
        # Weak duality for an order of nothing: at any prices, nobody gets more out of cycles than that.
        arbitrage = ceil(min(bound.gained + bound.slack for bound in (tightest, *(resting or ())[:1])))
    if exact_in and tightest.value > _FAR * reached:
        # Arbitrage at these prices may be worth any number; that all pools are emptied of the output is a bound too.
        tightest = _tighter(tightest, _payout(market, request, plain), exact_in)
    return _certificate(market, scope, tightest, route, split, residual=_residual(route, market, prices), arbitrage=arbitrage)


def _at_rest(market: Market, request: QuoteRequest, order: Order) -> tuple[Bound, Floats] | None:
    """The bound at the prices before any order, and those prices; None where there is no arbitrage at them."""
    rest = market.at_rest
    fixed, ranked = (order.input, order.output) if order.exact_in else (order.output, order.input)
    if rest is None or not rest.prices[ranked] > 0.0:
        return None
    scale = 1.0 / float(rest.prices[ranked])
    worth = float(rest.prices[fixed]) * scale
    slope = market.prices.usable(exact_in=order.exact_in)
    favoured = favours(market, rest.prices, slope, input=order.input, output=order.output)
    arbitrage = rest.arbitrage if order.exact_in else rest.exact_out_arbitrage
    bound = bound_of(arbitrage, favoured=favoured, worth=worth, amount=request.amount, exact_in=order.exact_in, scale=scale)
    return bound, rest.prices * scale


def _hopeless(bound: Bound, reached: int) -> bool:
    """Whether solving for other prices than those at rest would tell nobody anything: arbitrage is worth many orders, or runs
    over more edges than are ever solved over, of which the others would be left at worse prices, and is worth more than the order.
    Over many more, also where it is a part worth naming of what the bound is away; else that is what the order moves, and solving
    finds it."""
    distance = abs(bound.exact - reached)
    if distance > _HOPELESS * reached:
        return True
    edges = len(bound.surplus)
    return (edges > _MANY_EDGES and bound.gained > reached) or (edges > 2 * _MANY_EDGES and bound.gained > _NAMED * distance)


def _tighter(bound: Bound, other: Bound, exact_in: bool) -> Bound:
    """The tighter of two, the first of equals."""
    return other if (other.value < bound.value if exact_in else other.value > bound.value) else bound


def _solved_for(
    market: Market, scope: Scope, request: QuoteRequest, order: Order, route: QuotedRoute, split: SplitFound | None
) -> tuple[Bound, Floats]:
    """The tightest bound at prices of flows over more and more edges, and the last of these prices."""
    exact_in = order.exact_in
    reached = route.amount_out if exact_in else route.amount_in
    if split is not None:
        known, bound, prices = _at_flow(market, request, split.unlimited, order)
        edges = set(split.unlimited.flows)
    else:
        known = _path_prices(market, route, exact_in)
        bound, prices = _evaluated(market, request, known, order)
        edges = set(scope.edges[:_MORE_EDGES])
    edges.update(edge for leg in route.legs for edge in leg.path)
    # Prices of a flow over these very edges without slippage or handicap are as good as these edges allow.
    settled = split is not None and scope.order.keep == 1.0 and not scope.order.handicap
    tightest = bound
    rough: float | None = None
    for _ in range(_ROUNDS):
        distance = abs(tightest.exact - reached)
        if distance <= _MOST_GAP * reached:
            break
        more, lacking = _beyond(market, bound, prices, edges, known, order)
        hardly = max(_NEGLIGIBLE * reached, _HARDLY * min(distance, _FAR_OFF * reached))
        enough = len(edges) > _MOST_EDGES or (settled and lacking <= hardly)
        # The best flow over these edges is known: what the bound at its prices is above it is the prices' fault.
        loose = 0.0 if rough is None else abs(bound.exact - rough) - lacking
        if enough and loose <= hardly:
            break
        if not enough:
            edges |= more
        over = sorted(edges)
        first = not enough and many_pieces(market, over)
        flow = solve_network(market, over, order, _Scale(prices), tolerance=_TOLERANCE, rough=first)
        settled, rough = True, flow.value if flow.rough else None
        known, bound, prices = _at_flow(market, request, flow, order)
        tightest = _tighter(tightest, bound, exact_in)
    return tightest, prices


def _beyond(
    market: Market, bound: Bound, prices: Floats, edges: AbstractSet[int], known: Container[int], order: Order
) -> tuple[set[int], float]:
    """Edges that are worth more than nothing and were not solved over, the dearest first few, with those by which their targets
    are sold; and what all such are worth. An edge that was solved over counts when its target is dear for a sale that was not."""
    sales = Sales(market, prices, market.prices.usable(exact_in=order.exact_in), known)
    lacking = [edge for edge in bound.surplus if edge not in edges or not sales.run_within(edges, market.target[edge])]
    lacking.sort(key=lambda edge: (-bound.surplus[edge], edge))
    more = set(lacking[:_MORE_EDGES])
    more.update(*(sales.chain(market.target[edge]).values() for edge in lacking[:_MORE_EDGES]))
    return more, sum(bound.surplus[edge] for edge in lacking)


def _payout(market: Market, request: QuoteRequest, order: Order) -> Bound:
    """The bound at prices of nothing but the output."""
    prices = np.zeros(market.prices.mints)
    prices[order.output] = 1.0
    return dual_bound(market, prices, input=order.input, output=order.output, amount=request.amount, exact_in=True)


def _evaluated(market: Market, request: QuoteRequest, known: Mapping[int, float], order: Order) -> tuple[Bound, Floats]:
    slope = market.prices.usable(exact_in=order.exact_in)
    prices = all_prices(market, [(mint, max(price, 0.0)) for mint, price in known.items()], slope)
    bound = dual_bound(market, prices, input=order.input, output=order.output, amount=request.amount, exact_in=order.exact_in)
    return bound, prices


def _at_flow(market: Market, request: QuoteRequest, flow: NetworkFlow, order: Order) -> tuple[dict[int, float], Bound, Floats]:
    """The bound at a flow's prices: of the mints it passes through, or of all it knows, whichever is tighter."""
    pinned = _pinned(market, flow, order)
    found = pinned, *_evaluated(market, request, pinned, order)
    if len(pinned) < len(flow.prices):
        bound, prices = _evaluated(market, request, flow.prices, order)
        if (bound.exact < found[1].exact) is order.exact_in:
            return flow.prices, bound, prices
    return found


def _pinned(market: Market, flow: NetworkFlow, order: Order) -> dict[int, float]:
    """The prices of mints that a flow passes through. Those of others are anywhere between what they cost and what they fetch, and
    the market at large knows better."""
    fixed = order.input if order.exact_in else order.output
    least = _PASSING * order.amount * flow.prices[fixed]
    pinned = {order.input: flow.prices[order.input], order.output: flow.prices[order.output]}
    for edge, arriving in flow.arrivals.items():
        mint = market.target[edge]
        if arriving * flow.prices[mint] > least:
            pinned[mint] = flow.prices[mint]
    return pinned


class _Scale(dict[int, float]):
    """Prices as scales of mints: never zero."""

    def __init__(self, prices: Floats) -> None:
        super().__init__()
        self._prices = prices

    def __missing__(self, mint: int) -> float:
        value = float(self._prices[mint]) or 1.0
        self[mint] = value
        return value


def _path_prices(market: Market, route: QuotedRoute, exact_in: bool) -> dict[int, float]:
    """Prices along the largest leg, from the output back at the margin of what it carries; 1 for the ranked mint."""
    leg = max(route.legs, key=lambda one: one.amount_in)
    prices = {market.target[leg.path[-1]]: 1.0}
    for edge, hop in zip(reversed(leg.path), reversed(leg.hops), strict=True):
        marginal = market.curve(edge).marginal(hop.hop.amount_in)
        prices[market.source[edge]] = prices[market.target[edge]] * marginal
    first = prices[market.source[leg.path[0]]]
    if exact_in or first <= 0.0:
        return prices
    return {mint: price / first for mint, price in prices.items()}


def _residual(route: QuotedRoute, market: Market, prices: Floats) -> int:
    """What stays with the user of intermediate mints, in base units of the ranked mint."""
    worth = 0.0
    for leg in route.legs:
        for place in range(1, len(leg.hops)):
            left = leg.hops[place - 1].hop.amount_out - leg.hops[place].hop.amount_in
            worth += left * float(prices[market.source[leg.path[place]]])
    return int(worth) if isfinite(worth) else 0  # of absurd prices


def _certificate(
    market: Market,
    scope: Scope,
    tightest: Bound,
    route: QuotedRoute,
    split: SplitFound | None,
    *,
    residual: int,
    arbitrage: int,
) -> Certificate:
    exact_in = scope.order.exact_in
    reached = route.amount_out if exact_in else route.amount_in
    # A bound that the route itself beats would be a pool's curve below its quotes; never claim it.
    bound = max(tightest.value, reached) if exact_in else min(tightest.value, reached)
    left = gap = abs(bound - reached)
    below_curves = _below_curves(market, scope, route)
    limited = None
    if split is not None and split.missed < 1e-4:
        flow_residual = _flow_residual(split.flow, market, scope)
        value = split.flow.value + flow_residual if exact_in else split.flow.value - flow_residual
        limited = min(max(round(value), reached), bound) if exact_in else max(min(round(value), reached), bound)
    wanted = (
        float(residual),
        below_curves + tightest.slack + 1.0,
        0.0 if limited is None else abs(limited - reached) - residual - below_curves,
        arbitrage,
    )
    costs = []
    for want in wanted:
        costs.append(min(max(round(want), 0), left))
        left -= costs[-1]
    return Certificate(
        bound=bound,
        gap_centi_bps=ceil_div(gap * _CENTI_BPS, bound) if bound else None,
        limited_bound=limited,
        hop_limit_cost=left,
        leg_limit_cost=costs[2],
        residual_cost=costs[0],
        rounding_cost=costs[1],
        cycle_cost=costs[3],
        arbitrage_bound=arbitrage,
    )


def _below_curves(market: Market, scope: Scope, route: QuotedRoute) -> float:
    """How far a route's exact quotes fall short of its pools' curves, base units of the ranked mint."""
    exact_in = scope.order.exact_in
    given = [(leg.path, float(leg.amount_in if exact_in else leg.amount_out)) for leg in route.legs]
    lost = sum(carried_in_turn(market, scope.order, given)) - (route.amount_out if exact_in else route.amount_in)
    lost = lost if exact_in else -lost
    return lost if 0.0 < lost < inf else 0.0


def _flow_residual(flow: NetworkFlow, market: Market, scope: Scope) -> float:
    if scope.order.keep == 1.0:
        return 0.0
    return sum(
        into * (1.0 - scope.order.keep) * flow.prices[market.source[edge]]
        for edge, into in flow.flows.items()
        if market.source[edge] != scope.order.input
    )
