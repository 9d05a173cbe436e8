"""Pools for quotes: from what was kept where the caller allows its age, else read now, in one round trip once learned.

Three rules keep a quote right. Accounts come from one slot: a kept set is used whole or not at all. Age is counted in slots, and
never underestimated. A load for signing reads, from a node that has reached the newest slot seen here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from solders.pubkey import Pubkey

from dexroute.errors import CacheDamaged, CacheUnavailable, RpcError, StaleData
from dexroute.fetchers.loader import LoadedPools, kept_pools, load_pools
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountCache, AccountReader
from dexroute.types.chain import AccountsAtSlot

# Nodes behind one address differ by a few slots; one further behind than this would quote from the past.
_MOST_SLOTS_BACK = 16


class PoolReader:
    """Loads pools on one cluster, from `caches` in their order of trust. Remembers which accounts each pool takes."""

    def __init__(self, reader: AccountReader, registry: VenueRegistry, caches: Sequence[AccountCache] = ()) -> None:
        self._reader = reader
        self._registry = registry
        self._caches = tuple(caches)
        self._learned: dict[Pubkey, frozenset[Pubkey]] = {}
        self._reached: int | None = None

    async def load(
        self, addresses: Iterable[Pubkey], *, also: Iterable[Pubkey] = (), kept_slots: int = 0, for_signing: bool = False
    ) -> tuple[LoadedPools, tuple[str, ...]]:
        """The pools, and notes on caches that did not serve. Up to `kept_slots` old, 0 means read now; with `for_signing` they
        are read in any case, and no older than anything seen here before.

        Raises as `load_pools` does; StaleData too when the node has fallen far behind what was seen here.
        """
        asked, besides = tuple(dict.fromkeys(addresses)), frozenset(also)
        notes: list[str] = []
        if for_signing:
            kept_slots = 0
        if kept_slots or any(address not in self._learned for address in asked):
            for cache in self._caches:
                kept = await self._kept(cache, asked, besides, notes)
                if kept is not None and 0 < kept_slots >= kept.age_slots:
                    return kept, tuple(notes)
        loaded = await self._read(asked, besides, for_signing=for_signing)
        read = AccountsAtSlot(slot=loaded.snapshot.clock.slot, accounts=loaded.snapshot.accounts)
        for cache in self._caches:
            try:
                await cache.keep(asked, read)
            except (CacheUnavailable, CacheDamaged) as error:
                notes.append(error.message)
        return loaded, tuple(dict.fromkeys(notes))

    def learn(self, more: Mapping[Pubkey, frozenset[Pubkey]]) -> None:
        """Accounts that the next load shall read with these pools besides what it would."""
        for pool, accounts in more.items():
            self._learned[pool] = self._learned.get(pool, frozenset()) | accounts

    def learned(self, pool: Pubkey) -> frozenset[Pubkey]:
        """The accounts the next load will read at once with this pool; none while nothing is known."""
        return self._learned.get(pool, frozenset())

    def relearn(self, pool: Pubkey, accounts: frozenset[Pubkey]) -> None:
        """Replace what is known of a pool. Too much costs reading, too little a round trip; neither a wrong quote."""
        self._learned[pool] = accounts

    async def _kept(
        self, cache: AccountCache, asked: Sequence[Pubkey], also: frozenset[Pubkey], notes: list[str]
    ) -> LoadedPools | None:
        try:
            kept = await cache.latest(asked)
            if kept is None:
                return None
            loaded, learned = await kept_pools(kept, asked, self._registry, self._learned, also=also)
        except (CacheUnavailable, CacheDamaged) as error:
            notes.append(error.message)
            return None
        except RpcError:  # what stands for the clock is none
            return None
        self.learn(learned)
        return loaded

    async def _read(self, asked: Sequence[Pubkey], also: frozenset[Pubkey], *, for_signing: bool) -> LoadedPools:
        least = self._reached
        if least is not None and not for_signing:
            least = max(0, least - _MOST_SLOTS_BACK)
        try:
            loaded = await load_pools(self._reader, asked, self._registry, self._learned, also=also, min_context_slot=least or None)
        except StaleData:
            # Said once. A slot that no node reaches (one node's invention) must not stop every later quote.
            self._reached = None
            raise
        self.learn(loaded.learned)
        self._reached = max(self._reached or 0, loaded.snapshot.clock.slot)
        return loaded
