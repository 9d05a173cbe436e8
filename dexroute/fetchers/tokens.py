"""Mint and token-account bytes of SPL Token and Token-2022.

Layouts: solana-program/token, interface/src/state.rs (Mint 82 bytes, Account 165 bytes); solana-program/token-2022,
interface/src/extension/mod.rs (account type at byte 165, then type-length-value entries from 166).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from solders.pubkey import Pubkey

from dexroute.errors import DecodeError, UnsupportedMint
from dexroute.fetchers.layout import Reader, require_account
from dexroute.types.accounts import AccountData, AccountSnapshot
from dexroute.types.mints import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID, Mint, TransferFee

MINT_LENGTH: Final = 82
TOKEN_ACCOUNT_LENGTH: Final = 165
_TLV_START: Final = 166
_ACCOUNT_TYPE_MINT: Final = 1
_TRANSFER_FEE_CONFIG: Final = 1
# Extensions with which a transfer is still exactly what this package computes. Everything else is refused by name:
# a hook, a permanent delegate or a pause can take or stop the money between quote and swap.
_HARMLESS: Final = {
    _TRANSFER_FEE_CONFIG,
    3,  # mint close authority (a mint with supply cannot be closed)
    10,  # interest-bearing (changes the displayed amount only)
    18,  # metadata pointer
    19,  # token metadata
    20,  # group pointer
    21,  # token group
    22,  # group member pointer
    23,  # token group member
    25,  # scaled UI amount (changes the displayed amount only)
}
_EXTENSION_NAMES: Final = {
    4: "confidential transfers",
    6: "default account state",
    9: "non-transferable",
    12: "permanent delegate",
    14: "transfer hook",
    16: "confidential transfer fee",
    24: "confidential mint and burn",
    26: "pausable",
}


def token_program_of(account: AccountData, *, pool: Pubkey, field: str) -> Pubkey:
    """The token program owning this account. Raises DecodeError when it is neither of the two."""
    if account.owner not in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
        raise DecodeError(
            f"pool {pool}: {field} account is owned by {account.owner}, which is no token program",
            pool=str(pool),
            field=f"{field}.owner",
        )
    return account.owner


def tlv_entries(data: bytes, *, pool: Pubkey, field: str) -> Iterator[tuple[int, bytes]]:
    """(extension type, body) entries after the account type byte. Raises DecodeError when they do not add up."""
    offset = _TLV_START
    while offset + 4 <= len(data):
        kind = int.from_bytes(data[offset : offset + 2], "little")
        length = int.from_bytes(data[offset + 2 : offset + 4], "little")
        if kind == 0:
            return
        body = data[offset + 4 : offset + 4 + length]
        if len(body) != length:
            raise DecodeError(f"pool {pool}: {field} extension {kind} is cut off", pool=str(pool), field=f"{field}.extensions")
        yield kind, body
        offset += 4 + length


def decode_mint(snapshot: AccountSnapshot, address: Pubkey, *, pool: Pubkey, field: str) -> Mint:
    """A mint with the transfer fee in force at the snapshot's epoch.

    Raises DecodeError for bytes that are no mint, UnsupportedMint for a Token-2022 extension that could make a transfer
    differ from its arithmetic (hooks, delegates, pauses, frozen defaults, non-transferable).
    """
    account = require_account(snapshot, address, pool=pool, field=field)
    program = token_program_of(account, pool=pool, field=field)
    data = account.data
    extended = program == TOKEN_2022_PROGRAM_ID and len(data) > _TLV_START
    if len(data) != MINT_LENGTH and not (extended and data[_TLV_START - 1] == _ACCOUNT_TYPE_MINT):
        raise DecodeError(
            f"pool {pool}: {field} account ({len(data)} bytes) is not a mint", pool=str(pool), field=f"{field}.length"
        )
    reader = Reader(data)
    if reader.u8(45) != 1:
        raise DecodeError(f"pool {pool}: {field} mint {address} is not initialized", pool=str(pool), field=f"{field}.initialized")
    fee = _transfer_fee_in_force(data, snapshot.clock.epoch, address, pool=pool, field=field) if extended else None
    return Mint(address=address, decimals=reader.u8(44), token_program=program, transfer_fee=fee)


def _transfer_fee_in_force(data: bytes, epoch: int, address: Pubkey, *, pool: Pubkey, field: str) -> TransferFee | None:
    fee: TransferFee | None = None
    for kind, body in tlv_entries(data, pool=pool, field=field):
        if kind not in _HARMLESS:
            name = _EXTENSION_NAMES.get(kind, f"extension {kind}")
            raise UnsupportedMint(
                f"pool {pool}: {field} mint {address} carries {name}, so a quote could not be kept; the pool is refused",
                pool=str(pool),
                field=f"{field}.extensions",
                extension=kind,
            )
        if kind == _TRANSFER_FEE_CONFIG:
            if len(body) != 108:
                raise DecodeError(
                    f"pool {pool}: {field} transfer fee holds {len(body)} bytes, expected 108",
                    pool=str(pool),
                    field=f"{field}.transfer_fee",
                )
            older, newer = _fee_record(body, 72), _fee_record(body, 90)
            fee = newer if epoch >= newer.epoch else older
            if fee.bps > 10_000:
                raise DecodeError(
                    f"pool {pool}: {field} transfer fee of {fee.bps} bps is above 100 %",
                    pool=str(pool),
                    field=f"{field}.transfer_fee",
                )
    return fee


def _fee_record(body: bytes, offset: int) -> TransferFee:
    reader = Reader(body)
    return TransferFee(epoch=reader.u64(offset), maximum=reader.u64(offset + 8), bps=reader.u16(offset + 16))


def decode_token_amount(snapshot: AccountSnapshot, address: Pubkey, *, mint: Pubkey, pool: Pubkey, field: str) -> int:
    """The balance of a token account of `mint`, base units. Raises DecodeError."""
    account = require_account(snapshot, address, pool=pool, field=field)
    token_program_of(account, pool=pool, field=field)
    if len(account.data) < TOKEN_ACCOUNT_LENGTH:
        raise DecodeError(
            f"pool {pool}: {field} account ({len(account.data)} bytes) is no token account",
            pool=str(pool),
            field=f"{field}.length",
        )
    reader = Reader(account.data)
    if reader.pubkey(0) != mint:
        raise DecodeError(
            f"pool {pool}: {field} account {address} holds {reader.pubkey(0)}, expected {mint}",
            pool=str(pool),
            field=f"{field}.mint",
        )
    return reader.u64(64)
