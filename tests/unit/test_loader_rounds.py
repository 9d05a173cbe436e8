"""The fetch loop over recorded pools: one slot, few round trips, broken pools apart from good ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, DexError, NotASwap, RateLimited, RpcError, StaleData, TornSnapshot
from dexroute.fetchers import VENUES, VenueRegistry
from dexroute.fetchers.base import Pool, SwapCall, Venue
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID, SYSVAR_OWNER, decode_clock
from dexroute.fetchers.loader import ACCOUNTS_PER_CALL, load_pools
from dexroute.types.accounts import AccountData, AccountSnapshot, ChainClock
from dexroute.types.chain import AccountFilter, AccountsAtSlot, Commitment
from tests.vectors import RecordedState, load_states

STATES = {state.name: state for state in load_states("raydium-cpmm")}
CLOCK = ChainClock(slot=900, epoch=3, unix_timestamp=1_700_000_000)


def clock_account(clock: ChainClock = CLOCK) -> AccountData:
    data = clock.slot.to_bytes(8, "little") + bytes(8) + clock.epoch.to_bytes(8, "little") + bytes(8)
    return AccountData(owner=SYSVAR_OWNER, lamports=1, data=data + clock.unix_timestamp.to_bytes(8, "little", signed=True))


class MemoryReader:
    """Accounts in memory. `slots` gives each call's slot; every call is written down."""

    def __init__(
        self, accounts: Mapping[Pubkey, AccountData | None], slots: Callable[[int], int] = lambda call: CLOCK.slot
    ) -> None:
        self.accounts = {CLOCK_SYSVAR_ID: clock_account(), **accounts}
        self.slots = slots
        self.calls: list[tuple[Sequence[Pubkey], int | None]] = []

    async def get_accounts(
        self, addresses: Sequence[Pubkey], *, min_context_slot: int | None = None, commitment: Commitment = Commitment.CONFIRMED
    ) -> AccountsAtSlot:
        self.calls.append((tuple(addresses), min_context_slot))
        slot = self.slots(len(self.calls) - 1)
        if min_context_slot is not None and slot < min_context_slot:
            raise StaleData(f"node is at {slot}, wanted {min_context_slot}")
        return AccountsAtSlot(slot=slot, accounts={address: self.accounts.get(address) for address in addresses})

    async def get_program_accounts(
        self, program_id: Pubkey, filters: Sequence[AccountFilter], *, data_slice: tuple[int, int] | None = None
    ) -> Mapping[Pubkey, AccountData]:
        raise NotImplementedError


def accounts_of(*states: RecordedState) -> dict[Pubkey, AccountData | None]:
    return {address: account for state in states for address, account in state.snapshot.accounts.items()}


def copies(state: RecordedState, count: int) -> tuple[dict[Pubkey, AccountData | None], list[Pubkey]]:
    """The same pool under `count` addresses, each with vaults of its own."""
    accounts = accounts_of(state)
    original = accounts[state.pool]
    assert original is not None
    addresses = []
    for _ in range(count):
        address, vaults = Pubkey.new_unique(), (Pubkey.new_unique(), Pubkey.new_unique())
        data = bytearray(original.data)
        for offset, vault in zip((72, 104), vaults, strict=True):
            accounts[vault] = accounts[Pubkey.from_bytes(original.data[offset : offset + 32])]
            data[offset : offset + 32] = bytes(vault)
        accounts[address] = replace(original, data=bytes(data))
        addresses.append(address)
    return accounts, addresses


async def test_a_cold_load_learns_and_a_warm_load_is_one_round_trip() -> None:
    states = [STATES["plain"], STATES["high-fee"]]
    reader = MemoryReader(accounts_of(*states))
    pools = [state.pool for state in states]
    cold = await load_pools(reader, pools, VENUES)
    assert set(cold.pools) == set(pools)
    assert cold.round_trips == len(reader.calls) == 2
    assert cold.snapshot.clock == CLOCK
    assert {pool.slot for pool in cold.pools.values()} == {CLOCK.slot}
    warm = await load_pools(reader, pools, VENUES, cold.learned)
    assert (warm.round_trips, warm.rounds) == (1, 1)
    assert warm.pools == cold.pools
    # The last round alone holds everything a quote rests on, the clock included.
    last = set(reader.calls[-1][0])
    assert last == set(warm.snapshot.accounts) >= {CLOCK_SYSVAR_ID, *pools}
    assert len(last) == len(reader.calls[-1][0])


async def test_no_pools_is_an_answer() -> None:
    nothing = await load_pools(MemoryReader({}), [], VENUES)
    assert (dict(nothing.pools), dict(nothing.broken), nothing.round_trips) == ({}, {}, 1)


async def test_accounts_asked_for_besides_come_at_the_same_slot() -> None:
    wallet = Pubkey.new_unique()
    loaded = await load_pools(MemoryReader({}), [], VENUES, also=[wallet])
    assert loaded.snapshot.accounts[wallet] is None


