"""What the router is held to on small markets: every simple path by trying it, and every route by carrying it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations, product

from hypothesis import strategies as st
from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteQuote
from dexroute.errors import QuoteError
from dexroute.fetchers.base import Pool, limit_slack
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.slippage import max_amount_in, min_amount_out
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.small_market import SWAPS_OFF, CheaperToLand, mint, pool

MINTS = [mint(name) for name in "ABCD"]
A, B = MINTS[0].address, MINTS[1].address

Path = tuple[tuple[CpmmPool, Pubkey, Pubkey], ...]
"""Pools with the mints that go in and come out."""

reserve = st.integers(1_000, 10**12)


@st.composite
def markets(draw: st.DrawFn, most_pools: int = 7, reserves: st.SearchStrategy[int] = reserve) -> list[CpmmPool]:
    made = []
    for place in range(draw(st.integers(1, most_pools))):
        first, second = draw(st.sampled_from([(0, 1), (0, 2), (2, 1), (0, 3), (3, 1), (2, 3)]))
        made.append(
            pool(
                f"{place}",
                (MINTS[first], MINTS[second]),
                (draw(reserves), draw(reserves)),
                trade_ppm=draw(st.sampled_from([100, 2_500, 10_000])),
                status=draw(st.sampled_from([0, 0, 0, SWAPS_OFF])),
                kind=draw(st.sampled_from([CpmmPool, CheaperToLand])),
            )
        )
    return made


def pools_of(held: Sequence[tuple[int, int, int, int]], *, trade_ppm: int = 2_500) -> list[CpmmPool]:
    """A pool for each (two mints, by their places in `MINTS`, and what it holds of them)."""
    return [
        pool(f"{number}", (MINTS[first], MINTS[second]), (x, y), trade_ppm=trade_ppm)
        for number, (first, second, x, y) in enumerate(held)
    ]


def simple_paths(pools: Sequence[CpmmPool], max_hops: int) -> Iterator[Path]:
    """Every path from A to B that sees no mint twice."""
    between = [one.address for one in MINTS[2:]]
    for hops in range(1, max_hops + 1):
        for middle in permutations(between, hops - 1):
            mints = (A, *middle, B)
            choices = [
                [one for one in pools if {source, target} == {held.address for held in one.mints}]
                for source, target in pairwise(mints)
            ]
            for chain in product(*choices):
                yield tuple(zip(chain, mints, mints[1:], strict=False))


def carried(path: Path, amount: int, mode: SwapMode, hop_slippage_bps: int, states: dict[Pubkey, Pool]) -> int:
    """What comes out of a path, or what it costs; `states` is brought up to date. Raises QuoteError."""
    forward = mode is SwapMode.EXACT_IN
    after: dict[Pubkey, Pool] = {}
    for place, (one, source, target) in enumerate(path if forward else path[::-1]):
        current = states.get(one.address, one)
        if not current.tradable().ok or amount == 0:
            raise QuoteError("closed or nothing left")
        if place:
            amount = min_amount_out(amount, hop_slippage_bps) if forward else max_amount_in(amount, hop_slippage_bps)
        quote = current.quote(QuoteRequest(input_mint=source, output_mint=target, amount=amount, mode=mode))
        if 0 in (quote.amount_in, quote.amount_out):
            raise QuoteError("no swap")
        amount = quote.amount_out if forward else quote.amount_in
        after[one.address] = quote.next_pool
    states.update(after)
    return amount


def assert_executes(market: Sequence[Pool], request: QuoteRequest, quote: RouteQuote, *, hop_slippage_bps: int = 0) -> None:
    """Carried out hop by hop on the pools as earlier hops left them, the route does exactly what it says: it sees no mint twice
    in a leg, never spends what is not there, and its legs sum to the amount asked for."""
    states = {one.address: one for one in market}
    legs = quote.route.legs
    assert legs
    for leg in legs:
        mints = [leg.hops[0].input_mint, *(hop.output_mint for hop in leg.hops)]
        assert (mints[0], mints[-1]) == (request.input_mint, request.output_mint)
        assert len(set(mints)) == len(mints)
        for before, after in pairwise(leg.hops):
            assert before.output_mint == after.input_mint
            assert after.amount_in > 0
            if request.mode is SwapMode.EXACT_IN:
                most = before.amount_out - limit_slack(states[before.pool])
                assert after.amount_in == min(min_amount_out(before.amount_out, hop_slippage_bps), most)
            else:
                assert before.amount_out >= max_amount_in(after.amount_in, hop_slippage_bps)
        for hop in leg.hops:
            forward = request.mode is SwapMode.EXACT_IN
            amount = hop.amount_in if forward else hop.amount_out
            again = states[hop.pool].quote(
                QuoteRequest(input_mint=hop.input_mint, output_mint=hop.output_mint, amount=amount, mode=request.mode)
            )
            assert (again.amount_in, again.amount_out, again.fees) == (hop.amount_in, hop.amount_out, hop.fees)
            states[hop.pool] = again.next_pool
    assert quote.amount_in == sum(leg.amount_in for leg in legs)
    assert quote.amount_out == sum(leg.amount_out for leg in legs)
    assert (quote.amount_in if request.mode is SwapMode.EXACT_IN else quote.amount_out) == request.amount
