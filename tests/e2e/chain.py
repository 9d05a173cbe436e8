"""A chain for the independent node: LiteSVM, slots that pass, blockhashes that expire, and every account as it was at every slot.

Written from Solana's documentation and shares no code with dexroute, so that neither repeats the other's mistakes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo, TransactionMetadata

SYSTEM = Pubkey.default()
TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
SYSVARS = Pubkey.from_string("Sysvar1111111111111111111111111111111111111")
NATIVE_LOADER = Pubkey.from_string("NativeLoader1111111111111111111111111111111")
LOOKUP_TABLES = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
WHOLE_MINT = 82
_NOTHING = Account(0, b"", SYSTEM, False, 0)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How time passes: a slot per `slot_ms` of wall time and `per_request` slots with every request. A blockhash lives for
    `hash_blocks` blocks; `land_after`, `confirm_after` and `finalize_after` are slots."""

    slot_ms: int = 100
    per_request: int = 0
    hash_blocks: int = 150
    land_after: int = 0
    confirm_after: int = 1
    finalize_after: int = 8


@dataclass(frozen=True, kw_only=True)
class Landed:
    """A transaction in a block, as getTransaction tells of it."""

    slot: int
    transaction: VersionedTransaction
    error: Any
    loaded: tuple[list[Pubkey], list[Pubkey]]
    fee: int
    units: int
    logs: list[str]
    before: list[Account | None]
    after: list[Account | None]


