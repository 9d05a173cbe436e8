"""The bound holds against everything that can be tried, and is tight where nothing limits the route."""

from __future__ import annotations

import random
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from benchmarks.routing_markets import CLOCK, GeneratedMarket, generated_market
from dexroute.engine.routing import Certificate, RouteOptions, find_route, solve_route
from dexroute.engine.routing.bound import dual_bound
from dexroute.engine.routing.market import Market, offers_exact_out
from dexroute.engine.routing.network import solve_network
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import scope_of
from dexroute.errors import QuoteError, RouteNotFound
from dexroute.fetchers import VENUES
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import MINTS, A, B, assert_executes, markets
from tests.engine.small_market import pool

CONNECTED = generated_market(60, 6, seed=11)
CONNECTED_MARKET = Market(CONNECTED.pools)
TANGLED = generated_market(60, 6, seed=12, arbitrage=True)
TANGLED_MARKET = Market(TANGLED.pools)


def _places(made: GeneratedMarket, market: Market) -> list[tuple[int, int]]:
    """(number in the market, place in `made`) of every mint that pools hold."""
    return [(market.number_of[one.address], place) for place, one in enumerate(made.mints) if market.holds(one.address)]


def _request(made: GeneratedMarket, rng: random.Random, mode: SwapMode) -> QuoteRequest:
    source, target = rng.sample(range(len(made.mints)), 2)
    worth = min(made.depths[source], made.depths[target]) * 10.0 ** rng.uniform(-6.0, -1.0)
    amount = made.amount(source if mode is SwapMode.EXACT_IN else target, worth)
    return QuoteRequest(input_mint=made.mints[source].address, output_mint=made.mints[target].address, amount=amount, mode=mode)


def test_a_generated_market_has_every_venue() -> None:
    assert {one.venue_id for one in CONNECTED.pools} == {venue.id for venue in VENUES}
    assert {one.slot for one in CONNECTED.pools} == {CLOCK.slot}


@pytest.mark.parametrize(("made", "market"), [(CONNECTED, CONNECTED_MARKET), (TANGLED, TANGLED_MARKET)], ids=["fair", "arbitrage"])
def test_no_other_options_ever_beat_the_bound(made: GeneratedMarket, market: Market) -> None:
    rng = random.Random(5)
    tried = 0
    for number in range(16):
        mode = SwapMode.EXACT_OUT if number % 4 == 0 else SwapMode.EXACT_IN
        request = _request(made, rng, mode)
        bounds, reached = [], []
        for max_hops, max_splits, slippage in ((1, 1, 0), (2, 8, 0), (3, 8, 10), (4, 8, 0)):
            options = RouteOptions(max_hops=max_hops, max_splits=max_splits, hop_slippage_bps=slippage, room=AnyRoom())
            try:
                quote = find_route(market, request, options)
            except RouteNotFound:
                continue
            assert_executes(made.pools, request, quote, hop_slippage_bps=slippage)
            assert quote.bound is not None
            bounds.append(quote.bound)
            reached.append(quote.amount_out if mode is SwapMode.EXACT_IN else quote.amount_in)
            tried += 1
        if mode is SwapMode.EXACT_IN:
            assert max(reached) <= min(bounds)
        else:
            assert min(reached) >= max(bounds)
    assert tried > 48


def _parts(certificate: Certificate) -> int:
    limits = certificate.hop_limit_cost + certificate.leg_limit_cost
    return limits + certificate.residual_cost + certificate.rounding_cost + certificate.cycle_cost


def test_a_dust_order_lacks_whole_units_and_nothing_else() -> None:
    """A unit of an order of thousands was called a cost of the limit on hops."""
    source, target = (CONNECTED.mints[place].address for place in (0, 1))
    looked = 0
    for amount in (1_500, 20_000, 700_000):
        for mode in SwapMode:
            request = QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=mode)
            certificate = solve_route(CONNECTED_MARKET, request, RouteOptions(max_hops=4, room=AnyRoom())).certificate
            assert certificate is not None and certificate.rounding_cost > 0
            assert (_parts(certificate) - certificate.rounding_cost) * 10_000 <= certificate.bound
            looked += 1
    assert looked == 6


