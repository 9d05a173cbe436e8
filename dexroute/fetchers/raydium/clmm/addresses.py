"""Addresses of the CLMM program: its id and the accounts it derives.

Seeds: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/states/{tick_array,tickarray_bitmap_extension}.rs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.addresses import RaydiumAddresses

PROGRAM_ID: Final = Pubkey.from_string("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK")
MEMO_PROGRAM_ID: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
ADDRESSES: Final = RaydiumAddresses(PROGRAM_ID)


@lru_cache(maxsize=1 << 13)
def bitmap_extension_address(pool: Pubkey) -> Pubkey:
    """Which tick arrays exist outside the pool's own bitmap."""
    return ADDRESSES.derive(b"pool_tick_array_bitmap_extension", bytes(pool))


@lru_cache(maxsize=1 << 14)
def tick_array_address(pool: Pubkey, start_tick: int) -> Pubkey:
    return ADDRESSES.derive(b"tick_array", bytes(pool), start_tick.to_bytes(4, "big", signed=True))
