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
from math import ceil, floor, isfinite, sqrt
from typing import Final, cast

import numpy as np

from dexroute.engine.routing.market import Market, Steps
from dexroute.engine.routing.options import MAX_HOPS, MAX_SPLITS
from dexroute.engine.routing.prices import Floats, Ints, PriceTable
from dexroute.math.rounding import U64_MAX

# Outwards: what curves promise (a billionth), and the rounding of doubles.
_CURVE: Final = 1e-9
_DOUBLES: Final = 1e-13
# An edge this close to worthwhile may be lifted over it by a unit of rounding.
_NEAR: Final = 1e-6


# Slopes that should not rise from piece to piece, by rounding.
_SAME_SLOPE: Final = 1e-9

# Prices beyond all numbers make a bound beyond all numbers, which is said below.
_ABSURD: Final = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arbitrage:
    """What a trader could take out of all pools of a market at some prices: `gained` is its worth, `volume` what moves for it,
    `slack` what curves may promise too little of it; `surplus` by edge, what it is worth beyond zero."""

    gained: float
    volume: float
    slack: float
    surplus: dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """`value`: base units of the ranked mint, outward. `exact`: the same before `slack` and rounding, a float, of which `gained` is
    arbitrage. `surplus`: by edge, what it is worth at the prices beyond zero."""

    value: int
    exact: float
    gained: float
    slack: float
    surplus: dict[int, float]


def dual_bound(market: Market, prices: Floats, *, input: int, output: int, amount: int, exact_in: bool) -> Bound:
    """The bound at these prices, base units of the ranked mint per base unit, by mint number. Prices are not negative."""
    slope = market.prices.usable(exact_in=exact_in)
    arbitrage = arbitrage_at(market, prices, slope)
    favoured = favours(market, prices, slope, input=input, output=output)
    worth = float(prices[input if exact_in else output])
    return bound_of(arbitrage, favoured=favoured, worth=worth, amount=amount, exact_in=exact_in)


def bound_of(arbitrage: Arbitrage, *, favoured: float, worth: float, amount: int, exact_in: bool, scale: float = 1.0) -> Bound:
    """The bound at prices by which a unit of the fixed mint is worth `worth`, and arbitrage and `favours` `scale` times as much as
    given."""
    base, gained = worth * amount, arbitrage.gained * scale
    exact = base + gained if exact_in else base - gained
    slack = (arbitrage.slack + favoured) * scale + (base + gained) * _DOUBLES
    if not isfinite(exact + slack):
        # No price is too absurd for somebody's pool. There are no more base units of a mint than these.
        worst = U64_MAX if exact_in else 0
        return Bound(value=worst, exact=float(worst), gained=float(worst), slack=0.0, surplus=arbitrage.surplus)
    value = ceil(exact + slack) if exact_in else floor(exact - slack)
    return Bound(value=max(value, 0), exact=exact, gained=gained, slack=slack, surplus=arbitrage.surplus)


@_ABSURD
def arbitrage_at(market: Market, prices: Floats, slope: Floats) -> Arbitrage:
    """All arbitrage at these prices, by mint number, through the edges that `slope` (of the market's table) leaves open. Prices are
    not negative."""
    table = market.prices
    worth_in, worth_out = prices[table.source], slope * prices[table.target]
    touched = np.flatnonzero((worth_out >= worth_in * (1.0 - _NEAR)) & (worth_out > 0.0))
    paid, got = worth_in[touched], prices[table.target[touched]]
    gains, volumes = _first_arbitrage(table, touched, paid, worth_out[touched])
    # Few are worth more than the first piece of their curves.
    longer = np.flatnonzero(table.second_slope[touched] * (1.0 + _SAME_SLOPE) * got > paid)
    if len(longer):
        gains[longer], volumes[longer] = _curve_arbitrage(market, table.edge[touched[longer]], paid[longer], got[longer])
    volume = float(volumes.sum())
    gaining = np.flatnonzero(gains > 0.0)
    return Arbitrage(
        gained=float(gains.sum()),
        volume=volume,
        slack=volume * (_CURVE + _DOUBLES),
        surplus=dict(zip(table.edge[touched[gaining]].tolist(), gains[gaining].tolist(), strict=True)),
    )