@pytest.mark.parametrize("mode", SwapMode)
def test_what_cycles_yield_is_told_apart_from_what_the_limit_on_hops_costs(mode: SwapMode) -> None:
    a, b, c, d = MINTS
    dear = pool("dear", (a, b), (10**12, 10**12), trade_ppm=10_000)
    around = [pool("a-c", (a, c), (10**12, 10**12), trade_ppm=100), pool("c-b", (c, b), (10**12, 10**12), trade_ppm=100)]
    apart = [pool(f"c-d {worth}", (c, d), (10**12, worth * 10**10), trade_ppm=100) for worth in (100, 104)]
    request = QuoteRequest(input_mint=A, output_mint=B, amount=10**9, mode=mode)
    costs = []
    for pools, hops in (([dear, *around], 1), ([dear, *around, *apart], 2)):
        certificate = solve_route(pools, request, RouteOptions(max_hops=hops, room=AnyRoom())).certificate
        assert certificate is not None
        assert certificate.rounding_cost < 100
        costs.append((certificate.hop_limit_cost, certificate.cycle_cost))
    (by_hops, no_cycles), (hardly, by_cycles) = costs
    assert 8 * 10**6 < by_hops < 10**7 and no_cycles == 0
    # Pools a trillion deep whose prices are e^x apart yield x^2 / 8 of that.
    assert 18 * 10**7 < by_cycles < 20 * 10**7
    assert hardly < by_cycles // 20


def test_the_bound_is_tight() -> None:
    rng = random.Random(8)
    gaps = []
    for number in range(24):
        mode = SwapMode.EXACT_OUT if number % 4 == 0 else SwapMode.EXACT_IN
        solution = solve_route(CONNECTED_MARKET, _request(CONNECTED, rng, mode), RouteOptions(max_hops=4, room=AnyRoom()))
        certificate = solution.certificate
        assert certificate is not None
        reached = solution.quote.amount_out if mode is SwapMode.EXACT_IN else solution.quote.amount_in
        assert _parts(certificate) == abs(certificate.bound - reached)
        assert certificate.cycle_cost == 0
        # the one unit that DAMM v1 may round away below its limit, and the hop behind it leaves over therefore
        rounds = any(hop.venue_id == "meteora-damm-v1" for leg in solution.quote.route.legs for hop in leg.hops[:-1])
        assert certificate.residual_cost == 0 or rounds
        assert certificate.gap_centi_bps is not None
        gaps.append(certificate.gap_centi_bps)
    # Hundredths of a basis point, the limit of eight legs included.
    assert len(gaps) == 24
    assert sorted(gaps)[len(gaps) // 2] <= 10
    assert max(gaps) <= 100


@settings(max_examples=60, deadline=None)
@given(
    market=markets(most_pools=6),
    amount=st.integers(1, 10**11),
    mode=st.sampled_from(SwapMode),
    prices=st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4),
)
def test_any_prices_whatever_give_a_bound(market: list[CpmmPool], amount: int, mode: SwapMode, prices: list[float]) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    try:
        quote = find_route(market, request, RouteOptions(max_hops=4, room=AnyRoom()))
    except RouteNotFound:
        return
    known = Market(market)
    start, goal = known.number_of[A], known.number_of[B]
    worth = np.array([prices[[one.address for one in MINTS].index(mint)] for mint in known.mints])
    exact_in = mode is SwapMode.EXACT_IN
    worth /= worth[goal if exact_in else start]
    bound = dual_bound(known, worth, input=start, output=goal, amount=amount, exact_in=exact_in)
    if exact_in:
        assert quote.amount_out <= bound.value
    else:
        assert quote.amount_in >= bound.value


