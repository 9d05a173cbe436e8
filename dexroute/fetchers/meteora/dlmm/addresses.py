"""Addresses of the DLMM program: its id, its event authority, and the accounts it derives.

Seeds: MeteoraAg/dlmm-sdk@fb02e51, commons/src/{seeds,pda}.rs.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo")
# PDA ["__event_authority"], spelled out because deriving it costs every start a search.
EVENT_AUTHORITY: Final = Pubkey.from_string("D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6")
MEMO_PROGRAM_ID: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


def bin_array_address(pair: Pubkey, index: int) -> Pubkey:
    """The account of the 70 bins from `index * 70` on."""
    return _derive(b"bin_array", bytes(pair), index.to_bytes(8, "little", signed=True))


def bitmap_extension_address(pair: Pubkey) -> Pubkey:
    """The account that tells which bin arrays hold liquidity outside indexes -512 to 511. It exists only where it was needed."""
    return _derive(b"bitmap", bytes(pair))


def _derive(*seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), PROGRAM_ID)[0]