@_ABSURD
def favours(market: Market, prices: Floats, slope: Floats, *, input: int, output: int) -> float:
    """What legs may get too much where programs round for the trader: a swap as if u more of its input had come in, so up to
    their worth, and where the edge is a loss, up to what 1 + u units fetch less the one that is paid; and a part of the output
    (`Curve.favour_in`, `favour_out`). Each leg on the path of few enough hops where that is most."""
    table = market.prices
    some = table.favouring
    worth_in, worth_out = prices[table.source[some]], slope[some] * prices[table.target[some]]
    favour_in = table.favour_in[some]
    most_of = np.minimum((1.0 + favour_in) * worth_out - worth_in, favour_in * worth_in)
    most_of += table.favour_out[some] * prices[table.target[some]]
    if not (most_of > 0.0).any():
        return 0.0
    favour = np.zeros(len(slope))
    favour[some] = np.maximum(most_of, 0.0)
    favour[slope <= 0.0] = -np.inf
    most = np.full(table.mints, -np.inf)
    most[output] = 0.0
    # From the output back: one hop from it is beside it, and of the last hop it is the input's that counts.
    into = table.into(output)
    np.maximum.at(most, table.source[into], favour[into])
    most[output] = 0.0
    for _ in range(MAX_HOPS - 2):
        best = np.maximum.reduceat(favour + most[table.target], table.starts)
        most[table.sources] = np.maximum(most[table.sources], best)
        most[output] = 0.0
    out = table.out_of(input)
    last = max(float(most[input]), float((favour[out] + most[table.target[out]]).max()))
    return MAX_SPLITS * max(last, 0.0)


def _first_arbitrage(table: PriceTable, places: Ints, paid: Floats, worth: Floats) -> tuple[Floats, Floats]:
    """`best_arbitrage` of the first pieces of many curves; `worth` is what their first unit of output per input is worth."""
    return _piece_arbitrage(table.first_in[places], table.bend[places], paid, worth)


def _curve_arbitrage(market: Market, edges: Ints, paid: Floats, got: Floats) -> tuple[Floats, Floats]:
    """`best_arbitrage` of many curves."""
    owner, amounts, slopes, bends = market.pieces.of(edges)
    gains, volumes = _piece_arbitrage(amounts, bends, paid[owner], slopes * got[owner])
    gained, moved = (cast(Floats, np.bincount(owner, worth, len(edges))) for worth in (gains, volumes))
    return gained, moved


def _piece_arbitrage(amounts: Floats, bend: Floats, paid: Floats, worth: Floats) -> tuple[Floats, Floats]:
    """The same of pieces by themselves."""
    x = amounts.copy()
    bent = (bend > 0.0) & (paid > 0.0)
    x[bent] = np.minimum((np.sqrt(worth[bent] / paid[bent]) - 1.0) / bend[bent], amounts[bent])
    x[worth <= paid] = 0.0
    out = worth * x / (1.0 + bend * x)
    return out - x * paid, out + x * paid


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


class Sales:
    """Where each mint is sold for its price, edge by edge, until a mint of `end` is reached."""

    def __init__(self, market: Market, prices: Floats, slope: Floats, end: Container[int]) -> None:
        self._table = market.prices
        self._best = self._table.best_sales(slope, prices)
        self._end = end
        self._within: dict[int, bool] = {}

    def chain(self, mint: int) -> dict[int, int]:
        """Edges by the mint they sell, from this mint on."""
        passed: dict[int, int] = {}
        while mint not in self._end and mint not in passed and mint in self._best:
            place = self._best[mint]
            passed[mint] = int(self._table.edge[place])
            mint = int(self._table.target[place])
        return passed

    def run_within(self, edges: Container[int], mint: int) -> bool:
        """Whether that chain takes these edges only; `edges` are the same at every call."""
        if mint in self._within:
            return self._within[mint]
        passed: dict[int, bool] = {}
        while mint not in self._end and mint not in passed and mint not in self._within and mint in self._best:
            place = self._best[mint]
            passed[mint] = int(self._table.edge[place]) in edges
            mint = int(self._table.target[place])
        # Round in a circle it is the whole circle that counts, and it is what was passed since that mint.
        within = self._within.get(mint, True)
        circle = list(passed)[list(passed).index(mint) :] if mint in passed else []
        if circle:
            within = all(passed[one] for one in circle)
        self._within.update(dict.fromkeys(circle, within))
        for one in reversed(list(passed)[: len(passed) - len(circle)]):
            within = within and passed[one]
            self._within[one] = within
        return within


@_ABSURD
def all_prices(market: Market, known: Sequence[tuple[int, float]], slope: Floats) -> Floats:
    """Prices of every mint from those of some, at these slopes."""
    table = market.prices
    prices = np.zeros(table.mints)
    fixed = np.zeros(table.mints, dtype=np.bool_)
    for mint, price in known:
        prices[mint] = price
        fixed[mint] = True
    return table.extended(slope, prices, fixed)
