"""The router: the best route over a set of pools, and what became of every candidate. Pure, exact integers throughout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dexroute.engine.routing.impact import fees_by_kind, price_impact_bps
from dexroute.engine.routing.market import Market, swap_compute_units
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.paths import FoundPath, LostPath, find_paths
from dexroute.engine.routing.quote import Candidate, RouteQuote
from dexroute.engine.routing.ranking import RankedPath, rank, why_lost
from dexroute.engine.routing.solution import LegReport, Solution
from dexroute.errors import InvalidAmount, RouteNotFound, UsageError
from dexroute.fetchers.base import Pool
from dexroute.math.rounding import PPM, U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg, Route

_DEFAULTS = RouteOptions()


def find_route(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> RouteQuote:
    """The best route: highest net output (exact in) or lowest net input (exact out) over single pools and two hops.

    Ties: fewer hops, then fewer compute units, then the better amount of the intermediate mint, then lower pool addresses (byte
    order); equal inputs give equal routes whatever order the pools come in. In two hops the second spends what the
    first delivers less `options.hop_slippage_bps`; the difference is residual and visible in the hops' amounts.

    Raises RouteNotFound, whose context["candidates"] says why each candidate lost; InvalidAmount for an amount that is not 1 to
    2^64-1; UsageError when both mints are the same.
    """
    _check(request)
    market = Market(pools)
    found, lost = find_paths(market, request, options)
    if not found:
        raise _not_found(market, request, options, lost)
    return _route_quote(rank(found, request, options.costs)[0].path)


def solve_route(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> Solution:
    """The route of `find_route` with everything that explains it: its legs and all candidates. Raises as `find_route` does."""
    _check(request)
    market = Market(pools)
    found, lost = find_paths(market, request, options)
    if not found:
        raise _not_found(market, request, options, lost)
    ranked = rank(found, request, options.costs)
    candidates = [
        _candidate(entry, None if place == 0 else why_lost(entry, ranked[0], request)) for place, entry in enumerate(ranked)
    ]
    quote = _route_quote(ranked[0].path)
    hops = quote.route.hops
    report = LegReport(
        leg=quote.route.legs[0],
        share_ppm=PPM,
        marginal_price=None,
        price_impact_bps=price_impact_bps(hops, {hop.pool.address: hop.pool for hop in ranked[0].path.hops}),
        fees=fees_by_kind(hops),
    )
    return Solution(
        quote=quote, candidates=tuple(candidates + [_given_up(path) for path in lost]), certificate=None, legs=(report,)
    )


def rank_candidates(pools: Iterable[Pool], request: QuoteRequest, options: RouteOptions = _DEFAULTS) -> tuple[Candidate, ...]:
    """Every candidate, the route of `find_route` first, then by rank, then those that were given up with their reason.

    Empty when no pool connects the pair. Raises as `find_route` does for requests that cannot be meant, never RouteNotFound.
    """
    _check(request)
    market = Market(pools)
    found, lost = find_paths(market, request, options)
    ranked = rank(found, request, options.costs)
    winners = [_candidate(entry, None if place == 0 else why_lost(entry, ranked[0], request)) for place, entry in enumerate(ranked)]
    return tuple(winners + [_given_up(path) for path in lost])


def _check(request: QuoteRequest) -> None:
    if not 0 < request.amount <= U64_MAX:
        raise InvalidAmount(
            f"amount {request.amount} is not between 1 and {U64_MAX} base units", amount=str(request.amount), maximum=str(U64_MAX)
        )
    if request.input_mint == request.output_mint:
        raise UsageError(
            f"input and output are the same mint {request.input_mint}; name two different tokens", mint=str(request.input_mint)
        )


def _route_quote(path: FoundPath) -> RouteQuote:
    hops = tuple(hop.hop for hop in path.hops)
    return RouteQuote(amount_in=hops[0].amount_in, amount_out=hops[-1].amount_out, route=Route(legs=(Leg(hops=hops),)), bound=None)


def _candidate(entry: RankedPath, lost: str | None) -> Candidate:
    hops = tuple(hop.hop for hop in entry.path.hops)
    pools = {hop.pool.address: hop.pool for hop in entry.path.hops}
    return Candidate(
        pools=tuple(hop.pool for hop in hops),
        venue_ids=tuple(hop.venue_id for hop in hops),
        mints=(hops[0].input_mint, *(hop.output_mint for hop in hops)),
        quote=_route_quote(entry.path),
        fees=fees_by_kind(hops),
        price_impact_bps=price_impact_bps(hops, pools),
        compute_units=entry.compute_units,
        net=entry.net,
        lost=lost,
    )


def _given_up(path: LostPath) -> Candidate:
    return Candidate(
        pools=tuple(pool.address for pool in path.pools),
        venue_ids=tuple(pool.venue_id for pool in path.pools),
        mints=path.mints,
        quote=None,
        fees=(),
        price_impact_bps=None,
        compute_units=sum(swap_compute_units(pool.venue_id) for pool in path.pools),
        net=None,
        lost=path.reason,
        error=path.refused.error if path.refused else None,
    )


def _not_found(market: Market, request: QuoteRequest, options: RouteOptions, lost: list[LostPath]) -> RouteNotFound:
    pair = f"{request.input_mint} to {request.output_mint}"
    asked = f"{request.amount} base units {'in' if request.mode is SwapMode.EXACT_IN else 'out'}"
    if lost:
        first = lost[0].reason
        many = f"all {len(lost)} candidates were given up; the first: {first}" if len(lost) > 1 else first
        message = f"no route from {pair} for {asked}: {many}"
    else:
        absent = [str(mint) for mint in (request.input_mint, request.output_mint) if not market.holds(mint)]
        why = f"no pool holds {' or '.join(absent)}" if absent else f"nothing connects them in {options.max_hops} hop(s)"
        message = f"no route from {pair}: {why} among {len(market)} known pools; add a pool that does (dex pools add)"
    candidates: list[dict[str, Any]] = [
        {
            "pools": [str(pool.address) for pool in path.pools],
            "venues": [pool.venue_id for pool in path.pools],
            "reason": path.reason,
            "code": path.refused.error.code if path.refused else None,
        }
        for path in lost
    ]
    return RouteNotFound(
        message,
        input_mint=str(request.input_mint),
        output_mint=str(request.output_mint),
        amount=str(request.amount),
        mode=request.mode.value,
        pools_known=len(market),
        candidates=candidates,
    )
