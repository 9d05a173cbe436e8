"""The one fetch loop: addresses in, pools of one moment out.

Every account a quote rests on comes from one last round of reads that all report the same slot, the clock included.
Earlier rounds only find out which accounts that takes; what they learn is handed back, and with it the next load
is a single getMultipleAccounts call (one per 100 accounts). Several calls that straddle a slot are repeated together, a bounded
number of times; then the snapshot is refused as torn, never quoted.

The same loop runs over accounts kept from before (`kept_pools`): they are all of one slot too, so they serve whole or not at all.
No account is taken to be constant: configs, mints and vaults are of the same slot as the pools that rest on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from solders.pubkey import Pubkey

from dexroute.errors import DexError, RpcError, TornSnapshot
from dexroute.fetchers.base import Pool
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID, decode_clock
from dexroute.fetchers.registry import VenueRegistry
from dexroute.ports import AccountReader
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.chain import AccountsAtSlot, AccountSource, KeptAccounts

ACCOUNTS_PER_CALL: Final = 100
# A venue's deepest chain is pool -> config or vaults -> mints; more rounds than this means a venue that never has enough.
_MAX_ROUNDS: Final = 6
_MAX_TRIES: Final = 5

LearnedAddresses = Mapping[Pubkey, frozenset[Pubkey]]
"""For each address, the accounts its decoding took (its own included)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPools:
    """Pools decoded from one snapshot. `broken` are the addresses that could not be, each with its error. `learned` makes the
    next load warm. `round_trips` counts the getMultipleAccounts calls that answered, `rounds` how often we had to wait for any.
    `source` says whether a node was asked now; accounts kept from before are at most `age_slots` old."""

    snapshot: AccountSnapshot
    pools: Mapping[Pubkey, Pool]
    broken: Mapping[Pubkey, DexError]
    learned: LearnedAddresses
    round_trips: int
    rounds: int
    source: AccountSource = AccountSource.NODE
    age_slots: int = 0


async def load_pools(
    reader: AccountReader,
    addresses: Iterable[Pubkey],
    registry: VenueRegistry,
    known: LearnedAddresses | None = None,
    *,
    also: Iterable[Pubkey] = (),
    min_context_slot: int | None = None,
) -> LoadedPools:
    """Read and decode pools, all at one slot.

    `known` is an earlier load's `learned`. `also` are accounts the caller wants in the same snapshot (a wallet's, say).
    `min_context_slot`: no older state than this slot. A pool whose bytes are wrong ends in `broken` and harms no other.

    Raises NetworkError as the reader does; TornSnapshot when calls kept reporting different slots; RpcError when the node
    answers without the clock sysvar or without an account it was asked for.
    """
    wanted = _wanted(addresses, known)
    reads = _Reads(reader, min_context_slot)
    return await _load(reads, wanted, frozenset(also), registry)


async def kept_pools(
    kept: KeptAccounts,
    addresses: Iterable[Pubkey],
    registry: VenueRegistry,
    known: LearnedAddresses | None = None,
    *,
    also: Iterable[Pubkey] = (),
) -> tuple[LoadedPools | None, LearnedAddresses]:
    """The pools as kept, None when the set lacks an account they take; and what the set tells about which accounts those are,
    which holds however old it is: the next load of these pools is warm.

    Raises RpcError when the clock kept is none."""
    wanted, besides = _wanted(addresses, known), frozenset(also)
    try:
        loaded = await _load(_Kept(kept), wanted, besides & kept.accounts.keys(), registry)
    except _NotKept:
        return None, _learned(wanted)
    if besides - kept.accounts.keys():
        return None, loaded.learned
    return replace(loaded, source=kept.source, age_slots=kept.age_slots), loaded.learned


def needed_accounts(address: Pubkey, snapshot: AccountSnapshot, registry: VenueRegistry) -> frozenset[Pubkey]:
    """What a load of this pool alone, knowing nothing, would end up reading, were the cluster as in `snapshot`: without what it
    took when its price was another, and without what only a large amount reaches."""
    needed = frozenset({address})
    for _ in range(_MAX_ROUNDS):
        held = {key: snapshot.accounts[key] for key in needed if key in snapshot.accounts}
        more = _missing(address, AccountSnapshot(clock=snapshot.clock, accounts=held), registry)
        if isinstance(more, DexError) or not more:
            break
        needed |= more
    return needed


class _Rounds(Protocol):
    """Where the rounds of a load come from."""

    @property
    def calls(self) -> int: ...
    @property
    def rounds(self) -> int: ...
    async def round(self, addresses: Sequence[Pubkey]) -> AccountSnapshot: ...


def _wanted(addresses: Iterable[Pubkey], known: LearnedAddresses | None) -> dict[Pubkey, set[Pubkey]]:
    return {address: {address} | set((known or {}).get(address, ())) for address in addresses}


def _learned(wanted: Mapping[Pubkey, set[Pubkey]]) -> LearnedAddresses:
    # Broken ones too: a pool that fails at its last step must not cost every later load a second round.
    return {address: frozenset(own) for address, own in wanted.items()}


