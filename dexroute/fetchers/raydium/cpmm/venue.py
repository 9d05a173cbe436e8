"""The venue `raydium-cpmm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.raydium.cpmm.addresses import PROGRAM_ID
from dexroute.fetchers.raydium.cpmm.decode import POOL_LAYOUT, decode_cpmm_pool
from dexroute.fetchers.raydium.cpmm.instruction import SWAPS
from dexroute.fetchers.raydium.cpmm.pool import CpmmPool
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=True,
    swap_compute_units=60_000,
    swap_calls=2,
    pool_filters=POOL_LAYOUT.filters,
    mint_offsets=POOL_LAYOUT.mint_offsets,
    slippage_error_codes=frozenset({6005}),  # ExceededSlippage
)


@dataclass(frozen=True, slots=True)
class RaydiumCpmm:
    """Raydium's constant-product program. Its pools share a discriminator with CLMM pools; the owner tells them apart."""

    id: ClassVar[str] = "raydium-cpmm"
    label: ClassVar[str] = "Raydium CPMM"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        return POOL_LAYOUT.required_accounts(address, known)

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> CpmmPool:
        return decode_cpmm_pool(address, snapshot)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, SWAPS.values(), venue=self.id, program_id=self.program_id)
