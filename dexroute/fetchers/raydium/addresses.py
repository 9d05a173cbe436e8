"""Accounts that Raydium's CPMM and CLMM programs derive alike.

Seeds: raydium-io/raydium-cp-swap@609780f, programs/cp-swap/src/states/{pool,config,oracle}.rs; raydium-io/raydium-clmm@a5a46ff,
programs/amm/src/states/{config,pool,oracle}.rs.
"""

from __future__ import annotations

from dataclasses import dataclass

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class RaydiumAddresses:
    """The derived accounts of one of the two programs."""

    program_id: Pubkey

    def config(self, index: int) -> Pubkey:
        """The fee configuration number `index` (u16)."""
        return self.derive(b"amm_config", index.to_bytes(2, "big"))

    def pool(self, config: Pubkey, mint_0: Pubkey, mint_1: Pubkey) -> Pubkey:
        """The pool of a configuration and two mints, `mint_0 < mint_1` by bytes. CPMM pools may also live at other addresses."""
        return self.derive(b"pool", bytes(config), bytes(mint_0), bytes(mint_1))

    def vault(self, pool: Pubkey, mint: Pubkey) -> Pubkey:
        return self.derive(b"pool_vault", bytes(pool), bytes(mint))

    def observation(self, pool: Pubkey) -> Pubkey:
        return self.derive(b"observation", bytes(pool))

    def derive(self, *seeds: bytes) -> Pubkey:
        return Pubkey.find_program_address(list(seeds), self.program_id)[0]
