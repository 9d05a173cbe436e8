"""Input that a flow leaves lying: what a path takes for next to nothing, when all that pay are full.

A flow need not use the whole input, a route must. Where every pool worth its place is full, the rest goes to whichever path takes
it at all; by its curve that is worth nothing, and no flow would send it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.legs import Path, QuotedRoute, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.options import RouteOptions
from dexroute.types.requests import QuoteRequest

# Of the order, what need not be looked after: the largest leg takes it.
_IDLE: Final = 1e-6
# Pools refuse the last units of what their curves promise.
_TRIMS: Final = (1e-6, 1e-4, 1e-2)


def with_leftover(
    market: Market, request: QuoteRequest, options: RouteOptions, shares: Sequence[PathShare], singles: Sequence[Path]
) -> list[QuotedRoute]:
    """For an exact input of which these shares take a part, the routes along the largest of them and, for the rest, one of the
    other paths."""
    shares = sorted(shares, key=lambda share: (-share.share, share.path))[: options.max_splits - 1]
    if not shares or 1.0 - sum(share.share for share in shares) < _IDLE:
        return []
    taken = {share.path for share in shares}
    routes = []
    for single in singles:
        if single in taken:
            continue
        for trim in _TRIMS:
            legs = [Share(share.path, int(share.share * (1.0 - trim) * request.amount)) for share in shares]
            legs = [leg for leg in legs if leg.amount]
            rest = Share(single, request.amount - sum(leg.amount for leg in legs))
            route = quote_legs(market, [*legs, rest], request.mode, options.kept_back_bps) if rest.amount > 0 else None
            if isinstance(route, QuotedRoute):
                routes.append(route)
                break
    return routes
