"""Addresses of the CLMM program: its id and the accounts it derives.

Seeds: raydium-io/raydium-clmm@a5a46ff, programs/amm/src/states/{config,pool,oracle,tick_array,tickarray_bitmap_extension}.rs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK")
MEMO_PROGRAM_ID: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


def config_address(index: int) -> Pubkey:
    """The fee configuration number `index` (u16)."""
    return _derive(b"amm_config", index.to_bytes(2, "big"))


def pool_address(config: Pubkey, mint_0: Pubkey, mint_1: Pubkey) -> Pubkey:
    """The pool of a configuration and two mints, `mint_0 < mint_1` by bytes."""
    return _derive(b"pool", bytes(config), bytes(mint_0), bytes(mint_1))


def vault_address(pool: Pubkey, mint: Pubkey) -> Pubkey:
    return _derive(b"pool_vault", bytes(pool), bytes(mint))


def observation_address(pool: Pubkey) -> Pubkey:
    return _derive(b"observation", bytes(pool))


@lru_cache(maxsize=1 << 13)
def bitmap_extension_address(pool: Pubkey) -> Pubkey:
    """Which tick arrays exist outside the pool's own bitmap."""
    return _derive(b"pool_tick_array_bitmap_extension", bytes(pool))


@lru_cache(maxsize=1 << 14)
def tick_array_address(pool: Pubkey, start_tick: int) -> Pubkey:
    return _derive(b"tick_array", bytes(pool), start_tick.to_bytes(4, "big", signed=True))


def _derive(*seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), PROGRAM_ID)[0]
