"""Which of the known pools a request can use at all: those that hold the pair, and those that meet in a third mint. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    hints: Iterable[PoolHint], input_mint: Pubkey, output_mint: Pubkey, *, two_hops: bool, most: int
) -> tuple[tuple[PoolHint, ...], int]:
    """(the hints worth reading, how many were left out because `most` were taken).

    Direct pools come first, then pools of both halves of each two-hop path, a mint at a time; each group in the order of
    `pool_ranking`, by what a swap could take out of the pool. The mint whose best second half holds most of the output mint
    comes first. A mint with only one half is of no use.
    """
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
    if two_hops:
        paths = [(mint, first, second) for mint, (first, second) in halves.items() if first and second]
        paths.sort(key=lambda path: -max(value_in(hint, output_mint) or 0 for hint in path[2]))
        for mint, first, second in paths:
            for hint in _alternating(ranked(first, mint), ranked(second, output_mint)):
                ordered.setdefault(hint.address, hint)
    chosen = tuple(ordered.values())
    return chosen[:most], max(0, len(chosen) - most)


def _alternating(first: Sequence[PoolHint], second: Sequence[PoolHint]) -> list[PoolHint]:
    """Best of each half, then second best of each: cut anywhere, what is left still makes paths."""
    longest = max(len(first), len(second))
    return [side[place] for place in range(longest) for side in (first, second) if place < len(side)]
