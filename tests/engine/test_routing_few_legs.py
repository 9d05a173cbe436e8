"""Limits on legs and hops: of so many legs the best are taken, against every choice of them; more hops allowed cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest

from benchmarks.routing_markets import generated_market
from dexroute.engine.routing import RouteOptions, find_route
from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.fixed_paths import solve_paths
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.paths import PathSearch, promised_paths
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import scope_of
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import A, B, pools_of

_LOOKED_AT = 12


def _every_choice(market: Market, request: QuoteRequest, options: RouteOptions) -> Iterator[float]:
    """What so many of the best paths bring (exact in) or cost (exact out) together."""
    scope = scope_of(market, request, options)
    order = scope.order
    search = PathSearch(
        input=order.input,
        output=order.output,
        amount=order.amount / 10,
        exact_in=order.exact_in,
        max_hops=options.max_hops,
        keep=1.0,
        width=1_000_000,
    )
    paths: list[Path] = [one.path for one in promised_paths(market, scope.edges, search)[0]][:_LOOKED_AT]
    edges = {edge for path in paths for edge in path}
    arrivals = {edge: market.curve(edge).pieces[0].slope for edge in edges}
    start = NetworkFlow(flows=dict.fromkeys(edges, 1.0), arrivals=arrivals, prices={}, value=order.amount, solved=True)
    for chosen in combinations(paths, options.max_splits):
        shares = [PathShare(path, 1.0 / len(chosen)) for path in chosen]
        solved = solve_paths(market, shares, start, order, tolerance=1e-7)
        if solved is not None:
            yield solved[1].value


@pytest.mark.parametrize(
    ("seed", "pools", "mints", "arbitrage", "ends", "mode", "amount", "legs"),
    [
        (0, 20, 4, True, (2, 0), SwapMode.EXACT_IN, 2_472_179_492, 2),
        (12, 20, 4, False, (3, 2), SwapMode.EXACT_IN, 668_091_338, 2),
        (23, 20, 3, True, (0, 1), SwapMode.EXACT_IN, 38_200_237_622, 2),
        (113, 12, 5, False, (2, 1), SwapMode.EXACT_OUT, 830_130_877, 3),
        (115, 20, 3, False, (1, 0), SwapMode.EXACT_OUT, 2_357_170_857_445, 3),
    ],
)
def test_no_other_legs_are_better(
    seed: int, pools: int, mints: int, arbitrage: bool, ends: tuple[int, int], mode: SwapMode, amount: int, legs: int
) -> None:
    made = generated_market(pools, mints, seed=seed, arbitrage=arbitrage)
    market = Market(made.pools)
    source, target = (made.mints[end].address for end in ends)
    request = QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=mode)
    options = RouteOptions(max_splits=legs, room=AnyRoom())
    route = find_route(market, request, options)
    assert len(route.route.legs) == legs
    worths = list(_every_choice(market, request, options))
    assert len(worths) > 25
    if mode is SwapMode.EXACT_IN:
        assert route.amount_out >= max(worths) * (1 - 3e-6)
    else:
        assert route.amount_in <= min(worths) * (1 + 3e-6)


@pytest.mark.parametrize(
    ("held", "mode", "amount"),
    [
        (
            [
                (0, 3, 1_030_089, 310_402),
                (2, 1, 121_151, 818_272),
                (3, 2, 32_803_092_755, 62_837_143_183_343),
                (0, 1, 1_898_115, 58_738_980),
                (2, 1, 193_091_303_983, 13_438_678_573),
                (2, 0, 12_084_883_935, 108_762_347_211),
                (3, 2, 4_696_347_557, 3_285_767_964),
            ],
            SwapMode.EXACT_IN,
            811_478_033,
        ),
    ],
)
def test_with_more_hops_allowed_no_route_is_worse_where_circles_pay(
    held: list[tuple[int, int, int, int]], mode: SwapMode, amount: int
) -> None:
    pools = pools_of(held)
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    worths = [find_route(pools, request, RouteOptions(max_hops=hops, room=AnyRoom())).amount_out for hops in (1, 2, 3, 4)]
    for fewer, more in pairwise(worths):
        assert more >= fewer * (1 - 1e-6)


def test_with_more_legs_allowed_no_route_of_a_small_market_is_worse() -> None:
    made = generated_market(8, 4, seed=327, arbitrage=True)
    market = Market(made.pools)
    for amount in (334_424_040, 476_018_655):
        request = QuoteRequest(input_mint=made.mints[1].address, output_mint=made.mints[0].address, amount=amount)
        worths = [find_route(market, request, RouteOptions(max_splits=legs, room=AnyRoom())).amount_out for legs in (1, 2, 3, 5, 8)]
        for fewer, more in pairwise(worths):
            assert more >= fewer * (1 - 1e-6)
