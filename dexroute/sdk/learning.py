"""What quotes learn of pools, kept in the journal: the first quote of a new process then reads all it needs in one round trip.

Nothing here is believed. The loader asks every pool again what it takes, so what is out of date costs another round or an account
read in vain; compute units only tell which routes are worth simulating.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning import SwapBuilder
from dexroute.fetchers.loader import LoadedPools, needed_accounts
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import LearnedMemory
from dexroute.types.pools import LearnedPool

# Of each pool, accounts beyond what it takes now: those a large amount reached. More than these are left behind by the price.
_MOST_BEYOND: Final = 16

_PART_TO_WRITE: Final = 10  # units a tenth apart are written anew


class Learning:
    """Joins `reader` and `builder`, who learn, with the journal, which keeps. `memory` None keeps nothing."""

    def __init__(
        self, reader: PoolReader, builder: SwapBuilder, venues: VenueRegistry, genesis_hash: str, memory: LearnedMemory | None
    ) -> None:
        self._reader = reader
        self._builder = builder
        self._venues = venues
        self._genesis_hash = genesis_hash
        self._memory = memory
        self._kept: dict[Pubkey, LearnedPool] = {}
        self._asked: set[Pubkey] = set()

    async def recall(self, pools: Collection[Pubkey]) -> None:
        """Before these are read: what the journal knows of those not asked for yet."""
        fresh = [pool for pool in dict.fromkeys(pools) if pool not in self._asked]
        if self._memory is None or not fresh:
            return
        self._asked.update(fresh)
        found = await self._memory.learned_pools(self._genesis_hash, fresh)
        self._kept |= {pool.address: pool for pool in found}
        for pool in found:
            if not self._reader.learned(pool.address):
                self._reader.relearn(pool.address, pool.accounts)
        self._builder.learn_units({pool.address: pool.compute_units for pool in found if pool.compute_units is not None})

    async def keep(self, loaded: LoadedPools) -> None:
        """After these were read: what the journal does not know yet."""
        if self._memory is None:
            return
        changed = []
        for address in (*loaded.pools, *loaded.broken):
            known = self._kept.get(address)
            if known is None or not self._reader.learned(address) <= known.accounts:
                changed.append(self._now(address, self._settled(address, loaded)))
        await self._write(changed)

    async def keep_units(self) -> None:
        """After simulations: compute units the journal does not know yet, or knows to be others. They vary a little with every
        swap, and a write for each would be one too many."""
        changed = [pool for pool, units in self._builder.learned_units.items() if self._is_news(pool, units)]
        await self._write([self._now(pool, self._reader.learned(pool)) for pool in changed])

    def _is_news(self, pool: Pubkey, units: int) -> bool:
        known = self._kept.get(pool)
        return known is None or known.compute_units is None or abs(units - known.compute_units) * _PART_TO_WRITE > units

    def _settled(self, address: Pubkey, loaded: LoadedPools) -> frozenset[Pubkey]:
        """The accounts to read from now on: a price that wanders leaves accounts behind, which would be read for ever."""
        learned = self._reader.learned(address)
        needed = needed_accounts(address, loaded.snapshot, self._venues)
        if len(learned - needed) > _MOST_BEYOND:
            self._reader.relearn(address, needed)
            return needed
        return learned | needed

    def _now(self, address: Pubkey, accounts: frozenset[Pubkey]) -> LearnedPool:
        return LearnedPool(address=address, accounts=accounts, compute_units=self._builder.learned_units.get(address))

    async def _write(self, pools: list[LearnedPool]) -> None:
        changed = [pool for pool in pools if self._kept.get(pool.address) != pool]
        if self._memory is not None and changed:
            await self._memory.remember_learned(self._genesis_hash, changed)
            self._kept |= {pool.address: pool for pool in changed}
