"""What no split over a market can beat: weak duality, evaluated so that every rounding errs outwards.

For any prices nu of the mints (1 for the ranked mint), exact in: the output is at most nu_in * amount + sum over pools of the
most value a trader could take out of the pool at these prices, max_x nu_out out(x) - nu_in x. Exact out: the input is at least
nu_out * amount minus that sum. (Every split's flows satisfy the balances at each mint; price the balances and each pool alone can
only do better.) The maximum is known in closed form on each piece of a curve. The prices come from a solver that may be wrong in
any way: that costs tightness, never truth.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Final

import numpy as np

from dexroute.engine.routing.market import Market, Steps
from dexroute.engine.routing.options import MAX_SPLITS
from dexroute.engine.routing.prices import Bools, Floats

# Outwards: what curves promise (a billionth), and the rounding of doubles.
_CURVE: Final = 1e-9
# Of the venues only DAMM v1 rounds a swap in the trader's favour, by less than a unit of the input (its fee is rounded down, and at
# least 1); a test holds all venues to that. One swap a leg.
_FAVOURABLE: Final = frozenset({"meteora-damm-v1"})
_UNITS: Final = float(MAX_SPLITS)
_DOUBLES: Final = 1e-13
# An edge this close to worthwhile may be lifted over it by a unit of rounding.
_NEAR: Final = 1e-6
_LONGEST_CHAIN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`value`: base units of the ranked mint, outward. `exact`: the same before slack and rounding, a float. `surplus`: by edge,
    what it is worth at the prices beyond zero."""

    value: int
    exact: float
    surplus: dict[int, float]


def dual_bound(market: Market, prices: Floats, *, input: int, output: int, amount: int, exact_in: bool) -> Bound:
    """The bound at these prices, base units of the ranked mint per base unit, by mint number. Prices are not negative."""
    table = market.prices
    worth_in, worth_out = prices[table.source], table.slope * prices[table.target]
    touched: Bools = (worth_out >= worth_in * (1.0 - _NEAR)) & (worth_out > 0.0)
    surplus: dict[int, float] = {}
    gained = slack = 0.0
    for place in np.flatnonzero(touched).tolist():
        edge = int(table.edge[place])
        paid, got = float(prices[table.source[place]]), float(prices[table.target[place]])
        gain, volume = best_arbitrage(market.curve(edge), paid, got)
        slack += volume * (_CURVE + _DOUBLES)
        if market.edge_pool[edge].venue_id in _FAVOURABLE:
            slack += _UNITS * paid
        if gain > 0.0:
            surplus[edge] = gain
            gained += gain
    base = float(prices[input if exact_in else output]) * amount
    exact = base + gained if exact_in else base - gained
    slack += (base + gained) * _DOUBLES
    value = ceil(exact + slack) if exact_in else floor(exact - slack)
    return Bound(value=max(value, 0), exact=exact, surplus=surplus)


def best_arbitrage(curve: Steps, paid: float, got: float) -> tuple[float, float]:
    """The most value to be had from a curve when input is worth `paid` and output `got`, and the worth of what moves for it."""
    gain = volume = 0.0
    for piece in curve.pieces:
        worth = piece.slope * got
        if worth <= paid:
            break
        x = piece.amount_in
        if piece.bend > 0.0 and paid > 0.0:
            x = min((sqrt(worth / paid) - 1.0) / piece.bend, x)
        out = piece.slope * x / (1.0 + piece.bend * x) * got
        gain += out - x * paid
        volume += out + x * paid
    return gain, volume


def sale_chain(market: Market, prices: Floats, mint: int, end: Container[int]) -> list[int]:
    """The edges that selling a mint for its price takes, until a mint of `end` is reached."""
    table = market.prices
    chain: list[int] = []
    for _ in range(_LONGEST_CHAIN):
        if mint in end:
            break
        places = table.of_source(mint)
        if not len(places):
            break
        best = places[int(np.argmax(table.slope[places] * prices[table.target[places]]))]
        chain.append(int(table.edge[best]))
        mint = int(table.target[best])
    return chain


def all_prices(market: Market, known: Sequence[tuple[int, float]]) -> Floats:
    """Prices of every mint from those of some."""
    table = market.prices
    prices = np.zeros(table.mints)
    fixed = np.zeros(table.mints, dtype=np.bool_)
    for mint, price in known:
        prices[mint] = price
        fixed[mint] = True
    return table.extended(table.slope, prices, fixed)
