"""The account cache of one process."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from solders.pubkey import Pubkey

from dexroute.chain.cache.slot_age import SlotObserved, age_slots
from dexroute.ports import Clock
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot, AccountSource, KeptAccounts

MOST_BYTES: Final = 64 * 2**20
_PER_ACCOUNT: Final = 256  # keys, objects: about what Python takes besides the data


class MemoryCache:
    """`AccountCache` in memory: the sets used last, within `most_bytes`."""

    def __init__(self, clock: Clock, *, most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._sets: OrderedDict[bytes, AccountsAtSlot] = OrderedDict()
        self._tip: SlotObserved | None = None
        self.bytes_held = 0

    async def latest(self, pools: Collection[Pubkey]) -> KeptAccounts | None:
        key = set_key(pools)
        held = self._sets.get(key)
        if held is None or self._tip is None:
            return None
        self._sets.move_to_end(key)
        age = age_slots(held.slot, self._tip, self._clock.monotonic_ms())
        return KeptAccounts(slot=held.slot, accounts=held.accounts, age_slots=age, source=AccountSource.CACHE)

    async def keep(self, pools: Collection[Pubkey], read: AccountsAtSlot) -> None:
        if self._tip is None or read.slot >= self._tip.slot:
            self._tip = SlotObserved(slot=read.slot, at_ms=self._clock.monotonic_ms())
        key = set_key(pools)
        held = self._sets.get(key)
        size = weight(read.accounts)
        if size > self._most_bytes or (held is not None and held.slot > read.slot):
            return
        if held is not None:
            self._forget(key)
        self._sets[key] = read
        self.bytes_held += size
        while self.bytes_held > self._most_bytes:
            self._forget(next(iter(self._sets)))

    def _forget(self, key: bytes) -> None:
        self.bytes_held -= weight(self._sets.pop(key).accounts)


def set_key(pools: Iterable[Pubkey]) -> bytes:
    """The name of a set: the pools it was read for, in whatever order."""
    return hashlib.sha256(b"".join(sorted(bytes(pool) for pool in pools))).digest()[:16]


def weight(accounts: Mapping[Pubkey, AccountData | None]) -> int:
    """About the bytes a set takes in memory."""
    return sum(_PER_ACCOUNT + (len(account.data) if account else 0) for account in accounts.values())
