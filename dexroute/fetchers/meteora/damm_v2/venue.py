"""The venue `meteora-damm-v2`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from dexroute.fetchers.base import SwapCall, VenueCapabilities
from dexroute.fetchers.meteora.damm_v2.addresses import PROGRAM_ID
from dexroute.fetchers.meteora.damm_v2.decode import POOL_LAYOUT, decode_damm_v2_pool
from dexroute.fetchers.meteora.damm_v2.instruction import SWAPS
from dexroute.fetchers.meteora.damm_v2.pool import DammV2Pool
from dexroute.fetchers.swap_layout import read_swap
from dexroute.types.accounts import AccountSnapshot

_CAPABILITIES: Final = VenueCapabilities(
    exact_in=True,
    exact_out=True,
    token_2022=True,
    swap_compute_units=75_000,
    swap_calls=3,
    pool_filters=POOL_LAYOUT.filters,
    mint_offsets=POOL_LAYOUT.mint_offsets,
    slippage_error_codes=frozenset({6002}),  # ExceededSlippage
)


@dataclass(frozen=True, slots=True)
class MeteoraDammV2:
    """Meteora's program for dynamic pools. DAMM v1 pools share its pool discriminator; the owner tells them apart."""

    id: ClassVar[str] = "meteora-damm-v2"
    label: ClassVar[str] = "Meteora DAMM v2"
    program_id: ClassVar[Pubkey] = PROGRAM_ID
    capabilities: ClassVar[VenueCapabilities] = _CAPABILITIES

    def required_accounts(self, address: Pubkey, known: AccountSnapshot) -> frozenset[Pubkey]:
        return POOL_LAYOUT.required_accounts(address, known)

    def decode_pool(self, address: Pubkey, snapshot: AccountSnapshot) -> DammV2Pool:
        return decode_damm_v2_pool(address, snapshot)

    def decode_swap(self, instruction: Instruction) -> SwapCall:
        return read_swap(instruction, SWAPS.values(), venue=self.id, program_id=self.program_id)
