"""LiteSVM, with the few things set right that it does differently from a cluster.

LiteSVM 0.6 charges no priority fee, lets a plain account end below rent exemption, keeps closed accounts, and charges
nothing for a transaction whose program is missing. The checks of signatures, blockhash and duplicates are switched
off here and belong to the bank. Everything this class does to accounts is undone again when the transaction does not land.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from solders.account import Account
from solders.clock import Clock as ClockSysvar
from solders.epoch_schedule import EpochSchedule
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import ID as SYSTEM_PROGRAM_ID
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import (
    FailedTransactionMetadata,
    InnerInstruction,
    SimulatedTransactionInfo,
    TransactionMetadata,
)

from dexroute.fetchers.clock import SYSVAR_OWNER
from dexroute.localnet import base58
from dexroute.localnet.accounts import StoredAccount
from dexroute.localnet.fees import transaction_fee
from dexroute.localnet.resolved import ResolvedMessage
from dexroute.types.accounts import ChainClock

_NATIVE_LOADER_ID: Final = Pubkey.from_string("NativeLoader1111111111111111111111111111111")
_NOTHING: Final = Account(0, b"", SYSTEM_PROGRAM_ID, False, 0)
_LOG_BYTES_LIMIT: Final = 10_000  # the default of a validator
# Included and charged although nothing ran (SIMD-0082); LiteSVM refuses them.
_FEES_ONLY: Final = ("ProgramAccountNotFound", "InvalidProgramForExecution")
_Result = TransactionMetadata | SimulatedTransactionInfo | FailedTransactionMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run. `landed` says whether a cluster would have included it (and charged `fee_lamports`); `post` holds every
    writable account afterwards (None: closed), empty unless it landed or was simulated without error."""

    landed: bool
    error: Any
    logs: tuple[str, ...] = ()
    units_consumed: int = 0
    inner_instructions: tuple[dict[str, Any], ...] = ()
    return_data: tuple[Pubkey, bytes] | None = None
    fee_lamports: int = 0
    post: Mapping[Pubkey, StoredAccount | None] = field(default_factory=dict)


