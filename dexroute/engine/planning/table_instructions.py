"""Instructions of the address lookup table program.

Source: solana-program/address-lookup-table, program/src/instruction.rs (bincode: a u32 variant, then its fields).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from solders.address_lookup_table_account import ID as LOOKUP_TABLE_PROGRAM_ID
from solders.address_lookup_table_account import derive_lookup_table_address
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM_ID

from dexroute.fetchers.base import Pool, SwapRequest
from dexroute.types.requests import QuoteRequest

MOST_ADDED: Final = 25
"""Addresses one transaction can add beside a table's creation and a compute budget."""
_CREATE, _EXTEND, _DEACTIVATE, _CLOSE = (kind.to_bytes(4, "little") for kind in (0, 2, 3, 4))
_PLACES: Final = tuple(Pubkey(bytes([254, place]) * 16) for place in range(3))
_SMALL_SWAP: Final = 10_000


def create_table(authority: Pubkey, recent_slot: int) -> tuple[Instruction, Pubkey]:
    """The instruction, and the address of the table it makes: derived from the authority, who also pays, and a recent slot
    that has a block."""
    address, bump = derive_lookup_table_address(authority, recent_slot)
    accounts = [_written(address), *_authority_and_payer(authority)]
    return Instruction(LOOKUP_TABLE_PROGRAM_ID, _CREATE + recent_slot.to_bytes(8, "little") + bytes([bump]), accounts), address


def extend_table(table: Pubkey, authority: Pubkey, addresses: Sequence[Pubkey]) -> Instruction:
    """Adds addresses, the authority paying their rent. They serve from the next slot on."""
    body = _EXTEND + len(addresses).to_bytes(8, "little") + b"".join(map(bytes, addresses))
    return Instruction(LOOKUP_TABLE_PROGRAM_ID, body, [_written(table), *_authority_and_payer(authority)])


def deactivate_table(table: Pubkey, authority: Pubkey) -> Instruction:
    """From now on no message should name it; it can be closed once this slot has left the cluster's recent 512."""
    return Instruction(LOOKUP_TABLE_PROGRAM_ID, _DEACTIVATE, [_written(table), _signing(authority)])


def close_table(table: Pubkey, authority: Pubkey) -> Instruction:
    """Closes a deactivated table; its rent goes to the authority."""
    return Instruction(LOOKUP_TABLE_PROGRAM_ID, _CLOSE, [_written(table), _signing(authority), _written(authority)])


def swap_accounts(pool: Pool) -> tuple[Pubkey, ...]:
    """What a table for swaps of this pool holds, in either direction: every account a swap names but the wallet's own and
    the program, which a message must name itself. Where accounts vary with the price, those around the present one. Raises
    QuoteError when the pool cannot build a swap."""
    user, source, destination = _PLACES
    first, second = (mint.address for mint in pool.mints)
    found: dict[Pubkey, None] = {}
    for pair in ((first, second), (second, first)):
        request = QuoteRequest(input_mint=pair[0], output_mint=pair[1], amount=_SMALL_SWAP)
        swap = pool.swap_instruction(SwapRequest(quote=request, limit=1, user=user, source=source, destination=destination))
        found |= dict.fromkeys(meta.pubkey for meta in swap.accounts if meta.pubkey != swap.program_id)
    return tuple(key for key in found if key not in _PLACES)


def _authority_and_payer(authority: Pubkey) -> tuple[AccountMeta, ...]:
    return _signing(authority), AccountMeta(authority, is_signer=True, is_writable=True), _read(SYSTEM_PROGRAM_ID)


def _written(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=True)


def _read(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=False, is_writable=False)


def _signing(key: Pubkey) -> AccountMeta:
    return AccountMeta(key, is_signer=True, is_writable=False)