def _optimum_by_bisection(pools: list[CpmmPool], amount: int) -> float:
    """The most that parallel constant-product pools return for an amount, by bisection on the common marginal price."""
    rows = []
    for one in pools:
        keep = 1 - one.rates.trade_ppm / 1e6
        index = [mint.address for mint in one.mints].index(A)
        rows.append((float(one.vault_amounts[index]), float(one.vault_amounts[1 - index]), keep))
    low, high = 0.0, max(keep * out / into for into, out, keep in rows)
    for _ in range(200):
        price = (low + high) / 2
        spent = sum(max(0.0, ((keep * into * out / price) ** 0.5 - into) / keep) for into, out, keep in rows)
        low, high = (price, high) if spent > amount else (low, price)
    shares = [max(0.0, ((keep * into * out / high) ** 0.5 - into) / keep) for into, out, keep in rows]
    return float(sum(out * keep * x / (into + keep * x) for (into, out, keep), x in zip(rows, shares, strict=True)))


@settings(max_examples=60, deadline=None)
@given(
    reserves=st.lists(st.tuples(st.integers(10**8, 10**12), st.integers(10**8, 10**12)), min_size=2, max_size=8),
    amount=st.integers(10**6, 10**11),
)
def test_parallel_pools_are_divided_as_the_optimum_divides_them(reserves: list[tuple[int, int]], amount: int) -> None:
    # All pools agree on the price within their fees, or arbitrage between them would count as well.
    pools = [
        pool(f"{place}", (MINTS[0], MINTS[1]), (first, first + first * (second % 997) // 10**6), trade_ppm=2_500)
        for place, (first, second) in enumerate(reserves)
    ]
    optimum = _optimum_by_bisection(pools, amount)
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount)
    quote = find_route(pools, request, RouteOptions(max_hops=1, room=AnyRoom()))
    assert quote.bound is not None
    assert quote.bound >= optimum * (1 - 1e-9)
    assert quote.bound <= optimum * (1 + 1e-6) + 2
    assert optimum * (1 + 1e-9) + 8 >= quote.amount_out >= optimum * (1 - 1e-5) - 16


def test_the_bound_is_tight_where_the_hop_limit_binds() -> None:
    """The prices behind a bound come from the flow over paths of any length, not from the route's own: those left it loose by tens
    of basis points."""
    made = generated_market(200, 30, seed=3)
    market, rng = Market(made.pools), random.Random(22)
    loose = []
    for _ in range(12):
        request = _request(made, rng, SwapMode.EXACT_IN)
        if request.amount < 10**8:  # whole units decide
            continue
        solution = solve_route(market, request, RouteOptions(max_hops=4, room=AnyRoom()))
        scope = scope_of(market, request, RouteOptions(max_hops=4))
        flow = solve_network(
            market,
            [edge for edge in range(len(market.source)) if market.curve(edge).pieces],
            scope.order,
            {number: made.worths[place] for number, place in _places(made, market)},
            tolerance=1e-8,
        )
        assert flow.solved and solution.certificate is not None
        loose.append((solution.certificate.bound - flow.value) / flow.value * 1e4)
    assert len(loose) >= 5
    assert min(loose) > -1e-3
    assert sorted(loose)[len(loose) // 2] <= 0.1 and max(loose) <= 1.0


def test_the_bound_sees_paths_that_only_unsolved_edges_make_worthwhile() -> None:
    """The optimum takes five hops, the fourth of which no path of four uses: its mint is dear for a sale that no flow was solved
    over, and the edge to it, which every flow had, was all that showed it. The bound was 0.9 basis points too low."""
    made = generated_market(120, 20, seed=4, deepest=3e15)
    market = Market(made.pools)
    request = QuoteRequest(
        input_mint=made.mints[10].address, output_mint=made.mints[9].address, amount=152_036_921_029, mode=SwapMode.EXACT_OUT
    )
    options = RouteOptions(max_hops=4, room=AnyRoom())
    certificate = solve_route(market, request, options).certificate
    flow = solve_network(
        market,
        market.prices.edge[market.prices.exact_out_slope > 0.0].tolist(),
        scope_of(market, request, options).order,
        {number: made.worths[place] for number, place in _places(made, market)},
        tolerance=1e-8,
    )
    assert flow.solved and certificate is not None
    assert flow.value * (1 - 1e-7) <= certificate.bound <= flow.value * (1 + 1e-8)


def test_pools_without_an_exact_out_swap_are_no_part_of_its_bound() -> None:
    without = [one for one in CONNECTED.pools if offers_exact_out(one.venue_id)]
    assert len(without) < len(CONNECTED.pools)
    rng, alike = random.Random(9), 0
    for _ in range(8):
        request = _request(CONNECTED, rng, SwapMode.EXACT_OUT)
        options = RouteOptions(max_hops=4, room=AnyRoom())
        among_all, among_those = find_route(CONNECTED_MARKET, request, options), find_route(without, request, options)
        assert among_all.bound is not None and among_those.bound is not None
        assert abs(among_all.bound - among_those.bound) <= among_those.bound * 1e-6 + 1
        alike += among_all.route == among_those.route
    assert alike > 4


def test_only_damm_v1_rounds_in_the_traders_favour() -> None:
    """What the bound's slack rests on: no other pool ever gives more than its curve, however often and little is swapped."""
    rng = random.Random(3)
    favourable: dict[str, float] = {}
    for one in generated_market(70, 8, seed=5).pools:
        market = Market([one])
        curve = market.curve(0)
        source, target = market.mints[market.source[0]], market.mints[market.target[0]]
        for _ in range(20):
            current, spent, arrived, swaps = one, 0, 0, rng.choice([1, 2, 8])
            amount = int(10.0 ** rng.uniform(0.0, 9.0))
            try:
                for _ in range(swaps):
                    quote = current.quote(QuoteRequest(input_mint=source, output_mint=target, amount=amount))
                    current, spent, arrived = quote.next_pool, spent + quote.amount_in, arrived + quote.amount_out
            except QuoteError:
                continue
            excess = (arrived - curve.amount_out(spent) * (1 + 1e-9)) / curve.pieces[0].slope / swaps
            assert arrived <= (curve.amount_out(spent + swaps * curve.favour_in) + swaps * curve.favour_out) * (1 + 1e-9)
            favourable[one.venue_id] = max(favourable.get(one.venue_id, -1.0), excess)
    assert favourable.keys() == {venue.id for venue in VENUES}
    assert favourable.pop("meteora-damm-v1") < 1.0
    assert max(favourable.values()) <= 1e-9


def _best_around(pools: list[CpmmPool], start: Pubkey) -> int:
    """The most that any circle of two or three hops from a mint back to it yields, by exact quotes of many amounts."""
    best = 0
    ways = [(one, x.address, y.address) for one in pools for x, y in (one.mints, one.mints[::-1])]
    circles = [c for hops in (2, 3) for c in permutations(ways, hops) if _is_circle(c, start)]
    for circle in circles:
        for exponent in range(0, 120):
            amount = spent = int(10 ** (exponent / 10))
            try:
                for one, source, target in circle:
                    amount = one.quote(QuoteRequest(input_mint=source, output_mint=target, amount=amount)).amount_out
            except QuoteError:
                continue
            best = max(best, amount - spent)
    return best


def _is_circle(ways: tuple[tuple[CpmmPool, Pubkey, Pubkey], ...], start: Pubkey) -> bool:
    joined = all(before[2] == after[1] for before, after in pairwise(ways))
    return joined and ways[0][1] == ways[-1][2] == start and len({one.address for one, _, _ in ways}) == len(ways)


@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("seed", range(8))
def test_no_circle_yields_more_than_the_bound_on_arbitrage(seed: int, mode: SwapMode) -> None:
    """In the token that ranks, whatever the order; and one wide enough to matter comes near it."""
    rng = random.Random(seed)
    ends = [(0, 1), (0, 1), (1, 2), (0, 2)]
    pools = [
        pool(f"{seed} {number}", (MINTS[x], MINTS[y]), (10**10, int(10 ** rng.uniform(9.95, 10.05))), trade_ppm=500)
        for number, (x, y) in enumerate(ends)
    ]
    bounds = []
    for amount in (10**4, 10**8):
        request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
        certificate = solve_route(pools, request, RouteOptions(room=AnyRoom())).certificate
        assert certificate is not None and certificate.cycle_cost <= certificate.arbitrage_bound
        bounds.append(certificate.arbitrage_bound)
    yields = _best_around(pools, B if mode is SwapMode.EXACT_IN else A)
    assert 10**4 < yields <= min(bounds)
    assert min(bounds) <= 4 * yields  # all circles at once yield more than the best of them
