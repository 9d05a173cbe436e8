"""Pools from what was kept and from a node: whole sets of one slot, ages in slots, no step back in time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.cache.memory import MemoryCache, weight
from dexroute.chain.cache.slot_age import FASTEST_SLOT_MS, SlotObserved, age_slots
from dexroute.errors import CacheDamaged, CacheUnavailable, StaleData
from dexroute.fetchers import VENUES
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.fetchers.pool_reader import PoolReader
from dexroute.types.chain import AccountsAtSlot, AccountSource, KeptAccounts
from dexroute.types.requests import QuoteRequest
from tests.unit.test_loader_rounds import CLOCK, STATES, MemoryReader, accounts_of, clock_account

STATE = STATES["plain"]


@dataclass
class HeldTime:
    """A clock that goes on when told to."""

    ms: int = 1_000_000
    slept: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ms(self) -> int:
        return self.ms

    async def sleep_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms


class MovingNode(MemoryReader):
    """A node whose slot is set; context and clock sysvar agree, as on a cluster."""

    def __init__(self) -> None:
        super().__init__(accounts_of(STATE), slots=lambda call: self.slot)
        self.go_to(CLOCK.slot)

    def go_to(self, slot: int) -> None:
        self.slot = slot
        self.accounts[CLOCK_SYSVAR_ID] = clock_account(replace(CLOCK, slot=slot, unix_timestamp=1_900_000_000))


class BrokenCache:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def latest(self, pools: Collection[Pubkey]) -> KeptAccounts | None:
        raise self.error

    async def keep(self, pools: Collection[Pubkey], read: AccountsAtSlot) -> None:
        raise self.error


def test_an_age_in_slots_is_never_underestimated() -> None:
    tip = SlotObserved(slot=100, at_ms=5_000)
    assert age_slots(100, tip, 5_000) == 0
    assert age_slots(97, tip, 5_000) == 3
    assert age_slots(97, tip, 5_001) == 4
    assert age_slots(97, tip, 5_000 + FASTEST_SLOT_MS) == 4
    assert age_slots(97, tip, 5_000 + 10 * FASTEST_SLOT_MS) == 13
    assert age_slots(97, tip, 4_000) == 3, "a clock set back makes nothing younger than the slots say"


async def test_a_kept_set_serves_without_a_round_trip_while_it_is_young_enough() -> None:
    node, time = MovingNode(), HeldTime()
    pools = PoolReader(node, VENUES, [MemoryCache(time)])
    cold, _ = await pools.load([STATE.pool])
    assert (cold.source, cold.round_trips, cold.age_slots) == (AccountSource.NODE, 2, 0)
    time.ms += 3 * FASTEST_SLOT_MS
    kept, notes = await pools.load([STATE.pool], kept_slots=3)
    assert (kept.source, kept.round_trips, kept.rounds, kept.age_slots, notes) == (AccountSource.CACHE, 0, 0, 3, ())
    assert kept.pools == cold.pools
    assert kept.snapshot == cold.snapshot
    time.ms += 1
    node.go_to(CLOCK.slot + 2)
    read, _ = await pools.load([STATE.pool], kept_slots=3)
    assert (read.source, read.round_trips, read.snapshot.clock.slot) == (AccountSource.NODE, 1, CLOCK.slot + 2)
    warm, _ = await pools.load([STATE.pool])
    assert (warm.source, warm.round_trips) == (AccountSource.NODE, 1), "without an age allowed, a node is asked"


async def test_slots_seen_make_a_set_old_whatever_the_host_says() -> None:
    node, time = MovingNode(), HeldTime()
    cache = MemoryCache(time)
    pools = PoolReader(node, VENUES, [cache])
    await pools.load([STATE.pool])
    await cache.keep([Pubkey.new_unique()], AccountsAtSlot(slot=CLOCK.slot + 9, accounts={}))
    for allowed, source in ((8, AccountSource.NODE), (50, AccountSource.CACHE)):
        assert (await pools.load([STATE.pool], kept_slots=allowed))[0].source is source
        await cache.keep([Pubkey.new_unique()], AccountsAtSlot(slot=CLOCK.slot + 9, accounts={}))


async def test_a_set_that_lacks_an_account_is_not_filled_up_from_another_slot() -> None:
    node, time = MovingNode(), HeldTime()
    pools = PoolReader(node, VENUES, [MemoryCache(time)])
    await pools.load([STATE.pool])
    node.go_to(CLOCK.slot + 1)
    wallet = Pubkey.new_unique()
    loaded, _ = await pools.load([STATE.pool], also=[wallet], kept_slots=100)
    assert loaded.source is AccountSource.NODE
    assert loaded.snapshot.clock.slot == CLOCK.slot + 1
    assert set(node.calls[-1][0]) == set(loaded.snapshot.accounts) >= {wallet, STATE.pool, CLOCK_SYSVAR_ID}
    again, _ = await pools.load([STATE.pool], also=[wallet], kept_slots=100)
    assert again.source is AccountSource.CACHE
    assert again.snapshot.accounts[wallet] is None, "that an account does not exist is kept too"


async def test_what_another_load_learned_makes_the_first_one_here_warm() -> None:
    node, cache = MovingNode(), MemoryCache(HeldTime())
    await PoolReader(node, VENUES, [cache]).load([STATE.pool])
    node.go_to(CLOCK.slot + 1_000_000)
    node.calls.clear()
    # Another's wallet accounts are in no set of this one: that costs the set, not what it tells.
    loaded, _ = await PoolReader(node, VENUES, [cache]).load([STATE.pool], also=[Pubkey.new_unique()], kept_slots=1_000)
    assert (loaded.source, loaded.round_trips, len(node.calls)) == (AccountSource.NODE, 1, 1)
    assert loaded.snapshot.clock.slot == CLOCK.slot + 1_000_000, (
        "however old, it tells which accounts there are, never what they hold"
    )


async def test_a_changed_fee_is_quoted_by_the_next_read() -> None:
    node = MovingNode()
    pools = PoolReader(node, VENUES, [MemoryCache(HeldTime())])
    before, _ = await pools.load([STATE.pool])
    mints = [mint.address for mint in before.pools[STATE.pool].mints]
    request = QuoteRequest(input_mint=mints[0], output_mint=mints[1], amount=10**6)
    pool_account = node.accounts[STATE.pool]
    assert pool_account is not None
    config_address = Pubkey.from_bytes(pool_account.data[8:40])
    config = node.accounts[config_address]
    assert config is not None
    raised = bytearray(config.data)
    raised[12:20] = (100_000).to_bytes(8, "little")  # trade_fee_rate, ppm
    node.accounts[config_address] = replace(config, data=bytes(raised))
    node.go_to(CLOCK.slot + 1)
    after, _ = await pools.load([STATE.pool])
    assert after.round_trips == 1
    assert after.pools[STATE.pool].quote(request).amount_out < before.pools[STATE.pool].quote(request).amount_out
    fresh, _ = await PoolReader(node, VENUES).load([STATE.pool])
    assert after.pools == fresh.pools


async def test_what_is_to_be_signed_is_read_and_never_older_than_what_was_seen() -> None:
    node = MovingNode()
    pools = PoolReader(node, VENUES, [MemoryCache(HeldTime())])
    await pools.load([STATE.pool])
    node.go_to(CLOCK.slot + 5)
    signing, _ = await pools.load([STATE.pool], kept_slots=1_000, for_signing=True)
    assert (signing.source, signing.snapshot.clock.slot) == (AccountSource.NODE, CLOCK.slot + 5)
    node.go_to(CLOCK.slot + 4)
    with pytest.raises(StaleData):
        await pools.load([STATE.pool], for_signing=True)


async def test_a_node_that_falls_far_back_is_refused_once_and_a_few_slots_are_no_matter() -> None:
    node = MovingNode()
    pools = PoolReader(node, VENUES)
    node.go_to(CLOCK.slot + 100)
    await pools.load([STATE.pool])
    node.go_to(CLOCK.slot + 90)
    assert (await pools.load([STATE.pool]))[0].snapshot.clock.slot == CLOCK.slot + 90
    node.go_to(CLOCK.slot)
    with pytest.raises(StaleData):
        await pools.load([STATE.pool])
    # Perhaps the slot before was one node's invention; then this is the cluster.
    assert (await pools.load([STATE.pool]))[0].snapshot.clock.slot == CLOCK.slot


@pytest.mark.parametrize("error", [CacheUnavailable("Redis does not answer"), CacheDamaged("foreign bytes")])
async def test_a_cache_in_trouble_costs_the_cache_and_a_note(error: Exception) -> None:
    pools = PoolReader(MovingNode(), VENUES, [BrokenCache(error)])
    loaded, notes = await pools.load([STATE.pool], kept_slots=10)
    assert loaded.source is AccountSource.NODE
    assert set(loaded.pools) == {STATE.pool}
    assert notes == (str(error),)


async def test_a_kept_set_without_a_clock_serves_nothing() -> None:
    node, cache = MovingNode(), MemoryCache(HeldTime())
    accounts = accounts_of(STATE)
    for clock in (None, replace(clock_account(), data=b"")):
        await cache.keep([STATE.pool], AccountsAtSlot(slot=CLOCK.slot, accounts={**accounts, CLOCK_SYSVAR_ID: clock}))
        loaded, _ = await PoolReader(node, VENUES, [cache]).load([STATE.pool], kept_slots=100)
        assert loaded.source is AccountSource.NODE


async def test_memory_is_bounded_and_sets_never_step_back() -> None:
    accounts = accounts_of(STATE)
    room = weight(accounts) * 3
    cache = MemoryCache(HeldTime(), most_bytes=room)
    keys = [[Pubkey.new_unique()] for _ in range(10)]
    for slot, key in enumerate(keys):
        await cache.keep(key, AccountsAtSlot(slot=slot, accounts=accounts))
        assert cache.bytes_held <= room
    held = [await cache.latest(key) for key in keys]
    assert [kept is not None for kept in held] == [False] * 7 + [True] * 3
    await cache.keep(keys[-1], AccountsAtSlot(slot=8, accounts={}))
    kept = await cache.latest(keys[-1])
    assert kept is not None and kept.slot == 9 and kept.accounts == accounts
    await cache.keep(keys[0], AccountsAtSlot(slot=9, accounts={**accounts, **{Pubkey.new_unique(): None for _ in range(10_000)}}))
    assert await cache.latest(keys[0]) is None, "a set larger than the cache is not kept"
