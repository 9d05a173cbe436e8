"""Whether legs fit one transaction, answered for the router many times a search.

The same instructions, the same choice of lookup tables and the same arithmetic as the message that will be signed. What takes time
is kept: an instruction's accounts are built once for each pool, direction and range of amounts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from solders.pubkey import Pubkey

from dexroute.engine.planning.limits import hop_request, leg_requests
from dexroute.engine.planning.lookup_tables import choose_tables
from dexroute.engine.planning.message import budget_instructions, too_large
from dexroute.engine.planning.size import MAX_TRANSACTION_ACCOUNTS, Measured, Shape, UsableTable, shape_of
from dexroute.engine.planning.tip import Tip, tip_instruction
from dexroute.engine.planning.token_accounts import close_to_owner, create_associated_account, open_temporary_sol
from dexroute.engine.routing.landing import OPENING_CALLS, OPENING_UNITS, WRAPPING_UNITS
from dexroute.engine.routing.market import expected_units, swap_calls, swap_compute_units, swap_varies
from dexroute.errors import QuoteError
from dexroute.fetchers import VENUES
from dexroute.fetchers.base import MustComeFirst, Pool, SwapRequest
from dexroute.math.rounding import U64_MAX
from dexroute.types.counts import counted
from dexroute.types.mints import NATIVE_MINT, Mint
from dexroute.types.network import MAX_COMPUTE_UNITS
from dexroute.types.requests import QuoteRequest, SwapMode
from dexroute.types.routes import Leg

_SEED: Final = "0" * 32
_SOMEBODY: Final = Pubkey(bytes([255]) * 32)
# Units between two swaps of a pool, up to which one in between need not be looked at.
_ALIKE_UNITS: Final = 20_000
# The compute budget and a tip.
_OTHER_UNITS: Final = 600


class OneTransaction:
    """`TransactionRoom` of one request. `user` None: a wallet nobody knows. Accounts of `held` mints exist and need no opening; of
    all others they are opened. `tables` are known lookup tables; `units` are compute units of one swap learned per pool, in
    place of the venue's guess, where quotes do not tell them; `tip` is paid in the same transaction."""

    def __init__(
        self,
        request: QuoteRequest,
        *,
        user: Pubkey | None = None,
        held: Collection[Pubkey] = (),
        tables: Sequence[UsableTable] = (),
        units: Mapping[Pubkey, int] | None = None,
        max_accounts: int = MAX_TRANSACTION_ACCOUNTS,
        wrap_sol: bool = True,
        tip: Tip | None = None,
    ) -> None:
        self._request = request
        self._user = user or _SOMEBODY
        self._held = frozenset(held)
        self._tables = tuple(tables)
        self._units = {} if units is None else units
        self._max_accounts = max_accounts
        self._wrap_sol = wrap_sol
        self._budget = [shape_of(one) for one in budget_instructions(MAX_COMPUTE_UNITS, U64_MAX)]
        self._tip = [] if tip is None else [shape_of(tip_instruction(self._user, tip))]
        self._opening: dict[Pubkey, Shape] = {}
        self._wrapping: tuple[list[Shape], list[Shape]] | None = None
        self._swaps: dict[tuple[Pubkey, Pubkey], list[tuple[int, Shape]]] = {}
        self._places: dict[Pubkey, Pubkey] = {}
        self._steady = frozenset(venue.id for venue in VENUES if not venue.capabilities.swap_accounts_vary)

    def refusal(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
        """Why these legs, executed in this order, do not fit one transaction, or None."""
        if said := _refused_behind_another(legs, pools):
            return said
        measured, tables, units = self.measure(legs, pools)
        hops = sum(len(leg.hops) for leg in legs)
        if measured.accounts > self._max_accounts < MAX_TRANSACTION_ACCOUNTS:
            return (
                f"{counted(len(legs), 'leg')} of {counted(hops, 'hop')} would name {measured.accounts} accounts, more than "
                f"the {self._max_accounts} allowed; allow more (--max-accounts), or ask for fewer legs or hops (--max-splits, "
                "--max-hops)"
            )
        return too_large(len(legs), hops, measured, compute_units=units, tables=len(tables))

    def measure(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> tuple[Measured, tuple[UsableTable, ...], int]:
        """What the transaction measures, the lookup tables it takes, and the compute units expected of it."""
        mints = {mint.address: mint for leg in legs for hop in leg.hops for mint in pools[hop.pool].mints}
        received = dict.fromkeys(hop.output_mint for leg in legs for hop in leg.hops)
        wrapped = self._wrap_sol and (NATIVE_MINT in received or self._request.input_mint == NATIVE_MINT)
        missing = [mint for mint in received if mint not in self._held and not (wrapped and mint == NATIVE_MINT)]
        before, after = self._wraps() if wrapped else ([], [])
        swaps = self._swap_shapes(legs, pools)
        shapes = [*self._budget, *(self._opens(mints[mint]) for mint in missing), *before, *swaps, *after, *self._tip]
        tables, measured = choose_tables(shapes, self._user, self._tables)
        units = _OTHER_UNITS + sum(swap.units for swap in swaps)
        return measured, tables, units + OPENING_UNITS * len(missing) + WRAPPING_UNITS * bool(wrapped)

    def _opens(self, mint: Mint) -> Shape:
        if mint.address not in self._opening:
            shape = shape_of(create_associated_account(self._user, mint), OPENING_CALLS)
            # The account itself under the name the swaps know it by.
            (own,) = shape.writable - {self._user}
            self._opening[mint.address] = _renamed(shape, own, self._place(mint.address))
        return self._opening[mint.address]

    def _wraps(self) -> tuple[list[Shape], list[Shape]]:
        if self._wrapping is None:
            create, initialize = open_temporary_sol(self._user, _SEED, U64_MAX)
            own = create.accounts[1].pubkey
            close = close_to_owner(own, self._user)
            place = self._place(NATIVE_MINT)
            before = [_renamed(shape_of(one), own, place) for one in (create, initialize)]
            self._wrapping = before, [_renamed(shape_of(close), own, place)]
        return self._wrapping

    def _swap_shapes(self, legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> list[Shape]:
        again = Counter(hop.pool for leg in legs for hop in leg.hops if hop.venue_id not in self._steady)
        states = dict(pools) if again else pools
        shapes = []
        for leg, request in zip(legs, self._asked_of(legs), strict=True):
            for index, hop in enumerate(leg.hops):
                asked, _ = hop_request(leg.hops, index, request, 1)
                # The search asks with amounts as a flow has them: the last leg may be left nothing, or more than an amount can be.
                asked = replace(asked, amount=min(max(1, asked.amount), U64_MAX))
                pool = states[hop.pool]
                moved = pool is not pools[hop.pool]
                shapes.append(self._built(pool, asked) if moved else self._swap(pool, asked))
                again[hop.pool] -= 1
                if again[hop.pool] > 0:
                    # What the pool refuses leaves it as it is: the exact quote of these legs will say so.
                    with suppress(QuoteError):
                        states[hop.pool] = pool.quote(asked).next_pool  # type: ignore[index]
        return shapes

    def _asked_of(self, legs: Sequence[Leg]) -> tuple[QuoteRequest, ...]:
        """The search asks about some legs of a route too: the last of those does not owe what the missing ones deliver."""
        if sum(leg.amount_out for leg in legs) < self._request.amount and self._request.mode is SwapMode.EXACT_OUT:
            return tuple(replace(self._request, amount=leg.amount_out) for leg in legs)
        return leg_requests(legs, self._request)

    def _swap(self, pool: Pool, asked: QuoteRequest) -> Shape:
        """Kept by pool and direction, in the order of amounts. Between two amounts with the same accounts every amount has them,
        and takes no more compute units than the larger: it passes at least the ticks or bins of a smaller one. Where accounts do
        not vary, one is enough."""
        known = self._swaps.setdefault((pool.address, asked.input_mint), [])
        if known and pool.venue_id in self._steady:
            return known[0][1]
        place = bisect_left(known, asked.amount, key=lambda entry: entry[0])
        if place < len(known) and (known[place][0] == asked.amount or (place and _alike(known[place - 1][1], known[place][1]))):
            return known[place][1]
        shape = self._built(pool, asked)
        known.insert(place, (asked.amount, shape))
        return shape

    def _built(self, pool: Pool, asked: QuoteRequest) -> Shape:
        source, destination = self._place(asked.input_mint), self._place(asked.output_mint)
        request = SwapRequest(quote=asked, limit=1, user=self._user, source=source, destination=destination)
        units = expected_units(pool, asked)
        sure = units is not None or not swap_varies(pool.venue_id)
        if units is None:
            # What one was seen to take, with room for another that takes a little more.
            seen = self._units.get(pool.address)
            units = swap_compute_units(pool.venue_id) if seen is None else seen + seen // 8
        return shape_of(pool.swap_instruction(request), swap_calls(pool.venue_id), units, sure=sure)

    def _place(self, mint: Pubkey) -> Pubkey:
        """A stand-in for the wallet's account of a mint: as long as the real one, without the search for its address."""
        if mint not in self._places:
            self._places[mint] = Pubkey(bytes(byte ^ 0xFF for byte in bytes(mint)))
        return self._places[mint]


def _refused_behind_another(legs: Sequence[Leg], pools: Mapping[Pubkey, Pool]) -> str | None:
    used: set[Pubkey] = set()
    for hop in (hop for leg in legs for hop in leg.hops):
        if hop.pool in used:
            pool = pools[hop.pool]
            if isinstance(pool, MustComeFirst) and pool.must_come_first(hop.input_mint):
                return f"pool {hop.pool} ({hop.venue_id}) takes this swap only as its first of a transaction (rate limiter)"
        used.add(hop.pool)
    return None


def _alike(smaller: Shape, larger: Shape) -> bool:
    return larger.sure and smaller.named == larger.named and larger.units - smaller.units <= _ALIKE_UNITS


def _renamed(shape: Shape, old: Pubkey, new: Pubkey) -> Shape:
    def swapped(keys: frozenset[Pubkey]) -> frozenset[Pubkey]:
        return keys - {old} | {new} if old in keys else keys

    return replace(shape, writable=swapped(shape.writable), named=swapped(shape.named))
