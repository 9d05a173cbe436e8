"""States of every venue for the suite: recorded ones for foreign programs, written ones for our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers import VENUES, Pool
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.fetchers.meteora.damm_v2.rate_limiter import RateLimiter
from dexroute.fetchers.meteora.damm_v2.schedulers import MarketCapScheduler
from dexroute.fetchers.meteora.dlmm.addresses import bin_array_address, bitmap_extension_address
from dexroute.fetchers.meteora.dlmm.pool import DlmmPool
from dexroute.fetchers.raydium.clmm.pool import ClmmPool
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.requests import SwapMode
from tests.conformance.pool_program_states import pool_program_states
from tests.vectors import load_states


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A pool address and every account around it.

    `fee_follows_swaps`: the fee a swap pays depends on its amount or on swaps before it, by design, so that cutting a
    swap in two may pay. `fee_by_amount`: the rate itself is rounded to 10^-9 for each amount, which one unit more can worsen.
    `reach`: accounts that say how far liquidity is known (tick or bin arrays): without them the pool decodes, and a swap that
    comes there is refused by name. `exact_out_may_miss`: the program refuses some exact outputs that an exact input gives.
    `exact_out_overshoots`: where its prices end, the least step of a price is worth more than the output asked for.
    `zero_succeeds`: the program takes a swap of nothing, and moves nothing. `limit_is_raised`: it compares the least output before
    a last rounding, so the instruction carries a little more than was asked. `split_favour`: base units, of the input and of the
    output, by which two swaps may beat one because the program rounds fees and shares down.
    """

    venue: str
    name: str
    address: Pubkey
    snapshot: AccountSnapshot
    fee_follows_swaps: bool = False
    fee_by_amount: bool = False
    reach: frozenset[Pubkey] = frozenset()
    exact_out_may_miss: bool = False
    zero_succeeds: bool = False
    limit_is_raised: bool = False
    split_favour: int = 0
    exact_out_overshoots: bool = False

    def __str__(self) -> str:
        return f"{self.venue}/{self.name}"

    def pool(self) -> Pool:
        return VENUES.decode_pool(self.address, self.snapshot)

    @property
    def modes(self) -> tuple[SwapMode, ...]:
        """The modes the venue's program has."""
        return tuple(SwapMode) if VENUES[self.venue].capabilities.exact_out else (SwapMode.EXACT_IN,)


def _raydium_cpmm() -> Iterator[Case]:
    for state in load_states("raydium-cpmm"):
        yield Case(venue=state.venue, name=state.name, address=state.pool, snapshot=state.snapshot)


def _raydium_amm_v4() -> Iterator[Case]:
    for state in load_states("raydium-amm-v4"):
        yield Case(venue=state.venue, name=state.name, address=state.pool, snapshot=state.snapshot)


def _raydium_clmm() -> Iterator[Case]:
    venue = VENUES["raydium-clmm"]
    for state in load_states("raydium-clmm"):
        # As the loader would have read it: the arrays within reach, not all of them.
        known: dict[Pubkey, AccountData | None] = {}
        while asked := venue.required_accounts(state.pool, replace(state.snapshot, accounts=known)):
            known |= {address: state.snapshot.accounts.get(address) for address in asked}
        reach = {address for address, account in known.items() if account is not None and len(account.data) in (1_832, 10_240)}
        case = Case(
            venue=state.venue,
            name=state.name,
            address=state.pool,
            snapshot=replace(state.snapshot, accounts=known),
            reach=frozenset(reach),
        )
        pool = case.pool()
        assert isinstance(pool, ClmmPool)
        yield replace(case, exact_out_overshoots=any(abs(tick) > 400_000 for tick in pool.ladder.ticks))


def _meteora_damm_v1() -> Iterator[Case]:
    for state in load_states("meteora-damm-v1"):
        yield Case(
            venue=state.venue,
            name=state.name,
            address=state.pool,
            snapshot=state.snapshot,
            zero_succeeds=True,
            limit_is_raised=True,
            split_favour=2,
        )


def _meteora_damm_v2() -> Iterator[Case]:
    for state in load_states("meteora-damm-v2"):
        pool = VENUES.decode_pool(state.pool, state.snapshot)
        assert isinstance(pool, DammV2Pool)
        limited = isinstance(pool.fees.base, RateLimiter)
        moving = pool.fees.dynamic is not None or isinstance(pool.fees.base, MarketCapScheduler) or pool.compounds
        yield Case(
            venue=state.venue,
            name=state.name,
            address=state.pool,
            snapshot=state.snapshot,
            fee_follows_swaps=limited or moving,
            fee_by_amount=limited,
        )


def _meteora_dlmm() -> Iterator[Case]:
    for state in load_states("meteora-dlmm"):
        yield _dlmm_case(state.name, state.pool, state.snapshot)
        if state.name in ("many-arrays-step10", "gaps-step10", "fee-only-in-y-step16", "limit-orders-open-step20"):
            yield _dlmm_case(f"{state.name}-without-variable-fee", state.pool, _without_variable_fee(state.pool, state.snapshot))


def _dlmm_case(name: str, address: Pubkey, snapshot: AccountSnapshot) -> Case:
    pool = VENUES.decode_pool(address, snapshot)
    assert isinstance(pool, DlmmPool)
    bins = [entry for array in pool.arrays.values() for entry in array.bins if entry is not None]
    extension = {bitmap_extension_address(address)} if pool.bitmap.extended else set()
    return Case(
        venue="meteora-dlmm",
        name=name,
        address=address,
        snapshot=snapshot,
        fee_follows_swaps=pool.settings.fees.variable_control > 0,
        reach=frozenset({bin_array_address(address, index) for index in pool.arrays} | extension),
        exact_out_may_miss=any(entry.open_orders or entry.partly_filled for entry in bins),
    )


def _without_variable_fee(pair: Pubkey, snapshot: AccountSnapshot) -> AccountSnapshot:
    """The state with `variable_fee_control` (u32 at 16) zero: no recorded pair of several arrays is without that fee."""
    account = snapshot.accounts[pair]
    assert account is not None
    calm = replace(account, data=account.data[:16] + bytes(4) + account.data[20:])
    return replace(snapshot, accounts={**snapshot.accounts, pair: calm})


def _dexroute_pool() -> Iterator[Case]:
    for state in pool_program_states():
        yield Case(
            venue="dexroute-pool",
            name=state.name,
            address=state.address,
            snapshot=state.snapshot,
            fee_follows_swaps=state.dynamic,
        )


PROVIDERS: Final[dict[str, Callable[[], Iterator[Case]]]] = {
    "raydium-amm-v4": _raydium_amm_v4,
    "raydium-cpmm": _raydium_cpmm,
    "raydium-clmm": _raydium_clmm,
    "meteora-damm-v1": _meteora_damm_v1,
    "meteora-damm-v2": _meteora_damm_v2,
    "meteora-dlmm": _meteora_dlmm,
    "dexroute-pool": _dexroute_pool,
}


@cache
def all_cases() -> tuple[Case, ...]:
    """The states of every registered venue; one without a provider has none, and its own test says so."""
    return tuple(case for venue in VENUES if venue.id in PROVIDERS for case in PROVIDERS[venue.id]())


def cases_of(venue_id: str) -> tuple[Case, ...]:
    return tuple(case for case in all_cases() if case.venue == venue_id)
