"""Tiny pools, enormous orders: every pool pays nearly all it has, the input hardly has a price, and yet there is a best split."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteOptions, find_route, solve_route
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import QuoteError, RouteNotFound
from dexroute.fetchers.base import Pool
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import MINTS, A, B, assert_executes, carried, simple_paths
from tests.engine.small_market import exact_in, pool

MINT_A, MINT_B, MINT_C, MINT_D = MINTS


def test_two_doors_to_one_narrow_passage_are_both_used() -> None:
    """Once the flow was scaled by the price of the first unit, and half of the output taken for a solver's noise."""
    market = [
        pool("door", (MINT_A, MINT_C), (10**9, 10**9)),
        pool("other door", (MINT_A, MINT_C), (10**9, 10**9)),
        pool("passage", (MINT_C, MINT_B), (10**9, 10**9)),
    ]
    request = exact_in(MINT_A, MINT_B, U64_MAX - 10**9)
    options = RouteOptions(max_hops=2, room=AnyRoom())
    solution = solve_route(market, request, options)
    assert_executes(market, request, solution.quote)
    one = find_route(market, request, RouteOptions(max_hops=2, max_splits=1, room=AnyRoom())).amount_out
    # All of C comes out of both doors: 2 of 3 parts instead of 1 of 2.
    assert len(solution.quote.route.legs) == 2
    assert solution.quote.amount_out > one * 4 // 3 - one // 100
    certificate = solution.certificate
    assert certificate is not None and certificate.limited_bound is not None
    assert (
        certificate.gap_centi_bps is not None and certificate.gap_centi_bps <= 200
    )  # the fee of the first leg stays in the pool they share


def _divisions(market: Sequence[CpmmPool], request: QuoteRequest, max_hops: int) -> int:
    """The most that an equal division over any one to three paths brings."""
    best = 0
    paths = list(simple_paths(market, max_hops))
    for legs in (1, 2, 3):
        for chosen in combinations(paths, legs):
            states: dict[Pubkey, Pool] = {}
            parts = [request.amount // legs] * (legs - 1)
            parts.append(request.amount - sum(parts))
            try:
                brought = sum(carried(path, part, SwapMode.EXACT_IN, 0, states) for path, part in zip(chosen, parts, strict=True))
            except QuoteError:
                continue
            best = max(best, brought)
    return best


@pytest.mark.parametrize("seed", range(3))
def test_no_equal_division_of_an_enormous_order_is_better(seed: int) -> None:
    rng = random.Random(seed)
    compared = 0
    for _ in range(12):
        market: list[CpmmPool] = []
        for between in (MINT_C, MINT_D):
            for ends in ((MINT_A, between), (between, MINT_B)):
                for _ in range(rng.randint(1, 2)):
                    reserves = int(10.0 ** rng.uniform(3.0, 9.0)), int(10.0 ** rng.uniform(3.0, 9.0))
                    market.append(pool(f"{seed} {len(market)}", ends, reserves))
        request = QuoteRequest(input_mint=A, output_mint=B, amount=rng.choice([10**12, 10**15, 10**18, U64_MAX - 10**10]))
        try:
            quote = find_route(market, request, RouteOptions(max_hops=2, room=AnyRoom()))
        except RouteNotFound:
            continue
        assert_executes(market, request, quote)
        best = _divisions(market, request, 2)
        assert best * 0.9999 - 8 <= quote.amount_out
        assert quote.bound is not None and max(best, quote.amount_out) <= quote.bound
        compared += 1
    assert compared == 12


def test_what_one_pool_cannot_hold_goes_to_those_that_can() -> None:
    """Accounts hold 2^64 - 1: a pool takes what is missing to that, and refuses more, however flat its curve."""
    market = [
        pool("nearly full", (MINT_A, MINT_B), (U64_MAX - 10**18, 10**12)),
        pool("full too", (MINT_A, MINT_B), (U64_MAX - 10**17, 10**11)),
        pool("empty", (MINT_A, MINT_B), (10**6, 10**6)),
    ]
    request = exact_in(MINT_A, MINT_B, U64_MAX // 2)
    quote = find_route(market, request, RouteOptions(room=AnyRoom()))
    assert_executes(market, request, quote)
    alone = [
        market[0].quote(exact_in(MINT_A, MINT_B, 10**18)).amount_out,
        market[1].quote(exact_in(MINT_A, MINT_B, 10**17)).amount_out,
    ]
    assert quote.amount_out > 0.8 * sum(alone)
