"""Mints, and the Token-2022 transfer fee they may charge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from solders.pubkey import Pubkey

TOKEN_PROGRAM_ID: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM_ID: Final = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM_ID: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
NATIVE_MINT: Final = Pubkey.from_string("So11111111111111111111111111111111111111112")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFee:
    """One transfer-fee record of a Token-2022 mint: `bps` of the sent amount, rounded up, at most `maximum` base units."""

    epoch: int
    bps: int
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """A token's mint as far as swapping it needs. `transfer_fee` is the record in force at the snapshot's epoch
    (None: transfers arrive whole)."""

    address: Pubkey
    decimals: int
    token_program: Pubkey
    transfer_fee: TransferFee | None = None
