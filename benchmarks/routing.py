"""`make bench`: routes over generated markets of all seven kinds of pool, on one core, into docs/benchmarks-routing.md.

Each market is measured in a process of its own, so that its peak memory is its own. Run as `python -m benchmarks.routing`.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.routing_markets import GeneratedMarket, generated_market
from benchmarks.routing_unlimited import unlimited_section
from dexroute import __version__
from dexroute.engine.routing import RouteOptions, RouteQuote, Solution, find_route, solve_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import RouteNotFound
from dexroute.types.requests import QuoteRequest, SwapMode

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks-routing.md"
MARKETS: Final = (
    (2_000, 500, False, 7, 3),
    (2_000, 500, True, 7, 3),
    (2_000, 500, False, 21, 5),  # a 99th percentile depends on the market: one alone flatters
    (2_000, 500, True, 21, 5),
    (2_000, 500, False, 12, 6),
    (2_000, 500, True, 12, 6),
    (2_000, 500, False, 33, 9),
    (2_000, 500, True, 33, 9),
    (2_000, 500, False, 44, 10),
    (2_000, 500, True, 44, 10),
    (20_000, 5_000, False, 7, 3),
)
"""Pools, mints, with arbitrage or not, and the seeds of the market and of its orders."""
AIMS_MS: Final = {2_000: "15 / 60", 20_000: "60 / -"}
ORDERS: Final = 200
HUBS: Final = 12

_TEXT = """# Benchmarks: routing

Written by `make bench`; do not edit. dexroute {version} on Python {python}, {machine}, one core.

Markets are generated ({orders} orders each, seeded): the seven kinds of pool in equal parts, concentrated and binned ones
included; every mint is joined to one of four hubs, pools are between 300 and 3,000,000 whole units deep. Without arbitrage every
pool quotes a common price within its own fee; with it, up to several fees away. Half of the orders are between the twelve
best connected mints, half between any two; amounts run from a hundred-millionth to a tenth of what all pools together hold of the
scarcer mint; a third are exact out. Limits: 3 hops, 8 legs, no transaction in the way (`AnyRoom`).

`cold` is the market from its pools, every curve, and a first route; `warm` are the orders after that, each with its
certificate (`find_route`). `aim` is median / 99th percentile, `seeds` are those of the market and of its orders.
Processor time, so that other work on the machine counts for less; it still shares the caches. What the market holds is frozen
before the warm orders (`gc.freeze`), as a process that stays up would do with it: looking through it for garbage, once in about a
hundred orders, takes 35 ms at 2,000 pools and 250 ms at 20,000. `none` are the orders without a route, which are not among the
times of the others, and how long the longest of them took to say how much of it could be filled.

| pools | mints | arbitrage | seeds | cold | warm median | warm p99 | aim | peak memory | none |
| ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
{speed}

## Against the optimum

