"""A pool filled to the brim may refuse its last units in an exact quote. It keeps its leg all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from dexroute.engine.routing import RouteOptions, find_route, solve_route
from dexroute.engine.routing.by_trial import two_legs_by_trial
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import scope_of
from dexroute.errors import ExceedsLiquidity
from dexroute.fetchers.base import SwapQuote
from dexroute.fetchers.curve import Curve
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.routing_oracle import assert_executes
from tests.engine.small_market import exact_in, mint, pool

A, B, C = mint("a"), mint("b"), mint("c")
FULL: Final = 10**9


class Brimful(CpmmPool):
    """Takes `FULL` of either mint and not a unit more, while its curve ends a millionth later."""

    __slots__ = ()

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        return replace(super().liquidity_curve(index_in, min(most_in, FULL + FULL // 10**6)), complete=True)

    def quote(self, request: QuoteRequest) -> SwapQuote:
        if request.mode is SwapMode.EXACT_IN and request.amount > FULL:
            raise ExceedsLiquidity(f"only {FULL} fit", pool=str(self.address))
        return super().quote(request)


class Bounded(CpmmPool):
    """Refuses what would leave it with more than `2 * FULL` of a mint."""

    __slots__ = ()

    def quote(self, request: QuoteRequest) -> SwapQuote:
        quoted = super().quote(request)
        if max(quoted.next_pool.vault_amounts) > 2 * FULL:  # type: ignore[attr-defined]
            raise ExceedsLiquidity("it is full", pool=str(self.address))
        return quoted


@pytest.mark.parametrize("times", [2, 3, 10])
def test_what_a_full_pool_refuses_goes_to_the_others(times: int) -> None:
    rich = pool("rich", (A, B), (10**12, 4 * 10**12), kind=Brimful)
    plain = pool("plain", (A, B), (10**12, 10**12))
    request = exact_in(A, B, times * FULL)
    quote = find_route([rich, plain], request, RouteOptions(room=AnyRoom()))
    assert_executes([rich, plain], request, quote, hop_slippage_bps=0)
    rest = request.amount - FULL
    by_hand = rich.quote(exact_in(A, B, FULL)).amount_out + plain.quote(exact_in(A, B, rest)).amount_out
    assert len(quote.route.legs) == 2 and by_hand * (1 - 1e-5) < quote.amount_out <= by_hand


def test_two_legs_that_fill_the_pool_they_share_are_tried_with_less() -> None:
    """What the one takes at most leaves the other no room behind it."""
    small = pool("small", (A, C), (10**8, 10**9), kind=Brimful)
    large = pool("large", (A, C), (10**12, 6 * 10**8))
    shared = pool("end", (C, B), (FULL, FULL), kind=Bounded)
    market, request, options = Market([small, large, shared]), exact_in(A, B, 10**12), RouteOptions(room=AnyRoom())
    (last,) = market.between(C.address, B.address)
    paths = [(edge, last) for edge in market.between(A.address, C.address)]
    order = scope_of(market, request, options).order
    route = two_legs_by_trial(market, order, request, options, paths, None)
    assert route is not None
    through = sum(leg.hops[1].hop.amount_in for leg in route.legs)
    assert len(route.legs) == 2 and FULL - FULL // 1_000 < through <= FULL


def test_a_bound_is_never_more_than_the_pools_can_pay() -> None:
    """Arbitrage may be worth any number at the prices that hold elsewhere."""
    tangled = [
        pool("there", (A, B), (10**3, 10**15)),
        pool("back", (A, B), (10**15, 10**3)),
        pool("again", (A, B), (10**9, 10**9)),
    ]
    solution = solve_route(tangled, exact_in(A, B, 10), RouteOptions(room=AnyRoom()))
    paid = sum(one.vault_amounts[one.mints.index(B)] for one in tangled)
    assert solution.certificate is not None
    assert solution.quote.amount_out <= solution.certificate.bound <= paid * (1 + 1e-6)


class Drained(CpmmPool):
    """Takes any input for all it has; its curve ends where nothing more comes out, as that of a stable pool of DAMM v1 does."""

    __slots__ = ()

    def liquidity_curve(self, index_in: int, most_in: int) -> Curve:
        return replace(super().liquidity_curve(index_in, min(most_in, 10**4)), complete=True)


def test_what_full_pools_leave_goes_to_whoever_takes_it() -> None:
    """A flow sends nothing to where nothing comes out any more; but a route must spend the whole input, and the good pool's part of
    it went there as well."""
    rich = pool("rich", (A, B), (10**12, 4 * 10**12), kind=Brimful)
    drained = pool("drained", (A, B), (100, 100), kind=Drained)
    request = exact_in(A, B, 10 * FULL)
    assert 90 < drained.quote(request).amount_out < 100
    quote = find_route([rich, drained], request, RouteOptions(room=AnyRoom()))
    assert_executes([rich, drained], request, quote, hop_slippage_bps=0)
    assert quote.amount_out > 0.99 * rich.quote(exact_in(A, B, FULL)).amount_out
