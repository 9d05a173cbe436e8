"""Legs before they are quoted: for asking what a transaction has room for."""

from __future__ import annotations

from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.scope import Scope
from dexroute.types.routes import Hop, Leg


def provisional_leg(market: Market, scope: Scope, flow: NetworkFlow, share: PathShare) -> Leg:
    """A leg with amounts as the flow has them, good enough to ask whether it fits."""
    hops: list[Hop] = []
    amount = share.share * scope.order.amount
    if not scope.order.exact_in:
        for edge in reversed(share.path):
            amount *= flow.flows[edge] / max(flow.arrivals[edge], 1e-300)
    for edge in share.path:
        arriving = amount * flow.arrivals[edge] / max(flow.flows[edge], 1e-300)
        pool = market.edge_pool[edge]
        hops.append(
            Hop(
                venue_id=pool.venue_id,
                pool=pool.address,
                input_mint=market.mints[market.source[edge]],
                output_mint=market.mints[market.target[edge]],
                amount_in=max(1, int(amount)),
                amount_out=max(1, int(arriving)),
                fees=(),
            )
        )
        amount = arriving
    return Leg(hops=tuple(hops))