Distance to the certificate's bound, which no split of any number of hops and legs can pass, in basis points; orders of a
million base units and more, below which whole units decide. The distance falls apart into what longer paths could add (`hop
limit`), what whole units take and the bound allows for them (`units`), what cycles yield (with arbitrage all but all of it,
whatever the order's size), and everything else (`rest`: the leg limit, and what the search misses).

| pools | arbitrage | seeds | distance median | hop limit median | units median | rest median | rest p90 |
| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |
{gaps}

{unlimited}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One market. Times in seconds, memory in bytes, distances in basis points."""

    pools: int
    mints: int
    arbitrage: bool
    seeds: str
    cold_s: float
    median_s: float
    p99_s: float
    peak_bytes: int
    unroutable: int
    longest_refusal_s: float
    distance: float
    hop_limit: float
    units: float
    rest: float
    rest_p90: float


def main(arguments: Sequence[str]) -> int:
    if arguments:
        pools, mints, arbitrage, seed, orders_seed = (int(argument) for argument in arguments)
        print(json.dumps(asdict(_measured(pools, mints, bool(arbitrage), seed, orders_seed))))
        return 0
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    found = []
    for market in MARKETS:
        command = [sys.executable, "-m", "benchmarks.routing", *(str(int(part)) for part in market)]
        ran = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  our own interpreter
        found.append(Measured(**json.loads(ran.stdout)))
        print(_speed_row(found[-1]), flush=True)
    PAGE.write_text(
        _TEXT.format(
            version=__version__,
            python=platform.python_version(),
            machine=platform.processor() or platform.machine(),
            orders=ORDERS,
            speed="\n".join(map(_speed_row, found)),
            gaps="\n".join(map(_gap_row, found)),
            unlimited=unlimited_section(),
        ),
        encoding="utf-8",
    )
    return 0


def _measured(pools: int, mints: int, arbitrage: bool, seed: int, orders_seed: int) -> Measured:
    made = generated_market(pools, mints, seed=seed, arbitrage=arbitrage)
    rng = random.Random(orders_seed)  # noqa: S311
    requests = [_request(made, rng, number) for number in range(ORDERS)]
    options = RouteOptions(room=AnyRoom())
    started = time.process_time()
    market = Market(made.pools)
    market.prices.worth(market.prices.slope, 0, 1)
    _solved(market, requests[0], options)
    cold = time.process_time() - started
    gc.collect()
    gc.freeze()
    times: list[float] = []
    distances: list[tuple[float, ...]] = []
    refusals = [0.0]
    unroutable = 0
    for request in requests:
        started = time.process_time()
        found = _routed(market, request, options)
        (refusals if found is None else times).append(time.process_time() - started)
        solution = _solved(market, request, options)
        if solution is None or solution.certificate is None:
            unroutable += 1
            continue
        exact_in = request.mode is SwapMode.EXACT_IN
        reached = solution.quote.amount_out if exact_in else solution.quote.amount_in
        if reached >= 1_000_000:
            certificate = solution.certificate
            costs = (
                abs(certificate.bound - reached),
                certificate.hop_limit_cost,
                certificate.rounding_cost,
                certificate.leg_limit_cost + certificate.residual_cost,
            )
            distances.append(tuple(cost / reached * 1e4 for cost in costs))
    wholes, hops, units, rests = zip(*distances, strict=True)
    return Measured(
        pools=pools,
        mints=mints,
        arbitrage=arbitrage,
        seeds=f"{seed}/{orders_seed}",
        cold_s=cold,
        median_s=statistics.median(times),
        p99_s=_quantile(times, 0.99),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        unroutable=unroutable,
        longest_refusal_s=max(refusals),
        distance=statistics.median(wholes),
        hop_limit=statistics.median(hops),
        units=statistics.median(units),
        rest=statistics.median(rests),
        rest_p90=_quantile(rests, 0.9),
    )


def _solved(market: Market, request: QuoteRequest, options: RouteOptions) -> Solution | None:
    try:
        return solve_route(market, request, options)
    except RouteNotFound:
        return None


def _routed(market: Market, request: QuoteRequest, options: RouteOptions) -> RouteQuote | None:
    try:
        return find_route(market, request, options)
    except RouteNotFound:
        return None


def _request(made: GeneratedMarket, rng: random.Random, number: int) -> QuoteRequest:
    mode = SwapMode.EXACT_IN if number % 3 else SwapMode.EXACT_OUT
    source, target = rng.sample(range(len(made.mints) if number % 2 else HUBS), 2)
    worth = min(made.depths[source], made.depths[target]) * 10.0 ** rng.uniform(-8.0, -1.0)
    return QuoteRequest(
        input_mint=made.mints[source].address,
        output_mint=made.mints[target].address,
        amount=made.amount(source if mode is SwapMode.EXACT_IN else target, worth),
        mode=mode,
    )


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def _speed_row(found: Measured) -> str:
    warm = f"{found.median_s * 1e3:.1f} ms | {found.p99_s * 1e3:.1f} ms | {AIMS_MS[found.pools]} ms"
    memory = f"{found.peak_bytes / 2**20:.0f} MiB"
    arbitrage = "yes" if found.arbitrage else "no"
    what = f"{found.pools} | {found.mints} | {arbitrage} | {found.seeds}"
    none = f"{found.unroutable} / {found.longest_refusal_s * 1e3:.0f} ms"
    return f"| {what} | {found.cold_s:.2f} s | {warm} | {memory} | {none} |"


def _gap_row(found: Measured) -> str:
    # With arbitrage the bound counts what cycles earn, whatever the order's size: no distance in parts of the order.
    wholes = ["-", "-"] if found.arbitrage else [f"{found.distance:.3f}", f"{found.hop_limit:.3f}"]
    shown = " | ".join([*wholes, *(f"{part:.3f}" for part in (found.units, found.rest, found.rest_p90))])
    return f"| {found.pools} | {'yes' if found.arbitrage else 'no'} | {found.seeds} | {shown} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
