"""The bank: what a transaction must pass, what it did, and what every commitment level sees of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.transaction import SanitizeError, VersionedTransaction

from dexroute.fetchers.clock import CLOCK_SYSVAR_ID, SLOT_HASHES_ID
from dexroute.localnet.accounts import AccountVersions, AccountWrite, StoredAccount
from dexroute.localnet.blockhashes import Blockhashes
from dexroute.localnet.cluster_clock import ClusterClock, Moment
from dexroute.localnet.fees import transaction_fee
from dexroute.localnet.ledger import Ledger
from dexroute.localnet.meta import transaction_meta
from dexroute.localnet.record import Refused, TransactionRecord
from dexroute.localnet.resolved import ResolvedMessage, UnresolvedError, resolve
from dexroute.localnet.runtime import Execution, Runtime
from dexroute.types.accounts import ChainClock
from dexroute.types.chain import Commitment

_SLOT_HASHES: Final = 512  # solana-slot-hashes: MAX_ENTRIES
_FEED_LENGTH: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """One entry of the bank's feed: what landed, the accounts it changed, those it locked for writing, and the price it
    offered per compute unit."""

    record: TransactionRecord
    written: frozenset[Pubkey]
    locked: frozenset[Pubkey]
    price_micro_lamports: int


class Bank:
    """Accounts, transactions and time of one cluster. Synchronous: one transaction after the other, in the order they come."""

    def __init__(
        self, *, runtime: Runtime, versions: AccountVersions, ledger: Ledger, clock: ClusterClock, blockhashes: Blockhashes
    ) -> None:
        self.runtime = runtime
        self.versions = versions
        self.ledger = ledger
        self.clock = clock
        self.blockhashes = blockhashes
        self.feed: deque[Landing] = deque(maxlen=_FEED_LENGTH)
        self.transaction_count = ledger.transaction_count()
        self._on_landing: list[Callable[[], None]] = []
        self._clock_slot = -1
        self._blocks: deque[tuple[int, Hash]] = deque(maxlen=_SLOT_HASHES)  # (slot, hash), newest first
        self._next_height = 0

    # -- reading -------------------------------------------------------------------------------------------------------

    def account(self, address: Pubkey, slot: int | None = None) -> StoredAccount | None:
        """The account at the end of `slot` (now, when None). Builtins, sysvars and preloaded programs are the same at every slot,
        but the clock, which is told for the slot asked for."""
        at = self.clock.tip().slot if slot is None else slot
        if address == CLOCK_SYSVAR_ID:
            self._keep_time()
            sysvar = self.runtime.get(address)
            return None if sysvar is None else _clock_account(sysvar, self.clock.sysvar(at), self._epoch_start(at))
        if address == SLOT_HASHES_ID:
            self._keep_time()
        if address in self.versions:
            return self.versions.at(address, at)
        return self.runtime.get(address)

    def landings_since(self, slot: int) -> list[Landing]:
        """What this process saw land in `slot` or later, oldest first."""
        return [landing for landing in self.feed if landing.record.slot >= slot]

    def landings_after(self, position: int) -> list[Landing]:
        """What landed after that transaction, oldest first, as far as the feed reaches back."""
        fresh: list[Landing] = []
        for landing in reversed(self.feed):
            if landing.record.position <= position:
                break
            fresh.append(landing)
        return fresh[::-1]

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after every landing; returns what ends it."""
        self._on_landing.append(callback)
        return lambda: self._on_landing.remove(callback)

    # -- acting --------------------------------------------------------------------------------------------------------

    def submit(self, transaction: VersionedTransaction) -> TransactionRecord | Refused:
        """Land a transaction, with its error if its program fails, or refuse it. Durable when it returns."""
        resolved = self._checked(transaction, self._keep_time(), verify=True)
        if isinstance(resolved, Refused):
            return resolved
        before = self.runtime.writable_accounts(resolved)
        execution = self.runtime.execute(transaction, resolved)
        if not execution.landed:
            return Refused(error=execution.error, logs=execution.logs)
        return self._commit(transaction, resolved, execution, before)

    def simulate(self, transaction: VersionedTransaction, *, at: Moment, verify: bool) -> Execution:
        """Run a transaction on the accounts as that block left them (the clock alone is the present one's), and undo it."""
        self._keep_time()
        resolved = self._checked(transaction, at, verify=verify)
        if isinstance(resolved, Refused):
            return Execution(landed=False, error=resolved.error, logs=resolved.logs)
        newer = {key: self.runtime.get(key) for key in resolved.keys if self.versions.changed_after(key, at.slot)}
        try:
            self.runtime.restore({key: self.versions.at(key, at.slot) for key in newer})
            return self.runtime.simulate(transaction, resolved)
        finally:
            self.runtime.restore(newer)

    def place(self, accounts: Mapping[Pubkey, StoredAccount | None]) -> None:
        """Set accounts outside any transaction, visible at every commitment at once. Raises ValueError for a program that does
        not load; nothing is placed then."""
        before = {address: self.runtime.get(address) for address in accounts}
        try:
            for address, account in sorted(accounts.items(), key=lambda item: item[1] is not None and item[1].executable):
                self.runtime.put(address, account)
            writes = [AccountWrite(address=address, slot=0, account=account) for address, account in accounts.items()]
            self.ledger.place(writes, self.time_facts())
        except BaseException:
            self.runtime.restore(before)
            raise
        for address, account in accounts.items():
            self.versions.place(address, account)

    def warp(self, slot: int) -> None:
        """Jump to a later slot."""
        self.clock.warp(slot)
        self.ledger.place((), self.time_facts())

    def time_facts(self) -> dict[str, Any]:
        """What must be remembered for time to go on after a restart."""
        return {
            "stretches": [[item.slot, item.height, item.start_ms] for item in self.clock.stretches],
            "last_seen_ms": self.clock.now_ms(),
        }

    # -- inside --------------------------------------------------------------------------------------------------------

    def _checked(self, transaction: VersionedTransaction, at: Moment, *, verify: bool) -> ResolvedMessage | Refused:
        try:
            transaction.sanitize()
        except SanitizeError:
            return Refused(error="SanitizeFailure")
        if verify and not all(transaction.verify_with_results()):
            return Refused(error="SignatureFailure")
        if self.ledger.transaction(transaction.signatures[0]) is not None:
            return Refused(error="AlreadyProcessed")
        if self.blockhashes.height_of(transaction.message.recent_blockhash, at.height) is None:
            return Refused(error="BlockhashNotFound")
        try:
            return resolve(transaction, lambda key: self.account(key, at.slot), at.slot)
        except UnresolvedError as unresolved:
            return Refused(error=unresolved.error)

    def _commit(
        self,
        transaction: VersionedTransaction,
        resolved: ResolvedMessage,
        execution: Execution,
        before: Mapping[Pubkey, StoredAccount | None],
    ) -> TransactionRecord:
        slot = self._clock_slot
        record = TransactionRecord(
            position=self.transaction_count + 1,
            signature=transaction.signatures[0],
            slot=slot,
            block_time=self.clock.block_time(slot),
            wire=bytes(transaction),
            meta=transaction_meta(resolved, execution, before, self.runtime.get),
            mentions=resolved.keys,
        )
        writes = [
            AccountWrite(address=address, slot=slot, account=account)
            for address, account in execution.post.items()
            if account != before.get(address)
        ]
        finalized = self.clock.at(Commitment.FINALIZED).slot
        try:
            self.ledger.commit(record, writes, facts=self.time_facts(), finalized_slot=finalized)
        except BaseException:
            self.runtime.restore(before)
            raise
        for write in writes:
            self.versions.write(write, finalized_slot=finalized)
        self.transaction_count = record.position
        self.feed.append(
            Landing(
                record=record,
                written=frozenset(write.address for write in writes),
                locked=frozenset(resolved.writable),
                price_micro_lamports=transaction_fee(resolved.message).price_micro_lamports,
            )
        )
        for callback in tuple(self._on_landing):
            callback()
        return record

    def _keep_time(self) -> Moment:
        """Bring the sysvars to the present slot before anything looks at them."""
        tip = self.clock.tip()
        if tip.slot == self._clock_slot:
            return tip
        self.runtime.set_clock(self.clock.sysvar(tip.slot), epoch_start_timestamp=self._epoch_start(tip.slot))
        for height in range(max(self._next_height, tip.height - _SLOT_HASHES), tip.height):
            self._blocks.appendleft((self.clock.moment_of_height(height).slot, self.blockhashes.of(height)))
        self._next_height = tip.height
        self.runtime.set_slot_hashes(list(self._blocks))
        self._clock_slot = tip.slot
        return tip

    def _epoch_start(self, slot: int) -> int:
        return self.clock.block_time(slot - slot % self.clock.slots_per_epoch)


def _clock_account(sysvar: StoredAccount, clock: ChainClock, epoch_start: int) -> StoredAccount:
    fields = (clock.slot, epoch_start, clock.epoch, clock.epoch + 1, clock.unix_timestamp)
    data = b"".join(value.to_bytes(8, "little") for value in fields)
    return StoredAccount(owner=sysvar.owner, lamports=sysvar.lamports, data=data, executable=False, rent_epoch=sysvar.rent_epoch)