async def _load(
    reads: _Rounds, wanted: dict[Pubkey, set[Pubkey]], extra: frozenset[Pubkey], registry: VenueRegistry
) -> LoadedPools:
    """Rounds until no pool wants more. `wanted` grows by what they ask for."""
    for _ in range(_MAX_ROUNDS):
        snapshot = await reads.round(_in_order(wanted, extra))
        missing = {address: _missing(address, snapshot, registry) for address in wanted}
        if not any(isinstance(more, frozenset) and more for more in missing.values()):
            break
        for address, more in missing.items():
            if isinstance(more, frozenset):
                wanted[address] |= more
    pools: dict[Pubkey, Pool] = {}
    broken: dict[Pubkey, DexError] = {}
    for address, more in missing.items():
        decoded = more if isinstance(more, DexError) else _decoded(address, snapshot, registry)
        if isinstance(decoded, DexError):
            broken[address] = decoded
        else:
            pools[address] = decoded
    return LoadedPools(
        snapshot=snapshot, pools=pools, broken=broken, learned=_learned(wanted), round_trips=reads.calls, rounds=reads.rounds
    )


def _in_order(wanted: Mapping[Pubkey, set[Pubkey]], extra: frozenset[Pubkey]) -> list[Pubkey]:
    """Each address once, the clock first, pools in the order given with their accounts beside them."""
    ordered = {CLOCK_SYSVAR_ID: None} | dict.fromkeys(sorted(extra, key=bytes))
    for own in wanted.values():
        ordered |= dict.fromkeys(sorted(own, key=bytes))
    return list(ordered)


def _missing(address: Pubkey, snapshot: AccountSnapshot, registry: VenueRegistry) -> frozenset[Pubkey] | DexError:
    try:
        asked = registry.for_account(address, snapshot).required_accounts(address, snapshot)
    except DexError as error:
        return error
    except Exception as error:
        return _our_fault(address, snapshot, error)
    return frozenset(asked - snapshot.accounts.keys())


def _decoded(address: Pubkey, snapshot: AccountSnapshot, registry: VenueRegistry) -> Pool | DexError:
    try:
        return registry.decode_pool(address, snapshot)
    except DexError as error:
        return error
    except Exception as error:
        return _our_fault(address, snapshot, error)


def _our_fault(address: Pubkey, snapshot: AccountSnapshot, error: Exception) -> DexError:
    """A decoder may only raise DecodeError. One that does not is our bug, and says so, but anybody can make a pool account:
    it must not be able to take the others down."""
    fault = DexError(
        f"pool {address}: its decoder failed at slot {snapshot.clock.slot} with {type(error).__name__}: {error}; "
        "this is a fault of dexroute, please report it with the pool's address",
        pool=str(address),
        slot=snapshot.clock.slot,
    )
    fault.__cause__ = error
    return fault


class _NotKept(Exception):
    """An account that the kept set does not hold."""


class _Kept:
    """Rounds over accounts kept from before. Costs no round trip."""

    calls = 0
    rounds = 0

    def __init__(self, kept: KeptAccounts) -> None:
        self._kept = kept.accounts

    async def round(self, addresses: Sequence[Pubkey]) -> AccountSnapshot:
        if any(address not in self._kept for address in addresses):
            raise _NotKept
        clock = self._kept[CLOCK_SYSVAR_ID]
        if clock is None:
            raise _NotKept
        return AccountSnapshot(clock=decode_clock(clock), accounts={address: self._kept[address] for address in addresses})


class _Reads:
    """Rounds of reads that never step back in slots, and their count."""

    def __init__(self, reader: AccountReader, min_context_slot: int | None) -> None:
        self._reader = reader
        self._min_slot = min_context_slot
        self.calls = 0
        self.rounds = 0

    async def round(self, addresses: Sequence[Pubkey]) -> AccountSnapshot:
        """All addresses at one slot."""
        chunks = [addresses[start : start + ACCOUNTS_PER_CALL] for start in range(0, len(addresses), ACCOUNTS_PER_CALL)]
        for _ in range(_MAX_TRIES):
            answers = await self._together(chunks)
            slots = sorted({answer.slot for answer in answers})
            # A lagging node behind the same address must not answer the next round from the past.
            self._min_slot = max(slots[-1], self._min_slot or 0)
            if len(slots) == 1:
                return self._snapshot(addresses, answers)
        raise TornSnapshot(
            f"{len(addresses)} accounts in {len(chunks)} calls came from different slots ({slots[0]} to {slots[-1]}) "
            f"{_MAX_TRIES} times in a row; try again, name fewer pools (--pool), or use a faster RPC endpoint",
            slots=slots,
            accounts=len(addresses),
            tries=_MAX_TRIES,
        )

    async def _together(self, chunks: Sequence[Sequence[Pubkey]]) -> list[AccountsAtSlot]:
        self.rounds += 1
        try:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(self._reader.get_accounts(chunk, min_context_slot=self._min_slot)) for chunk in chunks]
        except* DexError as failures:
            # One failed call fails the round; its siblings were cancelled with it.
            failure = next(error for error in _leaves(failures) if isinstance(error, DexError))
        else:
            self.calls += len(calls)
            return [call.result() for call in calls]
        raise failure

    def _snapshot(self, addresses: Sequence[Pubkey], answers: Sequence[AccountsAtSlot]) -> AccountSnapshot:
        accounts: dict[Pubkey, AccountData | None] = {}
        for answer in answers:
            accounts |= answer.accounts
        absent = [str(address) for address in addresses if address not in accounts]
        clock = accounts.get(CLOCK_SYSVAR_ID)
        if absent or clock is None:
            raise RpcError(
                f"the node answered for slot {answers[0].slot} without {', '.join(absent[:3]) or 'the clock sysvar'}; "
                "try again or use another RPC endpoint",
                slot=answers[0].slot,
                missing=absent or [str(CLOCK_SYSVAR_ID)],
            )
        return AccountSnapshot(clock=decode_clock(clock), accounts=accounts)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [leaf for error in group.exceptions for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])]
