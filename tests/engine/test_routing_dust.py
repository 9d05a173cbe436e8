"""Markets are full of pools that hold next to nothing at any price. They must not crowd out those that can fill an order."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dexroute.engine.routing import RouteOptions, find_route
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.fetchers.base import Pool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import MINTS, A, B, assert_executes
from tests.engine.small_market import pool

_DEEP = [(0, 1, 10**13), (0, 2, 10**13), (2, 1, 10**13), (0, 1, 3 * 10**12)]


@pytest.fixture(scope="module")
def deep() -> list[Pool]:
    return [pool(f"deep {number}", (MINTS[i], MINTS[j]), (held, held)) for number, (i, j, held) in enumerate(_DEEP)]


@pytest.fixture(scope="module")
def crowded(deep: list[Pool]) -> Market:
    """The deep pools among six hundred with a few thousand units each, half of them at better prices, and some of one unit."""
    rng = random.Random(5)
    made: list[Pool] = list(deep)
    for number in range(600):
        first, second = rng.sample(range(4), 2)
        held = int(10.0 ** rng.uniform(2.0, 6.0))
        reserves = (held, max(1, int(held * 3.0 ** rng.gauss(0.0, 1.0)))) if number % 10 else (1, 10**9)
        made.append(pool(f"dust {number}", (MINTS[first], MINTS[second]), reserves))
    return Market(made)


@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("legs", [1, 2, 8])
@pytest.mark.parametrize("amount", [10**9, 10**11, 10**12])
def test_dust_hides_no_deep_pool(deep: list[Pool], crowded: Market, amount: int, legs: int, mode: SwapMode) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    options = RouteOptions(max_splits=legs, room=AnyRoom())
    alone, among = find_route(deep, request, options), find_route(crowded, request, options)
    assert_executes(list(crowded), request, among)
    if mode is SwapMode.EXACT_IN:
        assert among.amount_out >= alone.amount_out * (1 - 1e-8)
    else:
        assert among.amount_in <= alone.amount_in * (1 + 1e-8)


def test_the_last_units_of_a_drained_pool_are_not_cheap() -> None:
    """Doubles tell them from nothing no longer."""
    table = Market([pool("dead", (MINTS[0], MINTS[1]), (1, 10**9))]).prices
    place = int(np.argmax(table.slope))
    most = float(table.slope[place] * table.capacity[place] / (1.0 + table.whole_bend[place] * table.capacity[place]))
    start, goal = int(table.source[place]), int(table.target[place])
    with np.errstate(all="raise"):
        for units in range(1, 20):
            asked = most * (1.0 - units * 2.0**-53)
            rates = table.at_size(table.slope, table.whole_bend, start, goal, asked, 3, exact_in=False)
            assert 0.0 <= rates[place] < 1.0
