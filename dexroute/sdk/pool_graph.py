"""The graph of known pools: mints that are joined by pools, and by which venues. Nothing is read from the cluster for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from solders.pubkey import Pubkey

from dexroute.types.pools import RememberedPool


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """Two mints (in byte order) and the pools between them: how many of each venue, venues in order of their names."""

    mints: tuple[Pubkey, Pubkey]
    pools_by_venue: tuple[tuple[str, int], ...]

    @property
    def pools(self) -> int:
        return sum(count for _, count in self.pools_by_venue)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolGraph:
    """`mints` are sorted by how many pools hold them, most first; `parts` are the sets of mints that hang together, largest first:
    a route leads within one only."""

    mints: tuple[Pubkey, ...]
    edges: tuple[GraphEdge, ...]
    parts: tuple[frozenset[Pubkey], ...]

    def edges_of(self, mint: Pubkey) -> tuple[GraphEdge, ...]:
        return tuple(edge for edge in self.edges if mint in edge.mints)


def pool_graph(pools: Iterable[RememberedPool]) -> PoolGraph:
    """The graph of these pools. A pool of more than two mints joins each two of them."""
    counts: dict[tuple[Pubkey, Pubkey], Counter[str]] = defaultdict(Counter)
    degree: Counter[Pubkey] = Counter()
    for pool in pools:
        degree.update(set(pool.mints))
        for pair in combinations(sorted(set(pool.mints), key=bytes), 2):
            counts[pair][pool.venue_id] += 1
    edges = tuple(
        GraphEdge(mints=pair, pools_by_venue=tuple(sorted(venues.items())))
        for pair, venues in sorted(counts.items(), key=lambda one: (-sum(one[1].values()), *map(bytes, one[0])))
    )
    mints = tuple(sorted(degree, key=lambda mint: (-degree[mint], bytes(mint))))
    return PoolGraph(mints=mints, edges=edges, parts=_parts(mints, edges))


def _parts(mints: Iterable[Pubkey], edges: Iterable[GraphEdge]) -> tuple[frozenset[Pubkey], ...]:
    neighbours: dict[Pubkey, set[Pubkey]] = defaultdict(set)
    for edge in edges:
        one, other = edge.mints
        neighbours[one].add(other)
        neighbours[other].add(one)
    found: list[frozenset[Pubkey]] = []
    seen: set[Pubkey] = set()
    for mint in mints:
        if mint in seen:
            continue
        part, ahead = {mint}, [mint]
        while ahead:
            new = neighbours[ahead.pop()] - part
            part |= new
            ahead += new
        seen |= part
        found.append(frozenset(part))
    return tuple(sorted(found, key=lambda part: (-len(part), min(map(bytes, part)))))


def graph_json(graph: PoolGraph) -> dict[str, Any]:
    return {
        "mints": [str(mint) for mint in graph.mints],
        "edges": [
            {"mints": [str(mint) for mint in edge.mints], "pools": edge.pools, "venues": dict(edge.pools_by_venue)}
            for edge in graph.edges
        ],
        "parts": [sorted(str(mint) for mint in part) for part in graph.parts],
    }
