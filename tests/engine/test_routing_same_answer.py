"""The same question has one answer, whatever the interpreter hashes with and in whatever order pools come; and asked from the other
side, for what a route brings, it costs no more than was paid."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace

from benchmarks.routing_markets import GeneratedMarket, generated_market
from dexroute.engine.routing import RouteOptions, find_route, rank_candidates, solve_route
from dexroute.engine.routing.market import Market, offers_exact_out
from dexroute.engine.routing.room import AnyRoom
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import assert_executes

_ANSWERS = """
import random, sys
from benchmarks.routing_markets import generated_market
from dexroute.engine.routing import RouteOptions, find_route, rank_candidates, solve_route
from dexroute.engine.routing.room import AnyRoom
from tests.engine.test_routing_same_answer import requests
made = generated_market(60, 8, seed=2, arbitrage=True)
pools = list(made.pools)
random.Random(int(sys.argv[1])).shuffle(pools)
for request in requests(made, 2, 6):
    quote = find_route(pools, request, RouteOptions(room=AnyRoom()))
    hops = [(str(hop.pool), hop.amount_in, hop.amount_out) for hop in quote.route.hops]
    print(quote.amount_in, quote.amount_out, quote.bound, hops)
"""


def requests(made: GeneratedMarket, seed: int, number: int) -> list[QuoteRequest]:
    """Orders of a hundred-millionth to a hundredth of what pools hold, every third exact out."""
    rng = random.Random(seed)
    asked = []
    for place in range(number):
        source, target = rng.sample(range(len(made.mints)), 2)
        mode = SwapMode.EXACT_OUT if place % 3 == 0 else SwapMode.EXACT_IN
        worth = min(made.depths[source], made.depths[target]) * 10.0 ** rng.uniform(-8.0, -2.0)
        amount = made.amount(source if mode is SwapMode.EXACT_IN else target, worth)
        asked.append(
            QuoteRequest(input_mint=made.mints[source].address, output_mint=made.mints[target].address, amount=amount, mode=mode)
        )
    return asked


def test_neither_hash_seed_nor_order_of_pools_changes_a_route() -> None:
    answers = set()
    for seed in ("0", "1", "4242"):
        ran = subprocess.run(
            [sys.executable, "-c", _ANSWERS, seed],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        )
        assert len(ran.stdout.splitlines()) == 6
        answers.add(ran.stdout)
    assert len(answers) == 1


def test_what_a_route_brings_costs_no_more_when_asked_for() -> None:
    """Exact out of what exact in returned costs the input at most, but for the whole unit that every hop may lose: where the leg
    limit does not bind. Where it does, which eight legs are best is found by searches that start elsewhere."""
    made = generated_market(60, 8, seed=5, deepest=3e15)
    pools = [one for one in made.pools if offers_exact_out(one.venue_id)]
    market = Market(pools)
    options = RouteOptions(room=AnyRoom())
    compared = split = 0
    for request in requests(made, 5, 36):
        forward = find_route(market, replace(request, mode=SwapMode.EXACT_IN), options)
        if len(forward.route.legs) == options.max_splits:
            continue
        back = replace(request, mode=SwapMode.EXACT_OUT, amount=forward.amount_out)
        backward = find_route(market, back, options)
        assert_executes(pools, back, backward)
        if len(backward.route.legs) == options.max_splits:
            continue
        units = sum(1 + leg.amount_in / hop.amount_out for one in (forward, backward) for leg in one.route.legs for hop in leg.hops)
        assert backward.amount_in - forward.amount_in <= forward.amount_in / 10**7 + units
        compared += 1
        split += len(forward.route.legs) > 1
    assert compared > 8
    assert split > 1


def test_explaining_a_search_does_not_change_what_it_finds() -> None:
    """Who asks for candidates and the reasons they lost gets the route of who does not, also where the smallest of good ones is
    wanted; what is listed besides stands behind it, best first."""
    compared = Counter[bool]()
    for seed in range(6):
        made = generated_market(24, 5, seed=seed, arbitrage=bool(seed % 2))
        market = Market(made.pools)
        for place, request in enumerate(requests(made, seed, 12)):
            small = place % 2 == 1
            options = RouteOptions(room=AnyRoom(), prefer_small=small, small_tolerance_bps=200, max_splits=(8, 2, 3)[place % 3])
            plain, explained = find_route(market, request, options), solve_route(market, request, options)
            assert explained.quote == plain
            assert explained.candidates[0].quote == plain
            assert [one.pools for one in rank_candidates(market, request, options)] == [one.pools for one in explained.candidates]
            nets = [one.net for one in explained.candidates[1:] if one.net is not None]
            assert nets == sorted(nets, reverse=request.mode is SwapMode.EXACT_IN)
            compared[small] += len(nets) > 4
    assert min(compared[False], compared[True]) > 5
