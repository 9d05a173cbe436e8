"""Amounts beyond all liquidity: how much is said to be possible is possible, and so is everything less; more is not.

Between the last amount that a search could divide and what the pools hold there once was a third and more, and amounts that no
route was found for although one was found for more.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks.routing_markets import generated_market
from dexroute.engine.routing import RouteOptions, find_route, rank_candidates
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import RouteNotFound
from dexroute.math.rounding import U64_MAX
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import MINTS, A, B, assert_executes
from tests.engine.small_market import pool


def most_fillable(market: Market, request: QuoteRequest, options: RouteOptions) -> int:
    with pytest.raises(RouteNotFound) as caught:
        find_route(market, request, options)
    return int(caught.value.context["most_fillable"])


@pytest.mark.parametrize("seed", range(20))
def test_pools_side_by_side_can_all_be_drained_to_their_last_unit(seed: int) -> None:
    rng = random.Random(seed)
    legs = rng.randint(1, 8)
    pools = [
        pool(f"{seed} {number}", (MINTS[0], MINTS[1]), (int(10 ** rng.uniform(0, 12)), int(10 ** rng.uniform(3, 12))))
        for number in range(rng.randint(3, 14))
    ]
    market, options = Market(pools), RouteOptions(max_splits=legs, room=AnyRoom())
    most = most_fillable(market, QuoteRequest(input_mint=A, output_mint=B, amount=U64_MAX, mode=SwapMode.EXACT_OUT), options)
    held = sorted((one.vault_amounts[1] for one in pools), reverse=True)[:legs]
    assert 0.9998 * sum(held) <= most < sum(held)
    for part in (1.0, 0.9999, 0.999, 0.99, 0.95, 0.9, 0.8, 0.65, 0.5):
        request = QuoteRequest(input_mint=A, output_mint=B, amount=int(most * part), mode=SwapMode.EXACT_OUT)
        assert_executes(pools, request, find_route(market, request, options))


def test_in_a_large_market_no_more_is_found_than_was_said() -> None:
    made = generated_market(160, 16, seed=7)
    market, options = Market(made.pools), RouteOptions(room=AnyRoom())
    said = 0
    for source, target in zip(made.mints[4:7], made.mints[5:8], strict=True):
        request = QuoteRequest(input_mint=source.address, output_mint=target.address, amount=U64_MAX, mode=SwapMode.EXACT_OUT)
        most = most_fillable(market, request, options)
        for part in (0.5, 0.9, 0.99, 0.999, 1.0):
            find_route(market, replace(request, amount=int(most * part)), options)
        for times in (1.002, 1.03, 1.3):
            beyond = rank_candidates(market, replace(request, amount=int(most * times)), options)
            assert beyond and all(one.lost for one in beyond)
        said += 1
    assert said == 3


def test_legs_together_take_no_more_than_an_account_holds() -> None:
    """Each of them alone was paid for, all of them by nobody."""
    pools = [pool(f"dear {number}", (MINTS[0], MINTS[1]), (10**18, 10**12)) for number in range(3)]
    options = RouteOptions(room=AnyRoom())
    request = QuoteRequest(input_mint=A, output_mint=B, amount=3 * 94 * 10**10, mode=SwapMode.EXACT_OUT)
    most = most_fillable(Market(pools), request, options)
    quote = find_route(pools, replace(request, amount=most), options)
    assert_executes(pools, replace(request, amount=most), quote)
    assert 0.99 * U64_MAX < quote.amount_in <= U64_MAX
    # In equal parts, which is best: 6.15e18 into each.
    assert most == pytest.approx(3 * 10**12 * 6.133 / 7.133, rel=2e-3)


@pytest.mark.parametrize("seed", range(6))
def test_no_less_can_be_asked_for_than_all_the_input_there_can_be_buys(seed: int) -> None:
    """One pool drained to its last unit costs what several cost for most of theirs; together they cost no more than 2^64 - 1."""
    rng = random.Random(seed)
    pools = [
        pool(f"{seed} dear {number}", (MINTS[0], MINTS[1]), (int(10 ** rng.uniform(16, 18.8)), int(10 ** rng.uniform(5, 8))))
        for number in range(rng.randint(3, 8))
    ]
    market, options = Market(pools), RouteOptions(room=AnyRoom())
    request = QuoteRequest(input_mint=A, output_mint=B, amount=10**12, mode=SwapMode.EXACT_OUT)
    most = most_fillable(market, request, options)
    bought = find_route(market, QuoteRequest(input_mint=A, output_mint=B, amount=U64_MAX - 10**6), options).amount_out
    assert most >= bought * (1 - 1e-5)
    quote = find_route(market, replace(request, amount=most), options)
    assert_executes(pools, replace(request, amount=most), quote)
    assert quote.amount_in <= U64_MAX
