"""Where the best flow is not to be had in the legs and hops allowed, what is allowed is divided as well as it can be."""

from __future__ import annotations

import random

import pytest

from benchmarks.routing_markets import GeneratedMarket, generated_market
from dexroute.engine.routing import RouteOptions, find_route, solve_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import RouteNotFound
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import A, B, assert_executes, pools_of

DENSE = generated_market(60, 6, seed=11)
WIDE = generated_market(200, 30, seed=1)


@pytest.mark.parametrize(("made", "seed", "worst_bps"), [(DENSE, 11, 10), (WIDE, 1, 100)], ids=["dense", "wide"])
def test_legs_that_would_mix_are_kept_apart(made: GeneratedMarket, seed: int, worst_bps: int) -> None:
    """Large orders want dozens of paths. Once an edge was taken out where they mixed, whatever its worth, and a flow over longer
    paths than allowed was left for a single one: hundreds of basis points each."""
    rng, market = random.Random(seed), Market(made.pools)
    binding = 0
    for number in range(16):
        mode = SwapMode.EXACT_OUT if number % 3 == 0 else SwapMode.EXACT_IN
        source, target = rng.sample(range(len(made.mints)), 2)
        worth = min(made.depths[source], made.depths[target]) * 10.0 ** rng.uniform(-2.5, -1.0)
        amount = made.amount(source if mode is SwapMode.EXACT_IN else target, worth)
        request = QuoteRequest(
            input_mint=made.mints[source].address, output_mint=made.mints[target].address, amount=amount, mode=mode
        )
        try:
            solution = solve_route(market, request, RouteOptions(max_hops=4, room=AnyRoom()))
        except RouteNotFound:
            continue  # more than the pools hold
        assert_executes(made.pools, request, solution.quote)
        certificate = solution.certificate
        assert certificate is not None and certificate.limited_bound is not None
        assert certificate.leg_limit_cost * 10_000 <= certificate.bound * worst_bps
        binding += len(solution.quote.route.legs) == 8
    assert binding > 8


@pytest.mark.parametrize(
    ("size", "seed", "hops", "request_", "known"),
    [
        ((80, 8), 10, 3, (1, 4, 2_547_849_493), 171_000_000_000),
        ((300, 60), 6, 4, (17, 20, 68_158_688), 430_500_000),
    ],
    ids=["many paths", "long paths"],
)
def test_better_short_paths_are_looked_for_as_long_as_there_are_any(
    size: tuple[int, int], seed: int, hops: int, request_: tuple[int, int, int], known: int
) -> None:
    """Eight legs that bring `known` were found by looking longer. Once the search stopped after five rounds however much the last
    had gained: a quarter to a third of a percent less."""
    made = generated_market(*size, seed=seed, arbitrage=True)
    source, target, amount = request_
    request = QuoteRequest(input_mint=made.mints[source].address, output_mint=made.mints[target].address, amount=amount)
    quote = solve_route(made.pools, request, RouteOptions(max_hops=hops, room=AnyRoom())).quote
    assert_executes(made.pools, request, quote)
    assert len(quote.route.legs) <= 8
    assert max(len(leg.hops) for leg in quote.route.legs) <= hops
    assert quote.amount_out >= known


@pytest.mark.parametrize(
    ("size", "seed", "arbitrage", "deepest", "hops", "request_", "known"),
    [
        ((300, 60), 5, False, 3e15, 4, (21, 4, 393_960_780), 135_290_000_000),
        ((60, 8), 103, True, 3e12, 3, (7, 5, 218_818_930), 491_200_000),
        ((200, 30), 101, True, 3e15, 4, (18, 27, 147_165_015), 57_445_000_000),
        ((60, 8), 103, True, 3e12, 3, (1, 2, 21_228_683_778), 2_538_000_000),
        ((60, 8), 103, True, 3e12, 3, (2, 4, -6_913_719_643), 9_979_000_000),
    ],
    ids=["one long path", "no paths left", "circles", "paid by circles", "nothing but circles"],
)
def test_short_paths_start_from_the_best_single_one(
    size: tuple[int, int],
    seed: int,
    arbitrage: bool,
    deepest: float,
    hops: int,
    request_: tuple[int, int, int],
    known: int,
) -> None:
    """Nearly all of the best flow takes longer paths than allowed, or pays for itself by circles. Its remains were a poor start,
    from which not even the best single path was reached again; of paths to add only walks in circles were looked at; and a path
    was thought dear for the price beside a pool that nothing passes. Exact out; exact in where the amount is negative."""
    made = generated_market(*size, seed=seed, arbitrage=arbitrage, deepest=deepest)
    source, target, amount = request_
    request = QuoteRequest(
        input_mint=made.mints[source].address,
        output_mint=made.mints[target].address,
        amount=abs(amount),
        mode=SwapMode.EXACT_OUT if amount > 0 else SwapMode.EXACT_IN,
    )
    quote = solve_route(made.pools, request, RouteOptions(max_hops=hops, room=AnyRoom())).quote
    assert_executes(made.pools, request, quote)
    assert len(quote.route.legs) > 1
    assert quote.amount_in <= known if amount > 0 else quote.amount_out >= known


def test_what_legs_carry_together_is_not_let_go_because_each_alone_would_be_missed_little() -> None:
    """Two bins of one price carry four fifths of the best flow, and either could stand in for the other: both were dropped to come
    down to eight legs, which then were worse than one."""
    made = generated_market(150, 30, seed=5001, deepest=33988990414123.637)
    request = QuoteRequest(input_mint=made.mints[26].address, output_mint=made.mints[1].address, amount=20_447_131_846)
    solution = solve_route(made.pools, request, RouteOptions(max_hops=4, room=AnyRoom()))
    assert_executes(made.pools, request, solution.quote)
    assert solution.quote.amount_out >= 38_629_450
    assert solution.certificate is not None
    assert solution.certificate.leg_limit_cost <= 100  # a few hundredths of a basis point


def test_legs_that_lose_more_to_whole_units_than_they_bring_are_dropped() -> None:
    """A base unit of the mint between is worth hundreds of the input's: six legs cost more than one, and nobody tried two."""
    made = generated_market(150, 30, seed=5038, deepest=7328534345328.475)
    request = QuoteRequest(
        input_mint=made.mints[12].address, output_mint=made.mints[5].address, amount=487_599_601, mode=SwapMode.EXACT_OUT
    )
    quote = solve_route(made.pools, request, RouteOptions(max_hops=4, room=AnyRoom())).quote
    assert_executes(made.pools, request, quote)
    assert 1 < len(quote.route.legs) < 6
    assert quote.amount_in <= 547_593_000


def test_circles_that_pay_hide_no_path_of_fewer_hops() -> None:
    """With four hops allowed the best path through most edges goes round a circle first; three hops found a better route."""
    pools = [
        (0, 3, 9111258870, 1808244363),
        (0, 1, 2478008028, 196221181),
        (1, 2, 314446, 1362127),
        (2, 3, 297287, 970041),
        (2, 3, 7132036, 1514265361),
        (3, 2, 299057360, 83692858),
        (2, 0, 3355, 306),
    ]
    market = pools_of(pools)
    request = QuoteRequest(input_mint=A, output_mint=B, amount=2_879_089)
    three, four = (find_route(market, request, RouteOptions(max_hops=hops, room=AnyRoom())) for hops in (3, 4))
    assert four.amount_out >= three.amount_out
