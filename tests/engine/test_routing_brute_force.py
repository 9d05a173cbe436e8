"""On small markets the router finds what trying everything finds, exact in and exact out, costs and ties included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dexroute.engine.routing import LandingCosts, RouteOptions, find_route, rank_candidates
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import QuoteError, RouteNotFound
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import A, B, assert_executes, carried, markets, simple_paths

UNITS = {venue.id: venue.capabilities.swap_compute_units for venue in VENUES}
assert UNITS["dexroute-pool"] < UNITS["raydium-cpmm"]

Trial = tuple[int, int, int, tuple[bytes, ...]]
PRICES = [Price(numerator=1, denominator=1), Price(numerator=1, denominator=1_000), Price(numerator=50, denominator=1)]


def _trials(pools: Sequence[CpmmPool], request: QuoteRequest, options: RouteOptions) -> Iterator[Trial]:
    """(net with the sign that makes less better, hops, units, addresses) of every single path, by trying it."""
    price = options.costs.lamport_price
    assert price is not None
    for path in simple_paths(pools, options.max_hops):
        try:
            end = carried(path, request.amount, request.mode, options.kept_back_bps, {})
        except QuoteError:
            continue
        units = sum(UNITS[one.venue_id] for one, _, _ in path)
        # What is asked for is paid: the units expected, 15 percent and 3,000 more.
        asked_for = units * 115 // 100 + 3_000
        lamports = 5_000 - (-asked_for * options.costs.compute_unit_price_micro_lamports // 1_000_000)
        cost = -(-lamports * price.numerator // price.denominator)
        net = cost - end if request.mode is SwapMode.EXACT_IN else end + cost
        yield net, len(path), units, tuple(bytes(one.address) for one, _, _ in path)


@settings(max_examples=150, deadline=None)
@given(
    market=markets(),
    amount=st.integers(1, 10**12),
    mode=st.sampled_from(SwapMode),
    hop_slippage_bps=st.sampled_from([0, 1, 50, 3_000]),
    unit_price=st.sampled_from([0, 1, 1_000_000]),
    price=st.sampled_from(PRICES),
    max_hops=st.integers(1, 4),
)
def test_no_single_path_beats_the_route(
    market: list[CpmmPool], amount: int, mode: SwapMode, hop_slippage_bps: int, unit_price: int, price: Price, max_hops: int
) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    costs = LandingCosts(lamport_price=price, compute_unit_price_micro_lamports=unit_price)
    options = RouteOptions(hop_slippage_bps=hop_slippage_bps, costs=costs, max_hops=max_hops, max_splits=1, room=AnyRoom())
    tried = sorted(_trials(market, request, options))
    if not tried:
        with pytest.raises(RouteNotFound):
            find_route(market, request, options)
        return
    quote = find_route(market, request, options)
    candidates = rank_candidates(market, request, options)
    best = candidates[0]
    assert best.quote == quote
    assert best.lost is None
    assert best.net is not None
    signed_net = -best.net if mode is SwapMode.EXACT_IN else best.net
    assert (signed_net, len(best.pools), best.compute_units) == tried[0][:3]
    # Every pool that delivers anywhere is accounted for, with the reason it lost.
    assert all(candidate.lost for candidate in candidates[1:])
    listed = {bytes(address) for candidate in candidates for address in candidate.pools}
    assert {address for trial in tried for address in trial[3]} <= listed
    assert_executes(market, request, quote, hop_slippage_bps=hop_slippage_bps)


@settings(max_examples=60, deadline=None)
@given(
    market=markets(),
    amount=st.integers(1, 10**12),
    mode=st.sampled_from(SwapMode),
    hop_slippage_bps=st.sampled_from([0, 50]),
    max_hops=st.integers(1, 4),
    max_splits=st.integers(2, 8),
)
def test_a_split_executes_and_beats_every_single_path(
    market: list[CpmmPool], amount: int, mode: SwapMode, hop_slippage_bps: int, max_hops: int, max_splits: int
) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    options = RouteOptions(hop_slippage_bps=hop_slippage_bps, max_hops=max_hops, max_splits=max_splits, room=AnyRoom())
    ends: list[int] = []
    for path in simple_paths(market, max_hops):
        try:
            ends.append(carried(path, amount, mode, hop_slippage_bps, {}))
        except QuoteError:
            continue
    try:
        quote = find_route(market, request, options)
    except RouteNotFound:
        assert not ends
        return
    assert_executes(market, request, quote, hop_slippage_bps=hop_slippage_bps)
    assert len(quote.route.legs) <= max_splits
    assert all(len(leg.hops) <= max_hops for leg in quote.route.legs)
    assert quote.bound is not None
    if mode is SwapMode.EXACT_IN:
        assert max(ends, default=0) <= quote.amount_out <= quote.bound
    else:
        assert min(ends, default=quote.amount_in) >= quote.amount_in >= quote.bound


def _best_division(pools: Sequence[CpmmPool], request: QuoteRequest) -> int | None:
    """The best of all divisions of a small amount over three direct pools at most, by trying every one."""
    forward = request.mode is SwapMode.EXACT_IN
    paths = list(simple_paths(pools, 1))
    values: list[list[int | None]] = []
    for path in paths:
        row: list[int | None] = [0]
        for amount in range(1, request.amount + 1):
            try:
                row.append(carried(path, amount, request.mode, 0, {}))
            except QuoteError:
                row.append(None)
        values.append(row)
    best: list[int | None] = [0] + [None] * request.amount
    for row in values:
        merged: list[int | None] = []
        for total in range(request.amount + 1):
            sums = [
                left + right
                for part in range(total + 1)
                if (left := best[total - part]) is not None and (right := row[part]) is not None
            ]
            merged.append((max(sums) if forward else min(sums)) if sums else None)
        best = merged
    return best[request.amount]


@settings(max_examples=40, deadline=None)
@given(
    market=markets(most_pools=5, reserves=st.integers(500, 100_000)),
    amount=st.integers(1, 160),
    mode=st.sampled_from(SwapMode),
)
def test_dust_is_divided_within_a_unit_a_leg_of_the_best_division(market: list[CpmmPool], amount: int, mode: SwapMode) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    best = _best_division(market, request)
    options = RouteOptions(max_hops=1, room=AnyRoom())
    if best is None:
        with pytest.raises(RouteNotFound):
            find_route(market, request, options)
        return
    quote = find_route(market, request, options)
    assert quote.bound is not None
    # Whole units, not prices, decide at this size.
    if mode is SwapMode.EXACT_IN:
        assert best - 3 <= quote.amount_out <= best <= quote.bound
    else:
        assert best + 3 >= quote.amount_in >= best >= quote.bound


@settings(max_examples=40, deadline=None)
@given(
    market=markets(),
    order=st.randoms(use_true_random=False),
    mode=st.sampled_from(SwapMode),
    amount=st.sampled_from([1_000, 10**9, 10**11]),
)
def test_the_order_of_pools_never_shows(market: list[CpmmPool], order: object, mode: SwapMode, amount: int) -> None:
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    shuffled = list(market)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    def outcome(pools: Sequence[Pool]) -> list[tuple[object, ...]]:
        found = rank_candidates(pools, request, RouteOptions(room=AnyRoom()))
        return [(entry.pools, entry.quote, entry.net, entry.lost) for entry in found]

    assert outcome(shuffled) == outcome(market)
