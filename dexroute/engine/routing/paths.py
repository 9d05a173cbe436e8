"""Paths through a market by what their curves promise, best first. Floats: which of them are quoted exactly, and when to stop.

A search outward from the side whose amount is fixed, one hop after the other. At each mint only the best few partial paths are
kept, which in a small market are all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from dexroute.engine.routing.legs import Path
from dexroute.engine.routing.market import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSearch:
    """`edges`: what may be used. `keep`: the part of a hop's output the next hop may spend. `width`: partial paths kept per
    mint."""

    input: int
    output: int
    amount: float
    exact_in: bool
    max_hops: int
    keep: float
    width: int


@dataclass(frozen=True, slots=True)
class PromisedPath:
    """`amount`: what arrives at most (exact in), or what it costs at least (exact out; infinity where it never delivers)."""

    path: Path
    amount: float


def promised_paths(market: Market, edges: Sequence[int], search: PathSearch) -> tuple[list[PromisedPath], list[Path]]:
    """Paths from input to output, best first, and the partial paths whose last pool cannot carry the amount at all."""
    forward = search.exact_in
    start, goal = (search.input, search.output) if forward else (search.output, search.input)
    near, far = (market.source, market.target) if forward else (market.target, market.source)
    outward: dict[int, list[int]] = {}
    for edge in edges:
        outward.setdefault(near[edge], []).append(edge)
    distance = _distances(edges, near, far, goal, search.max_hops)
    found: list[PromisedPath] = []
    stuck: list[Path] = []
    labels: dict[int, list[tuple[float, tuple[int, ...]]]] = {start: [(search.amount, ())]}
    for hop in range(search.max_hops):
        following: dict[int, list[tuple[float, tuple[int, ...]]]] = {}
        left = search.max_hops - hop - 1
        for mint, partial in labels.items():
            for edge in outward.get(mint, ()):
                there = far[edge]
                if there == start or distance.get(there, inf) > left:
                    continue
                curve = market.curve(edge)
                for amount, path in partial:
                    if hop and _revisits(market, path, edge, there, near):
                        continue
                    asked = amount if not hop else amount * search.keep if forward else amount / search.keep
                    carried = curve.amount_out(asked) if forward else curve.amount_in(asked)
                    chain = (*path, edge)
                    if carried <= 0.0 or carried == inf or (forward and asked > curve.capacity_in and not curve.complete):
                        stuck.append(chain if forward else chain[::-1])
                    if carried <= 0.0 or carried == inf:
                        continue
                    if there == goal:
                        found.append(PromisedPath(chain if forward else chain[::-1], carried))
                    else:
                        following.setdefault(there, []).append((carried, chain))
        labels = {
            mint: sorted(partial, key=lambda label: (-label[0] if forward else label[0], label[1]))[: search.width]
            for mint, partial in following.items()
        }
    found.sort(key=lambda one: (-one.amount if forward else one.amount, len(one.path), one.path))
    return found, stuck


def _revisits(market: Market, path: tuple[int, ...], edge: int, there: int, near: Sequence[int]) -> bool:
    """Whether the edge leads back to a mint of the path, or through one of its pools."""
    pool = market.edge_pool[edge].address
    return any(near[before] == there or market.edge_pool[before].address == pool for before in path)


def _distances(edges: Sequence[int], near: Sequence[int], far: Sequence[int], goal: int, most: int) -> Mapping[int, int]:
    """Hops from each mint to the goal, up to `most`."""
    inward: dict[int, list[int]] = {}
    for edge in edges:
        inward.setdefault(far[edge], []).append(near[edge])
    distance = {goal: 0}
    frontier = [goal]
    for hops in range(1, most + 1):
        frontier = [mint for there in frontier for mint in inward.get(there, ()) if distance.setdefault(mint, hops) == hops]
        frontier = list(dict.fromkeys(frontier))
    return distance
