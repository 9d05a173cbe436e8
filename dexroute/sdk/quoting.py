"""From a request to a quote: find pools, read them at one slot, compare all candidates."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from solders.pubkey import Pubkey

from dexroute.engine.planning import swap_limit
from dexroute.engine.planning.programs import is_program
from dexroute.engine.planning.tip import Tip
from dexroute.engine.routing import Candidate, RouteOptions, Solution, fees_by_kind, rank_candidates, solve_route
from dexroute.errors import LiquidityNotLoaded, RouteNotFound
from dexroute.fetchers.base import Pool
from dexroute.fetchers.loader import LoadedPools
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import Clock
from dexroute.sdk.landing_costs import landing_costs, mints_held, possible_accounts
from dexroute.sdk.learning import Learning
from dexroute.sdk.left_out import absence_notes, unsure_notes, unsure_of_all
from dexroute.sdk.no_route import explained
from dexroute.sdk.pool_choice import PoolChoice
from dexroute.sdk.pool_finder import PoolFinder
from dexroute.sdk.quote import Freshness, Quote
from dexroute.sdk.quote_guards import NewestSlot, check_guards
from dexroute.sdk.recent_fees import RecentFees, Samples
from dexroute.sdk.strategies import Preference
from dexroute.sdk.table_shelf import TableShelf
from dexroute.sdk.terms import Strategy, SwapTerms
from dexroute.sdk.tokens import TokenBook
from dexroute.types.requests import QuoteRequest

_NO_FEES = "the node did not tell recent priority fees, so routes were ranked without what a bid for block space will cost"
# How often a quote that ran out of loaded liquidity reads on: an amount that needs more than this moves the price beyond reason.
_MOST_DEEPER_READS = 16


class Quoter:
    """Quotes on one cluster. `reader` remembers which accounts each pool takes, and `learning` keeps that between processes: a warm
    quote is one round trip. `wallet` decides which token accounts a route would have to open; without one, all of them. `fees`
    and `tip` are what attempts will pay, so that routes are ranked by it."""

    def __init__(
        self,
        reader: PoolReader,
        venues: VenueRegistry,
        finder: PoolFinder,
        learning: Learning,
        tokens: TokenBook,
        clock: Clock,
        wallet: Pubkey | None = None,
        *,
        max_pools: int,
        newest_slot: NewestSlot,
        preference: Callable[[Strategy], Awaitable[Preference]],
        shelf: TableShelf | None = None,
        learned_units: Mapping[Pubkey, int] | None = None,
        fees: RecentFees | None = None,
        tip: Tip | None = None,
    ) -> None:
        self._fees = fees
        self._tip = tip
        self._shelf = shelf or TableShelf(())
        self._learning = learning
        self._learned_units = learned_units
        self._newest_slot = newest_slot
        self._preference = preference
        self._wallet = wallet
        self._reader = reader
        self._venues = venues
        self._finder = finder
        self._tokens = tokens
        self._clock = clock
        self._choice = PoolChoice(finder, clock, max_pools=max_pools)
        self._absent: frozenset[str] | None = None
        self._mints: dict[Pubkey, tuple[Pubkey, ...]] = {}
        self._token_programs: dict[Pubkey, Pubkey] = {}

    async def quote(
        self,
        terms: SwapTerms,
        *,
        wallet: Pubkey | None = None,
        swappable: bool = False,
        fixed_limit: int | None = None,
        refresh: bool = False,
        kept_slots: int = 0,
        for_signing: bool = False,
        tip_floor_lamports: int = 0,
    ) -> Quote:
        """The best route and everything that lost to it, all from one slot.

        `wallet` is whose token accounts count, where it is not the quoter's own. `swappable` leaves out venues whose program is not
        on the cluster; `fixed_limit` is a limit promised earlier (base units); `refresh` asks all sources for pools even when some
        are remembered. Accounts kept from before serve when they are at most `kept_slots` old, none by default; `for_signing` reads
        in any case, and nothing older than was seen before. `tip_floor_lamports` is what a replacement tips at least.

        Raises RouteNotFound (with every candidate's reason), GuardRefused (impact, reference price, old or torn snapshot, slippage,
        quote-only venue), UsageError, InvalidAmount, NetworkError.
        """
        request, options = terms.request, terms.route
        preference = await self._preference(terms.strategy)
        chosen = await self._choice.of(terms, refresh=refresh, lately=kept_slots > 0)
        notes = chosen.notes
        self._mints |= {hint.address: hint.mints for hint in chosen.hints if hint.mints}
        addresses = [hint.address for hint in chosen.hints]
        every = [*addresses, *sorted(chosen.beside, key=bytes)]
        await self._learning.recall(every)
        wallet = wallet or self._wallet
        places, met = self._places(request, addresses, wallet), self._mints_of(addresses)
        # Whether the programs are there is asked once, in the same read: a program does not leave a cluster.
        programs = [venue.program_id for venue in self._venues] if self._absent is None else []
        feeds = [account for _, account in terms.oracle.feeds] if terms.oracle else []
        also = [*places, *(self._shelf.addresses if for_signing else self._shelf.unread), *programs, *feeds]
        round_trips = rounds = 0
        tip = self._tip.at_least(tip_floor_lamports) if self._tip else None
        bids = asyncio.create_task(self._bids(addresses, terms, fresh=for_signing or not kept_slots))
        try:
            for tries_left in reversed(range(_MOST_DEEPER_READS + 1)):
                read, more_notes = await self._reader.load(every, also=also, kept_slots=kept_slots, for_signing=for_signing)
                round_trips, rounds = round_trips + read.round_trips, rounds + read.rounds
                loaded = chosen.for_routes(read)
                self._mints |= {address: tuple(mint.address for mint in pool.mints) for address, pool in loaded.pools.items()}
                self._token_programs |= {mint.address: mint.token_program for pool in loaded.pools.values() for mint in pool.mints}
                if tries_left and self._mints_of(addresses) - met:
                    # Pools named by address alone: only now it is known which accounts of the wallet matter.
                    met, asked = self._mints_of(addresses), places
                    places = self._places(request, addresses, wallet)
                    if more := places.keys() - asked.keys():
                        also = [*also, *more]
                        continue
                absent = self._absent = self._absent if self._absent is not None else self._absent_venues(loaded)
                left_out = absent if swappable else frozenset()
                unsure = unsure_of_all(loaded.pools.values(), terms)
                routed = {
                    address: pool
                    for address, pool in loaded.pools.items()
                    if pool.venue_id not in left_out and address not in unsure
                }
                samples = await bids
                units = self._units_of(loaded)
                costs = landing_costs(
                    loaded.pools.values(),
                    request,
                    places,
                    loaded.snapshot.accounts,
                    terms.priority_fee,
                    samples=samples or (),
                    tip=tip,
                    units=units,
                )
                self._shelf.learn(loaded.snapshot.accounts, loaded.snapshot.clock.slot)
                held = mints_held(places, loaded.snapshot.accounts)
                room = self._shelf.room(request, options, wallet, held, units, tip)
                priced = preference.applied(replace(options, costs=costs, room=room), loaded.pools)
                found = _searched(routed.values(), request, priced)
                deeper = _unread(_candidates(found, routed.values(), request, priced), loaded)
                if not deeper or not tries_left:
                    break
                self._reader.learn(deeper)
        finally:
            bids.cancel()
        read_ms = self._clock.now_ms()
        await self._finder.remember_reserves(read)
        await self._learning.keep(read)
        for pool in read.pools.values():
            self._tokens.learn(pool.mints)
        notes += (kept_back := unsure_notes(unsure))
        if isinstance(found, RouteNotFound):
            raise explained(found, loaded, self._venues, left_out, request, options, notes, kept_back) from found
        best = found.quote
        guards = await check_guards(best, read, terms, self._newest_slot)
        limit = swap_limit(best, request, terms.slippage_bps, fixed=fixed_limit)
        input_token, output_token = await self._tokens.resolve(request.input_mint), await self._tokens.resolve(request.output_mint)
        known = {mint: self._tokens.known(mint) for candidate in found.candidates for mint in candidate.mints}
        return Quote(
            terms=terms,
            solution=found,
            costs=costs,
            broken=loaded.broken,
            pools=loaded.pools,
            limit=limit,
            guards=guards,
            fees=fees_by_kind(best.route.hops),
            clock=loaded.snapshot.clock,
            read_ms=read_ms,
            freshness=Freshness(
                source=loaded.source,
                round_trips=round_trips,
                is_warm=rounds <= 1,
                accounts=len(loaded.snapshot.accounts),
                age_slots=loaded.age_slots,
                sources_asked=chosen.sources_asked,
            ),
            input_token=input_token,
            output_token=output_token,
            tokens={mint: token for mint, token in known.items() if token is not None},
            quote_only=absent,
            notes=(
                *notes,
                *more_notes,
                *self._shelf.notes,
                *(() if samples is not None else (_NO_FEES,)),
                *preference.remarks(loaded.pools),
                *absence_notes(loaded.pools, absent, left_out=swappable),
            ),
        )

    def _places(self, request: QuoteRequest, pools: Iterable[Pubkey], wallet: Pubkey | None) -> dict[Pubkey, Pubkey]:
        """Where the wallet may hold what a route through these pools delivers, as far as their mints are known: those of most pools
        first. What only one pool holds no route passes through."""
        pools_of = Counter(mint for pool in pools for mint in self._mints.get(pool, ()))
        between = [mint for mint, several in pools_of.most_common() if several > 1]
        received = [mint for mint in [request.output_mint, *between] if mint != request.input_mint]
        return possible_accounts(wallet, received, self._token_programs) if wallet else {}

    def _mints_of(self, pools: Iterable[Pubkey]) -> frozenset[Pubkey]:
        return frozenset(mint for pool in pools for mint in self._mints.get(pool, ()))

    def _units_of(self, loaded: LoadedPools) -> dict[Pubkey, int]:
        """What one swap of these pools was seen to take, where it says something about others: one that passed many ticks or bins
        says nothing about one that passes few, and quotes tell that."""
        vary = {venue.id for venue in self._venues if venue.capabilities.swap_accounts_vary}
        learned = self._learned_units or {}
        return {
            address: learned[address] for address, pool in loaded.pools.items() if address in learned and pool.venue_id not in vary
        }

    async def _bids(self, pools: Sequence[Pubkey], terms: SwapTerms, *, fresh: bool) -> Samples | None:
        """What was bid lately for writing these pools; None where it could not be asked."""
        return await self._fees.around(pools, terms.priority_fee, ask=fresh) if self._fees else ()

    def _absent_venues(self, loaded: LoadedPools) -> frozenset[str]:
        """Venues that are quote-only here."""
        accounts = loaded.snapshot.accounts
        return frozenset(venue.id for venue in self._venues if not is_program(accounts.get(venue.program_id)))


def _searched(pools: Collection[Pool], request: QuoteRequest, options: RouteOptions) -> Solution | RouteNotFound:
    try:
        return solve_route(pools, request, options)
    except RouteNotFound as failure:
        return failure


def _candidates(
    found: Solution | RouteNotFound, pools: Collection[Pool], request: QuoteRequest, options: RouteOptions
) -> tuple[Candidate, ...]:
    return found.candidates if isinstance(found, Solution) else rank_candidates(pools, request, options)


def _unread(candidates: Iterable[Candidate], loaded: LoadedPools) -> dict[Pubkey, frozenset[Pubkey]]:
    """By pool, the accounts a quote ran out of: what a large amount reaches beyond what pools are read with at first. Accounts that
    were read and do not exist are not asked for again."""
    found: dict[Pubkey, frozenset[Pubkey]] = {}
    for candidate in candidates:
        if isinstance(candidate.error, LiquidityNotLoaded) and "pool" in candidate.error.context:
            pool = Pubkey.from_string(candidate.error.context["pool"])
            missing = frozenset(map(Pubkey.from_string, candidate.error.context.get("missing", ())))
            found[pool] = found.get(pool, frozenset()) | (missing - loaded.snapshot.accounts.keys())
    return {pool: missing for pool, missing in found.items() if missing}
