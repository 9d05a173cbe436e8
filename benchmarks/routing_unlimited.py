"""How far routes are from the optimum where no limit binds: the part of docs/benchmarks-routing.md on that.

Run alone as `python -m benchmarks.routing_unlimited`, which prints it.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from typing import Final

from benchmarks.routing_markets import GeneratedMarket, generated_market
from dexroute.engine.routing import RouteOptions, Solution, solve_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import RouteNotFound
from dexroute.types.requests import QuoteRequest, SwapMode

# Pools, mints, seeds.
MARKETS: Final = ((60, 8, (3, 4, 5, 6, 7, 8)), (120, 20, (3, 4, 5, 6, 7, 8)), (300, 60, (3, 4, 5, 6)))
ORDERS: Final = 120
DEEPEST: Final = 3e15
HOPS: Final = 4
LEAST_UNITS: Final = 10**8
# Of the worth of all pools' holdings of the scarcer mint, as powers of ten.
SIZES: Final = (-6.5, -2.5)

# How many hops a path may have that is to be worse than all of HOPS hops, and by what part it has to be better.
_ANY_HOPS: Final = 12
_BETTER: Final = 1e-7

_TEXT = """### Where no limit binds

Smaller markets without arbitrage whose pools hold a thousand times as many base units, {hops} hops and 8 legs allowed. Of
{orders} orders a market those whose route needs fewer than 8 legs, behind which no path of more than {hops} hops pays better
than all shorter ones (a route of three hops a leg may well lack a path of five), and that are worth {units:,} base units of any
mint at least: a bound allows for whole units of every pool it counts. Distance of the route to the certificate's bound, in basis
points: what the search misses and what the bound is too wide by.

| pools | mints | mode | median | p90 | worst | under 0.1 | orders |
| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |
{rows}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """Distances to the bound in basis points, one an order, over markets of one size."""

    pools: int
    mints: int
    mode: SwapMode
    found: tuple[float, ...]

    def row(self) -> str:
        """A row of the page's table."""
        ordered = sorted(self.found)
        numbers = (statistics.median(ordered), ordered[len(ordered) * 9 // 10], ordered[-1])
        shown = " | ".join(f"{number:.4f}" for number in numbers)
        near = sum(distance < 0.1 for distance in ordered)
        return f"| {self.pools} | {self.mints} | {self.mode} | {shown} | {near / len(ordered):.1%} | {len(ordered)} |"


def unlimited_section() -> str:
    """The section of the page, measured now."""
    measured = [distances(pools, mints, seeds, mode) for pools, mints, seeds in MARKETS for mode in SwapMode]
    rows = "\n".join(one.row() for one in measured if one.found)
    return _TEXT.format(hops=HOPS, orders=ORDERS, units=LEAST_UNITS, rows=rows)


def distances(pools: int, mints: int, seeds: tuple[int, ...], mode: SwapMode) -> Distances:
    """What the orders of these markets that no limit binds are from their bounds."""
    found = []
    for seed in seeds:
        made = generated_market(pools, mints, seed=seed, deepest=DEEPEST)
        market = Market(made.pools)
        rng = random.Random(seed)  # noqa: S311
        for number in range(ORDERS):
            request = _request(made, rng, number)
            if request is None or request.mode is not mode:
                continue
            try:
                solution = solve_route(market, request, RouteOptions(max_hops=HOPS, room=AnyRoom()))
            except RouteNotFound:
                continue
            distance = _distance(market, solution, request)
            if distance is not None:
                found.append(distance)
    return Distances(pools=pools, mints=mints, mode=mode, found=tuple(found))


def _request(made: GeneratedMarket, rng: random.Random, number: int) -> QuoteRequest | None:
    """None for one that is worth too few units of some mint."""
    mode = SwapMode.EXACT_IN if number % 3 else SwapMode.EXACT_OUT
    source, target = rng.sample(range(len(made.mints)), 2)
    worth = min(made.depths[source], made.depths[target]) * 10.0 ** rng.uniform(*SIZES)
    if worth < LEAST_UNITS * max(made.worths):
        return None
    return QuoteRequest(
        input_mint=made.mints[source].address,
        output_mint=made.mints[target].address,
        amount=made.amount(source if mode is SwapMode.EXACT_IN else target, worth),
        mode=mode,
    )


def _distance(market: Market, solution: Solution, request: QuoteRequest) -> float | None:
    """In basis points of what was reached; None where legs or hops may have been too few."""
    quote, certificate = solution.quote, solution.certificate
    if certificate is None or len(quote.route.legs) >= 8 or _longer_pays(market, solution, request):
        return None
    reached = quote.amount_out if request.mode is SwapMode.EXACT_IN else quote.amount_in
    return abs(certificate.bound - reached) / reached * 1e4


def _longer_pays(market: Market, solution: Solution, request: QuoteRequest) -> bool:
    """Whether behind the route some path of more than HOPS hops fetches more than every shorter one: what no search could take."""
    table = market.prices
    source, target = market.number_of[request.input_mint], market.number_of[request.output_mint]
    slope = table.usable(exact_in=request.mode is SwapMode.EXACT_IN).copy()
    slope[(table.target == source) | (table.source == target)] = 0.0
    through: dict[int, int] = {}
    for hop in solution.quote.route.hops:
        (edge,) = (edge for edge in market.between(hop.input_mint, hop.output_mint) if market.edge_pool[edge].address == hop.pool)
        through[edge] = through.get(edge, 0) + hop.amount_in
    for edge, amount in through.items():
        slope[table.place[edge]] = market.curve(edge).marginal(float(amount))
    fetched = [worth[source] for worth in table.worth(slope, target, _ANY_HOPS)]
    return bool(fetched[-1] > fetched[HOPS] * (1.0 + _BETTER))


if __name__ == "__main__":
    print(unlimited_section())