async def test_broken_pools_are_listed_and_harm_no_other() -> None:
    good = STATES["plain"]
    accounts = accounts_of(good)
    original = accounts[good.pool]
    assert original is not None
    absent, foreign, short, zeroed, no_vault = (Pubkey.new_unique() for _ in range(5))
    accounts[foreign] = replace(original, owner=Pubkey.new_unique())
    accounts[short] = replace(original, data=original.data[:-1])
    accounts[zeroed] = replace(original, data=bytes(len(original.data)))
    accounts[no_vault] = replace(original, data=original.data[:72] + bytes(Pubkey.new_unique()) + original.data[104:])
    broken = [absent, foreign, short, zeroed, no_vault]
    reader = MemoryReader(accounts)
    loaded = await load_pools(reader, [absent, foreign, good.pool, short, zeroed, no_vault], VENUES)
    assert list(loaded.pools) == [good.pool]
    assert set(loaded.broken) == set(broken)
    for address, error in loaded.broken.items():
        assert isinstance(error, DecodeError)
        assert error.pool == str(address)
    again = await load_pools(reader, [*broken, good.pool], VENUES, loaded.learned)
    assert again.round_trips == 1


class FaultyVenue:
    """Stands for our own bugs: asks for ever more accounts, or fails with what it should not."""

    id, label, program_id = "faulty", "Faulty", Pubkey.new_unique()
    capabilities = next(iter(VENUES)).capabilities

    def __init__(self, *, insatiable: bool, in_decode: bool = False) -> None:
        self._insatiable = insatiable
        self._in_decode = in_decode

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        if self._insatiable:
            return frozenset({Pubkey.new_unique()})
        if not self._in_decode:
            raise IndexError("past the end")
        return frozenset()

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> Pool:
        if self._insatiable:
            raise DecodeError("never enough", pool=str(address), field="accounts")
        raise ZeroDivisionError("by zero")

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        raise NotASwap("no swap", venue=self.id, field="data")


@pytest.mark.parametrize(
    ("venue", "words", "rounds"),
    [
        (FaultyVenue(insatiable=False), "IndexError: past the end", 2),
        (FaultyVenue(insatiable=False, in_decode=True), "ZeroDivisionError: by zero", 2),
        (FaultyVenue(insatiable=True), "never enough", 6),
    ],
)
async def test_a_fault_of_our_own_is_named_as_one_and_contained(venue: FaultyVenue, words: str, rounds: int) -> None:
    good = STATES["plain"]
    bad = Pubkey.new_unique()
    accounts = accounts_of(good) | {bad: AccountData(owner=venue.program_id, lamports=1, data=b"")}
    venues: list[Venue] = [*VENUES, venue]
    loaded = await load_pools(MemoryReader(accounts), [bad, good.pool], VenueRegistry(venues))
    assert list(loaded.pools) == [good.pool]
    error = loaded.broken[bad]
    assert words in error.message
    assert loaded.rounds == rounds
    if not isinstance(error, DecodeError):
        assert (error.code, error.exit_code) == (DexError.code, 1)
        assert "report it" in error.message


async def test_more_than_a_hundred_accounts_take_several_calls_of_one_slot() -> None:
    accounts, addresses = copies(STATES["plain"], 60)
    reader = MemoryReader(accounts)
    loaded = await load_pools(reader, addresses, VENUES)
    assert len(loaded.pools) == 60
    assert all(len(asked) <= ACCOUNTS_PER_CALL for asked, _ in reader.calls)
    assert (loaded.rounds, loaded.round_trips) == (2, 1 + 2)
    warm = await load_pools(reader, addresses, VENUES, loaded.learned)
    assert (warm.rounds, warm.round_trips) == (1, 2)
    assert warm.pools == loaded.pools


async def test_calls_that_straddle_a_slot_are_repeated_together_and_never_step_back() -> None:
    accounts, addresses = copies(STATES["plain"], 60)
    learned = (await load_pools(MemoryReader(accounts), addresses, VENUES)).learned
    reader = MemoryReader(accounts, slots=lambda call: [900, 901, 902, 902][call])
    loaded = await load_pools(reader, addresses, VENUES, learned, min_context_slot=890)
    assert len(loaded.pools) == 60
    assert loaded.round_trips == len(reader.calls) == 4
    assert [least for _, least in reader.calls] == [890, 890, 901, 901]


async def test_a_snapshot_that_stays_torn_is_refused() -> None:
    accounts, addresses = copies(STATES["plain"], 60)
    learned = (await load_pools(MemoryReader(accounts), addresses, VENUES)).learned
    reader = MemoryReader(accounts, slots=lambda call: 900 + call)
    with pytest.raises(TornSnapshot) as caught:
        await load_pools(reader, addresses, VENUES, learned)
    assert caught.value.retryable and caught.value.exit_code == 4
    assert caught.value.context["slots"] == [908, 909]
    assert "(908 to 909)" in caught.value.message
    assert len(reader.calls) == 2 * caught.value.context["tries"]


async def test_network_errors_pass_through_typed() -> None:
    accounts, addresses = copies(STATES["plain"], 60)
    with pytest.raises(StaleData):
        await load_pools(MemoryReader(accounts), addresses, VENUES, min_context_slot=CLOCK.slot + 1)

    def limited(call: int) -> int:
        if call == 2:
            raise RateLimited("slow down")
        return CLOCK.slot

    with pytest.raises(RateLimited):
        await load_pools(MemoryReader(accounts, slots=limited), addresses, VENUES)


async def test_a_node_without_a_clock_is_not_trusted() -> None:
    reader = MemoryReader({CLOCK_SYSVAR_ID: None})
    with pytest.raises(RpcError, match="clock sysvar"):
        await load_pools(reader, [], VENUES)
    for wrong in (replace(clock_account(), owner=Pubkey.new_unique()), replace(clock_account(), data=bytes(39))):
        with pytest.raises(RpcError, match="clock sysvar"):
            decode_clock(wrong)
    assert decode_clock(clock_account(replace(CLOCK, unix_timestamp=-5))).unix_timestamp == -5
