"""What is left between the legs of a split when the solver is done is found by exact quotes, and nothing is made worse."""

from __future__ import annotations

import pytest

from dexroute.engine.routing import RouteOptions, find_route
from dexroute.engine.routing.legs import Path, QuotedRoute, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.polish import polished
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import scope_of
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.small_market import exact_in, mint, pool

A, B, C = (mint(name) for name in "ABC")
POOLS = {
    "direct": pool("direct", (A, B), (10**12, 10**12)),
    "shared": pool("shared", (A, C), (3 * 10**12, 3 * 10**12)),
    "deep": pool("deep", (C, B), (2 * 10**12, 2 * 10**12)),
    "shallow": pool("shallow", (C, B), (10**11, 10**11)),
}
PATHS = (("direct",), ("shared", "deep"), ("shared", "shallow"))
ORDER = 10**10


def _quoted(market: Market, request: QuoteRequest, parts: tuple[float, ...], slippage: int = 0) -> QuotedRoute:
    shares = []
    for names, part in zip(PATHS, parts, strict=True):
        path, source = [], A
        for name in names:
            target = C if name == "shared" else B
            edges = market.between(source.address, target.address)
            path.append(next(edge for edge in edges if market.edge_pool[edge].address == POOLS[name].address))
            source = target
        shares.append(Share(tuple(path), int(part * request.amount)))
    quoted = quote_legs(market, shares, request.mode, slippage)
    assert isinstance(quoted, QuotedRoute)
    return quoted


def _cost(route: QuotedRoute, mode: SwapMode) -> int:
    return -route.amount_out if mode is SwapMode.EXACT_IN else route.amount_in


@pytest.mark.parametrize("mode", SwapMode)
@pytest.mark.parametrize("slippage", [0, 30])
def test_amounts_move_between_legs_that_share_a_pool_until_none_is_better(mode: SwapMode, slippage: int) -> None:
    market = Market(POOLS.values())
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=ORDER, mode=mode)
    options = RouteOptions(room=AnyRoom(), hop_slippage_bps=slippage)
    order = scope_of(market, request, options).order
    poor = _quoted(market, request, (0.6, 0.15, 0.25), slippage)
    better = polished(market, order, request, options, poor)
    assert better is not None
    parts = [leg.amount_in if mode is SwapMode.EXACT_IN else leg.amount_out for leg in better.legs]
    assert sum(parts) == ORDER
    # Nothing on a grid of shares is better, and nothing is left to gain.
    grid = [(x / 40, y / 40, (40 - x - y) / 40) for x in range(1, 39) for y in range(1, 40 - x)]
    assert len(grid) > 700
    best = min(_cost(_quoted(market, request, point, slippage), mode) for point in grid)
    assert _cost(better, mode) <= best < _cost(poor, mode)
    again = polished(market, order, request, options, better)
    assert again is None or _cost(better, mode) - _cost(again, mode) <= ORDER * 1e-6


def test_legs_that_share_a_dear_pool_go_in_the_order_that_is_better() -> None:
    """What the first leaves of its fee in the pool they share is worth more to the second where that is the larger."""
    shared = pool("dear", (A, C), (10**8, 10**8), trade_ppm=100_000)
    behind = [pool("one", (C, B), (10**8, 10**8)), pool("other", (C, B), (10**7, 2 * 10**7))]
    market = Market([shared, *behind])
    request = exact_in(A, B, 2 * 10**8)
    edges = {
        market.edge_pool[edge].address: edge
        for edge in (*market.between(A.address, C.address), *market.between(C.address, B.address))
    }
    paths = [(edges[shared.address], edges[one.address]) for one in behind]

    def best_of(first: Path, second: Path) -> int:
        grid = [[Share(first, part * 10**6), Share(second, (200 - part) * 10**6)] for part in range(1, 200)]
        quoted = [quote_legs(market, shares, request.mode, 0) for shares in grid]
        return max(route.amount_out for route in quoted if isinstance(route, QuotedRoute))

    orders = best_of(*paths), best_of(*reversed(paths))
    assert abs(orders[0] - orders[1]) > 50_000
    assert find_route(market, request, RouteOptions(room=AnyRoom())).amount_out >= max(orders)


def test_a_single_leg_and_pools_that_count_for_less_than_they_quote_stay_as_they_are() -> None:
    market = Market(POOLS.values())
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=ORDER)
    options = RouteOptions(room=AnyRoom(), pool_penalty_ppm={POOLS["deep"].address: 5_000})
    poor = _quoted(market, request, (0.6, 0.15, 0.25))
    assert polished(market, scope_of(market, request, options).order, request, options, poor) is None
    plain = RouteOptions(room=AnyRoom())
    assert polished(market, scope_of(market, request, plain).order, request, plain, QuotedRoute(poor.legs[:1])) is None
