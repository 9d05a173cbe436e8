"""Prices of a whole market before any order, and what arbitrage between its pools is worth at them.

Where that is many times an order, no prices make the order's bound a tight one: it counts what cycles earn, and a route takes
none. It then is worked out once for the market instead of for each order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from dexroute.engine.routing.bound import Arbitrage, all_prices, arbitrage_at
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.prices import Bools, Floats

_NOTHING: Final = 1e-9  # of what would be traded for it
_HOPS: Final = 12
_ROUNDS: Final = 200  # the first half to the pools' prices, then past their fees
_HALFWAY: Final = 0.5  # mints on two sides of a market would swap their errors for ever
_LEAST_SPAN: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """`prices` by mint, 0 where nothing connects it with the rest; `arbitrage` is their worth of it, in the same unit, and
    `exact_out_arbitrage` without the pools that have no exact-out swap."""

    prices: Floats
    arbitrage: Arbitrage
    exact_out_arbitrage: Arbitrage


def prices_at_rest(market: Market) -> AtRest | None:
    """Prices that leave little to arbitrage, by least squares; None where some leave nothing at all."""
    table = market.prices
    if not table.slope.any():
        return None
    numeraire = int(table.sources[int(np.argmax(np.diff(np.append(table.starts, len(table.source)))))])
    prices = all_prices(market, [(numeraire, 1.0)], table.slope)
    arbitrage = arbitrage_at(market, prices, table.slope)
    if arbitrage.gained <= _NOTHING * arbitrage.volume:
        return None
    prices = _fitted(market, table.worth(table.slope, numeraire, _HOPS)[-1])
    return AtRest(
        prices=prices,
        arbitrage=arbitrage_at(market, prices, table.slope),
        exact_out_arbitrage=arbitrage_at(market, prices, table.exact_out_slope),
    )


def _fitted(market: Market, first: Floats) -> Floats:
    """Prices at which weighted squares of the distances to the pools' own prices are least, from a first guess on. The weights are
    the pools' depths: what arbitrage with a pool earns is about its depth times that square."""
    table = market.prices
    joined: Bools = (table.slope > 0.0) & (first[table.source] > 0.0) & (first[table.target] > 0.0)
    source, target, slope = table.source[joined], table.target[joined], np.log(table.slope[joined])
    depth = np.array([_depth(market, edge) for edge in table.edge[joined].tolist()]) * first[source]
    ends = np.concatenate((source, target))
    whole = np.bincount(ends, np.concatenate((depth, depth)), table.mints)
    moving = whole > 0.0
    logs = np.where(first > 0.0, np.log(np.where(first > 0.0, first, 1.0)), 0.0)
    for number in range(_ROUNDS):
        over = depth * (slope + logs[target] - logs[source])
        if 2 * number >= _ROUNDS:
            # From here on only pools whose distance pays for their fees.
            over = np.maximum(over, 0.0)
        pull = np.bincount(ends, np.concatenate((over, -over)), table.mints)
        logs[moving] += _HALFWAY * pull[moving] / whole[moving]
    prices: Floats = np.where(first > 0.0, np.exp(logs), 0.0)
    return prices


def _depth(market: Market, edge: int) -> float:
    """Input that moves the pool's price by a part, per part; base units."""
    curve = market.curve(edge)
    piece = curve.pieces[0]
    if piece.bend > 0.0:
        return 0.5 / piece.bend
    span = float(np.log(piece.slope / curve.pieces[-1].slope))
    return curve.capacity_in / max(span, _LEAST_SPAN)
