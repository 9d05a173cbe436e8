"""Lookup tables from untrusted bytes, and which of them a message takes.

Source: solana-program/address-lookup-table, interface/src/state.rs (ProgramState, LookupTableMeta: 56 bytes, then addresses).
A table can only grow; what an index means never changes while the table lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from dexroute.engine.planning.message import budget_instructions
from dexroute.engine.planning.size import MAX_TRANSACTION_BYTES, Measured, Shape, UsableTable, measure, shape_of
from dexroute.engine.planning.swap_plan import SwapPlan
from dexroute.errors import LookupTableUnusable
from dexroute.fetchers.layout import Reader
from dexroute.math.rounding import U64_MAX
from dexroute.types.accounts import AccountData
from dexroute.types.chain import AccountsAtSlot
from dexroute.types.lookup_tables import LookupTable
from dexroute.types.network import MAX_COMPUTE_UNITS

META_LENGTH: Final = 56
MOST_ADDRESSES: Final = 256
RECENT_BLOCKS: Final = 512
_SLOT_HASH_LENGTH: Final = 8 + 32
_LOOKUP_TABLE: Final = 1  # the program state's discriminant; 0 is uninitialized


def decode_lookup_table(address: Pubkey, account: AccountData | None, slot: int) -> LookupTable:
    """The table as read at `slot`. Raises LookupTableUnusable when there is none, another program owns it, or it is malformed."""
    if account is None:
        raise _unusable(address, slot, "missing", "does not exist; it was closed, or never created on this cluster")
    if account.owner != LOOKUP_TABLE_PROGRAM_ID:
        raise _unusable(address, slot, "owner", f"is owned by {account.owner}, not by the lookup table program")
    data = account.data
    if len(data) < META_LENGTH or int.from_bytes(data[:4], "little") != _LOOKUP_TABLE:
        raise _unusable(address, slot, "malformed", f"holds {len(data)} bytes that are no initialized lookup table")
    if (len(data) - META_LENGTH) % 32 or (len(data) - META_LENGTH) // 32 > MOST_ADDRESSES or data[21] > 1:
        raise _unusable(address, slot, "malformed", f"holds {len(data)} bytes, which is no whole number of addresses up to 256")
    reader = Reader(data)
    deactivation = reader.u64(4)
    addresses = tuple(Pubkey(data[start : start + 32]) for start in range(META_LENGTH, len(data), 32))
    return LookupTable(
        address=address,
        authority=reader.pubkey(22) if data[21] else None,
        addresses=addresses,
        deactivation_slot=None if deactivation == U64_MAX else deactivation,
        last_extended_slot=reader.u64(12),
        last_extended_start=reader.u8(20),
        lamports=account.lamports,
        slot=slot,
    )


def require_usable(table: LookupTable) -> LookupTable:
    """The table itself. Raises LookupTableUnusable when it is deactivated, empty, or all its addresses were added in this slot."""
    if table.deactivation_slot is not None:
        raise _unusable(table.address, table.slot, "deactivated", f"was deactivated at slot {table.deactivation_slot}")
    if not table.addresses:
        raise _unusable(table.address, table.slot, "empty", "holds no address yet")
    if not table.usable:
        raise _unusable(
            table.address, table.slot, "warming_up", "got its addresses in this very slot; they serve from the next one"
        )
    return table


def blocks_until_closable(table: LookupTable, slot_hashes: AccountData | None) -> int:
    """How many more blocks a deactivated table must wait: while its slot is among the cluster's recent 512 it cannot be closed
    (state.rs, LookupTableMeta::status). `slot_hashes` is that sysvar's account, newest first; 0 when it may be closed now."""
    assert table.deactivation_slot is not None, "an active table is deactivated first"
    data = b"" if slot_hashes is None else slot_hashes.data
    count = min(int.from_bytes(data[:8], "little"), (len(data) - 8) // _SLOT_HASH_LENGTH) if len(data) >= 8 else 0
    recent = [int.from_bytes(data[8 + _SLOT_HASH_LENGTH * place :][:8], "little") for place in range(count)]
    if table.deactivation_slot in recent:
        return RECENT_BLOCKS - recent.index(table.deactivation_slot)
    return RECENT_BLOCKS + 1 if not recent or table.deactivation_slot > recent[0] else 0


def as_tables(found: Iterable[LookupTable], own_accounts: frozenset[Pubkey]) -> tuple[UsableTable, ...]:
    """What a message may take from these tables, those with nothing to give left out.

    The wallet's own accounts are masked: where a swap pays to stands in the signed message itself, so that no node's word about a
    table's content can send it elsewhere.
    """
    tables = []
    for table in found:
        # The table's own address stands where nothing may be taken: no instruction names it.
        addresses = [table.address if key in own_accounts else key for key in table.usable]
        if addresses:
            account = AddressLookupTableAccount(table.address, addresses)
            tables.append(UsableTable(account, frozenset(addresses) - {table.address}))
    return tuple(tables)


def choose_tables(
    shapes: Sequence[Shape], payer: Pubkey, tables: Sequence[UsableTable]
) -> tuple[tuple[UsableTable, ...], Measured]:
    """The tables to take, and what the message then measures.

    None where the message fits without: each table is one more account that must be as it was read. Otherwise the one that saves
    most is added (the first of equals), until the message fits or nothing is saved any more.
    """
    chosen: tuple[UsableTable, ...] = ()
    best = measure(shapes, payer, chosen)
    left = list(tables)
    while best.bytes > MAX_TRANSACTION_BYTES and left:
        tried = [(measure(shapes, payer, (*chosen, table)), place) for place, table in enumerate(left)]
        measured, place = min(tried, key=lambda one: (one[0].bytes, one[1]))
        if measured.bytes >= best.bytes:
            break
        chosen, best = (*chosen, left.pop(place)), measured
    return chosen, best


def readable_tables(addresses: Iterable[Pubkey], read: AccountsAtSlot) -> tuple[LookupTable, ...]:
    """The tables among these accounts, those that are none left out: somebody's table may be closed at any time."""
    found = []
    for address in addresses:
        try:
            found.append(decode_lookup_table(address, read.accounts[address], read.slot))
        except LookupTableUnusable:
            continue
    return tuple(found)


def with_tables(plan: SwapPlan, tables: Sequence[UsableTable]) -> SwapPlan:
    """The plan with those of the tables its message takes."""
    if not tables:
        return plan
    instructions = (*budget_instructions(MAX_COMPUTE_UNITS, 0), *plan.instructions)
    chosen, _ = choose_tables([shape_of(one) for one in instructions], plan.wallet.user, tables)
    return replace(plan, lookup_tables=tuple(table.account for table in chosen))


def _unusable(address: Pubkey, slot: int, reason: str, said: str) -> LookupTableUnusable:
    return LookupTableUnusable(
        f"lookup table {address} {said} (slot {slot}); see `dex tables list`", table=str(address), reason=reason, slot=str(slot)
    )
