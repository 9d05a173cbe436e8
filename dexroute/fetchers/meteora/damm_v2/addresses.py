"""Addresses of the DAMM v2 program: its id, its authorities, and the accounts it derives.

Seeds: MeteoraAg/damm-v2@a3d3827, programs/cp-amm/src/constants.rs (seeds) and const_pda.rs.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG")
# PDAs ["pool_authority"] and ["__event_authority"], spelled out because deriving them costs every start a search.
POOL_AUTHORITY: Final = Pubkey.from_string("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC")
EVENT_AUTHORITY: Final = Pubkey.from_string("3rmHSu74h1ZcmAisVcWerTCiRDQbUrBKmcwptYGjHfet")
INSTRUCTIONS_SYSVAR: Final = Pubkey.from_string("Sysvar1nstructions1111111111111111111111111")


def vault_address(pool: Pubkey, mint: Pubkey) -> Pubkey:
    return _derive(b"token_vault", bytes(mint), bytes(pool))


def customizable_pool_address(mint: Pubkey, other_mint: Pubkey) -> Pubkey:
    """The pool two mints have at most one of, in either order."""
    return _derive(b"cpool", *_larger_first(mint, other_mint))


def config_pool_address(config: Pubkey, mint: Pubkey, other_mint: Pubkey) -> Pubkey:
    """The pool of two mints under a configuration, in either order."""
    return _derive(b"pool", bytes(config), *_larger_first(mint, other_mint))


def _larger_first(mint: Pubkey, other_mint: Pubkey) -> list[bytes]:
    return sorted((bytes(mint), bytes(other_mint)), reverse=True)


def _derive(*seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), PROGRAM_ID)[0]
