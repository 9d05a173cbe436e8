"""Legs that share pools: solved for as they execute; and which of them can be spared is known before it is solved again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dexroute.engine.routing import RouteOptions
from dexroute.engine.routing.decomposition import PathShare
from dexroute.engine.routing.fixed_paths import solve_paths
from dexroute.engine.routing.in_turn import carried_in_turn
from dexroute.engine.routing.leg_worth import by_loss
from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market
from dexroute.engine.routing.network import NetworkFlow
from dexroute.engine.routing.path_graph import END, FREE, START, PathGraph
from dexroute.engine.routing.room import AnyRoom
from dexroute.engine.routing.scope import Scope, scope_of
from dexroute.types.mints import Mint
from dexroute.types.requests import QuoteRequest, SwapMode
from tests.engine.small_market import mint, pool

A, B, C, D = (mint(name) for name in "ABCD")
ORDER = 10**10

words = st.lists(st.integers(1, 4), max_size=3).flatmap(lambda word: st.integers(11, 13).map(lambda last: (*word, last)))


@given(st.sets(words, min_size=1, max_size=9))
def test_through_a_graph_of_paths_nothing_leads_but_these_paths(paths: set[Path]) -> None:
    given_paths = sorted(paths)
    graph = PathGraph(given_paths)
    found: list[Path] = []
    ways: list[tuple[int, Path]] = [(START, ())]
    while ways:
        node, path = ways.pop()
        if node == END:
            found.append(path)
        for arc, edge in enumerate(graph.edge):
            if graph.source[arc] == node:
                ways.append((graph.target[arc], path if edge == FREE else (*path, edge)))
    assert sorted(found) == given_paths  # each once
    assert [tuple(graph.edge[arc] for arc in chain if graph.edge[arc] != FREE) for chain in graph.chains] == given_paths
    pools = [(edge, graph.target[arc]) for arc, edge in enumerate(graph.edge) if edge != FREE]
    assert len(set(pools)) == len(pools)
    assert max(*graph.source, *graph.target) < graph.nodes


def _path(market: Market, *steps: tuple[Mint, Mint, str]) -> Path:
    pools = {name: pool(name, (source, target), (1, 1)).address for source, target, name in steps}
    return tuple(
        next(edge for edge in market.between(source.address, target.address) if market.edge_pool[edge].address == pools[name])
        for source, target, name in steps
    )


def _start(market: Market, paths: list[Path], scope: Scope) -> tuple[list[PathShare], NetworkFlow]:
    """Equal shares, and a first guess at a flow."""
    edges = {edge for path in paths for edge in path}
    arrivals = {edge: market.curve(edge).pieces[0].slope for edge in edges}
    flow = NetworkFlow(flows=dict.fromkeys(edges, 1.0), arrivals=arrivals, prices={}, value=scope.order.amount, solved=True)
    return [PathShare(path, 1.0 / len(paths)) for path in paths], flow


@given(st.sampled_from(SwapMode), st.sampled_from([None, 30]), st.integers(-4, 4))
def test_a_pool_that_legs_reach_in_different_ways_is_no_bottleneck(mode: SwapMode, slippage: int | None, tilt: int) -> None:
    market = Market(
        [
            pool("first", (A, C), (10**12, 10**12)),
            pool("second", (A, C), (10**12, 10**12 + tilt * 10**9)),
            pool("narrow", (C, B), (2 * 10**10, 2 * 10**10)),
            pool("aside", (C, D), (10**11, 10**11)),
            pool("behind", (D, B), (10**10, 10**10)),
        ]
    )
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=ORDER, mode=mode)
    scope = scope_of(market, request, RouteOptions(room=AnyRoom(), hop_slippage_bps=slippage))
    first, second = (A, C, "first"), (A, C, "second")
    narrow, aside, behind = (C, B, "narrow"), (C, D, "aside"), (D, B, "behind")
    paths = [_path(market, first, narrow), _path(market, second, narrow), _path(market, first, aside, behind)]
    solved = solve_paths(market, *_start(market, paths, scope), scope.order, tolerance=1e-8)
    assert solved is not None
    shares, flow = solved
    assert {share.path for share in shares} == set(paths)
    assert abs(sum(share.share for share in shares) - 1.0) < 1e-6
    grid = [(x / 40, y / 40, (40 - x - y) / 40) for x in range(1, 39) for y in range(1, 40 - x)]
    worths = [
        sum(carried_in_turn(market, scope.order, [(path, part * ORDER) for path, part in zip(paths, point, strict=True)]))
        for point in grid
    ]
    if mode is SwapMode.EXACT_IN:
        assert flow.value >= max(worths) * (1 - 1e-7)
    else:
        assert flow.value <= min(worths) * (1 + 1e-7)


@given(st.sampled_from(SwapMode))
def test_a_large_leg_whose_pools_another_can_carry_is_spared_before_a_small_one_of_its_own(mode: SwapMode) -> None:
    market = Market(
        [
            pool("first", (A, C), (10**14, 10**14)),
            pool("second", (A, C), (10**14, 10**14)),
            pool("onward", (C, B), (3 * 10**11, 3 * 10**11)),
            pool("direct", (A, B), (3 * 10**10, 3 * 10**10)),
        ]
    )
    request = QuoteRequest(input_mint=A.address, output_mint=B.address, amount=ORDER, mode=mode)
    scope = scope_of(market, request, RouteOptions(room=AnyRoom()))
    onward = C, B, "onward"
    paths = [_path(market, (A, C, "first"), onward), _path(market, (A, C, "second"), onward), _path(market, (A, B, "direct"))]
    solved = solve_paths(market, *_start(market, paths, scope), scope.order, tolerance=1e-8)
    assert solved is not None
    shares, flow = solved
    assert min(shares, key=lambda share: share.share).path == paths[2]
    stay, go = by_loss(market, scope, flow, shares, most=2)
    assert [share.path for share in go] in ([paths[0]], [paths[1]])
    assert paths[2] in [share.path for share in stay]
    # Nothing larger than allowed goes, but one.
    stay, go = by_loss(market, scope, flow, shares, most=1, let_go=0.2)
    assert len(go) == 1
