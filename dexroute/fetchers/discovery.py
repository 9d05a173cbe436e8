"""Which pools exist for a pair of mints: asking several sources, none of which can spoil the answer of the others.

A discovered pool is a hint where to look. Its accounts are read and checked like any other's before anything is quoted, so a
source that lies costs a wasted read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from solders.pubkey import Pubkey

from dexroute.errors import DexError
from dexroute.fetchers.base import Venue, VenueCapabilities
from dexroute.ports import AccountReader
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountFilter

MintPair = tuple[Pubkey, Pubkey]
_KEY: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveredPool:
    """`tvl_usd` is the source's word on liquidity in whole dollars, for ranking only; None when it has none."""

    address: Pubkey
    venue_id: str
    mints: MintPair
    source: str
    tvl_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """How one source fared. `failure` says why it answered nothing; None when it answered, were it no pools."""

    source: str
    found: int
    failure: str | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Each pool once, best hint first, and a report per source in the order they were given."""

    pools: tuple[DiscoveredPool, ...]
    sources: tuple[SourceReport, ...]


class PoolSource(Protocol):
    """Something that knows pools."""

    @property
    def name(self) -> str: ...

    async def find(self, pairs: Sequence[MintPair]) -> Sequence[DiscoveredPool]:
        """Pools holding one of the pairs, in either order. Raises DexError when it cannot tell."""
        ...


async def discover(sources: Sequence[PoolSource], pairs: Sequence[MintPair], *, most_per_pair: int | None = None) -> Discovery:
    """Ask all sources at once. A source that fails is reported and costs nothing else; this never raises DexError.

    `most_per_pair` keeps that many of the best-ranked pools of each pair.
    """
    answers = await asyncio.gather(*(_ask(source.name, source.find(pairs)) for source in sources))
    pools = rank(pool for found, _ in answers for pool in found)
    if most_per_pair is not None:
        pools = _best_of_each_pair(pools, most_per_pair)
    return Discovery(pools=pools, sources=tuple(report for _, report in answers))


def rank(pools: Iterable[DiscoveredPool]) -> tuple[DiscoveredPool, ...]:
    """Each address once, the most liquid first; those of unknown liquidity follow, in order of address.

    Of two words on one pool the earlier is kept, with the larger liquidity of both.
    """
    merged: dict[Pubkey, DiscoveredPool] = {}
    for pool in pools:
        known = merged.setdefault(pool.address, pool)
        if pool.tvl_usd is not None and (known.tvl_usd is None or known.tvl_usd < pool.tvl_usd):
            merged[pool.address] = replace(known, tvl_usd=pool.tvl_usd)
    return tuple(sorted(merged.values(), key=lambda pool: (pool.tvl_usd is None, -(pool.tvl_usd or 0), str(pool.address))))


def pair_filters(capabilities: VenueCapabilities, pair: MintPair) -> tuple[tuple[AccountFilter, ...], ...]:
    """The two getProgramAccounts filter sets that find a venue's pools of a pair: as given, and the other way round."""
    first, second = capabilities.mint_offsets
    return tuple(
        (
            *capabilities.pool_filters,
            AccountFilter(offset=first, bytes_=bytes(one)),
            AccountFilter(offset=second, bytes_=bytes(other)),
        )
        for one, other in (pair, pair[::-1])
    )


class ProgramAccounts:
    """A venue's pools as the cluster itself lists them (getProgramAccounts), where the node offers that."""

    def __init__(self, reader: AccountReader, venue: Venue) -> None:
        self._reader = reader
        self._venue = venue

    @property
    def name(self) -> str:
        return f"chain:{self._venue.id}"

    async def find(self, pairs: Sequence[MintPair]) -> tuple[DiscoveredPool, ...]:
        """Two calls for each pair. Raises NetworkError."""
        wanted = {frozenset(pair) for pair in pairs}
        queries = [filters for pair in pairs for filters in pair_filters(self._venue.capabilities, pair)]
        answers = [await self._query(filters) for filters in queries]
        # Not every node applies filters it is given.
        return rank(pool for found in answers for pool in found if frozenset(pool.mints) in wanted)

    async def find_all(self) -> tuple[DiscoveredPool, ...]:
        """Every pool of the venue: for small clusters. Raises NetworkError."""
        return rank(await self._query(self._venue.capabilities.pool_filters))

    async def _query(self, filters: Sequence[AccountFilter]) -> list[DiscoveredPool]:
        offsets = self._venue.capabilities.mint_offsets
        start = min(offsets)
        length = max(offsets) + _KEY - start
        found = await self._reader.get_program_accounts(self._venue.program_id, filters, data_slice=(start, length))
        pools = []
        for address, account in found.items():
            mints = _sliced_mints(account, offsets, start, length)
            if mints is not None:
                pools.append(DiscoveredPool(address=address, venue_id=self._venue.id, mints=mints, source="chain"))
        return pools


def _sliced_mints(account: AccountData, offsets: tuple[int, int], start: int, length: int) -> MintPair | None:
    """The two mints in an account cut to (start, length), or in a whole one from a node that does not cut. None when too short."""
    shift = start if len(account.data) == length else 0
    first, second = (account.data[offset - shift : offset - shift + _KEY] for offset in offsets)
    if len(first) != _KEY or len(second) != _KEY:
        return None
    return Pubkey.from_bytes(first), Pubkey.from_bytes(second)


async def discover_all(sources: Sequence[ProgramAccounts]) -> Discovery:
    """Every pool of every venue on a small cluster, reported like `discover`."""
    answers = await asyncio.gather(*(_ask(source.name, source.find_all()) for source in sources))
    return Discovery(pools=rank(pool for found, _ in answers for pool in found), sources=tuple(report for _, report in answers))


async def _ask(name: str, question: Awaitable[Sequence[DiscoveredPool]]) -> tuple[Sequence[DiscoveredPool], SourceReport]:
    try:
        found = await question
    except DexError as error:
        return (), SourceReport(source=name, found=0, failure=error.message, error_code=error.code)
    return found, SourceReport(source=name, found=len(found))


def _best_of_each_pair(pools: Sequence[DiscoveredPool], most: int) -> tuple[DiscoveredPool, ...]:
    taken: dict[frozenset[Pubkey], int] = {}
    kept = []
    for pool in pools:
        pair = frozenset(pool.mints)
        taken[pair] = taken.get(pair, 0) + 1
        if taken[pair] <= most:
            kept.append(pool)
    return tuple(kept)
