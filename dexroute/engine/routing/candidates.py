"""Findings as answers: the solution, the candidates with their fate, or the error that says why there is no route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, Final, TypeVar

from solders.pubkey import Pubkey

from dexroute.engine.routing.findings import Findings
from dexroute.engine.routing.impact import fees_by_kind, price_impact_bps, route_impact_bps
from dexroute.engine.routing.legs import Path, QuotedRoute
from dexroute.engine.routing.market import Market, swap_compute_units
from dexroute.engine.routing.quote import Candidate, RouteQuote
from dexroute.engine.routing.ranking import RankedRoute, why_lost
from dexroute.engine.routing.reasons import LostPath, lost_paths
from dexroute.engine.routing.solution import LegReport, Solution
from dexroute.errors import RouteNotFound
from dexroute.math.rounding import PPM, apportion
from dexroute.types.counts import counted
from dexroute.types.prices import Price
from dexroute.types.requests import SwapMode
from dexroute.types.routes import Route

Found = TypeVar("Found")

_MOST_LISTED: Final = 24
_MOST_LOST: Final = 48


def solution_of(findings: Findings, *, explain: bool) -> Solution:
    """The answer of a search; without candidates and legs unless they are to be explained. Raises RouteNotFound."""
    if not findings.ranked:
        raise not_found(findings)
    best = findings.ranked[0]
    quote = route_quote(best.route, findings.bound)
    if not explain:
        return Solution(quote=quote, candidates=(), certificate=findings.certificate, legs=())
    candidates, unlisted = listed_candidates(findings)
    return Solution(
        quote=quote,
        candidates=candidates,
        certificate=findings.certificate,
        legs=_reports(findings, best.route),
        unlisted=unlisted,
    )


def listed_candidates(findings: Findings) -> tuple[tuple[Candidate, ...], int]:
    """The best few dozen candidates, the route first, and how many more there were. Of several divisions of the order over the same
    paths the best one: to a reader they are one candidate."""
    market, request = findings.market, findings.request
    seen: set[tuple[Path, ...]] = set()
    ranked = _distinct(findings.ranked, lambda entry: [leg.path for leg in entry.route.legs], seen)
    unfit_ranked = _distinct(findings.unfit_ranked, lambda entry: [leg.path for leg in entry[0].route.legs], seen)
    listed: list[Candidate] = []
    for place, entry in enumerate(ranked):
        lost = why_lost(entry, findings.ranked[0], request) if place else None
        listed.append(_candidate(findings, entry, lost, None if place else findings.bound))
    listed += [_candidate(findings, entry, reason, None) for entry, reason in unfit_ranked]
    listed += [_unfit(market, paths, reason) for paths, reason in _distinct(findings.unfit, lambda entry: entry[0], seen)]
    on_list = {pool for candidate in listed for pool in candidate.pools}
    lost_all = lost_paths(findings, on_list)
    listed += [_given_up(path) for path in lost_all[:_MOST_LOST]]
    unlisted = max(0, findings.promised - len(ranked)) + max(0, len(lost_all) - _MOST_LOST)
    return tuple(listed), unlisted


def _distinct(found: Iterable[Found], paths_of: Callable[[Found], Iterable[Path]], seen: set[tuple[Path, ...]]) -> list[Found]:
    """The first few over paths that none before them is over; adds to `seen`."""
    distinct: list[Found] = []
    for one in found:
        key = tuple(sorted(paths_of(one)))
        if key not in seen and len(distinct) < _MOST_LISTED:
            seen.add(key)
            distinct.append(one)
    return distinct


def route_quote(route: QuotedRoute, bound: int | None) -> RouteQuote:
    return RouteQuote(
        amount_in=route.amount_in,
        amount_out=route.amount_out,
        route=Route(legs=tuple(leg.leg for leg in route.legs)),
        bound=bound,
    )


def not_found(findings: Findings) -> RouteNotFound:
    """Why there is no route, with everything that was looked at."""
    market, request, options = findings.market, findings.request, findings.options
    lost = lost_paths(findings, ())
    unfit = [(len(ranked.route.hops), reason) for ranked, reason in findings.unfit_ranked]
    unfit += [(sum(map(len, paths)), reason) for paths, reason in findings.unfit]
    pair = f"{request.input_mint} to {request.output_mint}"
    measured = request.input_mint if request.mode is SwapMode.EXACT_IN else request.output_mint
    asked = f"{request.amount} base units of {measured} {'in' if request.mode is SwapMode.EXACT_IN else 'out'}"
    if unfit:
        message = f"no route from {pair} for {asked} fits one transaction: {min(unfit)[1]}"
    elif lost:
        first = lost[0].reason
        many = f"all {len(lost)} candidates were given up; the first: {first}" if len(lost) > 1 else first
        message = f"no route from {pair} for {asked}: {many}"
    else:
        absent = [str(mint) for mint in (request.input_mint, request.output_mint) if not market.holds(mint)]
        why = f"no pool holds {' or '.join(absent)}" if absent else f"nothing connects them in {counted(options.max_hops, 'hop')}"
        where = f"{len(market)} known pools; add a pool that does (dex pools add)"
        if options.pools is not None:
            where = f"the {counted(len(options.pools), 'pool')} named (--pool); name others, or none to search all that are known"
        message = f"no route from {pair}: {why} among {where}"
    if findings.most is not None:
        side = "spent" if request.mode is SwapMode.EXACT_IN else "delivered"
        message += f". At most {findings.most} base units of {measured} can be {side}: ask for no more than that"
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
        most_fillable=None if findings.most is None else str(findings.most),
        candidates=candidates,
    )


def _candidate(findings: Findings, entry: RankedRoute, lost: str | None, bound: int | None) -> Candidate:
    route = entry.route
    hops = tuple(hop.hop for hop in route.hops)
    whole = route_quote(route, bound)
    return Candidate(
        pools=tuple(hop.pool for hop in hops),
        venue_ids=tuple(hop.venue_id for hop in hops),
        mints=_mints(route),
        quote=whole,
        fees=fees_by_kind(hops),
        price_impact_bps=route_impact_bps(whole.route, findings.market.pools),
        compute_units=entry.compute_units,
        net=entry.net,
        lost=lost,
        legs=len(route.legs),
        spent_lamports=entry.spent_lamports,
        rent_lamports=entry.rent_lamports,
        handicap=entry.handicap,
    )


def _mints(route: QuotedRoute) -> tuple[Pubkey, ...]:
    first = route.legs[0].hops
    if len(route.legs) == 1:
        return (first[0].hop.input_mint, *(hop.hop.output_mint for hop in first))
    between = dict.fromkeys(hop.hop.output_mint for leg in route.legs for hop in leg.hops[:-1])
    return (first[0].hop.input_mint, *between, first[-1].hop.output_mint)


def _unfit(market: Market, paths: Sequence[Path], reason: str) -> Candidate:
    edges = [edge for path in paths for edge in path]
    pools = [market.edge_pool[edge] for edge in edges]
    ends = market.mints[market.source[edges[0]]], market.mints[market.target[paths[0][-1]]]
    between = dict.fromkeys(market.mints[market.target[edge]] for path in paths for edge in path[:-1])
    return Candidate(
        pools=tuple(pool.address for pool in pools),
        venue_ids=tuple(pool.venue_id for pool in pools),
        mints=(ends[0], *between, ends[1]),
        quote=None,
        fees=(),
        price_impact_bps=None,
        compute_units=sum(swap_compute_units(pool.venue_id) for pool in pools),
        net=None,
        lost=reason,
        legs=len(paths),
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


def _reports(findings: Findings, route: QuotedRoute) -> tuple[LegReport, ...]:
    forward = findings.request.mode is SwapMode.EXACT_IN
    shares = apportion(PPM, [leg.amount_in if forward else leg.amount_out for leg in route.legs])
    reports = []
    for leg, share_ppm, marginal in zip(route.legs, shares, _marginal_prices(findings.market, route), strict=True):
        hops = tuple(hop.hop for hop in leg.hops)
        reports.append(
            LegReport(
                leg=leg.leg,
                share_ppm=share_ppm,
                marginal_price=_price(marginal),
                price_impact_bps=price_impact_bps(hops, {hop.pool.address: hop.pool for hop in leg.hops}),
                fees=fees_by_kind(hops),
            )
        )
    return tuple(reports)


def _price(marginal: float) -> Price | None:
    if not marginal > 0.0:
        return None
    ratio = Fraction(marginal)
    return Price(numerator=ratio.numerator, denominator=ratio.denominator)


def _marginal_prices(market: Market, route: QuotedRoute) -> list[float]:
    """By leg: output per input of its next unit when all legs are done."""
    through: dict[int, float] = {}
    for leg in route.legs:
        for edge, hop in zip(leg.path, leg.hops, strict=True):
            through[edge] = through.get(edge, 0.0) + hop.hop.amount_in
    prices = []
    for leg in route.legs:
        price = 1.0
        for edge in leg.path:
            price *= market.curve(edge).marginal(through[edge])
        prices.append(price)
    return prices
