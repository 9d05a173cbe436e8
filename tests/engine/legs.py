"""Routes of several legs made by hand: each leg quoted on the pools as the legs before it left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteQuote
from dexroute.fetchers.base import Pool, beside, limit_slack
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.mints import Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Hop, Leg, Route

Path = Sequence[tuple[Pubkey, Mint]]
"""Hops as (pool, the mint that leaves it)."""


def route_by_hand(
    pools: Mapping[Pubkey, Pool], request: QuoteRequest, shares: Sequence[tuple[int, Path]], *, hop_slippage_bps: int = 0
) -> RouteQuote:
    """A quote whose legs carry these amounts (of the input for exact in, of the output for exact out) along these paths."""
    states = dict(pools)
    legs = [_leg(states, request, amount, path, hop_slippage_bps) for amount, path in shares]
    route = Route(legs=tuple(legs))
    return RouteQuote(
        amount_in=sum(leg.amount_in for leg in legs), amount_out=sum(leg.amount_out for leg in legs), route=route, bound=None
    )


def _leg(states: dict[Pubkey, Pool], request: QuoteRequest, amount: int, path: Path, hop_slippage_bps: int) -> Leg:
    mints = [request.input_mint, *(mint.address for _, mint in path)]
    exact_in = request.mode is SwapMode.EXACT_IN
    hops: list[Hop] = []
    for place in range(len(path)) if exact_in else reversed(range(len(path))):
        pool = states[path[place][0]]
        asked = QuoteRequest(input_mint=mints[place], output_mint=mints[place + 1], amount=amount, mode=request.mode)
        quote = pool.quote(asked)
        states.update({address: beside(other, pool, quote.next_pool) for address, other in states.items()})
        states[pool.address] = quote.next_pool
        hop = Hop(
            venue_id=pool.venue_id,
            pool=pool.address,
            input_mint=asked.input_mint,
            output_mint=asked.output_mint,
            amount_in=quote.amount_in,
            amount_out=quote.amount_out,
            fees=quote.fees,
        )
        hops.append(hop)
        least = min(min_amount_out(hop.amount_out, hop_slippage_bps), hop.amount_out - limit_slack(pool))
        amount = least if exact_in else max_amount_in(hop.amount_in, hop_slippage_bps)
    return Leg(hops=tuple(hops if exact_in else reversed(hops)))


def split(amount: int, parts: int) -> list[int]:
    """`amount` in parts as equal as integers are, none of them lost."""
    return [amount // parts + (index < amount % parts) for index in range(parts)]
