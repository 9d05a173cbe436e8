"""What the pool program does with time: the fee decays, the price sums grow, the ring turns; the Python model says exactly how."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dexroute.errors import UsageError
from dexroute.fetchers.pool.events import Swapped
from dexroute.fetchers.pool.oracle import OBSERVATIONS, time_weighted_price
from dexroute.fetchers.pool.price_sums import PriceSums
from dexroute.types.requests import SwapMode
from tests.programs.market import Market, fresh_market, swap_as_predicted
from tests.programs.samples import TERMS
from tests.programs.world import World


def fee_charged(market: Market, amount: int = 10_000) -> int:
    outcome = swap_as_predicted(market, 0, amount, SwapMode.EXACT_IN)
    (event,) = outcome.events
    assert isinstance(event, Swapped)
    return event.fee_ppm


def test_a_burst_raises_the_fee_and_time_lowers_it(world: World, market: Market) -> None:
    assert fee_charged(market) == 3_000
    assert swap_as_predicted(market, 1, 2 * 10**8, SwapMode.EXACT_IN).ok
    high = fee_charged(market)
    assert high == TERMS.fee_ppm(market.pool.volatility.at(world.clock.unix_timestamp, TERMS)) > 3_000
    charged = []
    for pause in (30, 100, 150, 200, 250, 300, 400, 599, 600):
        world.advance(pause)
        charged.append(fee_charged(market, 10))
    assert charged[0] == high, "within the filter period nothing fades"
    assert charged == sorted(charged, reverse=True)
    assert charged[-1] == 3_000


def test_the_fee_does_not_rise_within_a_swap_but_with_the_next(market: Market) -> None:
    outcome = swap_as_predicted(market, 0, 10**9, SwapMode.EXACT_IN)
    (event,) = outcome.events
    assert isinstance(event, Swapped) and event.fee_ppm == 3_000
    assert market.pool.volatility.bps == TERMS.max_volatility_bps
    assert fee_charged(market) == TERMS.fee_ppm(TERMS.max_volatility_bps)


def test_a_clock_that_goes_back_is_no_time_passed(world: World, market: Market) -> None:
    assert swap_as_predicted(market, 1, 2 * 10**8, SwapMode.EXACT_IN).ok
    sums = market.pool.sums
    world.advance(-1_000)
    assert swap_as_predicted(market, 0, 10**6, SwapMode.EXACT_IN).ok
    assert market.pool.sums == sums
    world.advance(1_000)


@pytest.mark.parametrize("now", [0, 5, -7, 2**40, 2**63 - 1])
def test_any_clock_is_served(now: int) -> None:
    world = World()
    world.set_time(now)
    market = Market.open(world, world.new_mint(), world.new_mint())
    assert market.add((4 * 10**9, 9 * 10**9)).ok
    for _ in range(2):
        assert swap_as_predicted(market, 0, 10**7, SwapMode.EXACT_IN).ok
    if now < 2**63 - 100:
        world.advance(99)
        assert swap_as_predicted(market, 1, 10**7, SwapMode.EXACT_IN).ok
        assert len(market.observations) == 1


def test_from_the_first_to_the_last_second_of_a_clock() -> None:
    world = World()
    world.set_time(-(2**63))
    market = Market.open(world, world.new_mint(), world.new_mint())
    assert market.add((4 * 10**9, 9 * 10**9)).ok
    assert swap_as_predicted(market, 0, 10**7, SwapMode.EXACT_IN).ok
    world.set_time(2**63 - 1)
    assert swap_as_predicted(market, 0, 10**7, SwapMode.EXACT_IN).ok


def observed(ring: list[PriceSums], sums: PriceSums) -> list[PriceSums]:
    """The model of the ring: what it holds after the sums have run up to `sums.at`."""
    if ring and sums.at - ring[-1].at < 15:
        return ring
    return [*ring, sums][-OBSERVATIONS:]


def test_observations_are_fifteen_seconds_apart_and_turn_after_128(world: World, market: Market) -> None:
    ring: list[PriceSums] = []
    for i in range(300):
        world.advance((1, 7, 7, 15, 14, 20)[i % 6])
        before = market.pool.sums
        if i % 10 == 9:
            assert market.add((10**4, 10**5)).ok
        elif i % 10 == 8:
            assert market.remove(10**3).ok
        else:
            assert market.swap(i % 2, 10**6 + i).ok
        sums = market.pool.sums
        assert sums.at == world.clock.unix_timestamp > before.at
        ring = observed(ring, sums)
        if i % 7 == 0:
            assert market.observations == tuple(ring)
    assert market.observations == tuple(ring)
    assert len(ring) == OBSERVATIONS
    assert world.balance(market.holdings[0]) > 0


def test_nothing_is_observed_without_a_price_or_without_time(world: World) -> None:
    market = Market.open(world, world.new_mint(), world.new_mint())
    opened = world.clock.unix_timestamp
    world.advance(100)
    assert market.add((10**6, 10**6)).ok
    assert market.pool.sums == PriceSums(a_x64=0, b_x64=0, at=opened)
    assert list(market.observations) == []
    world.advance(1)
    assert market.swap(0, 10**3).ok
    first = market.pool.sums
    assert first == PriceSums(a_x64=101 << 64, b_x64=101 << 64, at=opened + 101)
    assert market.observations == (first,)
    assert market.swap(0, 10**3).ok
    assert (market.pool.sums, market.observations) == (first, (first,))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 1), st.integers(1, 10**9)), min_size=8, max_size=25),
    st.integers(1, 300),
)
def test_the_mean_price_is_the_models(world: World, history: list[tuple[int, int, int]], window_s: int) -> None:
    market = fresh_market(world)
    assert market.add((4 * 10**9, 9 * 10**9)).ok
    spans: list[tuple[int, int, Fraction]] = []  # from, to, price of a in b
    for pause, index_in, amount in history:
        start = world.clock.unix_timestamp
        a, b = market.pool.reserves
        spans.append((start, start + pause, Fraction(b, a)))
        world.advance(pause)
        swap_as_predicted(market, index_in, amount, SwapMode.EXACT_IN)
    pool, observations = market.pool, market.observations
    try:
        mean = time_weighted_price(pool, observations, window_s)
    except UsageError:
        assert not observations or pool.clock.unix_timestamp - observations[0].at < window_s
        return
    assert mean.end == world.clock.unix_timestamp and mean.end - mean.start >= window_s
    exact = sum(((min(to, mean.end) - max(start, mean.start)) * price for start, to, price in spans if to > mean.start), Fraction())
    exact /= mean.end - mean.start
    assert exact - Fraction(1, 2**64) < mean.a_in_b.ratio <= exact
    lower, upper = min(span[2] for span in spans), max(span[2] for span in spans)
    assert lower - Fraction(1, 2**64) <= mean.a_in_b.ratio <= upper
