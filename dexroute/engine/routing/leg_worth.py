"""What a leg of a split is worth: about what the order would lose without it, and what landing it costs."""

from __future__ import annotations

from collections.abc import Sequence

from dexroute.engine.routing.bound import best_arbitrage
from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.landing import OPENING_UNITS, LandingCosts, lamport_price, unit_limit
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market, swap_compute_units
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.scope import Scope
from dexroute.types.network import MICRO_LAMPORTS
from dexroute.types.requests import QuoteRequest


def by_loss(market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare]) -> list[PathShare]:
    """The legs, the dearest to lose first."""
    losses = _losses(market, scope, flow, shares)
    places = sorted(range(len(shares)), key=lambda place: (-losses[place], -shares[place].share, shares[place].path))
    return [shares[place] for place in places]


def _losses(market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare]) -> list[float]:
    """By leg, about what the order would lose without it, base units of the ranked mint: what its pools are worth beyond the common
    price, and how far that price falls when the others take over its share. A leg of share s whose pools' surplus is p bends
    the price by about 2p/s^2; legs side by side share a load as springs do."""
    total: dict[int, float] = {}
    for share in shares:
        for edge in share.path:
            total[edge] = total.get(edge, 0.0) + share.share
    surplus = {edge: _surplus(market, scope, flow, edge) for edge in total}
    worths = [sum(surplus[edge] * share.share / total[edge] for edge in share.path) for share in shares]
    least = 1e-12 * flow.value
    give = [share.share**2 / (2.0 * worth + least) for share, worth in zip(shares, worths, strict=True)]
    whole = sum(give)
    return [worth + 0.5 * share.share**2 / max(whole - own, 1e-300) for share, worth, own in zip(shares, worths, give, strict=True)]


def leg_gains(
    market: Market, scope: Scope, request: QuoteRequest, options: RouteOptions, flow: NetworkFlow, shares: Sequence[PathShare]
) -> list[float]:
    """By leg: about what the order would lose without it, less what it costs to land and what whole units take from it, about half
    of one at every pool; base units of the ranked mint."""
    price = lamport_price(request, options.costs)
    unit = 0.0 if price is None else price.numerator / price.denominator
    legs_of: dict[int, int] = {}
    for share in shares:
        for mint in {market.target[edge] for edge in share.path[:-1]}:
            legs_of[mint] = legs_of.get(mint, 0) + 1
    gains = []
    for share, worth in zip(shares, _losses(market, scope, flow, shares), strict=True):
        alone = [mint for mint in {market.target[edge] for edge in share.path[:-1]} if legs_of[mint] == 1]
        mints = [(market.target if scope.order.exact_in else market.source)[edge] for edge in share.path]
        rounded = sum(flow.prices[mint] for mint in mints) / 2.0
        gains.append(worth - rounded - unit * _leg_lamports(market, share.path, alone, options.costs))
    return gains


def _surplus(market: Market, scope: Scope, flow: NetworkFlow, edge: int) -> float:
    source = market.source[edge]
    keep = 1.0 if source == scope.order.input else scope.order.keep
    before, behind = flow.at.get(edge) or (flow.prices[source], flow.prices[market.target[edge]])
    return best_arbitrage(market.curve(edge), before / keep, behind * scope.order.handicap.get(edge, 1.0))[0]


def _leg_lamports(market: Market, path: Path, alone: Sequence[int], costs: LandingCosts) -> float:
    pools = [market.edge_pool[edge] for edge in path]
    units = sum(costs.units.get(pool.address) or swap_compute_units(pool.venue_id) for pool in pools)
    opened = [costs.rent_lamports.get(market.mints[mint], 0) for mint in alone]
    units += OPENING_UNITS * sum(rent > 0 for rent in opened)
    rent = sum(opened)
    return (unit_limit(units) - unit_limit(0)) * costs.compute_unit_price_micro_lamports / MICRO_LAMPORTS + rent
