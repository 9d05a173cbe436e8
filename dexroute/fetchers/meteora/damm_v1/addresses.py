"""Addresses around the DAMM v1 program, and the staking programs its pegged pools follow.

Sources: MeteoraAg/damm-v1-sdk@02c66a3, programs/dynamic-amm/src/lib.rs, programs/dynamic-vault/src/lib.rs,
dynamic-amm-quote/src/depeg/*.rs.
"""

from __future__ import annotations

from typing import Final

from solders.pubkey import Pubkey

PROGRAM_ID: Final = Pubkey.from_string("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB")
VAULT_PROGRAM_ID: Final = Pubkey.from_string("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi")

MARINADE_PROGRAM_ID: Final = Pubkey.from_string("MarBmsSgKXdrN1egZf5sqe1TMai9K1rChYNDJgjq7aD")
MARINADE_STATE: Final = Pubkey.from_string("8szGkuLTAux9XMgZ2vtY39jVSowEcpBfFfD8hXSEqdGC")
LIDO_PROGRAM_ID: Final = Pubkey.from_string("CrX7kMhLC3cSsXJdT7JDgqrRVWGnUpX3gfEfxxU2NVLi")
LIDO_STATE: Final = Pubkey.from_string("49Yi1TKkNyYjPAFdR9LBvoHcUjuPX4Df5T5yv39w2XTn")
# The SPL stake pool program and its two deployments by Sanctum.
STAKE_POOL_PROGRAM_IDS: Final = (
    Pubkey.from_string("SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy"),
    Pubkey.from_string("SP12tWFxD9oJsVWNavTTBZvMbA6gkAmxtVgxdqvyvhY"),
    Pubkey.from_string("SPMBzsVUuoHA4Jm6KunbsotaahvVikZs1JyTW6iJvbn"),
)
