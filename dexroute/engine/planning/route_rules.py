"""What a route must be before it may become instructions, whoever found it."""

from __future__ import annotations

from itertools import pairwise

from dexroute.engine.planning.limits import leg_requests
from dexroute.engine.routing import RouteQuote
from dexroute.errors import DexError
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg


def check_route(quote: RouteQuote, request: QuoteRequest) -> None:
    """Raises DexError (a bug of whoever made the route) unless the legs carry exactly the request and no hop spends more of a mint
    than the hop before it is quoted to deliver: what the wallet held before, or another leg brought, is nobody's to spend."""
    legs = quote.route.legs
    for number, leg in enumerate(legs, 1):
        if fault := _fault(leg, request):
            raise DexError(f"bug: leg {number} of {len(legs)} {fault}; nothing was built", leg=number)
    carried = sum(leg.amount_in for leg in legs)
    if request.mode is SwapMode.EXACT_IN and carried != request.amount:
        raise DexError(f"bug: the legs spend {carried} of the {request.amount} base units asked for", carried=str(carried))
    if request.mode is SwapMode.EXACT_OUT and leg_requests(legs, request)[-1].amount <= 0:
        raise DexError(f"bug: the legs deliver {request.amount} base units before the last one", amount=str(request.amount))
    if request.mode is SwapMode.EXACT_OUT and sum(leg.amount_out for leg in legs) < request.amount:
        raise DexError(f"bug: the legs deliver less than the {request.amount} base units asked for", amount=str(request.amount))


def _fault(leg: Leg, request: QuoteRequest) -> str | None:
    hops = leg.hops
    if not hops:
        return "has no hop"
    if (hops[0].input_mint, hops[-1].output_mint) != (request.input_mint, request.output_mint):
        return f"runs from {hops[0].input_mint} to {hops[-1].output_mint}"
    visited = [hops[0].input_mint, *(hop.output_mint for hop in hops)]
    if len(set(visited)) != len(visited):
        return "passes a mint twice"
    for before, after in pairwise(hops):
        if before.output_mint != after.input_mint:
            return f"spends {after.input_mint} where {before.output_mint} arrives"
        if before.amount_out < after.amount_in:
            return f"spends {after.amount_in} of {after.input_mint} where {before.amount_out} arrive"
    return None
