"""Which of the known pools a quote reads: those its route may lead through, and those that only say what the pair is worth."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.loader import LoadedPools
from dexroute.math.rounding import BPS
from dexroute.ports import Clock
from dexroute.sdk.no_route import check_reachable, is_allowed, leaving_out
from dexroute.sdk.pool_finder import FoundPools, PoolFinder
from dexroute.sdk.pool_hints import PoolHint, useful_pools
from dexroute.sdk.terms import SwapTerms
from dexroute.types.counts import counted

# How long the pools found for a pair serve quotes that allow accounts kept from before, and for how many pairs.
_LATELY_MS: Final = 60 * 1000
_MOST_PAIRS: Final = 64
# How many pools of a pair, the deepest first, say what it is worth where a route may not use them.
_MOST_BESIDE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPools:
    """`hints` are pools a route may lead through. `beside` are heard for the reference price only, because the caller's options
    leave them out of the route: a pool named alone must not vouch for its own price."""

    hints: tuple[PoolHint, ...]
    beside: frozenset[Pubkey] = frozenset()
    notes: tuple[str, ...] = ()
    sources_asked: int = 0

    def for_routes(self, read: LoadedPools) -> LoadedPools:
        """What was read, without the pools `beside`."""
        if not self.beside:
            return read
        return replace(
            read,
            pools={address: pool for address, pool in read.pools.items() if address not in self.beside},
            broken={address: error for address, error in read.broken.items() if address not in self.beside},
        )


class PoolChoice:
    """Chooses pools for quotes on one cluster, at most `max_pools` for a route."""

    def __init__(self, finder: PoolFinder, clock: Clock, *, max_pools: int) -> None:
        self._finder = finder
        self._clock = clock
        self._max_pools = max_pools
        self._found: OrderedDict[tuple[Pubkey, Pubkey, int], tuple[FoundPools, int]] = OrderedDict()

    async def of(self, terms: SwapTerms, *, refresh: bool, lately: bool) -> ChosenPools:
        """The pools to read. With `lately`, those found in the last minute serve: who does not ask the cluster for accounts does
        not want to ask it for pools. Raises RouteNotFound where none of them can make a route."""
        request, options = terms.request, terms.route
        guarded = terms.max_deviation_bps < BPS
        named = sorted(options.pools or (), key=bytes)
        own = tuple(PoolHint(address=address, venue_id="", mints=()) for address in named)
        if named and not guarded:
            return ChosenPools(hints=own)
        ends = request.input_mint, request.output_mint
        found, sources_asked = await self._known(ends, max(options.max_hops, 2 * guarded), refresh=refresh, lately=lately)
        notes = found.notes
        if not named:
            hints = [hint for hint in found.hints if is_allowed(hint, request, options)]
            if ends[0] != ends[1]:
                check_reachable(found.hints, hints, request, options, notes)
            own, left_out = useful_pools(hints, *ends, max_hops=options.max_hops, most=self._max_pools)
            if unwanted := len(found.hints) - len(hints):
                notes += (f"{counted(unwanted, 'known pool')} left out as asked ({leaving_out(options)})",)
            if left_out:
                said = "name others with --pool, or read more (setting max_pools)"
                notes += (f"{left_out} more known pools were not read, only the {self._max_pools} most promising: {said}",)
        beside: frozenset[Pubkey] = frozenset()
        if guarded:
            told_by, _ = useful_pools(found.hints, *ends, max_hops=2, most=_MOST_BESIDE)
            beside = frozenset(hint.address for hint in told_by) - {hint.address for hint in own}
        return ChosenPools(hints=own, beside=beside, notes=notes, sources_asked=sources_asked)

    async def _known(self, ends: tuple[Pubkey, Pubkey], max_hops: int, *, refresh: bool, lately: bool) -> tuple[FoundPools, int]:
        """The pools known between two mints, and how many sources were asked for them now."""
        pair = (*ends, max_hops)
        found, found_ms = self._found.get(pair, (None, 0))
        if found is not None and lately and not refresh and self._clock.monotonic_ms() - found_ms <= _LATELY_MS:
            return found, 0
        found = await self._finder.for_pair(*ends, max_hops=max_hops, refresh=refresh)
        self._found[pair] = (found, self._clock.monotonic_ms())
        self._found.move_to_end(pair)
        while len(self._found) > _MOST_PAIRS:
            self._found.popitem(last=False)
        return found, len(found.sources)
