"""The graph of known pools, and which pools serve longer paths."""

from __future__ import annotations

from itertools import pairwise

from solders.pubkey import Pubkey

from dexroute.sdk.pool_graph import graph_json, pool_graph
from dexroute.sdk.pool_hints import PoolHint, useful_pools
from dexroute.types.pools import RememberedPool

MINTS = tuple(Pubkey.from_bytes(bytes([number]) * 32) for number in range(1, 9))
A, B, C, D, E, F, G, H = MINTS


def remembered(number: int, *mints: Pubkey, venue: str = "dexroute-pool") -> RememberedPool:
    return RememberedPool(
        genesis_hash="g",
        address=Pubkey.from_bytes(bytes([100 + number]) * 32),
        venue_id=venue,
        mints=mints,
        source="chain",
        first_seen_ms=1,
        last_seen_ms=1,
    )


def hint(number: int, *mints: Pubkey, held: int = 1) -> PoolHint:
    return PoolHint(
        address=Pubkey.from_bytes(bytes([100 + number]) * 32),
        venue_id="dexroute-pool",
        mints=mints,
        reserves=(held,) * len(mints),
        seen_slot=1,
    )


def test_edges_count_pools_by_venue_and_parts_hang_together() -> None:
    graph = pool_graph(
        [
            remembered(1, A, B),
            remembered(2, B, A, venue="raydium-cpmm"),
            remembered(3, A, B, venue="raydium-cpmm"),
            remembered(4, B, C),
            remembered(5, D, E),
            remembered(6, F, G, H),
        ]
    )
    assert graph.mints[0] == B, "four pools hold it"
    assert graph.edges[0].mints == (A, B)
    assert graph.edges[0].pools_by_venue == (("dexroute-pool", 1), ("raydium-cpmm", 2)) and graph.edges[0].pools == 3
    assert sum(edge.pools for edge in graph.edges) == 8, "a pool of three mints joins three pairs"
    assert [len(part) for part in graph.parts] == [3, 3, 2]
    assert {frozenset(part) for part in graph.parts} == {frozenset({A, B, C}), frozenset({D, E}), frozenset({F, G, H})}
    assert len(graph.edges_of(B)) == 2
    shape = graph_json(graph)
    assert shape["edges"][0]["venues"] == {"dexroute-pool": 1, "raydium-cpmm": 2}
    assert pool_graph([]).mints == ()


def test_pools_of_longer_paths_follow_those_of_shorter_ones() -> None:
    direct, near, far = hint(1, A, H), [hint(2, A, B), hint(3, B, H)], [hint(4, A, C), hint(5, C, D), hint(6, D, H)]
    longest = [hint(7, A, E), hint(8, E, F), hint(9, F, G), hint(10, G, H)]
    dead_end = hint(11, C, Pubkey.new_unique())
    pools = [*longest, dead_end, *far, *near, direct]
    found = {hops: useful_pools(pools, A, H, max_hops=hops, most=48)[0] for hops in (1, 2, 3, 4)}
    assert set(found[1]) == {direct}
    assert found[2][0] == direct and set(found[2]) == {direct, *near}
    assert set(found[3]) == {direct, *near, *far} and set(found[3][3:]) == set(far)
    assert set(found[4]) == {direct, *near, *far, *longest} and set(found[4][6:]) == set(longest)
    for shorter, longer in pairwise((1, 2, 3, 4)):
        assert set(found[shorter]) < set(found[longer])


def test_of_many_pools_of_a_pair_the_fullest_are_read_first() -> None:
    far = [hint(1, A, C), hint(2, C, D), hint(3, D, H)]
    thin = [hint(20 + number, C, D, held=1) for number in range(6)]
    deep = hint(40, C, D, held=10**9)
    chosen, left_out = useful_pools([*thin, *far, deep], A, H, max_hops=3, most=4)
    assert deep in chosen and {far[0], far[2]} <= set(chosen)
    assert left_out == 6
