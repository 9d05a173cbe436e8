"""Where a limit on legs or the transaction's room binds, no set of fewer pools gives a better route than all of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pytest
from solders.pubkey import Pubkey

from benchmarks.routing_markets import _MAKERS
from dexroute.engine.routing import RouteOptions, find_route
from dexroute.engine.routing.room import AnyRoom, TransactionRoom
from dexroute.errors import RouteNotFound
from dexroute.fetchers.base import Pool
from dexroute.types.mints import Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg
from tests.engine.routing_oracle import assert_executes
from tests.engine.small_market import mint

A, B = sorted((mint("A"), mint("B")), key=lambda one: bytes(one.address))
DEPTH = 10**13


@dataclass(frozen=True)
class Bulky:
    """A room of so many places, of which each pool takes its own number."""

    places: int
    takes: Mapping[Pubkey, int]

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        needed = sum(self.takes[hop.pool] for leg in legs for hop in leg.hops)
        return f"{needed} places of {self.places}" if needed > self.places else None


def _pool(rng: random.Random, kind: str, deviation: float, depth: float, fee: float) -> Pool:
    mints: tuple[Mint, Mint] = (A, B)
    return _MAKERS[kind](rng, mints, 1.0 + deviation, (int(depth), int(depth * (1.0 + deviation))), fee)


def _side_by_side(seed: int) -> tuple[list[Pool], random.Random]:
    """Pools that end, at good prices, among some that never do, at others."""
    rng = random.Random(seed)
    kinds = ["meteora-dlmm", "raydium-cpmm", "meteora-dlmm", "raydium-clmm", "raydium-amm-v4", "dexroute-pool", "raydium-cpmm"]
    pools = [
        _pool(rng, kind, rng.uniform(-2e-3, 2e-3), DEPTH * 10.0 ** rng.uniform(-1.5, 0.0), rng.choice((1e-4, 5e-4, 2.5e-3)))
        for kind in kinds
    ]
    return pools, rng


def _amount(pools: Sequence[Pool], request: QuoteRequest, options: RouteOptions) -> int | None:
    """What comes out, or minus what goes in."""
    try:
        quote = find_route(pools, request, options)
    except RouteNotFound:
        return None
    assert_executes(pools, request, quote)
    return quote.amount_out if request.mode is SwapMode.EXACT_IN else -quote.amount_in


def _assert_no_fewer_pools_do_better(pools: list[Pool], request: QuoteRequest, room: TransactionRoom, most_legs: int) -> None:
    options = RouteOptions(max_hops=1, max_splits=most_legs, room=room)
    found = [amount for some in combinations(pools, most_legs) if (amount := _amount(some, request, options)) is not None]
    every = _amount(pools, request, options)
    assert every is not None and found
    assert max(found) - every <= abs(every) * 1e-5, "a tenth of a basis point is what an exchange must bring"


@pytest.mark.parametrize(
    ("seed", "mode"), [(11, SwapMode.EXACT_IN), (12, SwapMode.EXACT_IN), (12, SwapMode.EXACT_OUT), (15, SwapMode.EXACT_OUT)]
)
def test_the_legs_kept_carry_the_order_and_are_the_best(seed: int, mode: SwapMode) -> None:
    pools, _ = _side_by_side(seed)
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=DEPTH * 7 // 10, mode=mode)
    _assert_no_fewer_pools_do_better(pools, request, AnyRoom(), 3)


@pytest.mark.parametrize(("seed", "mode"), [(12, SwapMode.EXACT_IN), (12, SwapMode.EXACT_OUT)])
def test_a_transaction_is_filled_with_the_legs_that_bring_most_together(seed: int, mode: SwapMode) -> None:
    pools, rng = _side_by_side(seed)
    room = Bulky(4, {one.address: rng.choice((1, 1, 2, 3)) for one in pools})
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=DEPTH // 10, mode=mode)
    _assert_no_fewer_pools_do_better(pools, request, room, 4)


def test_one_large_leg_gives_way_to_small_ones() -> None:
    rng = random.Random(7)
    large = _pool(rng, "raydium-cpmm", 1e-3, 2.0 * DEPTH, 5e-4)
    small = [_pool(rng, "raydium-cpmm", 0.0, DEPTH, 5e-4) for _ in range(3)]
    room = Bulky(3, {large.address: 3} | {one.address: 1 for one in small})
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=DEPTH // 4)
    route = find_route([large, *small], request, RouteOptions(room=room)).route
    assert {hop.pool for hop in route.hops} == {one.address for one in small}


def test_two_legs_give_way_together() -> None:
    pools, rng = _side_by_side(535)
    room = Bulky(5, {one.address: rng.choice((1, 2, 2, 3)) for one in pools})
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=DEPTH * 2 // 5)
    _assert_no_fewer_pools_do_better(pools, request, room, 4)
