"""A transaction's message with its lookup tables resolved: all accounts, in the order the runtime numbers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from dexroute.localnet.accounts import StoredAccount

_TABLE_META_LENGTH: Final = 56  # solana-address-lookup-table-interface: LOOKUP_TABLE_META_SIZE
MAX_ACCOUNT_LOCKS: Final = 64


class UnresolvedError(Exception):
    """The message names a table or an index that is not there; `error` is the cluster's JSON for it."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedMessage:
    """`keys` are the message's own accounts, then the loaded writable ones, then the loaded read-only ones."""

    message: Message | MessageV0
    keys: tuple[Pubkey, ...]
    loaded_writable: tuple[Pubkey, ...]
    loaded_readonly: tuple[Pubkey, ...]

    @property
    def payer(self) -> Pubkey:
        return self.keys[0]

    @property
    def static_count(self) -> int:
        return len(self.message.account_keys)

    def is_signer(self, index: int) -> bool:
        return index < self.message.header.num_required_signatures

    def is_writable(self, index: int) -> bool:
        header = self.message.header
        if index >= self.static_count:
            return index < self.static_count + len(self.loaded_writable)
        if index < header.num_required_signatures:
            return index < header.num_required_signatures - header.num_readonly_signed_accounts
        return index < self.static_count - header.num_readonly_unsigned_accounts

    @property
    def writable(self) -> tuple[Pubkey, ...]:
        return tuple(key for index, key in enumerate(self.keys) if self.is_writable(index))


def resolve(transaction: VersionedTransaction, account: Callable[[Pubkey], StoredAccount | None], slot: int) -> ResolvedMessage:
    """The message of a sanitized transaction. Raises UnresolvedError with what the runtime would answer."""
    message = transaction.message
    writable: list[Pubkey] = []
    readonly: list[Pubkey] = []
    if isinstance(message, MessageV0):
        for lookup in message.address_table_lookups:
            addresses = _table_addresses(account(lookup.account_key), slot)
            try:
                writable += [addresses[index] for index in lookup.writable_indexes]
                readonly += [addresses[index] for index in lookup.readonly_indexes]
            except IndexError:
                raise UnresolvedError("InvalidAddressLookupTableIndex") from None
    keys = (*message.account_keys, *writable, *readonly)
    if len(set(keys)) != len(keys):
        raise UnresolvedError("AccountLoadedTwice")
    if len(keys) > MAX_ACCOUNT_LOCKS:
        raise UnresolvedError("TooManyAccountLocks")
    return ResolvedMessage(message=message, keys=keys, loaded_writable=tuple(writable), loaded_readonly=tuple(readonly))


def _table_addresses(table: StoredAccount | None, slot: int) -> list[Pubkey]:
    """Addresses usable in `slot`: those added in this very slot are not yet (state.rs: AddressLookupTable::lookup)."""
    if table is None:
        raise UnresolvedError("AddressLookupTableNotFound")
    if table.owner != LOOKUP_TABLE_PROGRAM_ID:
        raise UnresolvedError("InvalidAddressLookupTableOwner")
    data = table.data
    if len(data) < _TABLE_META_LENGTH or data[0] != 1 or (len(data) - _TABLE_META_LENGTH) % 32:
        raise UnresolvedError("InvalidAddressLookupTableData")
    last_extended_slot = int.from_bytes(data[12:20], "little")
    count = data[20] if slot <= last_extended_slot else (len(data) - _TABLE_META_LENGTH) // 32
    start = _TABLE_META_LENGTH
    return [Pubkey(data[start + 32 * i : start + 32 * (i + 1)]) for i in range(count)]
