"""Which route wins: net of what landing it costs, ties broken in writing.

The order, best first: higher net output (exact in) or lower net input (exact out), after the handicap of pools with a poor
record; then fewer hops in all; then fewer legs; then fewer compute units; then the route that passes more of the intermediate mints
(exact in) or needs less of them (exact out), hop by hop; then pool addresses, compared byte by byte from the first hop. It
does not depend on the order in which pools were given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from dexroute.engine.routing.landing import lamport_price, landing_lamports, rent_lamports, transaction_units, valued
from dexroute.engine.routing.legs import QuotedLeg, QuotedRoute
from dexroute.engine.routing.options import RouteOptions
from dexroute.math.rounding import BPS, PPM, ceil_div
from dexroute.types.requests import QuoteRequest, SwapMode


@dataclass(frozen=True, slots=True)
class RankedRoute:
    """`spent_lamports` are gone once it lands, `rent_lamports` can be had back; both are in `net` where lamports can be valued.
    `handicap` is the part of `net` that pools with a poor record take in ranking only; base units of the ranked mint."""

    route: QuotedRoute
    compute_units: int
    spent_lamports: int
    rent_lamports: int
    net: int
    handicap: int


def rank(routes: Iterable[QuotedRoute], request: QuoteRequest, options: RouteOptions) -> list[RankedRoute]:
    """The routes, best first, as the module's docstring orders them; with `prefer_small`, the smallest of those within the
    tolerance of the best goes first."""
    forward = request.mode is SwapMode.EXACT_IN
    ranked = sorted((ranked_route(route, request, options) for route in routes), key=lambda entry: _key(entry, forward))
    if options.prefer_small and ranked:
        best = ranked[0].net
        slack = abs(best) * options.small_tolerance_bps // BPS
        near = [entry for entry in ranked if (best - entry.net if forward else entry.net - best) <= slack]
        smallest = min(near, key=lambda entry: _size(entry))
        ranked.remove(smallest)
        ranked.insert(0, smallest)
    return ranked


def ranked_route(route: QuotedRoute, request: QuoteRequest, options: RouteOptions) -> RankedRoute:
    """What a route nets."""
    forward = request.mode is SwapMode.EXACT_IN
    between = {hop.hop.output_mint for leg in route.legs for hop in leg.hops[:-1]}
    swaps = ((hop.hop.pool, hop.compute_units) for hop in route.hops)
    units = transaction_units(swaps, request.input_mint, between | {request.output_mint}, options.costs)
    spent, rent = landing_lamports(units, options.costs), rent_lamports(between, options.costs)
    cost = valued(spent + rent, lamport_price(request, options.costs))
    handicap = sum(_handicap(leg, options, forward) for leg in route.legs) if options.pool_penalty_ppm else 0
    net = route.amount_out - cost - handicap if forward else route.amount_in + cost + handicap
    return RankedRoute(route, units, spent, rent, net, handicap)


def why_lost(entry: RankedRoute, best: RankedRoute, request: QuoteRequest) -> str:
    """In words for a trader: by how much, or by which tie-break, this route lost to the best."""
    forward = request.mode is SwapMode.EXACT_IN
    gap = best.net - entry.net if forward else entry.net - best.net
    unit = f"base units of {request.output_mint if forward else request.input_mint}"
    if gap > 0:
        bps = gap * BPS // max(abs(best.net), 1)
        more = entry.handicap - best.handicap
        held_back = f", {more} {unit} of it for its pools' record" if more > 0 else ""
        far = f" ({bps} bps)" if bps else ""
        return f"{'nets' if forward else 'costs'} {gap} {unit} {'less' if forward else 'more'}{far}{held_back}"
    if gap < 0:
        better = "nets" if forward else "costs", "more" if forward else "less"
        return f"{better[0]} {-gap} {unit} {better[1]}, within the tolerance, but is larger (speed asked for)"
    mine, its = entry.route, best.route
    if len(mine.hops) != len(its.hops):
        return "same net amount, but more hops"
    if len(mine.legs) != len(its.legs):
        return "same net amount, but more legs"
    if entry.compute_units != best.compute_units:
        return f"same net amount, but {entry.compute_units - best.compute_units} more compute units"
    return "same net amount; the tie went to the better first amount or the lower pool address"


def _handicap(leg: QuotedLeg, options: RouteOptions, forward: bool) -> int:
    """What the leg's pools would take if their penalties were fees, rounded up."""
    kept = prod(PPM - options.pool_penalty_ppm.get(hop.pool.address, 0) for hop in leg.hops)
    whole = PPM ** len(leg.hops)
    if forward:
        return ceil_div(leg.amount_out * (whole - kept), whole)
    return ceil_div(leg.amount_in * (whole - kept), kept)


def _key(entry: RankedRoute, forward: bool) -> tuple[object, ...]:
    return (-entry.net if forward else entry.net, *_size(entry), *_tie(entry, forward))


def _size(entry: RankedRoute) -> tuple[int, int, int]:
    return len(entry.route.hops), len(entry.route.legs), entry.compute_units


def _tie(entry: RankedRoute, forward: bool) -> tuple[object, ...]:
    legs = entry.route.legs
    if forward:
        middle = tuple(-hop.hop.amount_out for leg in legs for hop in leg.hops[:-1])
    else:
        middle = tuple(hop.hop.amount_in for leg in legs for hop in leg.hops[1:])
    return middle, tuple(bytes(hop.pool.address) for hop in entry.route.hops)