class Runtime:
    """Executes against LiteSVM's accounts."""

    def __init__(self, *, slots_per_epoch: int) -> None:
        self._svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        self._svm = self._svm.with_log_bytes_limit(_LOG_BYTES_LIMIT)
        self._svm.set_epoch_schedule(EpochSchedule.custom(slots_per_epoch, slots_per_epoch, False))

    def set_clock(self, clock: ChainClock, *, epoch_start_timestamp: int) -> None:
        self._svm.set_clock(ClockSysvar(clock.slot, epoch_start_timestamp, clock.epoch, clock.epoch + 1, clock.unix_timestamp))

    def set_slot_hashes(self, hashes: Sequence[tuple[int, Hash]]) -> None:
        """Newest first."""
        self._svm.set_slot_hashes(hashes)

    def get(self, address: Pubkey) -> StoredAccount | None:
        account = self._svm.get_account(address)
        return None if account is None or account.lamports == 0 else StoredAccount.of(account)

    def put(self, address: Pubkey, account: StoredAccount | None) -> None:
        """Raises ValueError when a program's bytes are not a program that can be loaded."""
        try:
            self._svm.set_account(address, _NOTHING if account is None else account.to_solders())
        except Exception as error:  # solders' LiteSVMError derives from Exception only
            raise ValueError(f"account {address} cannot be loaded: {error}") from error

    def rent_exemption(self, data_length: int) -> int:
        return self._svm.minimum_balance_for_rent_exemption(data_length)

    def execute(self, transaction: VersionedTransaction, resolved: ResolvedMessage) -> Execution:
        """Run and keep the effects if it lands."""
        return self._run(transaction, resolved, keep=True)

    def simulate(self, transaction: VersionedTransaction, resolved: ResolvedMessage) -> Execution:
        """Run and undo."""
        return self._run(transaction, resolved, keep=False)

    def restore(self, accounts: Mapping[Pubkey, StoredAccount | None]) -> None:
        for address, account in accounts.items():
            self.put(address, account)

    def writable_accounts(self, resolved: ResolvedMessage) -> dict[Pubkey, StoredAccount | None]:
        """The accounts a run may change; builtins and sysvars never change, whatever a message claims."""
        found = {address: self.get(address) for address in resolved.writable}
        fixed = (_NATIVE_LOADER_ID, SYSVAR_OWNER)
        return {address: account for address, account in found.items() if account is None or account.owner not in fixed}

    def _run(self, transaction: VersionedTransaction, resolved: ResolvedMessage, *, keep: bool) -> Execution:
        before = self.writable_accounts(resolved)
        fee = transaction_fee(resolved.message)
        payer = before.get(resolved.payer)
        refusal = self._payer_refusal(payer, fee.total_lamports)
        if refusal is not None or payer is None:
            return Execution(landed=False, error=refusal)
        # LiteSVM takes the signature fee itself; the priority fee is taken before it looks.
        self.put(resolved.payer, _less(payer, fee.priority_lamports))
        try:
            result = self._svm.send_transaction(transaction) if keep else self._svm.simulate_transaction(transaction)
        except BaseException as fault:  # a panic inside LiteSVM is no Exception
            self.put(resolved.payer, payer)
            if isinstance(fault, (KeyboardInterrupt, SystemExit)):
                raise
            raise RuntimeError(f"LiteSVM failed on transaction {transaction.signatures[0]}: {fault}") from fault
        run = _told(result)
        after = self._after(result, before)
        error = self._cluster_error(run.error, resolved, before, after)
        if error is None:
            closed: dict[Pubkey, StoredAccount | None] = {address: None for address, account in after.items() if account is None}
            self.restore(closed if keep else {resolved.payer: payer})
            return replace(run, fee_lamports=fee.total_lamports, post=after)
        landed = run.landed or error in _FEES_ONLY
        self.restore(before if run.error is None else {resolved.payer: payer})
        if not (landed and keep):
            return replace(run, landed=landed, error=error, fee_lamports=fee.total_lamports)
        charged = {**before, resolved.payer: _less(payer, fee.total_lamports)}
        self.put(resolved.payer, charged[resolved.payer])
        return replace(run, landed=True, error=error, fee_lamports=fee.total_lamports, post=charged)

    def _after(self, result: _Result, before: Mapping[Pubkey, StoredAccount | None]) -> dict[Pubkey, StoredAccount | None]:
        if isinstance(result, FailedTransactionMetadata):
            return {}
        if isinstance(result, SimulatedTransactionInfo):
            told = dict(result.post_accounts())
            alive = {address: told[address] for address in before if address in told and told[address].lamports}
            return {address: StoredAccount.of(alive[address]) if address in alive else None for address in before}
        return {address: self.get(address) for address in before}

    def _payer_refusal(self, payer: StoredAccount | None, fee_lamports: int) -> Any:
        """solana-svm `validate_fee_payer`; nonce accounts do not pay here."""
        if payer is None:
            return "AccountNotFound"
        if payer.owner != SYSTEM_PROGRAM_ID or payer.data:
            return "InvalidAccountForFee"
        if payer.lamports < fee_lamports:
            return "InsufficientFundsForFee"
        if self._becomes_rent_paying(payer, _less(payer, fee_lamports)):
            return {"InsufficientFundsForRent": {"account_index": 0}}
        return None

    def _cluster_error(
        self,
        error: Any,
        resolved: ResolvedMessage,
        before: Mapping[Pubkey, StoredAccount | None],
        after: Mapping[Pubkey, StoredAccount | None],
    ) -> Any:
        """What a cluster would say where LiteSVM says something else."""
        if error == "InvalidProgramForExecution":
            programs = (resolved.keys[instruction.program_id_index] for instruction in resolved.message.instructions)
            return "ProgramAccountNotFound" if any(self.get(program) is None for program in programs) else error
        if error is None:
            for index, address in enumerate(resolved.keys):
                account = after.get(address)
                if account is not None and self._becomes_rent_paying(before.get(address), account):
                    return {"InsufficientFundsForRent": {"account_index": index}}
        return error

    def _becomes_rent_paying(self, before: StoredAccount | None, after: StoredAccount) -> bool:
        """solana-svm-rent-collector `transition_allowed`: an account below rent exemption may only stay so, and shrink."""
        if after.lamports == 0 or after.lamports >= self.rent_exemption(len(after.data)):
            return False
        if before is None or before.lamports >= self.rent_exemption(len(before.data)):
            return True
        return len(before.data) != len(after.data) or after.lamports > before.lamports


def _less(account: StoredAccount, lamports: int) -> StoredAccount:
    return StoredAccount(owner=account.owner, lamports=account.lamports - lamports, data=account.data)


def _told(result: _Result) -> Execution:
    """LiteSVM's account of a run. One it refused before running carries no signature."""
    meta = result if isinstance(result, TransactionMetadata) else result.meta()
    error = json.loads(result.to_json())["err"] if isinstance(result, FailedTransactionMetadata) else None
    returned = meta.return_data()  # type: ignore[attr-defined]  # solders' stub calls it by another name
    inner = tuple(
        {"index": index, "instructions": [_inner(item) for item in items]}
        for index, items in enumerate(meta.inner_instructions())
        if items
    )
    return Execution(
        landed=meta.signature() != Signature.default(),
        error=error,
        logs=tuple(meta.logs()),
        units_consumed=meta.compute_units_consumed(),
        inner_instructions=inner,
        return_data=(returned.program_id, bytes(returned.data)) if returned.data else None,
    )


def _inner(item: InnerInstruction) -> dict[str, Any]:
    compiled = item.instruction()
    return {
        "programIdIndex": compiled.program_id_index,
        "accounts": list(compiled.accounts),
        "data": base58.encode(bytes(compiled.data)),
        "stackHeight": json.loads(item.to_json())["stackHeight"],
    }
