"""What is left between the legs of a split when the solver is done is found by exact quotes, and nothing is made worse."""

from __future__ import annotations

import pytest

from dexroute.engine.routing import RouteOptions
from dexroute.engine.routing.legs import QuotedRoute, Share, quote_legs
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.polish import polished
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import scope_of
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.small_market import mint, pool

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


def test_a_single_leg_and_pools_that_count_for_less_than_they_quote_stay_as_they_are() -> None:
    market = Market(POOLS.values())
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=ORDER)
    options = RouteOptions(room=AnyRoom(), pool_penalty_ppm={POOLS["deep"].address: 5_000})
    poor = _quoted(market, request, (0.6, 0.15, 0.25))
    assert polished(market, scope_of(market, request, options).order, request, options, poor) is None
    plain = RouteOptions(room=AnyRoom())
    assert polished(market, scope_of(market, request, plain).order, request, plain, QuotedRoute(poor.legs[:1])) is None
