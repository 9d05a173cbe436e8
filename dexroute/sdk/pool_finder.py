"""Where pools come from: remembered in the journal, listed by the cluster, known to the venues' public APIs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

from dexroute.chain.tokens import MAINNET_GENESIS
from dexroute.config import EMBEDDED, Settings
from dexroute.fetchers.discovery import Discovery, MintPair, PoolSource, ProgramAccounts, discover, discover_all
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountReader, Clock, PoolMemory
from dexroute.sdk.pool_hints import PoolHint
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
# A cluster on this machine is small: listing every pool of every venue there costs less than asking pair by pair.
_SMALL: Final = frozenset({EMBEDDED, "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPools:
    """Hints, best first, and what a person should know about how they were found."""

    hints: tuple[PoolHint, ...]
    notes: tuple[str, ...] = ()


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

    async def for_pair(self, input_mint: Pubkey, output_mint: Pubkey, *, two_hops: bool, refresh: bool = False) -> FoundPools:
        """Pools that may serve the pair. Asks the cluster and the APIs when nothing fresh is remembered; a source that fails
        becomes a note."""
        remembered = await self._remembered()
        small = self._settings.cluster in _SMALL
        if not refresh and not small and self._is_fresh(remembered, (input_mint, output_mint)):
            return FoundPools(hints=_hints(remembered))
        if small:
            discovery = await discover_all([ProgramAccounts(self._reader, venue) for venue in self._venues])
        else:
            discovery = await self._ask(_pairs(input_mint, output_mint, two_hops=two_hops))
        await self._remember(discovery)
        found = [PoolHint(address=pool.address, venue_id=pool.venue_id, mints=pool.mints) for pool in discovery.pools]
        return FoundPools(hints=_merged(found, _hints(remembered)), notes=_notes(discovery))

    async def everything_known(self) -> tuple[RememberedPool, ...]:
        """What the journal remembers of this cluster."""
        return await self._remembered()

    async def _ask(self, pairs: Sequence[MintPair]) -> Discovery:
        async with AsyncExitStack() as stack:
            sources: list[PoolSource] = [ProgramAccounts(self._reader, venue) for venue in self._venues]
            if self._genesis_hash == MAINNET_GENESIS and self._settings.http_discovery:
                from dexroute.chain.apis import MeteoraApi, RaydiumApi

                sources.append(await stack.enter_async_context(RaydiumApi(self._venues)))
                sources.append(await stack.enter_async_context(MeteoraApi()))
            return await discover(sources, pairs, most_per_pair=_MOST_PER_PAIR)

    async def _remembered(self) -> tuple[RememberedPool, ...]:
        return await self._memory.remembered_pools(self._genesis_hash) if self._memory else ()

    def _is_fresh(self, remembered: Iterable[RememberedPool], pair: MintPair) -> bool:
        limit = self._clock.now_ms() - _FRESH_MS
        return any(set(pair) <= set(pool.mints) and pool.last_seen_ms >= limit for pool in remembered)

    async def _remember(self, discovery: Discovery) -> None:
        if not self._memory or not discovery.pools:
            return
        now_ms = self._clock.now_ms()
        await self._memory.remember_pools(
            RememberedPool(
                genesis_hash=self._genesis_hash,
                address=pool.address,
                venue_id=pool.venue_id,
                mints=pool.mints,
                source=pool.source,
                first_seen_ms=now_ms,
                last_seen_ms=now_ms,
            )
            for pool in discovery.pools
        )


def _pairs(input_mint: Pubkey, output_mint: Pubkey, *, two_hops: bool) -> list[MintPair]:
    pairs = [(input_mint, output_mint)]
    if two_hops:
        for hub in HUB_MINTS:
            if hub not in (input_mint, output_mint):
                pairs += [(input_mint, hub), (hub, output_mint)]
    return pairs


def _hints(remembered: Iterable[RememberedPool]) -> tuple[PoolHint, ...]:
    return tuple(PoolHint(address=pool.address, venue_id=pool.venue_id, mints=pool.mints) for pool in remembered)


def _merged(*lists: Iterable[PoolHint]) -> tuple[PoolHint, ...]:
    merged: dict[Pubkey, PoolHint] = {}
    for hints in lists:
        for hint in hints:
            merged.setdefault(hint.address, hint)
    return tuple(merged.values())


def _notes(discovery: Discovery) -> tuple[str, ...]:
    return tuple(f"{report.source} could not list pools: {report.failure}" for report in discovery.sources if report.failure)
