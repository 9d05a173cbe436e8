"""Which of the known pools a request can use at all: those on some path between its mints that is short enough. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from solders.pubkey import Pubkey

from dexroute.sdk.pool_ranking import ranked, value_in


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHint:
    """A pool somebody named, and the mints it is said to hold. Nothing here is believed before its accounts are read.

    `reserves` are what it held when it was last read, at `seen_slot` (base units in the order of `mints`; empty when it never
    was). `tvl_usd` is an API's word, whole dollars. Both only rank.
    """

    address: Pubkey
    venue_id: str
    mints: tuple[Pubkey, ...]
    reserves: tuple[int, ...] = ()
    seen_slot: int | None = None
    tvl_usd: int | None = None


def useful_pools(
    hints: Iterable[PoolHint], input_mint: Pubkey, output_mint: Pubkey, *, max_hops: int, most: int
) -> tuple[tuple[PoolHint, ...], int]:
    """(the hints worth reading, how many were left out because `most` were taken).

    Direct pools come first, then pools of both halves of each two-hop path, a mint at a time; each group in the order of
    `pool_ranking`, by what a swap could take out of the pool. The mint whose best second half holds most of the output mint
    comes first. A mint with only one half is of no use. Pools that only longer paths lead through follow, those of shorter paths
    first, and of each pair of mints the best, then the second best of each.
    """
    hints = tuple(hints)
    direct: dict[Pubkey, PoolHint] = {}
    halves: dict[Pubkey, tuple[list[PoolHint], list[PoolHint]]] = defaultdict(lambda: ([], []))
    for hint in hints:
        others = set(hint.mints) - {input_mint, output_mint}
        if input_mint in hint.mints and output_mint in hint.mints:
            direct.setdefault(hint.address, hint)
        elif input_mint in hint.mints:
            for mint in others:
                halves[mint][0].append(hint)
        elif output_mint in hint.mints:
            for mint in others:
                halves[mint][1].append(hint)
    ordered = {hint.address: hint for hint in ranked(direct.values(), output_mint)}
    if max_hops >= 2:
        paths = [(mint, first, second) for mint, (first, second) in halves.items() if first and second]
        paths.sort(key=lambda path: -max(value_in(hint, output_mint) or 0 for hint in path[2]))
        for mint, first, second in paths:
            for hint in _alternating(ranked(first, mint), ranked(second, output_mint)):
                ordered.setdefault(hint.address, hint)
    if max_hops >= 3:
        for hint in _farther(hints, input_mint, output_mint, max_hops):
            ordered.setdefault(hint.address, hint)
    chosen = tuple(ordered.values())
    return chosen[:most], max(0, len(chosen) - most)


def why_unreachable(hints: Iterable[PoolHint], input_mint: Pubkey, output_mint: Pubkey, max_hops: int) -> str:
    """In words, why no path of these pools joins the mints within `max_hops`; with how many hops one would, where any does."""
    hints = tuple(hints)
    counts = [sum(mint in hint.mints for hint in hints) for mint in (input_mint, output_mint)]
    absent = [str(mint) for mint, count in zip((input_mint, output_mint), counts, strict=True) if not count]
    if absent:
        return f"of {len(hints)} known pools none holds {' or '.join(absent)}"
    neighbours: dict[Pubkey, set[Pubkey]] = defaultdict(set)
    for hint in hints:
        for one, other in permutations(hint.mints, 2):
            neighbours[one].add(other)
    needed = _distances(neighbours, input_mint, input_mint, len(neighbours) + 1).get(output_mint)
    held = f"{counts[0]} of {len(hints)} known pools hold {input_mint} and {counts[1]} hold {output_mint}"
    if needed is None:
        return f"{held}, but nothing joins them in any number of hops"
    return f"{held}, but it takes {needed} hops from one to the other and {max_hops} are allowed (--max-hops)"


def _farther(hints: Sequence[PoolHint], input_mint: Pubkey, output_mint: Pubkey, max_hops: int) -> list[PoolHint]:
    """Pools on paths of up to `max_hops`, in the order `useful_pools` promises."""
    neighbours: dict[Pubkey, set[Pubkey]] = defaultdict(set)
    pairs: dict[tuple[Pubkey, Pubkey], list[PoolHint]] = defaultdict(list)
    for hint in hints:
        for one, other in permutations(hint.mints, 2):
            neighbours[one].add(other)
            pairs[one, other].append(hint)
    _prune(neighbours, {input_mint, output_mint})
    # A path passes through neither of its ends again.
    ahead = _distances(neighbours, input_mint, output_mint, max_hops)
    behind = _distances(neighbours, output_mint, input_mint, max_hops)
    by_length: dict[int, list[tuple[PoolHint, ...]]] = defaultdict(list)
    for (one, other), its in pairs.items():
        if one in ahead and other in behind and (length := ahead[one] + 1 + behind[other]) <= max_hops:
            by_length[length].append(ranked(its, other))
    found: list[PoolHint] = []
    for length in sorted(by_length):
        groups = by_length[length]
        found += [group[place] for place in range(max(map(len, groups))) for group in groups if place < len(group)]
    return found


def _prune(neighbours: dict[Pubkey, set[Pubkey]], ends: set[Pubkey]) -> None:
    """Take dead ends out: mints joined to one other only."""
    dead = [mint for mint, near in neighbours.items() if len(near) == 1 and mint not in ends]
    while dead:
        mint = dead.pop()
        for near in neighbours.pop(mint, set()):
            neighbours[near].discard(mint)
            if len(neighbours[near]) == 1 and near not in ends:
                dead.append(near)


def _distances(neighbours: Mapping[Pubkey, set[Pubkey]], start: Pubkey, without: Pubkey, most: int) -> dict[Pubkey, int]:
    """Hops from a mint to every other within reach, on ways around `without`."""
    found, edge = {start: 0}, [start]
    for distance in range(1, most):
        edge = sorted({near for mint in edge for near in neighbours.get(mint, ())} - found.keys() - {without}, key=bytes)
        found |= dict.fromkeys(edge, distance)
    return found


def _alternating(first: Sequence[PoolHint], second: Sequence[PoolHint]) -> list[PoolHint]:
    """Best of each half, then second best of each: cut anywhere, what is left still makes paths."""
    longest = max(len(first), len(second))
    return [side[place] for place in range(longest) for side in (first, second) if place < len(side)]
