"""On small markets the router finds what trying everything finds, exact in and exact out, costs and ties included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dexroute.engine.routing import LandingCosts, RouteOptions, RouteQuote, find_route, rank_candidates
from dexroute.errors import QuoteError, RouteNotFound
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.small_market import SWAPS_OFF, CheaperToLand, mint, pool

MINTS = [mint(name) for name in "ABCD"]
UNITS = {venue.id: venue.capabilities.swap_compute_units for venue in VENUES}
assert UNITS["dexroute-pool"] < UNITS["raydium-cpmm"]

Trial = tuple[int, int, int, tuple[bytes, ...]]


def _paths(
    pools: Sequence[CpmmPool], request: QuoteRequest, hop_slippage_bps: int, price: Price, unit_price: int
) -> Iterator[Trial]:
    """(net with the sign that makes less better, hops, units, addresses) of every path of one or two pools, by trying it."""
    forward = request.mode is SwapMode.EXACT_IN
    chains: list[tuple[CpmmPool, ...]] = [(one,) for one in pools]
    chains += list(permutations(pools, 2))
    for chain in chains:
        for middle in MINTS:
            mints = [request.input_mint, request.output_mint]
            if len(chain) == 2:
                if middle.address in mints:
                    continue
                mints.insert(1, middle.address)
            hops = list(zip(chain, mints, mints[1:], strict=False))
            amount = request.amount
            ends: list[int] = []
            try:
                for place, (one, source, target) in enumerate(hops if forward else hops[::-1]):
                    if not one.tradable().ok:
                        raise QuoteError("closed")
                    if place:
                        amount = min_amount_out(amount, hop_slippage_bps) if forward else max_amount_in(amount, hop_slippage_bps)
                    quote = one.quote(QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=request.mode))
                    amount = quote.amount_out if forward else quote.amount_in
                    ends.append(amount)
            except QuoteError:
                continue
            units = sum(UNITS[one.venue_id] for one in chain)
            lamports = 5_000 - (-units * unit_price // 1_000_000)
            cost = -(-lamports * price.numerator // price.denominator)
            yield (cost - ends[-1] if forward else ends[-1] + cost), len(chain), units, tuple(bytes(one.address) for one in chain)
            if len(chain) == 1:
                break


reserve = st.integers(1_000, 10**12)


@st.composite
def markets(draw: st.DrawFn) -> list[CpmmPool]:
    made = []
    for place in range(draw(st.integers(1, 9))):
        first, second = draw(st.sampled_from([(0, 1), (0, 2), (2, 1), (0, 3), (3, 1), (2, 3)]))
        made.append(
            pool(
                f"{place}",
                (MINTS[first], MINTS[second]),
                (draw(reserve), draw(reserve)),
                trade_ppm=draw(st.sampled_from([100, 2_500, 10_000])),
                status=draw(st.sampled_from([0, 0, 0, SWAPS_OFF])),
                kind=draw(st.sampled_from([CpmmPool, CheaperToLand])),
            )
        )
    return made


@settings(max_examples=150, deadline=None)
@given(
    market=markets(),
    amount=st.integers(1, 10**12),
    mode=st.sampled_from(SwapMode),
    hop_slippage_bps=st.sampled_from([0, 1, 50, 3_000]),
    unit_price=st.sampled_from([0, 1, 1_000_000]),
    price=st.sampled_from(
        [Price(numerator=1, denominator=1), Price(numerator=1, denominator=1_000), Price(numerator=50, denominator=1)]
    ),
)
def test_no_path_of_one_or_two_hops_beats_the_route(
    market: list[CpmmPool], amount: int, mode: SwapMode, hop_slippage_bps: int, unit_price: int, price: Price
) -> None:
    request = QuoteRequest(input_mint=MINTS[0].address, output_mint=MINTS[1].address, amount=amount, mode=mode)
    costs = LandingCosts(lamport_price=price, compute_unit_price_micro_lamports=unit_price)
    options = RouteOptions(hop_slippage_bps=hop_slippage_bps, costs=costs)
    tried = sorted(_paths(market, request, hop_slippage_bps, price, unit_price))
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
    listed = {address for candidate in candidates for address in candidate.pools}
    assert {address for trial in tried for address in trial[3]} <= {bytes(address) for address in listed}
    _assert_executes(market, request, quote)


def _assert_executes(market: Sequence[Pool], request: QuoteRequest, quote: RouteQuote) -> None:
    """Carried out forward, hop by hop, the route does what it says and never spends what the hop before did not pay."""
    by_address = {one.address: one for one in market}
    hops = quote.route.hops
    assert (hops[0].amount_in, hops[-1].amount_out) == (quote.amount_in, quote.amount_out)
    assert len({hop.pool for hop in hops}) == len(hops)
    for before, after in pairwise(hops):
        assert before.output_mint == after.input_mint
        assert before.amount_out >= after.amount_in > 0
    for hop in hops:
        again = by_address[hop.pool].quote(
            QuoteRequest(input_mint=hop.input_mint, output_mint=hop.output_mint, amount=hop.amount_in)
        )
        if request.mode is SwapMode.EXACT_IN:
            assert again.amount_out == hop.amount_out
        else:
            # What an exact-out swap costs buys at least that output: the rounding is the pool's.
            assert again.amount_out >= hop.amount_out
    assert (quote.amount_in if request.mode is SwapMode.EXACT_IN else quote.amount_out) == request.amount


@settings(max_examples=40, deadline=None)
@given(market=markets(), order=st.randoms(use_true_random=False), mode=st.sampled_from(SwapMode))
def test_the_order_of_pools_never_shows(market: list[CpmmPool], order: object, mode: SwapMode) -> None:
    request = QuoteRequest(input_mint=MINTS[0].address, output_mint=MINTS[1].address, amount=1_000, mode=mode)
    shuffled = list(market)
    order.shuffle(shuffled)  # type: ignore[attr-defined]

    def outcome(pools: list[CpmmPool]) -> list[tuple[object, ...]]:
        return [(entry.pools, entry.net, entry.lost) for entry in rank_candidates(pools, request)]

    assert outcome(shuffled) == outcome(market)
