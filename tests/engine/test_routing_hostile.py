"""Pools nobody would make in good faith, among others: empty, of a few units, full to 2^64 - 1, closed, with all of a swap for
a fee. Every route that is there is found, and is what it says; nothing worse than a refusal comes of the rest."""

from __future__ import annotations

import random
import warnings
from itertools import permutations

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.engine.routing import RouteOptions, find_route, solve_route
from dexroute.engine.routing.room import AnyRoom
from dexroute.errors import QuoteError, RouteNotFound
from dexroute.fetchers.base import Pool, SwapQuote, SwapRequest, Tradability
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.math.concave import Piece
from dexroute.math.rounding import U64_MAX
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import MINTS, A, B, assert_executes, carried, pools_of, simple_paths
from tests.engine.small_market import SWAPS_OFF, pool

RESERVES = [0, 1, 2, 10, 10**3, 10**6, 10**9, 10**12, 10**15, 10**18, U64_MAX // 2, U64_MAX - 1, U64_MAX]
AMOUNTS = [1, 2, 7, 10**3, 10**6, 10**9, 10**12, 10**18, U64_MAX - 1, U64_MAX]


def _hostile(rng: random.Random, name: str) -> list[CpmmPool]:
    market = []
    for number in range(rng.randint(1, 9)):
        first, second = sorted(rng.sample(MINTS, 2), key=lambda mint: bytes(mint.address))
        market.append(
            pool(
                f"{name} {number}",
                (first, second),
                (rng.choice(RESERVES), rng.choice(RESERVES)),
                trade_ppm=rng.choice([0, 100, 2_500, 999_999]),
                status=rng.choice([0, 0, 0, 0, SWAPS_OFF]),
            )
        )
    return market


@pytest.mark.parametrize("seed", [4, 7])
def test_hostile_markets_give_the_best_single_path_at_least_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    routes = 0
    options = RouteOptions(max_hops=4, room=AnyRoom())
    for number in range(120):
        market = _hostile(rng, f"{seed} {number}")
        mode = rng.choice(list(SwapMode))
        request = QuoteRequest(input_mint=A, output_mint=B, amount=rng.choice(AMOUNTS), mode=mode)
        ends = []
        for path in simple_paths(market, 4):
            try:
                ends.append(carried(path, request.amount, mode, 0, {}))
            except QuoteError:
                continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of floats beyond their range: a user would read them
                quote = solve_route(market, request, options).quote
        except RouteNotFound:
            assert not ends
            continue
        assert_executes(market, request, quote)
        assert quote.bound is not None
        if mode is SwapMode.EXACT_IN:
            assert max(ends, default=0) <= quote.amount_out <= quote.bound
        else:
            assert min(ends, default=quote.amount_in) >= quote.amount_in >= quote.bound
        shuffled = list(market)
        rng.shuffle(shuffled)
        assert find_route(shuffled, request, options) == quote
        routes += 1
    assert routes > 10


def _two_legs(market: list[CpmmPool], request: QuoteRequest) -> list[int]:
    """What any two paths bring (exact in) or cost, with a few parts of the order in the first."""
    ends = []
    for first, second in permutations(simple_paths(market, 4), 2):
        for part in (2, 3, 10):
            states: dict[Pubkey, Pool] = {}
            amounts = request.amount // part, request.amount - request.amount // part
            try:
                ends.append(
                    carried(first, amounts[0], request.mode, 0, states) + carried(second, amounts[1], request.mode, 0, states)
                )
            except QuoteError:
                continue
    return ends


@pytest.mark.parametrize(
    ("pools", "mode", "amount"),
    [
        # The middle is more than the good pool has room for: it fits for a few of the thousand units.
        ([(2, 1, 2, 1_000), (0, 2, 2, U64_MAX - 1), (2, 1, 10**18, 10**15)], SwapMode.EXACT_IN, 1_000),
        # All but a unit of what is asked for costs nothing.
        ([(0, 1, 10**18, 10**12), (2, 1, 10, 10**9), (0, 2, 2, 10**15)], SwapMode.EXACT_OUT, 10**9),
        # The smaller leg of the best flow is a part of a unit.
        ([(0, 2, 55, 3 * 10**16), (2, 1, 2 * 10**14, 9 * 10**9), (2, 1, 10**9, 2 * 10**9)], SwapMode.EXACT_IN, 28),
    ],
)
def test_two_legs_are_tried_where_curves_are_no_guide(pools: list[tuple[int, int, int, int]], mode: SwapMode, amount: int) -> None:
    market = pools_of(pools)
    request = QuoteRequest(input_mint=A, output_mint=B, amount=amount, mode=mode)
    quote = find_route(market, request, RouteOptions(max_hops=4, room=AnyRoom()))
    assert_executes(market, request, quote)
    tried = _two_legs(market, request)
    assert tried
    if mode is SwapMode.EXACT_IN:
        assert quote.amount_out >= max(tried)
    else:
        assert quote.amount_in <= min(tried)


def test_two_legs_found_by_trying_have_a_bound_too() -> None:
    """No flow of real numbers solves this order, so there are no prices of one to start its bound from."""
    market = pools_of([(0, 1, 10**9, 1_000), (0, 2, 1_000, 10**9), (2, 1, 1, 2)], trade_ppm=100)
    request = QuoteRequest(input_mint=A, output_mint=B, amount=912, mode=SwapMode.EXACT_OUT)
    quote = find_route(market, request, RouteOptions(room=AnyRoom()))
    assert_executes(market, request, quote)
    assert len(quote.route.legs) == 2
    assert quote.bound is not None
    assert quote.bound <= quote.amount_in


def test_a_drained_piece_needs_all_of_its_input() -> None:
    """Where a pool is all but empty, doubles tell its last units from nothing no longer."""
    piece = Piece(float(U64_MAX), 355686336500682.75, 0.3950048312272973)
    last = 900460724481646.8
    assert last < piece.amount_out
    assert piece.slope - piece.bend * last <= 0.0
    assert piece.needed(last) == piece.amount_in


class _WithoutPrice:
    """A pool of a venue that does not describe its curves, whose price nobody can tell; it quotes, or refuses that too."""

    venue_id = "raydium-cpmm"

    def __init__(self, inner: CpmmPool, *, quotes: bool) -> None:
        self._inner, self._quotes = inner, quotes
        self.address, self.mints, self.slot = inner.address, inner.mints, inner.slot

    def tradable(self) -> Tradability:
        return self._inner.tradable()

    def spot_price(self, input_mint: Pubkey, output_mint: Pubkey) -> Price:
        raise QuoteError("its price is beyond its own arithmetic")

    def quote(self, request: QuoteRequest) -> SwapQuote:
        if not self._quotes:
            raise QuoteError("broken through and through")
        return self._inner.quote(request)

    def swap_instruction(self, request: SwapRequest) -> Instruction:
        return self._inner.swap_instruction(request)


def test_a_pool_without_a_price_stops_no_search() -> None:
    good, other = (pool(name, (MINTS[0], MINTS[1]), (10**9, 10**9)) for name in ("good", "other"))
    request = QuoteRequest(input_mint=A, output_mint=B, amount=10**7)
    options = RouteOptions(room=AnyRoom())
    broken = solve_route([good, _WithoutPrice(other, quotes=False)], request, options)
    assert broken.quote == find_route([good], request, options)
    assert [one.lost for one in broken.candidates if other.address in one.pools] == ["broken through and through"]
    shared = find_route([good, _WithoutPrice(other, quotes=True)], request, options)
    assert len(shared.route.legs) == 2 and shared.bound is not None
    assert broken.quote.amount_out < shared.amount_out <= shared.bound


def test_a_bound_of_nothing_has_no_gap() -> None:
    dear, cheap = pool("dear", (MINTS[0], MINTS[1]), (10**12, 10**12)), pool("cheap", (MINTS[0], MINTS[1]), (10**12, 2 * 10**12))
    request = QuoteRequest(input_mint=A, output_mint=B, amount=1_000, mode=SwapMode.EXACT_OUT)
    solution = solve_route([dear, cheap], request)
    proof = solution.certificate
    assert proof is not None and proof.bound == 0 < solution.quote.amount_in
    assert proof.gap_centi_bps is None, "a gap of 0 would call the route the best there is"
