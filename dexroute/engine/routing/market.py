"""Pools indexed by what they swap."""

from __future__ import annotations

from collections.abc import Iterable

from solders.pubkey import Pubkey

from dexroute.fetchers import VENUES
from dexroute.fetchers.base import Pool
from dexroute.types.network import DEFAULT_COMPUTE_UNITS

# What one swap may cost when its venue is not registered: the cluster's default budget of one instruction.
_UNKNOWN_VENUE_UNITS = DEFAULT_COMPUTE_UNITS


class Market:
    """Every pool under each ordered pair of its mints, in the byte order of pool addresses, so that the order in which
    pools were handed over never shows in an answer. Of two states of one pool the later slot is kept."""

    def __init__(self, pools: Iterable[Pool]) -> None:
        latest: dict[Pubkey, Pool] = {}
        for pool in pools:
            known = latest.get(pool.address)
            if known is None or known.slot < pool.slot:
                latest[pool.address] = pool
        self._size = len(latest)
        self._by_pair: dict[tuple[Pubkey, Pubkey], list[Pool]] = {}
        self._neighbours: dict[Pubkey, set[Pubkey]] = {}
        for pool in sorted(latest.values(), key=lambda pool: bytes(pool.address)):
            addresses = [mint.address for mint in pool.mints]
            for source in addresses:
                for target in addresses:
                    if source != target:
                        self._by_pair.setdefault((source, target), []).append(pool)
                        self._neighbours.setdefault(source, set()).add(target)

    def __len__(self) -> int:
        return self._size

    def between(self, input_mint: Pubkey, output_mint: Pubkey) -> list[Pool]:
        """Pools that hold both mints."""
        return self._by_pair.get((input_mint, output_mint), [])

    def holds(self, mint: Pubkey) -> bool:
        return mint in self._neighbours

    def intermediates(self, input_mint: Pubkey, output_mint: Pubkey) -> list[Pubkey]:
        """Mints through which two hops connect the pair, in byte order."""
        shared = self._neighbours.get(input_mint, set()) & self._neighbours.get(output_mint, set())
        return sorted(shared - {input_mint, output_mint}, key=bytes)


def swap_compute_units(venue_id: str) -> int:
    """The venue's first guess at one swap's compute units; 200,000 for a venue that is not registered."""
    for venue in VENUES:
        if venue.id == venue_id:
            return venue.capabilities.swap_compute_units
    return _UNKNOWN_VENUE_UNITS
