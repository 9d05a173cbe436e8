"""From a request to a quote: find pools, read them at one slot, compare all candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from solders.pubkey import Pubkey

from dexroute.engine.planning import check_price_impact, swap_limit, swappable_venues
from dexroute.engine.routing import LandingCosts, RouteOptions, find_route, rank_candidates
from dexroute.errors import DexError, QuoteError, QuoteOnly, RouteNotFound
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import LearnedAddresses, LoadedPools, load_pools
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountReader, Clock
from dexroute.sdk.pool_finder import PoolFinder
from dexroute.sdk.pool_hints import PoolHint, useful_pools
from dexroute.sdk.quote import Quote
from dexroute.sdk.terms import SwapTerms
from dexroute.sdk.tokens import TokenBook
from dexroute.types.mints import NATIVE_MINT
from dexroute.types.prices import Price
from dexroute.types.requests import QuoteRequest, SwapMode

# About 100 accounts: what one getMultipleAccounts call carries, give or take shared mints and configs.
MOST_POOLS = 48
# Opening an associated account of a plain mint locks this much; Token-2022 ones a little more.
_ACCOUNT_RENT_LAMPORTS = 2_039_280


class Quoter:
    """Quotes on one cluster. Remembers which accounts each pool takes, so that a warm quote is one round trip."""

    def __init__(self, reader: AccountReader, venues: VenueRegistry, finder: PoolFinder, tokens: TokenBook, clock: Clock) -> None:
        self._reader = reader
        self._venues = venues
        self._finder = finder
        self._tokens = tokens
        self._clock = clock
        self._learned: LearnedAddresses = {}
        self._absent: frozenset[str] | None = None

    async def quote(
        self, terms: SwapTerms, *, swappable: bool = False, fixed_limit: int | None = None, refresh: bool = False
    ) -> Quote:
        """The best route and everything that lost to it, all from one slot.

        `swappable` leaves out venues whose program is not on the cluster; `fixed_limit` is a limit promised earlier (base units);
        `refresh` asks all sources for pools even when some are remembered.

        Raises RouteNotFound (with every candidate's reason), GuardRefused (impact, slippage, quote-only venue), UsageError,
        InvalidAmount, NetworkError.
        """
        request, options = terms.request, terms.route
        addresses, notes = await self._addresses(request, options, refresh=refresh)
        absent = await self._absent_venues()
        left_out = absent if swappable else frozenset()
        loaded = await load_pools(self._reader, addresses, self._venues, self._learned)
        read_ms = self._clock.now_ms()
        self._learned = {**self._learned, **loaded.learned}
        for pool in loaded.pools.values():
            self._tokens.learn(pool.mints)
        routed = {address: pool for address, pool in loaded.pools.items() if pool.venue_id not in left_out}
        priced = replace(options, costs=_landing_costs(loaded.pools.values(), request))
        try:
            best = find_route(routed.values(), request, priced)
        except RouteNotFound as failure:
            raise self._explained(failure, loaded, left_out, options) from failure
        candidates = rank_candidates(routed.values(), request, priced)
        impact = check_price_impact(best, loaded.pools, terms.max_impact_bps)
        limit = swap_limit(best, request, terms.slippage_bps, fixed=fixed_limit)
        input_token, output_token = await self._tokens.resolve(request.input_mint), await self._tokens.resolve(request.output_mint)
        known = {mint: self._tokens.known(mint) for candidate in candidates for mint in candidate.mints}
        return Quote(
            terms=terms,
            best=best,
            candidates=candidates,
            broken=loaded.broken,
            pools=loaded.pools,
            limit=limit,
            price_impact_bps=impact,
            fees=candidates[0].fees,
            clock=loaded.snapshot.clock,
            read_ms=read_ms,
            round_trips=loaded.round_trips,
            input_token=input_token,
            output_token=output_token,
            tokens={mint: token for mint, token in known.items() if token is not None},
            quote_only=absent,
            notes=(*notes, *_absence_notes(loaded.pools, absent, left_out=swappable)),
        )

    async def _addresses(
        self, request: QuoteRequest, options: RouteOptions, *, refresh: bool
    ) -> tuple[tuple[Pubkey, ...], tuple[str, ...]]:
        if options.pools is not None:
            return tuple(sorted(options.pools, key=bytes)), ()
        two_hops = options.max_hops > 1
        found = await self._finder.for_pair(request.input_mint, request.output_mint, two_hops=two_hops, refresh=refresh)
        hints = [hint for hint in found.hints if _is_allowed(hint, options)]
        useful, left_out = useful_pools(hints, request.input_mint, request.output_mint, two_hops=two_hops, most=MOST_POOLS)
        notes = found.notes
        if left_out:
            notes += (
                f"{left_out} more known pools were not read; name pools with --pool to quote others than the first {MOST_POOLS}",
            )
        return tuple(hint.address for hint in useful), notes

    async def _absent_venues(self) -> frozenset[str]:
        """Venues that are quote-only here: asked once, so that a warm quote stays one round trip."""
        if self._absent is None:
            self._absent = frozenset(venue.id for venue in self._venues) - await swappable_venues(self._reader, self._venues)
        return self._absent

    def _explained(self, failure: RouteNotFound, loaded: LoadedPools, absent: frozenset[str], options: RouteOptions) -> DexError:
        """The failure with what only this room knows: pools whose accounts are unusable, and venues left out as quote-only."""
        if options.pools is not None and not loaded.pools:
            # The caller named exactly these, so what is wrong with them is the answer.
            return next(iter(loaded.broken.values()))
        quote_only = sorted({pool.venue_id for pool in loaded.pools.values()} & absent)
        if quote_only and not failure.context.get("candidates"):
            venue = self._venues[quote_only[0]]
            return QuoteOnly(
                f"only {', '.join(quote_only)} could serve this pair, and the program {venue.program_id} is not on this cluster: "
                "its pools can be quoted here (dex quote) but not swapped; use a cluster that has it (-u)",
                venue=venue.id,
                program=str(venue.program_id),
            )
        unusable = [
            {"pools": [str(pool)], "venues": [], "reason": error.message, "code": error.code}
            for pool, error in loaded.broken.items()
        ]
        context = {**failure.context, "candidates": [*failure.context.get("candidates", []), *unusable]}
        return RouteNotFound(failure.message, **context)


def _is_allowed(hint: PoolHint, options: RouteOptions) -> bool:
    """Whether reading a pool could matter. Unwanted venues are not even read; their absence is the caller's own wish."""
    return options.refusal(hint.venue_id, hint.address) is None


def _absence_notes(pools: Mapping[Pubkey, Pool], absent: frozenset[str], *, left_out: bool) -> tuple[str, ...]:
    here = sorted({pool.venue_id for pool in pools.values()} & absent)
    consequence = "so its pools were left out" if left_out else "so its pools can be quoted but not swapped here"
    return tuple(f"{venue} is quote-only: its program is not on this cluster, {consequence}" for venue in here)


def _landing_costs(pools: Iterable[Pool], request: QuoteRequest) -> LandingCosts:
    """What landing costs, in the ranked token where some pool read anyway prices it in SOL (the median of those prices)."""
    ranked = request.output_mint if request.mode is SwapMode.EXACT_IN else request.input_mint
    prices: list[Fraction] = []
    rents: dict[Pubkey, int] = {}
    for pool in pools:
        mints = {mint.address for mint in pool.mints}
        rents |= dict.fromkeys(mints - {NATIVE_MINT}, _ACCOUNT_RENT_LAMPORTS)
        if {NATIVE_MINT, ranked} <= mints and ranked != NATIVE_MINT and pool.tradable().ok:
            try:
                prices.append(pool.spot_price(NATIVE_MINT, ranked).ratio)
            except QuoteError:
                continue
    if not prices:
        return LandingCosts(rent_lamports=rents)
    median = sorted(prices)[len(prices) // 2]
    return LandingCosts(lamport_price=Price(numerator=median.numerator, denominator=median.denominator), rent_lamports=rents)
