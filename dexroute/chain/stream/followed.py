"""Accounts as notifications tell them, and up to which slot what they tell is complete.

A node notifies slot by slot, in no order within one. So when it tells the clock sysvar (which changes every slot) of a later slot,
everything of the slots before has been told: the accounts are known *as of* the clock before that one. That is the slot a set is
handed out for, one slot behind the node; what is already told of later slots waits.

https://github.com/anza-xyz/agave, rpc/src/rpc_subscriptions.rs: notify_watchers runs over all subscriptions once a slot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import RpcError
from dexroute.fetchers.clock import CLOCK_SYSVAR_ID
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot

MOST_WAITING: Final = 20_000  # versions told of slots whose clock has not come


class FollowedAccounts:
    """Versions of accounts by slot. Pure: no clock, no socket.

    An account is known from its `baseline` on: a read after it was subscribed to, at or after a slot the subscription has reached.
    RpcError from `told` and `clock_told` means that the order the whole rests on was broken: nothing here can be trusted then.
    """

    def __init__(self, *, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._slots: dict[Pubkey, list[int]] = {}
        self._states: dict[Pubkey, list[AccountData | None]] = {}
        self._known_from: dict[Pubkey, int] = {}
        self._expected: list[AccountsAtSlot] = []
        self._waiting = 0
        self._told_since: set[Pubkey] = set()
        self.as_of: int | None = None
        self.clock_slot: int | None = None

    def baseline(self, read: AccountsAtSlot) -> None:
        """These accounts are so at `read.slot`; what was told of them up to then is in it."""
        for address, account in read.accounts.items():
            later = [(slot, state) for slot, state in self._versions(address) if slot > read.slot]
            self._waiting += 1 + len(later) - len(self._slots.get(address, ()))
            self._slots[address] = [read.slot, *(slot for slot, _ in later)]
            self._states[address] = [account, *(state for _, state in later)]
            self._known_from[address] = read.slot
            self._told_since.add(address)

    def expect(self, read: AccountsAtSlot) -> None:
        """A read to hold the stream to: as soon as `read.slot` is complete, the accounts must be so."""
        self._expected.append(read)

    def told(self, address: Pubkey, slot: int, account: AccountData | None) -> None:
        """A notification. One of a slot that the baseline covers tells nothing new; one that comes too late breaks the order."""
        known_from = self._known_from.get(address)
        if known_from is not None and slot <= known_from:
            return
        if known_from is not None and self.as_of is not None and slot <= self.as_of:
            if self._at(address, slot) == account:
                return
            raise _broken(f"a change of {address} in slot {slot} came after slot {self.as_of} was complete", slot=slot)
        slots, states = self._slots.setdefault(address, []), self._states.setdefault(address, [])
        place = bisect_right(slots, slot)
        if place and slots[place - 1] == slot:
            states[place - 1] = account  # of one slot, what is told last is how the slot ended
            return
        slots.insert(place, slot)
        states.insert(place, account)
        self._told_since.add(address)
        self._waiting += 1
        if self._waiting > self._most_waiting + len(self._slots):
            raise _broken(f"{self._waiting} notifications wait for their slot to be complete", slot=slot)

    def clock_told(self, slot: int, account: AccountData | None) -> None:
        """The clock sysvar of a later slot: the slot of the one before is complete. An earlier slot's is out of order and tells
        nothing."""
        if self.clock_slot is not None and slot <= self.clock_slot:
            return
        complete, self.clock_slot = self.clock_slot, slot
        self._slots.setdefault(CLOCK_SYSVAR_ID, []).append(slot)
        self._states.setdefault(CLOCK_SYSVAR_ID, []).append(account)
        self._known_from.setdefault(CLOCK_SYSVAR_ID, slot)
        self._told_since.add(CLOCK_SYSVAR_ID)
        self._waiting += 1
        if complete is None:
            return
        self._hold_to_expected(complete)
        self.as_of = complete
        for address in self._told_since:
            self._drop_before(address, complete)
        self._told_since = {address for address in self._told_since if len(self._slots.get(address, ())) > 1}

    def snapshot(self, addresses: Collection[Pubkey]) -> AccountsAtSlot | None:
        """All of them as of one slot; None while any is not known at it."""
        if self.as_of is None:
            return None
        accounts: dict[Pubkey, AccountData | None] = {}
        for address in addresses:
            if self._known_from.get(address, self.as_of + 1) > self.as_of:
                return None
            accounts[address] = self._at(address, self.as_of)
        return AccountsAtSlot(slot=self.as_of, accounts=accounts)

    def unknown(self, addresses: Iterable[Pubkey]) -> list[Pubkey]:
        """Those without a baseline."""
        return [address for address in addresses if address not in self._known_from and address != CLOCK_SYSVAR_ID]

    def forget(self, address: Pubkey) -> None:
        """Not followed any more."""
        self._waiting -= len(self._slots.pop(address, ()))
        self._states.pop(address, None)
        self._known_from.pop(address, None)
        self._told_since.discard(address)

    def _versions(self, address: Pubkey) -> Iterable[tuple[int, AccountData | None]]:
        return zip(self._slots.get(address, ()), self._states.get(address, ()), strict=True)

    def _at(self, address: Pubkey, slot: int) -> AccountData | None:
        """As of a slot it is known at. What is not kept any more counts as the oldest that is."""
        return self._states[address][max(0, bisect_right(self._slots[address], slot) - 1)]

    def _drop_before(self, address: Pubkey, complete: int) -> None:
        slots = self._slots.get(address)
        if slots is None or (needed := bisect_right(slots, complete) - 1) <= 0:
            return
        del slots[:needed]
        del self._states[address][:needed]
        self._waiting -= needed

    def _hold_to_expected(self, complete: int) -> None:
        due = [read for read in self._expected if read.slot <= complete]
        self._expected = [read for read in self._expected if read.slot > complete]
        for read in due:
            self._compare(read.slot, read.accounts)

    def _compare(self, slot: int, accounts: Mapping[Pubkey, AccountData | None]) -> None:
        for address, account in accounts.items():
            slots = self._slots.get(address)
            if address == CLOCK_SYSVAR_ID or not slots or slots[0] > slot or self._known_from.get(address, slot + 1) > slot:
                continue
            if self._at(address, slot) != account:
                raise _broken(f"{address} is not in slot {slot} as the stream told it: a notification was lost", slot=slot)


def _broken(what: str, *, slot: int) -> RpcError:
    return RpcError(f"the WebSocket stream is not to be relied on: {what}; accounts are read again", slot=slot, stream=True)
