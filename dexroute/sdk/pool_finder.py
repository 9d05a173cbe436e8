"""Where pools come from: remembered in the journal, listed by the cluster, known to the venues' public APIs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from solders.pubkey import Pubkey

from dexroute.chain.tokens import MAINNET_GENESIS
from dexroute.config import EMBEDDED, Settings
from dexroute.fetchers.discovery import (
    DiscoveredPool,
    Discovery,
    MintPair,
    PoolSource,
    ProgramAccounts,
    SourceReport,
    discover,
    discover_all,
)
from dexroute.fetchers.loader import LoadedPools
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountReader, Clock, PoolMemory
from dexroute.sdk.pool_hints import PoolHint, useful_pools
from dexroute.sdk.reserves import reserves_of
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.pools import RememberedPool

# Through which mints two hops are looked for on a cluster too large to list: where the liquidity is.
HUB_MINTS: Final = (
    NATIVE_MINT,
    Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),  # USDC
    Pubkey.from_string("Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),  # USDT
)
_FRESH_MS: Final = 10 * 60 * 1000
_MOST_PER_PAIR: Final = 16
# What was remembered this lately is not written again: a quote waits for no disk without need.
_RENEW_MS: Final = 60 * 1000
_RENEW_SLOTS: Final = 1_500  # about ten minutes
# A cluster on this machine is small: listing every pool of every venue there costs less than asking pair by pair. One that is
# served is listed once a minute, so that a quote is one round trip and a pool made by hand soon seen; the embedded one always.
_SMALL: Final = frozenset({EMBEDDED, "localhost"})
_FRESH_SMALL_MS: Final = 60 * 1000
_EVERYTHING: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPools:
    """Hints, best first, and what a person should know about how they were found. `sources` are the reports of those that were
    asked now; none when what is remembered was fresh enough."""

    hints: tuple[PoolHint, ...]
    notes: tuple[str, ...] = ()
    sources: tuple[SourceReport, ...] = ()


class PoolFinder:
    """Finds pools on one cluster. `memory` None works without one and discovers every time."""

    def __init__(
        self,
        reader: AccountReader,
        venues: VenueRegistry,
        settings: Settings,
        clock: Clock,
        genesis_hash: str,
        memory: PoolMemory | None,
    ) -> None:
        self._reader = reader
        self._venues = venues
        self._settings = settings
        self._clock = clock
        self._genesis_hash = genesis_hash
        self._memory = memory
        self._known: dict[Pubkey, RememberedPool] = {}

    async def for_pair(self, input_mint: Pubkey, output_mint: Pubkey, *, max_hops: int, refresh: bool = False) -> FoundPools:
        """Pools that may serve the pair. Asks the cluster and the APIs when nothing fresh is remembered; a source that fails
        becomes a note."""
        remembered = await self._remembered()
        small = self._settings.cluster in _SMALL
        scope = _EVERYTHING if small else _scope(input_mint, output_mint, max_hops)
        if not refresh and not self._settings.is_embedded:
            known = _hints(remembered)
            if not small and self._is_fresh(remembered, (input_mint, output_mint)):
                return FoundPools(hints=known)
            if (
                await self._searched_lately(scope, small)
                and useful_pools(known, input_mint, output_mint, max_hops=max_hops, most=1)[0]
            ):
                return FoundPools(hints=known)
        asked_ms = self._clock.now_ms()
        if small:
            discovery = await discover_all([ProgramAccounts(self._reader, venue) for venue in self._venues])
        else:
            discovery = await self._ask(_pairs(input_mint, output_mint, max_hops))
        await self._remember(discovery, even_lately=refresh)
        if self._memory and not self._settings.is_embedded and any(report.failure is None for report in discovery.sources):
            await self._memory.remember_search(self._genesis_hash, scope, asked_ms)
        found = [_hint(self._known.get(pool.address), pool) for pool in discovery.pools]
        return FoundPools(hints=_merged(found, _hints(remembered)), notes=_notes(discovery), sources=discovery.sources)

    async def remember_reserves(self, loaded: LoadedPools) -> None:
        """Keep what pools were found to hold, so that the next choice among many is by liquidity; nothing for those that cannot
        be used. Writes only what is not known, or not from the last ten minutes."""
        slot = loaded.snapshot.clock.slot
        measured = []
        for address in (*loaded.pools, *loaded.broken):
            known = self._known.get(address)
            if known is None or (known.reserves and known.seen_slot is not None and 0 <= slot - known.seen_slot < _RENEW_SLOTS):
                continue
            reserves = (0,) * len(known.mints)
            if (pool := loaded.pools.get(address)) is not None:
                held = reserves_of(pool, loaded.learned.get(address, ()), loaded.snapshot)
                by_mint = {mint.address: amount for mint, amount in zip(pool.mints, held, strict=True)}
                reserves = tuple(by_mint.get(mint, 0) for mint in known.mints)
            measured.append(replace(known, reserves=reserves, seen_slot=slot))
        if self._memory and measured:
            await self._memory.remember_pools(measured)
        self._known |= {pool.address: pool for pool in measured}

    async def _ask(self, pairs: Sequence[MintPair]) -> Discovery:
        async with AsyncExitStack() as stack:
            sources: list[PoolSource] = [ProgramAccounts(self._reader, venue) for venue in self._venues]
            if self._genesis_hash == MAINNET_GENESIS and self._settings.http_discovery:
                from dexroute.chain.apis import METEORA_APIS, MeteoraApi, MeteoraDammV1Api, RaydiumApi

                sources.append(await stack.enter_async_context(RaydiumApi(self._venues)))
                sources.append(await stack.enter_async_context(MeteoraDammV1Api()))
                listed = [venue.id for venue in self._venues if venue.id in METEORA_APIS]
                sources.extend([await stack.enter_async_context(MeteoraApi(venue_id)) for venue_id in listed])
            return await discover(sources, pairs, most_per_pair=_MOST_PER_PAIR)

    async def _remembered(self) -> tuple[RememberedPool, ...]:
        remembered = await self._memory.remembered_pools(self._genesis_hash) if self._memory else ()
        self._known |= {pool.address: pool for pool in remembered}
        return remembered

    def _is_fresh(self, remembered: Iterable[RememberedPool], pair: MintPair) -> bool:
        """Whether a search found pools of the pair of late. A pool a person added says nothing of which others there are."""
        limit = self._clock.now_ms() - _FRESH_MS
        found = (pool for pool in remembered if pool.source != "user")
        return any(set(pair) <= set(pool.mints) and pool.last_seen_ms >= limit for pool in found)

    async def _searched_lately(self, scope: str, small: bool) -> bool:
        searched_ms = await self._memory.searched_ms(self._genesis_hash, scope) if self._memory else None
        limit_ms = _FRESH_SMALL_MS if small else _FRESH_MS
        return searched_ms is not None and 0 <= self._clock.now_ms() - searched_ms < limit_ms

    async def _remember(self, discovery: Discovery, *, even_lately: bool) -> None:
        now_ms = self._clock.now_ms()
        seen = []
        for pool in discovery.pools:
            known = self._known.get(pool.address)
            if known is not None and known.venue_id == pool.venue_id and set(known.mints) == set(pool.mints):
                if even_lately or now_ms - known.last_seen_ms >= _RENEW_MS:
                    seen.append(replace(known, source=pool.source, last_seen_ms=now_ms))
                continue
            seen.append(
                RememberedPool(
                    genesis_hash=self._genesis_hash,
                    address=pool.address,
                    venue_id=pool.venue_id,
                    mints=pool.mints,
                    source=pool.source,
                    first_seen_ms=now_ms,
                    last_seen_ms=now_ms,
                )
            )
        if self._memory and seen:
            await self._memory.remember_pools(seen)
        self._known |= {pool.address: pool for pool in seen}


def _scope(input_mint: Pubkey, output_mint: Pubkey, max_hops: int) -> str:
    """What `_pairs` asks for, by name."""
    return " ".join([*sorted(map(str, (input_mint, output_mint))), str(min(max_hops, 3))])


def _pairs(input_mint: Pubkey, output_mint: Pubkey, max_hops: int) -> list[MintPair]:
    pairs = [(input_mint, output_mint)]
    hubs = [hub for hub in HUB_MINTS if hub not in (input_mint, output_mint)]
    if max_hops >= 2:
        for hub in hubs:
            pairs += [(input_mint, hub), (hub, output_mint)]
    if max_hops >= 3:
        pairs += combinations(hubs, 2)
    return pairs


def _hint(known: RememberedPool | None, found: DiscoveredPool) -> PoolHint:
    hint = PoolHint(address=found.address, venue_id=found.venue_id, mints=found.mints, tvl_usd=found.tvl_usd)
    if known is None:
        return hint
    return replace(hint, mints=known.mints, reserves=known.reserves, seen_slot=known.seen_slot)


def _hints(remembered: Iterable[RememberedPool]) -> tuple[PoolHint, ...]:
    return tuple(
        PoolHint(address=pool.address, venue_id=pool.venue_id, mints=pool.mints, reserves=pool.reserves, seen_slot=pool.seen_slot)
        for pool in remembered
    )


def _merged(*lists: Iterable[PoolHint]) -> tuple[PoolHint, ...]:
    merged: dict[Pubkey, PoolHint] = {}
    for hints in lists:
        for hint in hints:
            merged.setdefault(hint.address, hint)
    return tuple(merged.values())


def _notes(discovery: Discovery) -> tuple[str, ...]:
    return tuple(f"{report.source} could not list pools: {report.failure}" for report in discovery.sources if report.failure)
