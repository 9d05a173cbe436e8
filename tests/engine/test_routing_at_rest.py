"""What arbitrage is worth over a whole market: all pools at once say what each says alone; prices at rest leave little of it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from benchmarks.routing_markets import GeneratedMarket, generated_market
from dexroute.engine.routing import RouteOptions, solve_route
from dexroute.engine.routing.bound import arbitrage_at, best_arbitrage
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.types.requests import QuoteRequest

FAIR = generated_market(140, 12, seed=21)
TANGLED = generated_market(140, 12, seed=22, arbitrage=True)


@pytest.mark.parametrize("made", [FAIR, TANGLED], ids=["fair", "arbitrage"])
@pytest.mark.parametrize("spread", [0.0, 0.01, 2.0])
def test_all_pools_at_once_are_worth_what_each_is_alone(made: GeneratedMarket, spread: float) -> None:
    market = Market(made.pools)
    worth = {mint.address: value for mint, value in zip(made.mints, made.worths, strict=True)}
    rng = random.Random(1)
    prices = np.array([worth[mint] * 10.0 ** rng.uniform(-spread, spread) for mint in market.mints])
    prices[0] = 0.0
    found = arbitrage_at(market, prices, market.prices.slope)
    alone = {
        edge: best_arbitrage(market.curve(edge), float(prices[source]), float(prices[target]))
        for edge, (source, target) in enumerate(zip(market.source, market.target, strict=True))
    }
    gaining = {edge for edge, (gain, _) in alone.items() if gain > 0.0}
    assert len(gaining) > 10
    assert found.surplus.keys() == gaining
    for edge in gaining:
        assert found.surplus[edge] == pytest.approx(alone[edge][0], rel=1e-9)
    assert found.gained == pytest.approx(sum(gain for gain, _ in alone.values()), rel=1e-12)
    assert found.volume == pytest.approx(sum(volume for _, volume in alone.values()), rel=1e-12)


def test_a_fair_market_has_no_prices_at_rest_and_one_with_arbitrage_has() -> None:
    assert Market(FAIR.pools).at_rest is None
    market = Market(TANGLED.pools)
    rest = market.at_rest
    assert rest is not None
    assert (rest.prices > 0.0).all()
    worth = {mint.address: value for mint, value in zip(TANGLED.mints, TANGLED.worths, strict=True)}
    true = np.array([worth[mint] for mint in market.mints])
    # Both in one unit.
    unit = float(np.median(true / rest.prices))
    assert 0.0 < rest.arbitrage.gained * unit < arbitrage_at(market, true, market.prices.slope).gained


def test_the_bound_of_a_small_order_counts_the_arbitrage_at_rest_and_is_finite() -> None:
    market = Market(TANGLED.pools)
    source, target = TANGLED.mints[0], TANGLED.mints[1]
    request = QuoteRequest(input_mint=source.address, output_mint=target.address, amount=1_000)
    solution = solve_route(market, request, RouteOptions(room=AnyRoom()))
    rest, certificate = market.at_rest, solution.certificate
    assert rest is not None and certificate is not None
    scale = float(rest.prices[market.number_of[target.address]])
    most = float(rest.prices[market.number_of[source.address]]) / scale * 1_000 + rest.arbitrage.gained / scale
    assert solution.quote.amount_out <= certificate.bound <= most * (1 + 1e-6) + 100


def test_a_market_without_tradable_pools_is_at_rest() -> None:
    assert Market(()).at_rest is None
