"""Where a transaction has no room for the paths that promise most: the best of those it has room for, never none in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from solders.pubkey import Pubkey

from dexroute.engine.routing import LandingCosts, RouteOptions, find_route, solve_route
from dexroute.engine.routing.room import AnyRoom
from dexroute.fetchers.base import Pool
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg
from tests.engine.small_market import mint, pool

MINTS = [mint(f"crowd {number}") for number in range(6)]
MODES = list(SwapMode)


@dataclass(frozen=True)
class FewHops:
    """Room for so many hops in all."""

    most: int

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        hops = sum(len(leg.hops) for leg in legs)
        return None if hops <= self.most else f"{hops} hops of {self.most}"


def tempting_market(rng: Random) -> list[Pool]:
    """Every pair in three pools, and the longer the way between the two ends, the better its price."""
    pools: list[Pool] = []
    for first in range(len(MINTS)):
        for second in range(first + 1, len(MINTS)):
            for number in range(3):
                near_ends = first == 0 and second == len(MINTS) - 1
                lure = 1.0 if near_ends else 1.03 ** (second - first)
                depth = rng.randint(10**9, 10**11)
                amounts = (depth, int(depth * lure * rng.uniform(0.99, 1.01)))
                pools.append(pool(f"crowd {first} {second} {number} {rng.random()}", (MINTS[first], MINTS[second]), amounts))
    return pools


def test_a_longer_limit_never_gives_a_worse_route() -> None:
    compared = 0
    for seed in range(12):
        rng = Random(seed)
        pools = tempting_market(rng)
        mode = MODES[seed % 2]
        request = QuoteRequest(
            input_mint=MINTS[0].address, output_mint=MINTS[-1].address, amount=int(10 ** rng.uniform(5, 9)), mode=mode
        )
        for room in (FewHops(1), FewHops(2), FewHops(3)):
            best = None
            for hops in (1, 2, 3, 4):
                found = find_route(pools, request, RouteOptions(max_hops=hops, room=room))
                assert len(found.route.hops) <= room.most
                now = found.amount_out if mode is SwapMode.EXACT_IN else -found.amount_in
                assert best is None or now >= best - abs(best) // 10**6, (seed, room, hops)
                best, compared = now, compared + 1
    assert compared == 12 * 3 * 4


@dataclass(frozen=True)
class NotThrough:
    """Room for anything but swaps of one pool, which takes all of a transaction."""

    pool: Pubkey

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        return "too large" if any(hop.pool == self.pool for leg in legs for hop in leg.hops) else None


@pytest.mark.parametrize("mode", MODES)
def test_a_path_that_does_not_fit_hides_none_that_does(mode: SwapMode) -> None:
    """The best path was looked for until nothing could beat it, whether it fits or not: no route where an explanation had one."""
    ends = MINTS[0], MINTS[1]
    best, worse = pool("best", ends, (10**12, 2 * 10**12)), pool("worse", ends, (10**12, 10**12))
    request = QuoteRequest(input_mint=ends[0].address, output_mint=ends[1].address, amount=10**6, mode=mode)
    options = RouteOptions(room=NotThrough(best.address), max_splits=1)
    quote = find_route([best, worse], request, options)
    assert [hop.pool for hop in quote.route.hops] == [worse.address]
    assert solve_route([best, worse], request, options).quote == quote


def test_rent_for_what_lies_between_does_not_crowd_out_what_needs_none() -> None:
    """Every path through a third token gives a little more and would cost an account of it."""
    ends, between = (MINTS[0], MINTS[-1]), [mint(f"between {number}") for number in range(60)]
    direct = pool("the direct one", ends, (10**12, 10**12))
    around = [
        leg
        for number, other in enumerate(between)
        for leg in (
            pool(f"to {number}", (ends[0], other), (10**12, 1_020 * 10**9)),
            pool(f"from {number}", (other, ends[1]), (10**12, 1_020 * 10**9)),
        )
    ]
    rent = {other.address: 2_039_280 for other in between}
    costs = LandingCosts(lamport_price=Price(numerator=1, denominator=1), rent_lamports=rent)
    for mode in SwapMode:
        request = QuoteRequest(input_mint=ends[0].address, output_mint=ends[1].address, amount=10**7, mode=mode)
        found = find_route([direct, *around], request, RouteOptions(max_splits=1, costs=costs, room=AnyRoom()))
        assert [hop.pool for hop in found.route.hops] == [direct.address]
        free = find_route([direct, *around], request, RouteOptions(max_splits=1, room=AnyRoom()))
        assert len(free.route.hops) == 2
