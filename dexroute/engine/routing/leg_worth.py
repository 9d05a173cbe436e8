"""What a leg of a split is worth: about what the order would lose without it, and what landing it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from dexroute.engine.routing.bound import best_arbitrage
from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.landing import OPENING_UNITS, LandingCosts, lamport_price, unit_limit
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market, swap_compute_units
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.newton import Floats
from dexroute.engine.routing.options import RouteOptions
from dexroute.engine.routing.scope import Scope
from dexroute.types.network import MICRO_LAMPORTS
from dexroute.types.requests import QuoteRequest

# How stiff a pool may be, of an order of 1: within what doubles tell apart when a matrix of them is inverted.
_LEAST: Final = 1e-9
_MOST: Final = 1e4
_HARDLY: Final = 1e-9
# Of an order, what legs carry that others would hardly be missed for, and a little more than that.
_SMALL: Final = 1e-3
_LITTLE: Final = 1e-2


def by_loss(
    market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare], *, most: int = 1, let_go: float = 1.0
) -> tuple[list[PathShare], list[PathShare]]:
    """The legs that stay, the dearest to lose first, and those that go: what is cheapest to lose, then what is so without it, until
    `most` are left, or the next would make it more than the part `let_go` of the order (one goes whatever it carries)."""
    bent = _Bent(market, scope, flow, shares)
    gone: list[PathShare] = []
    while True:
        losses = bent.losses()
        ranked = sorted(bent.left, key=lambda leg: (losses[leg], shares[leg].share, shares[leg].path))
        so_far = sum(share.share for share in gone)
        going = next((leg for leg in ranked if so_far + shares[leg].share <= let_go or not gone), None)
        if len(ranked) <= most or going is None:
            return [shares[leg] for leg in reversed(ranked)], gone
        gone.append(shares[going])
        bent.drop(going)


def leg_losses(market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare]) -> list[float]:
    """By leg, about what the order would lose without it; base units of the ranked mint."""
    losses: list[float] = _Bent(market, scope, flow, shares).losses().tolist()
    return losses


class _Bent:
    """What an order loses without some of its legs, as their pools' curves bend where the flow is: where the part w of the order
    passes a pool that is worth p beyond the price, a change by d costs p (d/w)^2. The others take over what the dropped legs
    carried so that the sum of that is least. Legs are named by their place; `left` are those not dropped."""

    def __init__(self, market: Market, scope: Scope, flow: NetworkFlow, shares: Sequence[PathShare]) -> None:
        self.left = list(range(len(shares)))
        self._value = flow.value
        place = {edge: number for number, edge in enumerate(dict.fromkeys(edge for share in shares for edge in share.path))}
        passing = np.zeros((len(shares), len(place)))
        for leg, share in enumerate(shares):
            passing[leg, [place[edge] for edge in share.path]] = 1.0
        self._carried = np.array([share.share for share in shares])
        parts = (self._carried @ passing).tolist()
        stiff = [_stiffness(market, scope, flow, edge, part) for edge, part in zip(place, parts, strict=True)]
        inverse = np.linalg.inv((passing * stiff) @ passing.T + _LEAST * np.eye(len(shares)))
        # Of changes that leave the sum of all as it is.
        every = inverse.sum(axis=0)
        self._yielding = inverse - np.outer(every, every) / every.sum()

    def losses(self) -> Floats:
        """About what would be lost without each leg; base units of the ranked mint, the whole where nothing else could carry it."""
        yielding = np.maximum(np.diagonal(self._yielding), 1e-300)
        losses: Floats = self._value * np.minimum(0.5 * self._carried**2 / yielding, 1.0)
        return losses

    def drop(self, leg: int) -> None:
        """Lets the others carry what this leg does."""
        moving = self._yielding[leg].copy()
        if moving[leg] > 0.0:
            self._carried = np.maximum(self._carried - moving * (self._carried[leg] / moving[leg]), 0.0)
            self._yielding -= np.outer(moving, moving) / moving[leg]
        self.left.remove(leg)


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
    for share, worth in zip(shares, leg_losses(market, scope, flow, shares), strict=True):
        alone = [mint for mint in {market.target[edge] for edge in share.path[:-1]} if legs_of[mint] == 1]
        mints = [(market.target if scope.order.exact_in else market.source)[edge] for edge in share.path]
        rounded = sum(flow.prices[mint] for mint in mints) / 2.0
        gains.append(worth - rounded - unit * _leg_lamports(market, share.path, alone, options.costs))
    return gains


def _stiffness(market: Market, scope: Scope, flow: NetworkFlow, edge: int, part: float) -> float:
    """2p/w^2 of a pool; where it hardly takes anything, and the prices at it are a solver's noise, what that is when it takes a
    little more."""
    source, curve = market.source[edge], market.curve(edge)
    keep = 1.0 if source == scope.order.input else scope.order.keep
    before, behind = flow.at.get(edge) or (flow.prices[source], flow.prices[market.target[edge]])
    surplus = best_arbitrage(curve, before / keep, behind * scope.order.handicap.get(edge, 1.0))[0] / max(flow.value, 1e-300)
    stiff = 2.0 * surplus / max(part, _HARDLY) ** 2
    if part < _SMALL:
        at = curve.marginal(flow.flows[edge] * keep)
        more = curve.marginal((flow.flows[edge] + _LITTLE * flow.value / max(before, 1e-300)) * keep)
        stiff = max(stiff, (1.0 - more / at) / _LITTLE if at > 0.0 else _MOST)
    return min(max(stiff, _LEAST), _MOST)


def _leg_lamports(market: Market, path: Path, alone: Sequence[int], costs: LandingCosts) -> float:
    pools = [market.edge_pool[edge] for edge in path]
    units = sum(costs.units.get(pool.address) or swap_compute_units(pool.venue_id) for pool in pools)
    opened = [costs.rent_lamports.get(market.mints[mint], 0) for mint in alone]
    units += OPENING_UNITS * sum(rent > 0 for rent in opened)
    rent = sum(opened)
    return (unit_limit(units) - unit_limit(0)) * costs.compute_unit_price_micro_lamports / MICRO_LAMPORTS + rent
