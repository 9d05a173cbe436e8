"""Addresses of the CPMM program: its id, its authority, and the accounts it derives.

Seeds: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/{lib,states/pool,states/config,states/oracle}.rs.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
# PDA ["vault_and_lp_mint_auth_seed"], spelled out because deriving it costs every start a search.
AUTHORITY: Final = Pubkey.from_string("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL")


def config_address(index: int) -> Pubkey:
    """The fee configuration number `index` (u16)."""
    return _derive(b"amm_config", index.to_bytes(2, "big"))


def pool_address(config: Pubkey, mint_0: Pubkey, mint_1: Pubkey) -> Pubkey:
    """The pool of a configuration and two mints, `mint_0 < mint_1` by bytes. Pools may also live at other addresses."""
    return _derive(b"pool", bytes(config), bytes(mint_0), bytes(mint_1))


def vault_address(pool: Pubkey, mint: Pubkey) -> Pubkey:
    return _derive(b"pool_vault", bytes(pool), bytes(mint))


def observation_address(pool: Pubkey) -> Pubkey:
    return _derive(b"observation", bytes(pool))


def _derive(*seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), PROGRAM_ID)[0]