@dataclass(kw_only=True)
class Chain:
    """`slot`, `epoch` and `unix_timestamp` are the moment it starts at."""

    slot: int
    epoch: int
    unix_timestamp: int
    pace: Pace = field(default_factory=Pace)
    landed: dict[Signature, Landed] = field(default_factory=dict)
    requests: int = 0

    def __post_init__(self) -> None:
        self.svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self.versions: dict[Pubkey, list[tuple[int, Account | None]]] = {}
        self.waiting: list[tuple[int, VersionedTransaction]] = []
        self.start = time.monotonic()
        self._set_clock(self.slot)

    # time

    def tip(self) -> int:
        """The slot at `processed`. Everything due by then has been executed."""
        slots = int((time.monotonic() - self.start) * 1000) // self.pace.slot_ms if self.pace.slot_ms else 0
        tip = self.slot + slots + self.requests * self.pace.per_request
        due, self.waiting = [w for w in self.waiting if w[0] <= tip], [w for w in self.waiting if w[0] > tip]
        for slot, transaction in due:
            self._execute(transaction, slot)
        return tip

    def let_pass(self, slots: int) -> None:
        """So many slots at once, where waiting for them would make a test a race against the machine."""
        self.start -= slots * self.pace.slot_ms / 1000

    def slot_at(self, commitment: str) -> int:
        behind = {"processed": 0, "confirmed": self.pace.confirm_after, "finalized": self.pace.finalize_after}
        return self.tip() - behind[commitment]

    def height(self, slot: int) -> int:
        """Every eighth slot is skipped, so heights and slots drift apart as they do on a cluster."""
        return 1_000 + (slot - self.slot) - (slot - self.slot) // 8

    def blockhash(self, height: int) -> Hash:
        return Hash.from_bytes(hashlib.sha256(f"block {height}".encode()).digest())

    def valid_at(self, blockhash: Hash, slot: int) -> bool:
        height = self.height(slot)
        return any(blockhash == self.blockhash(h) for h in range(max(0, height - self.pace.hash_blocks), height + 1))

    def clock_account(self, slot: int) -> Account:
        now = self.unix_timestamp + (slot - self.slot) * 2 // 5
        numbers = (slot, self.unix_timestamp, self.epoch, self.epoch + 1, now)
        return Account(1_169_280, b"".join(n.to_bytes(8, "little") for n in numbers), SYSVARS, False, 0)

    def _set_clock(self, slot: int) -> None:
        now = self.unix_timestamp + (slot - self.slot) * 2 // 5
        self.svm.set_clock(Clock(slot, self.unix_timestamp, self.epoch, self.epoch + 1, now))

    # accounts

    def put(self, address: Pubkey, owner: Pubkey, data: bytes, lamports: int = 10_000_000) -> None:
        """Part of the chain's state before the first transaction."""
        account = Account(lamports, data, owner, False, 0)
        self.svm.set_account(address, account)
        self.versions[address] = [(0, account)]

    def add_program(self, address: Pubkey, path: Path) -> None:
        self.svm.add_program_from_file(address, path)

    def account(self, address: Pubkey, slot: int | None = None) -> Account | None:
        """As it was at the end of a slot; the newest without one."""
        if address == CLOCK:
            return self.clock_account(self.tip() if slot is None else slot)
        if address in self.versions:
            return next((held for at, held in reversed(self.versions[address]) if slot is None or at <= slot), None)
        found = self.svm.get_account(address)
        return found if found is not None and found.lamports else None

    def balance(self, address: Pubkey) -> int:
        """Base units in a token account; 0 where there is none."""
        held = self.account(address)
        return int.from_bytes(held.data[64:72], "little") if held is not None and len(held.data) >= 165 else 0

    def lamports(self, address: Pubkey) -> int:
        held = self.account(address)
        return held.lamports if held is not None else 0

    def owned_by(self, owner: Pubkey, slot: int) -> list[tuple[Pubkey, Account]]:
        found = ((address, self.account(address, slot)) for address in list(self.versions))
        return [(address, held) for address, held in found if held is not None and held.owner == owner]

    # transactions

    def submit(self, transaction: VersionedTransaction, *, at: int | None = None) -> None:
        """Into the block `land_after` slots from now, or at slot `at`; dropped in silence when it may not land there."""
        tip = self.tip()
        self.waiting.append((tip + self.pace.land_after if at is None else at, transaction))
        self.tip()

    def run(self, transaction: VersionedTransaction) -> Landed:
        """Execute now, whatever the blockhash: for setting the stage."""
        self._execute(transaction, self.slot, checked=False)
        landed = self.landed[transaction.signatures[0]]
        assert landed.error is None, (landed.error, landed.logs)
        return landed

    def simulate(self, transaction: VersionedTransaction, slot: int) -> tuple[Any, list[str], int, dict[Pubkey, Account | None]]:
        """(error, logs, units, writable accounts afterwards) against the state at `slot`."""
        changed = {a: self.account(a) for a, versions in self.versions.items() if versions[-1][0] > slot}
        for address in changed:
            self._restore(address, self.account(address, slot))
        self._set_clock(slot)
        payer = transaction.message.account_keys[0]
        held = self.account(payer, slot)
        try:
            if held is None or held.lamports < self.fee(transaction)[0]:
                return "AccountNotFound" if held is None else "InsufficientFundsForFee", [], 0, {}
            self._restore(payer, _less(held, self.fee(transaction)[1]))
            result = self.svm.simulate_transaction(transaction)
        finally:
            if held is not None:
                self._restore(payer, held)
            for address, newest in changed.items():
                self._restore(address, newest)
        if isinstance(result, FailedTransactionMetadata):
            meta = result.meta()
            return _error(result), meta.logs(), meta.compute_units_consumed(), {}
        assert isinstance(result, SimulatedTransactionInfo)
        post = {address: account if account.lamports else None for address, account in result.post_accounts()}
        return None, result.meta().logs(), result.meta().compute_units_consumed(), post

    def loaded(self, transaction: VersionedTransaction, slot: int) -> tuple[list[Pubkey], list[Pubkey]] | None:
        """(writable, read-only) addresses from the message's lookup tables; None where it names what no table holds."""
        found: tuple[list[Pubkey], list[Pubkey]] = ([], [])
        message = transaction.message
        for lookup in message.address_table_lookups if isinstance(message, MessageV0) else ():
            table = self.account(lookup.account_key)
            if table is None or table.owner != LOOKUP_TABLES or int.from_bytes(table.data[12:20], "little") >= slot:
                return None
            held = [Pubkey(table.data[start : start + 32]) for start in range(56, len(table.data), 32)]
            if max((*lookup.writable_indexes, *lookup.readonly_indexes)) >= len(held):
                return None
            found[0].extend(held[index] for index in lookup.writable_indexes)
            found[1].extend(held[index] for index in lookup.readonly_indexes)
        return found

    def fee(self, transaction: VersionedTransaction) -> tuple[int, int]:
        """(all lamports, the priority part of them)."""
        message = transaction.message
        price, limit = 0, 200_000 * len(message.instructions)
        for instruction in message.instructions:
            if message.account_keys[instruction.program_id_index] == COMPUTE_BUDGET:
                if instruction.data[0] == 2:
                    limit = int.from_bytes(instruction.data[1:5], "little")
                if instruction.data[0] == 3:
                    price = int.from_bytes(instruction.data[1:9], "little")
        priority = -(-price * min(limit, 1_400_000) // 1_000_000)
        return 5_000 * len(transaction.signatures) + priority, priority

    def _execute(self, transaction: VersionedTransaction, slot: int, *, checked: bool = True) -> None:
        message, signature = transaction.message, transaction.signatures[0]
        if signature in self.landed or (checked and not self.valid_at(message.recent_blockhash, slot)):
            return
        loaded = self.loaded(transaction, slot)
        if loaded is None:
            return
        keys = [*message.account_keys, *loaded[0], *loaded[1]]
        before = {key: self.account(key) for key in keys if key != CLOCK}
        total, priority = self.fee(transaction)
        payer = before[keys[0]]
        if payer is None or payer.lamports < total or not all(transaction.verify_with_results()):
            return
        self._set_clock(slot)
        self._restore(keys[0], _less(payer, priority))
        result = self.svm.send_transaction(transaction)
        failed = isinstance(result, FailedTransactionMetadata)
        meta = result.meta() if isinstance(result, FailedTransactionMetadata) else result
        assert isinstance(meta, TransactionMetadata)
        error = _error(result) if isinstance(result, FailedTransactionMetadata) else None
        after = dict(before) if failed else {key: _alive(self.svm.get_account(key)) for key in before}
        if not failed and (poor := self._below_rent(before, after)) is not None:
            error, after = {"InsufficientFundsForRent": {"account_index": keys.index(poor)}}, dict(before)
        if error is not None:
            after[keys[0]] = _less(payer, total)
        for key, held in after.items():
            if held != before[key] or error is not None:
                self._restore(key, held)
            if held != before[key]:
                self.versions.setdefault(key, [(0, before[key])]).append((slot, held))
        told = [before.get(key) for key in keys], [after.get(key) for key in keys]
        units, logs = meta.compute_units_consumed(), meta.logs()
        self.landed[signature] = Landed(
            slot=slot,
            transaction=transaction,
            error=error,
            loaded=loaded,
            fee=total,
            units=units,
            logs=logs,
            before=told[0],
            after=told[1],
        )

    def fork(self, back: int, keep: Callable[[VersionedTransaction], bool]) -> int:
        """The last `back` slots never happened, as far as they are not finalized: every account is as it was before them. Of their
        transactions those that `keep` names wait for a block again; the others were never heard of. How many lost their block."""
        first = max(self.slot_at("finalized") + 1, self.tip() - back + 1)
        gone = [landed for landed in self.landed.values() if landed.slot >= first]
        for address, versions in self.versions.items():
            kept = [version for version in versions if version[0] < first]
            if len(kept) < len(versions):
                self.versions[address] = kept
                self._restore(address, kept[-1][1])
        for landed in gone:
            signature = landed.transaction.signatures[0]
            del self.landed[signature]
            if keep(landed.transaction):
                self.waiting.append((self.tip() + 1, landed.transaction))
        return len(gone)

    def _below_rent(self, before: dict[Pubkey, Account | None], after: dict[Pubkey, Account | None]) -> Pubkey | None:
        """The first account that a cluster would refuse to leave behind."""
        for key, held in after.items():
            if held is not None and held != before[key] and held.lamports < self.rent(len(held.data)):
                return key
        return None

    def rent(self, length: int) -> int:
        return (128 + length) * 3_480 * 2

    def _restore(self, address: Pubkey, held: Account | None) -> None:
        current = self.svm.get_account(address)
        if current != held and (held is None or not held.executable) and (held is None or held.owner != NATIVE_LOADER):
            self.svm.set_account(address, _NOTHING if held is None else held)


def _less(account: Account, lamports: int) -> Account:
    return Account(account.lamports - lamports, account.data, account.owner, account.executable, account.rent_epoch)


def _alive(account: Account | None) -> Account | None:
    return account if account is not None and account.lamports else None


def _error(result: FailedTransactionMetadata) -> Any:
    return json.loads(result.to_json())["err"]


def token_balances(chain: Chain, keys: Iterable[Pubkey], accounts: Iterable[Account | None]) -> list[dict[str, Any]]:
    """pre- or postTokenBalances."""
    found = []
    for index, (_, held) in enumerate(zip(keys, accounts, strict=True)):
        if held is None or held.owner not in (TOKEN, TOKEN_2022) or len(held.data) < 165:
            continue
        if len(held.data) > 165 and held.data[165] != 2:
            continue  # an extended mint
        mint = Pubkey.from_bytes(held.data[:32])
        mint_account = chain.account(mint)
        assert mint_account is not None
        decimals, amount = mint_account.data[44], int.from_bytes(held.data[64:72], "little")
        shown = {"amount": str(amount), "decimals": decimals, "uiAmount": amount / 10**decimals, "uiAmountString": str(amount)}
        entry = {"accountIndex": index, "mint": str(mint), "uiTokenAmount": shown}
        entry |= {"owner": str(Pubkey.from_bytes(held.data[32:64])), "programId": str(held.owner)}
        found.append(entry)
    return found
