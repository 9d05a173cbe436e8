"""Addresses of the CPMM program: its id, its authority, and the accounts it derives.

Seed of the authority: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/lib.rs.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

from dexroute.fetchers.raydium.addresses import RaydiumAddresses

PROGRAM_ID: Final = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
# PDA ["vault_and_lp_mint_auth_seed"], spelled out because deriving it costs every start a search.
AUTHORITY: Final = Pubkey.from_string("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL")
ADDRESSES: Final = RaydiumAddresses(PROGRAM_ID)
