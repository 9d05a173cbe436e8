"""What a stream of notifications proves: sets of one slot, complete, or nothing."""

from __future__ import annotations

import random

import pytest
from solders.pubkey import Pubkey

from dexroute.chain.stream.followed import FollowedAccounts
from dexroute.errors import RpcError
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot

OWNER = Pubkey.new_unique()
A, B = Pubkey.new_unique(), Pubkey.new_unique()


def state(number: int) -> AccountData:
    return AccountData(owner=OWNER, lamports=number, data=number.to_bytes(8, "little"))


def read(slot: int, **_: int) -> AccountsAtSlot:
    return AccountsAtSlot(slot=slot, accounts={A: state(1), B: None})


def started(slot: int = 100) -> FollowedAccounts:
    """A and B read at `slot`, the clock told up to it."""
    followed = FollowedAccounts()
    followed.clock_told(slot, state(slot))
    followed.baseline(read(slot))
    return followed


def test_a_slot_is_handed_out_when_a_later_clock_proves_it_complete() -> None:
    followed = started(100)
    assert followed.snapshot([A]) is None, "slot 100 may not be complete yet"
    followed.clock_told(101, state(101))
    assert followed.snapshot([CLOCK_SYSVAR_ID, A, B]) == AccountsAtSlot(
        slot=100, accounts={CLOCK_SYSVAR_ID: state(100), A: state(1), B: None}
    )
    followed.told(B, 101, state(7))
    followed.told(A, 102, state(8))
    assert followed.snapshot([A, B]) == AccountsAtSlot(slot=100, accounts={A: state(1), B: None}), "not yet complete"
    followed.clock_told(102, state(102))
    assert followed.snapshot([A, B]) == AccountsAtSlot(slot=101, accounts={A: state(1), B: state(7)})
    followed.told(A, 102, state(9))
    followed.clock_told(105, state(105))
    found = followed.snapshot([CLOCK_SYSVAR_ID, A, B])
    assert found == AccountsAtSlot(slot=102, accounts={CLOCK_SYSVAR_ID: state(102), A: state(9), B: state(7)})


def test_what_the_baseline_covers_tells_nothing_and_what_came_before_it_is_kept() -> None:
    followed = FollowedAccounts()
    followed.clock_told(100, state(100))
    followed.told(A, 99, state(50))
    followed.told(A, 104, state(54))
    followed.baseline(read(102))
    followed.told(A, 101, state(51))
    for slot in (101, 102):
        followed.clock_told(slot, state(slot))
        assert followed.snapshot([A]) is None, "A is not known before 102"
    followed.clock_told(103, state(103))
    assert followed.snapshot([A]) == AccountsAtSlot(slot=102, accounts={A: state(1)})
    followed.clock_told(104, state(104))
    followed.clock_told(105, state(105))
    assert followed.snapshot([A]) == AccountsAtSlot(slot=104, accounts={A: state(54)})


def test_an_account_that_is_not_followed_gives_no_set() -> None:
    followed = started()
    followed.clock_told(101, state(101))
    assert followed.snapshot([A, Pubkey.new_unique()]) is None
    followed.forget(A)
    assert followed.snapshot([A]) is None
    assert followed.unknown([A, B, CLOCK_SYSVAR_ID]) == [A]


def test_clocks_out_of_order_tell_nothing() -> None:
    followed = started(100)
    followed.clock_told(103, state(103))
    for late in (101, 103, 100):
        followed.clock_told(late, state(999))
    assert (followed.as_of, followed.clock_slot) == (100, 103)


def test_a_change_that_comes_after_its_slot_was_complete_breaks_the_stream() -> None:
    followed = started(100)
    followed.told(A, 101, state(5))
    for slot in (101, 102, 103):
        followed.clock_told(slot, state(slot))
    followed.told(A, 101, state(5))  # a repetition
    with pytest.raises(RpcError, match="after slot 102 was complete"):
        followed.told(B, 102, state(6))


def test_a_read_holds_the_stream_to_what_it_told() -> None:
    followed = started(100)
    followed.told(A, 101, state(5))
    followed.expect(AccountsAtSlot(slot=101, accounts={A: state(5), B: None, Pubkey.new_unique(): state(1)}))
    for slot in (101, 102):
        followed.clock_told(slot, state(slot))
    followed.told(A, 104, state(6))
    followed.expect(AccountsAtSlot(slot=103, accounts={A: state(5), B: state(2)}))
    followed.clock_told(103, state(103))
    with pytest.raises(RpcError, match="a notification was lost"):
        followed.clock_told(104, state(104))


def test_a_flood_of_one_slot_after_another_without_a_clock_ends_the_stream() -> None:
    followed = FollowedAccounts(most_waiting=100)
    followed.clock_told(1, state(1))
    with pytest.raises(RpcError, match="wait for their slot"):
        for slot in range(2, 1_000):
            followed.told(A, slot, state(slot))
    calm = FollowedAccounts(most_waiting=100)
    for slot in range(1, 1_000):
        calm.clock_told(slot, state(slot))
        for _ in range(20):
            calm.told(A, slot, state(slot))


def test_any_order_within_slots_gives_the_clusters_own_states() -> None:
    """Against a model: accounts change at random; notifications of a slot are shuffled and the clock is among them."""
    chance = random.Random(7)
    addresses = [Pubkey.new_unique() for _ in range(6)]
    checked = 0
    for _ in range(60):
        truth: dict[int, dict[Pubkey, AccountData | None]] = {}
        now: dict[Pubkey, AccountData | None] = dict.fromkeys(addresses, state(0))
        followed = FollowedAccounts()
        slot, baseline_at = 10, chance.randint(11, 16)
        for _ in range(30):
            slot += chance.choice((1, 1, 1, 2, 5))
            changed = chance.sample(addresses, chance.randint(0, 4))
            now = {**now, **{address: chance.choice((None, state(chance.randint(1, 99)))) for address in changed}}
            truth[slot] = {**now, CLOCK_SYSVAR_ID: state(slot)}
            told = [*changed, CLOCK_SYSVAR_ID]
            chance.shuffle(told)
            for address in told:
                if address == CLOCK_SYSVAR_ID:
                    followed.clock_told(slot, state(slot))
                else:
                    followed.told(address, slot, now[address])
            if slot >= baseline_at and followed.unknown(addresses):
                followed.baseline(AccountsAtSlot(slot=slot, accounts=dict(now)))
            found = followed.snapshot([*addresses, CLOCK_SYSVAR_ID])
            if found is not None:
                assert dict(found.accounts) == truth[found.slot]
                checked += 1
    assert checked > 1_000
