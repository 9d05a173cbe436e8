"""Search and ranking: which pools, in which order, how much through each. Pure."""

from __future__ import annotations

from dexroute.engine.routing.impact import fees_by_kind, price_impact_bps, route_impact_bps
from dexroute.engine.routing.landing import LandingCosts
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.quote import Candidate, RouteQuote
from dexroute.engine.routing.room import TransactionRoom
from dexroute.engine.routing.search import find_route, rank_candidates, solve_route
from dexroute.engine.routing.solution import Certificate, LegReport, Solution

__all__ = [
    "Candidate",
    "Certificate",
    "LandingCosts",
    "LegReport",
    "RouteOptions",
    "RouteQuote",
    "Solution",
    "TransactionRoom",
    "fees_by_kind",
    "find_route",
    "price_impact_bps",
    "rank_candidates",
    "route_impact_bps",
    "solve_route",
]
