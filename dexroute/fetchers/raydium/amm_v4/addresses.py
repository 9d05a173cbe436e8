"""Addresses of the AMM v4 program: its id, its authority, and the accounts it derives from a market.

Seeds: raydium-io/raydium-amm@27f461d, program/src/processor.rs (`AUTHORITY_AMM`, `*_ASSOCIATED_SEED`, `AMM_CONFIG_SEED`).
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8")
AUTHORITY_NONCE: Final = 254
# PDA ["amm authority"] with the nonce above, spelled out because deriving it costs every start a search.
AUTHORITY: Final = Pubkey.from_string("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1")


def authority_address(nonce: int) -> Pubkey | None:
    """Who owns the vaults of a pool with this nonce (u8); None where no address has it."""
    if nonce == AUTHORITY_NONCE:
        return AUTHORITY
    try:
        return Pubkey.create_program_address([b"amm authority", bytes([nonce])], PROGRAM_ID)
    except Exception:  # solders raises its own kind for a point on the curve
        return None


def pool_address(market: Pubkey) -> Pubkey:
    """The pool made for a market."""
    return _of_market(market, b"amm_associated_seed")


def vault_addresses(market: Pubkey) -> tuple[Pubkey, Pubkey]:
    """The coin and the pc vault of the pool made for a market."""
    return _of_market(market, b"coin_vault_associated_seed"), _of_market(market, b"pc_vault_associated_seed")


def open_orders_address(market: Pubkey) -> Pubkey:
    return _of_market(market, b"open_order_associated_seed")


def _of_market(market: Pubkey, suffix: bytes) -> Pubkey:
    return Pubkey.find_program_address([bytes(PROGRAM_ID), bytes(market), suffix], PROGRAM_ID)[0]
